//! How the service is, as one small file in the state directory: for `status`, for people, for tools.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use fieldward_shared::alert::Severity;
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::{Timestamp, rfc3339};
use serde::{Deserialize, Serialize};

use crate::detect::drift::Moved;
use crate::detect::minutes::Error;
use crate::learn::local::Report;
use crate::learn::windows::Counts;
use crate::maintenance::{Maintenance, replace};
use crate::uplink;

/// How the service is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Which plant.
    pub facility_id: String,
    /// Of the agent.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// What it does.
    pub state: State,
    /// The work that goes on.
    pub maintenance: Option<Maintenance>,
    /// The newest packet.
    #[serde(with = "rfc3339")]
    pub packet_time: Timestamp,
    /// From the first packet to the newest, in seconds.
    pub uptime_seconds: u64,
    /// Seconds without a packet until this was written.
    pub silent_seconds: u64,
    /// Packets.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Packets that the kernel lost because the agent was too slow.
    pub kernel_drops: u64,
    /// Packets that the network interface lost.
    pub interface_drops: u64,
    /// Bytes that are missing as a share of all.
    pub loss_share: f32,
    /// Findings of all detectors.
    pub findings: u64,
    /// Alerts that were raised.
    pub alerts: BTreeMap<Severity, u64>,
    /// Those that were kept and marked, because people worked on what they are about.
    pub kept_in_maintenance: u64,
    /// How far learning is.
    pub learning: Option<Progress>,
    /// Detectors at work.
    pub models: Vec<String>,
    /// How far features have moved from what was learnt, the furthest first; empty until a whole day was seen.
    #[serde(default)]
    pub drift: Vec<Moved>,
    /// The error of the model of minutes in the last day, against what it was.
    #[serde(default)]
    pub model_error: Option<Error>,
    /// What became of the windows from which plants learn together.
    #[serde(default)]
    pub windows: Counts,
    /// What became of what they learnt, by network.
    #[serde(default)]
    pub together: Report,
    /// Models that are not, and what to do.
    pub refused: Vec<String>,
    /// Packets that came by while the models were trained.
    pub packets_in_training: u64,
    /// How often the windows began anew: a pause, or a clock that was set.
    pub clock_restarts: u64,
    /// Seconds that were counted and not told, because the disk was slow.
    pub seconds_untold: u64,
    /// Minutes of web requests, likewise.
    #[serde(default)]
    pub minutes_untold: u64,
    /// Maintenance files that were refused.
    pub maintenance_refused: u64,
    /// Resident memory.
    pub memory_mib: f64,
    /// Seconds mirrored in Redis.
    pub redis: Option<Redis>,
    /// What waits for the aggregator.
    pub spool: BTreeMap<String, u64>,
    /// How the link to the aggregator is, where one is configured.
    #[serde(default)]
    pub uplink: Option<uplink::Status>,
    /// The last second.
    pub network_data: Option<NetworkData>,
}

/// What the service does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It gathers what is normal.
    #[default]
    Learning,
    /// It makes models of what it gathered, and watches with those that are done.
    Training,
    /// It looks for what is not normal.
    Watching,
    /// It has stopped in order.
    Stopped,
}

/// How far learning is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Hours of traffic.
    pub hours: f64,
    /// It learns at least so many,
    pub least_hours: f64,
    /// and at most so many.
    pub most_hours: f64,
    /// The last part of the time that brought nothing new, as a share.
    pub quiet_share: f64,
    /// The share that is enough.
    pub wanted_share: f64,
}

/// What became of the mirror.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redis {
    /// Seconds that are there.
    pub written: u64,
    /// Seconds that are not.
    pub dropped: u64,
}

