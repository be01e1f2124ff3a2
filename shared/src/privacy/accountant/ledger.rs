//! The ledger of a plant: what was spent in which attempt, for each unit of privacy apart. It is a value; whoever
//! keeps it writes an event before the sum that it paid for can be opened.

use serde::{Deserialize, Serialize};

use super::event::{Event, Mechanism, Unit};
use super::reckoning::Reckoning;

/// Most events that a ledger holds; a plant with more of them has no budget left.
pub const MOST_EVENTS: usize = 1 << 16;

/// Rounds beyond which a forecast does not look.
pub const FARTHEST: u64 = 1 << 16;

/// How much may be spent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Largest epsilon.
    pub epsilon: f64,
    /// At this delta.
    pub delta: f64,
}

/// What was spent so far, at some delta.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// By Rényi curves.
    pub rdp: f64,
    /// By distributions of privacy loss; none where they are not known (noise of several plants).
    pub pld: Option<f64>,
}

/// Why an event is not taken.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum LedgerError {
    /// Noise, rate or count that are none.
    #[error("an event whose noise, rate or count is no number cannot be spent")]
    Unsound,
    /// The attempt paid otherwise before.
    #[error(
        "round {round} attempt {attempt} was entered before with another mechanism; the first entry stays"
    )]
    Contradiction {
        /// Which round.
        round: u64,
        /// Which attempt.
        attempt: u32,
    },
    /// No room.
    #[error("the ledger holds {MOST_EVENTS} events and no more; this plant takes part no longer")]
    Full,
}

/// Events, each once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ledger {
    events: Vec<Event>,
}

impl Budget {
    /// Whether what was spent stays within it: the tighter of two true bounds decides.
    pub fn holds(&self, spent: &Spent) -> bool {
        spent.least() <= self.epsilon
    }
}

impl Spent {
    /// The tighter bound; both are true.
    pub fn least(&self) -> f64 {
        self.pld.map_or(self.rdp, |pld| pld.min(self.rdp))
    }
}

impl Ledger {
    /// Enters an event. The same one again changes nothing: a restart counts nothing twice.
    pub fn enter(&mut self, event: Event) -> Result<(), LedgerError> {
        if !event.mechanism.is_sound() {
            return Err(LedgerError::Unsound);
        }
        let of = |other: &&Event| {
            (other.unit, other.round, other.attempt) == (event.unit, event.round, event.attempt)
        };
        match self.events.iter().find(of) {
            Some(before) if *before == event => return Ok(()),
            Some(_) => return Err(LedgerError::Contradiction { round: event.round, attempt: event.attempt }),
            None if self.events.len() >= MOST_EVENTS => return Err(LedgerError::Full),
            None => self.events.push(event),
        }
        Ok(())
    }

    /// All events, in the order they were entered.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// What was spent of a unit.
    pub fn spent(&self, unit: Unit, delta: f64) -> Spent {
        Reckoning::default().spent(self, unit, delta)
    }

    /// Whether a budget lasts for one more, and there is room to enter it. Whoever asks often keeps a [`Reckoning`].
    pub fn affords(&self, event: &Event, budget: &Budget) -> bool {
        Reckoning::default().affords(self, event, budget)
    }

