//! What each fuzz target does with its bytes; the corpora are replayed through the same functions in
//! every test run.
//!
//! Every event is rendered as JSON, so that text made on demand is made, and bounds are asserted.

pub mod identity;
pub mod stix;

use fieldward_agent::capture::{FileSource, LinkType, Next, Packet, Source};
use fieldward_agent::flow::{Addr, FlowLimits, Flows};
use fieldward_agent::frame::{Datagram, Frame, FrameLimits, Frames, Payload, Segment};
use fieldward_agent::json;
use fieldward_agent::protocol::{DECODERS, ProtocolEvent, Sink};
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{self, Message};

/// What a target does with its bytes.
pub type Target = fn(&[u8]);

/// Every target with its name, which is also the name of its corpus.
pub static TARGETS: &[(&str, Target)] = &[
    ("csr", identity::csr),
    ("dns", dns),
    ("file", file),
    ("frame", frame),
    ("http", http),
    ("link", link),
    ("identity", identity::identity),
    ("modbus", modbus),
    ("modbus_rtu", modbus_rtu),
    ("mqtt", mqtt),
    ("spool", spool),
    ("stix", stix::stix),
    ("stream", stream),
];

/// Renders every event; what was written must be one line of UTF-8.
#[derive(Default)]
pub struct Rendering {
    line: Vec<u8>,
    /// Events so far.
    pub events: u64,
}

impl Sink for Rendering {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        self.line.clear();
        json::event(&mut self.line, event);
        assert!(std::str::from_utf8(&self.line).is_ok(), "an event is not UTF-8");
        assert_eq!(self.line.iter().filter(|byte| **byte == b'\n').count(), 1, "an event is not one line");
        self.events += 1;
    }
}

/// Any bytes as frames of the link: each is read or refused, and what was read is written the same again.
pub fn link(bytes: &[u8]) {
    let mut rest = bytes;
    while let Some((head, after)) = rest.split_first_chunk::<{ wire::HEAD }>() {
        let Ok((kind, length)) = wire::head(*head) else { return };
        assert!(length <= wire::LONGEST, "a length that is not bounded");
        let Some((body, after)) = after.split_at_checked(length) else { return };
        if let Ok(message) = Message::read(kind, body) {
            let Ok(frame) = message.frame() else { panic!("what was read cannot be written") };
            let again = Message::read(kind, &frame[wire::HEAD..]);
            assert_eq!(
                again.and_then(|again| again.frame()),
                Ok(frame),
                "written otherwise than it was read"
            );
        }
        rest = after;
    }
}

/// Any bytes as a capture file.
pub fn file(bytes: &[u8]) {
    let size = bytes.len();
    let Ok(mut source) = FileSource::read("fuzz", std::io::Cursor::new(bytes.to_vec())) else { return };
    while let Ok(Next::Packet(packet)) = source.next_packet() {
        assert!(packet.data.len() <= size);
    }
}

/// Packets of every link type: `[link, length, bytes…]…`.
pub fn frame(bytes: &[u8]) {
    let mut frames = Frames::new(FrameLimits::default());
    let mut rest = bytes;
    let mut ts = Timestamp::from_micros(1_000_000);
    while let Some((&[link, len], after)) = rest.split_first_chunk::<2>() {
        let (data, after) = after.split_at(usize::from(len).min(after.len()));
        let links = [
            LinkType::Ethernet,
            LinkType::RawIp,
            LinkType::LinuxCooked,
            LinkType::LinuxCooked2,
            LinkType::BsdLoopback,
        ];
        let link_type = links[usize::from(link) % links.len()];
        ts = ts.plus(u64::from(link) * 1000);
        let packet = Packet { ts, link: link_type, wire_len: u32::from(len), data };
        if let Some(frame) = frames.frame(&packet) {
            let data = match frame.payload {
                Payload::Tcp(segment) => segment.data,
                Payload::Udp(datagram) => datagram.data,
            };
            assert!(data.len() <= 65_535);
        }
        rest = after;
    }
}

/// Segments in any order: `[direction and flags, sequence, length, bytes…]…` on a few connections.
pub fn stream(bytes: &[u8]) {
    let limits = FlowLimits { flows: 4, conversations: 3, held_bytes: 4096, ..FlowLimits::default() };
    let mut flows = Flows::new(limits);
    let mut sink = Rendering::default();
    let mut ts = Timestamp::from_micros(1_000_000);
    let mut rest = bytes;
    while let Some((&[shape, flags, high, low, wait, len], after)) = rest.split_first_chunk::<6>() {
        let (data, after) = after.split_at(usize::from(len).min(after.len()));
        let ports = [502, 1883, 53, 80, 8080, 4000];
        let port = ports[usize::from(shape >> 3) % ports.len()];
        // Mostly near the start of the sequence, and across its wrap; sometimes far away.
        let near = u32::from(u16::from_be_bytes([high & 0x0f, low]));
        let seq = if high >= 0xf0 { near << 20 } else { near.wrapping_sub(512) };
        ts = ts.plus(u64::from(wait) << (wait & 15));
        let to_server = shape & 1 == 0;
        let segment = Segment {
            sport: if to_server { 40_000 } else { port },
            dport: if to_server { port } else { 40_000 },
            seq,
            ack: near,
            flags,
            data,
            cut: u32::from(shape & 2),
        };
        flows.frame(ts, &between(to_server, Payload::Tcp(segment)), &mut sink);
        assert!(flows.alive() <= 4);
        rest = after;
    }
    flows.finish(&mut sink);
    assert_eq!(flows.alive(), 0);
}

