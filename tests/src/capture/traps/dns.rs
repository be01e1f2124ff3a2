//! Traps of DNS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::super::message::dns::{
    QUERY, REPLY, edns, framed, message, name, pointer, query, question, record, reply,
};
use super::super::message::wire;
use super::super::tcp::{CLIENT, SERVER, Side, Tcp};
use super::super::{Capture, Rng};
use super::Trap;

/// Every one of them.
pub static TRAPS: &[Trap] = traps![
    dns_compression_loop,
    dns_forward_pointer,
    dns_pointer_outside,
    dns_label_over_63,
    dns_name_over_255,
    dns_not_utf8,
    dns_counts_lie,
    dns_edns,
    dns_dnssec,
    dns_every_type,
    dns_reply_only,
    dns_id_reused,
    dns_mixed_case,
    dns_tunnel,
    dns_mdns,
    dns_llmnr,
    dns_update_and_notify,
    dns_other_port,
    dns_tcp,
    dns_tcp_prefix_cut,
    dns_tcp_many_a_segment,
    dns_tcp_hole,
];

/// A client port that has not been used.
fn sockets(capture: &mut Capture, port: u16) -> (SocketAddr, SocketAddr) {
    (SocketAddr::new(CLIENT, capture.next_port()), SocketAddr::new(SERVER, port))
}

/// A query and its reply, counted.
fn ask(capture: &mut Capture, query: impl AsRef<[u8]>, reply: impl AsRef<[u8]>) {
    let (client, server) = sockets(capture, 53);
    let now = capture.after();
    capture.udp(now, client, server, query.as_ref());
    capture.udp(now + 900, server, client, reply.as_ref());
    capture.truth.add("dns", 2);
}

/// One that nothing is wrong with.
pub(super) fn lookup(capture: &mut Capture, id: u16) {
    ask(capture, query(id, "plc.example", 1), reply(id, "plc.example", 1, &[&[10, 0, 0, 7]]));
}

/// A reply whose answer is owned by `owner`, which is wrong.
fn wrong_owner(capture: &mut Capture, owner: &[u8]) {
    let sections = wire![question(name("plc.example"), 1), record(owner, 1, 60, [10, 0, 0, 7])];
    ask(capture, query(1, "plc.example", 1), message(1, REPLY, [1, 1, 0, 0], sections));
    capture.truth.one("dns.malformed");
    lookup(capture, 2);
    capture.truth.list("dns.id", [1, 1, 2, 2]);
}

fn dns_compression_loop(capture: &mut Capture) {
    // The answer begins behind the header and a question of 17 bytes.
    wrong_owner(capture, &pointer(29));
    wrong_owner(capture, &wire![1_u8, "a", pointer(29)]);
    // Two questions that point at each other, and one that points at itself.
    for sections in
        [wire![pointer(18), 1_u16, 1_u16, pointer(12), 1_u16, 1_u16], wire![pointer(12), 1_u16, 1_u16]]
    {
        let count = sections.len() as u16 / 6;
        ask(capture, query(3, "plc.example", 1), message(3, REPLY, [count, 0, 0, 0], sections));
        capture.truth.list("dns.id", [3, 3]);
        capture.truth.one("dns.malformed");
    }
}

fn dns_forward_pointer(capture: &mut Capture) {
    let last = record(name("late.example"), 1, 60, [10, 0, 0, 8]);
    let question = question(name("plc.example"), 1);
    // The first answer (2 + 10 + 4 bytes) is owned by the name of the second.
    let at = 12 + question.len() as u16 + 16;
    let sections = wire![question, record(pointer(at), 1, 60, [10, 0, 0, 7]), last];
    ask(capture, query(1, "plc.example", 1), message(1, REPLY, [1, 2, 0, 0], sections));
    capture.truth.one("dns.malformed");
    lookup(capture, 2);
}

fn dns_pointer_outside(capture: &mut Capture) {
    wrong_owner(capture, &pointer(0x3fff));
}

fn dns_label_over_63(capture: &mut Capture) {
    // The two high bits 01 and 10 are not lengths (RFC 1035 §4.1.4).
    wrong_owner(capture, &wire![0x40_u8, [b'a'; 64], 0_u8]);
    wrong_owner(capture, &wire![0x80_u8, [b'a'; 64], 0_u8]);
}

