//! What controllers answer when they are read: how far a register moves from one poll to the next, between
//! which values it lies, and whether answers repeat an earlier stretch word by word, as a recording does.
//! A block is what one request reads; its registers stand side by side, so that an answer costs one look-up.

use hashbrown::HashMap;

use super::{Told, key, number};
use crate::detect::baseline::{Aspect, Fact, Unknown};
use crate::flow::{Addr, Direction};
use crate::protocol::{ProtocolEvent, Value};

pub static STEP: Aspect = Aspect {
    name: "reading step",
    protocol: "modbus",
    confidence: 0.6,
    consequence: 0.6,
    sentence: "shows from one poll to the next a jump of",
    unknown: Unknown::Nothing,
    margin: 2.0,
    slack: 4.0,
    pause: 3600,
    useless: 16_384.0,
    ..Aspect::USUAL
};

pub static RANGE: Aspect = Aspect {
    name: "reading range",
    protocol: "modbus",
    confidence: 0.5,
    consequence: 0.5,
    sentence: "shows a value of",
    unknown: Unknown::Nothing,
    margin: 1.5,
    slack: 8.0,
    pause: 3600,
    both_sides: true,
    ..Aspect::USUAL
};

pub static REPEAT: Aspect = Aspect {
    name: "reading repeat",
    protocol: "modbus",
    confidence: 0.8,
    consequence: 0.7,
    sentence: "repeats its earlier answers (so many in a row) to reads of",
    unknown: Unknown::Nothing,
    margin: 1.0,
    slack: 6.0,
    useless: 400.0,
    ..Aspect::USUAL
};

/// The blocks that are read. More than a bound are not watched.
#[derive(Default)]
pub struct State {
    blocks: HashMap<u64, Block, foldhash::fast::FixedState>,
}

struct Block {
    seen: u64,
    count: u64,
    words: Vec<Word>,
    /// Digests of the last answers.
    tape: Vec<u32>,
    at: usize,
    /// How far back the answers are that are being repeated, and for how long.
    lag: usize,
    run: u32,
    /// The longest that was told and usual.
    most: u32,
}

/// A register.
#[derive(Clone, Copy)]
struct Word {
    last: u16,
    low: u16,
    high: u16,
    step: u16,
    /// It rose and it fell: no counter.
    rose: bool,
    fell: bool,
    /// It was once no possible first half of a number of two words.
    odd: bool,
}

/// Where a register stands.
struct Place {
    server: Addr,
    unit: u64,
    function: u64,
    /// The same as a number.
    here: u64,
    /// The block was seen often enough, and not long ago.
    warm: bool,
    soon: bool,
}

impl State {
    pub fn event(&mut self, event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
        if event.direction != Direction::ToClient {
            return;
        }
        let (Some(function @ 3..=4), Some(first), Some(unit)) =
            (number(event, "func"), number(event, "addr"), number(event, "unit"))
        else {
            return;
        };
        let Some(Value::Registers(bytes)) = event.get("values") else { return };
        let server = event.src().addr;
        let here = super::hash(server.bytes()) ^ unit << 48 ^ function << 40;
        let which = here ^ first << 16 ^ (bytes.len() as u64) << 4;
        let now = event.ts.as_micros();
        if !self.blocks.contains_key(&which) {
            if self.blocks.len() >= MOST_BLOCKS {
                return;
            }
            self.blocks.insert(which, Block::new(now, bytes));
            return;
        }
        let Some(block) = self.blocks.get_mut(&which) else { return };
        block.count += 1;
        let soon = now.saturating_sub(block.seen) < MOST_PAUSE;
        let place = Place { server, unit, function, here, warm: block.count > WARM, soon };
        block.seen = now;
        // What masters may write moves as they please.
        if function == 4 {
            let values = bytes.as_chunks::<2>().0;
            for (word, value) in block.words.iter_mut().zip(values) {
                word.odd |= !is_coarse(u16::from_be_bytes(*value));
            }
            let whole = |words: &[Word], nth: usize| words.get(nth).is_some_and(|word| !word.odd);
            for (nth, value) in values.iter().enumerate().take(block.words.len()) {
                // The fine half of a number of two words is noise.
                let fine = whole(&block.words, nth + 1) || nth > 0 && whole(&block.words, nth - 1);
                if let Some(word) = block.words.get_mut(nth).filter(|word| !(fine && word.odd)) {
                    word.see(u16::from_be_bytes(*value), &place, first + nth as u64, told);
                }
            }
        }
        if block.see(super::hash(bytes) as u32) {
            let count = block.words.len();
            let usual = told(&Fact {
                aspect: &REPEAT,
                actor: place.server,
                target: Some(event.dst().addr),
                key: key(&REPEAT, &[], &[which]),
                sort: "",
                what: &format_args!("{count} {} from {first} @ unit {unit}", table(function)),
                value: Some(f64::from(block.run)),
            });
            if usual {
                block.most = block.run;
            }
        }
    }
}

