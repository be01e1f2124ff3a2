//! Traps of MQTT.

use super::super::message::mqtt::{
    DISCONNECT, PINGREQ, PINGRESP, V5, V31, V311, acknowledge, connack, connect, length, packet, properties,
    publish, string, suback, subscribe, unsubscribe,
};
use super::super::message::{http, wire};
use super::super::tcp::{Side, Tcp};
use super::super::{Capture, Rng};
use super::Trap;

/// Every one of them.
pub static TRAPS: &[Trap] = traps![
    mqtt_every_type_31,
    mqtt_every_type_311,
    mqtt_every_type_5,
    mqtt_properties,
    mqtt_length_of_four_bytes,
    mqtt_length_padded,
    mqtt_publish_300k,
    mqtt_publish_256m_begun,
    mqtt_header_cut,
    mqtt_many_a_segment,
    mqtt_topic_alias,
    mqtt_client_id_empty,
    mqtt_retained_empty,
    mqtt_will_qos_3,
    mqtt_takeover,
    mqtt_midstream,
    mqtt_ids_per_direction,
    mqtt_suback_codes,
    mqtt_dup,
    mqtt_other_port,
    mqtt_websocket,
];

/// Sends a packet and counts it under the name of its type.
fn say(tcp: &mut Tcp<'_>, from: Side, packet: impl AsRef<[u8]>) {
    let packet = packet.as_ref();
    tcp.send(from, packet);
    tcp.capture.truth.one("mqtt");
    tcp.capture.truth.list("mqtt.type", [TYPES[usize::from(packet[0] >> 4) - 1]]);
}

fn client(tcp: &mut Tcp<'_>, packet: impl AsRef<[u8]>) {
    say(tcp, Side::Client, packet);
}

fn server(tcp: &mut Tcp<'_>, packet: impl AsRef<[u8]>) {
    say(tcp, Side::Server, packet);
}

/// An opened connection with CONNECT and CONNACK.
fn joined(capture: &mut Capture, version: u8) -> Tcp<'_> {
    let mut tcp = Tcp::open(capture, 1883);
    client(&mut tcp, connect(version, 2, "pump-7", &[]));
    server(&mut tcp, connack(version, 0));
    tcp
}

fn every_type(tcp: &mut Tcp<'_>, version: u8) {
    let will = wire![properties(version, &[]), string("plant/gone"), string("off")];
    client(tcp, connect(version, 0xee, "hmi-1", &wire![will, string("op"), string("pw")]));
    server(tcp, connack(version, 0));
    client(tcp, subscribe(version, 1, &[("plant/#", 1), ("$SYS/#", 0)]));
    server(tcp, suback(version, 9, 1, &[1, 0]));
    client(tcp, publish(version, 0, "plant/a", 0, "1"));
    client(tcp, publish(version, 2, "plant/b", 2, "2"));
    server(tcp, acknowledge(4, 2));
    client(tcp, publish(version, 4, "plant/c", 3, "3"));
    server(tcp, acknowledge(5, 3));
    client(tcp, acknowledge(6, 3));
    server(tcp, acknowledge(7, 3));
    client(tcp, unsubscribe(version, 4, &["plant/#", "$SYS/#"]));
    server(tcp, if version == V5 { suback(V5, 11, 4, &[0, 17]) } else { acknowledge(11, 4) });
    client(tcp, PINGREQ);
    server(tcp, PINGRESP);
}

fn mqtt_every_type_31(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 1883);
    every_type(&mut tcp, V31);
    client(&mut tcp, DISCONNECT);
    tcp.close();
}

fn mqtt_every_type_311(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 1883);
    every_type(&mut tcp, V311);
    client(&mut tcp, DISCONNECT);
    tcp.close();
}

/// Also AUTH, reason codes on acknowledgements, and a DISCONNECT of the broker.
fn mqtt_every_type_5(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 1883);
    every_type(&mut tcp, V5);
    let method = wire![0x15_u8, string("SCRAM-SHA-1")];
    client(&mut tcp, packet(0xf0, wire![0x19_u8, properties(V5, &method)]));
    server(&mut tcp, packet(0xf0, wire![0_u8, properties(V5, &method)]));
    client(&mut tcp, publish(V5, 2, "plant/nobody", 5, "5"));
    let why = wire![0x1f_u8, string("nobody listens")];
    server(&mut tcp, packet(0x40, wire![5_u16, 0x10_u8, properties(V5, &why)]));
    server(&mut tcp, packet(0xe0, wire![0x8b_u8, properties(V5, &why)]));
    tcp.close_by(Side::Server);
    capture.truth.add("mqtt.malformed", 0);
}

