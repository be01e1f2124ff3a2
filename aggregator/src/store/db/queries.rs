//! What the database was asked, how long that took, and how often it failed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::times::Times;

/// All queries by what they are for: words in the code, so there are few.
#[derive(Debug, Default)]
pub struct Queries(Mutex<HashMap<&'static str, Asked>>);

/// A question that was asked on the way to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// What for.
    pub what: &'static str,
    /// How long after the beginning.
    pub after: Duration,
    /// How long it took.
    pub took: Duration,
    /// Whether it failed.
    pub failed: bool,
}

/// Does something, and notes the first questions that it asks the database itself.
pub async fn noting<F: Future>(work: F) -> (F::Output, Vec<Noted>) {
    let done = async {
        let output = work.await;
        (output, NOTED.with(|noted| std::mem::take(&mut noted.borrow_mut().1)))
    };
    NOTED.scope(RefCell::new((Instant::now(), Vec::new())), done).await
}

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
        // Outside of what is noted there is nobody to tell.
        let _ = NOTED.try_with(|noted| {
            let (start, all) = &mut *noted.borrow_mut();
            if all.len() < MOST_NOTED {
                let after = start.elapsed().saturating_sub(took);
                all.push(Noted { what, after, took, failed });
            }
        });
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

tokio::task_local! {
    /// Since when, and what was asked.
    static NOTED: RefCell<(Instant, Vec<Noted>)>;
}

/// Questions that are noted of one piece of work.
const MOST_NOTED: usize = 64;
