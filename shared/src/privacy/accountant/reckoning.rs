//! What a ledger comes to, kept between questions: equal mechanisms are one with a count, curves are added up once, and
//! distributions of privacy loss are composed only where curves alone would say no. A ledger of a thousand rounds is so
//! asked as quickly as one of ten.

use std::collections::HashMap;

use super::event::{Event, Mechanism, Unit};
use super::ledger::{Budget, Ledger, MOST_EVENTS, Spent};
use super::pld;
use super::rdp::Curve;

/// How often something long was reckoned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Curves of a step.
    pub curves: u64,
    /// Mechanisms whose distributions were composed, all together.
    pub composed: u64,
}

/// What is known of a ledger. It belongs to one that only grows; of another it begins anew.
#[derive(Debug, Default)]
pub struct Reckoning {
    window: Total,
    plant: Total,
    /// Events that are in the totals, and the last of them.
    counted: (usize, Option<Event>),
    curves: HashMap<Key, Curve>,
    /// What was asked of distributions since the last event.
    answers: Vec<(Question, bool)>,
    work: Work,
}

/// What was spent of a unit.
#[derive(Debug, Default)]
struct Total {
    curve: Curve,
    /// Equal ones together, in the order in which they came first.
    mechanisms: Vec<Mechanism>,
    places: HashMap<Key, usize>,
}

/// A mechanism but for its count, bit by bit.
type Key = [u64; 5];

/// A question about distributions.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Question {
    unit: Unit,
    more: Mechanism,
    budget: Budget,
}

impl Reckoning {
    /// What was spent of a unit.
    pub fn spent(&mut self, ledger: &Ledger, unit: Unit, delta: f64) -> Spent {
        self.follow(ledger);
        let mechanisms = self.of(unit).mechanisms.clone();
        self.work.composed += mechanisms.len() as u64;
        Spent { rdp: self.of(unit).curve.epsilon(delta), pld: pld::epsilon(&mechanisms, delta) }
    }

    /// Whether a budget lasts for one more, and there is room to enter it.
    pub fn affords(&mut self, ledger: &Ledger, event: &Event, budget: &Budget) -> bool {
        if ledger.events().contains(event) {
            return true;
        }
        ledger.events().len() < MOST_EVENTS && self.holds(ledger, event.unit, event.mechanism, budget)
    }

    /// Whether a budget lasts for more besides what was spent. Curves decide most; only when they say no are
    /// distributions asked.
    pub fn holds(&mut self, ledger: &Ledger, unit: Unit, more: Mechanism, budget: &Budget) -> bool {
        self.by_curves(ledger, unit, more, budget.delta) <= budget.epsilon
            || self.by_distributions(Question { unit, more, budget: *budget })
    }

    /// Epsilon by curves alone, with more besides what was spent. Quick, and rather too much.
    pub fn by_curves(&mut self, ledger: &Ledger, unit: Unit, more: Mechanism, delta: f64) -> f64 {
        self.follow(ledger);
        let step = self.step(&more);
        let mut curve = self.of(unit).curve.clone();
        curve.add(&step, times(&more));
        curve.epsilon(delta)
    }

    /// How often something long was reckoned so far.
    pub const fn work(&self) -> Work {
        self.work
    }

    fn by_distributions(&mut self, question: Question) -> bool {
        if let Some((_, answer)) = self.answers.iter().find(|(asked, _)| *asked == question) {
            return *answer;
        }
        let Question { unit, more, budget } = question;
        let total = self.of(unit);
        let mut all = total.mechanisms.clone();
        match total.places.get(&key(&more)).and_then(|place| all.get_mut(*place)) {
            Some(same) => *same = same.with_steps(same.steps().saturating_add(more.steps())),
            None => all.push(more),
        }
        self.work.composed += all.len() as u64;
        let answer = pld::epsilon(&all, budget.delta).is_some_and(|epsilon| epsilon <= budget.epsilon);
        if self.answers.len() >= MOST_ANSWERS {
            self.answers.remove(0);
        }
        self.answers.push((question, answer));
        answer
    }

