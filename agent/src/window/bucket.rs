//! A second of traffic in numbers: of the whole plant or of one asset. Fixed in size; it keeps counts,
//! sums and sketches, and nothing that could be read back as traffic.

use super::message::{self, Message, Said, quick};
use super::sketch::Sketch;
use crate::frame::{Frame, Payload};

/// The counts of a second.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// Everything that was sent or received.
    pub traffic: Traffic,
    /// Modbus messages.
    pub modbus: Modbus,
    /// MQTT messages.
    pub mqtt: Mqtt,
    /// DNS messages.
    pub dns: Dns,
    /// HTTP messages.
    pub http: Http,
    /// Messages that were not as they must be.
    pub malformed: u32,
    /// Holes and contradictions in streams.
    pub torn: u32,
}

/// Packets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    pub packets: u32,
    pub bytes: u64,
    pub payload: u64,
    pub tcp: u32,
    pub udp: u32,
    pub syn: u32,
    pub syn_ack: u32,
    pub reset: u32,
    pub fin: u32,
    pub sources: Sketch,
    pub targets: Sketch,
    pub pairs: Sketch,
    pub ports: Sketch,
}

/// Modbus.
#[derive(Clone, Copy, Debug, Default)]
pub struct Modbus {
    pub requests: u32,
    pub responses: u32,
    pub reads: u32,
    pub writes: u32,
    /// Diagnostics, files, programs, identification: what operation does not need.
    pub others: u32,
    pub exceptions: u32,
    pub unmatched: u32,
    pub registers: u32,
    /// Microseconds until responses, together.
    pub waited: u64,
    pub length: u64,
    pub functions: u128,
    pub units: Sketch,
    pub places: Sketch,
}

/// MQTT.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mqtt {
    pub connects: u32,
    pub refused: u32,
    pub publishes: u32,
    pub subscribes: u32,
    pub disconnects: u32,
    pub retained: u32,
    pub payload: u64,
    pub topics: Sketch,
    pub others: u32,
}

/// DNS.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dns {
    pub queries: u32,
    pub responses: u32,
    pub missing: u32,
    pub repeated: u32,
    /// Lengths of names together, and the longest.
    pub length: u32,
    pub longest: u32,
    /// Queries for text or nothing in particular.
    pub odd_types: u32,
    pub names: Sketch,
}

/// HTTP.
#[derive(Clone, Copy, Debug, Default)]
pub struct Http {
    pub requests: u32,
    pub responses: u32,
    pub changing: u32,
    pub client_errors: u32,
    pub server_errors: u32,
    pub length: u32,
    pub longest: u32,
    pub odd_characters: u32,
    pub body: u64,
    pub targets: Sketch,
}

/// Numbers for the two ends of a frame, made once for all buckets that count it.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    source: u64,
    target: u64,
}

impl Ends {
    /// Those of a frame.
    pub fn of(frame: &Frame<'_>) -> Self {
        Self { source: quick(frame.src.bytes()), target: quick(frame.dst.bytes()) }
    }
}

impl Bucket {
    /// A frame.
    pub fn frame(&mut self, frame: &Frame<'_>, ends: Ends) {
        let traffic = &mut self.traffic;
        traffic.packets += 1;
        traffic.bytes += u64::from(frame.ip_len);
        let Ends { source, target } = ends;
        traffic.sources.see(source);
        traffic.targets.see(target);
        traffic.pairs.see(source ^ target.rotate_left(17));
        match &frame.payload {
            Payload::Tcp(segment) => {
                traffic.tcp += 1;
                traffic.payload += segment.data.len() as u64 + u64::from(segment.cut);
                match segment.flags & (SYN | ACK | RST | FIN) {
                    SYN => {
                        traffic.syn += 1;
                        traffic.ports.see(target ^ u64::from(segment.dport));
                    }
                    flags if flags & (SYN | ACK) == SYN | ACK => traffic.syn_ack += 1,
                    flags if flags & RST != 0 => traffic.reset += 1,
                    flags if flags & FIN != 0 => traffic.fin += 1,
                    _ => {}
                }
            }
            Payload::Udp(datagram) => {
                traffic.udp += 1;
                traffic.payload += datagram.data.len() as u64 + u64::from(datagram.cut);
            }
        }
    }

    /// A message.
    pub fn message(&mut self, message: &Message) {
        self.malformed += u32::from(message.malformed);
        match &message.said {
            Said::Modbus(said) => self.modbus.add(said),
            Said::Mqtt(said) => self.mqtt.add(said),
            Said::Dns(said) => self.dns.add(said),
            Said::Http(said) => self.http.add(said),
            Said::Torn => self.torn += 1,
            Said::Nothing => {}
        }
    }
}

impl Modbus {
    fn add(&mut self, said: &message::Modbus) {
        self.length += u64::from(said.length);
        if said.asks {
            self.requests += 1;
            self.functions |= 1 << (said.function & 127);
            match said.function {
                1..=4 => self.reads += 1,
                5 | 6 | 15 | 16 | 22 | 23 => self.writes += 1,
                _ => self.others += 1,
            }
            self.registers += u32::from(said.quantity);
            let server = said.server ^ u64::from(said.unit) << 56;
            self.units.see(server);
            self.places.see(server ^ u64::from(said.address) << 8 ^ u64::from(said.function));
        } else {
            self.responses += 1;
            self.exceptions += u32::from(said.exception);
            self.unmatched += u32::from(said.unmatched);
            self.waited += said.waited;
        }
    }
}

impl Mqtt {
    fn add(&mut self, said: &message::Mqtt) {
        match said.kind {
            "connect" => self.connects += 1,
            "connack" => self.refused += u32::from(said.refused),
            "publish" => {
                self.publishes += 1;
                self.retained += u32::from(said.retained);
                self.payload += said.payload;
                self.topics.see(said.topic);
            }
            "subscribe" => self.subscribes += 1,
            "disconnect" => self.disconnects += 1,
            _ => self.others += 1,
        }
    }
}

impl Dns {
    fn add(&mut self, said: &message::Dns) {
        if !said.asks {
            self.responses += 1;
            self.missing += u32::from(said.missing);
            return;
        }
        self.queries += 1;
        self.repeated += u32::from(said.repeated);
        self.odd_types += u32::from(said.odd_type);
        self.length += said.length;
        self.longest = self.longest.max(said.length);
        self.names.see(said.name);
    }
}

impl Http {
    fn add(&mut self, said: &message::Http) {
        self.body += said.body;
        if !said.asks {
            self.responses += 1;
            self.client_errors += u32::from((400..500).contains(&said.status));
            self.server_errors += u32::from(said.status >= 500);
            return;
        }
        self.requests += 1;
        self.changing += u32::from(said.changing);
        self.length += said.length;
        self.longest = self.longest.max(said.length);
        self.odd_characters += said.odd_characters;
        self.targets.see(said.target);
    }
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