/// Every property of CONNECT, CONNACK and PUBLISH, user properties twice: read as 3.1.1, the client
/// id would begin in them.
fn mqtt_properties(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 1883);
    let user = wire![0x26_u8, string("site"), string("north"), 0x26_u8, string("site"), string("south")];
    let wishes = wire![
        [0x11, 0, 0, 0, 60, 0x21, 0, 20, 0x27, 0, 1, 0, 0, 0x22, 0, 10, 0x19, 1, 0x17, 1],
        [0x15_u8],
        string("PLAIN"),
        [0x16_u8],
        string("secret"),
        user
    ];
    let will = wire![
        [0x18, 0, 0, 0, 5, 0x01, 1, 0x02, 0, 0, 0, 9, 0x03],
        string("text/plain"),
        0x08_u8,
        string("plant/reply"),
        0x09_u8,
        string("id-1"),
        user
    ];
    let head = wire![string("MQTT"), V5, 0x06_u8, 60_u16, properties(V5, &wishes), string("pump-7")];
    let last = wire![properties(V5, &will), string("plant/gone"), string("off")];
    client(&mut tcp, packet(0x10, wire![head, last]));
    let grants = wire![
        [0x11, 0, 0, 0, 60, 0x21, 0, 20, 0x24, 1, 0x25, 1, 0x27, 0, 1, 0, 0, 0x12],
        string("given-id"),
        [0x22, 0, 10],
        0x1f_u8,
        string("welcome"),
        user,
        [0x28, 1, 0x29, 1, 0x2a, 1, 0x13, 0, 30],
        0x1a_u8,
        string("info"),
        0x1c_u8,
        string("other")
    ];
    server(&mut tcp, packet(0x20, wire![0_u16, properties(V5, &grants)]));
    let about = wire![
        [0x01, 1, 0x02, 0, 0, 0, 9, 0x03],
        string("text/plain"),
        0x08_u8,
        string("plant/reply"),
        0x09_u8,
        string("id-1"),
        user,
        0x23_u8,
        3_u16
    ];
    client(&mut tcp, packet(0x30, wire![string("plant/a"), properties(V5, &about), "payload"]));
    // A property block of more than 127 bytes has a length of two.
    let long = wire![0x26_u8, string("k"), string("v".repeat(300))];
    client(&mut tcp, packet(0x30, wire![string("plant/b"), properties(V5, &long), "payload"]));
    client(&mut tcp, packet(0xe0, wire![0_u8, properties(V5, &[0x11, 0, 0, 0, 0])]));
    tcp.close();
    capture.truth.add("mqtt.malformed", 0);
    capture.truth.list("mqtt.topic", ["plant/a", "plant/b"]);
    capture.truth.list("mqtt.connect.client_id", ["pump-7"]);
}

/// Two mebibytes are the least that takes four bytes of length.
fn mqtt_length_of_four_bytes(capture: &mut Capture) {
    let payload = Rng::new(4).bytes(1 << 21);
    let mut tcp = joined(capture, V311);
    client(&mut tcp, publish(V311, 0, "plant/image", 0, &payload));
    client(&mut tcp, publish(V311, 0, "plant/a", 0, "after"));
    tcp.close();
    capture.truth.list("mqtt.topic", ["plant/image", "plant/a"]);
    capture.truth.list("mqtt.payload_len", [1 << 21, 5]);
}

/// A length of nine in four bytes, which 3.1.1 does not forbid.
fn mqtt_length_padded(capture: &mut Capture) {
    let mut tcp = joined(capture, V311);
    client(&mut tcp, wire![[0x30_u8, 0x89, 0x80, 0x80, 0], string("a/b"), "1234"]);
    client(&mut tcp, publish(V311, 0, "a/c", 0, "after"));
    tcp.close();
    capture.truth.list("mqtt.topic", ["a/b", "a/c"]);
}

