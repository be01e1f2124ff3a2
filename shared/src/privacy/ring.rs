//! The ring of 2^32 in which updates are summed: how a number becomes a whole one, and how a sum becomes a mean
//! again. A ring is only made when no sum of its members can wrap.

use serde::{Deserialize, Serialize};

use super::keystream::Keystream;

/// Finest resolution: a unit is 2^-24.
pub const FINEST: u32 = 24;

/// Most plants of one sum.
pub const MOST_MEMBERS: u32 = 1 << 16;

/// Deviations of the summed noise that must fit besides; it goes beyond with a chance below 1e-32.
const TAIL: f64 = 12.0;

/// Units for updates of a bounded norm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Terms", into = "Terms")]
pub struct Ring(Terms);

/// What a ring is agreed on by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// A unit is two to the minus this.
    pub bits: u32,
    /// Largest norm of an update.
    pub clip: f64,
    /// Most updates in a sum.
    pub members: u32,
    /// Deviation of the noise that each adds, in units.
    pub deviation: u64,
}

/// Why there is no such ring.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum RingError {
    /// Too fine, without members, or without a clip norm.
    #[error(
        "units of 2^-{bits}, norm {clip} and {members} members make no sum; use up to {FINEST} bits, a positive norm and 1 to {MOST_MEMBERS} members"
    )]
    Terms {
        /// Fraction bits.
        bits: u32,
        /// Clip norm.
        clip: f64,
        /// Members.
        members: u32,
    },
    /// A sum could wrap.
    #[error("a sum may reach {reach:e} units where 2^31 wrap; use fewer bits, a smaller norm or less noise")]
    Wraps {
        /// How far it reaches.
        reach: f64,
    },
}

impl Ring {
    /// The ring for these terms.
    pub fn new(terms: Terms) -> Result<Self, RingError> {
        let Terms { bits, clip, members, deviation } = terms;
        let sound = clip.is_finite() && clip > 0.0;
        if bits > FINEST || !sound || members == 0 || members > MOST_MEMBERS {
            return Err(RingError::Terms { bits, clip, members });
        }
        let many = f64::from(members);
        let reach = many * (clip * unit(bits) + 1.0) + TAIL * deviation as f64 * many.sqrt();
        if reach < f64::from(1_u32 << 31) { Ok(Self(terms)) } else { Err(RingError::Wraps { reach }) }
    }

    /// What it was made of.
    pub const fn terms(&self) -> Terms {
        self.0
    }

    /// Units of one.
    pub fn scale(&self) -> f64 {
        unit(self.0.bits)
    }

    /// A number in units: one of its two neighbours, the nearer one more often, so that the mean is right.
    pub(super) fn round(&self, value: f32, chance: &mut Keystream) -> i32 {
        round(f64::from(value) * self.scale(), chance.next_u32())
    }

    /// The mean of `count` members out of their sum.
    pub fn mean(&self, sum: &[u32], count: u32) -> Vec<f32> {
        let one = self.scale() * f64::from(count.max(1));
        sum.iter().map(|value| (f64::from(value.cast_signed()) / one) as f32).collect()
    }

    /// Square of the norm, in units, that rounding `length` numbers of the clip norm may end at: four of ten
    /// roundings at least stay below (Kairouz, Liu and Steinke, arXiv 2102.06387, with beta = exp(-1/2)).
    pub fn rounded_norm2(&self, length: usize) -> f64 {
        let (clip, length) = (self.0.clip * self.scale(), length as f64);
        let always = (clip + length.sqrt()).powi(2);
        let often = clip * clip + length / 4.0 + clip + length.sqrt() / 2.0;
        always.min(often)
    }
}

fn unit(bits: u32) -> f64 {
    f64::from(1_u32 << bits.min(FINEST))
}

/// `draw` decides, evenly drawn, whether it goes up.
fn round(scaled: f64, draw: u32) -> i32 {
    let floor = scaled.floor();
    let up = (scaled - floor) * f64::from(u32::MAX) > f64::from(draw);
    // No member of a ring goes beyond its clip norm, and that is far within 2^31.
    floor as i32 + i32::from(up)
}

impl From<Ring> for Terms {
    fn from(ring: Ring) -> Self {
        ring.0
    }
}

impl TryFrom<Terms> for Ring {
    type Error = RingError;

    fn try_from(terms: Terms) -> Result<Self, RingError> {
        Self::new(terms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        Terms { bits: 20, clip: 1.0, members: 1000, deviation: 0 }
    }

    #[test]
    fn a_sum_never_wraps() {
        assert!(Ring::new(terms()).is_ok());
        assert!(matches!(Ring::new(Terms { members: 2048, ..terms() }), Err(RingError::Wraps { .. })));
        assert!(matches!(Ring::new(Terms { deviation: 1 << 23, ..terms() }), Err(RingError::Wraps { .. })));
        for clip in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(Ring::new(Terms { clip, ..terms() }), Err(RingError::Terms { .. })));
        }
        assert!(matches!(Ring::new(Terms { members: 0, ..terms() }), Err(RingError::Terms { .. })));
        assert!(serde_json::from_str::<Ring>(r#"{"bits":25,"clip":1,"members":8,"deviation":0}"#).is_err());
    }

    #[test]
    fn numbers_become_the_known_units() {
        let half = 1 << 31;
        let units =
            [0.5_f32, -0.25, 0.001, -1.0].map(|x| round(f64::from(x) * 1_048_576.0, half).cast_unsigned());
        assert_eq!(units, [524_288, 4_294_705_152, 1049, 4_293_918_720]);
        let ring = Ring::new(terms()).unwrap();
        assert_eq!(ring.mean(&units, 1)[..2], [0.5, -0.25]);
        assert_eq!(ring.mean(&[2 << 20, (-4_i32 << 20).cast_unsigned()], 4), [0.5, -1.0]);
    }

    #[test]
    fn rounding_is_right_in_the_mean() {
        let (ring, mut chance) = (Ring::new(terms()).unwrap(), Keystream::new(&[5; 32]));
        let value = 1000.3 / 1_048_576.0;
        let sum: i32 = (0..100_000).map(|_| ring.round(value, &mut chance)).sum();
        let mean = f64::from(sum) / 1e5;
        assert!((mean - f64::from(value) * 1_048_576.0).abs() < 0.008, "{mean}");
    }
}
