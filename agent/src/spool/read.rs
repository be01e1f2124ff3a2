//! Reading for the uplink: records of a lane in order from any sequence that is still there, those
//! already acknowledged included. What was lost is passed over.

use std::io;
use std::sync::Arc;

use fieldward_shared::alert::Severity;

use super::disk::Disk;
use super::format::{HEADER, Incarnation, LONGEST, LOSS, Piece, Pieces, RECORD};
use super::index::Segment;
use super::{Shared, lock};

/// A record as it is sent. Incarnation, lane and sequence name it for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The life of the spool that gave the sequence.
    pub incarnation: Incarnation,
    /// Its lane.
    pub lane: Severity,
    /// Its sequence.
    pub seq: u64,
    /// It is no alert but a [`super::Loss`] as JSON.
    pub is_loss: bool,
    /// What was put.
    pub bytes: Vec<u8>,
}

/// Reads a lane.
pub struct Reader {
    disk: Arc<dyn Disk>,
    shared: Arc<Shared>,
    lane: Severity,
    next: u64,
    place: Option<Place>,
}

/// In which segment it reads, and where.
struct Place {
    name: String,
    at: u64,
    /// The last sequence before.
    last: u64,
    /// Damage lies just before.
    damaged: bool,
}

impl Place {
    fn begin(segment: &Segment) -> Self {
        let last = segment.header.first.saturating_sub(1);
        Self { name: segment.name.clone(), at: HEADER as u64, last, damaged: false }
    }
}

impl Reader {
    pub(super) fn new(disk: Arc<dyn Disk>, shared: Arc<Shared>, lane: Severity, from: u64) -> Self {
        Self { disk, shared, lane, next: from.max(1), place: None }
    }

    /// The sequence after the last record that it gave.
    pub fn next_seq(&self) -> u64 {
        self.next
    }

    /// The next records, at most about so many bytes; none when there are no more for now.
    pub fn batch(&mut self, most: usize) -> io::Result<Vec<Record>> {
        loop {
            let Some(segment) = self.segment() else { return Ok(self.waiting(most)) };
            let mut place = match self.place.take() {
                Some(place) if place.name == segment.name => place,
                _ => Place::begin(&segment),
            };
            let left = usize::try_from(segment.end.saturating_sub(place.at)).unwrap_or(usize::MAX);
            let wanted = most.max(LEAST).min(left);
            let bytes = match self.disk.read(&segment.name, place.at, wanted) {
                Ok(bytes) => bytes,
                // Shed or let go in the meantime: what follows is in the index.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.is_gone(&segment) => continue,
                Err(error) => return Err(error),
            };
            let whole = bytes.len() == left || bytes.len() < wanted;
            let records = self.take(&segment, &mut place, &bytes, whole);
            self.place = Some(place);
            if !records.is_empty() {
                return Ok(records);
            }
        }
    }

    /// The records in bytes of a segment; `whole` when nothing follows them.
    fn take(&mut self, segment: &Segment, place: &mut Place, bytes: &[u8], whole: bool) -> Vec<Record> {
        let mut records = Vec::new();
        let mut end = 0;
        for piece in Pieces::new(bytes, segment.header.key(), 0, place.last) {
            match piece {
                Piece::Damage(..) => {}
                Piece::Record(record) => {
                    place.damaged |= record.at > end;
                    end = record.end;
                    place.last = record.seq;
                    if record.seq < self.next {
                        place.damaged = false;
                        continue;
                    }
                    if std::mem::take(&mut place.damaged) && record.seq > self.next {
                        self.found_damage(self.next, record.seq.saturating_sub(1));
                    }
                    self.next = record.seq.saturating_add(1);
                    records.push(Record {
                        incarnation: segment.header.incarnation,
                        lane: self.lane,
                        seq: record.seq,
                        is_loss: record.flags & LOSS != 0,
                        bytes: record.payload.to_vec(),
                    });
                }
            }
        }
        // The last record may be cut, and is read again with what follows; more than that is damage.
        let sure = if whole { bytes.len() } else { bytes.len().saturating_sub(LONGEST + RECORD) };
        place.damaged |= sure > end;
        if whole && self.next <= segment.last {
            self.found_damage(self.next, segment.last);
            self.next = segment.last.saturating_add(1);
        }
        place.at = place.at.saturating_add(end.max(sure) as u64);
        records
    }

    /// The segment that holds the next sequence, or one after it.
    fn segment(&mut self) -> Option<Segment> {
        let mut index = lock(&self.shared.index);
        index.lane(self.lane).segments.iter().find(|segment| segment.last >= self.next).cloned()
    }

    fn is_gone(&self, segment: &Segment) -> bool {
        let mut index = lock(&self.shared.index);
        !index.lane(self.lane).segments.iter().any(|one| one.name == segment.name)
    }

    /// Only when the disk takes nothing, what waits is sent from memory.
    fn waiting(&mut self, most: usize) -> Vec<Record> {
        let mut index = lock(&self.shared.index);
        let incarnation = index.incarnation;
        if !index.memory_only {
            return Vec::new();
        }
        let mut sum = 0_usize;
        let (from, shown) = (self.next, index.lane(self.lane).shown);
        let waiting =
            index.lane(self.lane).waiting.iter().filter(|record| (from..shown).contains(&record.seq));
        let records: Vec<Record> = waiting
            .take_while(|record| {
                let first = sum == 0;
                sum = sum.saturating_add(record.bytes.len().max(1));
                first || sum <= most
            })
            .map(|record| Record {
                incarnation,
                lane: self.lane,
                seq: record.seq,
                is_loss: record.flags & LOSS != 0,
                bytes: record.bytes.clone(),
            })
            .collect();
        self.next = records.last().map_or(self.next, |last| last.seq.saturating_add(1));
        records
    }

    fn found_damage(&self, first: u64, last: u64) {
        let mut index = lock(&self.shared.index);
        if index.rotten.len() < MOST_ROTTEN {
            index.rotten.push((self.lane, first, last));
        }
    }
}

/// So many bytes are read at least: a record and then some.
const LEAST: usize = 4 * LONGEST;
/// More found damage than this is told at the next start.
const MOST_ROTTEN: usize = 1024;
