//! Windows out of captures: a plant that learnt from recordings takes part in rounds at once, and not only after an
//! hour of its own.

use std::path::Path;

use super::local::{Choices, Local, OpenError};
use super::windows::{Bounds, Counts, Gather};
use crate::watch::Watch;
use crate::window::LENGTH;

/// Makes windows of what a watch sees, for the service with that state directory.
pub struct Beforehand {
    gather: Gather,
    local: Local,
    before: Option<u64>,
}

impl Beforehand {
    /// Opens what the service has gathered. The service must not run meanwhile: each knows its own windows only.
    pub fn open(state: &Path, models: &Path) -> Result<Self, OpenError> {
        let choices = Choices {
            state: state.to_owned(),
            models: models.to_owned(),
            cpu_share: 1.0,
            bounds: Bounds::default(),
            allow_unprotected: false,
        };
        // Nothing is trained here, so that no model is told of.
        Ok(Self { gather: Gather::default(), local: Local::open(choices, Box::new(|_| {}))?, before: None })
    }

    /// A packet was seen: what is over by it is gathered.
    pub fn packet(&mut self, watch: &Watch) {
        let (before, now) = (self.before, watch.second());
        self.before = now;
        let (Some(before), Some(now)) = (before, now) else { return };
        if before < now && now - before <= LENGTH as u64 {
            for second in before..now {
                if let Some(minute) = self.gather.second(second, watch.window()) {
                    self.local.put(&minute);
                }
            }
        }
    }

    /// What became of windows.
    pub fn counts(&self) -> Counts {
        self.local.counts()
    }
}
