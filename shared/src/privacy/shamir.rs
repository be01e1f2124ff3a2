//! Shamir's sharing: a secret among plants so that any `threshold` of them give it back, and fewer know nothing
//! of it. A secret of 32 bytes is five numbers of 52 bits, each shared with a polynomial of its own over the
//! prime 2^61 - 1: as perfect as in one large field, and the arithmetic is a few lines without branches.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::keystream::{Keystream, NoRandomness, Secret};

/// The prime 2^61 - 1.
pub const PRIME: u64 = (1 << 61) - 1;

/// Bytes of a share as it is sealed for its holder.
pub const SHARE_BYTES: usize = LIMBS * 8;

/// Numbers of a secret.
const LIMBS: usize = 5;

/// Bits of each.
const LIMB_BITS: u32 = 52;

/// Why shares give no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShamirError {
    /// A threshold of none or of more than there are holders.
    #[error("{threshold} of {holders} shares cannot open a secret; ask for 1 to {holders}")]
    Threshold {
        /// That were to open it.
        threshold: usize,
        /// That there are.
        holders: usize,
    },
    /// Too few.
    #[error("{found} shares came and {wanted} open the secret; it stays closed")]
    TooFew {
        /// That came.
        found: usize,
        /// That are needed.
        wanted: usize,
    },
    /// Twice the same place, or a number beyond the prime.
    #[error("the share of holder {0} came twice or is no number of the field")]
    Unsound(u64),
    /// They lie on no polynomial, or on one of no secret.
    #[error("the shares do not fit together")]
    Misfit,
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What one holder keeps of a secret; erased when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    at: u64,
    limbs: [u64; LIMBS],
}

impl Share {
    /// As it is sealed; whose it is goes without saying.
    pub fn to_bytes(&self) -> Zeroizing<[u8; SHARE_BYTES]> {
        let mut bytes = Zeroizing::new([0; SHARE_BYTES]);
        for (part, limb) in bytes.chunks_mut(8).zip(&self.limbs) {
            part.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }

    /// The share of holder `at` (from 1) as it came.
    pub fn from_bytes(at: u64, bytes: &[u8; SHARE_BYTES]) -> Result<Self, ShamirError> {
        let mut limbs = [0; LIMBS];
        for (limb, part) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*part);
        }
        let share = Self { at, limbs };
        if at == 0 || share.limbs.iter().any(|limb| *limb >= PRIME) {
            return Err(ShamirError::Unsound(at));
        }
        Ok(share)
    }

    /// Whose it is, from 1.
    pub const fn holder(&self) -> u64 {
        self.at
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.limbs.zeroize();
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share(of holder {})", self.at)
    }
}

/// Shares a secret among `holders`, of whom `threshold` give it back.
pub fn split(secret: &Secret, threshold: usize, holders: usize) -> Result<Vec<Share>, ShamirError> {
    if threshold == 0 || threshold > holders {
        return Err(ShamirError::Threshold { threshold, holders });
    }
    let mut chance = Keystream::by_chance()?;
    let mut shares: Vec<Share> = (1..=holders as u64).map(|at| Share { at, limbs: [0; LIMBS] }).collect();
    let limbs = Zeroizing::new(limbs(secret));
    for (nth, limb) in limbs.iter().enumerate() {
        let polynomial = Zeroizing::new(polynomial::<PRIME>(*limb, threshold, &mut chance));
        for share in &mut shares {
            share.limbs[nth] = value::<PRIME>(&polynomial, share.at);
        }
    }
    Ok(shares)
}

/// How the shares of certain holders are brought together; made once for all secrets that they open.
pub struct Joint {
    holders: Vec<u64>,
    weights: Vec<u64>,
}

impl Joint {
    /// Of these holders.
    pub fn new(holders: &[u64]) -> Result<Self, ShamirError> {
        for (nth, holder) in holders.iter().enumerate() {
            if *holder == 0 || *holder >= PRIME || holders[..nth].contains(holder) {
                return Err(ShamirError::Unsound(*holder));
            }
        }
        Ok(Self { holders: holders.to_vec(), weights: weights::<PRIME>(holders, 0) })
    }

