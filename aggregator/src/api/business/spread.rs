//! How times are spread.

use serde::Serialize;
use utoipa::ToSchema;

/// Times in figures; all null when there was none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Spread {
    /// How many there were.
    count: u64,
    /// On average.
    mean_seconds: Option<f64>,
    /// Half of them took no longer.
    p50_seconds: Option<f64>,
    /// Nine in ten took no longer.
    p90_seconds: Option<f64>,
    /// The longest.
    max_seconds: Option<f64>,
}

impl Spread {
    /// Of microseconds.
    pub fn of(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        let Some(longest) = all.last() else { return Self::default() };
        let seconds = |micros: u64| micros as f64 / 1e6;
        // The smallest that this share of all does not exceed.
        let quantile = |share: f64| {
            let nth = (share * all.len() as f64).ceil() as usize;
            all.get(nth.saturating_sub(1)).map(|micros| seconds(*micros))
        };
        let sum: f64 = all.iter().map(|micros| seconds(*micros)).sum();
        Self {
            count: all.len() as u64,
            mean_seconds: Some(sum / all.len() as f64),
            p50_seconds: quantile(0.5),
            p90_seconds: quantile(0.9),
            max_seconds: Some(seconds(*longest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_times_that_were() {
        let spread = Spread::of((1..=10).rev().map(|second| second * 1_000_000).collect());
        assert_eq!(
            (spread.count, spread.mean_seconds, spread.p50_seconds, spread.p90_seconds, spread.max_seconds),
            (10, Some(5.5), Some(5.0), Some(9.0), Some(10.0))
        );
        assert_eq!(Spread::of(Vec::new()), Spread::default());
        assert_eq!(Spread::of(vec![2_000_000]).p90_seconds, Some(2.0));
    }
}
