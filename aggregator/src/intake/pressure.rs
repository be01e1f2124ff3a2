//! How much agents may send before they wait: less while the database is slow, nothing while it is away.
//! Nothing is ever dropped for it; agents keep what is not acknowledged.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldward_shared::wire::WINDOW;
use tokio::sync::watch;

/// What commits tell of the database.
#[derive(Debug)]
pub struct Pressure {
    state: Mutex<State>,
    credit: watch::Sender<u32>,
}

#[derive(Debug)]
struct State {
    /// The last commits.
    took: VecDeque<Duration>,
    /// Commits since the last look.
    fresh: usize,
    /// Tasks whose last attempt failed: while there is one, the database is away.
    trying: usize,
    credit: u32,
}

impl Default for Pressure {
    fn default() -> Self {
        let state = State { took: VecDeque::new(), fresh: 0, trying: 0, credit: WINDOW };
        Self { state: Mutex::new(state), credit: watch::channel(WINDOW).0 }
    }
}

impl Pressure {
    /// A commit took so long.
    pub fn took(&self, time: Duration) {
        let mut state = self.lock();
        if state.took.len() == REMEMBERED {
            state.took.pop_front();
        }
        state.took.push_back(time);
        state.fresh += 1;
    }

    /// An attempt failed and is made again, until what this gives is dropped. Tells whether that is new.
    pub fn failed(&self) -> (Trouble<'_>, bool) {
        let mut state = self.lock();
        state.trying += 1;
        self.tell(&state);
        (Trouble(self), state.trying == 1)
    }

    /// Once a second: less while commits are slow, more while they are not.
    pub fn look(&self) {
        let mut state = self.lock();
        if state.fresh == 0 && state.credit == WINDOW {
            return;
        }
        state.fresh = 0;
        let mut took: Vec<Duration> = state.took.iter().copied().collect();
        took.sort_unstable();
        let p99 = took.get(took.len().saturating_mul(99) / 100).copied().unwrap_or_default();
        if p99 > SLOW {
            state.credit = (state.credit / 2).max(1);
            // What comes now is judged by itself.
            state.took.clear();
        } else {
            state.credit = state.credit.saturating_mul(2).min(WINDOW);
        }
        self.tell(&state);
    }

    /// Batches that an agent may have under way, now and whenever it changes.
    pub fn credit(&self) -> watch::Receiver<u32> {
        self.credit.subscribe()
    }

    fn tell(&self, state: &State) {
        let credit = if state.trying > 0 { 0 } else { state.credit };
        self.credit.send_if_modified(|told| std::mem::replace(told, credit) != credit);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Numbers: nothing is half done in them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for the database.
#[derive(Debug)]
pub struct Trouble<'a>(&'a Pressure);

impl Drop for Trouble<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.trying = state.trying.saturating_sub(1);
        if state.trying == 0 {
            tracing::info!("nobody waits for the database any more: agents may send");
            state.credit = 1;
            // So that the next look raises it.
            state.fresh += 1;
        }
        self.0.tell(&state);
    }
}

/// Commits of which the slow ones are sought.
const REMEMBERED: usize = 256;
/// When one in a hundred takes longer, agents send less.
const SLOW: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_commits_lower_the_credit_and_quick_ones_raise_it() {
        let pressure = Pressure::default();
        let credit = pressure.credit();
        for expected in [4, 2, 1, 1] {
            (0..50).for_each(|_| pressure.took(SLOW * 2));
            pressure.look();
            assert_eq!(*credit.borrow(), expected);
        }
        for expected in [2, 4, 8, 8] {
            (0..50).for_each(|_| pressure.took(Duration::from_millis(5)));
            pressure.look();
            assert_eq!(*credit.borrow(), expected);
        }
    }

    #[test]
    fn a_database_that_is_away_stops_all() {
        let pressure = Pressure::default();
        let credit = pressure.credit();
        let (first, is_new) = pressure.failed();
        let (second, is_new_too) = pressure.failed();
        assert_eq!((is_new, is_new_too), (true, false));
        pressure.look();
        drop(first);
        assert_eq!(*credit.borrow(), 0);
        // It succeeded, or its session has ended.
        drop(second);
        assert_eq!(*credit.borrow(), 1);
        pressure.look();
        assert_eq!(*credit.borrow(), 2);
    }
}
