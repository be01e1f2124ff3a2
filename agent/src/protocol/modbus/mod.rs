//! Modbus/TCP: the MBAP framing, and events with requests and responses paired.
//!
//! Every message whose length is believable becomes one event, whatever is wrong with its content.
//! A length is believed until the bytes prove it wrong; then the next header is searched for.
//! Addresses count from 0.
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub(super) mod exchange;
pub(super) mod list;
pub(super) mod pdu;
pub(super) mod pending;
pub(super) mod request;
pub(super) mod response;
mod sample;
mod search;
#[cfg(test)]
mod tests;

use exchange::{Extent, exchange, kind};
use list::List;
use pdu::{Length, UMAS};
use pending::{Key, Pending};
use search::{BEFORE_UNIT, Begin, Fit, Header};

use super::{Context, Decoder, Fields, Progress, Protocol, Resume, Search, Then};
use crate::flow::{Both, Direction, Transport};

/// What the registry knows of Modbus/TCP.
pub const PROTOCOL: Protocol = Protocol {
    name: NAME,
    events: &["modbus"],
    transports: &[Transport::Tcp],
    ports: PORTS,
    probe: search::probe,
    decoder: || Box::new(Modbus::default()),
    most_held: 4096,
    sample: sample::conversation,
};

/// The name in events, whatever the framing.
pub(super) const NAME: &str = "modbus";

pub(super) use sample::EXCHANGES;

const PORTS: &[u16] = &[502];

/// One flow.
#[derive(Debug, Default)]
struct Modbus {
    pending: Pending,
    /// Units that messages named, one bit each.
    units: [u64; 4],
    /// A message was seen.
    seen: Both<bool>,
    /// The first bytes of a direction were judged.
    searched: Both<bool>,
}

impl Decoder for Modbus {
    fn data(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Progress {
        let mut used = 0_usize;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let step = match rest.split_first_chunk::<8>() {
                Some((head, body)) => self.step(from, Header::of(head), rest, body, ctx),
                None => self.beginning(from, rest, ctx),
            };
            match step {
                Step::Read(bytes) => used = used.saturating_add(bytes),
                Step::Stop(bytes, then) => {
                    return Progress { used: used.saturating_add(bytes) as u64, then };
                }
            }
        }
    }

    fn gap(&mut self, from: Direction, held: &[u8], missing: u64, ctx: &mut Context<'_>) -> Resume {
        if from == Direction::ToClient {
            self.pending.doubt();
        }
        let &[_, _, 0, 0, l1, l2, ..] = held else { return Resume::Search };
        let total = usize::from(u16::from_be_bytes([l1, l2])).saturating_add(BEFORE_UNIT);
        let left = total.saturating_sub(held.len()) as u64;
        if missing > left || !(8..=MOST_BELIEVED).contains(&total) {
            return Resume::Search;
        }
        self.unfinished(from, held, "cut by a capture loss", ctx);
        Resume::After(left.saturating_sub(missing))
    }

    fn resync(&mut self, from: Direction, bytes: &[u8], _: &mut Context<'_>) -> Search {
        if !*self.seen.of(from) && !*self.searched.of(from) {
            match search::begins_capture(from, bytes) {
                Begin::Yes => return Search::At(0),
                Begin::Unseen => return Search::Nothing { discard: 0 },
                Begin::No => *self.searched.of_mut(from) = true,
            }
        }
        let mut unseen = None;
        for at in 0..bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            match search::begins(from, rest, |head| self.expects(from, head)) {
                Begin::Yes => return Search::At(at),
                Begin::Unseen => unseen = unseen.or(Some(at)),
                Begin::No => {}
            }
        }
        Search::Nothing { discard: unseen.unwrap_or(bytes.len()) }
    }

    fn end(&mut self, from: Direction, held: &[u8], ctx: &mut Context<'_>) {
        if search::may_be_header(held) {
            self.unfinished(from, held, "ends before its length", ctx);
        }
    }

    fn reset(&mut self) {
        self.pending.clear();
        self.units = [0; 4];
        self.seen = Both::default();
        self.searched = Both::default();
    }
}

