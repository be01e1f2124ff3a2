//! How a DNS message is told from other bytes: for the probe, and to find the next message of a TCP
//! stream after a hole.
//!
//! Whether a message begins at an offset depends only on the bytes from there on, and bytes that
//! come later never change a verdict that was given; so any chunking finds the same beginnings.

use super::message::{HEADER, Header, Message, class_usual, plain_class};
use super::name;
use super::words::{self, class};
use crate::flow::Transport;
use crate::protocol::{Probe, Search, Sender, Verdict};

pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    // NetBIOS names look the same and are something else (RFC 1002).
    if [probe.sport, probe.dport].contains(&137) {
        return Verdict::No;
    }
    match (probe.transport, probe.usual_port) {
        (Transport::Udp, true) => usual_datagram(probe.bytes),
        (Transport::Udp, false) => Message::read(probe.bytes)
            .filter(is_beyond_doubt)
            .map_or(Verdict::No, |message| yes(&message.header)),
        (Transport::Tcp, usual) if probe.start => stream_start(probe.bytes, usual),
        (Transport::Tcp, true) => match search(probe.bytes) {
            Search::At(at) => strict(probe.bytes.get(at..).unwrap_or_default(), Kinds::All),
            Search::Nothing { .. } if probe.bytes.len() < ENOUGH => Verdict::More,
            Search::Nothing { .. } => Verdict::No,
        },
        (Transport::Tcp, false) => strict(probe.bytes, Kinds::Known),
    }
}

/// The first offset where a message begins on good evidence.
pub(super) fn search(bytes: &[u8]) -> Search {
    for at in 0..bytes.len() {
        match strict(bytes.get(at..).unwrap_or_default(), Kinds::All) {
            Verdict::No => {}
            Verdict::More => return Search::Nothing { discard: at },
            Verdict::Yes(_) => return Search::At(at),
        }
    }
    Search::Nothing { discard: bytes.len() }
}

/// Whether a header may be one although something about it is odd: of five marks at most one is
/// missing. Chance gets past this once in many thousands.
pub(super) fn plausible(header: &Header, length: usize) -> bool {
    let marks = [
        words::opcode_known(header.opcode()),
        !header.z(),
        header.rcode() <= 11,
        header.questions <= 16,
        header.least() as usize <= length,
    ];
    marks.iter().filter(|mark| !**mark).count() <= 1
}

/// On the ports of the DNS a readable question is enough, or a plausible header.
fn usual_datagram(bytes: &[u8]) -> Verdict {
    let Some(message) = Message::read(bytes) else { return cut_header(bytes) };
    let header = &message.header;
    let asked = asks_something_usual(&message);
    // The capture may have cut the datagram.
    let cut = header.questions == 1 && header.records() < 256;
    let fits = asked || cut || header.least() as usize <= bytes.len();
    if asked || fits && plausible(header, bytes.len()) { yes(header) } else { Verdict::No }
}

/// Of a datagram that the capture cut within the header: flags that make sense, and one question.
fn cut_header(bytes: &[u8]) -> Verdict {
    let mut start = [0; HEADER];
    start.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    match Header::read(&start) {
        Some(header) if header.questions == 1 && plausible(&header, usize::MAX) => yes(&header),
        _ => Verdict::No,
    }
}

fn asks_something_usual(message: &Message<'_>) -> bool {
    message.header.questions <= 16
        && message.question.is_some_and(|question| {
            words::kind_word(question.kind).is_some() && class_usual(plain_class(question.class, true))
        })
}

/// A whole message without fault or oddity.
fn is_beyond_doubt(message: &Message<'_>) -> bool {
    let header = &message.header;
    let Some(question) = message.question else { return false };
    message.fault.is_none()
        && header.questions == 1
        && question.class == class::IN
        && words::kind_word(question.kind).is_some()
        && !header.z()
        && matches!(header.opcode(), 0 | 4 | 5)
        && (header.is_response() || header.opcode() != 0 || header.answers == 0 && header.rcode() == 0)
}

/// The first bytes of a TCP connection.
fn stream_start(bytes: &[u8], usual: bool) -> Verdict {
    let Some((prefix, body)) = bytes.split_first_chunk::<2>() else { return Verdict::More };
    let length = usize::from(u16::from_be_bytes(*prefix));
    if length < HEADER {
        return Verdict::No;
    }
    if usual {
        let Some(header) = Header::read(body) else { return Verdict::More };
        let body = body.get(..length).unwrap_or(body);
        let plausible = plausible(&header, length);
        let fits = plausible && header.least() as usize <= length;
        return match Message::read(body) {
            Some(message) if fits || asks_something_usual(&message) => yes(&header),
            _ if plausible && body.len() < length.min(ONE_QUESTION) => Verdict::More,
            _ => Verdict::No,
        };
    }
    let verdict = strict(bytes, Kinds::Known);
    match body.get(..length).and_then(Message::read) {
        Some(message) if !is_beyond_doubt(&message) => Verdict::No,
        _ => verdict,
    }
}

/// Which types of record are good evidence: where the port speaks for the DNS also those that no
/// standard names, which tunnels like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kinds {
    All,
    Known,
}

/// Whether a message with its length in front begins here: a plain header, and behind it a question
/// (or, in a response without one, an answer) of a good type and class, all within the length.
fn strict(bytes: &[u8], kinds: Kinds) -> Verdict {
    let Some((prefix, body)) = bytes.split_first_chunk::<2>() else { return Verdict::More };
    let length = usize::from(u16::from_be_bytes(*prefix));
    if length < SHORTEST {
        return Verdict::No;
    }
    let body = body.get(..length).unwrap_or(body);
    let Some(header) = Header::read(body) else { return Verdict::More };
    let unasked = header.questions == 0 && header.is_response() && header.answers > 0;
    if header.z()
        || !matches!(header.opcode(), 0 | 4 | 5)
        || header.rcode() > 10
        || header.least() as usize > length
        || header.questions != 1 && !unasked
    {
        return Verdict::No;
    }
    // An unfinished name asks for more bytes only while there can be more.
    let unread = if body.len() < length { Verdict::More } else { Verdict::No };
    let mut no_name = true;
    let walked = match name::labels(body, HEADER, |_| no_name = false) {
        Ok(walked) => walked,
        Err(name::CUT) => return unread,
        Err(_) => return Verdict::No,
    };
    // Nothing stands in front of the first name that a pointer could lead to.
    let pointed = body.get(walked.end.wrapping_sub(1)) != Some(&0) || walked.astray;
    let Some(&[k0, k1, c0, c1]) = body.get(walked.end..walked.end.wrapping_add(4)) else {
        return if walked.end.wrapping_add(4) > length { Verdict::No } else { unread };
    };
    let kind = words::kind_word(u16::from_be_bytes([k0, k1]));
    // Beyond the root only servers and keys are asked for.
    let rootless = no_name && !matches!(kind, Some("NS" | "SOA" | "DNSKEY" | "DS"));
    let unknown = kind.is_none() && kinds == Kinds::Known;
    if pointed || rootless || unknown || u16::from_be_bytes([c0, c1]) != class::IN {
        return Verdict::No;
    }
    yes(&header)
}

fn yes(header: &Header) -> Verdict {
    Verdict::Yes(if header.is_response() { Sender::Server } else { Sender::Client })
}

/// Header, a root name, type and class.
const SHORTEST: usize = HEADER + 5;
/// Header, the longest name, type and class.
const ONE_QUESTION: usize = HEADER + 259;
/// So many bytes without a beginning are no DNS.
const ENOUGH: usize = 2048;
