//! Means that a few liars cannot bend, and checks that name them. Pure functions over updates that may be seen one
//! by one: those of plants that agreed to it, or means of groups whose members stay hidden. Whoever calls has
//! checked that all are finite.

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RobustError {
    /// None, or of different lengths.
    #[error("{0} updates of one length are wanted; there are none, or they differ in length")]
    Shape(usize),
    /// So few that nothing would be left.
    #[error("{updates} updates cannot bear {liars} liars; at least {wanted} are wanted")]
    TooFew {
        /// That there are.
        updates: usize,
        /// That may lie.
        liars: usize,
        /// That are wanted.
        wanted: usize,
    },
}

/// The mean: as good as its worst update.
pub fn mean(updates: &[&[f32]]) -> Result<Vec<f32>, RobustError> {
    trimmed_mean(updates, 0)
}

/// The mean of what is left in each place without the `trim` lowest and highest.
pub fn trimmed_mean(updates: &[&[f32]], trim: usize) -> Result<Vec<f32>, RobustError> {
    enough(updates, trim, trim.saturating_mul(2).saturating_add(1))?;
    by_place(updates, |values| {
        let kept = &values[trim..values.len() - trim];
        kept.iter().map(|value| f64::from(*value)).sum::<f64>() / kept.len() as f64
    })
}

/// The middle one in each place; of an even number the mean of the two in the middle.
pub fn median(updates: &[&[f32]]) -> Result<Vec<f32>, RobustError> {
    by_place(updates, |values| {
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        f64::midpoint(f64::from(low), f64::from(high))
    })
}

/// The mean after each was shortened to a norm.
pub fn clipped_mean(updates: &[&[f32]], norm: f64) -> Result<Vec<f32>, RobustError> {
    let length = shape(updates)?;
    let scales: Vec<f64> = updates.iter().map(|update| (norm / self::norm(update)).min(1.0)).collect();
    let at = |place: usize| {
        let parts = updates.iter().zip(&scales).map(|(update, scale)| f64::from(update[place]) * scale);
        (parts.sum::<f64>() / updates.len() as f64) as f32
    };
    Ok((0..length).map(at).collect())
}

/// Krum's score of each: how far its nearest neighbours are, all but `liars` and two (squares summed).
pub fn krum_scores(updates: &[&[f32]], liars: usize) -> Result<Vec<f64>, RobustError> {
    enough(updates, liars, liars.saturating_add(3))?;
    let near = updates.len() - liars - 2;
    let score = |own: usize| {
        let others = updates.iter().enumerate().filter(|(other, _)| *other != own);
        let mut far: Vec<f64> = others.map(|(_, other)| distance2(updates[own], other)).collect();
        far.sort_by(f64::total_cmp);
        far.iter().take(near).sum()
    };
    Ok((0..updates.len()).map(score).collect())
}

/// The `keep` updates with the best scores, the best first; of equals the earlier one.
pub fn multi_krum(updates: &[&[f32]], liars: usize, keep: usize) -> Result<Vec<usize>, RobustError> {
    let scores = krum_scores(updates, liars)?;
    let mut order: Vec<usize> = (0..updates.len()).collect();
    order.sort_by(|one, other| scores[*one].total_cmp(&scores[*other]));
    order.truncate(keep.max(1));
    Ok(order)
}

/// Length of an update (L2).
pub fn norm(update: &[f32]) -> f64 {
    update.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

/// How far two updates point the same way, from -1 to 1; one that is zero points nowhere.
pub fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let product: f64 = one.iter().zip(other).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum();
    let lengths = norm(one) * norm(other);
    if lengths > 0.0 { (product / lengths).clamp(-1.0, 1.0) } else { 0.0 }
}

/// One number for each place, out of all values there in order.
fn by_place(updates: &[&[f32]], join: impl Fn(&[f32]) -> f64) -> Result<Vec<f32>, RobustError> {
    let length = shape(updates)?;
    let mut values = Vec::with_capacity(updates.len());
    let at = |place: usize| {
        values.clear();
        values.extend(updates.iter().map(|update| update[place]));
        values.sort_unstable_by(f32::total_cmp);
        join(&values) as f32
    };
    Ok((0..length).map(at).collect())
}

