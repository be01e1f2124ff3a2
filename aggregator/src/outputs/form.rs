//! As what an alert is told where the other side takes JSON.

use serde::Deserialize;
use serde_json::Value;

use crate::api::alerts::body::AlertBody;
use crate::api::exports::ocsf;
use crate::store::alerts::Stored;

/// As what.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As the API shows alerts, without the minute before.
    #[default]
    Fieldward,
    /// As a Detection Finding of OCSF (class 2004).
    Ocsf,
}

impl Form {
    /// An alert in it.
    pub fn of(self, stored: &Stored) -> Value {
        match self {
            // A structure of ours is always JSON.
            Self::Fieldward => serde_json::to_value(AlertBody::of(stored.clone(), false)).unwrap_or_default(),
            Self::Ocsf => ocsf::finding(stored),
        }
    }
}
