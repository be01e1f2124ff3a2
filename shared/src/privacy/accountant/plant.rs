//! Whether whole plants can be protected at all: noise that hides one of few drowns what all have learnt, and
//! arithmetic alone decides it.

/// Largest noise of the mean, as a multiple of the clip norm, with which something is still learnt.
pub const MOST_RATIO: f64 = 1.0;

/// Why plants are not protected as a whole.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "noise {noise} for {length} parameters of {plants} plants is {ratio:.1} times the clip norm in the mean, and drowns it beyond {MOST_RATIO}; protect windows, or take a smaller head or more plants"
)]
pub struct Drowned {
    /// Noise as a multiple of the clip norm.
    pub noise: f64,
    /// Parameters.
    pub length: u64,
    /// Plants.
    pub plants: u32,
    /// What comes out.
    pub ratio: f64,
}

/// How long the noise of the mean is, as a multiple of the clip norm.
pub fn ratio(noise: f64, length: u64, plants: u32) -> f64 {
    noise * (length as f64).sqrt() / f64::from(plants)
}

/// Whether noise for whole plants leaves anything.
pub fn check(noise: f64, length: u64, plants: u32) -> Result<(), Drowned> {
    let ratio = ratio(noise, length, plants);
    if ratio < MOST_RATIO { Ok(()) } else { Err(Drowned { noise, length, plants, ratio }) }
}

/// Deviation that each of `plants` adds, in units, so that the sum has `noise` times a norm (in units too).
/// Rounded up: never less than was asked for.
pub fn deviation(noise: f64, norm: f64, plants: u32) -> u64 {
    (noise * norm / f64::from(plants.max(1)).sqrt()).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_known_one() {
        for (noise, length, plants, wanted) in [
            (1.0, 2048, 10, 4.53),
            (1.0, 2048, 1000, 0.05),
            (8.0, 2048, 1000, 0.36),
            (1.0, 10_000, 200, 0.5),
            (8.0, 60_000, 50, 39.2),
            (1.0, 60_000, 10, 24.5),
            (8.0, 1_000_000, 1000, 8.0),
        ] {
            assert!((ratio(noise, length, plants) - wanted).abs() < 0.011, "{noise} {length} {plants}");
        }
    }

    #[test]
    fn what_drowns_is_refused_with_the_reason() {
        assert_eq!(check(1.0, 2048, 50), Ok(()));
        assert_eq!(check(f64::NAN, 2048, 50).map_err(|drowned| drowned.plants), Err(50));
        let said = check(1.0, 60_000, 10).unwrap_err().to_string();
        assert!(said.contains("24.5 times") && said.contains("protect windows"), "{said}");
        assert_eq!(deviation(8.0, 16_380.0, 10), 41_439);
    }
}