    /// Adds what was entered since it was asked last.
    fn follow(&mut self, ledger: &Ledger) {
        let events = ledger.events();
        let (counted, last) = self.counted;
        if counted > events.len() || events[..counted].last().copied() != last {
            *self = Self { curves: std::mem::take(&mut self.curves), work: self.work, ..Self::default() };
        }
        for event in &events[self.counted.0..] {
            let step = self.step(&event.mechanism);
            match event.unit {
                Unit::Window => self.window.add(&event.mechanism, &step),
                Unit::Plant => self.plant.add(&event.mechanism, &step),
            }
        }
        if self.counted.0 < events.len() {
            self.answers.clear();
            self.counted = (events.len(), events.last().copied());
        }
    }

    /// The curve of a step, reckoned once.
    fn step(&mut self, mechanism: &Mechanism) -> Curve {
        let key = key(mechanism);
        if let Some(curve) = self.curves.get(&key) {
            return curve.clone();
        }
        self.work.curves += 1;
        let curve = Curve::of_a_step(mechanism);
        if self.curves.len() >= MOST_CURVES {
            self.curves.clear();
        }
        self.curves.insert(key, curve.clone());
        curve
    }

    const fn of(&self, unit: Unit) -> &Total {
        match unit {
            Unit::Window => &self.window,
            Unit::Plant => &self.plant,
        }
    }
}

impl Total {
    fn add(&mut self, mechanism: &Mechanism, step: &Curve) {
        self.curve.add(step, times(mechanism));
        let place = *self.places.entry(key(mechanism)).or_insert(self.mechanisms.len());
        match self.mechanisms.get_mut(place) {
            Some(same) => *same = same.with_steps(same.steps().saturating_add(mechanism.steps())),
            None => self.mechanisms.push(*mechanism),
        }
    }
}

/// How often it was used; what is none is never free.
fn times(mechanism: &Mechanism) -> u64 {
    mechanism.steps().max(u64::from(!mechanism.is_sound()))
}

const fn key(mechanism: &Mechanism) -> Key {
    match *mechanism {
        Mechanism::Gaussian { noise, .. } => [0, noise.to_bits(), 0, 0, 0],
        Mechanism::Sampled { noise, rate, .. } => [1, noise.to_bits(), rate.to_bits(), 0, 0],
        Mechanism::Discrete(of) => {
            [2, of.norm.to_bits(), of.deviation.to_bits(), of.plants as u64, of.length]
        }
    }
}

