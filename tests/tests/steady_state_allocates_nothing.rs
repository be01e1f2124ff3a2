//! No allocation per packet in steady state, shown with a counting allocator.

use std::path::Path;

use fieldward_agent::capture::{self, LinkType, Next, Packet, Source};
use fieldward_agent::flow::Transport;
use fieldward_agent::json;
use fieldward_agent::pipeline::{Limits, Pipeline};
use fieldward_agent::protocol::{DECODERS, ProtocolEvent, Sink};
use fieldward_agent::requests::Requests;
use fieldward_shared::time::Timestamp;
use fieldward_tests::capture::{Capture, mix, plant};
use fieldward_tests::stream::{Wire, cut};

/// Renders every event and forgets it.
#[derive(Default)]
struct Rendering {
    line: Vec<u8>,
    events: u64,
}

impl Sink for Rendering {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        self.line.clear();
        json::event(&mut self.line, event);
        self.events += 1;
    }
}

/// Takes events and makes no text of them, as windows and features do, and counts web requests.
#[derive(Default)]
struct Counting {
    events: u64,
    requests: Requests,
}

impl Sink for Counting {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        self.events += u64::from(!event.fields.is_empty());
        self.requests.pass(event.ts.as_secs());
        self.requests.event(event);
    }
}

/// One connection after the other, each with every kind of message, in segments that end anywhere:
/// after a few, neither packets nor connections allocate.
#[test]
fn every_decoder_lives_on_what_it_has() {
    for protocol in DECODERS.iter().filter(|protocol| protocol.transports.contains(&Transport::Tcp)) {
        let Some(port) = protocol.ports.first().copied().or((protocol.name == "modbus_rtu").then_some(4001))
        else {
            continue;
        };
        for size in [usize::MAX, 7, 100] {
            let pieces = cut(&(protocol.sample)(), || size);
            let mut wire: Wire<Counting> = Wire::midstream(port);
            for _ in 0..8 {
                wire.connection(&pieces);
            }
            let events = wire.seen.events;
            let counted = allocation_counter::measure(|| (0..20).for_each(|_| wire.connection(&pieces)));
            assert!(wire.seen.events > events + 20, "{}", protocol.name);
            assert_eq!(counted.count_total, 0, "{} in segments of {size}", protocol.name);
        }
    }
}

/// Thousands of connections, most of them never short of anything: a few buffers meet larger messages
/// than they did before, which per packet is nothing.
#[test]
fn a_second_day_of_a_plant_allocates_next_to_nothing() {
    for (name, capture) in [("plant", plant(3, 30_000)), ("mix", mix(4, 30_000))] {
        let allocations = second_round(name, capture);
        assert!(allocations < 30_000 / 100, "{name}: {allocations} allocations for 30,000 packets");
    }
}

fn second_round(name: &str, capture: Capture) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(format!("{name}.pcap"));
    capture.save(&path).expect("a capture");
    let packets = packets(&path);
    let mut pipeline = Pipeline::new(Limits::default());
    let mut sink = Rendering::default();
    let mut round = |hours: u64| {
        for (ts, wire_len, data) in &packets {
            let ts = ts.plus(hours * 3_600_000_000);
            pipeline.packet(&Packet { ts, link: LinkType::Ethernet, wire_len: *wire_len, data }, &mut sink);
        }
        pipeline.finish(&mut sink);
    };
    round(0);
    round(1);
    let counted = allocation_counter::measure(|| round(2));
    assert!(sink.events > packets.len() as u64, "events came out");
    counted.count_total
}

fn packets(path: &Path) -> Vec<(Timestamp, u32, Vec<u8>)> {
    let mut source = capture::open(path).expect("a capture");
    let mut packets = Vec::new();
    while let Ok(Next::Packet(packet)) = source.next_packet() {
        packets.push((packet.ts, packet.wire_len, packet.data.to_vec()));
    }
    packets
}