    /// The secret, from one share of each holder in their order.
    pub fn open(&self, shares: &[&Share]) -> Result<Secret, ShamirError> {
        if shares.len() != self.holders.len() {
            return Err(ShamirError::TooFew { found: shares.len(), wanted: self.holders.len() });
        }
        if let Some((share, _)) = shares.iter().zip(&self.holders).find(|(share, at)| share.at != **at) {
            return Err(ShamirError::Unsound(share.at));
        }
        let mut limbs = Zeroizing::new([0; LIMBS]);
        for (nth, limb) in limbs.iter_mut().enumerate() {
            let terms = shares.iter().zip(&self.weights);
            *limb = terms.fold(0, |sum, (share, weight)| {
                add::<PRIME>(sum, multiply::<PRIME>(share.limbs[nth], *weight))
            });
        }
        secret(&limbs).ok_or(ShamirError::Misfit)
    }
}

fn limbs(secret: &Secret) -> [u64; LIMBS] {
    std::array::from_fn(|nth| {
        let start = nth * LIMB_BITS as usize;
        (0..LIMB_BITS as usize).filter(|bit| start + bit < 256).fold(0, |limb, bit| {
            let at = start + bit;
            limb | u64::from(secret[at / 8] >> (at % 8) & 1) << bit
        })
    })
}

/// None when it is longer than a secret.
fn secret(limbs: &[u64; LIMBS]) -> Option<Secret> {
    let mut secret = Zeroizing::new([0; 32]);
    for (nth, limb) in limbs.iter().enumerate() {
        for bit in 0..61 {
            let at = nth * LIMB_BITS as usize + bit;
            let is_set = limb >> bit & 1 == 1;
            if is_set && (bit >= LIMB_BITS as usize || at >= 256) {
                return None;
            }
            if at < 256 && bit < LIMB_BITS as usize {
                secret[at / 8] |= u8::from(is_set) << (at % 8);
            }
        }
    }
    Some(secret)
}

/// A polynomial through the secret at zero; the rest is left to chance.
fn polynomial<const P: u64>(secret: u64, threshold: usize, chance: &mut Keystream) -> Vec<u64> {
    let drawn = (1..threshold).map(|_| chance.below(u128::from(P)) as u64);
    std::iter::once(secret).chain(drawn).collect()
}

fn value<const P: u64>(polynomial: &[u64], at: u64) -> u64 {
    polynomial.iter().rev().fold(0, |sum, part| add::<P>(multiply::<P>(sum, at), *part))
}

/// What each place counts for the value at `target` (Lagrange).
fn weights<const P: u64>(places: &[u64], target: u64) -> Vec<u64> {
    let weigh = |own: &u64| {
        let others = places.iter().filter(|other| *other != own);
        let (above, below) = others.fold((1, 1), |(above, below), other| {
            let away = add::<P>(target, P - other % P);
            (multiply::<P>(above, away), multiply::<P>(below, add::<P>(*own, P - other % P)))
        });
        multiply::<P>(above, power::<P>(below, P - 2))
    };
    places.iter().map(weigh).collect()
}

fn add<const P: u64>(one: u64, other: u64) -> u64 {
    reduce::<P>(u128::from(one) + u128::from(other))
}

fn multiply<const P: u64>(one: u64, other: u64) -> u64 {
    reduce::<P>(u128::from(one) * u128::from(other))
}

/// Without a division and without a branch where secrets are shared.
fn reduce<const P: u64>(value: u128) -> u64 {
    if P != PRIME {
        return (value % u128::from(P)) as u64;
    }
    let folded = (value as u64 & PRIME) + (value >> 61) as u64;
    let folded = (folded & PRIME) + (folded >> 61);
    let less = folded.wrapping_sub(PRIME);
    // All ones when it was smaller than the prime.
    let keep = (less >> 63).wrapping_neg();
    folded & keep | less & !keep
}

