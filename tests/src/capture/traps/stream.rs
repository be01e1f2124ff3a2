//! Traps of TCP streams; they carry Modbus unless told otherwise.

use std::net::SocketAddr;

use super::super::Capture;
use super::super::message::modbus::{adu, data, two};
use super::super::message::mqtt;
use super::super::tcp::{CLIENT, SERVER, Side, Tcp};
use super::Trap;
use super::modbus::poll;

/// Every one of them.
pub static TRAPS: &[Trap] = traps![
    tcp_out_of_order,
    tcp_out_of_order_opening,
    tcp_retransmission,
    tcp_retransmission_partial,
    tcp_sequence_wrap,
    tcp_sequence_wrap_out_of_order,
    tcp_overlap_different,
    tcp_lost_between_messages,
    tcp_lost_in_message,
    tcp_lost_then_closed,
    tcp_midstream_request,
    tcp_midstream_reply,
    tcp_midstream_in_message,
    tcp_client_only,
    tcp_server_only,
    tcp_port_reused,
    tcp_port_reused_after_close,
    tcp_keep_alive,
    tcp_data_with_syn,
    tcp_data_with_fin,
    tcp_reset_then_new,
    tcp_half_closed,
    tcp_idle_for_an_hour,
];

/// Requests, or replies, of this many polls behind each other.
fn requests(tids: std::ops::Range<u16>) -> Vec<u8> {
    tids.flat_map(|tid| adu(tid, 1, two(3, tid, 2))).collect()
}

fn replies(tids: std::ops::Range<u16>) -> Vec<u8> {
    tids.flat_map(|tid| adu(tid, 1, data(3, [0, 17, 0, tid as u8]))).collect()
}

/// Counts messages with these ids.
fn count(capture: &mut Capture, tids: impl IntoIterator<Item = u16>) {
    for tid in tids {
        capture.truth.one("modbus");
        capture.truth.list("modbus.tid", [tid]);
        capture.truth.list("modbus.func", [3]);
    }
}

fn tcp_out_of_order(capture: &mut Capture) {
    for order in [[1, 0, 2, 3], [3, 2, 1, 0], [0, 2, 3, 1], [2, 0, 3, 1]] {
        let mut tcp = Tcp::open(capture, 502);
        tcp.shuffled(Side::Client, &requests(0..8), &[12, 31, 60], &order);
        tcp.shuffled(Side::Server, &replies(0..8), &[13, 26, 27], &order).close();
        count(capture, (0..8).chain(0..8));
    }
}

/// The first request overtakes all of the handshake but the SYN.
fn tcp_out_of_order_opening(capture: &mut Capture) {
    let mut tcp = Tcp::midstream(capture, 502);
    let start = tcp.now;
    tcp.handshake();
    tcp.now = start + 200;
    tcp.client(requests(1..2));
    tcp.now = start + 10_000;
    tcp.server(replies(1..2));
    count(tcp.capture, [1, 1]);
    poll(&mut tcp, 2);
    tcp.close();
}

fn tcp_retransmission(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for tid in 1..4 {
        let (request, reply) = (requests(tid..tid + 1), replies(tid..tid + 1));
        tcp.client(&request).repeat(Side::Client, request.len() as u32, &request);
        tcp.server(&reply).repeat(Side::Server, reply.len() as u32, &reply);
        count(tcp.capture, [tid, tid]);
    }
    // Again after the answer, when it is long past.
    let old = requests(1..2);
    tcp.repeat(Side::Client, old.len() as u32 * 3, &old).close();
}

/// Retransmissions that end later, or begin earlier, than what came before.
fn tcp_retransmission_partial(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let bytes = requests(1..4);
    // All 36 bytes are sent; the pieces are seen as 0..20, 12..30, 5..36.
    tcp.lose(Side::Client, &bytes);
    for (start, end) in [(0, 20), (12, 30), (5, 36)] {
        tcp.repeat(Side::Client, (bytes.len() - start) as u32, &bytes[start..end]);
    }
    tcp.server(replies(1..4)).close();
    count(capture, [1, 2, 3, 1, 2, 3]);
}