fn shape(updates: &[&[f32]]) -> Result<usize, RobustError> {
    let length = updates.first().ok_or(RobustError::Shape(0))?.len();
    if updates.iter().any(|update| update.len() != length) {
        return Err(RobustError::Shape(updates.len()));
    }
    Ok(length)
}

fn enough(updates: &[&[f32]], liars: usize, wanted: usize) -> Result<(), RobustError> {
    shape(updates)?;
    if updates.len() < wanted {
        return Err(RobustError::TooFew { updates: updates.len(), liars, wanted });
    }
    Ok(())
}

fn distance2(one: &[f32], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(one, other)| (f64::from(*one) - f64::from(*other)).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five that agree and two that lie.
    const UPDATES: [&[f32]; 7] =
        [&[1.0, 0.0], &[1.1, 0.1], &[0.9, -0.1], &[1.0, 0.05], &[0.95, 0.02], &[-10.0, 10.0], &[-10.0, 9.5]];

    #[track_caller]
    fn close(found: &[f32], wanted: [f32; 2]) {
        assert!(found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 2e-6), "{found:?}");
    }

    #[test]
    fn known_updates_give_known_means() {
        close(&mean(&UPDATES).unwrap(), [-2.15, 2.795714]);
        close(&median(&UPDATES).unwrap(), [0.95, 0.05]);
        close(&trimmed_mean(&UPDATES, 2).unwrap(), [0.95, 0.0566667]);
        close(&clipped_mean(&UPDATES, 2.0).unwrap(), [0.297970, 0.408816]);
        close(&median(&UPDATES[..2]).unwrap(), [1.05, 0.05]);
    }

    #[test]
    fn krum_finds_those_who_agree() {
        let scores = krum_scores(&UPDATES, 2).unwrap();
        for (found, wanted) in scores.iter().zip([0.0254, 0.0614, 0.0694, 0.0184, 0.0232, 439.76, 420.33]) {
            assert!((found - wanted).abs() < 1e-4 * f64::max(1.0, 100.0 * wanted), "{scores:?}");
        }
        assert_eq!(multi_krum(&UPDATES, 2, 1), Ok(vec![3]));
        assert_eq!(multi_krum(&UPDATES, 2, 3), Ok(vec![3, 4, 0]));
    }

    #[test]
    fn order_does_not_matter_and_equals_come_back() {
        let mut turned = UPDATES;
        turned.reverse();
        assert_eq!(median(&turned), median(&UPDATES));
        close(&trimmed_mean(&turned, 2).unwrap(), [0.95, 0.0566667]);
        let same: [&[f32]; 5] = [&[0.25, -3.0]; 5];
        for found in [mean(&same), median(&same), trimmed_mean(&same, 2), clipped_mean(&same, 9.0)] {
            assert_eq!(found.unwrap(), [0.25, -3.0]);
        }
    }

    #[test]
    fn cosines_are_those_of_angles() {
        assert!((cosine(&[1.0, 1.0], &[1.0, 0.0]) - 0.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(mean(&[]), Err(RobustError::Shape(0)));
        assert_eq!(median(&[&[1.0], &[1.0, 2.0]]), Err(RobustError::Shape(2)));
        assert_eq!(trimmed_mean(&UPDATES, 4), Err(RobustError::TooFew { updates: 7, liars: 4, wanted: 9 }));
        assert!(matches!(krum_scores(&UPDATES, 5), Err(RobustError::TooFew { .. })));
        assert!(trimmed_mean(&UPDATES, usize::MAX).is_err());
        // A zero update is not divided by its norm.
        assert_eq!(clipped_mean(&[&[0.0, 0.0], &[0.0, 0.0]], 1.0).unwrap(), [0.0, 0.0]);
    }
}
