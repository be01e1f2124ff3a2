//! What a plant has learnt, on its way out: `LocalUpdate` → `Clipped` → `Noised` → `Masked`. Each step takes the
//! one before away and there is no other way to the next, and only [`Masked`] has bytes: neither a mistake nor a
//! hurry can send anything else. A plant whose own configuration says that it may be seen can leave the masks off
//! ([`Shown`]); nobody else can, since that takes the [`Consent`] of its policy.
//!
//! ```
//! use fieldward_shared::privacy::update::Masked;
//! let send = |update: &Masked| update.to_bytes();
//! ```
//! ```compile_fail,E0599
//! use fieldward_shared::privacy::update::Noised;
//! let send = |update: &Noised| update.to_bytes();
//! ```
//! ```compile_fail,E0599
//! use fieldward_shared::privacy::update::{Clipped, LocalUpdate};
//! let send = |update: LocalUpdate| update.mask();
//! ```
//! ```compile_fail,E0451
//! use fieldward_shared::privacy::update::Consent;
//! let forged = Consent { given: () };
//! ```
//! ```compile_fail,E0382
//! use fieldward_shared::privacy::update::{LocalUpdate, UpdateError};
//! fn twice(update: LocalUpdate) -> Result<(), UpdateError> {
//!     update.clip(1.0)?;
//!     update.clip(2.0)?;
//!     Ok(())
//! }
//! ```

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use zeroize::{Zeroize as _, Zeroizing};

use super::keystream::{Keystream, NoRandomness};
use super::noise::{DiscreteGaussian, WIDEST};
use super::ring::Ring;
use crate::weights::{LayoutHash, WeightVector};

/// Roundings that are tried until one is short enough; at least four of ten are.
const ROUNDINGS: usize = 64;

/// Longest update: 16 M parameters.
pub const LONGEST: usize = 1 << 24;

/// Why an update goes no further.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum UpdateError {
    /// The two models have other layouts, or are of other lengths.
    #[error(
        "the model before has layout {before}, the one after {after}; train from the model of this round"
    )]
    Layout {
        /// Before training.
        before: LayoutHash,
        /// After it.
        after: LayoutHash,
    },
    /// Nothing in it, or too much.
    #[error("{0} parameters are no update; 1 to {LONGEST} are")]
    Length(usize),
    /// Not a number.
    #[error("parameter {0} is not a finite number; the training diverged, its update is not sent")]
    NotFinite(usize),
    /// A clip norm that is none, or not the one of the ring.
    #[error("clipped to {clipped}, but the round sums updates of norm {agreed}")]
    Clip {
        /// The norm.
        clipped: f64,
        /// That of the ring.
        agreed: f64,
    },
    /// More noise than the arithmetic holds.
    #[error("noise of deviation {0} units cannot be drawn; the most is {WIDEST}")]
    Deviation(u64),
    /// Chance was against every rounding: this does not happen.
    #[error("no rounding of the update kept its norm; take part in the next round")]
    Rounding,
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Bytes that are no masked update of this length.
    #[error("{found} bytes came for {wanted} masked numbers of four bytes each")]
    Bytes {
        /// That came.
        found: usize,
        /// Numbers that were expected.
        wanted: usize,
    },
}

/// What training changed, as it came out: it says much of the plant and never leaves it.
pub struct LocalUpdate {
    values: Zeroizing<Vec<f32>>,
}

/// An update of bounded norm.
pub struct Clipped {
    values: Zeroizing<Vec<f32>>,
    norm: f64,
}

/// An update in whole units, with the noise in it that was agreed on.
pub struct Noised {
    units: Zeroizing<Vec<u32>>,
    ring: Ring,
    print: Fingerprint,
}

/// An update under its masks: alone it says nothing. The only one that has bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Masked {
    units: Vec<u32>,
}

/// That a plant may be seen one by one: its own policy gives it, and nothing else does.
#[derive(Clone, Copy, Debug)]
pub struct Consent {
    given: (),
}

/// An update without masks, of a plant that may be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    units: Vec<u32>,
}

/// What an update is recognised by on the plant that made it, should it be asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fingerprint([u8; 32]);

impl LocalUpdate {
    /// The difference that training made.
    pub fn between(before: &WeightVector, after: &WeightVector) -> Result<Self, UpdateError> {
        let (old, new) = (before.values(), after.values());
        if before.layout() != after.layout() || old.len() != new.len() {
            return Err(UpdateError::Layout { before: before.layout(), after: after.layout() });
        }
        Self::new(new.iter().zip(old).map(|(new, old)| new - old).collect())
    }