/// A connection whose sequence numbers pass zero within its first bytes.
fn wrapping(capture: &mut Capture) -> Tcp<'_> {
    let near = 0_u32.wrapping_sub(20);
    let mut tcp = Tcp::midstream(capture, 502).sequence(Side::Client, near).sequence(Side::Server, near);
    tcp.handshake();
    tcp
}

fn tcp_sequence_wrap(capture: &mut Capture) {
    let mut tcp = wrapping(capture);
    (1..6).for_each(|tid| poll(&mut tcp, tid));
    tcp.close();
}

fn tcp_sequence_wrap_out_of_order(capture: &mut Capture) {
    let mut tcp = wrapping(capture);
    tcp.shuffled(Side::Client, &requests(0..4), &[10, 19, 25], &[2, 3, 0, 1]);
    tcp.shuffled(Side::Server, &replies(0..4), &[10, 19, 25], &[3, 2, 1, 0]).close();
    count(capture, (0..4).chain(0..4));
}

/// Bytes that come again and are others: the first ones count, and somebody should be told.
fn tcp_overlap_different(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let [seen, forged] = [1000, 9999].map(|value| adu(1, 1, two(6, 200, value)));
    tcp.client(&seen).repeat(Side::Client, forged.len() as u32, &forged).server(&seen);
    tcp.capture.truth.add("modbus", 2);
    tcp.capture.truth.list("modbus.tid", [1, 1]);
    tcp.capture.truth.list("modbus.func", [6, 6]);
    poll(&mut tcp, 2);
    tcp.close();
    capture.truth.one("tcp.forged");
}

fn tcp_lost_between_messages(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    tcp.client(requests(2..3)).lose(Side::Server, &replies(2..3));
    count(tcp.capture, [2]);
    tcp.wait(2_000_000).lose(Side::Client, &requests(3..4)).server(replies(3..4));
    count(tcp.capture, [3]);
    for tid in 4..8 {
        tcp.wait(1_000_000);
        poll(&mut tcp, tid);
    }
    tcp.close();
    capture.truth.add("tcp.lost", 2);
}

/// The hole begins in one message and ends in another: what is whole behind it is read.
fn tcp_lost_in_message(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    let bytes = requests(2..8);
    // Messages of 12 bytes: the second is cut at its 8th byte, the fourth begins in the hole.
    tcp.client(&bytes[..20]).lose(Side::Client, &bytes[20..41]).client(&bytes[41..]);
    count(tcp.capture, [2, 6, 7]);
    tcp.wait(2_000_000).server(replies(2..8));
    count(tcp.capture, 2..8);
    poll(&mut tcp, 8);
    tcp.close();
    capture.truth.one("modbus.odd");
    capture.truth.one("tcp.lost");
}

/// Nothing comes after the hole but two messages and the end: they must still be read.
fn tcp_lost_then_closed(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    tcp.lose(Side::Client, &requests(2..3)).client(requests(3..5)).server(replies(2..5)).close();
    count(capture, [3, 4, 2, 3, 4]);
    capture.truth.one("tcp.lost");
}

fn tcp_midstream_request(capture: &mut Capture) {
    let mut tcp = Tcp::midstream(capture, 502);
    (1..6).for_each(|tid| poll(&mut tcp, tid));
}

fn tcp_midstream_reply(capture: &mut Capture) {
    let mut tcp = Tcp::midstream(capture, 502);
    tcp.server(replies(1..2));
    count(tcp.capture, [1]);
    (2..6).for_each(|tid| poll(&mut tcp, tid));
    tcp.close();
}

fn tcp_midstream_in_message(capture: &mut Capture) {
    let mut tcp = Tcp::midstream(capture, 502);
    tcp.client(&requests(1..2)[5..]).server(&replies(1..2)[4..]);
    (2..6).for_each(|tid| poll(&mut tcp, tid));
    tcp.close();
}

