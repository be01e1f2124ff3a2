//! A capture through the whole decode path, in this process.

use std::path::Path;

use fieldward_agent::capture::{self, Next, Source};
use fieldward_agent::json;
use fieldward_agent::pipeline::{Limits, Pipeline};
use fieldward_agent::protocol::{ProtocolEvent, Sink};
use serde_json::Value;

/// Keeps every event as JSON text.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Sink for Lines {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        json::event(&mut self.0, event);
    }
}

/// Every event of a capture file, one JSON object a line; a damaged file gives those before the damage.
pub fn lines(path: &Path) -> String {
    let mut sink = Lines::default();
    let mut pipeline = Pipeline::new(Limits::default());
    if let Ok(mut source) = capture::open(path) {
        while let Ok(Next::Packet(packet)) = source.next_packet() {
            pipeline.packet(&packet, &mut sink);
        }
    }
    pipeline.finish(&mut sink);
    String::from_utf8(sink.0).expect("events are UTF-8")
}

/// Every event of a capture file.
pub fn events(path: &Path) -> Vec<Value> {
    lines(path).lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect()
}
