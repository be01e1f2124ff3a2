//! On captures whose truth was counted while they were made, what is decoded equals it exactly.

use std::path::Path;

use fieldward_tests::capture::{Capture, PROTOCOLS, Truth, demo, mix, plant, traps};
use fieldward_tests::decoded::{events, lines};
use serde_json::Value;

#[test]
fn every_trap_is_decoded_as_it_was_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Vec::new();
    let mut traps_seen = 0;
    for trap in traps() {
        wrong.extend(compare(trap.name, trap.capture(), folder.path()));
        traps_seen += 1;
    }
    assert!(traps_seen > 150);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn whole_plants_are_decoded_as_they_were_made() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, capture) in [("demo", demo(1)), ("plant", plant(11, 60_000)), ("mix", mix(22, 60_000))] {
        let wrong = compare(name, capture, folder.path());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn a_replay_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mix.pcap");
    mix(5, 20_000).save(&path).expect("a capture");
    assert_eq!(lines(&path), lines(&path));
}

fn compare(name: &str, capture: Capture, folder: &Path) -> Vec<String> {
    let path = folder.join(format!("{name}.pcap"));
    let truth = capture.save(&path).expect("a capture");
    let events = events(&path);
    let mut wrong = Vec::new();
    for proto in PROTOCOLS {
        let mine: Vec<_> = events.iter().filter(|event| event["proto"] == proto).collect();
        let (least, odd) = (truth.count(proto), truth.count(&format!("{proto}.odd")));
        let count = mine.len() as u64;
        if !(least..=least + odd).contains(&count) {
            wrong.push(format!("{name}: {count} {proto} messages, {least} (and {odd} odd) were made"));
        }
        let malformed = mine.iter().filter(|event| event.get("malformed").is_some()).count() as u64;
        let expected = truth.count(&format!("{proto}.malformed"));
        // A decoder may find fault with more than the trap was made for.
        if malformed < expected {
            wrong.push(format!("{name}: {malformed} malformed {proto} messages, {expected} were made"));
        }
    }
    wrong.extend(truth.lists().iter().filter_map(|(key, list)| unlike(name, &truth, key, list, &events)));
    wrong
}

/// What differs between a list of the truth and the values of that field.
fn unlike(name: &str, truth: &Truth, key: &str, list: &[Value], events: &[Value]) -> Option<String> {
    let (proto, field) = key.split_once('.')?;
    let (kind, field) = field.split_once('.').map_or((None, field), |(kind, field)| (Some(kind), field));
    let mut seen: Vec<_> = events
        .iter()
        .filter(|event| event["proto"] == proto && kind.is_none_or(|kind| event["type"] == kind))
        .filter_map(|event| event.get(field).cloned())
        .collect();
    let mut list = list.to_vec();
    // A hole is given up late: the other direction goes on meanwhile.
    if truth.count("tcp.lost") > 0 {
        seen.sort_by_key(Value::to_string);
        list.sort_by_key(Value::to_string);
    }
    let odd = truth.count(&format!("{proto}.odd")) > 0;
    let holds = |seen: &[Value]| {
        let mut rest = seen.iter();
        list.iter().all(|value| rest.any(|seen| seen == value))
    };
    (if odd { !holds(&seen) } else { seen != list })
        .then(|| format!("{name}: {key} is {seen:?}, {list:?} was made"))
}
