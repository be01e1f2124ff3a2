//! Silence: conversations that go on all day, and how long they paused at most: a server's answers to a
//! master, a client's messages to a broker. Time is counted in seconds in which anything was heard, so that
//! a capture that stops does not silence the plant.

use hashbrown::HashMap;

use super::{Told, key};
use crate::detect::baseline::{Aspect, Fact, Unknown};
use crate::flow::{Addr, Direction};
use crate::protocol::ProtocolEvent;

pub static GAP: Aspect = Aspect {
    name: "silence",
    confidence: 0.9,
    consequence: 0.6,
    sentence: "was silent (seconds) in",
    unknown: Unknown::Nothing,
    margin: 0.6,
    slack: 4.0,
    useless: 300.0,
    ..Aspect::USUAL
};

pub static BACK: Aspect = Aspect {
    name: "silence over",
    confidence: 0.3,
    consequence: 0.1,
    sentence: "speaks again in",
    ..Aspect::USUAL
};

/// When each conversation was last heard. More than a bound are not watched.
#[derive(Default)]
pub struct State {
    pairs: HashMap<(Addr, Addr, bool), Pair, foldhash::fast::FixedState>,
    /// Seconds in which anything was heard.
    now: u32,
}

struct Pair {
    heard: u32,
    /// The longest gap that was told and usual.
    most: u32,
    /// From which gap on it is told again; 0 while it speaks.
    silent: u32,
}

impl State {
    pub fn event(&mut self, event: &ProtocolEvent<'_>) {
        let modbus = event.proto == "modbus";
        let spoke = match event.direction {
            Direction::ToClient => modbus,
            Direction::ToServer => event.proto == "mqtt" && super::word(event, "type") == "publish",
        };
        if !spoke {
            return;
        }
        let pair = (event.src().addr, event.dst().addr, modbus);
        match self.pairs.get_mut(&pair) {
            Some(known) => known.heard = self.now,
            None => {
                if self.pairs.len() < MOST_PAIRS {
                    self.pairs.insert(pair, Pair { heard: self.now, most: 0, silent: 0 });
                }
            }
        }
    }

    pub fn second(&mut self, told: &mut Told<'_>) {
        self.now += 1;
        for ((from, to, modbus), pair) in &mut self.pairs {
            let gap = self.now - pair.heard;
            let back = pair.silent > 0 && gap <= 1;
            if gap <= pair.most.max(pair.silent) && !back {
                continue;
            }
            let aspect = if back { &BACK } else { &GAP };
            let words = if *modbus { "answers to" } else { "messages to" };
            let usual = told(&Fact {
                aspect,
                actor: *from,
                target: Some(*to),
                key: key(aspect, from.bytes(), &[super::hash(to.bytes()), u64::from(*modbus)]),
                sort: "",
                what: &format_args!("its {words} {to}"),
                value: (!back).then_some(f64::from(gap)),
            });
            pair.silent = if usual || back { 0 } else { gap.saturating_mul(3) };
            if usual {
                pair.most = pair.most.max(gap);
            }
        }
    }
}

const MOST_PAIRS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_when_worse_and_when_it_ends() {
        let (server, master) = (Addr::v4([10, 0, 0, 2]), Addr::v4([10, 0, 0, 1]));
        let mut state = State::default();
        state.pairs.insert((server, master, true), Pair { heard: 0, most: 0, silent: 0 });
        let mut told = Vec::new();
        for second in 1..=45 {
            if second <= 4 || second > 40 {
                state.pairs.values_mut().for_each(|pair| pair.heard = state.now);
            }
            state.second(&mut |fact| {
                let usual = fact.aspect.name == GAP.name && fact.value.is_some_and(|gap| gap <= 5.0);
                if !usual {
                    told.push((fact.aspect.name, fact.value));
                }
                usual
            });
        }
        let expected = [("silence", Some(6.0)), ("silence", Some(19.0)), ("silence over", None)];
        assert_eq!(told, expected);
    }
}
