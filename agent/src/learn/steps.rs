//! Steps of five seconds, and the minutes that twelve of them make.
//!
//! The features of a step are those of its five seconds counted together, not the mean of five: a
//! message that comes once stays one message, and what differs is counted once in five seconds.

use crate::features::{self, COUNT};
use crate::window::Window;

/// Seconds of a step.
pub const STEP_SECONDS: u64 = 5;
/// Steps of a minute.
pub const STEPS: usize = 12;
/// Numbers of a minute.
pub const WIDTH: usize = STEPS * COUNT;

/// Makes steps of seconds.
#[derive(Debug, Default)]
pub struct Steps {
    /// The last second, and the first one since it began to count.
    last: Option<u64>,
    began: u64,
    /// The last step that was whole.
    step: Option<u64>,
}

/// A step that is over.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its features.
    pub row: [f32; COUNT],
    /// Whether it comes right after the one before.
    pub follows: bool,
}

impl Steps {
    /// A second is over. Gives a step when one is over that was seen from its beginning to its end.
    pub fn second(&mut self, second: u64, window: &Window) -> Option<Step> {
        if self.last.is_none_or(|last| last + 1 != second) {
            // The first second may have begun before the capture did.
            self.began = second + 1;
            self.step = None;
        }
        self.last = Some(second);
        if !(second + 1).is_multiple_of(STEP_SECONDS) || second + 1 < self.began + STEP_SECONDS {
            return None;
        }
        let mut bucket = window.second(second);
        for earlier in second + 1 - STEP_SECONDS..second {
            bucket.join(&window.second(earlier));
        }
        let number = second / STEP_SECONDS;
        let follows = self.step.is_some_and(|step| step + 1 == number);
        self.step = Some(number);
        Some(Step { row: features::of(&bucket), follows })
    }
}

/// The last twelve steps, side by side, the oldest first.
#[derive(Debug)]
pub struct Minute {
    values: Box<[f32]>,
    filled: usize,
}

impl Default for Minute {
    fn default() -> Self {
        Self { values: vec![0.0; WIDTH].into(), filled: 0 }
    }
}

impl Minute {
    /// A step is over; tells whether the minute is full.
    pub fn push(&mut self, row: &[f32; COUNT], follows: bool) -> bool {
        if !follows {
            self.filled = 0;
        }
        self.values.copy_within(COUNT.., 0);
        self.values[WIDTH - COUNT..].copy_from_slice(row);
        self.filled = (self.filled + 1).min(STEPS);
        self.filled == STEPS
    }

    /// Its numbers.
    pub const fn values(&self) -> &[f32] {
        &self.values
    }
}