fn dns_name_over_255(capture: &mut Capture) {
    wrong_owner(capture, &name(&format!("{}.", "a".repeat(63)).repeat(5)));
}

fn dns_not_utf8(capture: &mut Capture) {
    let odd = wire![4_u8, [0xff, 0xfe, 0, b'.'], 3_u8, "\"\\\n", 7_u8, "example", 0_u8];
    let asked = question(&odd, 1);
    let sections = wire![asked, record(pointer(12), 1, 60, [10, 0, 0, 7])];
    ask(capture, message(1, QUERY, [1, 0, 0, 0], &asked), message(1, REPLY, [1, 1, 0, 0], sections));
    let umlaut = "st\u{f6}rung.example";
    ask(capture, query(2, umlaut, 1), reply(2, umlaut, 1, &[&[10, 0, 0, 7]]));
    capture.truth.add("dns.malformed", 0);
}

fn dns_counts_lie(capture: &mut Capture) {
    let asked = question(name("plc.example"), 1);
    ask(capture, query(1, "plc.example", 1), message(1, REPLY, [1, 65535, 65535, 65535], &asked));
    // An answer that claims more data than there is.
    let cut = wire![asked, pointer(12), 1_u16, 1_u16, 60_u32, 400_u16, [10, 0, 0, 7]];
    ask(capture, query(2, "plc.example", 1), message(2, REPLY, [1, 1, 0, 0], cut));
    lookup(capture, 3);
    capture.truth.add("dns.malformed", 2);
}

fn dns_edns(capture: &mut Capture) {
    let asked = question(name("plc.example"), 1);
    // A cookie and a client subnet as options; the reply's code has its high bits in the record.
    let options = wire![10_u16, 8_u16, [7; 8], 8_u16, 7_u16, [0, 1, 24, 0, 10, 0, 0]];
    let rich = wire![0_u8, 41_u16, 4096_u16, 0x8000_u32, options.len() as u16, options];
    ask(
        capture,
        message(1, QUERY, [1, 0, 0, 1], wire![&asked[..], rich]),
        message(1, REPLY, [1, 0, 0, 1], wire![&asked[..], edns(1232, 0x0100_0000)]),
    );
    capture.truth.add("dns.malformed", 0);
}

fn dns_dnssec(capture: &mut Capture) {
    let host = name("example");
    let signature =
        wire![1_u16, [8, 2], 300_u32, 1_800_000_000_u32, 1_700_000_000_u32, 4711_u16, host, [7; 128]];
    let types: [(u16, Vec<u8>); 7] = [
        (46, signature),
        (48, wire![257_u16, [3, 8], [9; 130]]),
        (43, wire![4711_u16, [8, 2], [5; 32]]),
        (47, wire![name("z.example"), [0, 7, 0x62, 1, 0x80, 8, 0, 3, 0x80]]),
        (50, wire![[1, 0, 0, 10, 4], [0xaa; 4], 20_u8, [3; 20], [0, 1, 0x40]]),
        (51, wire![[1, 0, 0, 10, 4], [0xaa; 4]]),
        (52, wire![[3, 1, 1], [6; 32]]),
    ];
    for (id, (kind, data)) in (1..).zip(types) {
        let asked = question(name("plc.example"), kind);
        let sections = wire![&asked[..], record(pointer(12), kind, 300, data), edns(4096, 0x8000)];
        ask(
            capture,
            message(id, QUERY, [1, 0, 0, 1], wire![asked, edns(4096, 0x8000)]),
            message(id, REPLY | 0x20, [1, 1, 0, 1], sections),
        );
    }
    capture.truth.add("dns.malformed", 0);
}

