//! Sensors that publish to three brokers.

use std::net::SocketAddr;

use super::super::message::{mqtt, wire};
use super::super::plant::ip;
use super::super::tcp::{Side, Tcp};
use super::super::{Capture, Rng};
use super::SPAN;

/// About `packets` packets; each sensor sends sixty messages.
pub fn publish(capture: &mut Capture, rng: &mut Rng, packets: usize) {
    let end = capture.packets() + packets;
    let mut number = 0_u16;
    while capture.packets() < end {
        number = number.wrapping_add(1);
        let client = SocketAddr::new(ip(61, number >> 8, number & 0xff), 30000 + number % 30000);
        let broker = SocketAddr::new(ip(60, 0, 1 + number % 3), 1883);
        let version = if rng.chance(0.2) { mqtt::V5 } else { mqtt::V311 };
        let (start, rtt) = (rng.below(SPAN), rng.pick(&[300, 2000, 20000]));
        let mut tcp = Tcp::new(capture, client, broker).at(start).rtt(rtt);
        let mut sensor = Sensor::new(rng, version, number);
        sensor.join(&mut tcp);
        for _ in 0..60 {
            sensor.message(&mut tcp, rng);
            tcp.wait(rng.between(10_000, 1_500_000));
        }
        sensor.leave(&mut tcp, rng.chance(0.8));
    }
}

/// A sensor and how far it is.
pub(crate) struct Sensor {
    version: u8,
    name: String,
    user: String,
    topics: [String; 4],
    id: u16,
    sent: u32,
}

impl Sensor {
    /// Sensor number so and so.
    pub fn new(rng: &mut Rng, version: u8, number: u16) -> Self {
        let topics = ["temp", "vib", "state", "energy"]
            .map(|what| format!("plant/line{}/cell{}/{what}", rng.below(9), rng.below(40)));
        let (name, user) = (format!("dev-{number:05}"), format!("user{}", number % 50));
        Self { version, name, user, topics, id: 1, sent: 0 }
    }

    /// Opens the connection, connects, subscribes to its commands.
    pub fn join(&mut self, tcp: &mut Tcp<'_>) {
        let login = wire![mqtt::string(&self.user), mqtt::string("secret")];
        let commands = format!("cmd/{}/#", self.name);
        tcp.handshake()
            .client(mqtt::connect(self.version, 0xc2, &self.name, &login))
            .server(mqtt::connack(self.version, 0))
            .client(mqtt::subscribe(self.version, 1, &[(&commands, 1), ("plant/+/alarm", 1)]))
            .server(mqtt::suback(self.version, 9, 1, &[1, 1]))
            .ack(Side::Client);
        for kind in ["connect", "connack", "subscribe", "suback"] {
            tcp.capture.truth.one(&format!("mqtt.{kind}"));
        }
    }

    /// One message, mostly of the sensor, seldom of the broker, with all that acknowledges it; now
    /// and then several at once, now and then a ping.
    pub fn message(&mut self, tcp: &mut Tcp<'_>, rng: &mut Rng) {
        let from = if rng.chance(0.85) { Side::Client } else { Side::Server };
        let qos = rng.weighted(&[(0, 50), (1, 40), (2, 10)]);
        self.id = self.id % 65535 + 1;
        let together = if qos == 0 && rng.chance(0.05) { rng.pick(&[2, 4, 20]) } else { 1 };
        let mut packets = Vec::new();
        for _ in 0..together {
            packets.extend(self.publish(rng, from, qos));
            tcp.capture.truth.message("mqtt.publish", format_args!("qos{qos}"));
        }
        tcp.send(from, &packets);
        let to = from.other();
        match qos {
            0 => tcp.ack(to),
            1 => tcp.send(to, &mqtt::acknowledge(4, self.id)).ack(from),
            _ => {
                tcp.send(to, &mqtt::acknowledge(5, self.id));
                tcp.send(from, &mqtt::acknowledge(6, self.id));
                tcp.send(to, &mqtt::acknowledge(7, self.id)).ack(from)
            }
        };
        let acknowledged: &[_] = match qos {
            0 => &[],
            1 => &["mqtt.puback"],
            _ => &["mqtt.pubrec", "mqtt.pubrel", "mqtt.pubcomp"],
        };
        acknowledged.iter().for_each(|kind| tcp.capture.truth.one(kind));
        if rng.chance(0.03) {
            tcp.client(mqtt::PINGREQ).server(mqtt::PINGRESP).ack(Side::Client);
            tcp.capture.truth.one("mqtt.pingreq");
            tcp.capture.truth.one("mqtt.pingresp");
        }
    }

    /// Says good-bye and closes, or just breaks off.
    pub fn leave(&self, tcp: &mut Tcp<'_>, politely: bool) {
        if politely {
            tcp.client(mqtt::DISCONNECT).close();
            tcp.capture.truth.one("mqtt.disconnect");
        } else {
            tcp.reset(Side::Client);
        }
    }

    fn publish(&mut self, rng: &mut Rng, from: Side, qos: u8) -> Vec<u8> {
        let topic = match from {
            Side::Client => self.topics[rng.below(4) as usize].clone(),
            Side::Server => format!("cmd/{}/set", self.name),
        };
        self.sent += 1;
        let (value, room) = (rng.unit() * 100.0, rng.pick(&[0, 0, 0, 20, 100]));
        let payload = format!(
            "{{\"ts\":{},\"v\":{value:.3},\"u\":\"C\",\"q\":\"good\",\"seq\":{}}}{:room$}",
            1_700_000_000 + self.sent,
            self.sent,
            ""
        );
        let retain = u8::from(rng.chance(0.02));
        mqtt::publish(self.version, qos << 1 | retain, &topic, self.id, payload)
    }
}
