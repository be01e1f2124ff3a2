//! Traps of Modbus.

use super::super::message::modbus::{adu, data, exception, identification, read_write, rtu, two, write};
use super::super::message::{http, wire};
use super::super::tcp::{Side, Tcp};
use super::super::{Capture, Truth};
use super::Trap;

/// Every one of them.
pub static TRAPS: &[Trap] = traps![
    modbus_every_function,
    modbus_exceptions,
    modbus_coil_value_odd,
    modbus_function_zero,
    modbus_client_sends_exception,
    modbus_function_7d,
    modbus_umas,
    modbus_broadcast,
    modbus_tid_constant,
    modbus_tid_reused,
    modbus_tid_twice_in_flight,
    modbus_pipelined,
    modbus_many_a_segment,
    modbus_header_cut,
    modbus_byte_by_byte,
    modbus_length_0,
    modbus_length_1,
    modbus_length_255,
    modbus_length_65535,
    modbus_protocol_id,
    modbus_byte_count_wrong,
    modbus_quantity_over_limit,
    modbus_device_id_more_follows,
    modbus_diagnostics,
    modbus_file_records,
    modbus_unsolicited_reply,
    modbus_other_port,
    modbus_rtu_over_tcp,
    modbus_502_is_tls,
    modbus_502_is_http,
    modbus_502_is_nfs,
];

/// A request and its reply, both counted.
fn exchange(tcp: &mut Tcp<'_>, tid: u16, request: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
    let functions = [request.as_ref()[0] & 0x7f, reply.as_ref()[0] & 0x7f];
    tcp.client(adu(tid, 1, request)).server(adu(tid, 1, reply));
    let truth: &mut Truth = &mut tcp.capture.truth;
    truth.add("modbus", 2);
    truth.list("modbus.tid", [tid, tid]);
    truth.list("modbus.func", functions);
}

/// An exchange that nothing is wrong with.
pub(super) fn poll(tcp: &mut Tcp<'_>, tid: u16) {
    exchange(tcp, tid, two(3, 100, 2), data(3, [0, 17, 0, 42]));
}

fn modbus_every_function(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let device = [(0, "Acme"), (1, "PLC"), (2, "V2.31")];
    let exchanges = [
        (two(1, 0, 10), data(1, [0xcd, 0x01])),
        (two(2, 0, 10), data(2, [0xac, 0x02])),
        (two(3, 0, 2), data(3, [0, 1, 0, 2])),
        (two(4, 0, 1), data(4, [0, 9])),
        (two(5, 7, 0xff00), two(5, 7, 0xff00)),
        (two(6, 7, 3), two(6, 7, 3)),
        (vec![7], vec![7, 0x6d]),
        (two(8, 0, 0xa537), two(8, 0, 0xa537)),
        (vec![11], two(11, 0, 0x108)),
        (vec![12], data(12, [0, 0, 1, 8, 1, 0x21, 0x20, 0])),
        (write(15, 19, 10, [0xcd, 0x01]), two(15, 19, 10)),
        (write(16, 1, 2, [0, 10, 1, 2]), two(16, 1, 2)),
        (vec![17], data(17, [7, 0xff, b'P', b'L', b'C'])),
        (data(20, [6, 0, 4, 0, 1, 0, 2]), data(20, [5, 6, 0x0d, 0xfe, 0, 0x20])),
        (data(21, [6, 0, 4, 0, 7, 0, 1, 6, 0xaf]), data(21, [6, 0, 4, 0, 7, 0, 1, 6, 0xaf])),
        (wire![22_u8, 4_u16, 0xf2_u16, 0x25_u16], wire![22_u8, 4_u16, 0xf2_u16, 0x25_u16]),
        (read_write((3, 2), 14, [0, 255]), data(23, [0, 254, 10, 205])),
        (wire![24_u8, 0x4de_u16], wire![24_u8, 6_u16, 2_u16, 0x1b8_u16, 0x1284_u16]),
        (vec![43, 14, 1, 0], identification(1, None, &device)),
        (wire![43_u8, 13_u8, [0x40, 0, 0, 1]], wire![43_u8, 13_u8, [0x43, 0, 0, 1]]),
    ];
    for (tid, (request, reply)) in (1..).zip(exchanges) {
        exchange(&mut tcp, tid, request, reply);
    }
    tcp.close();
}