/// Curves that are remembered: plants learn under few terms at a time.
const MOST_CURVES: usize = 64;
/// Answers that are remembered: a round asks three times, about one or two events.
const MOST_ANSWERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::rdp;
    use super::super::reference::{GAUSSIAN, SAMPLED};
    use super::*;

    const BUDGET: Budget = Budget { epsilon: 4.0, delta: 1e-5 };

    fn ledger(mechanisms: impl IntoIterator<Item = Mechanism>) -> Ledger {
        let mut ledger = Ledger::default();
        for (round, mechanism) in (1..).zip(mechanisms) {
            ledger.enter(Event { unit: Unit::Window, round, attempt: 1, mechanism }).unwrap();
        }
        ledger
    }

    fn sampled(steps: u64) -> Mechanism {
        Mechanism::Sampled { noise: 1.1, rate: 0.05, steps }
    }

    #[test]
    fn a_merged_ledger_costs_what_its_events_cost() {
        let other = Mechanism::Sampled { noise: 2.0, rate: 0.2, steps: 4 };
        let plain = Mechanism::Gaussian { noise: 8.0, steps: 1 };
        let each = [sampled(20), plain, sampled(30), other, plain, sampled(20), other, other];
        let spent = Reckoning::default().spent(&ledger(each), Unit::Window, 1e-5);
        // One after the other, none with another.
        let (by_curves, by_distributions) = (rdp::epsilon(&each, 1e-5), pld::epsilon(&each, 1e-5).unwrap());
        assert!((spent.rdp - by_curves).abs() < 1e-9, "{} and {by_curves}", spent.rdp);
        let tight = spent.pld.unwrap();
        assert!((tight - by_distributions).abs() < 1e-9, "{tight} and {by_distributions}");
    }

    #[test]
    fn reference_values_come_out_of_parts_too() {
        for (noise, steps, delta, curves, tight) in GAUSSIAN.into_iter().filter(|(_, steps, ..)| *steps > 1) {
            let parts = (0..steps).map(|_| Mechanism::Gaussian { noise, steps: 1 });
            let spent = Reckoning::default().spent(&ledger(parts), Unit::Window, delta);
            assert!((spent.rdp / curves - 1.0).abs() < 1e-4 && (spent.pld.unwrap() - tight).abs() < 6e-7);
        }
        for (noise, rate, steps, delta, curves, tight) in SAMPLED.into_iter().take(4) {
            let parts = (0..steps / 10).map(|_| Mechanism::Sampled { noise, rate, steps: 10 });
            let spent = Reckoning::default().spent(&ledger(parts), Unit::Window, delta);
            let found = spent.pld.unwrap();
            assert!((spent.rdp / curves - 1.0).abs() < 1e-4, "{noise} {rate} {steps}");
            assert!(found > tight - 3e-5 && found < tight + 1e-3, "{noise} {rate} {steps}: {found}");
        }
    }

    /// Counted, not timed: the hundredth round costs no more than the second.
    #[test]
    fn rounds_cost_no_more_the_more_there_were() {
        let (mut known, mut ledger) = (Reckoning::default(), Ledger::default());
        let (mut paid, mut longest) = (0, Work::default());
        for round in 1..=400 {
            let event = Event { unit: Unit::Window, round, attempt: 1, mechanism: sampled(5) };
            let before = known.work();
            // Asked at the offer, after training and before it masks, and for the forecast.
            let answers = [(); 3].map(|()| known.affords(&ledger, &event, &BUDGET));
            assert_eq!(answers, [answers[0]; 3]);
            for rounds in [1, 2048, 1024, 512, 256, 128, 64, 32, 16, 8, 4, 2, 1] {
                known.by_curves(&ledger, Unit::Window, event.mechanism.times(rounds), BUDGET.delta);
            }
            let work = known.work();
            longest.curves = longest.curves.max(work.curves - before.curves);
            longest.composed = longest.composed.max(work.composed - before.composed);
            if !answers[0] {
                break;
            }
            ledger.enter(event).unwrap();
            paid += 1;
        }
        // One curve in all, and at the end one distribution a round.
        assert_eq!((known.work().curves, longest), (1, Work { curves: 1, composed: 1 }));
        // Distributions had a word: curves alone end sooner.
        let by_curves =
            (1..).take_while(|round| rdp::epsilon(&[sampled(5).times(*round)], 1e-5) <= 4.0).count();
        assert!(paid > by_curves && paid < 400, "{paid} rounds, {by_curves} by curves");
        // And asked anew, the same comes out.
        let again = Event { unit: Unit::Window, round: 1000, attempt: 1, mechanism: sampled(5) };
        assert!(!ledger.affords(&again, &BUDGET));
    }

    #[test]
    fn units_and_other_ledgers_do_not_mix() {
        let mut known = Reckoning::default();
        let one = ledger([sampled(20), sampled(20)]);
        let first = known.spent(&one, Unit::Window, 1e-5);
        assert_eq!(known.spent(&one, Unit::Plant, 1e-5).least(), 0.0);
        let other = ledger([Mechanism::Gaussian { noise: 8.0, steps: 1 }, sampled(40)]);
        assert_ne!(known.spent(&other, Unit::Window, 1e-5), first);
        let shorter = ledger([sampled(20)]);
        let least = known.spent(&shorter, Unit::Window, 1e-5);
        assert!(least.rdp < first.rdp);
        assert_eq!(known.spent(&one, Unit::Window, 1e-5), first);
        // What is none is never free.
        let none = Mechanism::Gaussian { noise: 0.0, steps: 0 };
        assert_eq!(known.by_curves(&one, Unit::Window, none, 1e-5), f64::INFINITY);
        assert!(!known.holds(&one, Unit::Window, none, &BUDGET));
    }
}
