//! The agent's configuration: one TOML file, the environment over it, everything checked at start.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::spool::Limits;

/// The configuration.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// As the aggregator knows this plant.
    pub facility_id: String,
    /// The mirror port.
    pub interface: String,
    /// Only packets that pass it (BPF); empty lets all pass.
    #[serde(default)]
    pub filter: String,
    /// Bytes kept of each packet while it is decoded.
    #[serde(default = "snaplen")]
    pub snaplen: u32,
    /// What the kernel holds while the agent is busy.
    #[serde(default = "buffer_mib")]
    pub buffer_mib: u32,
    /// Where what was learnt is kept.
    pub model: PathBuf,
    /// Where alerts wait for the aggregator.
    pub spool: PathBuf,
    /// How much they may take on disk.
    #[serde(default = "spool_mib")]
    pub spool_mib: u64,
    /// Percent of the disk that alerts below critical leave free.
    #[serde(default = "spool_free_percent")]
    pub spool_free_percent: u64,
    /// Where the service says how it is, and keeps what it gathers while it learns.
    #[serde(default)]
    pub state: Option<PathBuf>,
    /// Where the context window is mirrored.
    #[serde(default)]
    pub redis_url: Option<Secret>,
    /// Where the aggregator listens, `host:port`; without it alerts stay in the spool.
    #[serde(default)]
    pub aggregator: Option<String>,
    /// The name in the aggregator's certificate, when it is another than its own authority gives.
    #[serde(default)]
    pub aggregator_name: Option<String>,
    /// The aggregator's port for TLS over TCP, when it is not the same.
    #[serde(default)]
    pub aggregator_tcp_port: Option<u16>,
    /// How long it learns.
    #[serde(default)]
    pub learn: Learn,
}

/// How long the agent learns before it watches.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Learn {
    /// At least so long.
    pub least_hours: f64,
    /// At most so long.
    pub most_hours: f64,
    /// It is enough when this last share of the time brought nothing new.
    pub quiet_share: f64,
    /// From what chance is derived in training.
    pub seed: u64,
}

impl Default for Learn {
    fn default() -> Self {
        Self { least_hours: 24.0, most_hours: 336.0, quiet_share: 0.25, seed: 1 }
    }
}

/// What may hold a password: it is never shown.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// To use it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// What is wrong with a configuration, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}; {remedy}")]
pub struct Wrong {
    place: String,
    what: String,
    remedy: String,
}

impl Config {
    /// Reads a file, and the environment over it.
    pub fn load(path: &Path) -> Result<Self, Wrong> {
        let text = std::fs::read_to_string(path).map_err(|error| Wrong {
            place: path.display().to_string(),
            what: error.to_string(),
            remedy: "give the path of a readable configuration file".into(),
        })?;
        Self::parse(&path.display().to_string(), &text, std::env::vars())
    }

    /// Reads the text of the file `name`, and `environment` over it.
    pub fn parse(
        name: &str,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Wrong> {
        let wrong = |error: &toml::de::Error| {
            let before = text.get(..error.span().unwrap_or_default().start).unwrap_or_default();
            Wrong {
                place: format!("{name}, line {}", before.matches('\n').count() + 1),
                what: error.message().lines().next().unwrap_or_default().to_owned(),
                remedy: REMEDY.into(),
            }
        };
        let mut table: toml::Table = toml::from_str(text).map_err(|error| wrong(&error))?;
        // As a whole, so that what the file says is told with its line.
        let from_file = toml::from_str::<Self>(text);
        let mut overridden = false;
        for (key, value) in environment {
            let own = key.strip_prefix("FIELDWARD_").filter(|key| *key != "LOG");
            // This one every tool knows.
            if let Some(short) = own.or((key == "REDIS_URL").then_some("redis_url")) {
                set(&mut table, &short.to_lowercase(), &value).map_err(|what| Wrong {
                    place: format!("environment, {key}"),
                    what,
                    remedy: REMEDY.into(),
                })?;
                overridden = true;
            }
        }
        let config: Self = match from_file {
            Err(error) if !overridden => return Err(wrong(&error)),
            Ok(config) if !overridden => config,
            _ => toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| Wrong {
                place: format!("{name} with the environment"),
                what: error.message().to_owned(),
                remedy: REMEDY.into(),
            })?,
        };
        config.check(name)?;
        Ok(config)
    }

    /// The state directory: if none is named, the one in which the spool lies.
    pub fn state(&self) -> &Path {
        let beside = self.spool.parent().filter(|parent| !parent.as_os_str().is_empty());
        self.state.as_deref().or(beside).unwrap_or(Path::new("."))
    }