fn modbus_exceptions(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for code in [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 0, 255] {
        exchange(&mut tcp, 100 + u16::from(code), two(3, 0, 1), exception(3, code));
        tcp.capture.truth.list("modbus.exception", [code]);
    }
    tcp.close();
}

fn modbus_coil_value_odd(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    exchange(&mut tcp, 2, two(5, 7, 0x1234), exception(5, 3));
    exchange(&mut tcp, 3, two(5, 7, 1), two(5, 7, 1));
    poll(&mut tcp, 4);
    tcp.close();
    capture.truth.add("modbus.malformed", 3);
}

fn modbus_function_zero(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    exchange(&mut tcp, 2, [0, 0, 1], exception(0, 1));
    poll(&mut tcp, 3);
    tcp.close();
}

fn modbus_client_sends_exception(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    exchange(&mut tcp, 2, [0x83, 2], exception(3, 1));
    exchange(&mut tcp, 3, [0xff, 1, 2, 3], exception(0x7f, 1));
    poll(&mut tcp, 4);
    tcp.close();
}

fn modbus_function_7d(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    exchange(&mut tcp, 1, [0x7d, 0, 1, 2, 3, 4, 5, 6, 7], [0x7d, 0, 1]);
    poll(&mut tcp, 2);
    tcp.close();
}

fn modbus_umas(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    // Session, code, content: read the identity, reserve, stop. Replies say 0xfe for yes.
    exchange(&mut tcp, 1, [0x5a, 0, 2], wire![[0x5a_u8, 0, 0xfe], "Acme M580"]);
    exchange(&mut tcp, 2, wire![[0x5a, 0, 0x10, 0, 0, 0, 0, 4], "eng1"], [0x5a, 0, 0xfe, 0x3c]);
    exchange(&mut tcp, 3, [0x5a, 0x3c, 0x41, 0xff, 0], [0x5a, 0x3c, 0xfe]);
    // Longer than any standard function: the whole of what an ADU can carry.
    exchange(&mut tcp, 4, wire![[0x5a_u8, 0x3c, 0x29], [7; 250]], [0x5a, 0x3c, 0xfe]);
    poll(&mut tcp, 5);
    tcp.close();
}

fn modbus_broadcast(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for tid in 1..4 {
        tcp.client(adu(tid, 0, two(6, 10, tid))).ack(Side::Server);
        tcp.capture.truth.one("modbus");
        tcp.capture.truth.list("modbus.tid", [tid]);
        tcp.capture.truth.list("modbus.func", [6]);
    }
    poll(&mut tcp, 4);
    tcp.close();
}

fn modbus_tid_constant(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    (0..5).for_each(|_| poll(&mut tcp, 0));
    tcp.close();
}

fn modbus_tid_reused(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for tid in [1, 2, 3, 1, 2, 3, 65535, 0, 1] {
        poll(&mut tcp, tid);
    }
    tcp.close();
}

fn modbus_tid_twice_in_flight(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    tcp.client(adu(9, 1, two(3, 0, 1))).client(adu(9, 2, two(3, 0, 2)));
    tcp.server(adu(9, 2, data(3, [0, 2, 0, 2]))).server(adu(9, 1, data(3, [0, 1])));
    tcp.close();
    capture.truth.add("modbus", 4);
    capture.truth.list("modbus.unit", [1, 2, 2, 1]);
}

fn modbus_pipelined(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for tid in 1..6 {
        tcp.client(adu(tid, 1, two(3, tid, 1)));
    }
    // Answered out of order, as they may be.
    for tid in [3, 1, 2, 5, 4] {
        tcp.server(adu(tid, 1, data(3, tid.to_be_bytes())));
    }
    tcp.close();
    capture.truth.add("modbus", 10);
    capture.truth.list("modbus.tid", [1, 2, 3, 4, 5, 3, 1, 2, 5, 4]);
}

fn modbus_many_a_segment(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let requests: Vec<u8> = (0..40).flat_map(|tid| adu(tid, 1, two(3, tid, 100))).collect();
    let replies: Vec<u8> = (0..40).flat_map(|tid| adu(tid, 1, data(3, [tid as u8; 200]))).collect();
    tcp.client(requests).server(replies).close();
    capture.truth.add("modbus", 80);
    capture.truth.list("modbus.tid", (0..40).chain(0..40));
}

