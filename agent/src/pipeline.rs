//! From packet to protocol event as one plain struct: synchronous, no clock, no lock.

use fieldward_shared::time::Timestamp;

use crate::capture::Packet;
use crate::flow::{FlowCounts, FlowLimits, Flows};
use crate::frame::{FrameCounts, FrameLimits, Frames};
use crate::protocol::Sink;

/// Bounds of everything between packet and event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Fragments and copies.
    pub frames: FrameLimits,
    /// Flows and their bytes.
    pub flows: FlowLimits,
}

impl Limits {
    /// For watching one plant: whoever floods it gets less memory than a decoder of anything may take.
    pub fn watching() -> Self {
        let flows = FlowLimits { flows: 1 << 17, conversations: 1 << 14, ..FlowLimits::default() };
        Self { flows, ..Self::default() }
    }
}

/// Packets in, events out.
pub struct Pipeline {
    frames: Frames,
    flows: Flows,
    packets: u64,
    bytes: u64,
    first: Option<Timestamp>,
    last: Timestamp,
}

impl Pipeline {
    /// A pipeline that has seen nothing.
    pub fn new(limits: Limits) -> Self {
        Self {
            frames: Frames::new(limits.frames),
            flows: Flows::new(limits.flows),
            packets: 0,
            bytes: 0,
            first: None,
            last: Timestamp::default(),
        }
    }

    /// One packet, in capture order.
    pub fn packet(&mut self, packet: &Packet<'_>, sink: &mut dyn Sink) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(u64::from(packet.wire_len));
        self.first.get_or_insert(packet.ts);
        self.last = packet.ts;
        match self.frames.frame(packet) {
            Some(frame) => {
                sink.frame(packet.ts, &frame);
                self.flows.frame(packet.ts, &frame, sink);
            }
            None => {
                if let Some(arp) = self.frames.take_arp() {
                    sink.arp(packet.ts, &arp);
                }
            }
        }
    }

    /// The capture is over: what is open ends.
    pub fn finish(&mut self, sink: &mut dyn Sink) {
        self.flows.finish(sink);
    }

    /// Packets so far.
    pub const fn packets(&self) -> u64 {
        self.packets
    }

    /// Their bytes on the wire.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Microseconds of packet time between the first packet and the last.
    pub fn span(&self) -> u64 {
        self.first.map_or(0, |first| self.last.since(first))
    }

    /// What became of the frames.
    pub const fn frame_counts(&self) -> &FrameCounts {
        self.frames.counts()
    }

    /// What became of the flows.
    pub const fn flow_counts(&self) -> &FlowCounts {
        self.flows.counts()
    }
}
