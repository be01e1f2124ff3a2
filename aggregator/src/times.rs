//! How long things take: how many took how long, each place twice as long as the one before. Small enough to
//! be kept for each minute and each route, and added up at will.

use std::time::Duration;

/// How many took how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    places: [u64; PLACES],
    /// Microseconds of all of them together.
    pub micros: u64,
}

impl Times {
    /// None yet.
    pub const fn new() -> Self {
        Self { places: [0; PLACES], micros: 0 }
    }

    /// One more.
    pub fn note(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = micros.max(1).ilog2() as usize;
        self.places[place.min(PLACES - 1)] += 1;
        self.micros = self.micros.saturating_add(micros);
    }

    /// Takes those of another.
    pub fn add(&mut self, other: &Self) {
        self.places.iter_mut().zip(other.places).for_each(|(mine, its)| *mine += its);
        self.micros = self.micros.saturating_add(other.micros);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.places.iter().sum()
    }

    /// Microseconds that a share of them took at most, within a factor of two; none when there are none.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let all = self.count();
        let wanted = (all as f64 * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let place = self.places.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        place.filter(|_| all > 0).map(|place| 2_u64 << place)
    }

    /// How many took less than so many microseconds, for bounds from half a millisecond to half a minute.
    pub fn bounds(&self) -> impl Iterator<Item = (u64, u64)> {
        self.below().skip(8).take(17)
    }

    /// Likewise from a second to over half an hour, for what takes long.
    pub fn long_bounds(&self) -> impl Iterator<Item = (u64, u64)> {
        self.below().skip(19).take(12)
    }

    fn below(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut seen = 0;
        self.places.iter().enumerate().map(move |(place, count)| {
            seen += count;
            (2_u64 << place, seen)
        })
    }
}

/// From a microsecond to over half an hour.
const PLACES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_all_below_them() {
        let mut times = Times::new();
        for millis in [0, 1, 3, 100, 3_000_000] {
            times.note(Duration::from_millis(millis));
        }
        let bounds: Vec<(u64, u64)> = times.bounds().collect();
        assert_eq!(bounds[0], (512, 1));
        assert_eq!(bounds[1], (1024, 2));
        assert_eq!(bounds[16], (33_554_432, 4));
        assert_eq!((times.count(), times.micros), (5, 3_000_104_000));
        let long: Vec<(u64, u64)> = times.long_bounds().collect();
        assert_eq!((long[0], long[11]), ((1_048_576, 4), (2_147_483_648, 4)));
        let mut both = times.clone();
        both.add(&times);
        assert_eq!((both.count(), both.quantile(0.5)), (10, times.quantile(0.5)));
        assert_eq!(Times::new().quantile(0.5), None);
    }
}
