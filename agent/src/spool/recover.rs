//! What a start finds: which records are whole, what is torn, damaged or gone. It reads every segment,
//! keeps whatever proves to be a record, puts damaged bytes aside, and counts what is missing by its
//! range of sequences. Nothing that it finds stops a start, save files of a later version.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::disk::{Disk, QUARANTINE};
use super::format::{HEADER, Header, Incarnation, LOSS, NoHeader, Piece, Pieces, SUFFIX, frame};
use super::index::{Lane, Segment};
use super::positions::{Found, Positions, Slots};
use super::{LANES, Limits, OpenError, Recovery, place};
use super::{Loss, Reason};
use fieldward_shared::loss::{Ranges, count};

/// A segment as it was found.
#[derive(Clone, Debug)]
pub struct Surveyed {
    /// Its file.
    pub name: String,
    /// Its length.
    pub size: u64,
    /// What it says it is, or its name says.
    pub header: Header,
    /// The header is damaged, and only the name says what it is.
    pub headless: bool,
    /// Its name says otherwise.
    pub misnamed: bool,
    /// Sequences of its whole records, in runs.
    pub runs: Vec<(u64, u64)>,
    /// How many whole records.
    pub records: u64,
    /// How many of them tell of losses.
    pub losses: u64,
    /// Where the last whole record ends.
    pub end: usize,
    /// Bytes that are none, from here to there.
    pub damage: Vec<(usize, usize)>,
    /// The damage was put aside.
    mended: bool,
}

impl Surveyed {
    fn of(name: &str, bytes: &[u8], header: Header, headless: bool) -> Self {
        let mut found = Self {
            name: name.to_owned(),
            size: bytes.len() as u64,
            header,
            headless,
            misnamed: name != header.name() && !name.starts_with(header.name().trim_end_matches(SUFFIX)),
            runs: Vec::new(),
            records: 0,
            losses: 0,
            end: HEADER.min(bytes.len()),
            damage: Vec::new(),
            mended: false,
        };
        if headless {
            found.damage.push((0, HEADER.min(bytes.len())));
        }
        for piece in Pieces::new(bytes, header.key(), HEADER, header.first.saturating_sub(1)) {
            match piece {
                Piece::Damage(from, to) => found.damage.push((from, to)),
                Piece::Record(record) => {
                    found.end = record.end;
                    found.records = found.records.saturating_add(1);
                    found.losses = found.losses.saturating_add(u64::from(record.flags & LOSS));
                    match found.runs.last_mut() {
                        Some((_, last)) if last.checked_add(1) == Some(record.seq) => *last = record.seq,
                        _ => found.runs.push((record.seq, record.seq)),
                    }
                }
            }
        }
        found
    }

    /// The lowest sequence of its records, or what its first would be.
    pub fn first(&self) -> u64 {
        self.runs.first().map_or(self.header.first, |(first, _)| *first)
    }

    /// The highest, or the one before its first.
    pub fn last(&self) -> u64 {
        self.runs.last().map_or(self.header.first.saturating_sub(1), |(_, last)| *last)
    }

    /// Damage that lies behind all whole records: what a power cut leaves, or the last records lost.
    fn torn(&self) -> bool {
        self.damage.last().is_some_and(|(from, _)| *from >= self.end)
    }
}

/// All that is in the folder.
pub struct Survey {
    /// What the file of positions says.
    pub positions: Found,
    /// Segments by lane and first sequence.
    pub segments: Vec<Surveyed>,
    /// Files that are no segments although they are called so.
    pub useless: Vec<String>,
    /// Files that could not be read, and why.
    pub unreadable: Vec<(String, io::Error)>,
    /// Of a later version: file and version.
    pub newer: Option<(String, u16)>,
    /// Left from work that did not end.
    unfinished: Vec<String>,
    slots: Option<Slots>,
}

