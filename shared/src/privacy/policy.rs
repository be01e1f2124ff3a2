//! What a plant takes part in at all: its own limits, what it remembers of earlier rounds, and the books in which
//! both stand before anything is said.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::accountant::event::{Event, Mechanism, Unit};
use super::keys::Bytes32;
use super::refusal::Refusal;
use super::ring::{Ring, Terms};
use super::roster::{Attempted, FEWEST, MOST};
use super::update::{Consent, Fingerprint};

/// What the aggregator offers for a round.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Which attempt.
    pub attempted: Attempted,
    /// The round that made its model; none for the one that was shipped.
    pub made_in: Option<u64>,
    /// Hashes of the models it came from, the last first.
    pub ancestors: Vec<Bytes32>,
    /// The ring of the sum.
    pub ring: Terms,
    /// Who is protected.
    pub unit: Unit,
    /// What one round costs this plant.
    pub mechanism: Mechanism,
    /// Whether updates are to be seen one by one.
    pub is_seen: bool,
}

/// The limits of a plant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// With whom it learns.
    pub federation: Uuid,
    /// Fewest plants of its group.
    pub fewest: usize,
    /// Most plants of its group.
    pub most: usize,
    /// Largest clip norm.
    pub clip: f64,
    /// Who is to be protected.
    pub unit: Unit,
    /// Least noise, as a multiple of the clip norm.
    pub noise: f64,
    /// Least noise in the sum for the plant as a whole, as a multiple of the clip norm; 0 where windows alone are to be
    /// protected.
    pub plant_noise: f64,
    /// Plants that may side with the aggregator: their noise and their shares do not protect anybody.
    pub colluders: usize,
    /// Whether its update may be seen by itself.
    pub may_be_seen: bool,
}

/// What a plant remembers of what it took part in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Last round that began here.
    pub round: u64,
    /// Its last attempt.
    pub attempt: u32,
    /// Last round for which an update was masked.
    pub masked: Option<u64>,
    /// That update.
    pub update: Option<Fingerprint>,
    /// Last round whose model was put to the vote here.
    pub voted: Option<u64>,
    /// The model that was accepted last.
    pub accepted: Option<Bytes32>,
}

/// The books could not be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotWritten(pub String);

/// Where it is written what a plant did: on disk when a call returns, whole or not at all.
pub trait Books {
    /// What is remembered.
    fn past(&self) -> Past;

    /// Whether the budget lasts for this besides all that was spent.
    fn affords(&self, event: &Event) -> bool;

    /// Remembers.
    fn keep(&mut self, past: &Past) -> Result<(), NotWritten>;

    /// Remembers, and spends: both or neither. The same event of the same attempt is spent once.
    fn spend(&mut self, past: &Past, event: &Event) -> Result<(), NotWritten>;
}

impl From<NotWritten> for Refusal {
    fn from(error: NotWritten) -> Self {
        Self::Books(error.0)
    }
}

impl Offer {
    /// What is spent when an update of it is masked.
    pub const fn event(&self) -> Event {
        let Attempted { round, attempt, .. } = self.attempted;
        Event { unit: self.unit, round, attempt, mechanism: self.mechanism }
    }

    /// Holds an offer against the limits and the past of a plant.
    pub fn check(&self, policy: &Policy, books: &impl Books) -> Result<Ring, Refusal> {
        if self.attempted.federation != policy.federation {
            return Err(Refusal::Federation);
        }
        let ring = self.check_terms(policy)?;
        self.check_past(&books.past())?;
        if !books.affords(&self.event()) {
            return Err(Refusal::Budget(self.unit.name()));
        }
        Ok(ring)
    }

    fn check_terms(&self, policy: &Policy) -> Result<Ring, Refusal> {
        if self.is_seen {
            policy.consent()?;
            // Noise for plants is shared out among those of a sum.
            if self.unit == Unit::Plant {
                return Err(Refusal::Seen);
            }
        }
        let ring = Ring::new(self.ring)?;
        if self.ring.clip > policy.clip {
            return Err(Refusal::Clip { asked: self.ring.clip, allowed: policy.clip });
        }
        let asked = self.mechanism.noise();
        let is_enough = self.mechanism.is_sound() && asked >= policy.noise && self.unit == policy.unit;
        if !is_enough || !self.noise_is_in_the_sum(&ring) {
            return Err(Refusal::Noise { unit: self.unit.name(), asked, wanted: policy.noise });
        }
        Ok(ring)
    }

    /// Noise for windows comes with the training; noise for plants must be that which the ring adds.
    fn noise_is_in_the_sum(&self, ring: &Ring) -> bool {
        match (self.unit, &self.mechanism) {
            (Unit::Window, Mechanism::Discrete(_)) => false,
            (Unit::Window, _) => true,
            (Unit::Plant, Mechanism::Discrete(noise)) => {
                let norm = ring.rounded_norm2(usize::try_from(noise.length).unwrap_or(usize::MAX)).sqrt();
                noise.deviation <= ring.terms().deviation as f64 && noise.norm >= norm
            }
            (Unit::Plant, _) => false,
        }
    }

    fn check_past(&self, past: &Past) -> Result<(), Refusal> {
        let Attempted { round, attempt, model, .. } = self.attempted;
        if (round, attempt) <= (past.round, past.attempt) {
            let (last_round, last_attempt) = (past.round, past.attempt);
            return Err(Refusal::Old { round, attempt, last_round, last_attempt });
        }
        if past.masked.is_some_and(|masked| masked >= round) {
            return Err(Refusal::TwoSets(round));
        }
        let descends =
            past.accepted.is_none_or(|accepted| accepted == model || self.ancestors.contains(&accepted));
        if !descends {
            return Err(Refusal::Descent);
        }
        match self.made_in {
            Some(made) if past.masked == Some(made) && past.voted != Some(made) => {
                Err(Refusal::VoteSkipped(made))
            }
            _ => Ok(()),
        }
    }
}

impl Policy {
    /// Whether a group of this size, opened by so many, protects this plant.
    pub fn check_group(&self, members: usize, threshold: usize) -> Result<(), Refusal> {
        let (fewest, most) = (self.fewest.max(FEWEST), self.most.min(MOST));
        if members < fewest || members > most {
            return Err(Refusal::Group { found: members, fewest, most });
        }
        // Against an active aggregator with colluders two halves must not open two sums: 2t > g + c.
        let wanted = super::roster::threshold(members).max((members + self.colluders) / 2 + 1);
        if threshold < wanted || threshold > members {
            return Err(Refusal::Threshold { found: threshold, members, wanted });
        }
        Ok(())
    }

    /// That this plant may be seen.
    pub const fn consent(&self) -> Result<Consent, Refusal> {
        if self.may_be_seen { Ok(Consent::given()) } else { Err(Refusal::Seen) }
    }

    /// Whether enough plants that are certainly honest add their noise.
    pub fn check_noise(&self, mechanism: &Mechanism, threshold: usize) -> Result<(), Refusal> {
        match mechanism {
            Mechanism::Discrete(noise)
                if noise.plants as usize > threshold.saturating_sub(self.colluders) =>
            {
                let honest = threshold.saturating_sub(self.colluders) as f64;
                let asked = noise.deviation * honest.sqrt() / noise.norm;
                Err(Refusal::Noise { unit: Unit::Plant.name(), asked, wanted: self.noise })
            }
            _ => Ok(()),
        }
    }
}
