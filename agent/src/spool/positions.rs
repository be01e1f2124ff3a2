//! What the spool must know beyond its segments: its incarnation, how far each lane is acknowledged, how
//! far its sequences have got, and which losses were told. Two slots of one file are written in turn, in
//! place; a slot that was not written whole leaves the other.
//!
//! It is written now and then. Nothing accepted depends on it; but before a segment is removed, both
//! slots know what that segment showed.

use std::io;
use std::sync::Arc;

use super::disk::{Disk, Handle, QUARANTINE};
use super::format::{HIGHEST, Incarnation, array, number};
use fieldward_shared::loss::{MOST, Ranges};

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// This life of the spool.
    pub incarnation: Incarnation,
    /// Per lane.
    pub lanes: [Position; 4],
}

/// What is known of a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The aggregator has all up to here.
    pub acked: u64,
    /// The next sequence; all before it were given.
    pub next: u64,
    /// Losses that an accepted loss record tells of.
    pub told: Ranges,
}

impl Default for Position {
    fn default() -> Self {
        Self { acked: 0, next: 1, told: Ranges::default() }
    }
}

/// What was found of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The newer of the slots that are whole.
    Known(Positions),
    /// There is none.
    Missing,
    /// No slot is whole.
    Damaged,
    /// It is of this later version.
    Newer(u16),
}

/// The file.
pub struct Slots {
    disk: Arc<dyn Disk>,
    handle: Option<Box<dyn Handle>>,
    generation: u64,
    /// What each slot holds, as far as it was written by us or read.
    held: [Option<Positions>; 2],
}

impl Slots {
    /// A file of which nothing is known.
    pub fn none(disk: Arc<dyn Disk>) -> Self {
        Self { disk, handle: None, generation: 0, held: [None, None] }
    }

    /// Reads what is there, changing nothing.
    pub fn read(disk: Arc<dyn Disk>) -> io::Result<(Self, Found)> {
        let bytes = match disk.read(NAME, 0, SLOT * 2) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let slots = Self::none(disk);
        let Some(bytes) = bytes else { return Ok((slots, Found::Missing)) };
        Ok(slots.take(&bytes))
    }

    fn take(mut self, bytes: &[u8]) -> (Self, Found) {
        let mut best = Found::Damaged;
        for (nth, held) in self.held.iter_mut().enumerate() {
            match unpack(bytes.get(nth * SLOT..).unwrap_or_default()) {
                Some(Err(version)) => return (self, Found::Newer(version)),
                Some(Ok((generation, positions))) => {
                    if generation > self.generation {
                        self.generation = generation;
                        best = Found::Known(positions.clone());
                    }
                    *held = Some(positions);
                }
                None => {}
            }
        }
        (self, best)
    }

    /// Whether both slots hold this.
    pub fn settled(&self, positions: &Positions) -> bool {
        self.held.iter().all(|held| held.as_ref() == Some(positions))
    }

    /// Whether one does.
    pub fn saved(&self, positions: &Positions) -> bool {
        self.held.iter().any(|held| held.as_ref() == Some(positions))
    }

    /// Makes the file anew. What was there and was no use is put aside.
    pub fn create(&mut self, positions: &Positions) -> io::Result<()> {
        drop(self.disk.remove(NEW));
        let mut handle = self.disk.create(NEW, SLOT as u64 * 2)?;
        for slot in 0..2_u64 {
            handle.write(slot * SLOT as u64, &pack(slot + 1, positions))?;
        }
        handle.sync()?;
        drop(self.disk.rename(NAME, &format!("{QUARANTINE}/{NAME}")));
        self.disk.rename(NEW, NAME)?;
        self.disk.sync_folder()?;
        self.generation = 2;
        self.held = [Some(positions.clone()), Some(positions.clone())];
        self.handle = Some(handle);
        Ok(())
    }

    /// Writes the slot whose turn it is.
    pub fn save(&mut self, positions: &Positions) -> io::Result<()> {
        let generation = self.generation.saturating_add(1);
        let slot = generation.saturating_sub(1) % 2;
        let mut handle = match self.handle.take() {
            Some(handle) => handle,
            None => self.disk.open(NAME)?,
        };
        // Whatever fails, the slot holds nobody knows what, and this handle is not used again.
        if let Some(held) = self.held.get_mut(usize::from(slot == 1)) {
            *held = None;
        }
        handle.write(slot * SLOT as u64, &pack(generation, positions))?;
        handle.sync()?;
        self.handle = Some(handle);
        self.generation = generation;
        if let Some(held) = self.held.get_mut(usize::from(slot == 1)) {
            *held = Some(positions.clone());
        }
        Ok(())
    }

    /// Writes until both slots hold this.
    pub fn settle(&mut self, positions: &Positions) -> io::Result<()> {
        for _ in 0..2 {
            if !self.settled(positions) {
                self.save(positions)?;
            }
        }
        Ok(())
    }
}

fn pack(generation: u64, positions: &Positions) -> Vec<u8> {
    let mut body = positions.incarnation.0.to_vec();
    for lane in &positions.lanes {
        for number in [lane.acked, lane.next, lane.told.iter().len() as u64] {
            body.extend_from_slice(&number.to_le_bytes());
        }
        for (first, last) in lane.told.iter() {
            body.extend_from_slice(&first.to_le_bytes());
            body.extend_from_slice(&last.to_le_bytes());
        }
    }
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&generation.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or_default().to_le_bytes());
    bytes.extend_from_slice(&body);
    let sum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes.resize(SLOT, 0);
    bytes
}

/// Generation and positions of a slot; the version when it is a later one.
fn unpack(bytes: &[u8]) -> Option<Result<(u64, Positions), u16>> {
    let len = usize::try_from(number(bytes, 18)?).ok().filter(|len| *len < SLOT)?;
    let end = 22 + len;
    if !bytes.starts_with(MAGIC) || number(bytes, end)? != crc32c::crc32c(bytes.get(..end)?) {
        return None;
    }
    let version = u16::from_le_bytes(array(bytes, 8)?);
    if version > VERSION {
        return Some(Err(version));
    }
    let generation = u64::from_le_bytes(array(bytes, 10)?);
    let body = bytes.get(22..end)?;
    let mut positions = Positions { incarnation: Incarnation(array(body, 0)?), ..Positions::default() };
    let mut at = 16;
    let mut next = || {
        let number = array(body, at).map(u64::from_le_bytes);
        at += 8;
        number
    };
    for lane in &mut positions.lanes {
        (lane.acked, lane.next) = (next()?, next()?.max(1));
        let ranges = next()?;
        if ranges > MOST as u64 || lane.acked > HIGHEST || lane.next > HIGHEST {
            return None;
        }
        for _ in 0..ranges {
            lane.told.add(next()?, next()?);
        }
    }
    Some(Ok((generation, positions)))
}

/// Its name.
pub const NAME: &str = "positions";
/// While it is made.
pub const NEW: &str = "positions.new";
/// Bytes of a slot.
pub const SLOT: usize = 16 * 1024;

const MAGIC: &[u8; 8] = b"FWPOSIT\n";
const VERSION: u16 = 1;
