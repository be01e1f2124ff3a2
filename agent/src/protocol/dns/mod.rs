//! DNS over UDP and TCP, multicast DNS and LLMNR: RFC 1035 and what followed, RFC 6762, RFC 4795.
//!
//! One event per message, with the first question in `qname` and `qtype` and the answers as rows.
//! `aa`, `tc`, `rd` and `ra` are the bits of those places; LLMNR calls two of them conflict and
//! tentative. The numbers of authorities and additionals are those that the header promises.
//! Everything is checked in one pass when the message comes; text is made when it is read.

#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod beginning;
mod data;
mod location;
mod message;
mod name;
mod options;
mod pairing;
mod record;
mod sample;
mod service;
#[cfg(test)]
mod tests;
mod text;
mod words;

use super::{Context, Decoder, Fields, Progress, Protocol, Resume, Search, Then, Value};
use crate::flow::{Direction, FlowInfo, Transport};
use message::{HEADER, Header, Message, plain_class};
use name::Name;
use pairing::{Answer, Pending};
use record::{Answers, Questions};
use words::{Numbered, class};

/// What is wrong with a message.
type Fault = &'static str;

/// DNS, multicast DNS, LLMNR.
pub const PROTOCOL: Protocol = Protocol {
    name: NAME,
    events: &["dns"],
    transports: &[Transport::Tcp, Transport::Udp],
    ports: &[53, MDNS, LLMNR],
    probe: beginning::probe,
    decoder: || Box::new(Dns::default()),
    most_held: PREFIX + u16::MAX as usize,
    sample: sample::conversation,
};

const NAME: &str = "dns";
const MDNS: u16 = 5353;
const LLMNR: u16 = 5355;
/// Bytes of the length in front of a message on TCP (RFC 1035, section 4.2.2).
const PREFIX: usize = 2;

/// One flow.
#[derive(Debug, Default)]
struct Dns {
    pending: Pending,
}

impl Decoder for Dns {
    fn data(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) -> Progress {
        let mut rest = bytes;
        let then = loop {
            let Some((prefix, body)) = rest.split_first_chunk::<PREFIX>() else { break Then::More(PREFIX) };
            let length = usize::from(u16::from_be_bytes(*prefix));
            // Where the header shows that this is no message, the length is not to be trusted.
            let head = length.min(HEADER);
            let Some(start) = body.get(..head) else { break Then::More(PREFIX.saturating_add(head)) };
            if !Header::read(start).is_some_and(|header| beginning::plausible(&header, length)) {
                self.fragment(from, start, "bytes that are no DNS message", ctx);
                break Then::Search;
            }
            let Some((message, behind)) = body.split_at_checked(length) else {
                break Then::More(PREFIX.saturating_add(length));
            };
            self.message(from, message, ctx);
            rest = behind;
        };
        Progress { used: bytes.len().saturating_sub(rest.len()) as u64, then }
    }

    fn datagram(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) {
        self.message(from, bytes, ctx);
    }

    fn gap(&mut self, _: Direction, held: &[u8], missing: u64, _: &mut Context<'_>) -> Resume {
        let Some((prefix, body)) = held.split_first_chunk::<PREFIX>() else { return Resume::Search };
        let unread = u64::from(u16::from_be_bytes(*prefix)).saturating_sub(body.len() as u64);
        unread.checked_sub(missing).map_or(Resume::Search, Resume::After)
    }

    fn resync(&mut self, _: Direction, bytes: &[u8], _: &mut Context<'_>) -> Search {
        beginning::search(bytes)
    }

    fn reset(&mut self) {
        self.pending.reset();
    }
}

