//! What a plant did in rounds and what it has spent: one small file, replaced as a whole and on disk before anything
//! is said. A damaged one ends taking part until somebody looks: to begin anew would spend the budget twice.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use fieldward_shared::identity::{Pin, sha256, to_hex};
use fieldward_shared::keyfile::{self, KeyFileError};
use fieldward_shared::privacy::accountant::event::{Event, Mechanism, Unit};
use fieldward_shared::privacy::accountant::ledger::{Budget, Ledger};
use fieldward_shared::privacy::accountant::reckoning::Reckoning;
use fieldward_shared::privacy::policy::{Books, NotWritten, Past};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why there are no books.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// They cannot be read or written.
    #[error("the books of rounds: {0}")]
    File(#[from] KeyFileError),
    /// They are not as they were written.
    #[error(
        "{}: the books of rounds are damaged; this plant takes no part until they are put back from a backup. Remove them only to begin a new budget",
        .0.display()
    )]
    Damaged(PathBuf),
}

/// What is written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    past: Past,
    ledger: Ledger,
    /// Keys of other agents, as they were seen last.
    #[serde(default)]
    keys: BTreeMap<Uuid, String>,
    /// The group of the newest epoch.
    #[serde(default)]
    group: Option<Group>,
}

/// With whom this plant hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Which epoch.
    pub epoch: u64,
    /// Who.
    pub members: BTreeSet<Uuid>,
}

/// Books in a file.
#[derive(Debug)]
pub struct FileBooks {
    path: PathBuf,
    budget: Budget,
    written: Written,
    /// What the ledger comes to: follows it, and is asked by whoever only looks.
    reckoning: Mutex<Reckoning>,
}

impl FileBooks {
    /// Opens those of a state directory, or begins them.
    pub fn open(state: &Path, budget: Budget) -> Result<Self, BooksError> {
        let path = state.join(FILE);
        let bytes = match keyfile::read_at_most(&path, LARGEST) {
            Ok(bytes) => bytes,
            Err(KeyFileError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                tracing::info!("{}: nothing was spent in rounds yet; the books begin", path.display());
                let books = Self { path, budget, written: Written::default(), reckoning: Mutex::default() };
                books.write(&books.written)?;
                return Ok(books);
            }
            Err(error) => return Err(error.into()),
        };
        let written = read(&bytes).ok_or_else(|| BooksError::Damaged(path.clone()))?;
        Ok(Self { path, budget, written, reckoning: Mutex::default() })
    }

    /// What was spent last: rounds cost about the same.
    pub fn last(&self, unit: Unit) -> Option<Mechanism> {
        self.written
            .ledger
            .events()
            .iter()
            .rev()
            .find(|event| event.unit == unit)
            .map(|event| event.mechanism)
    }

    /// What is spent once this is paid too, and for how many more like it the budget lasts at least. By curves
    /// alone, which are quick and say rather too much: whether a round may be paid is decided by the tighter bound.
    pub fn outlook(&self, event: &Event) -> (f64, u64) {
        let (ledger, delta) = (&self.written.ledger, self.budget.delta);
        let mut reckoning = self.reckoning();
        let mut after =
            |rounds: u64| reckoning.by_curves(ledger, event.unit, event.mechanism.times(rounds), delta);
        let mut left = 0;
        for step in (0..FARTHEST).rev().map(|bit| 1_u64 << bit) {
            if after(1 + left + step) <= self.budget.epsilon {
                left += step;
            }
        }
        (after(1), left)
    }

    /// How much may be spent.
    pub const fn budget(&self) -> Budget {
        self.budget
    }

    /// What was spent.
    pub const fn ledger(&self) -> &Ledger {
        &self.written.ledger
    }

    /// The key that an agent had when it was seen last.
    pub fn key(&self, agent: Uuid) -> Option<Pin> {
        self.written.keys.get(&agent).and_then(|pin| pin.parse().ok())
    }

    /// The group of the newest epoch.
    pub const fn group(&self) -> Option<&Group> {
        self.written.group.as_ref()
    }

    /// Remembers with whom this plant hides, and by which keys it knows them.
    pub fn remember(&mut self, group: Group, keys: &BTreeMap<Uuid, Pin>) -> Result<(), NotWritten> {
        let mut next = self.written.clone();
        next.group = Some(group);
        next.keys.extend(keys.iter().map(|(agent, pin)| (*agent, pin.to_string())));
        if next.keys.len() > MOST_KEYS {
            return Err(NotWritten(format!("{MOST_KEYS} agents were seen, and no more can be")));
        }
        self.replace(next)
    }

