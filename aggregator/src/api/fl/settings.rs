//! What may be set of a round: checked when it is said, so that no round fails for it later.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::error::ApiError;
use crate::strategy::{self, Settings, StrategyError};

/// What is to be otherwise than configured; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = TrainingSettings)]
pub struct Configured {
    /// Fewest plants that must be left in each phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 3, maximum = 1000)]
    pub quorum: Option<u32>,
    /// Plants of a group, in which they hide.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 3, maximum = 64)]
    pub group: Option<u32>,
    /// Minutes that training may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.01, maximum = 10080)]
    pub training_minutes: Option<f64>,
    /// Seconds that any other answer of a plant may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.1, maximum = 3600)]
    pub patience_seconds: Option<f64>,
    /// How often a plant sees each window, in the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub epochs: Option<u32>,
    /// Windows of a step, in the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 4096)]
    pub batch: Option<u32>,
    /// How far a step of a plant goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.000001, maximum = 10)]
    pub rate: Option<f64>,
    /// Pull of plants to the model of the round; 0 for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100)]
    pub proximal: Option<f64>,
    /// Norm to which the gradient of each window is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.000001, maximum = 100)]
    pub window_clip: Option<f64>,
    /// Noise of a step, as a multiple of that norm. A plant refuses less than its own policy wants.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.001, maximum = 100)]
    pub noise: Option<f64>,
    /// Largest norm of an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.000001, maximum = 100)]
    pub clip: Option<f64>,
    /// How far the model follows what came of a round; 1 is all the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.000001, maximum = 10)]
    pub server_rate: Option<f64>,
    /// Groups that may hold a liar.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1000)]
    pub liars: Option<u32>,
    /// Share of votes that a model needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0.01, maximum = 1)]
    pub accept: Option<f64>,
    /// Whether updates are hidden in sums, as they are unless this is false: then plants are seen one by one, those
    /// whose own configuration agrees to it. A strategy that must see each plant wants it to be false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<bool>,
}

/// From an object alone: serde would take an array of the values, too.
pub fn object<'de, D: Deserializer<'de>>(from: D) -> Result<Configured, D::Error> {
    serde_json::from_value(Value::Object(Map::deserialize(from)?)).map_err(D::Error::custom)
}

/// The same, or nothing.
pub fn object_or_nothing<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Configured>, D::Error> {
    let object = Option::<Map<String, Value>>::deserialize(from)?;
    object.map(|object| serde_json::from_value(Value::Object(object)).map_err(D::Error::custom)).transpose()
}

impl Configured {
    /// What was kept. Settings of a later version that this one does not know are refused, not passed over.
    pub fn read(document: serde_json::Value) -> Result<Self, ApiError> {
        serde_json::from_value(document)
            .map_err(|error| ApiError::internal(format!("training settings in the database: {error}")))
    }

    /// With what another says over it.
    pub fn with(self, over: &Self) -> Self {
        Self {
            quorum: over.quorum.or(self.quorum),
            group: over.group.or(self.group),
            training_minutes: over.training_minutes.or(self.training_minutes),
            patience_seconds: over.patience_seconds.or(self.patience_seconds),
            epochs: over.epochs.or(self.epochs),
            batch: over.batch.or(self.batch),
            rate: over.rate.or(self.rate),
            proximal: over.proximal.or(self.proximal),
            window_clip: over.window_clip.or(self.window_clip),
            noise: over.noise.or(self.noise),
            clip: over.clip.or(self.clip),
            server_rate: over.server_rate.or(self.server_rate),
            liars: over.liars.or(self.liars),
            accept: over.accept.or(self.accept),
            masked: over.masked.or(self.masked),
        }
    }

    /// With the pull that a strategy cannot do without, where nobody has said how strong.
    pub fn pulled(self, strategy: &str) -> Self {
        let mild = (strategy == "fedprox").then_some(MILD);
        Self { proximal: self.proximal.or(mild), ..self }
    }

    /// As it is kept.
    pub fn document(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Whether a strategy can be asked for so: in range, and together. What must see each plant is refused where
    /// updates are masked.
    pub fn check(&self, name: &str) -> Result<(), ApiError> {
        let counts = |number: Option<u32>| number.map(f64::from);
        for (field, number, least, most) in [
            ("quorum", counts(self.quorum), 3.0, 1000.0),
            ("group", counts(self.group), 3.0, 64.0),
            ("training_minutes", self.training_minutes, 0.01, 10_080.0),
            ("patience_seconds", self.patience_seconds, 0.1, 3600.0),
            ("epochs", counts(self.epochs), 1.0, 100.0),
            ("batch", counts(self.batch), 1.0, 4096.0),
            ("rate", self.rate, 1e-6, 10.0),
            ("proximal", self.proximal, 0.0, 100.0),
            ("window_clip", self.window_clip, 1e-6, 100.0),
            ("noise", self.noise, 1e-3, 100.0),
            ("clip", self.clip, 1e-6, 100.0),
            ("server_rate", self.server_rate, 1e-6, 10.0),
            ("liars", counts(self.liars), 0.0, 1000.0),
            ("accept", self.accept, 0.01, 1.0),
        ] {
            if number.is_some_and(|number| !(number >= least && number <= most)) {
                return Err(ApiError::field(
                    &format!("#/settings/{field}"),
                    format!("from {least} to {most}"),
                ));
            }
        }
        let made = strategy::chosen(name, self.masked.unwrap_or(true))
            .and_then(|kind| (kind.new)(&self.strategy(), &[]).map(drop));
        made.map_err(|error| match &error {
            StrategyError::Settings { name: "rate", .. } => {
                ApiError::field("#/settings/server_rate", error.to_string())
            }
            StrategyError::Settings { name, .. } => {
                ApiError::field(&format!("#/settings/{name}"), error.to_string())
            }
            _ => ApiError::field("#/strategy", error.to_string()),
        })
    }

    /// What concerns the strategy.
    fn strategy(&self) -> Settings {
        Settings {
            rate: self.server_rate.unwrap_or(1.0),
            liars: self.liars.map_or(0, |liars| liars as usize),
            proximal: self.proximal.unwrap_or(0.0),
        }
    }
}

/// A pull that holds plants together and lets them learn.
const MILD: f64 = 0.01;
