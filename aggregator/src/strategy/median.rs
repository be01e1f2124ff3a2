//! Median: the middle one in each place.

use super::parts::{each, follow};
use super::{Kind, Part, Sees, Settings, Strategy, StrategyError, robust};

pub const KIND: Kind = Kind {
    name: "median",
    about: "The middle one in each place.",
    sees: Sees::Each,
    new: |settings, _| {
        settings.check()?;
        Ok(Box::new(Median(*settings)))
    },
};

struct Median(Settings);

impl Strategy for Median {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        let changes = each(KIND.name, parts)?;
        follow(&self.0, robust::median(&changes)?)
    }
}
