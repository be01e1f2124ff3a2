//! What a round is to be: what was configured, and what was asked for instead.

use fieldward_shared::identity::sha256;
use fieldward_shared::privacy::ring::Ring;
use fieldward_shared::privacy::roster::{FEWEST, MOST};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::store::rounds::Wanted;
use crate::strategy::guard::Rules;
use crate::strategy::{self, StrategyError};

/// Rounds, as they are configured.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct RoundsConfig {
    /// With whom plants learn: a word that all of them share.
    pub federation: String,
    /// Networks that the timer plans rounds for.
    pub networks: Vec<String>,
    /// By which strategy.
    pub strategy: String,
    /// Hours between two rounds of a network; 0: only when somebody asks.
    pub every_hours: f64,
    /// What is the same for every round unless it is asked for otherwise.
    pub terms: RoundTerms,
}

/// How a round goes.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct RoundTerms {
    /// Fewest plants that must be left in each phase.
    pub quorum: usize,
    /// Plants of a group.
    pub group: usize,
    /// Minutes that training may take.
    pub training_minutes: f64,
    /// Seconds that any other answer may take.
    pub patience_seconds: f64,
    /// How often each window is seen.
    pub epochs: u32,
    /// Windows of a step.
    pub batch: u32,
    /// How far a step of a plant goes.
    pub rate: f64,
    /// Pull to the model of the round.
    pub proximal: f64,
    /// Norm to which what a window says is cut.
    pub window_clip: f64,
    /// Noise of training as a multiple of that.
    pub noise: f64,
    /// Noise for whole plants in the sum, as a multiple of `clip`; 0: windows alone are protected.
    pub plant_noise: f64,
    /// Largest norm of an update.
    pub clip: f64,
    /// A unit of the sum is two to the minus this.
    pub bits: u32,
    /// How far the model follows the mean.
    pub server_rate: f64,
    /// Groups that may lie.
    pub liars: usize,
    /// Share of votes that a model needs.
    pub accept: f64,
    /// Whether updates are hidden in sums; else plants are seen one by one, as far as they agree.
    pub masked: bool,
    /// Least cosine of what a group says to what the others say, and to what it said itself so far.
    pub least_cosine: f64,
    /// Doubts within ten rounds that shut a group out.
    pub doubts: u32,
    /// Rounds for which it is shut out.
    pub shut_out: u32,
}

impl Default for RoundsConfig {
    fn default() -> Self {
        Self {
            federation: "fieldward".to_owned(),
            networks: Vec::new(),
            strategy: "fedavg".to_owned(),
            every_hours: 0.0,
            terms: RoundTerms::default(),
        }
    }
}

impl Default for RoundTerms {
    fn default() -> Self {
        Self {
            quorum: FEWEST,
            group: 16,
            training_minutes: 120.0,
            patience_seconds: 60.0,
            epochs: 5,
            batch: 64,
            rate: 2e-3,
            proximal: 0.0,
            window_clip: 1.0,
            noise: 1.0,
            plant_noise: 0.0,
            clip: 4.0,
            bits: 20,
            server_rate: 1.0,
            liars: 0,
            accept: 2.0 / 3.0,
            masked: true,
            least_cosine: -0.2,
            doubts: 3,
            shut_out: 5,
        }
    }
}

/// Why there is no such round.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The settings cannot be read.
    #[error("the settings of the round: {0}")]
    Settings(String),
    /// No such strategy, or it cannot go with what else was set.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// A number that makes no round.
    #[error("{0} of {1} makes no round: {2}")]
    Term(&'static str, f64, &'static str),
}

/// What a federation is known by, as agents reckon it.
pub fn federation(name: &str) -> Uuid {
    let digest = sha256(format!("fieldward federation\n{name}").as_bytes());
    Uuid::from_bytes(digest.first_chunk().copied().unwrap_or_default())
}

