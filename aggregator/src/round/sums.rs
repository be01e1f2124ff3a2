//! The sums of a round's groups: masked updates are added as they come, one vector for each group, and opened when
//! enough plants have given their shares. What comes out are means of groups; no update is ever seen, but those of
//! plants that agreed to be seen one by one, each of which is a group of its own.

use fieldward_shared::privacy::attempt::Reveal;
use fieldward_shared::privacy::opening::Gathering;
use fieldward_shared::privacy::ring::Ring;
use fieldward_shared::privacy::update::Masked;
use fieldward_shared::wire::Message;
use uuid::Uuid;

use super::group::Group;
use super::value::{Round, Stage};
use crate::strategy::guard::{self, Guard, GuardError, Rules};
use crate::strategy::{self, Part, Settings};

/// Sums under way: one for each group that is left.
#[derive(Default)]
pub struct Sums(Vec<(usize, Held)>);

/// What there is of a group so far.
enum Held {
    /// A sum of masked updates.
    Hidden(Gathering),
    /// The update of a plant that agreed to be seen.
    Seen(Option<Masked>),
}

/// What is remembered of earlier rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// By the strategy.
    pub strategy: Vec<u8>,
    /// By the guard.
    pub guard: Vec<u8>,
}

/// What came of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The new model, or why there is none.
    pub model: Result<Model, String>,
    /// What is known now of those who sent something.
    pub judged: Judged,
}

/// A new model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its weights.
    pub weights: Vec<f32>,
    /// What the strategy remembers.
    pub memory: Vec<u8>,
    /// Plants whose updates are in it.
    pub plants: u32,
    /// Groups whose means are in it.
    pub groups: usize,
}

/// What is known of those who sent something, whether a model comes of it or not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// What the guard remembers now; none when it was not asked.
    pub guard: Option<Vec<u8>>,
    /// What it remembered before and could not read: it began anew.
    pub damaged: Option<Vec<u8>>,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// Plants that are seen and were left out, and why.
    pub doubted: Vec<(Uuid, String)>,
}

/// The mean of a group.
struct Mean {
    nth: usize,
    plants: u32,
    change: Vec<f32>,
}

impl Sums {
    /// For the groups of a round, once it is known who has shared.
    pub fn of(round: &Round) -> Self {
        let groups = round.state.groups.iter().enumerate().filter(|(_, group)| group.failed.is_none());
        let length = usize::try_from(round.state.base.length).unwrap_or(0);
        let held = |(nth, group): (usize, &Group)| {
            if group.is_seen {
                return Some((nth, Held::Seen(None)));
            }
            let gathering = Gathering::new(round.roster(group), &group.shared, length).ok()?;
            Some((nth, Held::Hidden(gathering)))
        };
        Self(groups.filter_map(held).collect())
    }

    /// Adds a masked update.
    pub fn add(&mut self, round: &Round, agent: Uuid, bytes: &[u8]) -> Result<(), String> {
        let at = round.state.groups.iter().position(|group| group.shared.contains(&agent));
        let sum = self.0.iter_mut().find(|(nth, _)| Some(*nth) == at);
        let (_, sum) = sum.ok_or_else(|| "of no group whose sum goes on".to_owned())?;
        let length = usize::try_from(round.state.base.length).unwrap_or(0);
        let masked = Masked::from_bytes(bytes, length).map_err(|error| error.to_string())?;
        match sum {
            Held::Hidden(sum) => sum.add(agent, &masked).map_err(|error| error.to_string()),
            Held::Seen(update) => {
                *update = Some(masked);
                Ok(())
            }
        }
    }

    /// Opens what can be opened, and makes the next model of it.
    pub fn open(self, round: &Round, base: &[f32], memory: &Memory) -> Made {
        let mut judged = Judged::default();
        let model = self.make(round, base, memory, &mut judged);
        Made { model, judged }
    }

