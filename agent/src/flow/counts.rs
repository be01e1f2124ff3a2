//! What the flow layer saw, and what it had to let go.

/// Counters since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlowCounts {
    /// Flows seen.
    pub flows: u64,
    /// TCP connections among them.
    pub tcp_flows: u64,
    /// UDP flows among them.
    pub udp_flows: u64,
    /// Flows that ended early because a table was full.
    pub evicted_flows: u64,
    /// Holes that were never filled.
    pub gaps: u64,
    /// Bytes that were missing in them.
    pub missed_bytes: u64,
    /// Segments that brought nothing new.
    pub retransmissions: u64,
    /// Segments that came before their turn.
    pub out_of_order: u64,
    /// Bytes that came twice and differed.
    pub overlaps: u64,
    /// Segments far from where their connection stands.
    pub out_of_window: u64,
    /// Segments that could not be kept because the buffers were full.
    pub reorder_full: u64,
    /// Messages that outgrew what may be held for one.
    pub overfull_messages: u64,
    /// Decoders that panicked: a fault of ours, which cost its flow.
    pub decoder_panics: u64,
    /// Times that unfinished messages were dropped because all flows together held too much.
    pub held_full: u64,
    /// Times that packet time went back by more than a minute.
    pub clock_set_back: u64,
}

impl FlowCounts {
    /// Every counter with its name.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("flows", self.flows),
            ("tcp_flows", self.tcp_flows),
            ("udp_flows", self.udp_flows),
            ("evicted_flows", self.evicted_flows),
            ("gaps", self.gaps),
            ("missed_bytes", self.missed_bytes),
            ("retransmissions", self.retransmissions),
            ("out_of_order", self.out_of_order),
            ("overlaps", self.overlaps),
            ("out_of_window", self.out_of_window),
            ("reorder_full", self.reorder_full),
            ("overfull_messages", self.overfull_messages),
            ("decoder_panics", self.decoder_panics),
            ("held_full", self.held_full),
            ("clock_set_back", self.clock_set_back),
        ]
        .into_iter()
    }
}
