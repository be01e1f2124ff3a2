//! What analysts said of this plant's alerts, beside what the classifier had seen of them: the cases from which it
//! learns. Features only, sealed in one file, and bounded: cases of which nobody said anything go first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldward_shared::keyfile::{self, KeyFileError};
use serde::{Deserialize, Serialize};

use super::sealed::Seal;
use crate::classify::{BENIGN, INPUTS, Input};

/// What somebody said of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It was what it said.
    Right,
    /// There was nothing.
    Nothing,
    /// It was another technique.
    Other(String),
}

/// A case with its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// The same for the same alert.
    pub number: u64,
    /// What the classifier saw.
    pub input: Input,
    /// A technique, or [`BENIGN`].
    pub class: String,
}

/// Cases, by alert.
pub struct Labels {
    path: PathBuf,
    seal: Arc<Seal>,
    kept: Kept,
    is_dirty: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// All verdicts up to this moment have come: microseconds.
    heard: u64,
    /// Grows with each case.
    next: u64,
    cases: BTreeMap<String, Noted>,
}

#[derive(Serialize, Deserialize)]
struct Noted {
    number: u64,
    input: Vec<f32>,
    /// What the alert said.
    named: Option<String>,
    verdict: Option<Verdict>,
}

impl Labels {
    /// Those of a file; what is damaged is put aside and said.
    pub fn open(path: &Path, seal: Arc<Seal>) -> Self {
        let kept = match keyfile::read_at_most(path, LARGEST) {
            Ok(bytes) => read(&seal, &bytes).unwrap_or_else(|| {
                tracing::warn!("{}: damaged and put aside; verdicts are asked for anew", path.display());
                drop(std::fs::rename(path, path.with_extension("damaged")));
                Kept::default()
            }),
            Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                Kept::default()
            }
            Err(error) => {
                tracing::warn!("verdicts are asked for anew: {error}");
                Kept::default()
            }
        };
        Self { path: path.to_owned(), seal, kept, is_dirty: false }
    }

    /// What the classifier sees of an alert now, and what the alert says.
    pub fn note(&mut self, alert: &str, input: &Input, named: Option<&str>) {
        let Kept { next, cases, .. } = &mut self.kept;
        if let Some(noted) = cases.get_mut(alert) {
            noted.input = input.to_vec();
            noted.named = named.map(str::to_owned);
        } else {
            if cases.len() >= MOST {
                let rank = |noted: &Noted| (noted.verdict.is_some(), noted.number);
                let oldest =
                    cases.iter().min_by_key(|(_, noted)| rank(noted)).map(|(alert, _)| alert.clone());
                oldest.and_then(|alert| cases.remove(&alert));
            }
            let noted = Noted {
                number: *next,
                input: input.to_vec(),
                named: named.map(str::to_owned),
                verdict: None,
            };
            *next += 1;
            cases.insert(alert.to_owned(), noted);
        }
        self.is_dirty = true;
    }

    /// What was said of alerts until a moment, in its order; none withdraws what was said before. What is about an
    /// alert that is known no longer changes nothing.
    pub fn hear(&mut self, until: u64, verdicts: impl IntoIterator<Item = (String, Option<Verdict>)>) {
        for (alert, verdict) in verdicts {
            if let Some(noted) = self.kept.cases.get_mut(&alert) {
                noted.verdict = verdict;
            }
        }
        self.kept.heard = self.kept.heard.max(until);
        self.is_dirty = true;
    }

    /// All verdicts up to here have come.
    pub const fn heard(&self) -> u64 {
        self.kept.heard
    }

    /// Cases of which somebody said what they were, of classes that are known; those held back or the others.
    pub fn cases(&self, held: bool, is_known: impl Fn(&str) -> bool) -> Vec<Labelled> {
        let labelled = self.kept.cases.values().filter_map(|noted| {
            let class = match noted.verdict.as_ref()? {
                Verdict::Right => noted.named.clone()?,
                Verdict::Nothing => BENIGN.to_owned(),
                Verdict::Other(technique) => technique.clone(),
            };
            let input = Input::try_from(noted.input.as_slice()).ok()?;
            (is_known(&class) && is_held(noted.number) == held).then_some(Labelled {
                number: noted.number,
                input,
                class,
            })
        });
        let mut labelled: Vec<Labelled> = labelled.collect();
        labelled.sort_by_key(|one| one.number);
        labelled
    }

    /// Puts on disk what is new.
    pub fn keep(&mut self) {
        if !self.is_dirty {
            return;
        }
        let bytes = postcard::to_stdvec(&self.kept).map_err(|error| error.to_string());
        let sealed = bytes.and_then(|bytes| self.seal.seal(PLACE, &bytes).map_err(|error| error.to_string()));
        let written =
            sealed.and_then(|sealed| keyfile::write(&self.path, &sealed).map_err(|error| error.to_string()));
        match written {
            Ok(()) => self.is_dirty = false,
            Err(error) => tracing::warn!("verdicts cannot be kept: {error}; it is tried again"),
        }
    }
}