    fn make(
        self,
        round: &Round,
        base: &[f32],
        memory: &Memory,
        judged: &mut Judged,
    ) -> Result<Model, String> {
        let terms = &round.state.terms;
        let ring = Ring::new(terms.ring(round.state.base.length)).map_err(|error| error.to_string())?;
        let mut means = self.means(round, &ring, &mut judged.notes);
        if means.is_empty() {
            return Err(format!("no group gave a sum: {}", judged.notes.join("; ")));
        }
        let tail = (base.len() as f64).sqrt() / ring.scale() + terms.noise_of_mean(&ring, base.len());
        let kept = judged.judge(round, terms.guard(tail), &means, &memory.guard)?;
        let mut nth = 0;
        means.retain(|_| {
            nth += 1;
            kept.contains(&(nth - 1))
        });
        let parts: Vec<Part<'_>> = means.iter().map(Mean::part).collect();
        let kind = strategy::kind(&round.state.strategy).ok_or("the strategy is not known any more")?;
        let settings = Settings { rate: terms.server_rate, liars: terms.liars, proximal: terms.proximal };
        let mut strategy = (kind.new)(&settings, &memory.strategy).map_err(|error| error.to_string())?;
        let change = strategy.combine(&parts).map_err(|error| error.to_string())?;
        let weights: Vec<f32> = base.iter().zip(&change).map(|(weight, change)| weight + change).collect();
        if change.len() != base.len() || !weights.iter().all(|weight| weight.is_finite()) {
            return Err("the new model is not finite".to_owned());
        }
        let plants = parts.iter().map(|part| part.plants).sum();
        Ok(Model { weights, memory: strategy.memory(), plants, groups: parts.len() })
    }

    /// The mean of each group that gives one.
    fn means(self, round: &Round, ring: &Ring, notes: &mut Vec<String>) -> Vec<Mean> {
        let mut means = Vec::new();
        for (nth, held) in self.0 {
            let Some(group) = round.state.groups.get(nth).filter(|group| group.failed.is_none()) else {
                continue;
            };
            match held {
                Held::Seen(None) => {}
                Held::Seen(Some(update)) => {
                    means.push(Mean { nth, plants: 1, change: ring.mean(update.units(), 1) });
                }
                Held::Hidden(sum) => match sum.open(&reveals(round, &group.signed)) {
                    Ok(sum) => {
                        let liars = sum.liars.iter().map(|liar| format!("shares of {liar} did not fit"));
                        notes.extend(liars);
                        let change = ring.mean(&sum.units, sum.plants);
                        means.push(Mean { nth, plants: sum.plants, change });
                    }
                    Err(error) => notes.push(format!("group {nth}: {error}")),
                },
            }
        }
        means
    }
}

impl Judged {
    /// Has the guard judge means; those that count.
    fn judge(
        &mut self,
        round: &Round,
        rules: Rules,
        means: &[Mean],
        memory: &[u8],
    ) -> Result<Vec<usize>, String> {
        let guard = Guard::new(rules, memory).or_else(|error| {
            // A round that waited for somebody to mend it would wait for ever: it is put aside, and told.
            self.notes.push(error.to_string());
            self.damaged = Some(memory.to_vec());
            Guard::new(rules, &[])
        });
        let mut guard = guard.map_err(|error| error.to_string())?;
        let groups: Vec<guard::Group<'_>> = means.iter().map(|mean| mean.judged(round)).collect();
        let verdict = guard.judge(round.state.round, &groups);
        self.guard = Some(guard.memory());
        let (kept, left_out) = match verdict {
            Ok(verdict) => (Ok(verdict.kept), verdict.left_out),
            Err(GuardError::Majority { left_out, groups }) => {
                let why = GuardError::Majority { left_out: left_out.clone(), groups };
                (Err(why.to_string()), left_out)
            }
            Err(error) => (Err(error.to_string()), Vec::new()),
        };
        for out in left_out {
            let until = out.until.map_or_else(String::new, |until| format!(", until round {until}"));
            let Some(mean) = means.get(out.nth) else { continue };
            let words = format!("left out{until}: {}", out.doubt);
            match mean.seen(round) {
                // Who it is is for those who may see that plant.
                Some(agent) => {
                    self.notes.push("a plant is left out; its own row says why".to_owned());
                    self.doubted.push((agent, words));
                }
                None => self.notes.push(format!("group {}: {words}", mean.nth)),
            }
        }
        kept
    }
}

impl Mean {
    const fn part(&self) -> Part<'_> {
        Part { plants: self.plants, change: self.change.as_slice() }
    }

    /// As the guard knows it.
    fn judged(&self, round: &Round) -> guard::Group<'_> {
        guard::Group { key: round.key_of(self.nth), part: self.part() }
    }

    /// The plant, where it is one that is seen.
    fn seen(&self, round: &Round) -> Option<Uuid> {
        let group = round.state.groups.get(self.nth).filter(|group| group.is_seen)?;
        group.live.first().copied()
    }
}

fn reveals(round: &Round, signed: &[Uuid]) -> Vec<Reveal> {
    let reveal = |agent: &Uuid| match round.said.get(&(Stage::Opening, *agent)) {
        Some(Message::RoundReveal(reveal)) => reveal.reveal(*agent),
        _ => None,
    };
    signed.iter().filter_map(reveal).collect()
}
