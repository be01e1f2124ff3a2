//! One minute of a small plant in which a few things happen: what `make demo` shows.

use std::net::SocketAddr;

use super::message::{http, modbus, mqtt};
use super::mix::dns::Lookup;
use super::mix::mqtt::Sensor;
use super::packet::Segment;
use super::plant::{Exchange, ip};
use super::tcp::{ACK, RST, SYN, Side, Tcp};
use super::{Capture, Rng};

/// Two operator stations poll six controllers, twenty sensors publish, people look at device pages.
/// At second 20 somebody scans a controller, at 30 asks it for registers that it has not.
pub fn demo(seed: u64) -> Capture {
    let mut rng = Rng::new(seed);
    let mut capture = Capture::new();
    for controller in 0..6 {
        for station in 0..2 {
            poll(&mut capture, &mut rng, station, controller);
        }
    }
    for number in 1..=20 {
        sense(&mut capture, &mut rng, number);
    }
    resolve(&mut capture, &mut rng);
    for page in 0..40 {
        look(&mut capture, &mut rng, page);
    }
    scan(&mut capture, &mut rng);
    probe(&mut capture);
    capture
}

/// Five polls a second, and every fifth second the first station writes a set point.
fn poll(capture: &mut Capture, rng: &mut Rng, station: u16, controller: u16) {
    // The port of the first controller is mirrored twice, once with its VLAN tag.
    capture.mirror = (controller == 0).then_some(20);
    let port = 49200 + controller;
    let client = SocketAddr::new(ip(1, 0, 10 + station), port);
    let mut tcp = Tcp::new(capture, client, plc(controller, 502)).at(rng.below(200_000)).rtt(600);
    tcp.handshake();
    for turn in 0..298_u16 {
        let start = tcp.now;
        let exchange = match turn % 25 {
            24 if station == 0 => write(rng, turn),
            7 => {
                let coils = rng.bytes(2);
                Exchange::new(modbus::two(1, 0, 16), modbus::data(1, coils))
            }
            _ => {
                let registers: Vec<u8> =
                    (0..20).flat_map(|n| (1000 + n * 10 + rng.below(8) as u16).to_be_bytes()).collect();
                Exchange::new(modbus::two(3, 100, 20), modbus::data(3, registers))
            }
        };
        match (station, controller, turn) {
            // A reply that the capture missed, and a write that is repeated with another value.
            (0, 1, 100) => lose_reply(&mut tcp, turn),
            (1, 2, 150) => overwrite(&mut tcp, turn),
            _ => exchange.send(&mut tcp, turn, 1),
        }
        tcp.now = start + 200_000;
    }
    tcp.close();
    capture.mirror = None;
}

fn write(rng: &mut Rng, turn: u16) -> Exchange {
    let value = 500 + rng.below(50) as u16;
    if turn % 50 == 24 {
        let pdu = modbus::two(6, 200, value);
        return Exchange::new(pdu.clone(), pdu);
    }
    Exchange::new(modbus::write(16, 200, 1, value.to_be_bytes()), modbus::two(16, 200, 1))
}

fn lose_reply(tcp: &mut Tcp<'_>, tid: u16) {
    tcp.client(modbus::adu(tid, 1, modbus::two(3, 100, 20)));
    tcp.lose(Side::Server, &modbus::adu(tid, 1, modbus::data(3, [0; 40]))).ack(Side::Client);
    tcp.capture.truth.message("modbus.request", "fc3");
    tcp.capture.truth.one("tcp.lost");
}

fn overwrite(tcp: &mut Tcp<'_>, tid: u16) {
    let [meant, forged] = [510, 9999].map(|value| modbus::adu(tid, 1, modbus::two(6, 200, value)));
    tcp.client(&meant).repeat(Side::Client, forged.len() as u32, &forged).server(&meant).ack(Side::Client);
    tcp.capture.truth.message("modbus.request", "fc6");
    tcp.capture.truth.one("modbus.response");
    tcp.capture.truth.one("tcp.forged");
}

