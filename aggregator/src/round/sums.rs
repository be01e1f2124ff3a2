//! The sums of a round's groups: masked updates are added as they come, one vector for each group, and opened when
//! enough plants have given their shares. What comes out are means of groups; no update is ever seen.

use fieldward_shared::privacy::attempt::Reveal;
use fieldward_shared::privacy::opening::Gathering;
use fieldward_shared::privacy::ring::Ring;
use fieldward_shared::privacy::update::Masked;
use fieldward_shared::wire::Message;
use uuid::Uuid;

use super::value::{Round, Stage};
use crate::strategy::{self, Part, Settings, robust};

/// Sums under way: one for each group that is left.
#[derive(Default)]
pub struct Sums(Vec<(usize, Gathering)>);

/// What came of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// The new model.
    pub weights: Vec<f32>,
    /// What the strategy remembers.
    pub memory: Vec<u8>,
    /// Plants whose updates are in it.
    pub plants: u32,
    /// Groups whose means are in it.
    pub groups: usize,
    /// What was left out, and why.
    pub notes: Vec<String>,
}

impl Sums {
    /// For the groups of a round, once it is known who has shared.
    pub fn of(round: &Round) -> Self {
        let groups = round.state.groups.iter().enumerate().filter(|(_, group)| group.failed.is_none());
        let length = usize::try_from(round.state.base.length).unwrap_or(0);
        let gathering =
            |(nth, group)| Some((nth, Gathering::new(round.roster(group), &group.shared, length).ok()?));
        Self(groups.filter_map(gathering).collect())
    }

    /// Adds a masked update.
    pub fn add(&mut self, round: &Round, agent: Uuid, bytes: &[u8]) -> Result<(), String> {
        let at = round.state.groups.iter().position(|group| group.shared.contains(&agent));
        let sum = self.0.iter_mut().find(|(nth, _)| Some(*nth) == at);
        let (_, sum) = sum.ok_or_else(|| "of no group whose sum goes on".to_owned())?;
        let length = usize::try_from(round.state.base.length).unwrap_or(0);
        let masked = Masked::from_bytes(bytes, length).map_err(|error| error.to_string())?;
        sum.add(agent, &masked).map_err(|error| error.to_string())
    }

    /// Opens what can be opened, and makes the next model of it.
    pub fn open(self, round: &Round, base: &[f32], memory: &[u8]) -> Result<Made, String> {
        let terms = &round.state.terms;
        let ring = Ring::new(terms.ring(round.state.base.length)).map_err(|error| error.to_string())?;
        let (mut means, mut notes) = (Vec::new(), Vec::new());
        for (nth, sum) in self.0 {
            let Some(group) = round.state.groups.get(nth).filter(|group| group.failed.is_none()) else {
                continue;
            };
            match sum.open(&reveals(round, &group.signed)) {
                Ok(sum) => {
                    let liars = sum.liars.iter().map(|liar| format!("shares of {liar} did not fit"));
                    notes.extend(liars);
                    means.push((nth, sum.plants, ring.mean(&sum.units, sum.plants)));
                }
                Err(error) => notes.push(format!("group {nth}: {error}")),
            }
        }
        // Honest plants have clipped: a mean that is longer has a cheat in it.
        let changes: Vec<&[f32]> = means.iter().map(|(_, _, mean)| mean.as_slice()).collect();
        let tail = (base.len() as f64).sqrt() / ring.scale() + terms.noise_of_mean(&ring, base.len());
        let mut long = robust::too_long(&changes, terms.clip, tail);
        while let Some(at) = long.pop() {
            let (nth, ..) = means.remove(at);
            notes.push(format!("group {nth}: its mean is longer than any honest update; it is left out"));
        }
        let parts: Vec<Part<'_>> =
            means.iter().map(|(_, plants, change)| Part { plants: *plants, change }).collect();
        if parts.is_empty() {
            return Err(format!("no group gave a sum: {}", notes.join("; ")));
        }
        let kind = strategy::kind(&round.state.strategy).ok_or("the strategy is not known any more")?;
        let settings = Settings { rate: terms.server_rate, liars: terms.liars, proximal: terms.proximal };
        let mut strategy = (kind.new)(&settings, memory).map_err(|error| error.to_string())?;
        let change = strategy.combine(&parts).map_err(|error| error.to_string())?;
        let weights: Vec<f32> = base.iter().zip(&change).map(|(weight, change)| weight + change).collect();
        if change.len() != base.len() || !weights.iter().all(|weight| weight.is_finite()) {
            return Err("the new model is not finite".to_owned());
        }
        let plants = parts.iter().map(|part| part.plants).sum();
        Ok(Made { weights, memory: strategy.memory(), plants, groups: parts.len(), notes })
    }
}

fn reveals(round: &Round, signed: &[Uuid]) -> Vec<Reveal> {
    let reveal = |agent: &Uuid| match round.said.get(&(Stage::Opening, *agent)) {
        Some(Message::RoundReveal(reveal)) => reveal.reveal(*agent),
        _ => None,
    };
    signed.iter().filter_map(reveal).collect()
}