    fn reckoning(&self) -> MutexGuard<'_, Reckoning> {
        self.reckoning.lock().unwrap_or_else(|poisoned| {
            // Half done it would be wrong; from nothing it only takes longer.
            let mut reckoning = poisoned.into_inner();
            *reckoning = Reckoning::default();
            reckoning
        })
    }

    fn replace(&mut self, next: Written) -> Result<(), NotWritten> {
        if next != self.written {
            self.write(&next).map_err(|error| NotWritten(error.to_string()))?;
            self.written = next;
        }
        Ok(())
    }

    fn write(&self, written: &Written) -> Result<(), KeyFileError> {
        let text = serde_json::to_vec(written).unwrap_or_default();
        keyfile::write(&self.path, &[to_hex(&sha256(&text)).as_bytes(), b"\n", &text].concat())
    }
}

fn read(bytes: &[u8]) -> Option<Written> {
    let (digest, text) = bytes.split_at_checked(65)?;
    let is_whole = digest.strip_suffix(b"\n")? == to_hex(&sha256(text)).as_bytes();
    is_whole.then(|| serde_json::from_slice(text).ok()).flatten()
}

impl Books for FileBooks {
    fn past(&self) -> Past {
        self.written.past
    }

    fn affords(&self, event: &Event) -> bool {
        self.reckoning().affords(&self.written.ledger, event, &self.budget)
    }

    fn keep(&mut self, past: &Past) -> Result<(), NotWritten> {
        let next = Written { past: *past, ..self.written.clone() };
        self.replace(next)
    }

    fn spend(&mut self, past: &Past, event: &Event) -> Result<(), NotWritten> {
        let mut next = Written { past: *past, ..self.written.clone() };
        next.ledger.enter(*event).map_err(|error| NotWritten(error.to_string()))?;
        self.replace(next)
    }
}

const FILE: &str = "rounds.books";
/// Largest file: a ledger that is full, and all keys.
const LARGEST: u64 = 16 << 20;
/// A forecast is less than two to this.
const FARTHEST: u32 = 12;
/// Agents whose keys are remembered: the file stays small.
const MOST_KEYS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget { epsilon: 3.0, delta: 1e-5 };

    fn event(round: u64) -> Event {
        let mechanism = Mechanism::Gaussian { noise: 8.0, steps: 1 };
        Event { unit: Unit::Window, round, attempt: 1, mechanism }
    }

    #[test]
    fn what_was_written_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut books = FileBooks::open(folder.path(), BUDGET).unwrap();
        let past = Past { round: 4, masked: Some(4), ..Past::default() };
        books.spend(&past, &event(4)).unwrap();
        let (agent, pin) = (Uuid::from_u128(5), Pin([7; 32]));
        let group = Group { epoch: 2, members: BTreeSet::from([agent]) };
        books.remember(group.clone(), &BTreeMap::from([(agent, pin)])).unwrap();
        // The same again, as after a restart, is not spent twice.
        let mut books = FileBooks::open(folder.path(), BUDGET).unwrap();
        books.spend(&past, &event(4)).unwrap();
        assert_eq!((books.past(), books.ledger().events().len()), (past, 1));
        assert_eq!((books.key(agent), books.group()), (Some(pin), Some(&group)));
        assert_eq!(books.last(Unit::Window), Some(event(4).mechanism));
        let (spent, left) = books.outlook(&event(5));
        assert!(spent > 0.6 && spent < 0.7 && left > 10, "{spent}, {left}");
        let mut poor = FileBooks::open(folder.path(), Budget { epsilon: 0.5, delta: 1e-5 }).unwrap();
        assert!(!poor.affords(&event(5)));
        assert!(poor.keep(&Past::default()).is_ok());
    }

    #[test]
    fn damaged_books_are_no_new_ones() {
        let folder = tempfile::tempdir().unwrap();
        let mut books = FileBooks::open(folder.path(), BUDGET).unwrap();
        books.spend(&Past::default(), &event(1)).unwrap();
        let path = folder.path().join(FILE);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            keyfile::write(&path, &bad).unwrap();
            assert!(
                matches!(FileBooks::open(folder.path(), BUDGET), Err(BooksError::Damaged(_))),
                "byte {at}"
            );
        }
        for cut in [0, 1, 64, 65, good.len() - 1] {
            keyfile::write(&path, &good[..cut]).unwrap();
            assert!(FileBooks::open(folder.path(), BUDGET).is_err());
        }
    }

    #[test]
    fn what_cannot_be_written_has_not_happened() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("state");
        std::fs::create_dir(&place).unwrap();
        let mut books = FileBooks::open(&place, BUDGET).unwrap();
        std::fs::remove_dir_all(&place).unwrap();
        assert!(books.spend(&Past { round: 9, ..Past::default() }, &event(9)).is_err());
        assert_eq!((books.past(), books.ledger().events().len()), (Past::default(), 0));
    }
}
