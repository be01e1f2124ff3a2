//! Maintenance: for some hours people work on some hosts, or on all, and what is found about these is
//! kept and marked instead of raised. Told by a small file in the state directory, written as a whole by
//! the command, read by the service once a second, ended by its own end.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use fieldward_shared::time::{Timestamp, rfc3339};
use serde::{Deserialize, Serialize};

use crate::flow::Addr;

/// Work on the plant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// When it begins.
    #[serde(with = "rfc3339")]
    pub from: Timestamp,
    /// When it is over, whatever happens.
    #[serde(with = "rfc3339")]
    pub until: Timestamp,
    /// The hosts that are worked on; all, if none is named.
    #[serde(default)]
    pub hosts: BTreeSet<IpAddr>,
    /// Whether what these hosts do meanwhile belongs to the plant from then on.
    #[serde(default)]
    pub learn: bool,
    /// Why.
    pub reason: String,
}

/// Why a maintenance is not one.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}; tell it anew: fieldward-agent maintenance --config FILE start …, or stop", .path.display())]
pub struct BadMaintenance {
    path: PathBuf,
    what: String,
}

impl Maintenance {
    /// Whether it goes on at this moment.
    pub fn goes_on(&self, at: Timestamp) -> bool {
        (self.from..self.until).contains(&at)
    }

    /// Whether this host is worked on.
    pub fn concerns(&self, host: Addr) -> bool {
        self.hosts.is_empty() || self.hosts.contains(&host.ip())
    }

    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        let long = self.until.since(self.from);
        if long == 0 || long > LONGEST {
            return Err(format!("it lasts {} hours; choose more than 0 and at most 168", long / HOUR));
        }
        if self.hosts.len() > MOST_HOSTS {
            return Err(format!("{} hosts; name at most {MOST_HOSTS}, or none for all", self.hosts.len()));
        }
        let length = self.reason.trim().chars().count();
        if !(1..=MOST_REASON).contains(&length) || self.reason.contains(char::is_control) {
            return Err(format!("the reason must be 1 to {MOST_REASON} characters in one line"));
        }
        Ok(())
    }

    /// What the file says, if there is one.
    pub fn read(directory: &Path) -> Result<Option<Self>, BadMaintenance> {
        let path = directory.join(FILE);
        let wrong = |what: String| BadMaintenance { path: path.clone(), what };
        let mut text = Vec::new();
        match fs::File::open(&path) {
            Ok(file) => file
                .take(MOST_BYTES)
                .read_to_end(&mut text)
                .map_err(|error| wrong(format!("cannot be read: {error}")))?,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(format!("cannot be read: {error}"))),
        };
        let told: Self = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        told.check().map_err(wrong)?;
        Ok(Some(told))
    }

    /// Tells the service, which may be another user.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?;
        replace(directory, FILE, &text, true)
    }

    /// Tells the service that it is over; tells whether there was one.
    pub fn remove(directory: &Path) -> std::io::Result<bool> {
        match fs::remove_file(directory.join(FILE)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whom it is about, in words.
    pub fn hosts_in_words(&self) -> String {
        if self.hosts.is_empty() {
            return "all hosts".to_owned();
        }
        self.hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Replaces a file as a whole, readable for everyone who may enter the directory; what is `durable` is
/// there after a power cut too.
pub fn replace(directory: &Path, name: &str, bytes: &[u8], durable: bool) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let new = directory.join(format!("{name}.new"));
    let mut file = fs::File::create(&new)?;
    file.set_permissions(fs::Permissions::from_mode(0o644))?;
    file.write_all(bytes)?;
    if durable {
        file.sync_data()?;
    }
    fs::rename(&new, directory.join(name))
}

const FILE: &str = "maintenance.json";
/// Microseconds.
const HOUR: u64 = 3_600_000_000;
/// A week: what is longer is how the plant is.
const LONGEST: u64 = 168 * HOUR;
const MOST_HOSTS: usize = 256;
const MOST_REASON: usize = 200;
const MOST_BYTES: u64 = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Maintenance {
        Maintenance {
            from: Timestamp::from_micros(1_000_000),
            until: Timestamp::from_micros(1_000_000 + 2 * HOUR),
            hosts: BTreeSet::from([IpAddr::from([10, 1, 1, 4])]),
            learn: false,
            reason: "new pump".to_owned(),
        }
    }

    #[test]
    fn it_comes_back_from_its_file_and_ends_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Maintenance::read(folder.path()).unwrap(), None);
        told().write(folder.path()).unwrap();
        assert_eq!(Maintenance::read(folder.path()).unwrap(), Some(told()));
        assert!(told().goes_on(Timestamp::from_micros(1_000_000)) && !told().goes_on(told().until));
        assert!(told().concerns(Addr::v4([10, 1, 1, 4])) && !told().concerns(Addr::v4([10, 1, 1, 5])));
        assert!(Maintenance { hosts: BTreeSet::new(), ..told() }.concerns(Addr::v4([10, 1, 1, 5])));
        assert!(Maintenance::remove(folder.path()).unwrap() && !Maintenance::remove(folder.path()).unwrap());
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        for (wrong, what) in [
            (Maintenance { until: told().from, ..told() }, "lasts 0 hours"),
            (Maintenance { until: told().from.plus(200 * HOUR), ..told() }, "lasts 200 hours"),
            (Maintenance { reason: " ".to_owned(), ..told() }, "reason"),
            (Maintenance { reason: "a\nb".to_owned(), ..told() }, "reason"),
        ] {
            wrong.write(folder.path()).unwrap();
            let said = Maintenance::read(folder.path()).unwrap_err().to_string();
            assert!(said.contains(what) && said.contains("maintenance.json"), "{said}");
        }
        for text in ["", "{}", "[1]", "{\"from\": 3", "\u{0}"] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let said = Maintenance::read(folder.path()).unwrap_err().to_string();
            assert!(said.contains("tell it anew"), "{said}");
        }
    }
}
