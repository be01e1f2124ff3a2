//! The commands as a user types them: exit codes, where output goes, what a mistake is told as.

use std::path::Path;
use std::process::{Command, Output};

fn sim(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldward-sim"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the simulator runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_recording_is_a_capture_and_labels() {
    let folder = tempfile::tempdir().expect("a folder");
    let arguments = [
        "record",
        "--plant",
        "water",
        "--devices",
        "8",
        "--minutes",
        "3",
        "--attack",
        "unit-sweep@60",
        "--event",
        "laptop@5",
        "--out",
        "a.pcap",
        "--labels",
        "a.json",
        "--seed",
        "3",
    ];
    let output = sim(&arguments, folder.path());
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(output.stdout.is_empty(), "results alone go to standard output");
    assert!(told(&output).contains("1 attacks"), "{}", told(&output));
    let capture = std::fs::read(folder.path().join("a.pcap")).expect("a capture");
    assert_eq!(capture[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    let labels = std::fs::read_to_string(folder.path().join("a.json")).expect("labels");
    let labels: serde_json::Value = serde_json::from_str(&labels).expect("JSON");
    let attack = &labels["attacks"][0];
    assert_eq!((attack["name"].as_str(), attack["technique"].as_str()), (Some("unit-sweep"), Some("T0846")));
    assert!(attack["start"].as_f64() >= labels["capture_start"].as_f64().map(|start| start + 60.0));
    assert_eq!(labels["benign"][0]["name"], "laptop");

    let mut piped = arguments;
    piped[12] = "-";
    let output = sim(&piped, folder.path());
    assert!(output.stdout == capture, "a pipe gets the same bytes");
}

#[test]
fn mistakes_are_told_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let base = |more: &[&'static str]| {
        let mut arguments = vec!["record", "--minutes", "1", "--out", "a.pcap", "--labels", "a.json"];
        arguments.extend_from_slice(more);
        sim(&arguments, folder.path())
    };
    for (more, code, words) in [
        (&["--plant", "steel"][..], 1, "choose one of water"),
        (&["--plant", "missing.toml"], 1, "missing.toml"),
        (&["--plant", "water", "--devices", "3"], 1, "from 5 to 500"),
        (&["--plant", "water", "--attack", "unit-sweep@90"], 1, "after the end of the recording"),
        (&["--plant", "water", "--attack", "unit-sweep"], 2, "NAME@SECOND"),
        (&["--plant", "water", "--attack", "magic@3"], 2, "no attack is called"),
        (&["--plant", "water", "--start", "noon"], 1, "08:30"),
    ] {
        let output = base(more);
        assert_eq!(output.status.code(), Some(code), "{more:?}: {}", told(&output));
        assert!(told(&output).contains(words), "{more:?}: {}", told(&output));
        assert!(!folder.path().join("a.pcap").exists(), "{more:?} wrote a capture");
    }
    let output = sim(
        &["record", "--plant", "water", "--minutes", "1", "--out", "/nowhere/a.pcap", "--labels", "a.json"],
        folder.path(),
    );
    assert!(told(&output).contains("cannot write /nowhere/a.pcap"), "{}", told(&output));
}
