//! How many different things there were, in a fixed number of bits: linear counting (Whang et al.,
//! 1990). Exact enough up to a few hundred, which is all that a second of a plant has.

/// A set of which only the size is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sketch([u64; WORDS]);

impl Sketch {
    /// Something was there, known by a hash of it; tells whether that changes the count.
    pub const fn see(&mut self, hash: u64) -> bool {
        // Counting takes places for random: neighbours may lie neither side by side nor evenly apart.
        let mixed = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xc4ce_b9fe_1a85_ec53) >> (64 - BITS.trailing_zeros());
        let (word, bit) = ((mixed >> 6) as usize, 1 << (mixed & 63));
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }

    /// How many different things there were.
    pub fn count(&self) -> f32 {
        let set: u32 = self.0.iter().map(|word| word.count_ones()).sum();
        let empty = (BITS - set).max(1);
        BITS as f32 * (BITS as f32 / empty as f32).ln()
    }

    /// Everything that was in either.
    pub fn join(&mut self, other: &Self) {
        for (one, other) in self.0.iter_mut().zip(other.0) {
            *one |= other;
        }
    }
}

const WORDS: usize = 4;
const BITS: u32 = WORDS as u32 * 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_close() {
        for real in [0_u64, 1, 5, 40, 200] {
            let mut sketch = Sketch::default();
            for thing in 0..real {
                sketch.see(thing);
                sketch.see(thing);
            }
            let count = f64::from(sketch.count());
            assert!((count - real as f64).abs() <= 1.0 + real as f64 * 0.15, "{real}: {count}");
        }
    }
}