fn read(seal: &Seal, sealed: &[u8]) -> Option<Kept> {
    let kept: Kept = postcard::from_bytes(&seal.unseal(PLACE, sealed).ok()?).ok()?;
    let is_sound =
        |noted: &Noted| noted.input.len() == INPUTS && noted.input.iter().all(|value| value.is_finite());
    (kept.cases.len() <= MOST && kept.cases.values().all(is_sound)).then_some(kept)
}

/// Each fifth case judges and is not learnt from.
const fn is_held(number: u64) -> bool {
    number % 5 == 4
}

const PLACE: &[u8] = b"labels";
/// Cases that are kept.
const MOST: usize = 2048;
const LARGEST: u64 = 8 << 20;

#[cfg(test)]
mod tests {
    use fieldward_shared::privacy::keystream::secret;

    use super::*;

    fn input(value: f32) -> Input {
        [value; INPUTS]
    }

    #[test]
    fn verdicts_meet_what_was_seen_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels");
        let seal = Arc::new(Seal::of(&secret().unwrap()).unwrap());
        let mut labels = Labels::open(&path, seal.clone());
        for at in 0..6_u8 {
            labels.note(&format!("alert {at}"), &input(f32::from(at)), Some("T0846"));
        }
        labels.note("alert 1", &input(7.5), Some("T0888"));
        let said = [
            ("alert 0", Some(Verdict::Right)),
            ("alert 1", Some(Verdict::Right)),
            ("alert 2", Some(Verdict::Nothing)),
            ("alert 3", Some(Verdict::Other("T0836".to_owned()))),
            ("nobody knows it", Some(Verdict::Right)),
            ("alert 4", Some(Verdict::Right)),
            ("alert 0", None),
        ];
        labels.hear(14, said.map(|(alert, verdict)| (alert.to_owned(), verdict)));
        labels.keep();
        let again = Labels::open(&path, seal.clone());
        assert_eq!(again.heard(), 14);
        let classes = |held| -> Vec<(u64, String)> {
            let cases = again.cases(held, |class| class != "T0836");
            cases.into_iter().map(|one| (one.number, one.class)).collect()
        };
        assert_eq!(classes(false), [(1, "T0888".to_owned()), (2, BENIGN.to_owned())]);
        assert_eq!(classes(true), [(4, "T0846".to_owned())]);
        assert_eq!(again.cases(false, |_| true)[0].input, input(7.5));
        std::fs::write(&path, b"junk").unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert_eq!(Labels::open(&path, seal).heard(), 0);
        assert!(path.with_extension("damaged").exists());
    }

    #[test]
    fn cases_without_a_verdict_make_room_first() {
        let folder = tempfile::tempdir().unwrap();
        let seal = Arc::new(Seal::of(&secret().unwrap()).unwrap());
        let mut labels = Labels::open(&folder.path().join("labels"), seal);
        labels.note("first", &input(1.0), None);
        labels.hear(1, [("first".to_owned(), Some(Verdict::Nothing))]);
        (0..MOST).for_each(|at| labels.note(&at.to_string(), &input(0.0), None));
        assert_eq!(labels.kept.cases.len(), MOST);
        assert!(labels.kept.cases.contains_key("first") && !labels.kept.cases.contains_key("0"));
    }
}
