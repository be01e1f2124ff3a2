//! IP fragments put together: RFC 791 §3.2, RFC 8200 §4.5.
//!
//! What came first stays: later bytes for the same place are dropped, counted, and counted again
//! when they differ. The table is bounded in datagrams, bytes and packet time; the oldest goes
//! first. Buffers go round between the table and the caller, so nothing is allocated in the long run.

use std::collections::VecDeque;

use fieldward_shared::time::Timestamp;

use super::FrameLimits;
use super::counts::{FrameCounts, Reason};
use super::ip::Part;
use super::place::{Ip, Place, len_of};
use crate::flow::Addr;

/// Datagrams that wait for their fragments.
#[derive(Debug)]
pub(super) struct Fragments {
    /// Oldest first.
    waiting: VecDeque<Box<Datagram>>,
    /// Used up, for the next one.
    #[expect(clippy::vec_box, reason = "boxes go back and forth with those who wait")]
    spare: Vec<Box<Datagram>>,
    /// Capacity of the buffers of those who wait.
    bytes: usize,
    most: usize,
    most_bytes: usize,
    age_micros: u64,
}

/// Which datagram a fragment belongs to. IPv6 does without the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    id: u32,
    src: Addr,
    dst: Addr,
    protocol: Option<u8>,
}

#[derive(Debug)]
struct Datagram {
    key: Key,
    since: Timestamp,
    /// What the first fragment says that the datagram carries.
    protocol: Option<u8>,
    data: Vec<u8>,
    /// One bit for every eight bytes that came.
    came: [u64; EIGHTS / 64],
    /// How many bits of `came` stand.
    count: usize,
    /// Length, known from the last fragment.
    len: Option<usize>,
}

impl Fragments {
    pub(super) fn new(limits: &FrameLimits) -> Self {
        Self {
            waiting: VecDeque::new(),
            spare: Vec::new(),
            bytes: 0,
            most: limits.fragmented_datagrams.max(1),
            most_bytes: limits.fragment_bytes,
            age_micros: limits.fragment_age_micros,
        }
    }

    /// Takes one fragment. When it was the one that lacked, `whole` has the datagram's payload and
    /// the protocol of it is returned.
    pub(super) fn add(
        &mut self,
        ts: Timestamp,
        place: &Place<'_>,
        part: Part,
        whole: &mut Vec<u8>,
        counts: &mut FrameCounts,
    ) -> Result<u8, Reason> {
        self.expire(ts, counts);
        if place.missing != 0 || !place.ip.is_summed {
            return Err(Reason::FragmentCut);
        }
        let end = part.offset.saturating_add(len_of(place.bytes)) as usize;
        let is_odd = part.more && place.bytes.len() & 7 != 0;
        if place.bytes.is_empty() || is_odd || end > MOST_BYTES {
            return Err(Reason::FragmentBad);
        }
        let key = Key::of(&place.ip);
        // A datagram's fragments come close together.
        let at = self.waiting.iter().rposition(|one| one.key == key);
        let mut datagram = match at {
            Some(at) => self.remove(at),
            None => self.begin(ts, key, counts),
        };
        let fits = datagram.fits(part, end);
        if fits {
            if part.offset == 0 {
                datagram.protocol.get_or_insert(place.ip.protocol);
            }
            datagram.put(part, end, place.bytes, counts);
        }
        if let Some(protocol) = datagram.protocol.filter(|_| datagram.is_whole()) {
            std::mem::swap(whole, &mut datagram.data);
            self.save(datagram);
            counts.add(Reason::FragmentReassembled);
            return Ok(protocol);
        }
        self.keep(at, datagram, counts);
        Err(if fits { Reason::FragmentHeld } else { Reason::FragmentBad })
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(test)]
    pub(super) fn bytes_recounted(&self) -> usize {
        self.waiting.iter().map(|datagram| datagram.data.capacity()).sum()
    }

    fn expire(&mut self, now: Timestamp, counts: &mut FrameCounts) {
        while self.waiting.front().is_some_and(|oldest| now.since(oldest.since) > self.age_micros) {
            self.drop_oldest(Reason::FragmentTimeout, counts);
        }
    }

