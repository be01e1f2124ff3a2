//! What the authority did, on disk beside its keys: each certificate that it issued and whoever was revoked. The
//! database says so too, but a database is set back to a backup one day, and then must not forget who was let in
//! and who was put out since.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use fieldward_shared::identity::{AgentName, Kind, from_hex};
use fieldward_shared::keyfile;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::CaError;
use crate::store::recall::{self, Done};

const FILE: &str = "book";

/// A line of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Entry {
    /// A certificate was issued.
    Issued(Issued),
    /// An agent was revoked.
    Agent {
        /// Its plant.
        facility: String,
        /// Which.
        id: Uuid,
    },
    /// A certificate was revoked.
    Serial(String),
}

/// A certificate that was issued. Times are seconds since 1970, digests in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// Its number.
    pub serial: String,
    /// The plant.
    pub facility: String,
    /// The agent.
    pub agent: Uuid,
    /// SHA-256 of its key.
    pub key: String,
    /// SHA-256 of the certificate.
    pub digest: String,
    /// When it was issued.
    pub at: u64,
    /// When it begins.
    pub not_before: u64,
    /// When it ends.
    pub not_after: u64,
    /// SHA-256 of the token that was used for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Whether it is a simulator's and no agent's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_simulator: bool,
}

impl Issued {
    fn row(&self) -> Option<recall::Issued> {
        let at = |seconds: u64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        Some(recall::Issued {
            serial: self.serial.clone(),
            kind: if self.is_simulator { Kind::Simulator } else { Kind::Agent },
            name: AgentName { facility: self.facility.clone(), agent: self.agent },
            key: from_hex(&self.key)?,
            digest: from_hex(&self.digest)?,
            issued: at(self.at),
            not_before: at(self.not_before),
            not_after: at(self.not_after),
            token: self.token.as_deref().and_then(from_hex),
        })
    }
}

/// The book.
#[derive(Debug)]
pub struct Book {
    place: PathBuf,
    /// Those revoked of whom it knows.
    revoked: Mutex<HashSet<Entry>>,
}

impl Book {
    /// The book in a folder, and what it says.
    pub fn open(folder: &Path) -> Result<(Self, Vec<Entry>), CaError> {
        let book = Self { place: folder.join(FILE), revoked: Mutex::default() };
        let all = book.tidy(0)?;
        book.revoked().extend(all.iter().filter(|entry| !matches!(entry, Entry::Issued(_))).cloned());
        Ok((book, all))
    }

    /// What it says. Certificates that ended before `since` are struck out.
    pub fn tidy(&self, since: u64) -> Result<Vec<Entry>, CaError> {
        let _alone = self.revoked();
        let (all, unreadable) = read(&self.place).map_err(|source| failed(&self.place, source))?;
        if unreadable > 0 {
            tracing::warn!(unreadable, "{}: lines that cannot be read are passed over", self.place.display());
        }
        let mut seen = HashSet::new();
        let left: Vec<Entry> = all
            .iter()
            .filter(|entry| !matches!(entry, Entry::Issued(one) if one.not_after < since))
            .filter(|entry| seen.insert(*entry))
            .cloned()
            .collect();
        if left.len() < all.len() || unreadable > 0 {
            keyfile::write(&self.place, left.iter().map(line).collect::<String>().as_bytes())?;
        }
        Ok(left)
    }

    /// Writes what was done; on disk when it returns.
    pub fn note(&self, entries: &[Entry]) -> Result<(), CaError> {
        let _alone = self.revoked();
        self.write(entries)
    }

    /// What is to be in the database.
    pub fn done(entries: &[Entry]) -> Done {
        let mut done = Done::default();
        for entry in entries {
            match entry {
                Entry::Issued(one) => done.issued.extend(one.row()),
                Entry::Agent { facility, id } => {
                    done.agents.push(AgentName { facility: facility.clone(), agent: *id });
                }
                Entry::Serial(serial) => done.serials.push(serial.clone()),
            }
        }
        done
    }