fn dns_every_type(capture: &mut Capture) {
    let mail = wire![10_u16, name("mx.example")];
    let start = wire![name("ns.example"), name("root.example"), [0; 20]];
    let types: [(u16, Vec<u8>); 14] = [
        (1, vec![10, 0, 0, 7]),
        (28, vec![0xfd; 16]),
        (2, name("ns.example")),
        (5, name("other.example")),
        (6, start),
        (12, name("plc.example")),
        (13, wire![3_u8, "ARM", 5_u8, "Linux"]),
        (15, mail),
        (16, wire![3_u8, "v=1", 0_u8, 2_u8, "x\0"]),
        (33, wire![1_u16, 2_u16, 502_u16, name("plc.example")]),
        (44, wire![[1, 1], [8; 20]]),
        (65, wire![1_u16, 0_u8, 1_u16, 3_u16, 2_u8, "h2"]),
        (257, wire![0_u8, 5_u8, "issue", "ca.example"]),
        (64999, vec![1, 2, 3]),
    ];
    for (id, (kind, data)) in (1..).zip(types) {
        ask(capture, query(id, "plc.example", kind), reply(id, "plc.example", kind, &[&data, &data]));
        capture.truth.list("dns.id", [id, id]);
    }
    ask(capture, query(15, "plc.example", 255), message(15, REPLY | 4, [0; 4], ""));
    capture.truth.list("dns.id", [15, 15]);
    capture.truth.add("dns.malformed", 0);
}

fn dns_reply_only(capture: &mut Capture) {
    for id in 1..5 {
        let (client, server) = sockets(capture, 53);
        let now = capture.after();
        capture.udp(now, server, client, &reply(id, "plc.example", 1, &[&[10, 0, 0, 7]]));
    }
    capture.truth.add("dns", 4);
    capture.truth.list("dns.kind", ["response"; 4]);
}

/// One socket asks again and again with one id, once before the reply.
fn dns_id_reused(capture: &mut Capture) {
    let (client, server) = sockets(capture, 53);
    for (at, host) in [(0, "a.example"), (10_000, "b.example"), (20_000, "c.example"), (20_500, "c.example")]
    {
        capture.udp(at, client, server, &query(7, host, 1));
        if at != 20_000 {
            capture.udp(at + 900, server, client, &reply(7, host, 1, &[&[10, 0, 0, 7]]));
        }
    }
    capture.truth.add("dns", 7);
    let names = ["a.example", "a.example", "b.example", "b.example", "c.example", "c.example", "c.example"];
    capture.truth.list("dns.qname", names);
}

fn dns_mixed_case(capture: &mut Capture) {
    ask(capture, query(1, "pLC.eXaMpLe", 1), reply(1, "pLC.eXaMpLe", 1, &[&[10, 0, 0, 7]]));
    // A server that does not keep the case.
    ask(capture, query(2, "PlC.ExAmPlE", 1), reply(2, "plc.example", 1, &[&[10, 0, 0, 7]]));
}

fn dns_tunnel(capture: &mut Capture) {
    let mut rng = Rng::new(6);
    for id in 0..20 {
        let text: String = rng.bytes(84).iter().map(|byte| char::from(b'a' + byte % 26)).collect();
        let host = format!("{}.{}.t.example", &text[..60], &text[60..]);
        let (kind, data) = match id % 2 {
            0 => (16, wire![200_u8, rng.bytes(200), 100_u8, rng.bytes(100)]),
            _ => (10, rng.bytes(300)),
        };
        ask(capture, query(id, &host, kind), reply(id, &host, kind, &[&data]));
    }
    capture.truth.add("dns.malformed", 0);
}

fn dns_mdns(capture: &mut Capture) {
    let group = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), 5353);
    let (asker, device) = (SocketAddr::new(CLIENT, 5353), SocketAddr::new(SERVER, 5353));
    // The high bit of the class asks for a reply to the sender alone, or says the record is unique.
    let asked = wire![name("_http._tcp.local"), 12_u16, 0x8001_u16];
    capture.udp(0, asker, group, &message(0, 0, [1, 0, 0, 0], asked));
    let instance = wire![3_u8, "plc", pointer(12)];
    let pointed = record(name("_http._tcp.local"), 12, 120, instance);
    let address = wire![name("plc.local"), 1_u16, 0x8001_u16, 120_u32, 4_u16, [10, 0, 0, 2]];
    capture.udp(2000, device, group, &message(0, 0x8400, [0, 1, 0, 1], wire![pointed, address]));
    capture.truth.add("dns", 2);
    capture.truth.add("dns.malformed", 0);
}

