//! Multi-Krum: of all updates those stay that lie nearest to the others; their mean is the step.

use super::parts::{each, follow};
use super::robust::{self, RobustError};
use super::{Kind, Part, Sees, Settings, Strategy, StrategyError};

pub const KIND: Kind = Kind {
    name: "multi_krum",
    about: "The mean of those that lie nearest to the others.",
    sees: Sees::Each,
    new: |settings, _| {
        settings.check()?;
        Ok(Box::new(MultiKrum(*settings)))
    },
};

struct MultiKrum(Settings);

impl Strategy for MultiKrum {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        let changes = each(KIND.name, parts)?;
        let liars = self.0.liars;
        // With fewer than 2f + 3 the liars could be each other's nearest (Blanchard et al., 2017).
        let wanted = liars.saturating_mul(2).saturating_add(3);
        if changes.len() < wanted {
            return Err(RobustError::TooFew { updates: changes.len(), liars, wanted }.into());
        }
        let chosen = robust::multi_krum(&changes, liars, changes.len() - liars - 2)?;
        let kept: Vec<&[f32]> = chosen.into_iter().filter_map(|nth| changes.get(nth).copied()).collect();
        follow(&self.0, robust::mean(&kept)?)
    }
}