    /// These changes.
    pub fn new(values: Vec<f32>) -> Result<Self, UpdateError> {
        let values = Zeroizing::new(values);
        if values.is_empty() || values.len() > LONGEST {
            return Err(UpdateError::Length(values.len()));
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(UpdateError::NotFinite(at)),
            None => Ok(Self { values }),
        }
    }

    /// Shortens it to a norm (L2) when it is longer.
    pub fn clip(mut self, norm: f64) -> Result<Clipped, UpdateError> {
        if !(norm.is_finite() && norm > 0.0) {
            return Err(UpdateError::Clip { clipped: norm, agreed: norm });
        }
        let mut length = length(&self.values);
        while length > norm {
            // Numbers are rounded when they are stored: a hair shorter, so that it ends.
            let by = norm / length * (1.0 - f64::from(f32::EPSILON));
            self.values.iter_mut().for_each(|value| *value = (f64::from(*value) * by) as f32);
            length = self::length(&self.values);
        }
        Ok(Clipped { values: self.values, norm })
    }
}

impl Clipped {
    /// Rounds it to the units of a ring and adds the noise that the ring was made for: none, when windows are
    /// protected (the noise came with the training).
    pub fn noise(self, ring: &Ring) -> Result<Noised, UpdateError> {
        self.noise_by(ring, &mut Keystream::by_chance()?)
    }

    pub(super) fn noise_by(self, ring: &Ring, chance: &mut Keystream) -> Result<Noised, UpdateError> {
        let agreed = ring.terms();
        if self.norm > agreed.clip {
            return Err(UpdateError::Clip { clipped: self.norm, agreed: agreed.clip });
        }
        let print = fingerprint(&self.values);
        let mut units = self.round(ring, chance).ok_or(UpdateError::Rounding)?;
        if agreed.deviation > 0 {
            let noise = DiscreteGaussian::new(agreed.deviation);
            let noise = noise.ok_or(UpdateError::Deviation(agreed.deviation))?;
            // The ring is wide enough for it; beyond its tail it wraps, which is as good a noise.
            units.iter_mut().for_each(|unit| *unit = unit.wrapping_add(noise.draw(chance) as u32));
        }
        Ok(Noised { units, ring: *ring, print })
    }

    /// In units, and not longer than the noise was reckoned for.
    fn round(&self, ring: &Ring, chance: &mut Keystream) -> Option<Zeroizing<Vec<u32>>> {
        let longest = ring.rounded_norm2(self.values.len());
        (0..ROUNDINGS).find_map(|_| {
            let mut norm2 = 0.0;
            let units = self.values.iter().map(|value| {
                let unit = ring.round(*value, chance);
                norm2 += f64::from(unit).powi(2);
                unit.cast_unsigned()
            });
            let units = Zeroizing::new(units.collect::<Vec<u32>>());
            (norm2 <= longest).then_some(units)
        })
    }
}

impl Noised {
    /// Hides it; `masks` adds what the others take off.
    pub(super) fn mask(mut self, masks: impl FnOnce(&mut [u32])) -> Masked {
        masks(&mut self.units);
        Masked { units: std::mem::take(&mut *self.units) }
    }

    /// Leaves it as it is.
    pub(super) fn show(mut self, consent: Consent) -> Shown {
        let Consent { given: () } = consent;
        Shown { units: std::mem::take(&mut *self.units) }
    }

    /// How many numbers it has.
    pub fn length(&self) -> usize {
        self.units.len()
    }

    /// The ring it was made for.
    pub const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// What it is recognised by.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.print
    }

    #[cfg(test)]
    pub(super) fn units(&self) -> &[u32] {
        &self.units
    }
}

impl Consent {
    /// For the policy of a plant alone.
    pub(super) const fn given() -> Self {
        Self { given: () }
    }
}

impl Shown {
    /// As it is sent, which is as masked ones are.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes(&self.units)
    }
}

impl Masked {
    /// As it is sent: little-endian, four bytes each.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes(&self.units)
    }

    /// As it came: exactly so many numbers.
    pub fn from_bytes(bytes: &[u8], wanted: usize) -> Result<Self, UpdateError> {
        let (units, rest) = bytes.as_chunks::<4>();
        if units.len() != wanted || !rest.is_empty() {
            return Err(UpdateError::Bytes { found: bytes.len(), wanted });
        }
        Ok(Self { units: units.iter().map(|unit| u32::from_le_bytes(*unit)).collect() })
    }

    /// The numbers.
    pub fn units(&self) -> &[u32] {
        &self.units
    }
}

