//! The context window: the last 60 seconds of the plant, a bucket each, and a coarser part of it for
//! every asset. Packet time only; nothing raw is kept.
//!
//! A step back of the clock, or a pause longer than the window, empties it.

mod bucket;
mod join;
mod message;
mod sketch;

use hashbrown::HashMap;

use self::bucket::Ends;

use fieldward_shared::time::Timestamp;

pub use bucket::Bucket;
pub use message::{Message, Said, hash, quick};
pub use sketch::Sketch;

use crate::flow::Addr;
use crate::frame::Frame;
use crate::protocol::ProtocolEvent;

/// The last 60 seconds.
pub struct Window {
    plant: Ring<LENGTH>,
    /// Where each asset stands among `parts`.
    assets: HashMap<Addr, usize, foldhash::fast::FixedState>,
    parts: Vec<Asset>,
    /// Parts that belong to nobody.
    free: Vec<usize>,
    /// When it was looked last for assets that fell silent.
    swept: u64,
    /// The second that is being counted.
    now: Option<u64>,
    scratch: Vec<u8>,
    /// Assets for which there was no room.
    pub crowded_out: u64,
    /// How often it was emptied because the clock was set.
    pub restarts: u64,
}

/// One asset's part.
struct Asset {
    ring: Ring<ASSET_LENGTH>,
    seen: u64,
}

/// The newest buckets; each is emptied when its time comes round again.
struct Ring<const N: usize> {
    buckets: [Bucket; N],
    /// The number of the newest bucket since the epoch.
    newest: u64,
}

/// What became of time when something was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The same second goes on.
    Nothing,
    /// These whole seconds are over: first and last.
    Seconds(u64, u64),
    /// The clock was set; everything begins anew.
    Restart,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            plant: Ring::new(),
            assets: HashMap::default(),
            parts: Vec::new(),
            free: Vec::new(),
            swept: 0,
            now: None,
            scratch: Vec::with_capacity(256),
            crowded_out: 0,
            restarts: 0,
        }
    }
}

impl Window {
    /// Time goes on until `ts`; call it before counting what was seen then.
    pub fn pass(&mut self, ts: Timestamp) -> Passed {
        let second = ts.as_secs();
        let passed = match self.now {
            Some(now) if second == now => return Passed::Nothing,
            // Packets of two captured ports may overtake each other by a little.
            Some(now) if second < now && now - second <= LATE => return Passed::Nothing,
            Some(now) if second > now && second - now <= LENGTH as u64 => Passed::Seconds(now, second - 1),
            Some(_) => {
                self.restarts += 1;
                self.assets.clear();
                self.parts.clear();
                self.free.clear();
                self.swept = 0;
                self.plant = Ring::new();
                Passed::Restart
            }
            None => Passed::Nothing,
        };
        self.now = Some(second);
        passed
    }

    /// The second that is being counted.
    pub const fn now(&self) -> Option<u64> {
        self.now
    }

