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
    /// The last one failed.
    away: bool,
    credit: u32,
}

impl Default for Pressure {
    fn default() -> Self {
        let state = State { took: VecDeque::new(), fresh: 0, away: false, credit: WINDOW };
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
        if std::mem::replace(&mut state.away, false) {
            tracing::info!("the database commits again: agents may send");
            state.credit = 1;
        }
        self.tell(&state);
    }

    /// A commit failed. Tells whether that is new.
    pub fn failed(&self) -> bool {
        let mut state = self.lock();
        let new = !std::mem::replace(&mut state.away, true);
        self.tell(&state);
        new
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
        let credit = if state.away { 0 } else { state.credit };
        self.credit.send_if_modified(|told| std::mem::replace(told, credit) != credit);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Numbers: nothing is half done in them.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        assert!(pressure.failed() && !pressure.failed());
        pressure.look();
        assert_eq!(*credit.borrow(), 0);
        pressure.took(Duration::from_millis(1));
        assert_eq!(*credit.borrow(), 1);
        pressure.look();
        assert_eq!(*credit.borrow(), 2);
    }
}