impl Block {
    fn new(now: u64, bytes: &[u8]) -> Self {
        let words = bytes.as_chunks::<2>().0.iter().map(|bytes| {
            let last = u16::from_be_bytes(*bytes);
            Word { last, low: last, high: last, step: 0, rose: false, fell: false, odd: false }
        });
        Self {
            seen: now,
            count: 0,
            words: words.collect(),
            tape: vec![0; TAPE],
            at: 0,
            lag: 0,
            run: 0,
            most: 0,
        }
    }

    /// Whether the answers repeat an earlier stretch longer than was told.
    fn see(&mut self, digest: u32) -> bool {
        let back = |lag: usize| (self.at + TAPE - lag) % TAPE;
        if self.lag > 0 && self.tape[back(self.lag)] == digest {
            self.run += 1;
        } else {
            // The nearest earlier answer that was the same.
            self.lag = (1..TAPE).find(|lag| self.tape[back(*lag)] == digest).unwrap_or(0);
            self.run = u32::from(self.lag > 0);
        }
        self.tape[self.at] = digest;
        self.at = (self.at + 1) % TAPE;
        // A block that never changes need not be told with every answer.
        self.run > self.most && (self.run < TAPE as u32 || self.run.is_multiple_of(TAPE as u32))
    }
}

impl Word {
    fn see(&mut self, value: u16, place: &Place, at: u64, told: &mut Told<'_>) {
        if value == self.last {
            return;
        }
        // Around the end of the range: signed numbers cross zero, counters begin anew.
        let step = value.wrapping_sub(self.last).min(self.last.wrapping_sub(value));
        self.rose |= value > self.last;
        self.fell |= value < self.last;
        self.last = value;
        if !place.warm {
            return;
        }
        let mut tell = |aspect: &'static Aspect, value: u16| {
            told(&Fact {
                aspect,
                actor: place.server,
                target: None,
                key: key(aspect, &[], &[place.here, at]),
                sort: "",
                what: &format_args!("{} register {at} @ unit {}", table(place.function), place.unit),
                value: Some(f64::from(value)),
            })
        };
        if place.soon && step > self.step && tell(&STEP, step) {
            self.step = step;
        }
        if self.rose && self.fell && !(self.low..=self.high).contains(&value) && tell(&RANGE, value) {
            (self.low, self.high) = (self.low.min(value), self.high.max(value));
        }
    }
}

const fn table(function: u64) -> &'static str {
    if function == 3 { "holding" } else { "input" }
}

/// Whether a word could be the first half of a number of IEEE 754 between a thousandth and a million.
const fn is_coarse(word: u16) -> bool {
    word == 0 || matches!(word & 0x7fff, 0x3a80..0x4980)
}

/// Answers before values mean anything: a capture or a controller may just have begun.
const WARM: u64 = 20;
const MOST_BLOCKS: usize = 8192;
/// Answers of a block that are remembered: half an hour at five seconds, five minutes at one.
const TAPE: usize = 300;
/// After a longer pause a jump is none: microseconds.
const MOST_PAUSE: u64 = 60_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_longer_than_chance() {
        let mut block = Block::new(0, &[0, 0]);
        let noise = |at: u32| at.wrapping_mul(2_654_435_761) | 1;
        assert!(!(0..60).any(|at| block.see(noise(at))));
        let repeats = (0..60).filter(|at| block.see(noise(*at))).count();
        assert_eq!((block.lag, block.run as usize, repeats), (60, 60, 60));
        block.see(noise(1000));
        assert_eq!(block.run, 0);
    }

    #[test]
    fn first_halves_of_numbers_are_known() {
        for value in [0.0_f32, 0.5, -0.5, 1.0, 55.28, -480.0, 999_999.0] {
            assert!(is_coarse((value.to_bits() >> 16) as u16), "{value}");
        }
        assert!(!is_coarse(528) && !is_coarse(60_000));
    }
}