/// A message each 600 milliseconds or so; every fourth sensor speaks MQTT 5.
fn sense(capture: &mut Capture, rng: &mut Rng, number: u16) {
    let version = if number.is_multiple_of(4) { mqtt::V5 } else { mqtt::V311 };
    let client = SocketAddr::new(ip(1, 3, number), 30000 + number);
    let broker = SocketAddr::new(ip(1, 0, 60), 1883);
    let mut tcp = Tcp::new(capture, client, broker).at(rng.below(1_000_000)).rtt(900);
    let mut sensor = Sensor::new(rng, version, number);
    sensor.join(&mut tcp);
    while tcp.now < 58_500_000 {
        sensor.message(&mut tcp, rng);
        tcp.wait(rng.between(400_000, 800_000));
    }
    sensor.leave(&mut tcp, true);
}

fn resolve(capture: &mut Capture, rng: &mut Rng) {
    let names = ["hist.plant.example", "ntp.plant.example", "broker.plant.example"].map(str::to_owned);
    for _ in 0..150 {
        let lookup = Lookup::any(rng, &names);
        let now = rng.below(59_000_000);
        let client = SocketAddr::new(ip(1, 0, 10 + rng.below(4) as u16), rng.between(20000, 60000) as u16);
        let server = SocketAddr::new(ip(1, 0, 53), 53);
        capture.udp(now, client, server, &lookup.query);
        capture.udp(now + 700, server, client, &lookup.reply);
        lookup.count(capture, true);
    }
}

/// A page of a controller with its picture.
fn look(capture: &mut Capture, rng: &mut Rng, page: u16) {
    let client = SocketAddr::new(ip(1, 0, 10 + page % 2), 51000 + page);
    let mut tcp = Tcp::new(capture, client, plc(page % 6, 80)).at(rng.below(58_000_000)).rtt(800);
    tcp.handshake();
    for (target, length) in [("/status.html", 4200), ("/trend.png", 9000)] {
        tcp.client(http::request("GET", target, "User-Agent: Mozilla/5.0\r\n"));
        tcp.server(http::sized(200, rng.bytes(length))).ack(Side::Client);
        tcp.capture.truth.message("http.request", "GET");
        tcp.capture.truth.message("http.response", 200);
    }
    tcp.close();
}

/// A thousand ports of one controller in three seconds.
fn scan(capture: &mut Capture, rng: &mut Rng) {
    for port in 1..=1000_u16 {
        let (from, to) = (SocketAddr::new(ip(1, 9, 66), 44444), plc(3, port));
        let (at, seq) = (20_000_000 + u64::from(port) * 3000, rng.bits() as u32);
        let segment = |seq, ack, flags| Segment { seq, ack, flags, window: 1024, options: &[], data: &[] };
        capture.segment(at, from, to, None, &segment(seq, 0, SYN));
        let open = matches!(port, 80 | 502);
        let flags = if open { SYN | ACK } else { RST | ACK };
        capture.segment(at + 300, to, from, None, &segment(0, seq.wrapping_add(1), flags));
        capture.truth.one("syn");
        capture.truth.one(if open { "synack" } else { "rst" });
    }
}

/// Registers that do not exist, one block after the other.
fn probe(capture: &mut Capture) {
    let client = SocketAddr::new(ip(1, 9, 66), 44500);
    let mut tcp = Tcp::new(capture, client, plc(3, 502)).at(30_000_000);
    tcp.handshake();
    for turn in 0..40_u16 {
        let request = modbus::two(3, 1000 * turn, 125);
        Exchange::new(request, modbus::exception(3, 2)).send(&mut tcp, turn, 1);
        tcp.wait(20_000);
    }
    tcp.close();
}

fn plc(number: u16, port: u16) -> SocketAddr {
    SocketAddr::new(ip(1, 2, 1 + number), port)
}