fn dns_llmnr(capture: &mut Capture) {
    let group = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(224, 0, 0, 252)), 5355);
    let (asker, device) = (SocketAddr::new(CLIENT, 51000), SocketAddr::new(SERVER, 5355));
    capture.udp(0, asker, group, &message(5, 0, [1, 0, 0, 0], question(name("hmi-2"), 1)));
    let answer = wire![question(name("hmi-2"), 1), record(name("hmi-2"), 1, 30, [10, 0, 0, 2])];
    capture.udp(900, device, asker, &message(5, 0x8000, [1, 1, 0, 0], answer));
    capture.truth.add("dns", 2);
}

fn dns_update_and_notify(capture: &mut Capture) {
    let zone = question(name("example"), 6);
    let added = record(name("plc.example"), 1, 60, [10, 0, 0, 7]);
    let update = message(1, 5 << 11, [1, 0, 1, 0], wire![&zone[..], added]);
    ask(capture, update, message(1, 0x8000 | 5 << 11, [1, 0, 0, 0], &zone));
    let notify = message(2, 4 << 11 | 0x400, [1, 0, 0, 0], &zone);
    ask(capture, notify, message(2, 0x8400 | 4 << 11, [1, 0, 0, 0], &zone));
    capture.truth.list("dns.opcode", [5, 5, 4, 4]);
}

fn dns_other_port(capture: &mut Capture) {
    for id in [0x1a2b, 0x3c4d, 0x5e6f] {
        let (client, server) = sockets(capture, 5300);
        let now = capture.after();
        capture.udp(now, client, server, &query(id, "plc.example", 1));
        capture.udp(now + 900, server, client, &reply(id, "plc.example", 1, &[&[10, 0, 0, 7]]));
        capture.truth.add("dns", 2);
    }
}

/// A message as TCP carries it, the same each time but for its id.
fn asked(id: u16) -> Vec<u8> {
    framed(query(id, "plc.example", 16))
}

fn answered(id: u16) -> Vec<u8> {
    framed(reply(id, "plc.example", 16, &[&wire![200_u8, [b'x'; 200]]]))
}

fn dns_tcp(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 53);
    for id in 1..6 {
        tcp.client(asked(id)).server(answered(id));
        tcp.capture.truth.list("dns.id", [id, id]);
    }
    tcp.close();
    capture.truth.add("dns", 10);
}

fn dns_tcp_prefix_cut(capture: &mut Capture) {
    for cut in [1, 2, 3, 13, 14, 20] {
        let mut tcp = Tcp::open(capture, 53);
        tcp.cut(Side::Client, &asked(1), &[cut]).cut(Side::Server, &answered(1), &[cut]);
        tcp.cut(Side::Client, &[asked(2), asked(3)].concat(), &[cut]);
        tcp.cut(Side::Server, &[answered(2), answered(3)].concat(), &[cut]).close();
        capture.truth.add("dns", 6);
        capture.truth.list("dns.id", [1, 1, 2, 3, 2, 3]);
    }
}

fn dns_tcp_many_a_segment(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 53);
    tcp.client((0..20).flat_map(asked).collect::<Vec<_>>());
    tcp.server((0..20).flat_map(answered).collect::<Vec<_>>()).close();
    capture.truth.add("dns", 40);
    capture.truth.list("dns.id", (0..20).chain(0..20));
}

/// A message is lost whole, then another loses its middle; both times the next one must be read.
fn dns_tcp_hole(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 53);
    tcp.client((1..6).flat_map(asked).collect::<Vec<_>>());
    tcp.server(answered(1)).lose(Side::Server, &answered(2)).server(answered(3));
    tcp.wait(2_000_000);
    let cut = answered(4);
    tcp.server(&cut[..100]).lose(Side::Server, &cut[100..150]).server(&cut[150..]);
    tcp.wait(2_000_000).server(answered(5)).close();
    capture.truth.add("dns", 8);
    // Of the message without its middle enough is there to be told as cut.
    capture.truth.one("dns.odd");
    capture.truth.one("tcp.lost");
}