/// Looks at everything, changing nothing.
pub fn survey(disk: &Arc<dyn Disk>) -> Survey {
    let mut found = Survey {
        positions: Found::Damaged,
        segments: Vec::new(),
        useless: Vec::new(),
        unreadable: Vec::new(),
        newer: None,
        unfinished: Vec::new(),
        slots: None,
    };
    match Slots::read(disk.clone()) {
        Ok((slots, positions)) => {
            if let Found::Newer(version) = positions {
                found.newer = Some((super::positions::NAME.to_owned(), version));
            }
            found.positions = positions;
            found.slots = Some(slots);
        }
        Err(error) => found.unreadable.push((super::positions::NAME.to_owned(), error)),
    }
    let names = match disk.list("") {
        Ok(names) => names,
        Err(error) => {
            found.unreadable.push((".".to_owned(), error));
            Vec::new()
        }
    };
    let mut headless = Vec::new();
    for (name, _) in names {
        if name.ends_with(".new") {
            found.unfinished.push(name);
        } else if name.ends_with(SUFFIX) {
            found.segment(disk, name, &mut headless);
        }
    }
    // Whose they are, the others may know.
    let mut known: BTreeSet<Incarnation> = found.segments.iter().map(|one| one.header.incarnation).collect();
    if let Found::Known(positions) = &found.positions {
        known.insert(positions.incarnation);
    }
    for name in headless {
        let bytes = disk.read(&name, 0, LONGEST_SEGMENT).unwrap_or_default();
        let headers = known.iter().filter_map(|incarnation| Header::of_name(&name, *incarnation));
        let best = headers
            .map(|header| Surveyed::of(&name, &bytes, header, true))
            .max_by_key(|surveyed| surveyed.records)
            .filter(|surveyed| surveyed.records > 0);
        match best {
            Some(surveyed) => found.segments.push(surveyed),
            None => found.useless.push(name),
        }
    }
    found.segments.sort_by_key(|one| (one.header.lane, one.first(), one.last()));
    found
}

impl Survey {
    fn segment(&mut self, disk: &Arc<dyn Disk>, name: String, headless: &mut Vec<String>) {
        let bytes = match disk.read(&name, 0, LONGEST_SEGMENT) {
            Ok(bytes) => bytes,
            Err(error) => return self.unreadable.push((name, error)),
        };
        match Header::read(&bytes) {
            Ok(header) => self.segments.push(Surveyed::of(&name, &bytes, header, false)),
            Err(NoHeader::Newer(version)) => self.newer = Some((name, version)),
            Err(NoHeader::Damaged) => headless.push(name),
        }
    }
}

/// What a start goes on with.
pub(super) struct Start {
    pub positions: Positions,
    pub slots: Slots,
    pub lanes: [Lane; 4],
    /// What was not known to be lost.
    pub losses: Vec<Loss>,
    pub recovery: Recovery,
}

/// Brings the folder in order and tells what to go on with.
pub(super) fn recover(disk: &Arc<dyn Disk>, limits: &Limits) -> Result<Start, OpenError> {
    let mut found = survey(disk);
    if let Some((file, version)) = found.newer {
        return Err(OpenError::Newer { file, version });
    }
    let mut recovery = Recovery { unreadable: found.unreadable.len() as u64, ..Recovery::default() };
    for name in &found.unfinished {
        drop(disk.remove(name));
    }
    for name in &found.useless {
        put_aside(disk, name, &mut recovery);
    }
    untangle(disk, &mut found.segments, &mut recovery);
    for segment in found.segments.iter_mut().filter(|segment| !segment.damage.is_empty()) {
        mend(disk, segment, limits, &mut recovery);
    }
    let damaged = found.positions == Found::Damaged;
    let known = match found.positions {
        Found::Known(positions) if found.unreadable.is_empty() => Some(positions),
        Found::Known(_) | Found::Damaged | Found::Missing | Found::Newer(_) => None,
    };
    recovery.new_incarnation = known.is_none();
    recovery.lost_positions = known.is_none() && (damaged || !found.segments.is_empty());
    let fresh = || Positions { incarnation: Incarnation(disk.chance()), ..Positions::default() };
    let had = known.is_some();
    let mut positions = known.unwrap_or_else(fresh);
    let mut lanes: [Lane; 4] = Default::default();
    let mut losses = Vec::new();
    for lane in LANES {
        let mine: Vec<&Surveyed> = found.segments.iter().filter(|one| one.header.lane == lane).collect();
        let position = &mut positions.lanes[place(lane)];
        if let (false, Some(oldest)) = (had, mine.first()) {
            // Nobody knows what was before: it is not called lost.
            position.acked = oldest.header.first.min(oldest.first()).saturating_sub(1);
        }
        position.next = next(&mine, position.next.max(position.acked.saturating_add(1)));
        let gone = gone(&mine, position.acked, position.next, &position.told);
        losses.extend(gone.into_iter().map(|range| Loss {
            lane,
            range: Some(range),
            count: count(range),
            reason: Reason::Damaged,
            since: disk.now(),
            until: disk.now(),
        }));
        let index = &mut lanes[place(lane)];
        (index.acked, index.next, index.lost) = (position.acked, position.next, position.told.clone());
        fill(disk, index, &mine, &mut recovery);
    }
    losses.iter().for_each(|loss| {
        if let Some((first, last)) = loss.range {
            lanes[place(loss.lane)].lost.add(first, last);
        }
    });
    recovery.losses.clone_from(&losses);
    let slots = match found.slots {
        Some(slots) => slots,
        None => Slots::none(disk.clone()),
    };
    Ok(Start { positions, slots, lanes, losses, recovery })
}

