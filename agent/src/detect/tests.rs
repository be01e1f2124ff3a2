//! What every detector must keep to, on seconds that are made up: a plant that hums along.

use std::sync::LazyLock;

use fastrand::Rng;

use super::*;
use crate::frame::{Datagram, Payload};
use crate::window::Passed;

/// What each detector has learnt from the same calm hours; none where frames alone teach nothing.
static LEARNT: LazyLock<Vec<Option<Vec<u8>>>> = LazyLock::new(learn);

fn learn() -> Vec<Option<Vec<u8>>> {
    let mut learning: Vec<_> = DETECTORS.iter().map(|kind| (kind.learn)(7)).collect();
    play(&mut learning, 1, 4 * 3600, |_| 0);
    learning.iter().map(|detector| detector.learnt()).collect()
}

/// Plays seconds of traffic to detectors: packets of three hosts in a rhythm, and `odd` packets besides.
fn play(
    detectors: &mut [Box<dyn Detector>],
    seed: u64,
    seconds: u64,
    odd: impl Fn(u64) -> usize,
) -> Vec<Finding> {
    let mut chance = Rng::with_seed(seed);
    let (mut window, mut found) = (Window::default(), Vec::new());
    for second in START..START + seconds {
        let ts = Timestamp::from_micros(second * 1_000_000);
        if let Passed::Seconds(first, last) = window.pass(ts) {
            for second in first..=last {
                detectors.iter_mut().for_each(|detector| detector.second(second, &window, &mut found));
            }
        }
        let rhythm = if second.is_multiple_of(10) { 6 } else { 2 };
        let normal = (0..rhythm + chance.usize(..3)).map(|at| (1 + at % 3, 502));
        for (host, port) in normal.chain((0..odd(second - START)).map(|at| (20 + at % 200, at as u16))) {
            let data = [0; 40];
            let frame = Frame {
                src: Addr::v4([10, 0, 0, 100]),
                dst: Addr::v4([10, 0, 0, host as u8]),
                macs: None,
                vlan: None,
                ip_len: 68 + chance.u32(..20),
                payload: Payload::Udp(Datagram { sport: 40_000, dport: port, data: &data, cut: 0 }),
            };
            window.frame(&frame);
            detectors.iter_mut().for_each(|detector| detector.frame(ts, &frame, &mut found));
        }
    }
    found
}

fn watching() -> Vec<Box<dyn Detector>> {
    let learnt = DETECTORS.iter().zip(LEARNT.iter());
    learnt.filter_map(|(kind, bytes)| bytes.as_ref().map(|bytes| (kind.load)(bytes).unwrap())).collect()
}

#[test]
fn what_was_learnt_is_the_same_each_time() {
    // Drift needs a whole day.
    let may_lack = |kind: &Kind| ["baseline", "drift"].contains(&kind.name);
    assert!(LEARNT.iter().zip(DETECTORS).all(|(bytes, kind)| bytes.is_some() || may_lack(kind)));
    assert!(*LEARNT == learn());
}

#[test]
fn calm_seconds_are_not_told_and_odd_ones_are() {
    let calm = play(&mut watching(), 2, 3600, |_| 0);
    assert!(calm.iter().all(|finding| finding.detector == "baseline"), "{calm:?}");
    let odd = |second| if (1200..1260).contains(&second) { 300 } else { 0 };
    let found = play(&mut watching(), 2, 1800, odd);
    // The forest need not: beyond what it learnt, it takes everything for the last of what it knows.
    for name in ["pca", "mean", "autoencoder"] {
        let first = found.iter().find(|finding| finding.detector == name);
        let first = first.unwrap_or_else(|| panic!("{name} did not see it"));
        let after = first.at.as_secs() - START;
        assert!((1200..1230).contains(&after), "{name} at {after}");
        assert!(
            first.evidence.contains("talking pairs") || first.evidence.contains("destinations"),
            "{first:?}"
        );
    }
    for finding in &found {
        assert!((0.0..=1.0).contains(&finding.confidence), "{finding:?}");
        assert!((0.0..=1.0).contains(&finding.consequence), "{finding:?}");
        assert!(DETECTORS.iter().any(|kind| kind.name == finding.detector));
    }
    assert_eq!(found, play(&mut watching(), 2, 1800, odd), "the same seconds, the same findings");
}

#[test]
fn a_pause_does_not_make_minutes_of_what_lies_apart() {
    let mut detectors = watching();
    play(&mut detectors, 3, 300, |_| 0);
    // The same detectors, half an hour back: as when the clock was set.
    assert_eq!(play(&mut detectors, 4, 600, |_| 0).iter().filter(|f| f.detector != "baseline").count(), 0);
}

#[test]
fn junk_is_no_model() {
    for (kind, learnt) in DETECTORS.iter().zip(LEARNT.iter()) {
        for junk in [&b"fieldward-model"[..], &[0xff; 4096]] {
            assert!((kind.load)(junk).is_err(), "{}", kind.name);
        }
        // The baseline is text that people may shorten and empty.
        if kind.name == "baseline" {
            continue;
        }
        assert!((kind.load)(b"").is_err() && (kind.load)(b"\n").is_err(), "{}", kind.name);
        let Some(bytes) = learnt else { continue };
        assert!((kind.load)(&bytes[..bytes.len() / 2]).is_err(), "{}", kind.name);
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 3] ^= 1;
        assert!((kind.load)(&damaged).is_err(), "{}", kind.name);
        let others = DETECTORS.iter().filter(|other| ![kind.name, "baseline"].contains(&other.name));
        for other in others {
            assert!((other.load)(bytes).is_err(), "{} took the model of {}", other.name, kind.name);
        }
    }
}

/// A second from which playing starts; it begins no step.
const START: u64 = 1_700_000_003;
