//! A DNS message (RFC 1035, section 4): header, questions, three sections of records.
//!
//! One pass checks everything and makes no text. A fault that leaves the structure whole (a record
//! whose data do not fit its type) is noted and reading goes on; one that does not ends it. What was
//! readable until then is still told.

use super::record::{self, Record};
use super::words::{self, class, kind};
use super::{Fault, name, options};
use crate::bytes::Reader;

/// Bytes of the header.
pub(super) const HEADER: usize = 12;

/// The header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub id: u16,
    pub flags: u16,
    pub questions: u16,
    pub answers: u16,
    pub authorities: u16,
    pub additionals: u16,
}

impl Header {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            id: reader.u16()?,
            flags: reader.u16()?,
            questions: reader.u16()?,
            answers: reader.u16()?,
            authorities: reader.u16()?,
            additionals: reader.u16()?,
        })
    }

    pub(super) const fn is_response(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    pub(super) const fn opcode(&self) -> u8 {
        (self.flags >> 11 & 15) as u8
    }

    pub(super) const fn rcode(&self) -> u16 {
        self.flags & 15
    }

    /// The bit that must be zero (RFC 1035, section 4.1.1).
    pub(super) const fn z(&self) -> bool {
        self.flags & 0x0040 != 0
    }

    /// Records of all three sections.
    pub(super) fn records(&self) -> u32 {
        [self.answers, self.authorities, self.additionals].map(u32::from).iter().sum()
    }

    /// The fewest bytes that a message with so many questions and records can have.
    pub(super) fn least(&self) -> u32 {
        let questions = u32::from(self.questions).saturating_mul(5);
        self.records().saturating_mul(11).saturating_add(questions).saturating_add(HEADER as u32)
    }
}

/// The first question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    pub kind: u16,
    pub class: u16,
    /// Offset behind it; its name begins behind the header.
    pub end: usize,
}

/// What the OPT pseudo-record says besides its options (RFC 6891, section 6.1.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Edns {
    pub udp_size: u16,
    /// Upper eight bits of the response code.
    pub rcode: u8,
    pub version: u8,
    /// The sender wants DNSSEC records.
    pub dnssec: bool,
}

/// A message as far as it could be read.
#[derive(Debug)]
pub(super) struct Message<'m> {
    pub bytes: &'m [u8],
    pub header: Header,
    pub question: Option<Question>,
    /// How many questions were readable.
    pub questions: u16,
    /// Where the answers begin.
    pub answers_at: usize,
    /// How many answers were readable.
    pub answers: u16,
    pub edns: Option<Edns>,
    /// The first thing that was wrong.
    pub fault: Option<Fault>,
}

impl<'m> Message<'m> {
    /// Reads a message; `None` if even the header is not whole.
    pub(super) fn read(bytes: &'m [u8]) -> Option<Self> {
        let header = Header::read(bytes)?;
        let mut message = Message {
            bytes,
            header,
            question: None,
            questions: 0,
            answers_at: HEADER,
            answers: 0,
            edns: None,
            fault: None,
        };
        if !words::opcode_known(header.opcode()) {
            message.note("an operation code that has no meaning");
        }
        if let Err(fault) = message.read_sections() {
            message.note(fault);
        }
        Some(message)
    }

    /// A number for the first question that does not depend on the case of its letters.
    pub(super) fn question_hash(&self) -> Option<u32> {
        let question = self.question?;
        let name = self.bytes.get(HEADER..question.end.saturating_sub(4))?;
        let seed = u64::from(question.kind) << 16 | u64::from(question.class);
        Some(fold(name, seed))
    }

    fn note(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
    }

    fn read_sections(&mut self) -> Result<(), Fault> {
        let mut at = HEADER;
        for _ in 0..self.header.questions {
            at = self.read_question(at)?;
        }
        self.answers_at = at;
        for _ in 0..self.header.answers {
            at = self.read_record(at)?.end;
            self.answers = self.answers.wrapping_add(1);
        }
        for _ in 0..self.header.authorities {
            at = self.read_record(at)?.end;
        }
        for _ in 0..self.header.additionals {
            let record = self.read_record(at)?;
            if record.kind == kind::OPT {
                self.read_edns(at, &record);
            }
            at = record.end;
        }
        let rest = self.bytes.get(at..).unwrap_or_default();
        if !rest.is_empty() && !options::are_dso(&self.header, rest) {
            self.note("bytes left over behind the last record");
        }
        Ok(())
    }

    fn read_question(&mut self, at: usize) -> Result<usize, Fault> {
        if at == self.bytes.len() {
            return Err(FEWER);
        }
        let walked = name::labels(self.bytes, at, |_| ())?;
        let fields = walked.end.wrapping_add(4);
        let &[k0, k1, c0, c1] =
            self.bytes.get(walked.end..fields).ok_or("a question that runs past the end")?
        else {
            return Err("a question that runs past the end");
        };
        if walked.astray {
            self.note(record::ASTRAY);
        }
        if self.question.is_none() {
            let (kind, class) = (u16::from_be_bytes([k0, k1]), u16::from_be_bytes([c0, c1]));
            self.question = Some(Question { kind, class, end: fields });
        }
        self.questions = self.questions.wrapping_add(1);
        Ok(fields)
    }

    #[inline]
    fn read_record(&mut self, at: usize) -> Result<Record, Fault> {
        if at == self.bytes.len() {
            return Err(FEWER);
        }
        let record = Record::read(self.bytes, at)?;
        if record.astray {
            self.note(record::ASTRAY);
        }
        if let Err(fault) = record.check(self.bytes) {
            self.note(fault);
        }
        Ok(record)
    }

    fn read_edns(&mut self, at: usize, record: &Record) {
        if self.bytes.get(at) != Some(&0) {
            self.note("an OPT record that has a name");
        }
        if self.edns.is_some() {
            return self.note("more than one OPT record");
        }
        let [rcode, version, flags, _] = record.ttl.to_be_bytes();
        self.edns = Some(Edns { udp_size: record.class, rcode, version, dnssec: flags & 0x80 != 0 });
    }
}

/// The class without the bit that multicast DNS keeps for itself (RFC 6762, sections 5.4 and 10.2).
pub(super) const fn plain_class(class: u16, mdns: bool) -> u16 {
    if mdns { class & 0x7fff } else { class }
}

/// Whether a class is one that messages of today carry.
pub(super) const fn class_usual(class: u16) -> bool {
    matches!(class, class::IN | class::CHAOS | class::NONE | class::ANY)
}

/// Mixes `name` into `seed`, taking letters of both cases for the same; 8 bytes a step because every
/// message of every flow comes through here.
fn fold(name: &[u8], seed: u64) -> u32 {
    const SAME_CASE: u64 = 0x2020_2020_2020_2020;
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let (words, tail) = name.as_chunks::<8>();
    let mut hash = mix(seed, name.len() as u64);
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word) | SAME_CASE);
    }
    let last = tail.iter().fold(0, |last: u64, byte| last << 8 | u64::from(byte | 0x20));
    (mix(hash, last) >> 32) as u32
}

const FEWER: Fault = "fewer records than the header promises";
