//! Copies of packets: a mirror port delivers many packets twice, on both sides of a router or a
//! VLAN, or locally and through a tunnel.
//!
//! Two packets are copies when all that a router leaves alone is equal and they came within a short
//! window. Where the sender numbers its IP packets, that is proof. Where it does not (IPv6, or id 0),
//! a sender may well send the same twice: only what came another way is then a copy. The hash is
//! keyed anew in each process, so that nobody can hide a packet behind another of the same digest.

use std::hash::{BuildHasher, Hasher};

use fieldward_shared::time::Timestamp;
use foldhash::fast::RandomState;

use super::place::Place;

/// Digests of the latest packets, one slot for each hash value: an older packet makes room.
#[derive(Debug)]
pub(super) struct Copies {
    slots: Box<[Slot; SLOTS]>,
    window_micros: u64,
    keys: RandomState,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    digest: u64,
    /// 48 bits of microseconds, then 16 bits of the way it came.
    when_and_way: u64,
}

impl Copies {
    pub(super) fn new(window_micros: u64) -> Self {
        Self { slots: Box::new([Slot::default(); SLOTS]), window_micros, keys: RandomState::default() }
    }

    /// Whether a packet with the same IP header and the same `content` (of the transport header and
    /// the data) came just before.
    #[inline]
    pub(super) fn is_copy(&mut self, ts: Timestamp, place: &Place<'_>, content: [u64; 3]) -> bool {
        if self.window_micros == 0 {
            return false;
        }
        let digest = self.digest(place, content);
        let way = place.way.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        let when = ts.as_micros() & TIME;
        let Some(slot) = self.slots.get_mut(digest as usize % SLOTS) else { return false };
        let is_same = slot.digest == digest
            && (slot.when_and_way >> 16).abs_diff(when) <= self.window_micros
            && (place.ip.id != 0 || slot.when_and_way & 0xffff != way);
        if !is_same {
            *slot = Slot { digest, when_and_way: when << 16 | way };
        }
        is_same
    }

    #[inline]
    fn digest(&self, place: &Place<'_>, content: [u64; 3]) -> u64 {
        let ip = &place.ip;
        let mut hasher = self.keys.build_hasher();
        hasher.write_u128(u128::from_ne_bytes(*ip.src.bytes()));
        hasher.write_u128(u128::from_ne_bytes(*ip.dst.bytes()));
        hasher.write_u64(u64::from(ip.id) << 32 | u64::from(ip.len));
        for word in content {
            hasher.write_u64(word);
        }
        hasher.finish()
    }
}

/// A power of two; 64 KiB of slots stay in a core's own cache.
const SLOTS: usize = 4096;

/// The bits of a time that a slot keeps: nine years.
const TIME: u64 = (1 << 48) - 1;
