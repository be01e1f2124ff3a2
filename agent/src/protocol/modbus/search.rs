//! Tells Modbus/TCP from other bytes: for the probe, and to find the next message when out of step.
//!
//! The evidence of a header alone is thin (two zero bytes and a small length); what convinces is a
//! length that is exactly the function's, sane content, and another header right behind it.

use super::pdu::{self, Length, MOST_LENGTH};
use crate::flow::Direction;
use crate::protocol::{Probe, Sender, Verdict};

/// MBAP header and function (Messaging on TCP/IP, 3.1.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub tid: u16,
    pub protocol: u16,
    pub len: u16,
    pub unit: u8,
    pub func: u8,
}

impl Header {
    #[inline]
    pub(super) const fn of(bytes: &[u8; 8]) -> Self {
        let [t1, t2, p1, p2, l1, l2, unit, func] = *bytes;
        Self {
            tid: u16::from_be_bytes([t1, t2]),
            protocol: u16::from_be_bytes([p1, p2]),
            len: u16::from_be_bytes([l1, l2]),
            unit,
            func,
        }
    }

    /// Bytes from the beginning of the header to the end of the message.
    #[inline]
    pub(super) fn total(&self) -> usize {
        usize::from(self.len).wrapping_add(BEFORE_UNIT)
    }

    /// The length field is one that the standard allows.
    #[inline]
    pub(super) fn is_sized(&self) -> bool {
        (2..=MOST_LENGTH).contains(&usize::from(self.len))
    }
}

/// How well a message fits its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// The length is the function's, and so is the content.
    Exact,
    /// Nothing speaks against it.
    Loose,
    /// It contradicts itself.
    No,
    /// More bytes are needed to tell.
    Unseen,
}

/// How well the message behind a header fits; whether the protocol id is 0 is not asked.
pub(super) fn fit(from: Direction, head: &Header, body: &[u8]) -> Fit {
    if !head.is_sized() || head.func & 0x7f == 0 {
        return Fit::No;
    }
    let whole = body.get(..usize::from(head.len).wrapping_sub(2));
    match pdu::length(from, head.func, whole.unwrap_or(body)) {
        Length::Exactly(length) if length != usize::from(head.len) => Fit::No,
        Length::Exactly(_) => sane(from, head.func, body),
        Length::Unseen(_) if whole.is_some() => Fit::No,
        Length::Unseen(_) => Fit::Unseen,
        Length::Any if head.func >= 0x80 => Fit::No,
        Length::Any => Fit::Loose,
    }
}

fn sane(from: Direction, func: u8, body: &[u8]) -> Fit {
    let word = |at: usize| body.get(at..)?.first_chunk::<2>().map(|word| u16::from_be_bytes(*word));
    let byte = body.first().map(|byte| usize::from(*byte));
    let is_sane = match (func, from) {
        (1..=4 | 23, Direction::ToServer) | (15 | 16, _) => {
            word(2).map(|qty| qty > 0 && qty <= pdu::most(func))
        }
        (5, _) => word(2).map(|value| matches!(value, 0 | 0xff00)),
        (1 | 2, Direction::ToClient) => byte.map(|count| count > 0),
        (3 | 4 | 23, Direction::ToClient) => byte.map(|count| count > 0 && count.is_multiple_of(2)),
        (0x80.., _) => byte.map(|code| (1..=MOST_EXCEPTION).contains(&code)),
        _ => Some(true),
    };
    match is_sane {
        Some(true) => Fit::Exact,
        Some(false) => Fit::No,
        None => Fit::Unseen,
    }
}

/// What of a header is there looks like one.
pub(super) fn may_be_header(bytes: &[u8]) -> bool {
    match bytes {
        [_, _, 0, 0, 0, len, ..] => (2..=MOST_LENGTH).contains(&usize::from(*len)),
        [_, _, head @ ..] => head.iter().take(3).all(|byte| *byte == 0),
        _ => true,
    }
}

/// Whether a message begins where the bytes do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    No,
    Unseen,
    Yes,
}

/// Whether a message begins here, when out of step. `known`: this header is one that the flow makes
/// expect, by its unit or by a request that waits.
pub(super) fn begins(from: Direction, bytes: &[u8], known: impl Fn(&Header) -> bool) -> Begin {
    if !may_be_header(bytes) {
        return Begin::No;
    }
    let Some((head, body)) = bytes.split_first_chunk::<8>() else { return Begin::Unseen };
    let head = Header::of(head);
    let fit = fit(from, &head, body);
    match (fit, bytes.get(head.total()..)) {
        (Fit::No, _) => Begin::No,
        (Fit::Unseen, _) => Begin::Unseen,
        (Fit::Exact, _) if known(&head) => Begin::Yes,
        (_, None) => Begin::Unseen,
        (_, Some(after)) if !may_be_header(after) => Begin::No,
        (Fit::Exact, _) => Begin::Yes,
        (Fit::Loose, Some(after)) if after.is_empty() || after.len() >= BEFORE_UNIT || known(&head) => {
            Begin::Yes
        }
        (Fit::Loose, _) => Begin::Unseen,
    }
}