/// One direction alone, as a tap on one fibre gives it: Modbus, then MQTT.
fn one_side(capture: &mut Capture, hidden: Side) {
    let mut tcp = Tcp::midstream(capture, 502);
    tcp.hidden = Some(hidden);
    tcp.handshake();
    for tid in 1..6 {
        tcp.client(requests(tid..tid + 1)).server(replies(tid..tid + 1));
        count(tcp.capture, [tid]);
    }
    tcp.close();
    let mut tcp = Tcp::midstream(capture, 1883);
    tcp.hidden = Some(hidden);
    tcp.handshake();
    tcp.client(mqtt::connect(mqtt::V311, 2, "pump-7", &[])).server(mqtt::connack(mqtt::V311, 0));
    for id in 1..4 {
        tcp.client(mqtt::publish(mqtt::V311, 2, "plant/a", id, "1")).server(mqtt::acknowledge(4, id));
    }
    tcp.close();
    capture.truth.add("mqtt", 4);
}

fn tcp_client_only(capture: &mut Capture) {
    one_side(capture, Side::Server);
}

fn tcp_server_only(capture: &mut Capture) {
    one_side(capture, Side::Client);
}

/// Between the same two sockets, with other sequence numbers.
fn same_port(capture: &mut Capture, wait: u64, start: u32) -> Tcp<'_> {
    let now = capture.after() + wait;
    let mut tcp = Tcp::new(capture, SocketAddr::new(CLIENT, 50000), SocketAddr::new(SERVER, 502))
        .at(now)
        .sequence(Side::Client, start)
        .sequence(Side::Server, start / 2);
    tcp.handshake();
    tcp
}

/// The first connection breaks off in a message without a word.
fn tcp_port_reused(capture: &mut Capture) {
    let mut first = same_port(capture, 0, 3_000_000_000);
    poll(&mut first, 1);
    first.client(&requests(2..3)[..9]);
    let mut second = same_port(capture, 20_000_000, 1000);
    (3..6).for_each(|tid| poll(&mut second, tid));
    second.close();
    capture.truth.one("modbus.odd");
}

fn tcp_port_reused_after_close(capture: &mut Capture) {
    for round in 0..5_u16 {
        let mut tcp = same_port(capture, 0, 1000 + 700_000_000 * u32::from(round));
        poll(&mut tcp, round);
        tcp.close();
    }
}

/// Probes of one byte before the next (RFC 9293 §3.8.4), which are no data.
fn tcp_keep_alive(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    for tid in 2..5 {
        tcp.wait(45_000_000).repeat(Side::Client, 1, &[0]).ack(Side::Server);
        tcp.wait(45_000_000).repeat(Side::Server, 1, &[0]).ack(Side::Client);
        poll(&mut tcp, tid);
    }
    tcp.close();
}

fn tcp_data_with_syn(capture: &mut Capture) {
    let mut tcp = Tcp::midstream(capture, 502);
    tcp.handshake_with(&requests(1..2)).server(replies(1..2));
    count(tcp.capture, [1, 1]);
    poll(&mut tcp, 2);
    tcp.close();
}

fn tcp_data_with_fin(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    tcp.client(requests(2..3)).last(Side::Server, &replies(2..3)).last(Side::Client, &[]).ack(Side::Server);
    count(capture, [2, 2]);
}

fn tcp_reset_then_new(capture: &mut Capture) {
    for round in 0..3 {
        let mut tcp = same_port(capture, 1_000_000, 5000 * (round + 1));
        poll(&mut tcp, round as u16);
        tcp.reset(Side::Server);
    }
}

/// The client has ended its half; the server still answers.
fn tcp_half_closed(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    tcp.client(requests(1..3)).last(Side::Client, &requests(3..4)).wait(300_000);
    tcp.server(replies(1..4)).last(Side::Server, &[]).ack(Side::Client);
    count(capture, [1, 2, 3, 1, 2, 3]);
}

fn tcp_idle_for_an_hour(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for tid in 1..4 {
        poll(&mut tcp, tid);
        tcp.wait(3_600_000_000);
    }
    tcp.close();
}