fn power<const P: u64>(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply::<P>(result, base);
        }
        base = multiply::<P>(base, base);
        exponent >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_known_polynomial_gives_known_shares() {
        let shares = [1, 2, 3].map(|at| value::<PRIME>(&[42, 7, 9], at));
        assert_eq!(shares, [58, 92, 144]);
        let more: Vec<u64> = (1..6).map(|at| value::<PRIME>(&[42, 7, 9], at)).collect();
        for places in [[1, 2, 3], [1, 3, 5], [2, 4, 5], [5, 1, 4]] {
            let parts = weights::<PRIME>(&places, 0).into_iter().zip(places);
            let joined = parts.fold(0, |sum, (weight, at)| {
                add::<PRIME>(sum, multiply::<PRIME>(weight, more[at as usize - 1]))
            });
            assert_eq!(joined, 42);
        }
    }

    /// In a field of seven every polynomial can be looked at: whatever the secret, each pair of shares is as
    /// likely as any other, and three give the secret.
    #[test]
    fn fewer_than_the_threshold_know_nothing() {
        const SMALL: u64 = 7;
        for (first, second) in [(1, 2), (1, 5), (3, 6)] {
            let seen = |secret: u64| {
                let mut seen = BTreeMap::new();
                for (linear, square) in (0..SMALL).flat_map(|a| (0..SMALL).map(move |b| (a, b))) {
                    let polynomial = [secret, linear, square];
                    let pair = (value::<SMALL>(&polynomial, first), value::<SMALL>(&polynomial, second));
                    *seen.entry(pair).or_insert(0) += 1;
                }
                seen
            };
            let zero = seen(0);
            assert_eq!(zero.len(), 49);
            assert!(zero.values().all(|count| *count == 1));
            (1..SMALL).for_each(|secret| assert_eq!(seen(secret), zero));
        }
    }

    /// The same of what is really drawn, by its frequencies: a share of a known secret is even.
    #[test]
    fn what_is_drawn_is_even() {
        const SMALL: u64 = 17;
        let mut chance = Keystream::new(&[8; 32]);
        for secret in [0, 5] {
            let mut seen = [0_f64; (SMALL * SMALL) as usize];
            let most = 100_000;
            for _ in 0..most {
                let polynomial = polynomial::<SMALL>(secret, 3, &mut chance);
                let pair = value::<SMALL>(&polynomial, 2) * SMALL + value::<SMALL>(&polynomial, 11);
                seen[pair as usize] += 1.0;
            }
            let wanted = f64::from(most) / seen.len() as f64;
            let chi: f64 = seen.iter().map(|found| (found - wanted).powi(2) / wanted).sum();
            // 288 degrees of freedom: 288 +- 24.
            assert!((200.0..390.0).contains(&chi), "chi square {chi}");
        }
    }

    proptest! {
        #[test]
        fn any_holders_at_the_threshold_open_it(bytes: [u8; 32], holders in 3_usize..33, order: u64) {
            let secret = Zeroizing::new(bytes);
            let threshold = holders * 2 / 3 + 1;
            let shares = split(&secret, threshold, holders).unwrap();
            let mut chosen: Vec<&Share> = shares.iter().collect();
            let mut chance = Keystream::new(&[order as u8; 32]);
            while chosen.len() > threshold {
                chosen.remove(chance.below(chosen.len() as u128) as usize);
            }
            let open = |chosen: &[&Share]| {
                let joint = Joint::new(&chosen.iter().map(|share| share.holder()).collect::<Vec<_>>());
                joint.and_then(|joint| joint.open(chosen))
            };
            prop_assert_eq!(open(&chosen).unwrap(), secret.clone());
            // One less finds another value or none: the chance to hit is 2^-260.
            prop_assert_ne!(open(&chosen[1..]).ok(), Some(secret));
            let sent = Share::from_bytes(shares[0].holder(), &shares[0].to_bytes()).unwrap();
            prop_assert_eq!(&sent, &shares[0]);
        }

        #[test]
        fn the_field_is_that_of_the_prime(one in 0..PRIME, other in 0..PRIME) {
            let product = u128::from(one) * u128::from(other) % u128::from(PRIME);
            prop_assert_eq!(u128::from(multiply::<PRIME>(one, other)), product);
            prop_assert_eq!(add::<PRIME>(one, PRIME - one), 0);
            if one > 0 {
                prop_assert_eq!(multiply::<PRIME>(one, power::<PRIME>(one, PRIME - 2)), 1);
            }
        }
    }

    #[test]
    fn what_cannot_be_shared_is_refused() {
        let secret = Zeroizing::new([1; 32]);
        assert!(matches!(split(&secret, 0, 3), Err(ShamirError::Threshold { .. })));
        assert!(matches!(split(&secret, 4, 3), Err(ShamirError::Threshold { .. })));
        assert!(matches!(Joint::new(&[1, 2, 1]), Err(ShamirError::Unsound(1))));
        assert!(matches!(Joint::new(&[0, 2]), Err(ShamirError::Unsound(0))));
        assert_eq!(Share::from_bytes(3, &[0xff; SHARE_BYTES]), Err(ShamirError::Unsound(3)));
        let share = &split(&secret, 2, 3).unwrap()[1];
        assert_eq!(format!("{share:?}"), "Share(of holder 2)");
    }
}