    /// How many more rounds of this kind a budget lasts for, at most [`FARTHEST`].
    pub fn rounds_left(&self, unit: Unit, mechanism: Mechanism, budget: &Budget) -> u64 {
        if !mechanism.is_sound() {
            return 0;
        }
        let mut reckoning = Reckoning::default();
        let mut holds = |rounds| reckoning.holds(self, unit, mechanism.times(rounds), budget);
        let (mut fits, mut fails) = (0, FARTHEST + 1);
        let mut tried = 1;
        // Doubling first: far forecasts need wide distributions, near ones are the usual case.
        while fails - fits > 1 {
            if holds(tried) {
                fits = tried
            } else {
                fails = tried
            }
            tried = if fails > FARTHEST { (fits * 2).min(FARTHEST) } else { fits.midpoint(fails) };
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::rdp;
    use super::*;

    fn event(unit: Unit, round: u64, noise: f64) -> Event {
        Event { unit, round, attempt: 1, mechanism: Mechanism::Gaussian { noise, steps: 1 } }
    }

    #[test]
    fn a_ledger_of_fifty_rounds_costs_what_it_should() {
        let mut ledger = Ledger::default();
        (1..=50).for_each(|round| ledger.enter(event(Unit::Window, round, 8.0)).unwrap());
        let spent = ledger.spent(Unit::Window, 1e-5);
        assert!((spent.rdp - 4.105662).abs() < 1e-4 && (spent.pld.unwrap() - 3.796536).abs() < 1e-6);
        // Nothing of it was spent for plants.
        assert_eq!(ledger.spent(Unit::Plant, 1e-5).least(), 0.0);
        let read: Ledger = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
        assert_eq!(read, ledger);
    }

    #[test]
    fn an_event_counts_once() {
        let mut ledger = Ledger::default();
        let first = event(Unit::Window, 1, 8.0);
        ledger.enter(first).unwrap();
        ledger.enter(first).unwrap();
        assert_eq!(ledger.events().len(), 1);
        let otherwise = event(Unit::Window, 1, 9.0);
        assert_eq!(ledger.enter(otherwise), Err(LedgerError::Contradiction { round: 1, attempt: 1 }));
        assert_eq!(ledger.enter(event(Unit::Window, 2, f64::NAN)), Err(LedgerError::Unsound));
        // Another attempt of the same round counts besides.
        ledger.enter(Event { attempt: 2, ..first }).unwrap();
        ledger.enter(event(Unit::Plant, 1, 8.0)).unwrap();
        assert_eq!(ledger.events().len(), 3);
    }

    #[test]
    fn a_budget_lasts_as_long_as_forecast() {
        let (mut ledger, budget) = (Ledger::default(), Budget { epsilon: 2.0, delta: 1e-5 });
        let left = ledger.rounds_left(Unit::Window, event(Unit::Window, 1, 8.0).mechanism, &budget);
        // z of 8 at epsilon 2: 14.098 for 50 rounds is 8 for 16.1.
        assert_eq!(left, 16);
        for round in 1..=left {
            assert!(ledger.affords(&event(Unit::Window, round, 8.0), &budget));
            ledger.enter(event(Unit::Window, round, 8.0)).unwrap();
        }
        assert!(!ledger.affords(&event(Unit::Window, left + 1, 8.0), &budget));
        // What is entered is paid: asked again after a restart it may go on.
        assert!(ledger.affords(&event(Unit::Window, left, 8.0), &budget));
        assert!(ledger.affords(&event(Unit::Plant, 1, 8.0), &budget));
        assert_eq!(ledger.rounds_left(Unit::Window, event(Unit::Window, 1, 8.0).mechanism, &budget), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn whoever_spends_more_has_spent_more(noises in proptest::collection::vec(0.5_f64..20.0, 1..6), delta in 1e-9_f64..1e-2) {
            let mut ledger = Ledger::default();
            let mut before = Spent { rdp: 0.0, pld: Some(0.0) };
            for (round, noise) in noises.into_iter().enumerate() {
                ledger.enter(event(Unit::Window, round as u64, noise)).unwrap();
                let after = ledger.spent(Unit::Window, delta);
                prop_assert!(after.rdp >= before.rdp && after.pld >= before.pld);
                // The exact value is below the bound by curves.
                prop_assert!(after.pld.unwrap() <= after.rdp + 1e-9);
                before = after;
            }
            // With a smaller delta it is more.
            prop_assert!(ledger.spent(Unit::Window, delta / 2.0).rdp >= before.rdp);
        }

        #[test]
        fn samples_cost_more_with_rate_steps_and_less_noise(noise in 0.8_f64..4.0, rate in 0.001_f64..0.3, steps in 1_u64..5000) {
            let cost = |noise, rate, steps| rdp::epsilon(&[Mechanism::Sampled { noise, rate, steps }], 1e-5);
            let own = cost(noise, rate, steps);
            prop_assert!(cost(noise, rate, steps + 1) >= own);
            prop_assert!(cost(noise * 1.1, rate, steps) <= own + 1e-9);
            prop_assert!(cost(noise, rate, steps) <= cost(noise, 1.0, steps) + 1e-9);
        }
    }
}
