//! Numbers out of a seed of 32 bytes: the key stream of ChaCha20 (nonce zero, counter from zero) as little-endian
//! words. Masks are made of it, and what must be left to chance.

use aws_lc_rs::rand;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng as _, SeedableRng as _};
use zeroize::{Zeroize as _, Zeroizing};

/// A secret of 32 bytes that is erased when it is dropped.
pub type Secret = Zeroizing<[u8; 32]>;

/// The system gives no randomness; nothing that needs it may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random bytes; take part again when it does")]
pub struct NoRandomness;

/// A stream of numbers; erased when it is dropped.
pub struct Keystream(ChaCha20Rng);

/// Words that are made at a time.
const BLOCK: usize = 1024;

impl Keystream {
    /// The stream of a seed.
    pub fn new(seed: &[u8; 32]) -> Self {
        Self(ChaCha20Rng::from_seed(*seed))
    }

    /// A stream that nobody can foretell.
    pub fn by_chance() -> Result<Self, NoRandomness> {
        Ok(Self::new(&*secret()?))
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `end`, each with the same chance.
    pub fn below(&mut self, end: u128) -> u128 {
        let bits = u128::BITS.saturating_sub(end.saturating_sub(1).leading_zeros());
        if bits == 0 {
            return 0;
        }
        let mask = u128::MAX >> (u128::BITS - bits);
        loop {
            let low = u128::from(self.next_u64());
            let high = if bits > 64 { u128::from(self.next_u64()) } else { 0 };
            let drawn = (high << 64 | low) & mask;
            if drawn < end {
                return drawn;
            }
        }
    }

    /// Adds the stream to a vector, word by word in the ring of 2^32.
    pub fn add_to(self, vector: &mut [u32]) {
        self.each(vector, u32::wrapping_add);
    }

    /// Takes it off again.
    pub fn take_from(self, vector: &mut [u32]) {
        self.each(vector, u32::wrapping_sub);
    }

    fn each(mut self, vector: &mut [u32], join: impl Fn(u32, u32) -> u32) {
        let mut bytes = Zeroizing::new([0; BLOCK * 4]);
        for part in vector.chunks_mut(BLOCK) {
            self.0.fill_bytes(&mut *bytes);
            for (value, word) in part.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *value = join(*value, u32::from_le_bytes(*word));
            }
        }
        bytes.zeroize();
    }
}

/// Thirty-two bytes that nobody can foretell.
pub fn secret() -> Result<Secret, NoRandomness> {
    let mut bytes = Zeroizing::new([0; 32]);
    rand::fill(&mut *bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_known_stream() {
        let seed = [
            0x0f, 0x55, 0x98, 0x73, 0x28, 0x77, 0x78, 0x16, 0x06, 0xa9, 0xfb, 0x6f, 0x69, 0x7c, 0xa9, 0x95,
            0xb2, 0xfe, 0x56, 0x72, 0x0c, 0x91, 0xa1, 0x64, 0xa8, 0x7c, 0x26, 0x6a, 0x0f, 0xd4, 0xca, 0xbe,
        ];
        let mut stream = Keystream::new(&seed);
        let words: [u32; 4] = std::array::from_fn(|_| stream.next_u32());
        assert_eq!(words, [818_996_123, 283_600_833, 1_950_120_215, 3_783_619_646]);
        // (0.5, -0.25, 0.001, -1) in units of 2^-20, and with the mask.
        let mut vector = [524_288, 4_294_705_152, 1049, 4_293_918_720];
        Keystream::new(&seed).add_to(&mut vector);
        assert_eq!(vector, [819_520_411, 283_338_689, 1_950_121_264, 3_782_571_070]);
        Keystream::new(&seed).take_from(&mut vector);
        assert_eq!(vector, [524_288, 4_294_705_152, 1049, 4_293_918_720]);
    }

    #[test]
    fn masks_are_the_stream_whatever_the_length() {
        let seed = [7; 32];
        let mut words = Keystream::new(&seed);
        let mut vector = vec![0; BLOCK * 2 + 3];
        Keystream::new(&seed).add_to(&mut vector);
        assert!(vector.iter().all(|word| *word == words.next_u32()));
    }

    #[test]
    fn numbers_below_a_bound_are_even() {
        let mut stream = Keystream::new(&[1; 32]);
        let mut seen = [0_u32; 5];
        (0..50_000).for_each(|_| seen[stream.below(5) as usize] += 1);
        assert!(seen.iter().all(|count| (9_600..10_400).contains(count)), "{seen:?}");
        assert_eq!(stream.below(1), 0);
        assert!((0..100).map(|_| stream.below(1 << 100)).any(|drawn| drawn > 1 << 90));
    }
}