/// Any bytes as segments and positions of a spool: `[file, length, length, bytes…]…`. It starts, takes a
/// record, and what was found is there to read.
pub fn spool(bytes: &[u8]) {
    use fieldward_agent::spool::{Limits, Spool};
    use fieldward_shared::alert::Severity;
    let folder = tempfile::tempdir().expect("a folder");
    let names =
        ["positions", "low-00000000000000000001.seg", "low-00000000000000000009.seg", "critical-x.seg"];
    let mut rest = bytes;
    while let Some((&[file, high, low], after)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (data, after) = after.split_at(length.min(after.len()));
        let name = names[usize::from(file) % names.len()];
        std::fs::write(folder.path().join(name), data).expect("a file");
        rest = after;
    }
    // However full the disk of this machine is.
    let limits = Limits { segment: 4096, ..Limits::to_the_brim() };
    let (spool, recovery) = match Spool::open(folder.path(), limits) {
        Ok(open) => open,
        Err(error) => return assert!(error.to_string().contains("spool version"), "{error}"),
    };
    spool.put(Severity::Low, b"one more".to_vec());
    assert_eq!(spool.sync().accepted, [1, 0, 0, 0]);
    let mut records = 0;
    for lane in fieldward_agent::spool::LANES {
        let mut reader = spool.reader(lane, 1);
        loop {
            let batch = reader.batch(1).expect("a readable spool");
            records += batch.len() as u64;
            if batch.is_empty() {
                break;
            }
        }
    }
    assert!(records > recovery.records, "{records} of {recovery}");
}

/// A Modbus/TCP conversation.
pub fn modbus(bytes: &[u8]) {
    conversation("modbus", bytes);
}

/// A Modbus RTU conversation over TCP.
pub fn modbus_rtu(bytes: &[u8]) {
    conversation("modbus_rtu", bytes);
}

/// An MQTT conversation.
pub fn mqtt(bytes: &[u8]) {
    conversation("mqtt", bytes);
}

/// A DNS conversation over TCP, then the same pieces as datagrams.
pub fn dns(bytes: &[u8]) {
    conversation("dns", bytes);
    datagrams(53, bytes);
    datagrams(5353, bytes);
}

/// An HTTP conversation.
pub fn http(bytes: &[u8]) {
    conversation("http", bytes);
}

/// Pieces `[direction and loss, length, bytes…]…` as in-order segments after a handshake.
fn conversation(name: &str, bytes: &[u8]) {
    let port = DECODERS.iter().find(|protocol| protocol.name == name).map(|protocol| protocol.ports);
    let port = port.and_then(|ports| ports.first()).copied().unwrap_or(4000);
    let mut flows = Flows::new(FlowLimits::default());
    let mut sink = Rendering::default();
    let mut ts = Timestamp::from_micros(1_000_000);
    let mut seqs = [1_u32, 1];
    let mut send = |flows: &mut Flows, to_server: bool, seq, flags, data| {
        let (sport, dport) = if to_server { (40_000, port) } else { (port, 40_000) };
        let segment = Segment { sport, dport, seq, ack: 0, flags, data, cut: 0 };
        ts = ts.plus(1_000);
        flows.frame(ts, &between(to_server, Payload::Tcp(segment)), &mut sink);
    };
    send(&mut flows, true, 0, 0x02, &[]);
    send(&mut flows, false, 0, 0x12, &[]);
    for (shape, data) in pieces(bytes) {
        let to_server = shape & 1 == 0;
        let seq = &mut seqs[usize::from(to_server)];
        // A lost segment: the sequence goes on, the bytes never come.
        if shape & 0x3e != 0x3e {
            send(&mut flows, to_server, *seq, 0x18, data);
        }
        *seq = seq.wrapping_add(data.len() as u32);
    }
    flows.finish(&mut sink);
}

fn datagrams(port: u16, bytes: &[u8]) {
    let mut flows = Flows::new(FlowLimits::default());
    let mut sink = Rendering::default();
    let mut ts = Timestamp::from_micros(1_000_000);
    for (shape, data) in pieces(bytes) {
        let to_server = shape & 1 == 0;
        let (sport, dport) = if to_server { (40_000, port) } else { (port, 40_000) };
        ts = ts.plus(u64::from(shape) << 12);
        let payload = Payload::Udp(Datagram { sport, dport, data, cut: 0 });
        flows.frame(ts, &between(to_server, payload), &mut sink);
    }
    flows.finish(&mut sink);
}

/// `[shape, length, bytes…]…`
fn pieces(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (&[shape, len], after) = rest.split_first_chunk::<2>()?;
        let (data, after) = after.split_at(usize::from(len).min(after.len()));
        rest = after;
        Some((shape, data))
    })
}

/// The pieces of a conversation in the form that the targets read: seeds for their corpora.
pub fn seed(conversation: &[(fieldward_agent::flow::Direction, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (from, bytes) in conversation {
        for piece in bytes.chunks(255) {
            out.push(u8::from(*from == fieldward_agent::flow::Direction::ToClient));
            out.push(piece.len() as u8);
            out.extend_from_slice(piece);
        }
    }
    out
}

fn between(to_server: bool, payload: Payload<'_>) -> Frame<'_> {
    let (client, server) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
    let (src, dst) = if to_server { (client, server) } else { (server, client) };
    Frame { src, dst, macs: None, vlan: None, ip_len: 40, payload }
}
