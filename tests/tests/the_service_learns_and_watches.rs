//! The service of a plant as its user meets it: it learns by itself, watches, raises alerts, keeps them
//! back during maintenance, and loses nothing when it is stopped or something on its disk is damaged. The
//! plant is recorded by the simulator and lent to the service as if it came from a mirror port.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fieldward_agent::capture::{self, CaptureError, Drops, Next, Source};
use fieldward_agent::config::{Config, Learn};
use fieldward_agent::maintenance::Maintenance;
use fieldward_agent::service::status::{State, Status};
use fieldward_agent::service::{self, ServiceError};
use fieldward_agent::spool::{LANES, Limits, Spool};
use fieldward_shared::service::Notify;
use fieldward_shared::time::Timestamp;
use fieldward_sim::PLANTS;
use fieldward_sim::config::{Config as Plant, Planned};
use fieldward_sim::record::PcapFile;
use fieldward_sim::recording::record;

const MINUTE: u64 = 60_000_000;

/// Something that happens before the first packet of a time since the beginning; the plant waits until
/// it answers yes.
type Gate = (u64, Box<dyn FnMut() -> bool + Send>);

/// A recording that is lent as if it were live.
struct AsIfLive {
    file: capture::FileSource,
    /// The next packet, once it was read.
    next: Option<(Timestamp, capture::LinkType, u32)>,
    data: Vec<u8>,
    first: Option<Timestamp>,
    gates: Vec<Gate>,
    /// From when on the clock of the capturing machine is wrong, and by how much.
    shift: (u64, i64),
    /// Packets that the kernel is said to have lost.
    lost: u64,
}

impl Source for AsIfLive {
    fn next_packet(&mut self) -> Result<Next<'_>, CaptureError> {
        if self.next.is_none() {
            let Next::Packet(packet) = self.file.next_packet()? else { return Ok(Next::End) };
            self.next = Some((packet.ts, packet.link, packet.wire_len));
            self.data = packet.data.to_vec();
        }
        let Some((ts, link, wire_len)) = self.next else { return Ok(Next::End) };
        let since = ts.since(*self.first.get_or_insert(ts));
        if let Some((at, gate)) = self.gates.first_mut()
            && since >= *at
        {
            if gate() {
                drop(self.gates.remove(0));
            } else {
                // The others need the processor to come so far.
                std::thread::park_timeout(Duration::from_millis(10));
            }
            return Ok(Next::Idle);
        }
        self.next = None;
        let shift = if since >= self.shift.0 { self.shift.1 } else { 0 };
        let ts = Timestamp::from_micros(ts.as_micros().saturating_add_signed(shift));
        Ok(Next::Packet(capture::Packet { ts, link, wire_len, data: &self.data }))
    }

    fn drops(&mut self) -> Drops {
        Drops { kernel: self.lost, ..Drops::default() }
    }
}

/// A folder with everything the service needs, and what it told.
struct Site {
    folder: tempfile::TempDir,
    stop: Arc<AtomicBool>,
    shift: (u64, i64),
    lost: u64,
}

impl Site {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            stop: Arc::default(),
            shift: (u64::MAX, 0),
            lost: 0,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Minutes of a small plant, with an attack.
    fn record(&self, seed: u64, minutes: f64, attack: &[&str]) -> PathBuf {
        let path = self.path(&format!("{seed}.pcap"));
        let mut plant = Plant::new(PLANTS[0], 6);
        (plant.seed, plant.events) = (seed, false);
        plant.attacks = attack.iter().map(|one| Planned::parse(one).expect("an attack")).collect();
        let file = std::io::BufWriter::new(fs::File::create(&path).expect("a file"));
        let sink = Box::new(PcapFile::new(file, 65_535).expect("a file"));
        record(&plant, minutes, "plant", sink, |_| true).expect("a recording");
        path
    }

