//! From packet to finding with every detector loaded, on recorded plants: no allocation per packet,
//! memory that hostile traffic cannot fill, the same findings however a capture is read or cut, and a
//! clock that may jump.

use std::io::{self, BufWriter, Cursor, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::LazyLock;

use fieldward_agent::alert::{Correlator, Loss, Told};
use fieldward_agent::capture::{self, FileSource, LinkType, Next, Packet, Source};
use fieldward_agent::detect::{DETECTORS, Detector, INNATE, Kind};
use fieldward_agent::pipeline::Limits;
use fieldward_agent::watch::Watch;
use fieldward_shared::time::Timestamp;
use fieldward_sim::PLANTS;
use fieldward_sim::config::{Config, Planned};
use fieldward_sim::record::PcapFile;
use fieldward_sim::recording::record;
use fieldward_tests::capture::packet::{self, Segment};

/// Packets of a capture, kept.
type Packets = Vec<(Timestamp, u32, Vec<u8>)>;

/// Every detector's model, learnt from a small plant: long enough for the models of minutes.
static MODELS: LazyLock<Vec<(&Kind, Vec<u8>)>> = LazyLock::new(|| {
    let mut watch = Watch::new(Limits::watching(), DETECTORS.iter().map(|kind| (kind.learn)(3)).collect());
    for (ts, wire_len, data) in &recorded(1, 185.0, &[]) {
        feed(&mut watch, *ts, *wire_len, data);
        watch.findings();
    }
    watch.finish();
    let learnt = DETECTORS.iter().zip(watch.into_detectors());
    let models = learnt.filter_map(|(kind, detector)| {
        let model = detector.learnt();
        // Drift, which finds nothing, learns from a whole day.
        assert!(model.is_some() || kind.name == "drift", "{}", kind.name);
        Some((kind, model?))
    });
    models.collect()
});

fn watching() -> Vec<Box<dyn Detector>> {
    let learnt = MODELS.iter().map(|(kind, bytes)| (kind.load)(bytes).expect(kind.name));
    INNATE.iter().map(|new| new()).chain(learnt).collect()
}

/// A plant of few devices with these attacks.
fn recorded(seed: u64, minutes: f64, attacks: &[&str]) -> Packets {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.pcap");
    record_to(&path, seed, minutes, attacks);
    packets(capture::open(&path).expect("a capture"))
}

fn record_to(path: &Path, seed: u64, minutes: f64, attacks: &[&str]) {
    let mut config = Config::new(PLANTS[0], 5);
    (config.seed, config.events) = (seed, false);
    config.attacks.extend(attacks.iter().map(|attack| Planned::parse(attack).expect("an attack")));
    let file = BufWriter::new(std::fs::File::create(path).expect("a file"));
    let sink = Box::new(PcapFile::new(file, 300).expect("a file"));
    record(&config, minutes, "a.pcap", sink, |_| true).expect("a recording");
}

fn packets(mut source: FileSource) -> Packets {
    let mut packets = Vec::new();
    while let Next::Packet(packet) = source.next_packet().expect("a packet") {
        packets.push((packet.ts, packet.wire_len, packet.data.to_vec()));
    }
    packets
}

fn feed(watch: &mut Watch, ts: Timestamp, wire_len: u32, data: &[u8]) {
    watch.packet(&Packet { ts, link: LinkType::Ethernet, wire_len, data });
}

/// What packets lead to: each finding and each alert as text.
fn told(watch: &mut Watch, packets: impl IntoIterator<Item = (Timestamp, u32, Vec<u8>)>) -> Vec<String> {
    let mut correlator = Correlator::new("plant");
    let (mut all, mut told) = (Vec::new(), Vec::new());
    let mut take = |watch: &mut Watch, before: Option<u64>| {
        watch.drain(|finding, window| {
            all.push(format!("{finding:?}"));
            correlator.find(finding, window, &mut told);
        });
        if let (Some(before), Some(now)) = (before, watch.second())
            && before != now
        {
            correlator.second(now.saturating_sub(1), watch.window(), Loss::default(), &mut told);
        }
        all.extend(told.drain(..).map(|told: Told| format!("{told:?}")));
    };
    for (ts, wire_len, data) in packets {
        let before = watch.second();
        feed(watch, ts, wire_len, &data);
        take(watch, before);
    }
    watch.finish();
    take(watch, None);
    all
}

/// A second and a third morning of a plant that is known: packets allocate nothing, and neither do closed
/// seconds unless there is something to tell.
#[test]
fn a_known_plant_allocates_nothing() {
    let day = recorded(2, 20.0, &[]);
    let mut watch = Watch::new(Limits::watching(), watching());
    let (mut within, mut closing) = (0, 0);
    for round in 0..3 {
        for (ts, wire_len, data) in &day {
            let ts = ts.plus(round * 1_200_000_000);
            let closes = watch.second().is_some_and(|second| ts.as_secs() > second);
            let counted = allocation_counter::measure(|| feed(&mut watch, ts, *wire_len, data));
            let tells = watch.findings().count() > 0;
            match (round, tells, closes) {
                // The same morning again is a repetition, and said to be one.
                (0 | 1, ..) | (_, true, _) => {}
                (_, _, true) => closing += counted.count_total,
                _ => within += counted.count_total,
            }
        }
    }
    assert!(day.len() > 10_000, "{}", day.len());
    assert!(within < day.len() as u64 / 1000, "{within} allocations for {} packets", day.len());
    assert!(closing < 12, "{closing} allocations in 1200 closed seconds");
}

/// A million packets, of which nearly each bears an address, a name, a topic, a path or a register that
/// was never seen.
#[test]
fn hostile_traffic_does_not_fill_memory() {
    LazyLock::force(&MODELS);
    let mut peaks = [0; 2];
    let counted = allocation_counter::measure(|| {
        let mut watch = Watch::new(Limits::watching(), watching());
        let mut correlator = Correlator::new("plant");
        let (mut hostile, mut told) = (Hostile::default(), Vec::new());
        for peak in &mut peaks {
            *peak = allocation_counter::measure(|| {
                for _ in 0..500_000 {
                    let (ts, data) = hostile.next();
                    let before = watch.second();
                    feed(&mut watch, ts, data.len() as u32, data);
                    watch.drain(|finding, window| correlator.find(finding, window, &mut told));
                    if before != watch.second() {
                        let second = ts.as_secs().saturating_sub(1);
                        correlator.second(second, watch.window(), Loss::default(), &mut told);
                    }
                    told.clear();
                }
            })
            .bytes_current;
        }
    });
    assert!(counted.bytes_max < MOST_BYTES, "{} MiB", counted.bytes_max >> 20);
    assert!(peaks[1] < peaks[0] / 4, "it grew by {} KiB, then by {}", peaks[0] >> 10, peaks[1] >> 10);
}

/// What may be allocated when everything is as full as it gets.
const MOST_BYTES: u64 = 128 << 20;

/// Packets of someone who wants to be remembered.
struct Hostile {
    nth: u32,
    chance: fastrand::Rng,
    payload: Vec<u8>,
    transport: Vec<u8>,
    ip: Vec<u8>,
    frame: Vec<u8>,
    /// How far each of three connections has come.
    sent: [u32; 3],
}

impl Default for Hostile {
    fn default() -> Self {
        let chance = fastrand::Rng::with_seed(8);
        let [payload, transport, ip, frame] = [const { Vec::new() }; 4];
        Self { nth: 0, chance, payload, transport, ip, frame, sent: [0; 3] }
    }
}

impl Hostile {
    /// Five thousand a second.
    fn next(&mut self) -> (Timestamp, &[u8]) {
        let word = self.chance.u64(..);
        let anyone = Ipv4Addr::from(self.chance.u32(..) | 1 << 24);
        for part in [&mut self.payload, &mut self.transport, &mut self.ip, &mut self.frame] {
            part.clear();
        }
        let (from, to) = match self.nth % 5 {
            0 => {
                let (from, to) = (SocketAddr::from((anyone, 40_000)), SocketAddr::from(([10, 1, 1, 4], 502)));
                let syn = Segment { seq: 1, ack: 0, flags: 2, window: 9, options: &[], data: &[] };
                packet::tcp(&mut self.transport, from, to, &syn);
                (from, to)
            }
            1 => {
                let (from, to) = (SocketAddr::from((anyone, 5353)), SocketAddr::from(([10, 1, 0, 53], 53)));
                self.payload.extend([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 16]);
                self.payload.extend(format!("{word:016x}").bytes());
                self.payload.extend([2, b'i', b'o', 0, 0, 16, 0, 1]);
                packet::udp(&mut self.transport, from, to, &self.payload);
                (from, to)
            }
            kind => {
                let topic = format!("t/{word:016x}");
                let port = match kind {
                    2 => {
                        let head = [0x31, 2 + topic.len() as u8, 0, topic.len() as u8];
                        self.payload.extend(head.into_iter().chain(topic.bytes()));
                        1883
                    }
                    3 => {
                        let text = format!("GET /{topic}?x=../ HTTP/1.1\r\nHost: a\r\n\r\n");
                        self.payload.extend(text.bytes());
                        80
                    }
                    _ => {
                        let [a, b, c, d, unit, ..] = word.to_le_bytes();
                        self.payload.extend([a, b, 0, 0, 0, 6, unit, 6, c, d, a, c]);
                        502
                    }
                };
                let from = SocketAddr::from(([10, 1, 9, 88], 50_000 + port));
                let to = SocketAddr::from(([10, 1, 1, 5], port));
                let sent = &mut self.sent[kind as usize - 2];
                let data = Segment {
                    seq: sent.wrapping_add(1000),
                    ack: 1,
                    flags: 0x18,
                    window: 9,
                    options: &[],
                    data: &self.payload,
                };
                packet::tcp(&mut self.transport, from, to, &data);
                *sent = sent.wrapping_add(self.payload.len() as u32);
                (from, to)
            }
        };
        let proto = if self.nth % 5 == 1 { 17 } else { 6 };
        packet::ip(&mut self.ip, from.ip(), to.ip(), proto, self.nth as u16, &self.transport);
        packet::ethernet(&mut self.frame, from.ip(), to.ip(), None, &self.ip);
        self.nth += 1;
        (Timestamp::from_micros(1_790_000_000_000_000 + u64::from(self.nth) * 200), &self.frame)
    }
}

/// Gives a few bytes at a time, never as many as are asked for.
struct Odd(Cursor<Vec<u8>>, usize);

impl Read for Odd {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 * 31 % 1021;
        let most = buffer.len().min(1 + self.1);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn the_same_packets_give_the_same_findings_however_they_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.pcap");
    record_to(&path, 4, 9.0, &["port-scan@60", "setpoint-range@200", "syn-flood@330"]);
    let whole = packets(capture::open(&path).expect("a capture"));
    let once = told(&mut Watch::new(Limits::watching(), watching()), whole.clone());
    assert!(once.iter().any(|line| line.starts_with("Raised")) && once.len() > 20, "{}", once.len());
    let twice = told(&mut Watch::new(Limits::watching(), watching()), whole.clone());
    assert!(once == twice, "a second time");
    let bytes = std::fs::read(&path).expect("the file");
    let odd = FileSource::read("-", Odd(Cursor::new(bytes.clone()), 7)).expect("a capture");
    assert!(once == told(&mut Watch::new(Limits::watching(), watching()), packets(odd)), "in odd pieces");
    let pieces = cut(&bytes, &[1, 999, 1000, whole.len() / 2]);
    assert_eq!(pieces.len(), 5);
    let joined = pieces
        .into_iter()
        .flat_map(|piece| packets(FileSource::read("a piece", Cursor::new(piece)).expect("a capture")));
    assert!(once == told(&mut Watch::new(Limits::watching(), watching()), joined), "in several files");
}

/// A pcap file as several, cut after so many packets.
fn cut(bytes: &[u8], after: &[usize]) -> Vec<Vec<u8>> {
    let (head, mut rest) = bytes.split_at(24);
    let (mut pieces, mut packets) = (vec![head.to_vec()], 0);
    while let Some(length) = rest.get(8..12) {
        let length = 16 + u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        if after.contains(&packets) {
            pieces.push(head.to_vec());
        }
        pieces.last_mut().expect("a piece").extend_from_slice(&rest[..length]);
        (rest, packets) = (&rest[length..], packets + 1);
    }
    pieces
}

#[test]
fn the_clock_may_jump() {
    let day = recorded(2, 8.0, &[]);
    let findings = |jump: &dyn Fn(usize, u64) -> u64| {
        let mut watch = Watch::new(Limits::watching(), watching());
        let jumped = day.iter().enumerate().map(|(nth, (ts, wire_len, data))| {
            (Timestamp::from_micros(jump(nth, ts.as_micros())), *wire_len, data.clone())
        });
        let said = told(&mut watch, jumped);
        let raised = said.iter().filter(|line| line.starts_with("Raised")).count();
        (raised, said.len(), watch.window().restarts)
    };
    let half = day.len() / 2;
    let (raised, lines, restarts) = findings(&|_, at| at);
    assert_eq!(restarts, 0);
    for (name, jump) in [("hours forward", 5 * 3600), ("seconds back", -12), ("hours back", -5 * 3600)] {
        let after = |nth, at: u64| if nth < half { at } else { at.saturating_add_signed(jump * 1_000_000) };
        let (then, more, restarts) = findings(&after);
        assert_eq!(restarts, 1, "{name}");
        assert!(then <= raised && more <= lines + 6, "{name}: {then} alerts and {more} lines, not {raised}");
    }
    // Two clocks: every other second is of another day.
    let two = |_, at: u64| if (at / 1_000_000).is_multiple_of(2) { at } else { at - 86_400_000_000 };
    let (then, more, restarts) = findings(&two);
    assert!(restarts > 100, "{restarts}");
    assert!(then <= raised && more <= lines + 60, "{then} alerts, {more} lines");
}
