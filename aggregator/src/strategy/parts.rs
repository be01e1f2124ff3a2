//! What strategies do alike with the parts of a round: refuse what makes no model, put them in an order of their own,
//! follow what came of them.

use super::robust::RobustError;
use super::{Part, Settings, StrategyError};

/// The changes of parts of one shape, all finite, in an order that has nothing to do with the one they came in: so
/// parts in any order give the same bits.
pub fn changes<'a>(parts: &[Part<'a>]) -> Result<Vec<&'a [f32]>, StrategyError> {
    let length = parts.first().map_or(0, |part| part.change.len());
    let is_odd = |part: &Part<'_>| part.plants == 0 || part.change.len() != length;
    if length == 0 || parts.iter().any(is_odd) {
        return Err(RobustError::Shape(parts.len()).into());
    }
    if parts.iter().any(|part| !part.change.iter().all(|change| change.is_finite())) {
        return Err(StrategyError::NotFinite);
    }
    let mut changes: Vec<&[f32]> = parts.iter().map(|part| part.change).collect();
    let order = |one: &f32, other: &f32| one.total_cmp(other);
    changes.sort_by(|one, other| {
        let mut places = one.iter().zip(*other).map(|(one, other)| order(one, other));
        places.find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    Ok(changes)
}

/// Likewise of parts that are one plant each.
pub fn each<'a>(name: &'static str, parts: &[Part<'a>]) -> Result<Vec<&'a [f32]>, StrategyError> {
    if parts.iter().any(|part| part.plants > 1) {
        return Err(StrategyError::Hidden(name));
    }
    changes(parts)
}

/// Goes as far as the settings say. A sum that outgrew its numbers makes no model.
pub fn follow(settings: &Settings, change: Vec<f32>) -> Result<Vec<f32>, StrategyError> {
    let stepped: Vec<f32> =
        change.into_iter().map(|change| (f64::from(change) * settings.rate) as f32).collect();
    if stepped.iter().all(|change| change.is_finite()) { Ok(stepped) } else { Err(StrategyError::NotFinite) }
}