/// Two segments of a lane may hold the same sequences: a sync failed and the records were written again.
/// The later segment holds them; the earlier ends where it begins.
fn untangle(disk: &Arc<dyn Disk>, segments: &mut Vec<Surveyed>, recovery: &mut Recovery) {
    let mut at = 0;
    while let [one, other, ..] = segments.get(at..).unwrap_or_default() {
        let tangled = one.header.lane == other.header.lane && one.last() >= other.first();
        if !tangled || one.records == 0 || other.records == 0 {
            at += 1;
            continue;
        }
        let (begin, key) = (other.first(), one.header.key());
        let bytes = disk.read(&one.name, 0, LONGEST_SEGMENT).unwrap_or_default();
        let below =
            Pieces::new(&bytes, key, HEADER, one.header.first.saturating_sub(1)).find_map(
                |piece| match piece {
                    Piece::Record(record) if record.seq >= begin => Some(record.at),
                    Piece::Record(_) | Piece::Damage(..) => None,
                },
            );
        let kept = bytes.get(..below.unwrap_or(bytes.len())).unwrap_or_default();
        let mut kept = Surveyed::of(&one.name, kept, one.header, one.headless);
        let cut = || {
            let mut handle = disk.open(&one.name)?;
            handle.resize(kept.end as u64)?;
            handle.sync()
        };
        kept.size = if kept.records > 0 && cut().is_ok() { kept.end as u64 } else { one.size };
        recovery.repeated = recovery.repeated.saturating_add(one.records.saturating_sub(kept.records));
        if kept.records == 0 {
            let name = one.name.clone();
            put_aside(disk, &name, recovery);
            segments.remove(at);
            // What stands before it may reach into what follows, too.
            at = at.saturating_sub(1);
        } else {
            segments[at] = kept;
            at += 1;
        }
    }
}

/// Puts damaged bytes aside and leaves a segment that holds the others.
fn mend(disk: &Arc<dyn Disk>, segment: &mut Surveyed, limits: &Limits, recovery: &mut Recovery) {
    let bytes = disk.read(&segment.name, 0, LONGEST_SEGMENT).unwrap_or_default();
    for (from, to) in &segment.damage {
        let damaged = bytes.get(*from..*to).unwrap_or_default();
        recovery.damaged_bytes = recovery.damaged_bytes.saturating_add(damaged.len() as u64);
        keep_damaged(disk, &format!("{}@{from}", segment.name), damaged, limits);
    }
    recovery.damaged_segments = recovery.damaged_segments.saturating_add(1);
    let only_tail = segment.damage.first().is_some_and(|(from, _)| *from >= segment.end);
    let mended = if only_tail {
        let cut = || {
            let mut handle = disk.open(&segment.name)?;
            handle.resize(segment.end as u64)?;
            handle.sync()
        };
        cut().map(|()| (segment.name.clone(), segment.end))
    } else {
        rewrite(disk, segment, &bytes)
    };
    // When that fails the damage stays where it is: readers pass over it, the next start tries again.
    if let Ok((name, end)) = mended {
        (segment.name, segment.end, segment.size) = (name, end, end as u64);
        segment.mended = true;
    }
}