/// The segment ends after each byte of the header once, and once after each byte of the request.
fn modbus_header_cut(capture: &mut Capture) {
    for cut in 1..12 {
        let mut tcp = Tcp::open(capture, 502);
        poll(&mut tcp, 1);
        tcp.cut(Side::Client, &adu(2, 1, two(3, 100, 2)), &[cut]);
        tcp.cut(Side::Server, &adu(2, 1, data(3, [0, 17, 0, 42])), &[cut]);
        tcp.capture.truth.add("modbus", 2);
        tcp.capture.truth.list("modbus.tid", [2, 2]);
        tcp.capture.truth.list("modbus.func", [3, 3]);
        poll(&mut tcp, 3);
        tcp.close();
    }
}

fn modbus_byte_by_byte(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let request = [adu(1, 1, two(3, 100, 2)), adu(2, 1, two(6, 1, 1))].concat();
    let reply = [adu(1, 1, data(3, [0, 17, 0, 42])), adu(2, 1, two(6, 1, 1))].concat();
    for (side, bytes) in [(Side::Client, request), (Side::Server, reply)] {
        tcp.cut(side, &bytes, &(1..bytes.len()).collect::<Vec<_>>());
    }
    tcp.close();
    capture.truth.add("modbus", 4);
    capture.truth.list("modbus.tid", [1, 2, 1, 2]);
}

/// A header with a length that cannot be, and `rest` behind it; the next message must be read.
fn length(capture: &mut Capture, length: u16, rest: &[u8]) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    tcp.client(wire![2_u16, 0_u16, length, rest]);
    tcp.capture.truth.one("modbus.odd");
    poll(&mut tcp, 3);
    poll(&mut tcp, 4);
    tcp.close();
}

fn modbus_length_0(capture: &mut Capture) {
    length(capture, 0, &[]);
}

fn modbus_length_1(capture: &mut Capture) {
    length(capture, 1, &[1]);
}

fn modbus_length_255(capture: &mut Capture) {
    length(capture, 255, &wire![[1_u8, 3], [0; 253]]);
}

fn modbus_length_65535(capture: &mut Capture) {
    length(capture, 65535, &wire![1_u8, two(3, 0, 1)]);
}

fn modbus_protocol_id(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    tcp.client(wire![2_u16, 1_u16, 6_u16, 1_u8, two(3, 0, 1)]);
    tcp.capture.truth.one("modbus.odd");
    poll(&mut tcp, 3);
    tcp.close();
}

fn modbus_byte_count_wrong(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    exchange(&mut tcp, 1, two(3, 0, 2), wire![[3_u8, 3], [0, 1, 0, 2]]);
    exchange(&mut tcp, 2, two(3, 0, 2), wire![[3_u8, 200], [0, 1, 0, 2]]);
    exchange(&mut tcp, 3, wire![16_u8, 0_u16, 2_u16, 6_u8, [0, 1, 0, 2]], exception(16, 3));
    exchange(&mut tcp, 4, wire![16_u8, 0_u16, 2_u16, 2_u8, [0, 1]], exception(16, 3));
    poll(&mut tcp, 5);
    tcp.close();
    capture.truth.add("modbus.malformed", 4);
}

fn modbus_quantity_over_limit(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let requests = [
        two(1, 0, 2001),
        two(2, 0, 0),
        two(3, 0, 126),
        two(4, 0, 0xffff),
        write(15, 0, 1969, [0xaa; 247]),
        write(16, 0, 124, [1; 246]),
        read_write((0, 126), 0, [0, 1]),
        // 122 registers to write, of which 121 would be allowed.
        read_write((0, 1), 0, [1; 243]),
    ];
    let count = requests.len() as u64;
    for (tid, request) in (1..).zip(requests) {
        let reply = exception(request[0], 3);
        exchange(&mut tcp, tid, request, reply);
    }
    poll(&mut tcp, 9);
    tcp.close();
    capture.truth.add("modbus.malformed", count);
}