    /// What the spool may take.
    pub fn spool_limits(&self) -> Limits {
        Limits { bytes: self.spool_mib << 20, free_percent: self.spool_free_percent, ..Limits::default() }
    }

    fn check(&self, name: &str) -> Result<(), Wrong> {
        let wrong = |key: &str, what: String, remedy: &str| {
            Err(Wrong { place: format!("{name}, {key}"), what, remedy: remedy.into() })
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if self.facility_id.is_empty() || self.facility_id.len() > 64 || !self.facility_id.chars().all(plain)
        {
            return wrong(
                "facility_id",
                format!("\"{}\" is no name of a plant", self.facility_id),
                "use up to 64 letters, digits, dots, dashes and underscores",
            );
        }
        if self.interface.is_empty() {
            return wrong(
                "interface",
                "no interface to listen on".into(),
                "`fieldward-agent devices` lists them",
            );
        }
        if !(64..=262_144).contains(&self.snaplen) {
            return wrong(
                "snaplen",
                format!("{} bytes", self.snaplen),
                "choose from 64 to 262144; 65535 keeps all",
            );
        }
        if !(1..=4096).contains(&self.buffer_mib) {
            return wrong("buffer_mib", format!("{} MiB", self.buffer_mib), "choose from 1 to 4096");
        }
        if !(16..=1 << 20).contains(&self.spool_mib) {
            return wrong("spool_mib", format!("{} MiB", self.spool_mib), "choose from 16 to 1048576");
        }
        if self.spool_free_percent > 90 {
            return wrong(
                "spool_free_percent",
                format!("{} percent", self.spool_free_percent),
                "choose from 0 to 90",
            );
        }
        if let Some(aggregator) = &self.aggregator {
            let whole = aggregator.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0)
            });
            if !whole {
                return wrong(
                    "aggregator",
                    format!("\"{aggregator}\" is no address"),
                    "write host:port, as in soc.example.org:4433",
                );
            }
        }
        let Learn { least_hours, most_hours, quiet_share, .. } = self.learn;
        let hours = least_hours > 0.0 && least_hours <= most_hours && most_hours <= 8760.0;
        if !hours {
            return wrong(
                "learn",
                format!("from {least_hours} to {most_hours} hours"),
                "choose least_hours above 0, and most_hours from there to 8760",
            );
        }
        if !(0.0..1.0).contains(&quiet_share) {
            return wrong("learn.quiet_share", format!("{quiet_share}"), "choose a share from 0 to 1");
        }
        Ok(())
    }
}

/// Puts a value from the environment where its key says: `learn_least_hours` is `learn.least_hours`.
fn set(table: &mut toml::Table, key: &str, value: &str) -> Result<(), String> {
    let parsed = match value.parse::<i64>() {
        Ok(number) => toml::Value::Integer(number),
        Err(_) => match value.parse::<f64>() {
            Ok(number) => toml::Value::Float(number),
            Err(_) => toml::Value::String(value.to_owned()),
        },
    };
    match key.strip_prefix("learn_") {
        Some(rest) if LEARN.contains(&rest) => {
            let inner = table.entry("learn").or_insert_with(|| toml::Value::Table(toml::Table::new()));
            let inner = inner.as_table_mut().ok_or("learn is no table in the file")?;
            inner.insert(rest.to_owned(), parsed);
        }
        _ if TOP.contains(&key) => {
            // Names may look like numbers.
            let text = !NUMBERS.contains(&key);
            table.insert(key.to_owned(), if text { toml::Value::String(value.to_owned()) } else { parsed });
        }
        _ => return Err("no such key".to_owned()),
    }
    Ok(())
}

const fn snaplen() -> u32 {
    65_535
}

const fn buffer_mib() -> u32 {
    64
}

const fn spool_mib() -> u64 {
    1024
}

const fn spool_free_percent() -> u64 {
    5
}

const REMEDY: &str = "systemd/agent.toml shows every key";
const TOP: &[&str] = &[
    "facility_id",
    "interface",
    "filter",
    "snaplen",
    "buffer_mib",
    "model",
    "spool",
    "spool_mib",
    "spool_free_percent",
    "state",
    "redis_url",
    "aggregator",
    "aggregator_name",
    "aggregator_tcp_port",
];
const NUMBERS: &[&str] = &["snaplen", "buffer_mib", "spool_mib", "spool_free_percent", "aggregator_tcp_port"];
const LEARN: &[&str] = &["least_hours", "most_hours", "quiet_share", "seed"];
