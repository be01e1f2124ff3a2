//! Capture files, from a path, standard input or anything else that can be read.
//!
//! The readers are our own and not libpcap's because they tell the byte where a file is damaged,
//! lend packets out of one buffer of constant size without a copy, and know a link type and a
//! clock for every interface of a pcapng file. Whatever the bytes are: all packets before the
//! damage come out, then one error, then the end.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::path::Path;

use fieldward_shared::time::Timestamp;

use super::classic::Classic;
use super::error::Fault;
use super::input::{Input, Span};
use super::next_generation::{self, NextGeneration};
use super::{CaptureError, Drops, Filter, LinkType, Next, Packet, Source};

/// The largest packet there is in a capture: what libpcap and Wireshark allow, and more than any
/// interface delivers.
pub(super) const LARGEST_PACKET: u32 = 262_144;

/// Packets of a pcap or pcapng file, in the order of the file.
pub struct FileSource {
    name: String,
    size: Option<u64>,
    input: Input,
    format: Format,
    filter: Option<Filter>,
    /// Packets found so far, lent or not.
    packets: u64,
    lent: bool,
    unknown_link: u64,
    first_unknown: u32,
    ended: bool,
}

/// Opens a capture file; `-` is standard input.
pub fn open(path: &Path) -> Result<FileSource, CaptureError> {
    if path.as_os_str() == "-" {
        if io::stdin().is_terminal() {
            return Err(CaptureError::Terminal);
        }
        return FileSource::read("standard input", io::stdin());
    }
    let name = path.display().to_string();
    let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    let (file, metadata) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            return Err(match error.kind() {
                ErrorKind::NotFound => CaptureError::Missing { name },
                ErrorKind::PermissionDenied => CaptureError::Unreadable { name },
                _ => CaptureError::Read { name, at: 0, error },
            });
        }
    };
    if metadata.is_dir() {
        return Err(CaptureError::Directory { name });
    }
    let mut source = FileSource::read(&name, file)?;
    source.size = metadata.is_file().then_some(metadata.len());
    Ok(source)
}

impl FileSource {
    /// Reads a capture from `reader`, which is called `name` in errors.
    pub fn read(name: &str, reader: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        let mut input = Input::new(Box::new(reader));
        let format = Format::detect(name, &mut input)?;
        Ok(Self {
            name: name.to_owned(),
            size: None,
            input,
            format,
            filter: None,
            packets: 0,
            lent: false,
            unknown_link: 0,
            first_unknown: 0,
            ended: false,
        })
    }

    /// Lends only the packets that pass `filter` from now on.
    #[must_use]
    pub fn filtered(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    fn advance(&mut self) -> Result<Option<(Entry, LinkType)>, CaptureError> {
        loop {
            let entry = match &mut self.format {
                Format::Classic(classic) => classic.next(&mut self.input),
                Format::NextGeneration(pcapng) => pcapng.next(&mut self.input),
            };
            let entry = entry.map_err(|fault| fault.of(&self.name, self.input.position(), self.packets))?;
            let Some(entry) = entry else {
                return self.end();
            };
            self.packets = self.packets.saturating_add(1);
            let link = match entry.link {
                Ok(link) => link,
                Err(number) => {
                    if self.unknown_link == 0 {
                        self.first_unknown = number;
                    }
                    self.unknown_link = self.unknown_link.saturating_add(1);
                    continue;
                }
            };
            if let Some(filter) = &self.filter
                && !filter.passes(link, self.input.lend(entry.data))?
            {
                continue;
            }
            self.lent = true;
            return Ok(Some((entry, link)));
        }
    }

    /// A file in which no packet at all could be read is an error rather than a quiet nothing.
    fn end<T>(&self) -> Result<Option<T>, CaptureError> {
        if self.packets > 0 && self.unknown_link == self.packets {
            return Err(CaptureError::UnknownLink { name: self.name.clone(), number: self.first_unknown });
        }
        Ok(None)
    }
}

impl Source for FileSource {
    fn next_packet(&mut self) -> Result<Next<'_>, CaptureError> {
        if self.ended {
            return Ok(Next::End);
        }
        match self.advance() {
            Ok(Some((entry, link))) => Ok(Next::Packet(Packet {
                ts: entry.ts,
                link,
                wire_len: entry.wire_len,
                data: self.input.lend(entry.data),
            })),
            Ok(None) => {
                self.ended = true;
                Ok(Next::End)
            }
            Err(error) => {
                self.ended = true;
                Err(error)
            }
        }
    }

    fn position(&self) -> u64 {
        self.input.position()
    }

    fn size(&self) -> Option<u64> {
        self.size
    }

    fn drops(&mut self) -> Drops {
        Drops { unknown_link: self.unknown_link, ..Drops::default() }
    }
}

/// A packet that a format found; its bytes are still in the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) ts: Timestamp,
    /// The number of the link type where it is unknown.
    pub(super) link: Result<LinkType, u32>,
    pub(super) wire_len: u32,
    pub(super) data: Span,
}

enum Format {
    Classic(Classic),
    NextGeneration(NextGeneration),
}

impl Format {
    fn detect(name: &str, input: &mut Input) -> Result<Self, CaptureError> {
        let read = |error| Fault::Read(error).of(name, 0, 0);
        let whole = input.want(size_of::<u32>()).map_err(read)?;
        if !whole && input.ahead().is_empty() {
            return Err(CaptureError::Empty { name: name.to_owned() });
        }
        if let Some(magic) = input.ahead().first_chunk() {
            if *magic == next_generation::MAGIC {
                return Ok(Self::NextGeneration(NextGeneration::default()));
            }
            if let Some(classic) = Classic::open(*magic, input) {
                return classic.map(Self::Classic).map_err(|fault| fault.of(name, input.position(), 0));
            }
        }
        // Whatever it is, its first bytes tell more than four of them.
        input.want(SHOWN).map_err(read)?;
        Err(not_a_capture(name, input.ahead()))
    }
}

fn not_a_capture(name: &str, first: &[u8]) -> CaptureError {
    let name = name.to_owned();
    let packed = COMPRESSED.iter().find(|(magic, ..)| first.starts_with(magic));
    if let Some(&(_, format, tool)) = packed {
        return CaptureError::Compressed { name, format, tool };
    }
    let shown = first.get(..SHOWN).unwrap_or(first);
    let text = shown.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    let begins = if text {
        format!("the text \"{}\"", shown.escape_ascii())
    } else {
        let bytes: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("the bytes {}", bytes.join(" "))
    };
    CaptureError::NotACapture { name, begins }
}

/// How many of the first bytes an error shows.
const SHOWN: usize = 16;

/// First bytes of compressed files, the name of the format, and what unpacks it.
const COMPRESSED: &[(&[u8], &str, &str)] = &[
    (&[0x1f, 0x8b], "gzip", "zcat"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "zstdcat"),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], "xz", "xzcat"),
    (b"BZh", "bzip2", "bzcat"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4", "lz4cat"),
    (b"PK\x03\x04", "zip", "unzip -p"),
];

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