fn modbus_device_id_more_follows(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let long = "x".repeat(200);
    let objects =
        [(0, "Acme Automation"), (1, "PLC-7"), (2, "V2.31"), (3, "http://acme.example"), (4, &long)];
    exchange(&mut tcp, 1, [43, 14, 2, 0], identification(2, Some(3), &objects[..3]));
    exchange(&mut tcp, 2, [43, 14, 2, 3], identification(2, Some(4), &objects[3..4]));
    exchange(&mut tcp, 3, [43, 14, 2, 4], identification(2, None, &objects[4..]));
    exchange(&mut tcp, 4, [43, 14, 4, 1], identification(4, None, &objects[1..2]));
    tcp.close();
}

fn modbus_diagnostics(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for sub in [0, 1, 2, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20] {
        let value = if sub == 3 { 0x0d00 } else { 0 };
        exchange(&mut tcp, sub, two(8, sub, value), two(8, sub, value));
        tcp.capture.truth.list("modbus.sub", [sub, sub]);
    }
    // Listen only: never answered.
    tcp.client(adu(30, 1, two(8, 4, 0))).ack(Side::Server).close();
    capture.truth.one("modbus");
    capture.truth.list("modbus.tid", [30]);
    capture.truth.list("modbus.func", [8]);
    capture.truth.list("modbus.sub", [4]);
}

fn modbus_file_records(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let read = [6, 0, 4, 0, 1, 0, 2, 6, 0, 3, 0, 9, 0, 2];
    exchange(&mut tcp, 1, data(20, read), data(20, [5, 6, 13, 254, 0, 32, 5, 6, 51, 205, 0, 64]));
    let written = [6, 0, 4, 0, 7, 0, 2, 6, 175, 4, 190, 6, 0, 5, 0, 1, 0, 1, 16, 13];
    exchange(&mut tcp, 2, data(21, written), data(21, written));
    tcp.close();
}

fn modbus_unsolicited_reply(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    poll(&mut tcp, 1);
    tcp.server(adu(77, 1, data(3, [0, 1, 0, 2])));
    tcp.capture.truth.one("modbus");
    tcp.capture.truth.list("modbus.tid", [77]);
    tcp.capture.truth.list("modbus.func", [3]);
    poll(&mut tcp, 2);
    tcp.close();
}

fn modbus_other_port(capture: &mut Capture) {
    for port in [1502, 5020, 44818, 20000] {
        let mut tcp = Tcp::open(capture, port);
        (1..6).for_each(|tid| poll(&mut tcp, tid));
        tcp.close();
    }
}

fn modbus_rtu_over_tcp(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for unit in 1..6 {
        tcp.client(rtu(unit, two(3, 100, 2))).server(rtu(unit, data(3, [0, 17, 0, 42])));
        tcp.capture.truth.list("modbus.unit", [unit, unit]);
    }
    tcp.close();
    capture.truth.add("modbus", 10);
}

/// A TLS 1.2 handshake's first flight each way, and encrypted bytes.
fn modbus_502_is_tls(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    let hello = wire![[3_u8, 3], [0x5a; 32], 0_u8, [0_u8, 2, 0xc0, 0x2f], [1, 0], 0_u16];
    let record = |kind: u8, body: &[u8]| wire![[kind, 3, 3], body.len() as u16, body];
    let handshake = |kind: u8, body: &[u8]| record(22, &wire![[kind, 0], body.len() as u16, body]);
    let answer = wire![[3_u8, 3], [0xa5; 32], 0_u8, [0xc0, 0x2f, 0], 0_u16];
    tcp.client(handshake(1, &hello)).server(handshake(2, &answer));
    for fill in [0x00, 0x01, 0x03, 0xff] {
        tcp.client(record(23, &[fill; 64])).server(record(23, &[fill; 300]));
    }
    tcp.close();
}

fn modbus_502_is_http(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    tcp.client(http::request("GET", "/", "")).server(http::sized(200, [0; 600])).close();
    capture.truth.add("http", 2);
}

/// ONC RPC over TCP: a record mark, an id, zeroes and small numbers, much as a Modbus header.
fn modbus_502_is_nfs(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 502);
    for id in 0x0001_0000..0x0001_0008_u32 {
        let call = wire![id, 0_u32, 2_u32, 100_003_u32, 3_u32, 0_u32, [0; 16]];
        let reply = wire![id, 1_u32, 0_u32, [0; 16]];
        tcp.client(wire![0x8000_0000 | call.len() as u32, call]);
        tcp.server(wire![0x8000_0000 | reply.len() as u32, reply]);
    }
    tcp.close();
}