/// What became of the first of the bytes.
enum Step {
    /// So many are done with; go on behind them.
    Read(usize),
    /// So many are done with; stop there.
    Stop(usize, Then),
}

impl Modbus {
    /// One message, nearly always plain and whole.
    #[inline]
    fn step(
        &mut self,
        from: Direction,
        head: Header,
        rest: &[u8],
        body: &[u8],
        ctx: &mut Context<'_>,
    ) -> Step {
        if head.protocol != 0 || !head.is_sized() {
            return self.unusual(from, head, rest, ctx);
        }
        let len = usize::from(head.len);
        let Some(body) = body.get(..len.wrapping_sub(2)) else {
            return self.incomplete(from, head, rest, body, ctx);
        };
        match pdu::length(from, head.func, body) {
            Length::Exactly(length) if length == len => {}
            Length::Any => {}
            _ => return self.misfit(from, head, rest, body, ctx),
        }
        self.message(from, head, body, None, Extent::Whole, ctx);
        Step::Read(head.total())
    }

    /// Not even a header and a function.
    fn beginning(&mut self, from: Direction, rest: &[u8], ctx: &mut Context<'_>) -> Step {
        let &[t1, t2, p1, p2, l1, l2, ref after @ ..] = rest else {
            return Step::Stop(0, Then::More(BEFORE_UNIT));
        };
        let head = Header::of(&[t1, t2, p1, p2, l1, l2, after.first().copied().unwrap_or(0), 0]);
        if head.len >= 2 || head.protocol != 0 || after.len() < usize::from(head.len) {
            return Step::Stop(0, Then::More(head.total().clamp(7, 8)));
        }
        self.unusual(from, head, rest, ctx)
    }

    /// A header that the standard does not know.
    #[cold]
    fn unusual(&mut self, from: Direction, head: Header, rest: &[u8], ctx: &mut Context<'_>) -> Step {
        let lost = if self.seen == Both::default() { Then::Leave } else { Then::Search };
        let body = rest.get(8..).unwrap_or_default();
        let (fits, reason) = if head.protocol != 0 {
            (search::fit(from, &head, body), Some("protocol id is not 0"))
        } else if head.len < 2 {
            if lost == Then::Search {
                self.stub(from, head, ctx);
            }
            return Step::Stop(BEFORE_UNIT, lost);
        } else {
            // UMAS agrees on frames of 1 KiB and more.
            (oversized(from, &head, body), (head.func != UMAS).then_some(OVERSIZED))
        };
        match (fits, rest.get(8..head.total())) {
            (Fit::Exact, Some(body)) => {
                self.message(from, head, body, reason, Extent::Whole, ctx);
                Step::Read(head.total())
            }
            (Fit::Exact, None) => Step::Stop(0, Then::More(head.total())),
            (Fit::Unseen, _) => Step::Stop(0, Then::More(rest.len().saturating_add(1))),
            _ if head.protocol == 0 && lost == Then::Search => {
                self.message(from, head, &[], reason, Extent::Cut, ctx);
                Step::Stop(8, lost)
            }
            _ => Step::Stop(0, lost),
        }
    }

    /// A message of which more must come.
    fn incomplete(
        &mut self,
        from: Direction,
        head: Header,
        rest: &[u8],
        body: &[u8],
        ctx: &mut Context<'_>,
    ) -> Step {
        match pdu::length(from, head.func, body) {
            Length::Exactly(length) if length < usize::from(head.len) => {
                self.misfit(from, head, rest, body, ctx)
            }
            _ => Step::Stop(0, Then::More(head.total())),
        }
    }

