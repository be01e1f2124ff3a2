//! Topic aliases of one direction: a number in place of a topic said before (MQTT 5.0, 3.3.2.3.4).
//!
//! Bounded: 64 aliases of at most 512 bytes. A topic beyond that is shown where it is said and is
//! unresolved where only its number is.

use arrayvec::ArrayVec;

/// What the aliases of one direction stand for.
#[derive(Debug, Default)]
pub(super) struct Aliases {
    /// `numbers[i]` stands for `topics[i]`.
    numbers: ArrayVec<u16, MOST>,
    /// May hold more buffers than there are numbers: they are used again.
    topics: Vec<Vec<u8>>,
}

const MOST: usize = 64;
const LONGEST: usize = 512;

impl Aliases {
    /// From here on `alias` stands for `topic`.
    pub(super) fn set(&mut self, alias: u16, topic: &[u8]) {
        let slot = match self.slot(alias) {
            Some(slot) => slot,
            None if topic.len() > LONGEST || self.numbers.try_push(alias).is_err() => return,
            None => self.numbers.len().saturating_sub(1),
        };
        if self.topics.len() <= slot {
            self.topics.resize_with(slot.saturating_add(1), Vec::new);
        }
        if let Some(kept) = self.topics.get_mut(slot) {
            kept.clear();
            // An alias that now stands for more than is kept must not show what it stood for before.
            if topic.len() <= LONGEST {
                kept.extend_from_slice(topic);
            }
        }
    }

    /// The topic that `alias` stands for.
    pub(super) fn get(&self, alias: u16) -> Option<&[u8]> {
        self.topics.get(self.slot(alias)?).map(Vec::as_slice).filter(|topic| !topic.is_empty())
    }

    pub(super) fn reset(&mut self) {
        self.numbers.clear();
        self.topics.truncate(8);
    }

    fn slot(&self, alias: u16) -> Option<usize> {
        self.numbers.iter().position(|number| *number == alias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_or_longer_than_the_bound_is_unresolved_and_never_wrong() {
        let mut aliases = Aliases::default();
        for alias in 1..=100 {
            aliases.set(alias, format!("t/{alias}").as_bytes());
        }
        assert_eq!(aliases.get(64), Some(&b"t/64"[..]));
        assert_eq!(aliases.get(65), None);
        aliases.set(3, &[b'x'; 513]);
        assert_eq!(aliases.get(3), None);
        aliases.set(3, b"back");
        assert_eq!(aliases.get(3), Some(&b"back"[..]));
        aliases.reset();
        assert_eq!(aliases.get(3), None);
        aliases.set(7, b"new");
        assert_eq!((aliases.get(7), aliases.topics.len()), (Some(&b"new"[..]), 8));
    }
}