    /// Runs the service on a recording until it ends or is stopped.
    fn run(&mut self, capture: &Path, hours: f64, gates: Vec<Gate>) -> Result<Status, ServiceError> {
        let config = Config {
            facility_id: "north".to_owned(),
            interface: "recorded".to_owned(),
            filter: String::new(),
            snaplen: 65_535,
            buffer_mib: 64,
            model: self.path("model"),
            spool: self.path("spool"),
            state: Some(self.path("state")),
            spool_mib: 1024,
            spool_free_percent: 0,
            redis_url: None,
            aggregator: None,
            aggregator_tcp_port: None,
            aggregator_name: None,
            identity: None,
            learn: Learn { least_hours: hours, most_hours: hours, ..Learn::default() },
            privacy: fieldward_agent::round::Privacy::default(),
        };
        let source = AsIfLive {
            file: capture::open(capture).expect("a capture"),
            next: None,
            data: Vec::new(),
            first: None,
            gates,
            shift: self.shift,
            lost: self.lost,
        };
        // Only what this run told.
        drop(fs::remove_dir_all(&config.spool));
        service::run(&config, Box::new(source), &self.stop, &Notify::default())
    }

    /// Alerts that were told with this word.
    fn alerts(&self, word: &str) -> Vec<serde_json::Value> {
        let (spool, _) = Spool::open(&self.path("spool"), Limits::to_the_brim()).expect("the spool");
        let records = LANES.into_iter().rev().flat_map(|lane| {
            let mut reader = spool.reader(lane, 1);
            std::iter::from_fn(move || {
                Some(reader.batch(1 << 20).expect("records")).filter(|all| !all.is_empty())
            })
        });
        let told = records
            .flatten()
            .map(|record| serde_json::from_slice::<serde_json::Value>(&record.bytes).expect("JSON"));
        told.filter(|one| one["told"] == word).map(|one| one["alert"].clone()).collect()
    }

    /// A gate that opens when the service says that it is in this state.
    fn until(&self, state: State) -> Box<dyn FnMut() -> bool + Send> {
        let (path, begun) = (self.path("state"), Instant::now());
        Box::new(move || {
            assert!(begun.elapsed() < Duration::from_secs(300), "the service is never {state}");
            Status::read(&path).is_ok_and(|status| status.state == state)
        })
    }

    /// A gate that stops the service.
    fn stops(&self) -> Box<dyn FnMut() -> bool + Send> {
        let stop = self.stop.clone();
        Box::new(move || {
            stop.store(true, Ordering::Relaxed);
            false
        })
    }

    /// With a plant that was learnt; once for all stories.
    fn learnt() -> Self {
        let (model, site) = (MODEL.get_or_init(learn), Self::new());
        fs::create_dir_all(site.path("model")).expect("a folder");
        for (name, bytes) in model {
            fs::write(site.path("model").join(name), bytes).expect("a file");
        }
        fs::create_dir_all(site.path("state")).expect("a folder");
        site
    }
}

/// The files of a model.
type Model = Vec<(std::ffi::OsString, Vec<u8>)>;

static MODEL: std::sync::OnceLock<Model> = std::sync::OnceLock::new();

/// Learns a plant as the service does, from the capture on.
fn learn() -> Model {
    let mut site = Site::new();
    let calm = site.record(1, 8.0, &[]);
    let until = site.until(State::Watching);
    let status = site.run(&calm, LEARNT, vec![(7 * MINUTE, until)]).expect("the service");
    assert_eq!(status.state, State::Stopped);
    let files = fs::read_dir(site.path("model")).expect("a model").flatten();
    files.map(|file| (file.file_name(), fs::read(file.path()).expect("a file"))).collect()
}

