//! What the simulator records is what its labels say, and what decoders read: every message well formed,
//! as many for us as for tshark, every packet of an intruder inside the interval of its label, and the
//! same bytes from the same seed.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use fieldward_shared::time::Timestamp;
use fieldward_sim::config::{Config, Planned};
use fieldward_sim::record::{PcapFile, Sink};
use fieldward_sim::recording::{Recording, record};
use fieldward_sim::{ATTACKS, CAMPAIGNS, EVENTS, Kind, PLANTS};
use fieldward_tests::agreement::{fieldward, has_tshark, malformed, tshark};
use fieldward_tests::decoded::events;

#[test]
fn decoders_read_every_recording_without_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    for kind in PLANTS {
        let path = folder.path().join(format!("{}.pcap", kind.name));
        let config = eventful(kind);
        save(&config, 26.0, &path);
        // The few attacks that send what no decoder can like say so.
        let odd: Vec<_> =
            events(&path).into_iter().filter(|event| event.get("malformed").is_some()).collect();
        assert!(odd.is_empty(), "{}: {} malformed events, first {}", kind.name, odd.len(), odd[0]);
        if !has_tshark() {
            eprintln!("SKIPPED: the comparison with tshark (make setup installs it)");
            continue;
        }
        assert_eq!(malformed(&path), 0, "{}: tshark calls packets malformed", kind.name);
        let (theirs, ours) = (tshark(&path), fieldward(&path));
        for name in ["modbus", "mqtt", "dns", "http"] {
            let of = |bag: &fieldward_tests::agreement::Bag| {
                let mut list: Vec<_> = bag
                    .iter()
                    .filter(|((n, _), _)| *n == name)
                    .map(|((_, key), count)| (key.clone(), *count))
                    .collect();
                list.sort();
                list
            };
            let (theirs, ours) = (of(&theirs), of(&ours));
            let differ: Vec<_> = theirs.iter().filter(|one| !ours.contains(one)).take(5).collect();
            assert!(theirs == ours, "{}: {name} differs: tshark has {differ:?}", kind.name);
            assert!(!ours.is_empty(), "{}: no {name}", kind.name);
        }
    }
}

#[test]
fn nothing_of_an_intruder_lies_outside_its_label() {
    for kind in PLANTS {
        let config = eventful(kind);
        let kept = Rc::new(RefCell::new(Vec::new()));
        let recording = run(&config, 26.0, Box::new(Seen { kept: kept.clone() }));
        let labels = &recording.labels.attacks;
        assert!(
            labels.len() >= ATTACKS.len(),
            "{}: {} of {} attacks",
            kind.name,
            labels.len(),
            ATTACKS.len()
        );
        let inside = |at: f64| labels.iter().any(|label| (label.start..=label.end).contains(&at));
        let mut seen = 0;
        for (at, tag, stranger) in kept.borrow().iter() {
            let at = at.as_micros() as f64 / 1e6;
            assert!(
                !*stranger || *tag != 0,
                "{}: an intruder's packet at {at} belongs to no attack",
                kind.name
            );
            if *tag != 0 {
                assert!(inside(at), "{}: a packet of attack {tag} at {at} lies in no interval", kind.name);
                seen += 1;
            }
        }
        assert_eq!(seen, labels.iter().map(|label| label.packets).sum::<u64>());
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let kind = PLANTS[0];
    let bytes = |config: &Config, name: &str| {
        let path = folder.path().join(name);
        save(config, 26.0, &path);
        std::fs::read(path).expect("a capture")
    };
    let config = eventful(kind);
    let one = bytes(&config, "one.pcap");
    assert!(one == bytes(&config, "other.pcap"), "two recordings of one seed differ");
    let seeded = Config { seed: 9, ..config.clone() };
    assert!(one != bytes(&seeded, "seeded.pcap"), "the seed changes nothing");
}

#[test]
fn an_attack_changes_nothing_before_it_begins() {
    let quiet = collect(&Config::new(PLANTS[0], 12));
    let mut config = Config::new(PLANTS[0], 12);
    config.attacks.push(Planned::parse("setpoint-range@120").expect("an attack"));
    let attacked = collect(&config);
    let begins = attacked.iter().position(|(_, tag, _)| *tag != 0).expect("the attack");
    assert_eq!(quiet[..begins], attacked[..begins]);
    assert!(begins > 1000);
}

#[test]
fn a_recording_that_is_interrupted_is_shorter_and_as_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.pcap");
    let file = io::BufWriter::new(std::fs::File::create(&path).expect("a file"));
    let sink = Box::new(PcapFile::new(file, 65_535).expect("a file"));
    let recording =
        record(&Config::new(PLANTS[0], 12), 60.0, "a.pcap", sink, |share| share < 0.1).expect("a recording");
    assert!((359.0..361.0).contains(&recording.labels.seconds()), "{}", recording.labels.seconds());
    let events = events(&path);
    assert!(events.len() > 1000 && events.iter().all(|event| event.get("malformed").is_none()));
}

#[test]
fn every_step_of_every_campaign_exists() {
    for campaign in CAMPAIGNS {
        for step in campaign.steps {
            assert!(step.attack().is_some(), "{}: no {} {}", campaign.name, step.attack, step.variant);
        }
    }
}

/// A plant in which every attack and every event happens within 26 minutes.
fn eventful(kind: &'static Kind) -> Config {
    let mut config = Config::new(kind, 20);
    config.events = false;
    config.loss = 0.001;
    // A backup is gigabytes without a message in them.
    for (nth, event) in EVENTS.iter().filter(|event| event.name != "backup").enumerate() {
        config.planned.push((event, 10.0 + nth as f64 * 15.0));
    }
    for (nth, attack) in ATTACKS.iter().enumerate() {
        let at = 20.0 + nth as f64 * 35.0;
        config.attacks.push(Planned::parse(&format!("{}::fast@{at}", attack.name)).expect("an attack"));
    }
    config
}

fn save(config: &Config, minutes: f64, path: &Path) -> Recording {
    let file = io::BufWriter::new(std::fs::File::create(path).expect("a file"));
    run(config, minutes, Box::new(PcapFile::new(file, 65_535).expect("a file")))
}

fn run(config: &Config, minutes: f64, sink: Box<dyn Sink>) -> Recording {
    record(config, minutes, "a.pcap", sink, |_| true).expect("a recording")
}

fn collect(config: &Config) -> Vec<(Timestamp, u16, bool)> {
    let kept = Rc::new(RefCell::new(Vec::new()));
    run(config, 3.0, Box::new(Seen { kept: kept.clone() }));
    kept.take()
}

/// Keeps of each packet its time, its tag, and whether it is to or from an intruder.
struct Seen {
    kept: Rc<RefCell<Vec<(Timestamp, u16, bool)>>>,
}

impl Sink for Seen {
    fn packet(&mut self, at: Timestamp, bytes: &[u8], tag: u16) -> io::Result<()> {
        // The address of the intruder's host ends in .9.88; addresses of IPv4 stand at 26 and 30.
        let stranger =
            bytes[12..14] == [8, 0] && [28, 32].iter().any(|place| bytes[*place..place + 2] == [9, 88]);
        self.kept.borrow_mut().push((at, tag, stranger));
        Ok(())
    }
}