    fn begin(&mut self, since: Timestamp, key: Key, counts: &mut FrameCounts) -> Box<Datagram> {
        while self.waiting.len() >= self.most {
            self.drop_oldest(Reason::FragmentTableFull, counts);
        }
        let mut datagram = self.spare.pop().unwrap_or_else(|| Box::new(Datagram::new(since, key)));
        datagram.reset(since, key);
        datagram
    }

    /// Puts a datagram back where it was, or last; makes room for what it grew by.
    fn keep(&mut self, at: Option<usize>, datagram: Box<Datagram>, counts: &mut FrameCounts) {
        self.bytes = self.bytes.saturating_add(datagram.data.capacity());
        self.waiting.insert(at.unwrap_or(self.waiting.len()), datagram);
        while self.bytes > self.most_bytes {
            self.drop_oldest(Reason::FragmentTableFull, counts);
        }
    }

    fn drop_oldest(&mut self, reason: Reason, counts: &mut FrameCounts) {
        if let Some(datagram) = self.waiting.pop_front() {
            self.bytes = self.bytes.saturating_sub(datagram.data.capacity());
            self.save(datagram);
            counts.add(reason);
        }
    }

    fn remove(&mut self, at: usize) -> Box<Datagram> {
        let Some(datagram) = self.waiting.remove(at) else {
            // Not reached: the caller has just found it there.
            return Box::new(Datagram::new(Timestamp::default(), Key::of(&Place::new(&[], 0).ip)));
        };
        self.bytes = self.bytes.saturating_sub(datagram.data.capacity());
        datagram
    }

    fn save(&mut self, datagram: Box<Datagram>) {
        if self.spare.len() < MOST_SPARE {
            self.spare.push(datagram);
        }
    }
}

impl Key {
    fn of(ip: &Ip) -> Self {
        Self { id: ip.id, src: ip.src, dst: ip.dst, protocol: (!ip.is_v6).then_some(ip.protocol) }
    }
}

impl Datagram {
    const fn new(since: Timestamp, key: Key) -> Self {
        Self { key, since, protocol: None, data: Vec::new(), came: [0; EIGHTS / 64], count: 0, len: None }
    }

    fn reset(&mut self, since: Timestamp, key: Key) {
        let mut data = std::mem::take(&mut self.data);
        data.clear();
        *self = Self { data, ..Self::new(since, key) };
    }

    /// The end is known once, and nothing lies beyond it.
    fn fits(&self, part: Part, end: usize) -> bool {
        match self.len {
            Some(len) if part.more => end <= len,
            Some(len) => end == len,
            None => part.more || end >= self.data.len(),
        }
    }

    fn put(&mut self, part: Part, end: usize, bytes: &[u8], counts: &mut FrameCounts) {
        let start = part.offset as usize;
        if !part.more {
            self.len = Some(end);
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        let (mut overlaps, mut differs) = (false, false);
        let room = self.data.get_mut(start..end).unwrap_or_default();
        let eights = room.chunks_mut(8).zip(bytes.chunks(8));
        for ((old, new), at) in eights.zip(start / 8..) {
            let bit = 1_u64 << (at % 64);
            let Some(word) = self.came.get_mut(at / 64) else { break };
            if *word & bit == 0 {
                *word |= bit;
                self.count = self.count.wrapping_add(1);
                old.copy_from_slice(new);
            } else {
                overlaps = true;
                differs |= old != new;
            }
        }
        if overlaps {
            counts.add(Reason::FragmentOverlap);
        }
        if differs {
            counts.add(Reason::FragmentConflict);
        }
    }

    fn is_whole(&self) -> bool {
        self.len.is_some_and(|len| self.count == len.div_ceil(8))
    }
}

/// The longest payload that an IP packet can have.
const MOST_BYTES: usize = 65_535;

/// Units of eight bytes in it.
const EIGHTS: usize = 8192;

/// Buffers kept for later; each may have grown to 64 KiB.
const MOST_SPARE: usize = 8;
