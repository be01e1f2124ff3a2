//! The units score at least as well as they did when they were measured, and every example configuration
//! loads. Scores are of systemd 252, offline; they differ a little between versions.

use std::path::PathBuf;
use std::process::Command;

/// Units with the most exposure that they may have, in tenths.
const UNITS: &[(&str, u32)] =
    &[("fieldward-agent.service", 17), ("fieldward-aggregator.service", 11), ("mirror-guard@.service", 18)];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../systemd")
}

#[test]
fn every_unit_keeps_its_score() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("NOT CHECKED: systemd-analyze is not installed here, so no unit was scored");
        return;
    }
    let found = std::fs::read_dir(folder()).expect("the units").flatten();
    let found = found.filter(|entry| entry.path().extension().is_some_and(|end| end == "service")).count();
    assert_eq!(found, UNITS.len(), "a unit is not scored");
    for (unit, most) in UNITS {
        let done = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", &format!("--threshold={most}")])
            .arg(folder().join(unit))
            .output()
            .expect("systemd-analyze");
        let said = String::from_utf8_lossy(&done.stdout);
        let score = said.lines().last().unwrap_or_default();
        assert!(done.status.success(), "{unit}: more than {most} tenths: {score}");
        assert!(score.contains("exposure level"), "{unit}: {said}");
    }
}

#[test]
fn a_weaker_unit_would_be_noticed() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        eprintln!("NOT CHECKED: systemd-analyze is not installed here");
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    for (unit, most) in UNITS {
        let text = std::fs::read_to_string(folder().join(unit)).expect("a unit");
        let kept = text.lines().filter(|line| !line.starts_with("SystemCallFilter="));
        let weak: String = kept.flat_map(|line| [line, "\n"]).collect();
        assert_ne!(weak, text);
        let file = place.path().join(unit);
        std::fs::write(&file, weak).expect("a file");
        let done = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", &format!("--threshold={most}")])
            .arg(file)
            .output()
            .expect("systemd-analyze");
        assert!(!done.status.success(), "{unit}");
    }
}

#[test]
fn every_example_configuration_loads() {
    let mut loaded = 0;
    for entry in std::fs::read_dir(folder()).expect("the examples").flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("an example");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match name.as_str() {
            "agent.toml" => {
                fieldward_agent::config::Config::parse(&name, &text, std::iter::empty()).expect("agent.toml");
            }
            "aggregator.toml" => {
                fieldward_aggregator::config::Config::parse(&name, &text, std::iter::empty())
                    .expect("aggregator.toml");
            }
            other => panic!("{other}: nobody loads this example"),
        }
        loaded += 1;
    }
    assert_eq!(loaded, 2, "an example was not found");
}

#[test]
fn the_guard_names_its_port_and_lets_nothing_out() {
    let script = std::fs::read_to_string(folder().join("mirror-guard")).expect("the script");
    let drop = script.find("policy drop").expect("a chain that drops");
    let ipv6 = script.find("disable_ipv6").expect("IPv6 is turned off");
    let up = script.find("dev \"$port\" up").expect("the link comes up");
    assert!(drop < ipv6 && ipv6 < up, "the link must come up last");
    let refused = Command::new("sh").arg(folder().join("mirror-guard")).arg("eth0; true").output();
    assert_eq!(refused.expect("sh").status.code(), Some(2));
}
