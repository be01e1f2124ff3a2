//! One incident, one alert: how findings become alerts, and what is told of them.

use std::net::Ipv4Addr;

use super::*;
use crate::classify::{BENIGN, FIRST, Familiar, Model, SECOND, layout};
use fieldward_shared::alert::Severity;
use fieldward_shared::weights::WeightVector;

const CONTROLLER: Ipv4Addr = Ipv4Addr::new(10, 1, 1, 4);
const STRANGER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 9);
const SCADA: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 10);

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_micros((1000 + seconds) * 1_000_000)
}

fn finding(second: u64, kind: &'static str, actor: Ipv4Addr, evidence: &str) -> Finding {
    let (confidence, consequence, protocol) = match kind {
        "modbus value" => (0.9, 0.9, "modbus"),
        "modbus function" => (0.8, 0.5, "modbus"),
        "card" => (0.6, 0.5, "ethernet"),
        _ => (0.5, 0.2, "ip"),
    };
    Finding {
        at: at(second),
        detector: "baseline",
        kind,
        sort: "",
        about: hash(evidence.split('=').next().unwrap_or_default().as_bytes()),
        is_others: false,
        is_more: kind == "modbus rate",
        actor: Some(actor.into()),
        target: (!matches!(kind, "asset" | "card")).then(|| CONTROLLER.into()),
        protocol,
        confidence,
        consequence,
        evidence: format!("{actor} {evidence}"),
    }
}

fn rare(second: u64) -> Finding {
    let about = finding(second, "rare second", SCADA, "");
    Finding { actor: None, target: None, detector: "forest", evidence: "a rare second".to_owned(), ..about }
}

fn write(second: u64, actor: Ipv4Addr, register: u32) -> Finding {
    let evidence = format!("wrote register {register} of unit 1 of {CONTROLLER} = 7; never seen before");
    finding(second, "modbus value", actor, &evidence)
}

/// Everything that is told of these findings, with a second passing between them as they say.
fn tell(findings: &[Finding]) -> Vec<Told> {
    let (mut correlator, window, mut told) = (Correlator::with("plant", None), Window::default(), Vec::new());
    let mut now = 1000;
    for finding in findings {
        while now < finding.at.as_secs() {
            correlator.second(now, &window, Loss::default(), &mut told);
            now += 1;
        }
        correlator.find(finding.clone(), &window, &mut told);
    }
    correlator.finish(&mut told);
    told
}

/// The last state of each alert.
fn alerts(findings: &[Finding]) -> Vec<Alert> {
    let told = tell(findings).into_iter();
    told.filter_map(|told| if let Told::Closed(alert) = told { Some(alert) } else { None }).collect()
}

fn arrival(second: u64) -> Finding {
    finding(second, "asset", STRANGER, "is on the network")
}

#[test]
fn one_weak_fact_raises_nothing() {
    assert_eq!(alerts(&[arrival(0)]), []);
    assert_eq!(
        alerts(&[finding(0, "http page", SCADA, "asks for GET /x of 10.1.1.4; never seen before")]),
        []
    );
    assert_eq!(alerts(&[write(0, SCADA, 1)]), []);
    // Nor do several that are far from each other.
    assert_eq!(alerts(&[write(0, SCADA, 1), write(310, SCADA, 2), write(620, SCADA, 3)]), []);
}

#[test]
fn an_attack_that_goes_on_is_one_alert() {
    let mut findings = vec![arrival(0)];
    findings.extend((0..600).map(|n| write(n, STRANGER, n as u32 % 4)));
    let told = tell(&findings);
    let raised: Vec<_> = told.iter().filter(|told| matches!(told, Told::Raised(_))).collect();
    assert_eq!(raised.len(), 1);
    assert!((10..16).contains(&told.len()), "told {} times", told.len());
    let alert = alerts(&findings).remove(0);
    assert_eq!((alert.count, alert.severity), (601, Severity::Critical));
    assert_eq!((alert.first_seen, alert.timestamp, alert.last_seen), (at(0), at(0), at(599)));
    assert_eq!(alert.title, "10.1.0.9, new on the network, wrote 4 unusual values to 10.1.1.4");
    assert_eq!(
        (alert.src_assets, alert.dst_assets),
        (vec!["10.1.0.9".to_owned()], vec!["10.1.1.4".to_owned()])
    );
    assert_eq!((alert.attack_type.as_deref(), alert.protocol.as_str()), (None, "modbus"));
    assert_eq!(alert.context_analysis.map(|context| context.timeline.len()), Some(60));
    assert!(alert.description.contains("601 findings in 9 minutes"), "{}", alert.description);
}