fn mqtt_publish_300k(capture: &mut Capture) {
    // Bytes that look like packets, should a decoder lose its place in them.
    let payload = publish(V311, 0, "no/such/topic", 0, "no").repeat(300_000 / 19);
    let mut tcp = joined(capture, V311);
    client(&mut tcp, publish(V311, 2, "plant/image", 1, &payload));
    server(&mut tcp, acknowledge(4, 1));
    client(&mut tcp, publish(V311, 0, "plant/a", 0, "after"));
    tcp.close();
    capture.truth.list("mqtt.topic", ["plant/image", "plant/a"]);
}

/// The longest that can be; the connection breaks after the first hundred kilobytes.
fn mqtt_publish_256m_begun(capture: &mut Capture) {
    let mut tcp = joined(capture, V311);
    tcp.client(wire![[0x30], length(268_435_455), string("plant/image"), [7; 100_000]]);
    tcp.reset(Side::Client);
    capture.truth.one("mqtt.odd");
}

fn mqtt_header_cut(capture: &mut Capture) {
    let packet = publish(V311, 2, "plant/a", 1, "x".repeat(200));
    for cut in 1..14 {
        let mut tcp = joined(capture, V311);
        tcp.cut(Side::Client, &packet, &[cut]);
        tcp.capture.truth.one("mqtt");
        tcp.capture.truth.list("mqtt.type", ["publish"]);
        tcp.capture.truth.list("mqtt.topic", ["plant/a"]);
        server(&mut tcp, acknowledge(4, 1));
        tcp.close();
    }
}

fn mqtt_many_a_segment(capture: &mut Capture) {
    let mut tcp = joined(capture, V311);
    let packets: Vec<u8> =
        (0..100_u8).flat_map(|n| publish(V311, 0, "plant/a", 0, "y".repeat(n.into()))).collect();
    tcp.client(packets).close();
    capture.truth.add("mqtt", 100);
    capture.truth.list("mqtt.type", ["publish"; 100]);
    capture.truth.list("mqtt.payload_len", 0..100);
}

fn mqtt_topic_alias(capture: &mut Capture) {
    let mut tcp = joined(capture, V5);
    let alias = properties(V5, &[0x23, 0, 1]);
    client(&mut tcp, packet(0x30, wire![string("plant/long/topic"), alias, "1"]));
    client(&mut tcp, packet(0x30, wire![string(""), alias, "2"]));
    client(&mut tcp, packet(0x30, wire![string(""), alias, "3"]));
    tcp.close();
    capture.truth.list("mqtt.payload_len", [1, 1, 1]);
}

fn mqtt_client_id_empty(capture: &mut Capture) {
    for version in [V311, V5] {
        let mut tcp = Tcp::open(capture, 1883);
        client(&mut tcp, connect(version, 2, "", &[]));
        let given = if version == V5 { wire![0x12_u8, string("auto-1")] } else { Vec::new() };
        server(&mut tcp, packet(0x20, wire![0_u16, properties(version, &given)]));
        client(&mut tcp, publish(version, 0, "plant/a", 0, "1"));
        tcp.close();
    }
}

fn mqtt_retained_empty(capture: &mut Capture) {
    let mut tcp = joined(capture, V311);
    client(&mut tcp, publish(V311, 1, "plant/a", 0, "1"));
    client(&mut tcp, publish(V311, 1, "plant/a", 0, ""));
    tcp.close();
    capture.truth.list("mqtt.payload_len", [1, 0]);
    capture.truth.list("mqtt.topic", ["plant/a", "plant/a"]);
}

fn mqtt_will_qos_3(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 1883);
    client(&mut tcp, connect(V311, 0x1e, "pump-7", &wire![string("plant/gone"), string("off")]));
    tcp.close_by(Side::Server);
    let mut tcp = joined(capture, V311);
    client(&mut tcp, publish(V311, 6, "plant/a", 7, "QoS 3"));
    client(&mut tcp, publish(V311, 0, "plant/b", 0, "after"));
    tcp.close();
    capture.truth.add("mqtt.malformed", 2);
}

/// The same client id from another connection: the broker lets the first one go.
fn mqtt_takeover(capture: &mut Capture) {
    let mut first = joined(capture, V5);
    client(&mut first, publish(V5, 0, "plant/a", 0, "1"));
    // The DISCONNECT comes while the second connection is being made.
    first.later(11_000, |tcp| {
        server(tcp, packet(0xe0, wire![0x8e_u8, properties(V5, &[])]));
        tcp.close_by(Side::Server)
    });
    let mut second = joined(capture, V5);
    client(&mut second, publish(V5, 0, "plant/a", 0, "2"));
    second.close();
    capture.truth.list("mqtt.connect.client_id", ["pump-7", "pump-7"]);
}

