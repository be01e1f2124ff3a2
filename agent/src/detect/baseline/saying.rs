//! When a finding is said: once when it begins, again after a pause, a long while or when it is much worse,
//! and of many alike only the first few: of one actor, and of all strangers together, since a flood may
//! bear a new address in every packet. What is held back is counted and told with the next.

use fieldward_shared::time::Timestamp;
use hashbrown::HashMap;

use super::{Broken, Fact};
use crate::window::quick as hash;

/// What was said. Both tables are bounded; when one is full, what is old is forgotten, then all.
#[derive(Default)]
pub struct Saying {
    facts: HashMap<u64, Said, foldhash::fast::FixedState>,
    floods: HashMap<u64, Flood, foldhash::fast::FixedState>,
    now: Timestamp,
}

#[derive(Clone, Copy)]
struct Said {
    at: Timestamp,
    seen: Timestamp,
    /// How far beyond it was then.
    times: f64,
    /// What goes on is said again after this.
    wait: u64,
}

/// How much one actor gave to say in one aspect.
#[derive(Clone, Copy)]
struct Flood {
    since: Timestamp,
    said: u32,
    hushed: u32,
}

impl Saying {
    /// Whether to say it now, and how many of its kind were held back before. `stranger` is asked only
    /// when there is much to say.
    pub fn may_say(
        &mut self,
        ts: Timestamp,
        fact: &Fact<'_>,
        broken: Broken,
        stranger: impl FnOnce() -> bool,
    ) -> Option<u32> {
        if self.now.since(ts) > MINUTE {
            // The clock was set back: nothing was said yet.
            *self = Self::default();
        }
        self.now = self.now.max(ts);
        let key = fact.key ^ broken.way();
        let times = match broken {
            Broken::New => 0.0,
            Broken::Beyond(times) => times,
        };
        if let Some(said) = self.facts.get_mut(&key) {
            let pause = ts.since(said.seen);
            said.seen = ts;
            let worse = times > said.times * WORSE;
            let back = pause >= fact.aspect.pause * SECOND;
            if !back && !worse && ts.since(said.at) < said.wait {
                return None;
            }
            said.wait = if back { AGAIN } else { (said.wait * 2).min(MOST_WAIT) };
            (said.at, said.times) = (ts, times);
        } else {
            make_room(&mut self.facts, |said| ts.since(said.seen) < PAUSE);
            self.facts.insert(key, Said { at: ts, seen: ts, times, wait: AGAIN });
        }
        let aspect = hash(fact.aspect.name.as_bytes());
        let all = self.flood(ts, aspect);
        if all.said >= MOST_OF_ALL_A_MINUTE && stranger() {
            let all = self.flood(ts, aspect);
            all.hushed = all.hushed.saturating_add(1);
            return None;
        }
        let one = self.flood(ts, hash(fact.actor.bytes()) ^ aspect.rotate_left(9));
        if one.said >= MOST_A_MINUTE {
            one.hushed = one.hushed.saturating_add(1);
            return None;
        }
        one.said += 1;
        let hushed = std::mem::take(&mut one.hushed);
        let all = self.flood(ts, aspect);
        all.said = all.said.saturating_add(1);
        Some(hushed.saturating_add(std::mem::take(&mut all.hushed)))
    }

    fn flood(&mut self, ts: Timestamp, key: u64) -> &mut Flood {
        if !self.floods.contains_key(&key) {
            make_room(&mut self.floods, |flood| ts.since(flood.since) < PAUSE);
        }
        let flood = self.floods.entry(key).or_insert(Flood { since: ts, said: 0, hushed: 0 });
        if ts.since(flood.since) >= MINUTE {
            (flood.since, flood.said) = (ts, 0);
        }
        flood
    }
}

fn make_room<T>(map: &mut HashMap<u64, T, foldhash::fast::FixedState>, keep: impl Fn(&T) -> bool) {
    if map.len() >= MOST_SAID {
        map.retain(|_, said| keep(said));
        // Of a flood much is fresh: all is forgotten then, so that room is not looked for each time.
        if map.len() > MOST_SAID / 2 {
            map.clear();
        }
    }
}

const SECOND: u64 = 1_000_000;
const MINUTE: u64 = 60 * SECOND;
/// What is older goes when room is needed.
const PAUSE: u64 = 2 * MINUTE;
/// What goes on is said again after this, then after twice as long, and so on up to a day.
const AGAIN: u64 = 10 * MINUTE;
const MOST_WAIT: u64 = 24 * 60 * MINUTE;
/// What goes so many times further beyond is said again.
const WORSE: f64 = 3.0;
/// Findings of one aspect about one actor.
const MOST_A_MINUTE: u32 = 12;
/// Findings of one aspect about whoever was not there in learning.
const MOST_OF_ALL_A_MINUTE: u32 = 120;
/// Entries of each table.
const MOST_SAID: usize = 65_536;
