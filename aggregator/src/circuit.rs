//! Whoever does not answer (a database, an agent) is not asked by everybody: after failures in a row nobody asks
//! for a while, and is told so at once; then one asks for all.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::breaker::Breaker;

/// Whether it is asked.
#[derive(Debug, Default)]
pub struct Circuit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    breaker: Breaker,
    /// In a row.
    failures: u32,
    rests_until: Option<Instant>,
    /// One asks for all.
    is_tried: bool,
}

/// One who asks. Dropped before he has an answer, he has learnt nothing.
#[derive(Debug)]
pub struct Asking<'a>(&'a Circuit);

impl Circuit {
    /// Lets one ask; or says for how long nobody does.
    pub fn enter(&self, now: Instant) -> Result<Asking<'_>, Duration> {
        let mut state = self.state();
        match state.rests_until {
            None => Ok(Asking(self)),
            Some(until) if now >= until && !state.is_tried => {
                state.is_tried = true;
                Ok(Asking(self))
            }
            Some(until) => Err(until.saturating_duration_since(now)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking<'_> {
    /// He has an answer, or there was none; `chance` is from 0 to 1.
    pub fn done(self, now: Instant, is_away: bool, chance: f64) {
        let mut state = self.0.state();
        if !is_away {
            *state = State::default();
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= ENOUGH {
            state.rests_until = Some(now + state.breaker.failed(chance));
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.state().is_tried = false;
    }
}

/// So many failures in a row are no accident.
const ENOUGH: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_in_a_row_one_asks_for_all() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        let ask = |millis, is_away| circuit.enter(at(millis)).map(|one| one.done(at(millis), is_away, 1.0));
        // Failures that are not in a row are accidents.
        for is_away in [true, true, false, true, true] {
            assert_eq!(ask(0, is_away), Ok(()));
        }
        assert_eq!(ask(0, true), Ok(()));
        assert_eq!(ask(40, false), Err(Duration::from_millis(60)));
        let one = circuit.enter(at(100)).expect("the rest is over");
        assert_eq!(circuit.enter(at(100)).map(drop), Err(Duration::ZERO), "another asks already");
        one.done(at(100), true, 1.0);
        assert_eq!(ask(250, false), Err(Duration::from_millis(50)), "twice as long");
        // Who goes away before the answer leaves the question to the next.
        drop(circuit.enter(at(300)).expect("the rest is over"));
        assert_eq!(ask(300, false), Ok(()));
        assert_eq!(ask(300, true), Ok(()), "all is well again");
    }
}