impl RoundsConfig {
    /// The terms of a round that somebody wants.
    pub fn terms_of(&self, strategy: &str, settings: &serde_json::Value) -> Result<RoundTerms, PlanError> {
        let mut terms = serde_json::to_value(self.terms).unwrap_or_default();
        match settings {
            serde_json::Value::Null => {}
            serde_json::Value::Object(asked) => {
                for (name, value) in asked {
                    let is_like = |place: &&mut serde_json::Value| {
                        (place.is_number() && value.is_number()) || (place.is_boolean() && value.is_boolean())
                    };
                    let place = terms.get_mut(name).filter(is_like);
                    let unknown = || PlanError::Settings(format!("'{name}' cannot be set so"));
                    *place.ok_or_else(unknown)? = value.clone();
                }
            }
            _ => return Err(PlanError::Settings("they are no object".to_owned())),
        }
        let terms: RoundTerms =
            serde_json::from_value(terms).map_err(|error| PlanError::Settings(error.to_string()))?;
        strategy::chosen(strategy, terms.masked)?;
        terms.check().map(|()| terms)
    }

    /// What is wrong with it: the key, and what to do.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        if !(self.every_hours.is_finite() && self.every_hours >= 0.0) {
            return Some(("rounds.every_hours", format!("{} hours; choose 0 or more", self.every_hours)));
        }
        let terms = self.terms_of(&self.strategy, &serde_json::Value::Null);
        terms.err().map(|error| ("rounds.terms", error.to_string()))
    }

    /// Holds a wish against what can be.
    pub fn check(&self, wanted: &Wanted) -> Result<(), PlanError> {
        self.terms_of(&wanted.strategy, &wanted.settings).map(drop)
    }
}

impl RoundTerms {
    fn check(&self) -> Result<(), PlanError> {
        let term = |name, value, what| Err(PlanError::Term(name, value, what));
        if self.quorum < FEWEST {
            return term("quorum", self.quorum as f64, "of fewer than three each could take its own off");
        }
        if self.group < FEWEST || self.group > MOST / 2 {
            return term("group", self.group as f64, "choose from 3 to 64");
        }
        for (name, value) in [
            ("training_minutes", self.training_minutes),
            ("patience_seconds", self.patience_seconds),
            ("rate", self.rate),
            ("window_clip", self.window_clip),
            ("noise", self.noise),
            ("clip", self.clip),
            ("server_rate", self.server_rate),
            ("accept", self.accept),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return term(name, value, "choose a number above 0");
            }
        }
        for (name, value) in [("proximal", self.proximal), ("plant_noise", self.plant_noise)] {
            if !(value.is_finite() && value >= 0.0) {
                return term(name, value, "choose 0 or more");
            }
        }
        if self.epochs == 0 || self.batch == 0 || self.accept > 1.0 {
            return term(
                "epochs",
                f64::from(self.epochs),
                "epochs and batch are 1 or more, accept is at most 1",
            );
        }
        if !(self.least_cosine >= -1.0 && self.least_cosine <= 1.0) || self.doubts == 0 {
            return term(
                "least_cosine",
                self.least_cosine,
                "it is a cosine, from -1 to 1, and doubts are 1 or more",
            );
        }
        if !self.masked && self.plant_noise > 0.0 {
            return term(
                "plant_noise",
                self.plant_noise,
                "it hides a plant in a sum, and without masks there is none",
            );
        }
        let wraps = Ring::new(self.ring(0)).is_err();
        if wraps {
            term("bits", f64::from(self.bits), "a sum of a group would wrap; use fewer bits")
        } else {
            Ok(())
        }
    }

    /// What the guard between groups goes by; `tail` is what rounding may add to a norm.
    pub fn guard(&self, tail: f64) -> Rules {
        Rules {
            clip: self.clip,
            tail,
            least: self.least_cosine,
            strikes: self.doubts,
            rounds: u64::from(self.shut_out),
        }
    }
}