    /// Writes who was revoked, as far as it is new.
    pub fn note_revoked(&self, all: impl Iterator<Item = Entry>) -> Result<(), CaError> {
        let mut known = self.revoked();
        let new: Vec<Entry> = all.filter(|entry| !known.contains(entry)).collect();
        self.write(&new)?;
        known.extend(new);
        Ok(())
    }

    /// Whoever holds it is alone at the file.
    fn revoked(&self) -> MutexGuard<'_, HashSet<Entry>> {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, entries: &[Entry]) -> Result<(), CaError> {
        if entries.is_empty() {
            return Ok(());
        }
        // The line before may have been cut off: it takes none with it.
        let text: String = ["\n".to_owned()].into_iter().chain(entries.iter().map(line)).collect();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.place);
        let written = file.and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_data()
        });
        written.map_err(|source| failed(&self.place, source))
    }
}

/// What a file says, and how many lines of it say nothing: the last one, when power was cut in it.
fn read(place: &Path) -> std::io::Result<(Vec<Entry>, usize)> {
    let file = match File::open(place) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        file => BufReader::new(file?),
    };
    let (mut all, mut unreadable) = (Vec::new(), 0);
    for line in file.split(b'\n') {
        let line = line?;
        match serde_json::from_slice(&line) {
            Ok(entry) => all.push(entry),
            Err(_) if line.is_empty() => {}
            Err(_) => unreadable += 1,
        }
    }
    Ok((all, unreadable))
}

fn line(entry: &Entry) -> String {
    let mut text = serde_json::to_string(entry).unwrap_or_default();
    text.push('\n');
    text
}

fn failed(place: &Path, source: std::io::Error) -> CaError {
    CaError::File(keyfile::KeyFileError::Io { path: place.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(serial: &str, not_after: u64) -> Entry {
        Entry::Issued(Issued {
            serial: serial.to_owned(),
            facility: "plant".to_owned(),
            agent: Uuid::from_u128(7),
            key: "aa".to_owned(),
            digest: "bb".to_owned(),
            at: 1,
            not_before: 1,
            not_after,
            token: None,
            is_simulator: false,
        })
    }

    #[test]
    fn what_is_noted_is_there_again_but_for_what_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let (book, all) = Book::open(folder.path()).unwrap();
        assert!(all.is_empty());
        let agent = Entry::Agent { facility: "plant".to_owned(), id: Uuid::from_u128(7) };
        book.note(&[issued("01", 10), issued("02", 20)]).unwrap();
        book.note_revoked([agent.clone()].into_iter()).unwrap();
        book.note_revoked([agent.clone(), Entry::Serial("01".to_owned())].into_iter()).unwrap();
        let (_, all) = Book::open(folder.path()).unwrap();
        let revoked = [agent, Entry::Serial("01".to_owned())];
        assert_eq!(all, [&[issued("01", 10), issued("02", 20)], &revoked[..]].concat());
        let left = book.tidy(11).unwrap();
        assert_eq!(left, [&[issued("02", 20)], &revoked[..]].concat());
        assert_eq!(Book::open(folder.path()).unwrap().1, left, "it was struck out on disk");
    }

    #[test]
    fn a_line_that_was_cut_off_takes_no_other_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let (book, _) = Book::open(folder.path()).unwrap();
        book.note(&[issued("01", 10), issued("02", 20)]).unwrap();
        let place = folder.path().join(FILE);
        let whole = std::fs::read(&place).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&place, &whole[..length]).unwrap();
            let (book, kept) = Book::open(folder.path()).unwrap();
            book.note(&[issued("03", 30)]).unwrap();
            let (_, all) = Book::open(folder.path()).unwrap();
            assert_eq!(all, [kept, vec![issued("03", 30)]].concat(), "{length}");
        }
    }
}
