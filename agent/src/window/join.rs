//! Several seconds of traffic as one: counts add up, sketches unite, the longest stays the longest.

use super::bucket::{Bucket, Dns, Http, Modbus, Mqtt, Traffic};

impl Bucket {
    /// The counts of another bucket besides, as if both had been one.
    pub fn join(&mut self, other: &Self) {
        self.traffic.join(&other.traffic);
        self.modbus.join(&other.modbus);
        self.mqtt.join(&other.mqtt);
        self.dns.join(&other.dns);
        self.http.join(&other.http);
        add(&mut self.malformed, other.malformed);
        add(&mut self.torn, other.torn);
    }
}

impl Traffic {
    fn join(&mut self, other: &Self) {
        add(&mut self.packets, other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.payload = self.payload.saturating_add(other.payload);
        add(&mut self.tcp, other.tcp);
        add(&mut self.udp, other.udp);
        add(&mut self.syn, other.syn);
        add(&mut self.syn_ack, other.syn_ack);
        add(&mut self.reset, other.reset);
        add(&mut self.fin, other.fin);
        self.sources.join(&other.sources);
        self.targets.join(&other.targets);
        self.pairs.join(&other.pairs);
        self.ports.join(&other.ports);
    }
}

impl Modbus {
    fn join(&mut self, other: &Self) {
        add(&mut self.requests, other.requests);
        add(&mut self.responses, other.responses);
        add(&mut self.reads, other.reads);
        add(&mut self.writes, other.writes);
        add(&mut self.others, other.others);
        add(&mut self.exceptions, other.exceptions);
        add(&mut self.unmatched, other.unmatched);
        add(&mut self.registers, other.registers);
        self.waited = self.waited.saturating_add(other.waited);
        self.length = self.length.saturating_add(other.length);
        self.functions |= other.functions;
        self.units.join(&other.units);
        self.places.join(&other.places);
    }
}

impl Mqtt {
    fn join(&mut self, other: &Self) {
        add(&mut self.connects, other.connects);
        add(&mut self.refused, other.refused);
        add(&mut self.publishes, other.publishes);
        add(&mut self.subscribes, other.subscribes);
        add(&mut self.disconnects, other.disconnects);
        add(&mut self.retained, other.retained);
        self.payload = self.payload.saturating_add(other.payload);
        self.topics.join(&other.topics);
        add(&mut self.others, other.others);
    }
}

impl Dns {
    fn join(&mut self, other: &Self) {
        add(&mut self.queries, other.queries);
        add(&mut self.responses, other.responses);
        add(&mut self.missing, other.missing);
        add(&mut self.repeated, other.repeated);
        add(&mut self.length, other.length);
        self.longest = self.longest.max(other.longest);
        add(&mut self.odd_types, other.odd_types);
        self.names.join(&other.names);
    }
}

impl Http {
    fn join(&mut self, other: &Self) {
        add(&mut self.requests, other.requests);
        add(&mut self.responses, other.responses);
        add(&mut self.changing, other.changing);
        add(&mut self.client_errors, other.client_errors);
        add(&mut self.server_errors, other.server_errors);
        add(&mut self.length, other.length);
        self.longest = self.longest.max(other.longest);
        add(&mut self.odd_characters, other.odd_characters);
        self.body = self.body.saturating_add(other.body);
        self.targets.join(&other.targets);
    }
}

const fn add(sum: &mut u32, count: u32) {
    *sum = sum.saturating_add(count);
}