fn to_bytes(units: &[u32]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.to_le_bytes()).collect()
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn fingerprint(values: &[f32]) -> Fingerprint {
    let mut hash = Context::new(&SHA256);
    for part in values.chunks(1024) {
        let mut bytes: Vec<u8> = part.iter().flat_map(|value| value.to_le_bytes()).collect();
        hash.update(&bytes);
        bytes.zeroize();
    }
    let mut print = [0; 32];
    print.copy_from_slice(hash.finish().as_ref());
    Fingerprint(print)
}

impl fmt::Debug for LocalUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalUpdate({} numbers)", self.values.len())
    }
}

impl fmt::Debug for Clipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clipped({} numbers to {})", self.values.len(), self.norm)
    }
}

impl fmt::Debug for Noised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Noised({} numbers)", self.units.len())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({} numbers)", self.units.len())
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masked({} numbers)", self.units.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::ring::Terms;
    use crate::weights::Layout;

    fn ring(deviation: u64) -> Ring {
        Ring::new(Terms { bits: 20, clip: 1.0, members: 10, deviation }).unwrap()
    }

    #[test]
    fn updates_are_clipped_to_their_norm() {
        let long = LocalUpdate::new(vec![3.0, -4.0]).unwrap().clip(1.0).unwrap();
        assert!((long.values[0] - 0.6).abs() < 1e-6 && (long.values[1] + 0.8).abs() < 1e-6);
        assert!(length(&long.values) <= 1.0);
        let short = LocalUpdate::new(vec![0.3, -0.4]).unwrap().clip(1.0).unwrap();
        assert_eq!(short.values[..], [0.3, -0.4]);
        let huge = LocalUpdate::new(vec![f32::MAX; 9]).unwrap().clip(1.0).unwrap();
        assert!(length(&huge.values) <= 1.0 && length(&huge.values) > 0.999);
    }

    #[test]
    fn what_is_no_update_is_refused() {
        assert_eq!(LocalUpdate::new(vec![]).unwrap_err(), UpdateError::Length(0));
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(LocalUpdate::new(vec![0.0, bad]).unwrap_err(), UpdateError::NotFinite(1));
        }
        let (one, two) = (Layout::new([("a", &[2][..])]), Layout::new([("b", &[2][..])]));
        let before = WeightVector::new(&one, vec![1.0, 2.0]).unwrap();
        let after = WeightVector::new(&two, vec![1.0, 2.0]).unwrap();
        assert!(matches!(LocalUpdate::between(&before, &after), Err(UpdateError::Layout { .. })));
        for norm in [0.0, -1.0, f64::NAN] {
            assert!(LocalUpdate::new(vec![1.0]).unwrap().clip(norm).is_err());
        }
        let long = LocalUpdate::new(vec![1.0]).unwrap().clip(2.0).unwrap();
        assert!(matches!(long.noise(&ring(0)), Err(UpdateError::Clip { .. })));
        assert!(Masked::from_bytes(&[0; 8], 2).is_ok());
        for wrong in [0, 4, 7, 9, 12] {
            assert!(Masked::from_bytes(&vec![0; wrong], 2).is_err());
        }
    }

    #[test]
    fn noise_is_that_of_the_ring() {
        let noised = |deviation| {
            let clipped = LocalUpdate::new(vec![0.01; 4096]).unwrap().clip(1.0).unwrap();
            clipped.noise_by(&ring(deviation), &mut Keystream::new(&[2; 32])).unwrap()
        };
        let exact = noised(0);
        assert!(exact.units().iter().all(|unit| unit.abs_diff(10_485) <= 1));
        let deviation = 50_000.0;
        let noisy = noised(50_000);
        let off = noisy.units().iter().zip(exact.units());
        let off: Vec<f64> = off.map(|(a, b)| f64::from(a.wrapping_sub(*b).cast_signed())).collect();
        let spread = (off.iter().map(|off| off * off).sum::<f64>() / 4096.0).sqrt();
        assert!((spread / deviation - 1.0).abs() < 0.05, "{spread}");
        assert_eq!(exact.fingerprint(), noisy.fingerprint());
    }

    #[test]
    fn nothing_of_it_stands_in_what_is_logged() {
        let update = LocalUpdate::new(vec![0.123_456; 3]).unwrap();
        assert_eq!(format!("{update:?}"), "LocalUpdate(3 numbers)");
        let clipped = update.clip(1.0).unwrap();
        assert_eq!(format!("{clipped:?}"), "Clipped(3 numbers to 1)");
        assert_eq!(format!("{:?}", clipped.noise(&ring(0)).unwrap()), "Noised(3 numbers)");
    }
}
