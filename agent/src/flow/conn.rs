//! The `conn` record: the summary of a TCP or UDP flow when it ends.
//!
//! `orig` is the side that opened the connection; where the capture began too late to see that, it
//! is the side that speaks as a client. `ts` is the time of the last packet.

use super::key::{Direction, Transport};
use super::table::Flow;
use crate::protocol::{Context, DECODERS, Fields, Render, Value};

/// What happened for the first time in a flow, in order; one letter each as Zeek writes them,
/// capital for the originator.
#[derive(Clone, Copy, Debug, Default)]
pub struct History {
    seen: u16,
    order: u64,
}

/// The letters of a history.
#[derive(Clone, Copy, Debug)]
pub enum Mark {
    Syn,
    SynAck,
    Ack,
    Data,
    Fin,
    Reset,
    Retransmission,
    Gap,
}

const LETTERS: &[u8; 8] = b"shadfrtg";

impl History {
    /// Notes that `mark` happened in a direction.
    pub const fn note(&mut self, mark: Mark, from: Direction) {
        let code = (mark as u16) << 1 | from as u16;
        let bit = 1_u16 << code;
        if self.seen & bit == 0 {
            self.order |= (code as u64) << (self.seen.count_ones() << 2);
            self.seen |= bit;
        }
    }
}

struct HistoryText {
    history: History,
    orig: Direction,
}

impl Render for HistoryText {
    fn render(&self, out: &mut Vec<u8>) {
        for at in 0..self.history.seen.count_ones() {
            let code = (self.history.order >> (at << 2)) as usize & 15;
            let letter = LETTERS.get(code >> 1).copied().unwrap_or(b'?');
            let by_orig = code & 1 == self.orig as usize;
            out.push(if by_orig { letter.to_ascii_uppercase() } else { letter });
        }
    }
}

/// Emits the record of a flow that ends.
pub fn emit(flow: &Flow, evicted: bool, ctx: &mut Context<'_>) {
    let orig = match flow.handshake.syn || flow.handshake.syn_ack || !flow.swapped {
        true => Direction::ToServer,
        false => Direction::ToClient,
    };
    let (from, to) = (flow.traffic.of(orig), flow.traffic.of(orig.flipped()));
    let history = HistoryText { history: flow.history, orig };
    let mut fields = Fields::new();
    fields.str(
        "transport",
        match flow.info.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        },
    );
    if let Some(protocol) = flow.service.and_then(|at| DECODERS.get(usize::from(at))) {
        fields.str("service", protocol.name);
    }
    fields.str("state", state(flow));
    fields.push("duration", Value::Span(flow.last.since(flow.first)));
    fields.number("orig_pkts", from.packets);
    fields.number("orig_bytes", from.bytes);
    fields.number("resp_pkts", to.packets);
    fields.number("resp_bytes", to.bytes);
    fields.number("orig_payload", from.payload);
    fields.number("resp_payload", to.payload);
    fields.number("missed_bytes", flow.missed);
    fields.number(
        "retransmissions",
        u64::from(from.retransmissions).saturating_add(u64::from(to.retransmissions)),
    );
    if flow.info.transport == Transport::Tcp {
        fields.push("history", Value::Render(&history));
    }
    if evicted {
        fields.bool("evicted", true);
    }
    ctx.emit("conn", orig, &fields, None);
}

fn state(flow: &Flow) -> &'static str {
    let answered = flow.traffic.to_client.packets > 0;
    let asked = flow.traffic.to_server.packets > 0;
    if flow.info.transport == Transport::Udp {
        return if answered && asked { "established" } else { "unanswered" };
    }
    let handshake = flow.handshake;
    let data = flow.traffic.to_client.payload > 0 || flow.traffic.to_server.payload > 0;
    match (handshake.syn || handshake.syn_ack, asked && answered) {
        (false, false) if data => "one-sided",
        (false, _) => "midstream",
        (true, false) if data => "one-sided",
        (true, _) if handshake.reset_by == Some(Direction::ToClient) && !handshake.syn_ack => "refused",
        (true, _) if handshake.reset_by.is_some() && handshake.syn_ack => "reset",
        (true, _) if flow.halves.to_client.fin && flow.halves.to_server.fin => "closed",
        (true, _) if !data && !flow.history.acked_by_client() => "half-open",
        (true, _) => "established",
    }
}

impl History {
    /// The client acknowledged something: the handshake went through.
    const fn acked_by_client(self) -> bool {
        self.seen & 1 << ((Mark::Ack as u16) << 1 | Direction::ToServer as u16) != 0
    }
}
