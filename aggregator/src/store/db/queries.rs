//! What the database was asked, how long that took, and how often it failed.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::times::Times;

/// All queries by what they are for: words in the code, so there are few.
#[derive(Debug, Default)]
pub struct Queries(Mutex<HashMap<&'static str, Asked>>);

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// How long it took, whatever came of it.
    pub times: Times,
    /// How often it failed.
    pub failed: u64,
}

impl Queries {
    /// One more.
    pub fn note(&self, what: &'static str, took: Duration, failed: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = all.entry(what).or_default();
        asked.times.note(took);
        asked.failed += u64::from(failed);
    }

    /// All of them, in the order of their names.
    pub fn all(&self) -> Vec<(&'static str, Asked)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = all.iter().map(|(what, asked)| (*what, asked.clone())).collect();
        all.sort_unstable_by_key(|(what, _)| *what);
        all
    }
}