    /// The length field says more than the function, or less. If the function is right, another
    /// header stands where it ends; otherwise the length field is believed.
    #[cold]
    fn misfit(
        &mut self,
        from: Direction,
        head: Header,
        rest: &[u8],
        body: &[u8],
        ctx: &mut Context<'_>,
    ) -> Step {
        const REASON: Option<&str> = Some("length field does not fit the function");
        let total = head.total();
        if let Length::Exactly(length) = pdu::length(from, head.func, body) {
            let end = length.saturating_add(BEFORE_UNIT);
            let next_end = end.saturating_add(8);
            if next_end <= total {
                let Some(next) = rest.get(end..next_end) else {
                    return Step::Stop(0, Then::More(next_end));
                };
                let own = rest.get(8..end).unwrap_or_default();
                if search::may_be_header(next) && next.get(6) == Some(&head.unit) {
                    self.message(from, head, own, REASON, Extent::Whole, ctx);
                    return Step::Read(end);
                }
            }
        }
        let Some(body) = rest.get(8..total) else { return Step::Stop(0, Then::More(total)) };
        self.message(from, head, body, REASON, Extent::Whole, ctx);
        Step::Read(total)
    }

    /// A message that names no function.
    fn stub(&mut self, from: Direction, head: Header, ctx: &mut Context<'_>) {
        let mut fields = Fields::new();
        fields.str("kind", kind(from));
        fields.number("tid", head.tid);
        if head.len == 1 {
            fields.number("unit", head.unit);
        }
        fields.number("len", head.len);
        ctx.emit(NAME, from, &fields, Some("length field under 2"));
    }

    /// A message of which no more will come; it counts if unit and function are there.
    fn unfinished(&mut self, from: Direction, held: &[u8], reason: &'static str, ctx: &mut Context<'_>) {
        if let Some((head, body)) = held.split_first_chunk::<8>() {
            self.message(from, Header::of(head), body, Some(reason), Extent::Cut, ctx);
        }
    }

    #[inline]
    fn message(
        &mut self,
        from: Direction,
        head: Header,
        body: &[u8],
        reason: Option<&'static str>,
        extent: Extent,
        ctx: &mut Context<'_>,
    ) {
        *self.seen.of_mut(from) = true;
        if let Some(units) = self.units.get_mut(usize::from(head.unit >> 6)) {
            *units |= 1 << (head.unit & 63);
        }
        let list = List { from, func: head.func, body };
        let key = Key { tid: head.tid, unit: head.unit, func: head.func & 0x7f };
        let mut fields = Fields::new();
        fields.str("kind", kind(from));
        fields.number("tid", head.tid);
        fields.number("unit", head.unit);
        fields.number("len", head.len);
        let wrong = exchange(&mut self.pending, &mut fields, &list, key, ctx.ts, extent);
        ctx.emit(NAME, from, &fields, reason.or(wrong));
    }

    /// A header such as this one was to be expected.
    fn expects(&self, from: Direction, head: &Header) -> bool {
        let key = Key { tid: head.tid, unit: head.unit, func: head.func & 0x7f };
        let units = self.units.get(usize::from(head.unit >> 6)).copied().unwrap_or_default();
        units >> (head.unit & 63) & 1 == 1 || from == Direction::ToClient && self.pending.waits(key)
    }
}

/// A length over the standard's is believed if the function says the same, or says nothing.
fn oversized(from: Direction, head: &Header, body: &[u8]) -> Fit {
    match pdu::length(from, head.func, body) {
        _ if head.total() > MOST_BELIEVED => Fit::No,
        Length::Any => Fit::Exact,
        Length::Exactly(length) if length == usize::from(head.len) => Fit::Exact,
        Length::Exactly(_) => Fit::No,
        Length::Unseen(_) => Fit::Unseen,
    }
}

/// The longest message that is waited for.
const MOST_BELIEVED: usize = 2048;

const OVERSIZED: &str = "length field over 254";
