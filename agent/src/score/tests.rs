//! Small cases, each of a rule of the definition.

use super::*;

fn alert(at: f64, ids: &[&str], addresses: &[&str], severity: u8) -> Scored {
    Scored {
        at,
        ids: ids.iter().map(|id| (*id).to_owned()).collect(),
        addresses: addresses.iter().map(|one| (*one).to_owned()).collect(),
        severity,
    }
}

fn labels(text: &str) -> Labels {
    serde_json::from_str(text).unwrap()
}

const TWO: &str = r#"{"capture_start": 0, "capture_end": 3600, "attacks": [
  {"start": 100, "end": 200, "name": "scan", "technique": "T0846", "acceptable": ["T0888"], "grade": "A",
   "kind": "fast", "src": "10.0.0.9", "dst": ["10.0.1.0/24"]},
  {"start": 400, "end": 450, "name": "drift", "technique": "T0855", "technique_v19": "T1692.001",
   "kind": "context", "src": ["10.0.0.8"], "dst": null}],
  "ignore": [{"start": 600, "end": 700}], "benign": [{"start": 1000, "end": 1100, "name": "laptop"}]}"#;

#[test]
fn an_attack_is_detected_by_time_and_addresses() {
    let alerts = [
        alert(99.2, &["T0888", "T0846"], &["10.0.0.9", "10.0.1.77"], 2),
        alert(431.0, &["T1692.001"], &["10.0.0.8"], 3),
    ];
    let score = score(&alerts, &labels(TWO));
    let [scan, drift] = score.attacks.as_slice() else { panic!("{score:?}") };
    assert!(scan.detected && scan.in_time);
    assert_eq!((scan.delay, scan.strict, scan.accepted), (Some(0.0), (false, true), (true, true)));
    assert!(drift.detected && !drift.in_time, "31 s after the start");
    assert_eq!(drift.strict, (true, true), "the id of v19 is the same technique");
    assert_eq!((score.matched, score.false_alerts.len()), (2, 0));
    assert_eq!(score.normal, 3600.0 - 131.0 - 81.0 - 100.0);
}

#[test]
fn alerts_elsewhere_are_false_stray_or_ignored() {
    let alerts = [
        alert(150.0, &["T0846"], &["10.0.0.9", "10.0.2.1"], 2),
        alert(650.0, &[], &["10.0.0.9"], 2),
        alert(1010.0, &["T0846"], &["10.0.0.7"], 2),
        alert(1050.0, &["T0846"], &["10.0.0.7"], 2),
        alert(3000.0, &["T0846"], &["10.0.0.7"], 2),
    ];
    let score = score(&alerts, &labels(TWO));
    assert!(score.attacks.iter().all(|attack| !attack.detected));
    assert_eq!((score.stray, score.ignored), (1, 1));
    assert_eq!((score.false_alerts.as_slice(), score.false_incidents), (&[2, 3, 4][..], 2));
    assert_eq!(score.benign, [("laptop".to_owned(), 2)]);
}

#[test]
fn the_next_attack_of_the_same_pair_takes_over() {
    let text = r#"{"attacks": [
      {"start": 100, "end": 110, "name": "one", "src": "10.0.0.9", "dst": "10.0.0.1", "kind": "context"},
      {"start": 120, "end": 130, "name": "two", "src": "10.0.0.9", "dst": "10.0.0.2"}]}"#;
    let both = ["10.0.0.1", "10.0.0.2", "10.0.0.9"];
    let score = score(&[alert(121.0, &[], &both, 2)], &labels(text));
    assert_eq!(score.attacks.iter().map(|attack| attack.alerts).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(score.attacks[0].grade, "C");
}

#[test]
fn graver_alerts_name_first_and_victims_alone_are_enough() {
    let alerts =
        [alert(101.0, &["T0801"], &["10.0.1.5"], 1), alert(102.0, &["T0846"], &["10.0.1.5", "10.0.1.6"], 3)];
    let scan = &score(&alerts, &labels(TWO)).attacks[0];
    assert_eq!(scan.named, ["T0846", "T0801"]);
    assert_eq!((scan.alerts, scan.delay), (2, Some(1.0)));
}

#[test]
fn a_parent_is_its_child_but_siblings_are_not_the_same() {
    for (one, other, same) in [
        ("T0846", "T0846.001", true),
        ("T0846.002", "T0846.001", false),
        ("T0855", "T1692.001", true),
        ("T0855", "T0856", false),
        ("T0855", "T1692", true),
    ] {
        assert_eq!(labels::is_same(one, other), same, "{one} {other}");
    }
}