/// Whether a capture that began in the middle of a flow begins with a message: usually it does, since
/// most segments are whole messages.
pub(super) fn begins_capture(from: Direction, bytes: &[u8]) -> Begin {
    if !may_be_header(bytes) {
        return Begin::No;
    }
    let Some((head, body)) = bytes.split_first_chunk::<8>() else { return Begin::Unseen };
    let head = Header::of(head);
    match fit(from, &head, body) {
        Fit::Exact | Fit::Loose => Begin::Yes,
        Fit::No if head.total() == bytes.len() => Begin::Yes,
        Fit::No => Begin::No,
        Fit::Unseen => Begin::Unseen,
    }
}

/// Looks at the first bytes of a flow.
pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    match (probe.usual_port, probe.start) {
        (true, true) => at_usual_port(probe),
        // On other ports only a segment that begins with a message is worth a look: every unknown
        // flow passes here.
        (false, _) => elsewhere(probe.bytes, 1),
        (true, false) => midstream(probe),
    }
}

/// Port 502: any header that could be one is believed, so that odd functions and lengths are seen too.
fn at_usual_port(probe: &Probe<'_>) -> Verdict {
    let Some((head, body)) = probe.bytes.split_first_chunk::<8>() else {
        return if may_be_header(probe.bytes) { Verdict::More } else { Verdict::No };
    };
    let head = Header::of(head);
    // A wrong protocol id is believed when all else is right and ends where the bytes do.
    let fits = |from| fit(from, &head, body) == Fit::Exact && head.total() == probe.bytes.len();
    if may_be_header(probe.bytes) || fits(Direction::ToServer) || fits(Direction::ToClient) {
        return Verdict::Yes(sender_by_port(probe));
    }
    Verdict::No
}

fn sender_by_port(probe: &Probe<'_>) -> Sender {
    match (super::PORTS.contains(&probe.sport), super::PORTS.contains(&probe.dport)) {
        (false, true) => Sender::Client,
        (true, false) => Sender::Server,
        _ => sender(probe.bytes),
    }
}

/// Who sent a message, by its form.
fn sender(bytes: &[u8]) -> Sender {
    let Some((head, body)) = bytes.split_first_chunk::<8>() else { return Sender::Unknown };
    let head = Header::of(head);
    match (fit(Direction::ToServer, &head, body), fit(Direction::ToClient, &head, body)) {
        (Fit::Exact, Fit::No | Fit::Loose) => Sender::Client,
        (Fit::No | Fit::Loose, Fit::Exact) => Sender::Server,
        _ => Sender::Unknown,
    }
}

/// Other ports: nothing but whole messages of public functions, every one as long as its function
/// has it, up to the last byte; at least `least` of them, two if they are very short.
fn elsewhere(bytes: &[u8], least: usize) -> Verdict {
    let client = chain(Direction::ToServer, bytes);
    let server = chain(Direction::ToClient, bytes);
    let enough = |chain: &Chain| chain.whole >= least && (chain.most >= MOST_THIN || chain.whole > 1);
    match (client.filter(enough), server.filter(enough)) {
        (Some(_), Some(_)) => Verdict::Yes(Sender::Unknown),
        (Some(_), None) => Verdict::Yes(Sender::Client),
        (None, Some(_)) => Verdict::Yes(Sender::Server),
        (None, None) if client.is_some() || server.is_some() => Verdict::More,
        (None, None) => Verdict::No,
    }
}

/// Messages in a row.
#[derive(Clone, Copy, Debug, Default)]
struct Chain {
    whole: usize,
    /// Length of the longest.
    most: usize,
}

/// The messages that the bytes are made of, the last one may be unfinished; `None` when they are
/// anything else.
fn chain(from: Direction, bytes: &[u8]) -> Option<Chain> {
    let mut chain = Chain::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        if !may_be_header(rest) {
            return None;
        }
        let Some((head, body)) = rest.split_first_chunk::<8>() else { break };
        let head = Header::of(head);
        match fit(from, &head, body) {
            Fit::Exact if pdu::is_public(head.func & 0x7f) => {}
            Fit::Unseen => break,
            _ => return None,
        }
        let Some(after) = rest.get(head.total()..) else { break };
        chain.whole = chain.whole.saturating_add(1);
        chain.most = chain.most.max(usize::from(head.len));
        rest = after;
    }
    Some(chain)
}

/// Port 502, and the bytes may begin inside a message.
fn midstream(probe: &Probe<'_>) -> Verdict {
    let begins = |from| begins_capture(from, probe.bytes);
    if begins(Direction::ToServer) == Begin::Yes || begins(Direction::ToClient) == Begin::Yes {
        return Verdict::Yes(sender_by_port(probe));
    }
    for at in 0..probe.bytes.len().min(MOST_SEARCHED) {
        let rest = probe.bytes.get(at..).unwrap_or_default();
        if matches!(elsewhere(rest, 1), Verdict::Yes(_)) {
            return Verdict::Yes(sender_by_port(probe));
        }
    }
    if probe.bytes.len() < MOST_SEARCHED { Verdict::More } else { Verdict::No }
}

/// Bytes of the header that the length field does not count.
pub(super) const BEFORE_UNIT: usize = 6;

/// Highest exception code in use (Application Protocol, 7).
const MOST_EXCEPTION: usize = 11;

/// Messages under this length prove little by themselves.
const MOST_THIN: usize = 5;

/// A message begins within this many bytes, if these are messages.
const MOST_SEARCHED: usize = 520;