/// No CONNECT: the version is not known, and the first bytes are the end of a packet.
fn mqtt_midstream(capture: &mut Capture) {
    let mut tcp = Tcp::midstream(capture, 1883);
    let packets = publish(V311, 0, "plant/a", 0, "0123456789");
    tcp.client(&packets[12..]);
    for _ in 0..5 {
        client(&mut tcp, publish(V311, 2, "plant/a", 9, "{\"v\":1}"));
        server(&mut tcp, acknowledge(4, 9));
    }
    client(&mut tcp, PINGREQ);
    server(&mut tcp, PINGRESP);
    tcp.close();
    capture.truth.list("mqtt.topic", ["plant/a"; 5]);
}

/// Client and broker use the same ids at the same time.
fn mqtt_ids_per_direction(capture: &mut Capture) {
    let mut tcp = joined(capture, V311);
    client(&mut tcp, publish(V311, 2, "plant/up", 1, "u"));
    server(&mut tcp, publish(V311, 2, "plant/down", 1, "d"));
    server(&mut tcp, acknowledge(4, 1));
    client(&mut tcp, acknowledge(4, 1));
    tcp.close();
    capture.truth.list("mqtt.packet_id", [1, 1, 1, 1]);
}

fn mqtt_suback_codes(capture: &mut Capture) {
    let mut tcp = joined(capture, V311);
    let topics = [("a/#", 0), ("b/+", 1), ("c", 2), ("$SYS/#", 2)];
    client(&mut tcp, subscribe(V311, 2, &topics));
    server(&mut tcp, suback(V311, 9, 2, &[0, 1, 2, 0x80]));
    tcp.close();
}

fn mqtt_dup(capture: &mut Capture) {
    let mut tcp = joined(capture, V311);
    client(&mut tcp, publish(V311, 2, "plant/a", 5, "1"));
    client(&mut tcp, publish(V311, 10, "plant/a", 5, "1"));
    server(&mut tcp, acknowledge(4, 5));
    tcp.close();
    capture.truth.list("mqtt.dup", [false, true]);
}

fn mqtt_other_port(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 11883);
    every_type(&mut tcp, V311);
    tcp.close();
}

/// Frames of RFC 6455 §5.2: the client's masked, one packet cut over two frames, two in one.
fn mqtt_websocket(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n";
    let key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    tcp.client(http::request("GET", "/mqtt", &format!("{headers}{key}")));
    tcp.server(http::response(101, &format!("{headers}{accept}"), ""));
    tcp.client(masked(&connect(V311, 2, "web-1", &[]))).server(unmasked(&connack(V311, 0)));
    let publishes = [publish(V311, 0, "plant/a", 0, "1"), publish(V311, 0, "plant/b", 0, "z".repeat(200))];
    tcp.client(masked(&publishes.concat()));
    let (front, back) = publishes[1].split_at(50);
    tcp.client(masked(front)).client(masked(back)).server(unmasked(&publishes[0]));
    tcp.client(masked(&DISCONNECT)).close();
    capture.truth.add("http", 2);
    capture.truth.add("mqtt", 7);
    let types = ["connect", "connack", "publish", "publish", "publish", "publish", "disconnect"];
    capture.truth.list("mqtt.type", types);
}

fn masked(data: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let data: Vec<u8> = data.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    wire![websocket(data.len(), 0x80), key, data]
}

fn unmasked(data: &[u8]) -> Vec<u8> {
    wire![websocket(data.len(), 0), data]
}

/// The head of a whole binary message.
fn websocket(length: usize, mask: u8) -> Vec<u8> {
    match length {
        ..126 => wire![0x82_u8, mask | length as u8],
        _ => wire![0x82_u8, mask | 126, length as u16],
    }
}

/// Names of the types, from 1.
const TYPES: [&str; 15] = [
    "connect",
    "connack",
    "publish",
    "puback",
    "pubrec",
    "pubrel",
    "pubcomp",
    "subscribe",
    "suback",
    "unsubscribe",
    "unsuback",
    "pingreq",
    "pingresp",
    "disconnect",
    "auth",
];
