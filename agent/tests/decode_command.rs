//! `fieldward-agent decode` as its user meets it: what it prints, how it fails.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn agent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldward-agent")).args(arguments).output().expect("the agent runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Vec<serde_json::Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect()
}

/// A Modbus request in a UDP-free little capture: handshake left out, one packet.
fn capture() -> Vec<u8> {
    let adu = [0, 1, 0, 0, 0, 6, 17, 3, 0, 10, 0, 2];
    let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    packet.extend([0x45, 0, 0, 52, 0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend([0x9c, 0x40, 0x01, 0xf6, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 255, 255, 0, 0, 0, 0]);
    packet.extend(adu);
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    file.extend([1, 0, 0, 0, 2, 0, 0, 0]);
    let len = (packet.len() as u32).to_le_bytes();
    file.extend(len.iter().chain(&len));
    file.extend(packet);
    file
}

fn saved(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

#[test]
fn one_event_a_line_and_a_summary() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = saved(folder.path(), "a.pcap", &capture());
    let path = path.to_str().expect("a path");
    let events = json(&agent(&["decode", path]));
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0]["proto"], &events[0]["func"]), (&"modbus".into(), &3.into()));
    assert_eq!((&events[0]["src"], &events[0]["dport"]), (&"10.0.0.1".into(), &502.into()));
    assert_eq!(events[0]["ts"], 1.000002);
    assert_eq!(events[1]["proto"], "conn");
    assert_eq!(json(&agent(&["decode", path, "--protocol", "conn"])).len(), 1);
    assert_eq!(json(&agent(&["decode", path, "--filter", "udp"])).len(), 0);
    let summary = json(&agent(&["decode", "--quiet", path])).remove(0);
    assert_eq!((&summary["packets"], &summary["flows"]), (&1.into(), &1.into()));
    assert_eq!(summary["events"]["modbus"], 1);
}

#[test]
fn standard_input_is_read() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fieldward-agent"))
        .args(["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the agent runs");
    child.stdin.take().expect("a pipe").write_all(&capture()).expect("it reads");
    assert_eq!(json(&child.wait_with_output().expect("it ends")).len(), 2);
}

#[test]
fn a_damaged_file_gives_its_events_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bytes = capture();
    bytes.extend([1, 0, 0, 0, 2, 0, 0, 0, 60, 0, 0, 0, 60, 0, 0, 0, 1, 2, 3]);
    let output = agent(&["decode", saved(folder.path(), "cut.pcap", &bytes).to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output).len(), 2);
    assert!(stderr(&output).contains("byte 106"), "{}", stderr(&output));
}

#[test]
fn what_stops_it_is_one_line_and_exit_code_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut token_ring = capture();
    token_ring[20] = 6;
    let cases = [
        (saved(folder.path(), "ring.pcap", &token_ring), "link type 6"),
        (saved(folder.path(), "no.pcap", b"hello, this is no capture"), "capture"),
        (saved(folder.path(), "empty.pcap", b""), "empty"),
        (folder.path().join("missing.pcap"), "no such file"),
        (folder.path().to_owned(), "directory"),
    ];
    for (path, word) in cases {
        let output = agent(&["decode", path.to_str().expect("a path")]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(said.to_lowercase().contains(word), "{word}: {said}");
    }
    let path = saved(folder.path(), "a.pcap", &capture());
    let output = agent(&["decode", path.to_str().expect("a path"), "--filter", "tcp porrt 5"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("tcp porrt 5"), "{}", stderr(&output));
    let output = agent(&["decode", "--interface", "no-such-interface0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no-such-interface0"), "{}", stderr(&output));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [&["decode"][..], &["decode", "x", "--protocol", "smtp"], &["nonsense"]] {
        assert_eq!(agent(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn devices_are_listed() {
    let output = agent(&["devices"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).lines().any(|line| line.starts_with("lo ")));
}