    /// Counts a frame.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        let Some(second) = self.now else { return };
        let ends = Ends::of(frame);
        self.plant.at(second).frame(frame, ends);
        for addr in [frame.src, frame.dst] {
            if let Some(asset) = self.asset(addr, second) {
                asset.frame(frame, ends);
            }
        }
    }

    /// Counts an event.
    pub fn event(&mut self, event: &ProtocolEvent<'_>) -> Message {
        let message = Message::read(event, &mut self.scratch);
        if let Some(second) = self.now {
            self.plant.at(second).message(&message);
            for addr in [event.src().addr, event.dst().addr] {
                if let Some(asset) = self.asset(addr, second) {
                    asset.message(&message);
                }
            }
        }
        message
    }

    /// The bucket of a second of the last 60; an empty one before the window began.
    pub fn second(&self, second: u64) -> Bucket {
        self.plant.get(second)
    }

    /// The bucket of an asset that holds this second.
    pub fn of(&self, asset: Addr, second: u64) -> Bucket {
        let part = self.assets.get(&asset).and_then(|at| self.parts.get(*at));
        part.map_or_else(Bucket::default, |part| part.ring.get(second / ASSET_SECONDS))
    }

    /// Every asset that was seen within the window.
    pub fn assets(&self) -> impl Iterator<Item = Addr> + '_ {
        let now = self.now.unwrap_or_default();
        let heard = move |at: &usize| {
            self.parts.get(*at).is_some_and(|part| now.saturating_sub(part.seen) <= LENGTH as u64)
        };
        self.assets.iter().filter(move |(_, at)| heard(at)).map(|(addr, _)| *addr)
    }

    fn asset(&mut self, addr: Addr, second: u64) -> Option<&mut Bucket> {
        let at = match self.assets.get(&addr) {
            Some(at) => *at,
            None => self.welcome(addr, second)?,
        };
        let part = self.parts.get_mut(at)?;
        part.seen = part.seen.max(second);
        Some(part.ring.at(second / ASSET_SECONDS))
    }

    /// Gives a new asset its part, that of one that fell silent if need be.
    fn welcome(&mut self, addr: Addr, second: u64) -> Option<usize> {
        let part = Asset { ring: Ring::new(), seen: second };
        if self.assets.len() >= MOST_ASSETS && self.swept < second {
            // Once a second is enough: a flood of addresses must not look through all of them each time.
            self.swept = second;
            let Self { assets, parts, free, .. } = self;
            assets.retain(|_, at| {
                let stays =
                    parts.get(*at).is_some_and(|part| second.saturating_sub(part.seen) <= LENGTH as u64);
                if !stays {
                    free.push(*at);
                }
                stays
            });
        }
        if self.assets.len() >= MOST_ASSETS {
            self.crowded_out += 1;
            return None;
        }
        let at = self.free.pop().unwrap_or(self.parts.len());
        match self.parts.get_mut(at) {
            Some(place) => *place = part,
            None => self.parts.push(part),
        }
        self.assets.insert(addr, at);
        Some(at)
    }
}

impl<const N: usize> Ring<N> {
    fn new() -> Self {
        Self { buckets: [Bucket::default(); N], newest: 0 }
    }

    /// The bucket with this number, to count in.
    fn at(&mut self, number: u64) -> &mut Bucket {
        if number > self.newest {
            let first = self.newest.max(number.saturating_sub(N as u64)) + 1;
            for stale in first..=number {
                self.buckets[stale as usize % N] = Bucket::default();
            }
            self.newest = number;
        }
        &mut self.buckets[number as usize % N]
    }

    fn get(&self, number: u64) -> Bucket {
        let known = number <= self.newest && number + N as u64 > self.newest;
        if known { self.buckets[number as usize % N] } else { Bucket::default() }
    }
}

/// Seconds of the window.
pub const LENGTH: usize = 60;
/// An asset's buckets hold so many seconds each.
pub const ASSET_SECONDS: u64 = 5;
const ASSET_LENGTH: usize = LENGTH / ASSET_SECONDS as usize;
/// Assets that are remembered.
const MOST_ASSETS: usize = 1024;
/// Seconds by which packets may be late.
const LATE: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_micros(second * 1_000_000 + 7)
    }

    #[test]
    fn seconds_pass_one_by_one_and_the_clock_may_be_set() {
        let mut window = Window::default();
        assert_eq!(window.pass(at(1000)), Passed::Nothing);
        assert_eq!(window.pass(at(1000)), Passed::Nothing);
        assert_eq!(window.pass(at(1001)), Passed::Seconds(1000, 1000));
        assert_eq!(window.pass(at(1000)), Passed::Nothing);
        assert_eq!(window.pass(at(1005)), Passed::Seconds(1001, 1004));
        assert_eq!(window.pass(at(2000)), Passed::Restart);
        assert_eq!(window.pass(at(5)), Passed::Restart);
    }

    #[test]
    fn a_bucket_is_empty_when_its_place_comes_round_again() {
        let mut ring = Ring::<4>::new();
        ring.at(10).malformed = 1;
        ring.at(12).malformed = 2;
        assert_eq!([10, 11, 12].map(|n| ring.get(n).malformed), [1, 0, 2]);
        ring.at(14).malformed = 3;
        assert_eq!([10, 12, 13, 14].map(|n| ring.get(n).malformed), [0, 2, 0, 3]);
    }

    #[test]
    fn the_window_is_as_small_as_it_says() {
        assert!(size_of::<Ring<LENGTH>>() < 40_000, "{}", size_of::<Ring<LENGTH>>());
        assert!(size_of::<Asset>() < 8000, "{}", size_of::<Asset>());
    }
}
