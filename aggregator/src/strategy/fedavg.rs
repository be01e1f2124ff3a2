//! FedAvg: the model follows the mean of its plants, each with the same weight.

use super::parts::follow;
use super::robust::RobustError;
use super::{Kind, Part, Sees, Settings, Strategy, StrategyError};

pub const KIND: Kind = Kind {
    name: "fedavg",
    about: "The model follows the mean of all plants.",
    sees: Sees::Groups,
    new: |settings, _| {
        settings.check()?;
        Ok(Box::new(FedAvg(*settings)))
    },
};

struct FedAvg(Settings);

impl Strategy for FedAvg {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        follow(&self.0, mean(parts)?.into_iter().map(|change| change as f32).collect())
    }
}

/// The mean over plants, whatever groups they are in. Summed in an order of its own, so that parts in any order
/// give the same bits.
pub fn mean(parts: &[Part<'_>]) -> Result<Vec<f64>, StrategyError> {
    let plants: u64 = parts.iter().map(|part| u64::from(part.plants)).sum();
    let length = parts.first().map_or(0, |part| part.change.len());
    if plants == 0 || length == 0 || parts.iter().any(|part| part.change.len() != length) {
        return Err(RobustError::Shape(parts.len()).into());
    }
    if parts.iter().any(|part| !part.change.iter().all(|change| change.is_finite())) {
        return Err(StrategyError::NotFinite);
    }
    let mut column = Vec::with_capacity(parts.len());
    let mut at = |place: usize| {
        column.clear();
        column.extend(parts.iter().map(|part| f64::from(part.change[place]) * f64::from(part.plants)));
        column.sort_unstable_by(f64::total_cmp);
        column.iter().sum::<f64>() / plants as f64
    };
    Ok((0..length).map(&mut at).collect())
}

#[cfg(test)]
mod tests {
    use super::super::tests::SETTINGS;
    use super::*;

    #[test]
    fn a_group_counts_as_many_as_it_has_plants() {
        let parts = [Part { plants: 3, change: &[1.0, 0.0] }, Part { plants: 1, change: &[-1.0, 4.0] }];
        let mut strategy = (KIND.new)(&SETTINGS, &[]).unwrap();
        assert_eq!(strategy.combine(&parts).unwrap(), [0.5, 1.0]);
    }

    #[test]
    fn what_makes_no_mean_is_refused() {
        let mut strategy = (KIND.new)(&SETTINGS, &[]).unwrap();
        let short = [Part { plants: 1, change: &[1.0] }, Part { plants: 1, change: &[1.0, 2.0] }];
        assert_eq!(strategy.combine(&short), Err(StrategyError::Parts(RobustError::Shape(2))));
        assert_eq!(strategy.combine(&[]), Err(StrategyError::Parts(RobustError::Shape(0))));
        let wild = [Part { plants: 1, change: &[f32::NAN] }];
        assert_eq!(strategy.combine(&wild), Err(StrategyError::NotFinite));
    }
}