#[test]
fn after_a_quiet_time_it_is_another_alert() {
    let findings = [arrival(0), write(1, STRANGER, 1), write(130, STRANGER, 1)];
    let ids: Vec<_> = alerts(&findings).iter().map(|alert| alert.id).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn what_harms_nobody_and_is_done_again_is_the_same_alert() {
    let link = |second, to: u64| finding(second, "link", STRANGER, &format!("turns to 10.1.1.{to} tcp 80"));
    let again = |pause: u64| {
        let mut findings: Vec<Finding> = vec![arrival(0)];
        findings.extend((1..7).map(|nth| link(nth, nth)));
        findings.extend((1..7).map(|nth| link(pause + nth, 100 + nth)));
        findings
    };
    let one = alerts(&again(1800));
    assert_eq!((one.len(), one[0].count), (1, 13));
    assert!(one[0].severity <= Severity::Medium, "{:?}", one[0].severity);
    assert_eq!(tell(&again(1800)).iter().filter(|one| matches!(one, Told::Raised(_))).count(), 1);
    // After more than an hour it is another, and so is what he had not done, or too much of it.
    assert_eq!(alerts(&again(7200)).len(), 2);
    let and = |more: Finding| {
        let mut findings = again(1800);
        findings.extend((0..3).map(|nth| Finding { at: at(2400 + nth), about: nth, ..more.clone() }));
        alerts(&findings).len()
    };
    assert_eq!(and(write(0, STRANGER, 1)), 2);
    assert_eq!(and(finding(0, "link", STRANGER, "turns to 10.1.1.9 tcp 80")), 1);
    assert_eq!(and(Finding { is_more: true, ..finding(0, "link", STRANGER, "turns to 10.1.1.9 tcp 80") }), 2);
}

#[test]
fn severity_rises_with_what_is_done() {
    let told =
        tell(&[arrival(0), finding(1, "link", STRANGER, "turns to 10.1.1.4 tcp 80"), write(9, STRANGER, 1)]);
    let severities: Vec<_> = told
        .iter()
        .map(|told| match told {
            Told::Raised(alert) | Told::Updated(alert) | Told::Closed(alert) => alert.severity,
        })
        .collect();
    assert!(severities[0] < Severity::Critical);
    assert_eq!(severities[1..], [Severity::Critical; 2]);
}

#[test]
fn who_belongs_to_the_plant_is_believed_more() {
    let alert =
        |who| alerts(&[write(0, who, 1), write(1, who, 2), write(2, who, 3), write(3, who, 4)]).remove(0);
    assert_eq!(alert(SCADA).severity, Severity::High);
}

#[test]
fn a_card_behind_two_addresses_is_an_impersonation_by_its_owner() {
    let card = |second, who| {
        finding(second, "card", who, "has the network card 02:1c:0b:e2:09:58; never seen before")
    };
    let alerts = alerts(&[arrival(0), card(0, STRANGER), card(300, SCADA), card(301, CONTROLLER)]);
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    assert_eq!(
        alert.title,
        "10.1.0.9, new on the network, took the place of 2 addresses: 10.1.0.10 and 10.1.1.4"
    );
}

#[test]
fn what_concerns_the_plant_joins_what_goes_on_or_must_last() {
    let joined = alerts(&[arrival(0), write(1, STRANGER, 1), rare(3)]);
    assert_eq!(joined.len(), 1);
    assert!(
        joined[0].correlation_summary.starts_with("2 detectors agree"),
        "{}",
        joined[0].correlation_summary
    );
    assert_eq!(alerts(&(0..9).map(rare).collect::<Vec<_>>()), []);
    let alone = alerts(&(0..40).map(rare).collect::<Vec<_>>());
    assert_eq!(alone.len(), 1);
    assert_eq!((alone[0].title.starts_with("The plant"), alone[0].attack_type.as_deref()), (true, None));
}

#[test]
fn loss_lowers_confidence_and_is_said() {
    let (mut correlator, window, mut told) = (Correlator::with("plant", None), Window::default(), Vec::new());
    correlator.second(999, &window, Loss::default(), &mut told);
    correlator.second(1000, &window, Loss { bytes: 900, missed: 100 }, &mut told);
    for finding in [arrival(0), write(1, STRANGER, 1)] {
        correlator.find(finding, &window, &mut told);
    }
    let Some(Told::Raised(alert)) = told.last() else { panic!("{told:?}") };
    assert!((0.8..0.9).contains(&alert.correlation_confidence), "{}", alert.correlation_confidence);
    assert!(alert.description.contains("100 bytes (10.0 %)"), "{}", alert.description);
}

#[test]
fn memory_is_bounded_whoever_comes() {
    let (mut correlator, window, mut told) = (Correlator::with("plant", None), Window::default(), Vec::new());
    for n in 0..10_000_u32 {
        let who = Ipv4Addr::from(0x0a02_0000 + n);
        correlator.find(finding(1, "asset", who, "is on the network"), &window, &mut told);
    }
    assert_eq!((correlator.open.len(), correlator.strangers.len()), (MOST_OPEN, MOST_STRANGERS));
    assert_eq!(correlator.counts.incidents, 10_000 - MOST_OPEN as u64);
}

/// A classifier that takes a clue for a technique.
fn taught(lessons: &[((&str, &str), &str)]) -> Classifier {
    let classes: Vec<String> =
        [BENIGN].into_iter().chain(lessons.iter().map(|(_, class)| *class)).map(str::to_owned).collect();
    let layout = layout(classes.len());
    let mut values = vec![0.0; layout.count()];
    let mut set = |part: &str, row: usize, width: usize, column: usize, value| {
        values[layout.range(part).unwrap().start + row * width + column] = value;
    };
    for (nth, (clue, _)) in lessons.iter().enumerate() {
        let input = clues::CLUES.iter().position(|known| known == clue).unwrap();
        set("first", input, FIRST, nth, 1.0);
        set("second", nth, SECOND, nth, 1.0);
        set("output", nth, classes.len(), 1 + nth, 5.0);
    }
    let weights = WeightVector::new(&layout, values).unwrap();
    let model = Model { classes, weights, temperature: 1.0, familiar: Familiar::default(), unknown: 0.0 };
    Classifier::load(&Classifier::save(&model)).unwrap()
}

#[test]
fn what_somebody_does_next_is_the_next_alert() {
    let lessons = [(("link", "modbus"), "T0846"), (("modbus write", "register"), "T0855")];
    let mut correlator = Correlator::with("plant", Some(taught(&lessons)));
    let (window, mut told) = (Window::default(), Vec::new());
    let of = |second, kind, sort, about, confidence| Finding {
        sort,
        about,
        confidence,
        ..finding(second, kind, STRANGER, "does something")
    };
    // First he looks around, then he writes.
    let mut findings = vec![arrival(0)];
    findings.extend((0..20).map(|nth| of(0, "link", "modbus", nth, 0.6)));
    findings.extend((0..12).map(|nth| of(1, "link", "web", nth, 0.6)));
    findings.push(of(1, "host rate", "", 1, 0.9));
    findings.extend((0..6).map(|nth| of(20, "modbus write", "register", 100 + nth, 0.9)));
    findings.extend((0..6).map(|nth| of(20, "modbus value", "", 200 + nth, 0.95)));
    for finding in findings {
        correlator.find(finding, &window, &mut told);
    }
    correlator.finish(&mut told);
    let raised = told.iter().filter_map(|one| if let Told::Raised(alert) = one { Some(alert) } else { None });
    let named: Vec<_> = raised.map(|alert| (alert.timestamp, alert.attack_type.clone())).collect();
    assert_eq!(named, [(at(0), Some("T0846".to_owned())), (at(20), Some("T0855".to_owned()))]);
    let closed = told.iter().filter(|one| matches!(one, Told::Closed(_))).count();
    assert_eq!(closed, 2, "each ends once");
}

#[test]
fn what_was_told_of_somebody_is_no_news_for_a_day() {
    let lessons = [(("http page", ""), "T0888")];
    let mut correlator = Correlator::with("plant", Some(taught(&lessons)));
    let (window, mut told) = (Window::default(), Vec::new());
    let page = |second, about| Finding { about, ..finding(second, "http page", STRANGER, "asks for a page") };
    let mut visit = |correlator: &mut Correlator, start: u64| {
        for nth in 0..3 {
            correlator.find(page(start + nth, start + nth), &window, &mut told);
        }
        (start..start + 400).for_each(|second| {
            correlator.second(1000 + second, &window, Loss::default(), &mut told);
        });
        let raised = told.iter().filter(|one| matches!(one, Told::Raised(_))).count();
        told.clear();
        raised
    };
    correlator.find(arrival(0), &window, &mut Vec::new());
    assert_eq!(visit(&mut correlator, 0), 1);
    assert_eq!(visit(&mut correlator, 3600), 0);
    assert_eq!(visit(&mut correlator, 2 * 86_400), 1);
}
