//! Who else is told of alerts: a SIEM by syslog, whatever takes a POST, a topic of Kafka. Each is told of an alert when
//! it is new, when it gets worse, and when another technique is named; at least once, in the order in which they came.
//! A new output is a file, and a line at the end of this one.

mod cef;
mod form;
mod kafka;
mod run;
mod syslog;
mod webhook;

use std::future::Future;
use std::pin::Pin;

use fieldward_shared::alert::{Alert, Severity};
use serde::Deserialize;

use crate::store::alerts::Stored;

pub use form::Form;
pub use run::run;

/// Of which alerts an output is told; beside its own keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// From this severity on.
    severity: Option<Severity>,
    /// Of these plants; empty: of all.
    facilities: Vec<String>,
}

impl Wanted {
    /// Whether it is told of an alert.
    pub fn takes(&self, alert: &Alert) -> bool {
        let is_of_it = self.facilities.is_empty() || self.facilities.contains(&alert.facility_id);
        is_of_it && self.severity.is_none_or(|least| alert.severity >= least)
    }
}

/// Why it is not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// The other side cannot be reached, or has not taken it now.
    #[error("{0}")]
    Away(String),
    /// The other side will never take this.
    #[error("{0}")]
    Refused(String),
}

/// What comes of telling.
pub type Telling<'a> = Pin<Box<dyn Future<Output = Result<(), OutputError>> + Send + 'a>>;

/// Somebody who is told.
pub trait Output: Send {
    /// Tells of alerts, the oldest first; done when the other side has them all, as far as its protocol can say.
    fn tell<'a>(&'a mut self, alerts: &'a [Stored]) -> Telling<'a>;
}

/// The part of the configuration that belongs to an output.
pub trait Settings {
    /// Of which alerts it is told.
    fn wanted(&self) -> Wanted;
    /// Where it is, without what is secret.
    fn place(&self) -> String;
    /// What is wrong with it: which of its keys, and what. Reads no file.
    fn check(&self) -> Result<(), (&'static str, String)>;
    /// Makes it; reads the files that it names.
    fn open(&self) -> Result<Box<dyn Output>, String>;
}

/// An output as it was configured.
pub struct Configured<'a> {
    /// What it is called.
    pub name: &'static str,
    /// Its part of the configuration.
    pub settings: &'a dyn Settings,
}

macro_rules! outputs {
    ($($(#[$doc:meta])* $name:ident: $settings:ty,)+) => {
        /// The part of the configuration that says who else is told.
        #[derive(Clone, Debug, Default, Deserialize, PartialEq)]
        #[serde(deny_unknown_fields, default)]
        pub struct OutputsConfig {
            $($(#[$doc])* pub $name: Option<$settings>,)+
        }

        impl OutputsConfig {
            /// Those that are configured.
            pub fn all(&self) -> Vec<Configured<'_>> {
                let mut all = Vec::new();
                $(all.extend(self.$name.as_ref().map(|settings| Configured {
                    name: stringify!($name),
                    settings,
                }));)+
                all
            }

            /// What is wrong: which key, and what.
            pub fn check(&self) -> Result<(), (String, String)> {
                for one in self.all() {
                    let place = |key| format!("outputs.{}.{key}", one.name);
                    one.settings.check().map_err(|(key, what)| (place(key), what))?;
                }
                Ok(())
            }
        }
    };
}

outputs! {
    /// A SIEM, by syslog (RFC 5424) with CEF.
    syslog: syslog::Syslog,
    /// Whatever takes a POST.
    webhook: webhook::Webhook,
    /// A topic of Kafka.
    kafka: kafka::Kafka,
}
