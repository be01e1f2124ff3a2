//! Noise for whole plants: how much each is to add, and whether so many plants can bear it. Arithmetic alone decides,
//! so a round that would drown what it learns is refused before anybody is asked.

use fieldward_shared::privacy::accountant::plant::{check, deviation};
use fieldward_shared::privacy::ring::{Ring, Terms};
use fieldward_shared::privacy::roster::{MOST, threshold};

use super::plan::RoundTerms;

impl RoundTerms {
    /// The ring of the sums of so many parameters.
    pub fn ring(&self, length: u64) -> Terms {
        let Self { bits, clip, plant_noise, .. } = *self;
        let plain = Terms { bits, clip, members: MOST as u32, deviation: 0 };
        if plant_noise <= 0.0 {
            return plain;
        }
        let norm = Ring::new(plain)
            .map(|ring| ring.rounded_norm2(usize::try_from(length).unwrap_or(usize::MAX)).sqrt());
        // A ring that cannot be is refused as what it is.
        let deviation = norm.map_or(0, |norm| deviation(plant_noise, norm, self.certain()));
        // All plants of one group: no more can be in a sum, and noise leaves less room than numbers do.
        Terms { members: (2 * self.group).min(MOST) as u32, deviation, ..plain }
    }

    /// Plants whose noise is certainly in a sum: those without whom the smallest group is not opened. None where
    /// windows alone are protected.
    pub fn certain(&self) -> u32 {
        let least = if self.plant_noise > 0.0 { threshold(self.quorum.min(self.group)) } else { 0 };
        u32::try_from(least).unwrap_or(u32::MAX)
    }

    /// How long the noise of a mean may be: a fifth beyond what is to be expected.
    pub(super) fn noise_of_mean(&self, ring: &Ring, length: usize) -> f64 {
        let each = ring.terms().deviation as f64 / ring.scale();
        1.2 * each * (length as f64).sqrt() / f64::from(self.certain().max(1)).sqrt()
    }

    /// Whether so many plants can hide in sums of so many parameters, and why not.
    pub fn suits(&self, length: u64, plants: usize) -> Result<(), String> {
        if self.plant_noise <= 0.0 {
            return Ok(());
        }
        // Each adds for the fewest that may be left, and the noise of all is in the mean: as if there were fewer.
        let like = (plants as f64 * f64::from(self.certain())).sqrt();
        check(self.plant_noise, length, like as u32).map_err(|drowned| drowned.to_string())?;
        Ring::new(self.ring(length)).map(drop).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_plants_cannot_hide_and_many_can_with_small_networks() {
        let terms = RoundTerms { plant_noise: 1.0, quorum: 16, ..RoundTerms::default() };
        let why = terms.suits(40_000, 20).unwrap_err();
        assert!(why.contains("drowns it") && why.contains("protect windows"), "{why}");
        assert_eq!(terms.suits(64, 20), Ok(()));
        let ring = terms.ring(64);
        let norm = Ring::new(Terms { deviation: 0, ..ring }).unwrap().rounded_norm2(64).sqrt();
        // The noise of those who are certainly there is what was asked for, in units.
        assert_eq!(terms.certain(), 11);
        let asked = ring.deviation as f64 * 11_f64.sqrt() / norm;
        assert!((1.0..1.001).contains(&asked), "{asked}");
        // As if windows alone were protected, nothing of it is there.
        let plain = RoundTerms::default();
        assert_eq!((plain.ring(64).deviation, plain.certain(), plain.suits(1 << 24, 3)), (0, 0, Ok(())));
        // Noise that does not fit into the ring is said at the start, too.
        let wide = RoundTerms { plant_noise: 40.0, bits: 24, quorum: 16, ..terms };
        assert!(wide.suits(1, 1000).unwrap_err().contains("wrap"));
    }
}
