//! FedAdam (arXiv 2003.00295): the server takes the mean of plants for a gradient and goes Adam's way, with a pace of
//! its own in each place. What it goes by is remembered with the version that it made, so a rollback takes the
//! pace back as well.

use super::fedavg::mean;
use super::{Kind, Part, Sees, Strategy, StrategyError};

pub const KIND: Kind = Kind {
    name: "fedadam",
    about: "The model follows the mean of all plants with a pace of its own in each place, which it remembers.",
    sees: Sees::Groups,
    new: |settings, memory| {
        settings.check()?;
        Ok(Box::new(FedAdam { step: settings.rate * STEP, past: Past::read(memory)? }))
    },
};

struct FedAdam {
    step: f64,
    past: Past,
}

/// What it goes by: rounds so far, and in each place the mean change and the mean square of it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Past {
    rounds: u32,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Strategy for FedAdam {
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError> {
        let mean = mean(parts)?;
        let mut next = self.past.clone();
        if next.rounds == 0 {
            next.first = vec![0.0; mean.len()];
            next.second = vec![0.0; mean.len()];
        } else if next.first.len() != mean.len() {
            return Err(StrategyError::Memory(KIND.name));
        }
        next.rounds = next.rounds.saturating_add(1);
        let rounds = f64::from(next.rounds);
        // Both means began at zero, and so are too small at first.
        let (first_by, second_by) = (1.0 - FIRST.powf(rounds), 1.0 - SECOND.powf(rounds));
        let places = next.first.iter_mut().zip(&mut next.second).zip(&mean);
        let change: Vec<f32> = places
            .map(|((first, second), change)| {
                *first = (FIRST * f64::from(*first) + (1.0 - FIRST) * change) as f32;
                *second = (SECOND * f64::from(*second) + (1.0 - SECOND) * change.powi(2)) as f32;
                let spread = (f64::from(*second) / second_by).sqrt();
                (self.step * (f64::from(*first) / first_by) / (spread + SMALLEST)) as f32
            })
            .collect();
        let all = change.iter().chain(&next.first).chain(&next.second);
        if !all.into_iter().all(|value| value.is_finite()) {
            return Err(StrategyError::NotFinite);
        }
        self.past = next;
        Ok(change)
    }

    fn memory(&self) -> Vec<u8> {
        if self.past.rounds == 0 { Vec::new() } else { self.past.write() }
    }
}

impl Past {
    /// A mark, the rounds, how many places there are, and both rows of numbers; little-endian.
    fn write(&self) -> Vec<u8> {
        let places = self.first.len() as u64;
        let numbers = self.first.iter().chain(&self.second).flat_map(|value| value.to_le_bytes());
        let head = MARK.iter().copied().chain(self.rounds.to_le_bytes()).chain(places.to_le_bytes());
        head.chain(numbers).collect()
    }

    fn read(memory: &[u8]) -> Result<Self, StrategyError> {
        if memory.is_empty() {
            return Ok(Self::default());
        }
        let unknown = StrategyError::Memory(KIND.name);
        let Some((rounds, rest)) = memory.strip_prefix(MARK).and_then(|rest| rest.split_first_chunk()) else {
            return Err(unknown);
        };
        let Some((places, numbers)) = rest.split_first_chunk() else { return Err(unknown) };
        let places = u64::from_le_bytes(*places);
        let (words, rest) = numbers.as_chunks();
        let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
        let (first, second) = values.split_at(values.len() / 2);
        let rounds = u32::from_le_bytes(*rounds);
        let is_whole = rest.is_empty() && first.len() as u64 == places && second.len() as u64 == places;
        let is_sound = rounds > 0 && places > 0 && is_whole;
        let is_finite = values.iter().all(|value| value.is_finite()) && second.iter().all(|one| *one >= 0.0);
        if !(is_sound && is_finite) {
            return Err(unknown);
        }
        Ok(Self { rounds, first: first.to_vec(), second: second.to_vec() })
    }
}

const MARK: &[u8; 8] = b"fedadam1";
/// Of the settings' rate: how far a weight goes in a round at most.
const STEP: f64 = 0.01;
/// How much of the mean change, and of its square, is kept from round to round.
const FIRST: f64 = 0.9;
const SECOND: f64 = 0.99;
/// Changes that are smaller than this count for less.
const SMALLEST: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::super::tests::SETTINGS;
    use super::*;

    fn step(strategy: &mut dyn Strategy, change: &[f32]) -> Vec<f32> {
        strategy.combine(&[Part { plants: 4, change }]).unwrap()
    }

    /// Computed by hand: m₁ = 0.1·0.02 / (1 − 0.9) = 0.02, v₁ = 0.0004, 0.01·0.02/0.021; then with a change of 0.
    #[test]
    fn steps_are_those_of_adam() {
        let mut strategy = (KIND.new)(&SETTINGS, &[]).unwrap();
        let first = step(&mut *strategy, &[0.02, -0.02, 0.0]);
        for (found, wanted) in first.iter().zip([0.01 * 0.02 / 0.021, -0.01 * 0.02 / 0.021, 0.0]) {
            assert!((f64::from(*found) - wanted).abs() < 1e-8, "{first:?}");
        }
        let second = step(&mut *strategy, &[0.0, 0.0, 0.0]);
        let wanted = 0.01 * (0.0018 / 0.19) / ((3.96e-6 / 0.0199_f64).sqrt() + 1e-3);
        assert!((f64::from(second[0]) - wanted).abs() < 1e-8, "{second:?} {wanted}");
    }

    #[test]
    fn what_it_remembers_goes_on() {
        let mut whole = (KIND.new)(&SETTINGS, &[]).unwrap();
        let mut begun = (KIND.new)(&SETTINGS, &[]).unwrap();
        for change in [[0.5, -0.1], [0.2, 0.3]] {
            assert_eq!(step(&mut *whole, &change), step(&mut *begun, &change));
        }
        let mut again = (KIND.new)(&SETTINGS, &begun.memory()).unwrap();
        assert_eq!(again.memory(), begun.memory());
        assert_eq!(step(&mut *whole, &[0.1, 0.1]), step(&mut *again, &[0.1, 0.1]));
        // Nothing is remembered of a round that failed, and another network is none of its.
        let before = again.memory();
        let other = [Part { plants: 1, change: &[1.0, 2.0, 3.0] }];
        assert_eq!(again.combine(&other), Err(StrategyError::Memory("fedadam")));
        assert_eq!(again.memory(), before);
    }

    #[test]
    fn memory_of_something_else_is_refused() {
        let mut strategy = (KIND.new)(&SETTINGS, &[]).unwrap();
        step(&mut *strategy, &[1.0, 2.0]);
        let memory = strategy.memory();
        let refused = |memory: &[u8]| matches!((KIND.new)(&SETTINGS, memory), Err(StrategyError::Memory(_)));
        (1..memory.len()).for_each(|length| assert!(refused(&memory[..length]), "{length}"));
        let mut negative = memory.clone();
        *negative.last_mut().unwrap() |= 0x80;
        assert!(refused(&negative) && refused(b"something else"));
        let mut wild = memory;
        wild[20..24].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(refused(&wild));
    }
}
