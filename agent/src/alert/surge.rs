//! Surges: of what the whole plant sends more while an incident goes on than in the minute before it.

use std::collections::VecDeque;

use crate::window::{Bucket, LENGTH};

/// What is counted.
pub const COUNTS: usize = 12;

/// The counts of a second.
pub type Pulse = [u32; COUNTS];

/// The counts of the last minute.
#[derive(Debug, Default)]
pub struct Pulses {
    last: VecDeque<Pulse>,
}

/// What a minute was like, and the most of any second since.
#[derive(Clone, Copy, Debug)]
pub struct Surge {
    before: [f32; COUNTS],
    most: Pulse,
}

impl Pulses {
    /// A second is over.
    pub fn push(&mut self, second: &Bucket) -> Pulse {
        let pulse = [
            second.traffic.packets,
            second.traffic.syn,
            second.traffic.syn.saturating_sub(second.traffic.syn_ack),
            second.traffic.reset,
            second.modbus.requests,
            second.modbus.unmatched,
            second.modbus.exceptions,
            second.modbus.writes,
            second.mqtt.connects,
            second.mqtt.publishes,
            second.http.requests,
            second.dns.queries,
        ];
        if self.last.len() >= LENGTH {
            self.last.pop_front();
        }
        self.last.push_back(pulse);
        pulse
    }

    /// Something begins.
    pub fn begin(&self) -> Surge {
        let count = self.last.len().max(1) as f32;
        let mut before = [0.0; COUNTS];
        for pulse in &self.last {
            before.iter_mut().zip(pulse).for_each(|(sum, value)| *sum += *value as f32 / count);
        }
        Surge { before, most: [0; COUNTS] }
    }
}

impl Surge {
    /// A second of it is over.
    pub fn pass(&mut self, pulse: &Pulse) {
        self.most.iter_mut().zip(pulse).for_each(|(most, value)| *most = (*most).max(*value));
    }

    /// How many times as much, as logarithms; nothing where there is no more than before.
    pub fn logs(&self) -> [f32; COUNTS] {
        let mut logs = [0.0; COUNTS];
        for ((log, most), before) in logs.iter_mut().zip(self.most).zip(self.before) {
            *log = ((1.0 + most as f32) / (1.0 + before)).ln().max(0.0);
        }
        logs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_more_than_before_is_a_surge() {
        let mut pulses = Pulses::default();
        let second = |packets| {
            let mut bucket = Bucket::default();
            bucket.traffic.packets = packets;
            bucket
        };
        for _ in 0..100 {
            pulses.push(&second(9));
        }
        let mut surge = pulses.begin();
        assert_eq!(surge.logs(), [0.0; COUNTS]);
        surge.pass(&pulses.push(&second(99)));
        surge.pass(&pulses.push(&second(5)));
        assert!((surge.logs()[0] - 10.0_f32.ln()).abs() < 1e-6);
        assert_eq!(surge.logs()[1..], [0.0; COUNTS - 1]);
    }
}