impl Dns {
    fn message(&mut self, from: Direction, bytes: &[u8], ctx: &mut Context<'_>) {
        let Some(message) = Message::read(bytes) else {
            return self.fragment(from, bytes, "a message shorter than its header", ctx);
        };
        let transport = transport(ctx.flow);
        let header = &message.header;
        let mdns = transport == "mdns";
        let numbers = message.question.map(|question| {
            let class = plain_class(question.class, mdns);
            (Name::owner(bytes, HEADER), Numbered::kind(question.kind), class, Numbered::class(class))
        });
        let questions = Questions { message: &message, mdns };
        let answers = Answers { message: &message, mdns };

        let mut fields = Fields::new();
        fields.str("transport", transport);
        fields.number("id", header.id);
        fields.str("kind", kind(header.flags));
        fields.number("opcode", header.opcode());
        if let Some((name, kind, class, class_word)) = &numbers {
            fields.push("qname", Value::Render(name));
            fields.push("qtype", kind.value());
            if *class != class::IN {
                fields.push("qclass", class_word.value());
            }
        }
        if message.questions > 1 {
            fields.push("questions", Value::Rows(&questions));
        }
        codes(&mut fields, &message);
        if header.is_response() || message.answers > 0 {
            fields.push("answers", Value::Rows(&answers));
        }
        fields.number("authorities", header.authorities);
        fields.number("additionals", header.additionals);
        if let Some(edns) = message.edns {
            fields.number("edns_version", edns.version);
            fields.number("edns_udp_size", edns.udp_size);
            fields.bool("edns_do", edns.dnssec);
        }
        // What goes to everybody may be answered by anybody, from another address.
        if !matches!(transport, "mdns" | "llmnr") {
            self.pair(from, &message, &mut fields, ctx);
        }
        ctx.emit(NAME, from, &fields, message.fault);
    }

    fn pair(&mut self, from: Direction, message: &Message<'_>, fields: &mut Fields<'_>, ctx: &Context<'_>) {
        let (id, question) = (message.header.id, message.question_hash());
        if !message.header.is_response() {
            if self.pending.ask(from, id, question, ctx.ts) {
                fields.bool("retransmission", true);
            }
            return;
        }
        let answer = self.pending.answer(from, id, question, ctx.ts);
        // On TCP one answer may take many messages: a zone transfer (RFC 5936, section 2.2).
        if answer == Answer::Again && ctx.flow.transport == Transport::Udp {
            fields.bool("retransmission", true);
        }
        fields.bool("matched", answer != Answer::Unasked);
        if let Answer::First(rtt) = answer {
            fields.push("rtt", Value::Span(rtt));
        }
    }

    /// What can be said of bytes that are not even a header, or none that makes sense.
    fn fragment(&self, from: Direction, bytes: &[u8], fault: Fault, ctx: &mut Context<'_>) {
        let Some(&[i0, i1, f0, f1]) = bytes.get(..4) else { return };
        let flags = u16::from_be_bytes([f0, f1]);
        let mut fields = Fields::new();
        fields.str("transport", transport(ctx.flow));
        fields.number("id", u16::from_be_bytes([i0, i1]));
        fields.str("kind", kind(flags));
        if flags & 0x8000 != 0 {
            fields.number("rcode", flags & 15);
        }
        ctx.emit(NAME, from, &fields, Some(fault));
    }
}

const fn transport(flow: &FlowInfo) -> &'static str {
    match (flow.client.port, flow.server.port, flow.transport) {
        (MDNS, _, _) | (_, MDNS, _) => "mdns",
        (LLMNR, _, _) | (_, LLMNR, _) => "llmnr",
        (_, _, Transport::Udp) => "udp",
        (_, _, Transport::Tcp) => "tcp",
    }
}

const fn kind(flags: u16) -> &'static str {
    if flags & 0x8000 == 0 { "query" } else { "response" }
}

/// Response codes and flags.
fn codes(fields: &mut Fields<'_>, message: &Message<'_>) {
    let header = &message.header;
    let extended = message.edns.map_or(0, |edns| u16::from(edns.rcode) << 4) | header.rcode();
    if header.is_response() || header.rcode() != 0 {
        fields.number("rcode", header.rcode());
        fields.str("rcode_name", words::rcode(extended));
        if extended != header.rcode() {
            fields.number("rcode_extended", extended);
        }
    }
    for (name, bit) in [("aa", 0x0400), ("tc", 0x0200), ("rd", 0x0100), ("ra", 0x0080)] {
        fields.bool(name, header.flags & bit != 0);
    }
    for (name, bit) in [("ad", 0x0020), ("cd", 0x0010), ("z", 0x0040)] {
        if header.flags & bit != 0 {
            fields.bool(name, true);
        }
    }
}
