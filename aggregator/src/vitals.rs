//! Signs of life of the parts that work by themselves. Each says when it has done what it does regularly, and
//! whether that went well; who looks sees which of them are late or fail. A part that was never started is
//! not there.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant};

/// A part that works by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Takes over who was revoked, and keeps the aggregator's own certificate fresh.
    Authority,
    /// Tells those who listen.
    Live,
    /// Forgets what is old.
    Retention,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Authority, Self::Live, Self::Retention];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authority => "authority",
            Self::Live => "live",
            Self::Retention => "retention",
        }
    }
}

/// How a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does what it does.
    Working,
    /// It was not heard of for longer than it may be.
    Late,
    /// What it did last went wrong.
    Failing,
}

/// All parts. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Vitals(Arc<[Mutex<Option<Mark>>; Part::ALL.len()]>);

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// How long it may be silent.
    patience: Duration,
    at: Instant,
    went_well: bool,
}

impl Vitals {
    /// From now on a part works, and is heard of within so long.
    pub fn start(&self, part: Part, patience: Duration) {
        *self.0[part as usize].lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Mark { patience, at: Instant::now(), went_well: true });
    }

    /// A part has done what it does; nothing is noted of one that was not started.
    pub fn note(&self, part: Part, went_well: bool) {
        let mut mark = self.0[part as usize].lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mark) = mark.as_mut() {
            (mark.at, mark.went_well) = (Instant::now(), went_well);
        }
    }

    /// How a part is now; none: it was not started.
    pub fn state(&self, part: Part) -> Option<State> {
        self.state_at(part, Instant::now())
    }

    fn state_at(&self, part: Part, now: Instant) -> Option<State> {
        let mark = (*self.0[part as usize].lock().unwrap_or_else(PoisonError::into_inner))?;
        Some(match mark {
            Mark { went_well: false, .. } => State::Failing,
            Mark { patience, at, .. } if now.saturating_duration_since(at) > patience => State::Late,
            _ => State::Working,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_works_until_it_is_silent_or_fails() {
        let vitals = Vitals::default();
        vitals.note(Part::Live, true);
        assert_eq!(vitals.state(Part::Live), None, "it was never started");
        vitals.start(Part::Live, Duration::from_secs(10));
        assert_eq!(vitals.state(Part::Live), Some(State::Working));
        let later = Instant::now() + Duration::from_secs(11);
        assert_eq!(vitals.state_at(Part::Live, later), Some(State::Late));
        vitals.note(Part::Live, true);
        assert_eq!(vitals.state(Part::Live), Some(State::Working));
        vitals.note(Part::Live, false);
        assert_eq!(vitals.state(Part::Live), Some(State::Failing));
        assert_eq!(vitals.state(Part::Authority), None);
        assert!(Part::ALL.iter().enumerate().all(|(at, part)| *part as usize == at));
    }
}