fn rewrite(disk: &Arc<dyn Disk>, segment: &Surveyed, bytes: &[u8]) -> io::Result<(String, usize)> {
    let mut whole = segment.header.bytes();
    for piece in Pieces::new(bytes, segment.header.key(), HEADER, segment.header.first.saturating_sub(1)) {
        if let Piece::Record(record) = piece {
            frame(&mut whole, segment.header.key(), record.seq, record.flags, record.payload);
        }
    }
    let new = format!("{}.new", segment.name);
    let mut handle = disk.create(&new, whole.len() as u64)?;
    handle.write(0, &whole)?;
    handle.sync()?;
    disk.rename(&new, &segment.name)?;
    disk.sync_folder()?;
    Ok((segment.name.clone(), whole.len()))
}

/// A file that holds no record of ours. Only zeros is what a power cut leaves of a new segment.
fn put_aside(disk: &Arc<dyn Disk>, name: &str, recovery: &mut Recovery) {
    let empty = disk.read(name, 0, LONGEST_SEGMENT).is_ok_and(|bytes| bytes.iter().all(|byte| *byte == 0));
    if empty {
        drop(disk.remove(name));
        return;
    }
    recovery.damaged_segments = recovery.damaged_segments.saturating_add(1);
    drop(disk.rename(name, &format!("{QUARANTINE}/{name}")));
}

/// Keeps damaged bytes for whoever wants to look at them, as long as there is room.
fn keep_damaged(disk: &Arc<dyn Disk>, name: &str, bytes: &[u8], limits: &Limits) {
    let mut kept = disk.list(QUARANTINE).unwrap_or_default();
    kept.sort();
    let mut sum: u64 = kept.iter().map(|(_, size)| *size).sum();
    for (name, size) in kept {
        if sum.saturating_add(bytes.len() as u64) <= limits.quarantine {
            break;
        }
        drop(disk.remove(&format!("{QUARANTINE}/{name}")));
        sum = sum.saturating_sub(size);
    }
    let name = format!("{QUARANTINE}/{name}");
    drop(disk.remove(&name));
    if let Ok(mut handle) = disk.create(&name, bytes.len() as u64) {
        drop(handle.write(0, bytes));
    }
}

/// The next sequence of a lane, above all that any segment holds: the newest may be an empty one that was
/// begun within another, when a sync had failed and what was to be written again was not. When the last bytes
/// of the newest are torn, at least one record was there: its sequence is not given again.
fn next(segments: &[&Surveyed], known: u64) -> u64 {
    let Some(newest) = segments.last() else { return known };
    let next = segments.iter().map(|segment| segment.last().saturating_add(1)).max().unwrap_or(known);
    let is_behind_all = newest.last().saturating_add(1) == next;
    if newest.torn() && is_behind_all && known <= next { next.saturating_add(1) } else { known.max(next) }
}

/// Sequences that should be there and are not, nor were told to be lost.
fn gone(segments: &[&Surveyed], acked: u64, next: u64, told: &Ranges) -> Vec<(u64, u64)> {
    let mut gone = Vec::new();
    let mut expected = acked.saturating_add(1);
    let runs = segments.iter().flat_map(|segment| segment.runs.iter().copied());
    for (first, last) in runs.chain([(next, next)]) {
        if first > expected {
            gone.extend(told.missing(expected, first.saturating_sub(1)));
        }
        expected = expected.max(last.saturating_add(1));
    }
    gone
}

fn fill(disk: &Arc<dyn Disk>, index: &mut Lane, segments: &[&Surveyed], recovery: &mut Recovery) {
    for (nth, segment) in segments.iter().enumerate() {
        let newest = nth + 1 == segments.len();
        if segment.records == 0 && !newest {
            drop(disk.remove(&segment.name));
            continue;
        }
        recovery.records = recovery.records.saturating_add(segment.records);
        recovery.bytes = recovery.bytes.saturating_add(segment.size);
        recovery.misnamed = recovery.misnamed.saturating_add(u64::from(segment.misnamed));
        let whole = segment.damage.is_empty() || segment.mended;
        index.segments.push_back(Segment {
            name: segment.name.clone(),
            header: segment.header,
            last: segment.last(),
            end: segment.end as u64,
            size: segment.size,
            resumable: newest && whole,
            acked_at: (segment.last() <= index.acked && segment.records > 0).then(|| disk.now()),
        });
    }
    recovery.waiting = recovery.waiting.saturating_add(index.unacknowledged());
}

/// No segment of ours is longer; of a longer file no more is read.
pub const LONGEST_SEGMENT: usize = 64 << 20;