/// Everything that was raised was closed.
fn nothing_is_open(site: &Site) {
    let ids = |word| {
        let mut ids: Vec<_> = site.alerts(word).iter().map(|alert| alert["id"].to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids("raised"), ids("closed"));
}

#[test]
fn a_first_start_learns_then_watches_then_raises() {
    let mut site = Site::new();
    let capture = site.record(1, 11.0, &["unit-sweep@510"]);
    let until = site.until(State::Watching);
    let status = site.run(&capture, LEARNT, vec![(7 * MINUTE, until)]).expect("the service");
    assert!(site.path("model/baseline.txt").exists() && site.path("model/forest.bin").exists());
    assert!(!site.path("state/learning/elapsed.json").exists(), "what is learnt is not learnt again");
    assert_eq!(status.models[..3], ["web", "baseline", "forest"]);
    assert!(status.refused.iter().any(|said| said.starts_with("pca: not learnt")), "{:?}", status.refused);
    assert!(!site.alerts("raised").is_empty() && status.alerts.values().sum::<u64>() > 0, "{status}");
    assert_eq!(status.network_data.expect("a second").facility_id, "north");
    nothing_is_open(&site);
}

#[test]
fn a_start_with_a_model_watches_at_once_and_a_damaged_one_is_said() {
    let mut site = Site::learnt();
    fs::write(site.path("model/forest.bin"), b"something else\n").expect("a file");
    let capture = site.record(2, 3.0, &["unit-sweep@90"]);
    let status = site.run(&capture, LEARNT, Vec::new()).expect("the service");
    assert!(!site.alerts("raised").is_empty(), "{status}");
    assert!(status.refused.iter().any(|said| said.contains("forest.bin: this is no Fieldward model")));
    assert_eq!(fs::read(site.path("model/forest.bin")).expect("a file"), b"something else\n");
    nothing_is_open(&site);
    // Live or replayed: the same alerts.
    let again: Vec<_> = site.alerts("closed");
    site.run(&capture, LEARNT, Vec::new()).expect("the service");
    assert_eq!(again, site.alerts("closed"));
}

#[test]
fn maintenance_keeps_alerts_back_and_a_bad_file_does_not() {
    let mut site = Site::learnt();
    let capture = site.record(2, 3.0, &["unit-sweep@90"]);
    let work = Maintenance {
        from: Timestamp::default().plus(1),
        until: Timestamp::default().plus(168 * 60 * MINUTE),
        hosts: std::collections::BTreeSet::new(),
        learn: false,
        reason: "new pump".to_owned(),
    };
    let first = {
        let mut source = capture::open(&capture).expect("a capture");
        let Ok(Next::Packet(packet)) = source.next_packet() else { panic!("a packet") };
        packet.ts
    };
    let work = Maintenance { from: first, until: first.plus(60 * MINUTE), ..work };
    work.write(&site.path("state")).expect("a file");
    let status = site.run(&capture, LEARNT, Vec::new()).expect("the service");
    assert!(status.alerts.is_empty() && status.kept_in_maintenance > 0, "{status}");
    for alert in site.alerts("raised") {
        assert_eq!((&alert["severity"], &alert["maintenance"]), (&"low".into(), &"new pump".into()));
    }
    nothing_is_open(&site);

    // It ends by itself, here before the attack; and it is about other hosts, here.
    let over = Maintenance { until: first.plus(MINUTE), ..work.clone() };
    let elsewhere = Maintenance { hosts: ["10.99.0.1".parse().expect("an address")].into(), ..work.clone() };
    for other in [over, elsewhere] {
        other.write(&site.path("state")).expect("a file");
        let status = site.run(&capture, LEARNT, Vec::new()).expect("the service");
        assert!(!status.alerts.is_empty(), "{status}");
    }
    fs::write(site.path("state/maintenance.json"), b"{\"from\": 3}").expect("a file");
    let status = site.run(&capture, LEARNT, Vec::new()).expect("the service");
    assert!(!status.alerts.is_empty() && status.maintenance_refused == 1, "{status}");

    // What is done in maintenance may be learnt: the same is no news then.
    let facts = || fs::read_to_string(site.path("model/baseline.txt")).expect("a baseline").lines().count();
    let before = facts();
    Maintenance { learn: true, ..work }.write(&site.path("state")).expect("a file");
    let path = site.path("state");
    let learning = site.run(&capture, LEARNT, Vec::new()).expect("the service");
    assert!(learning.kept_in_maintenance > 0);
    Maintenance::remove(&path).expect("no maintenance");
    let after = fs::read_to_string(site.path("model/baseline.txt")).expect("a baseline").lines().count();
    assert!(after > before, "{before} facts, then {after}");
    let status = site.run(&capture, LEARNT, Vec::new()).expect("the service");
    assert!(status.alerts.is_empty(), "{status}");
}

#[test]
fn learning_goes_on_after_a_stop() {
    let mut site = Site::new();
    let capture = site.record(1, 6.0, &[]);
    let gates = vec![(3 * MINUTE, site.stops())];
    let status = site.run(&capture, 1.0, gates).expect("the service");
    assert_eq!(status.state, State::Stopped);
    let first = status.learning.expect("learning").hours;
    assert!((0.045..0.055).contains(&first), "{first}");
    assert!(!site.path("model").exists());
    let before = fs::read_to_string(site.path("state/learning/baseline.txt")).expect("a book");
    site.stop.store(false, Ordering::Relaxed);
    let status = site.run(&capture, 1.0, Vec::new()).expect("the service");
    let second = status.learning.expect("learning").hours;
    assert!((0.14..0.16).contains(&second), "{second}");
    let book = fs::read_to_string(site.path("state/learning/baseline.txt")).expect("a book");
    assert!(book.lines().count() >= before.lines().count());
    // Damage begins anew, and is no reason not to start.
    fs::write(site.path("state/learning/baseline.txt"), b"\xff\xfe").expect("a file");
    let status = site.run(&capture, 1.0, Vec::new()).expect("the service");
    assert!((0.09..0.11).contains(&status.learning.expect("learning").hours));
}

#[test]
fn a_stop_in_the_middle_of_an_attack_loses_no_alert() {
    let mut site = Site::learnt();
    let capture = site.record(2, 3.0, &["unit-sweep@90"]);
    site.run(&capture, LEARNT, Vec::new()).expect("the service");
    let mut raised = site.alerts("raised");
    raised.sort_by_key(|alert| alert["timestamp"].to_string());
    let at = Timestamp::parse_rfc3339(raised[0]["timestamp"].as_str().expect("a time")).expect("a time");
    let mut source = capture::open(&capture).expect("a capture");
    let Ok(Next::Packet(packet)) = source.next_packet() else { panic!("a packet") };
    let since = at.since(packet.ts) + 2_000_000;
    let gates = vec![(since, site.stops())];
    let status = site.run(&capture, LEARNT, gates).expect("the service");
    assert_eq!(status.state, State::Stopped);
    assert!(status.packet_time < at.plus(2_000_001));
    assert!(site.alerts("raised").contains(&raised[0]));
    nothing_is_open(&site);
}

#[test]
fn a_clock_that_is_set_and_packets_that_were_lost_are_told() {
    let mut site = Site::learnt();
    let capture = site.record(2, 3.0, &["unit-sweep@120"]);
    for hours in [-3, 3] {
        site.shift = (MINUTE, hours * 60 * MINUTE.cast_signed());
        let status = site.run(&capture, LEARNT, Vec::new()).expect("the service");
        assert_eq!(status.clock_restarts, 1);
        assert!(!status.alerts.is_empty(), "{hours} hours: {status}");
        nothing_is_open(&site);
    }
    site.shift = (u64::MAX, 0);
    site.lost = 1000;
    let status = site.run(&capture, LEARNT, Vec::new()).expect("the service");
    assert_eq!(status.kernel_drops, 1000);
    assert!(status.loss_share > 0.01, "{status}");
}

/// Hours of learning: six minutes.
const LEARNT: f64 = 0.1;
