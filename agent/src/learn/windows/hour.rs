//! The file of an hour: a line that says what it is, then records of one length, a sealed minute each. A record
//! that was damaged moves no other; a file with one is put aside and written anew without it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Minute;
use crate::features::SCHEMA;
use crate::learn::sealed::{ADDED, Seal};
use crate::learn::steps::WIDTH;

/// Which minutes an hour has, and where they stand in its file.
pub struct Hour {
    path: PathBuf,
    number: u64,
    places: BTreeMap<u64, usize>,
    /// Records in the file.
    records: usize,
}

impl Hour {
    /// One without a file yet.
    pub fn new(folder: &Path, number: u64) -> Self {
        let path = folder.join(format!("{number:012}.{END}"));
        Self { path, number, places: BTreeMap::new(), records: 0 }
    }

    /// One from its file, and how many of its records were damaged.
    pub fn open(path: &Path, number: u64, seal: &Seal) -> io::Result<(Self, u64)> {
        let mut hour = Self { path: path.to_owned(), number, places: BTreeMap::new(), records: 0 };
        let bytes = fs::read(path)?;
        let body = bytes.strip_prefix(head().as_bytes());
        let Some(body) = body else {
            // Of other features, or no such file at all: nothing in it can be used.
            hour.put_aside()?;
            return Ok((hour, (bytes.len() / RECORD).max(1) as u64));
        };
        let mut good = Vec::with_capacity(body.len());
        let mut damaged = u64::from(!body.len().is_multiple_of(RECORD));
        for record in body.chunks_exact(RECORD).take(60) {
            match hour.unseal(record, seal) {
                Some(minute) if hour.places.insert(minute.number, hour.records).is_none() => {
                    hour.records += 1;
                    good.extend_from_slice(record);
                }
                _ => damaged += 1,
            }
        }
        if damaged > 0 {
            hour.put_aside()?;
            hour.write(&good)?;
        }
        Ok((hour, damaged))
    }

    /// Adds a minute at the end.
    pub fn put(&mut self, minute: &Minute, seal: &Seal) -> io::Result<()> {
        let mut plain = minute.number.to_le_bytes().to_vec();
        plain.extend(minute.values.iter().flat_map(|value| value.to_le_bytes()));
        let record = seal.seal(&self.place(), &plain).map_err(io::Error::other)?;
        if self.records == 0 {
            self.write(&record)?;
        } else {
            let mut file = OpenOptions::new().append(true).open(&self.path)?;
            if let Err(error) = file.write_all(&record) {
                // Half a record would move all that follow.
                file.set_len((head().len() + self.records * RECORD) as u64)?;
                return Err(error);
            }
        }
        self.places.insert(minute.number, self.records);
        self.records += 1;
        Ok(())
    }

    /// Forgets minutes; tells how many there were.
    pub fn forget(&mut self, range: RangeInclusive<u64>) -> io::Result<u64> {
        let gone = self.places.range(range.clone()).count() as u64;
        if gone == 0 {
            return Ok(0);
        }
        let stay: BTreeMap<u64, usize> =
            self.places.iter().filter(|(number, _)| !range.contains(number)).map(|(a, b)| (*a, *b)).collect();
        if stay.is_empty() {
            fs::remove_file(&self.path)?;
        } else {
            let bytes = fs::read(&self.path)?;
            let body = bytes.get(head().len()..).unwrap_or_default();
            let records = stay.values().filter_map(|at| body.get(at * RECORD..(at + 1) * RECORD));
            self.write(&records.collect::<Vec<_>>().concat())?;
        }
        self.records = stay.len();
        self.places = stay.into_keys().zip(0..).collect();
        Ok(gone)
    }

    /// Minutes of it; one that was damaged meanwhile is missing.
    pub fn read(&self, numbers: &[u64], seal: &Seal) -> io::Result<Vec<Minute>> {
        let bytes = fs::read(&self.path)?;
        let body = bytes.get(head().len()..).unwrap_or_default();
        let record = |number| {
            let at = self.places.get(number)?;
            let minute = self.unseal(body.get(at * RECORD..(at + 1) * RECORD)?, seal)?;
            (minute.number == *number).then_some(minute)
        };
        Ok(numbers.iter().filter_map(record).collect())
    }

    /// Removes its file.
    pub fn remove(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("{} cannot be removed: {error}", self.path.display());
        }
    }

    /// Whether it has a minute.
    pub fn has(&self, number: u64) -> bool {
        self.places.contains_key(&number)
    }

    /// The numbers of its minutes.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.places.keys().copied()
    }

    /// How many it has.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of its file.
    pub fn bytes(&self) -> u64 {
        (head().len() + self.records * RECORD) as u64
    }

    /// To what a record belongs: in another file it does not open.
    fn place(&self) -> Vec<u8> {
        let schema = SCHEMA.hash().0.to_le_bytes();
        [b"window", &schema[..], &self.number.to_le_bytes()].concat()
    }

    fn unseal(&self, record: &[u8], seal: &Seal) -> Option<Minute> {
        let plain = seal.unseal(&self.place(), record).ok()?;
        let (number, values) = plain.split_first_chunk::<8>()?;
        let values = values.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        Some(Minute { number: u64::from_le_bytes(*number), values })
    }

    /// Replaces the file as a whole.
    fn write(&self, records: &[u8]) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(head().as_bytes())?;
        file.write_all(records)?;
        fs::rename(&new, &self.path)
    }

    /// Keeps the damaged file for who wants to see it: the last one only.
    fn put_aside(&self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_file_name(ASIDE))
    }
}

/// The hour that a file holds; none of another file.
pub fn number(path: &Path) -> Option<u64> {
    let is_one = path.extension().is_some_and(|end| end == END);
    path.file_stem()?.to_str()?.parse().ok().filter(|_| is_one)
}

fn head() -> String {
    format!("fieldward-windows v1 schema {}\n", SCHEMA.hash())
}

const END: &str = "windows";
const ASIDE: &str = "damaged";
/// Bytes of a record.
pub const RECORD: usize = 8 + 4 * WIDTH + ADDED;
