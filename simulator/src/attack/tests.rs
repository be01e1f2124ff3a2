//! Holds for every attack, in every variant and at every intensity.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;

use fieldward_shared::time::Timestamp;

use super::Scene;
use super::{ATTACKS, Attack, Technique};
use crate::config::{Config, Planned};
use crate::plant::Plant;
use crate::record::Sink;
use crate::recording::record;
use crate::stage::Intensity;

#[test]
fn they_are_listed_in_order_and_named_alike() {
    let names: Vec<_> = ATTACKS.iter().map(|attack| attack.name).collect();
    assert!(names.is_sorted_by(|one, other| one < other), "{names:?}");
    for attack in ATTACKS {
        for name in [attack.name].iter().chain(attack.variants) {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(!name.is_empty() && name.bytes().all(plain), "{}: {name}", attack.name);
            assert!(!name.starts_with('-') && !name.ends_with('-'), "{}: {name}", attack.name);
        }
        let variants: BTreeSet<_> = attack.variants.iter().collect();
        assert!(!variants.is_empty() && variants.len() == attack.variants.len(), "{}", attack.name);
        assert!(attack.seconds.is_sorted_by(|slow, fast| slow > fast), "{}", attack.name);
        assert!(["A", "B", "C"].contains(&attack.grade), "{}", attack.name);
        assert!(["fast", "context"].contains(&attack.kind), "{}", attack.name);
    }
}

#[test]
fn techniques_have_both_their_ids() {
    for attack in ATTACKS {
        let Technique { id, v19 } = attack.technique;
        assert!(is_id(id), "{}: {id}", attack.name);
        let moved = MOVED.iter().find(|(old, _)| *old == id).map_or(id, |(_, new)| new);
        // Version 19 also divided some: a scan of ports is a part of remote system discovery.
        let divided = v19.strip_prefix(moved).is_some_and(|part| part.is_empty() || part.starts_with(".00"));
        assert!(divided, "{}: {v19} for {id}", attack.name);
        for acceptable in attack.acceptable {
            let known = is_id(acceptable) || MOVED.iter().any(|(_, new)| new == acceptable);
            assert!(known, "{}: {acceptable}", attack.name);
            assert!(![id, v19].contains(acceptable), "{}: {acceptable} goes without saying", attack.name);
            // Who accepts the one id of a technique accepts the other.
            if let Some((old, new)) = MOVED.iter().find(|(old, new)| [old, new].contains(&acceptable))
                && *old != id
            {
                for other in [old, new] {
                    assert!(attack.acceptable.contains(other), "{}: {other} is missing", attack.name);
                }
            }
        }
    }
}

/// The smallest plant has one controller and one gateway: whatever is chosen by chance must be there.
#[test]
fn each_plays_slowly_in_the_smallest_plant() {
    each(|attack, variant| check(attack, variant, Intensity::Slow, 5));
}

#[test]
fn each_plays_in_the_smallest_plant() {
    for intensity in [Intensity::Medium, Intensity::Fast] {
        each(|attack, variant| check(attack, variant, intensity, 5));
    }
}

#[test]
fn each_plays_fast_in_a_larger_plant() {
    each(|attack, variant| check(attack, variant, Intensity::Fast, 30));
}

#[test]
fn each_plays_as_usual_in_a_larger_plant() {
    for attack in ATTACKS {
        check(attack, attack.variants[0], Intensity::Medium, 30);
    }
}

fn each(play: impl Fn(&'static Attack, &'static str)) {
    for attack in ATTACKS {
        for variant in attack.variants {
            play(attack, variant);
        }
    }
}

/// When packets of each tag were seen: first, last, how many.
type Seen = Rc<RefCell<BTreeMap<u16, (u64, u64, u64)>>>;

struct Count(Seen);

impl Sink for Count {
    fn packet(&mut self, at: Timestamp, _: &[u8], tag: u16) -> io::Result<()> {
        let at = at.as_micros();
        let mut seen = self.0.borrow_mut();
        let (_, last, count) = seen.entry(tag).or_insert((at, at, 0));
        (*last, *count) = (at, *count + 1);
        Ok(())
    }
}

/// Records an attack alone: it has a label, the label holds all its packets, and it ends in time.
fn check(attack: &'static Attack, variant: &'static str, intensity: Intensity, devices: usize) {
    let what = format!("{}:{variant}:{} among {devices}", attack.name, intensity.name());
    let seconds = attack.seconds[Intensity::ALL.iter().position(|one| *one == intensity).unwrap()];
    let most = f64::from(seconds) * 1.25;
    let kind = Plant::kind("water").unwrap();
    let mut config = Config::new(kind, devices);
    config.events = false;
    config.attacks.push(Planned { scene: Scene::Attack { attack, variant, intensity }, at: BEGIN, line: 0 });
    let seen = Seen::default();
    let sink = Box::new(Count(seen.clone()));
    // Long enough to see whether something goes on when it should have ended.
    let minutes = (BEGIN + most + 12.0) / 60.0;
    let recording = record(&config, minutes, "test", sink, |_| true).unwrap();
    let [label] = &recording.labels.attacks[..] else { panic!("{what}: no label") };
    let seen = seen.borrow();
    assert!(seen.keys().all(|tag| [0, 1].contains(tag)), "{what}: {:?}", seen.keys());
    let (first, last, count) = seen[&1];
    let (first, last) = (first as f64 / 1e6, last as f64 / 1e6);
    assert_eq!(label.packets, count, "{what}");
    assert!(count >= 8, "{what}: {count} packets");
    assert_eq!(label.start, first, "{what}");
    assert!(label.end >= last, "{what}");
    assert!(label.end - label.start <= most, "{what}: {:.1} s of {seconds}", label.end - label.start);
    if intensity == Intensity::Slow {
        assert!(label.end - label.start >= 100.0, "{what}: {:.1} s", label.end - label.start);
    }
}

fn is_id(id: &str) -> bool {
    id.strip_prefix("T0").is_some_and(|digits| digits.len() == 3 && digits.parse::<u16>().is_ok())
}

/// Techniques that have another id since version 19 of ATT&CK for ICS.
const MOVED: &[(&str, &str)] = &[
    ("T0803", "T1691.001"),
    ("T0804", "T1691.002"),
    ("T0805", "T1695.001"),
    ("T0812", "T1694.001"),
    ("T0839", "T1693.002"),
    ("T0855", "T1692.001"),
    ("T0856", "T1692.002"),
    ("T0857", "T1693.001"),
    ("T0891", "T1694.002"),
];

/// Seconds after which the attack begins: daily life goes its way by then.
const BEGIN: f64 = 10.0;