impl Status {
    /// Replaces the file.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec(self).map_err(std::io::Error::other)?;
        replace(directory, FILE, &text, false)
    }

    /// Reads the file.
    pub fn read(directory: &Path) -> std::io::Result<Self> {
        let text = std::fs::read(directory.join(FILE))?;
        serde_json::from_slice(&text).map_err(std::io::Error::other)
    }

    /// In a line.
    pub fn line(&self) -> String {
        let packets = self.packets;
        match (&self.learning, self.state) {
            (Some(progress), State::Learning) => format!("learning, {progress}; {packets} packets"),
            (_, State::Training) => format!("training its models; {packets} packets"),
            _ => format!("{}; {packets} packets, {} alerts", self.state, self.alerts.values().sum::<u64>()),
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Learning => "learning",
            Self::Training => "training",
            Self::Watching => "watching",
            Self::Stopped => "stopped",
        })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hours, least_hours, most_hours, quiet_share, wanted_share } = self;
        let (quiet, wanted) = (quiet_share * 100.0, wanted_share * 100.0);
        write!(
            f,
            "{hours:.2} hours of at least {least_hours} and at most {most_hours}; nothing new in the last \
             {quiet:.0} % of it ({wanted:.0} % is enough)"
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({}, process {}): {}", self.facility_id, self.version, self.pid, self.state)?;
        if let Some(progress) = &self.learning {
            writeln!(f, "  learning     {progress}")?;
        }
        if let Some(work) = &self.maintenance {
            let (hosts, until) = (work.hosts_in_words(), work.until.rfc3339());
            writeln!(f, "  maintenance  {hosts} until {until}: {}", work.reason)?;
        }
        let (packets, up) = (self.packets, self.uptime_seconds as f64 / 3600.0);
        match packets {
            0 => writeln!(f, "  traffic      no packet yet")?,
            _ => writeln!(
                f,
                "  traffic      {packets} packets in {up:.2} hours, last {}",
                self.packet_time.rfc3339()
            )?,
        }
        if self.silent_seconds > 1 {
            writeln!(f, "               none for {} seconds", self.silent_seconds)?;
        }
        let loss = self.loss_share * 100.0;
        let drops = self.kernel_drops;
        writeln!(
            f,
            "  capture      {loss:.2} % of the bytes missing, {drops} packets dropped by the kernel"
        )?;
        let told: Vec<String> = self
            .alerts
            .iter()
            .rev()
            .map(|(severity, count)| format!("{count} {}", format!("{severity:?}").to_lowercase()))
            .collect();
        let told = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
        writeln!(f, "  alerts       {told}; {} kept in maintenance", self.kept_in_maintenance)?;
        writeln!(f, "  findings     {}", self.findings)?;
        writeln!(f, "  models       {}", self.models.join(", "))?;
        let told: Vec<String> = self
            .drift
            .iter()
            .map(|one| format!("{} {:.2}{}", one.feature, one.index, if one.differs { "*" } else { "" }))
            .collect();
        if !told.is_empty() {
            writeln!(f, "  drift        {} (0.25 and more: learn anew; *: a test agrees)", told.join(", "))?;
        }
        if let Some(Error { now, usual }) = self.model_error {
            writeln!(f, "  model error  {:.2} times what it was when the model was made", now / usual)?;
        }
        for (network, said) in &self.together {
            writeln!(f, "  together     {network}: {said}")?;
        }
        if self.windows != Counts::default() {
            let Counts { kept, touched, damaged, lost, .. } = self.windows;
            writeln!(
                f,
                "  windows      {kept} kept, {touched} touched by alerts, {damaged} damaged, {lost} lost"
            )?;
        }
        for refused in &self.refused {
            writeln!(f, "  not used     {refused}")?;
        }
        if self.clock_restarts > 0 {
            writeln!(f, "  clock        the windows began anew {} times", self.clock_restarts)?;
        }
        if self.seconds_untold > 0 {
            writeln!(f, "  telemetry    {} seconds were not told: the disk is slow", self.seconds_untold)?;
        }
        if self.maintenance_refused > 0 {
            writeln!(f, "  maintenance  {} files refused (see the log)", self.maintenance_refused)?;
        }
        if let Some(redis) = self.redis {
            writeln!(f, "  redis        {} seconds written, {} not", redis.written, redis.dropped)?;
        }
        if !self.spool.is_empty() {
            let counts: Vec<String> =
                self.spool.iter().map(|(name, count)| format!("{count} {name}")).collect();
            writeln!(f, "  spool        {}", counts.join(", "))?;
        }
        if let Some(uplink) = &self.uplink {
            let way = uplink.connected.as_ref().map_or("not connected".to_owned(), |way| format!("by {way}"));
            writeln!(f, "  aggregator   {way}, {} records delivered", uplink.delivered)?;
            if let Some(trouble) = &uplink.trouble {
                writeln!(f, "               {trouble}")?;
            }
        }
        writeln!(f, "  memory       {:.0} MiB", self.memory_mib)
    }
}

/// Its name in the state directory.
pub const FILE: &str = "status.json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_back_from_its_file_and_is_said_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let status = Status {
            facility_id: "north".to_owned(),
            state: State::Watching,
            packets: 7,
            alerts: BTreeMap::from([(Severity::High, 2), (Severity::Critical, 1)]),
            learning: Some(Progress { hours: 1.5, least_hours: 24.0, ..Progress::default() }),
            refused: vec!["forest.bin: damaged".to_owned()],
            spool: BTreeMap::from([("accepted".to_owned(), 6)]),
            ..Status::default()
        };
        status.write(folder.path()).unwrap();
        assert_eq!(Status::read(folder.path()).unwrap(), status);
        let said = status.to_string();
        for words in
            ["north", "watching", "1.50 hours", "1 critical, 2 high", "forest.bin: damaged", "6 accepted"]
        {
            assert!(said.contains(words), "{words} in {said}");
        }
        assert_eq!(status.line(), "watching; 7 packets, 3 alerts");
        assert!(Status::default().to_string().contains("no packet yet"));
        std::fs::write(folder.path().join(FILE), b"{").unwrap();
        assert!(Status::read(folder.path()).is_err());
    }
}
