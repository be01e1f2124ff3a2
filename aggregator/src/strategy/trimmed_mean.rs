//! Trimmed mean: in each place the highest and lowest are left out, as many as may lie, and the rest has its mean.

use super::parts::{each, follow};
use super::{Kind, Part, Sees, Settings, Strategy, StrategyError, robust};

pub const KIND: Kind = Kind {
    name: "trimmed_mean",
    about: "The mean in each place without the highest and lowest, as many as may lie.",
    sees: Sees::Each,
    new: |settings, _| {
        settings.check()?;
        Ok(Box::new(TrimmedMean(*settings)))
    },
};

struct TrimmedMean(Settings);

impl Strategy for TrimmedMean {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        let changes = each(KIND.name, parts)?;
        follow(&self.0, robust::trimmed_mean(&changes, self.0.liars)?)
    }
}
