//! The agent's configuration: one TOML file, the environment over it, everything checked at start.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use fieldward_shared::config::{Kind, Schema, Secret, Wrong};
use fieldward_shared::identity::check_facility;
use serde::Deserialize;

use crate::round::Privacy;
use crate::spool::Limits;
use crate::uplink::Brought;

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
    /// Certificates of an operator's own PKI; without them `enroll` fetches one.
    #[serde(default)]
    pub identity: Option<Brought>,
    /// How long it learns.
    #[serde(default)]
    pub learn: Learn,
    /// What it takes part in with others, and how much of it may be told.
    #[serde(default)]
    pub privacy: Privacy,
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
    /// How much of one processor training for rounds may take.
    pub cpu_share: f64,
    /// What the windows that it learns from may take on disk.
    pub windows_mib: u64,
}

impl Default for Learn {
    fn default() -> Self {
        Self {
            least_hours: 24.0,
            most_hours: 336.0,
            quiet_share: 0.25,
            seed: 1,
            cpu_share: 0.25,
            windows_mib: 64,
        }
    }
}

impl Config {
    /// Reads a file, and the environment over it.
    pub fn load(path: &Path) -> Result<Self, Wrong> {
        SCHEMA.load(path).and_then(|config: Self| config.checked(&path.display().to_string()))
    }

    /// Reads the text of the file `name`, and `environment` over it.
    pub fn parse(
        name: &str,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Wrong> {
        SCHEMA.parse(name, text, environment).and_then(|config: Self| config.checked(name))
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

    fn checked(self, name: &str) -> Result<Self, Wrong> {
        let wrong = |key: &str, what: String, remedy: &str| {
            Err(Wrong { place: format!("{name}, {key}"), what, remedy: remedy.into() })
        };
        if let Err(error) = check_facility(&self.facility_id) {
            return wrong("facility_id", error.to_string(), "certificates name the plant by it");
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
        let Learn { least_hours, most_hours, quiet_share, cpu_share, windows_mib, .. } = self.learn;
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
        if let Err((key, what)) = self.privacy.check() {
            return wrong(key, what, SCHEMA.remedy);
        }
        if !(0.01..=1.0).contains(&cpu_share) {
            return wrong("learn.cpu_share", format!("{cpu_share}"), "choose a share from 0.01 to 1");
        }
        if !(1..=4096).contains(&windows_mib) {
            return wrong("learn.windows_mib", format!("{windows_mib} MiB"), "choose from 1 to 4096");
        }
        Ok(self)
    }
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

const SCHEMA: Schema = Schema {
    keys: &[
        ("facility_id", Kind::Text),
        ("interface", Kind::Text),
        ("filter", Kind::Text),
        ("snaplen", Kind::Number),
        ("buffer_mib", Kind::Number),
        ("model", Kind::Text),
        ("spool", Kind::Text),
        ("spool_mib", Kind::Number),
        ("spool_free_percent", Kind::Number),
        ("state", Kind::Text),
        ("redis_url", Kind::Text),
        ("aggregator", Kind::Text),
        ("aggregator_name", Kind::Text),
        ("aggregator_tcp_port", Kind::Number),
        ("identity.certificate", Kind::Text),
        ("identity.key", Kind::Text),
        ("identity.roots", Kind::Text),
        ("learn.least_hours", Kind::Number),
        ("learn.most_hours", Kind::Number),
        ("learn.quiet_share", Kind::Number),
        ("learn.seed", Kind::Number),
        ("privacy.federation", Kind::Text),
        ("privacy.fewest_plants", Kind::Number),
        ("privacy.most_plants", Kind::Number),
        ("privacy.colluders", Kind::Number),
        ("privacy.clip", Kind::Number),
        ("privacy.noise", Kind::Number),
        ("privacy.plant_noise", Kind::Number),
        ("privacy.epsilon", Kind::Number),
        ("privacy.delta", Kind::Number),
        ("learn.cpu_share", Kind::Number),
        ("learn.windows_mib", Kind::Number),
    ],
    variables: &[("REDIS_URL", "redis_url")],
    credentials: &[("redis.url", "redis_url")],
    remedy: "systemd/agent.toml shows every key",
};
