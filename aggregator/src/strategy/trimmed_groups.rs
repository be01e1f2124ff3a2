//! Trimmed mean between groups: plants hide in their groups, and of the means of groups the highest and lowest are
//! left out in each place (bucketing: arXiv 2006.09365). A liar spoils one group at most, so `liars` counts groups.
//! Groups count the same whatever their size: a group that counted for more would be worth more to a liar.

use super::parts::{changes, follow};
use super::{Kind, Part, Sees, Settings, Strategy, StrategyError, robust};

pub const KIND: Kind = Kind {
    name: "trimmed_groups",
    about: "The mean over groups in each place without the highest and lowest, as many as may hold a liar.",
    sees: Sees::Groups,
    new: |settings, _| {
        settings.check()?;
        Ok(Box::new(TrimmedGroups(*settings)))
    },
};

struct TrimmedGroups(Settings);

impl Strategy for TrimmedGroups {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        let changes = changes(parts)?;
        follow(&self.0, robust::trimmed_mean(&changes, self.0.liars)?)
    }
}
