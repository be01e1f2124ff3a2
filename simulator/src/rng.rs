//! Chance with a seed: the same seed gives the same capture, byte for byte, on every machine.

/// SplitMix64: one addition and three mixing steps a number, good enough to make traffic look uneven.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts a sequence.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A sequence of its own for whatever bears `name`, so that one more actor changes no other's chance.
    pub fn named(seed: u64, name: &str) -> Self {
        let mut mixed = Self::new(seed);
        for byte in name.bytes() {
            mixed.0 = mixed.bits() ^ u64::from(byte);
        }
        Self::new(mixed.bits())
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which must not be zero.
    pub const fn below(&mut self, limit: u64) -> u64 {
        ((self.bits() as u128 * limit as u128) >> 64) as u64
    }

    /// A number from `from` up to, but not, `to`.
    pub const fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from)
    }

    /// 16 bits.
    pub const fn word(&mut self) -> u16 {
        (self.bits() >> 48) as u16
    }

    /// Zero up to, but not, one.
    pub const fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `probability` of the cases.
    pub const fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `items`, which must not be empty.
    pub const fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }

    /// One of `items`, each as often as its weight says.
    pub fn weighted<T: Copy>(&mut self, items: &[(T, u32)]) -> T {
        let total: u32 = items.iter().map(|item| item.1).sum();
        let mut left = self.below(u64::from(total)) as u32;
        for &(item, weight) in items {
            if left < weight {
                return item;
            }
            left -= weight;
        }
        items[items.len() - 1].0
    }

    /// `count` bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 7);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.bits().to_be_bytes());
        }
        bytes.truncate(count);
        bytes
    }

    /// Around zero with a spread of one, never beyond six: twelve even numbers add up to a bell.
    pub fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// `from` up to, but not, `to`.
    pub const fn within(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// A length with a long tail: most near e^`mean`, a few much longer, none above `most`.
    pub fn size(&mut self, mean: f64, spread: f64, most: usize) -> usize {
        (self.bell().mul_add(spread, mean).exp() as usize).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut one, mut other) = (Rng::new(7), Rng::new(7));
        assert_eq!(one.bytes(33), other.bytes(33));
        assert_ne!(one.bits(), Rng::new(8).bits());
    }

    #[test]
    fn weights_are_kept() {
        let mut rng = Rng::new(1);
        let often = (0..4000).filter(|_| rng.weighted(&[(true, 3), (false, 1)])).count();
        assert!((2800..3200).contains(&often), "{often}");
    }
}
