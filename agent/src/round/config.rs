//! What a plant takes part in: its own limits, whatever the aggregator would like.

use fieldward_shared::identity::sha256;
use fieldward_shared::privacy::accountant::event::Unit;
use fieldward_shared::privacy::accountant::ledger::Budget;
use fieldward_shared::privacy::policy::Policy;
use fieldward_shared::privacy::roster::{FEWEST, MOST};
use serde::Deserialize;
use uuid::Uuid;

/// Learning together with other plants.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Privacy {
    /// Whether this plant takes part.
    pub take_part: bool,
    /// With whom: a word that all of them and the aggregator share.
    pub federation: String,
    /// Fewest plants among which it hides.
    pub fewest_plants: usize,
    /// Most plants of its group.
    pub most_plants: usize,
    /// Whether this plant's update may be seen by itself, for rounds that hold plants against each other.
    pub may_be_seen: bool,
    /// Plants that may side with the aggregator without harm.
    pub colluders: usize,
    /// Largest norm of an update.
    pub clip: f64,
    /// Least noise, as a multiple of the norm to which a window is cut.
    pub noise: f64,
    /// Least noise in the sum for the plant as a whole, as a multiple of the norm of an update; 0: windows alone are
    /// protected. Few plants cannot bear it, and rounds say so.
    pub plant_noise: f64,
    /// Largest epsilon: of windows, and apart from it of the plant as a whole.
    pub epsilon: f64,
    /// At this delta.
    pub delta: f64,
}

impl Default for Privacy {
    fn default() -> Self {
        Self {
            take_part: true,
            federation: "fieldward".to_owned(),
            fewest_plants: FEWEST,
            most_plants: 64,
            may_be_seen: false,
            colluders: 0,
            clip: 10.0,
            noise: 1.0,
            plant_noise: 0.0,
            epsilon: 8.0,
            delta: 1e-5,
        }
    }
}

/// What a federation is known by.
pub fn federation(name: &str) -> Uuid {
    let digest = sha256(format!("fieldward federation\n{name}").as_bytes());
    Uuid::from_bytes(digest.first_chunk().copied().unwrap_or_default())
}

impl Privacy {
    /// What is wrong with it: the key, and what to choose.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let groups = self.fewest_plants >= FEWEST && self.fewest_plants <= self.most_plants;
        if !groups || self.most_plants > MOST {
            let what = format!(
                "{} to {} plants; choose from {FEWEST} to {MOST}",
                self.fewest_plants, self.most_plants
            );
            return Err(("privacy.fewest_plants", what));
        }
        let positive = |number: f64| number.is_finite() && number > 0.0;
        for (key, number) in [
            ("privacy.clip", self.clip),
            ("privacy.noise", self.noise),
            ("privacy.epsilon", self.epsilon),
            ("privacy.delta", self.delta),
        ] {
            if !positive(number) {
                return Err((key, format!("{number}; choose a number above 0")));
            }
        }
        if !(self.plant_noise.is_finite() && self.plant_noise >= 0.0) {
            return Err(("privacy.plant_noise", format!("{}; choose 0 or more", self.plant_noise)));
        }
        if self.epsilon > MOST_EPSILON {
            let what = format!("{} protects nobody; choose {MOST_EPSILON} or less", self.epsilon);
            return Err(("privacy.epsilon", what));
        }
        if self.delta >= 0.1 {
            return Err(("privacy.delta", format!("{} is no small chance; choose 1e-5 or less", self.delta)));
        }
        if self.federation.is_empty() || self.federation.len() > 64 {
            return Err(("privacy.federation", "choose a word of up to 64 characters".to_owned()));
        }
        Ok(())
    }

    /// As the protocol takes it.
    pub fn policy(&self) -> Policy {
        Policy {
            federation: federation(&self.federation),
            fewest: self.fewest_plants,
            most: self.most_plants,
            clip: self.clip,
            unit: Unit::Window,
            noise: self.noise,
            plant_noise: self.plant_noise,
            colluders: self.colluders,
            may_be_seen: self.may_be_seen,
        }
    }

    /// How much may be spent.
    pub const fn budget(&self) -> Budget {
        Budget { epsilon: self.epsilon, delta: self.delta }
    }
}

/// A larger budget says nothing, and reckoning with it takes for ever.
const MOST_EPSILON: f64 = 50.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_that_protect_nobody_are_refused() {
        assert_eq!(Privacy::default().check(), Ok(()));
        let plain = Privacy::default;
        for wrong in [
            Privacy { fewest_plants: 2, ..plain() },
            Privacy { most_plants: 2, ..plain() },
            Privacy { most_plants: 129, ..plain() },
            Privacy { noise: 0.0, ..plain() },
            Privacy { clip: f64::NAN, ..plain() },
            Privacy { epsilon: -1.0, ..plain() },
            Privacy { plant_noise: -1.0, ..plain() },
            Privacy { epsilon: 1000.0, ..plain() },
            Privacy { delta: 0.5, ..plain() },
            Privacy { federation: String::new(), ..plain() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        assert_ne!(federation("a"), federation("b"));
    }
}
