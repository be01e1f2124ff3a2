//! `learn` and `replay` as their user meets them: a quiet plant is learnt, then a stranger writes.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const MASTER: [u8; 4] = [10, 1, 0, 10];
const CONTROLLER: [u8; 4] = [10, 1, 1, 4];
const STRANGER: [u8; 4] = [10, 1, 0, 9];
/// Reads two registers; writes 1 into register 4.
const READ: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, 2];
const WRITE: [u8; 12] = [0, 1, 0, 0, 0, 6, 1, 6, 0, 4, 0, 1];
const SYN: u8 = 2;
const PUSH: u8 = 0x18;

fn agent(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldward-agent")).args(arguments).output().expect("the agent runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A capture in the making.
struct Capture(Vec<u8>);

impl Capture {
    fn new() -> Self {
        Self(vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0])
    }

    /// A segment from a client to port 502, in a second since the beginning.
    fn segment(&mut self, second: u32, client: [u8; 4], nth: u32, flags: u8, payload: &[u8]) {
        let mut packet = vec![2, 0, 0, 0, 0, 4, 2, 0, 0, 0, 0, client[3], 8, 0];
        let length = 40 + payload.len() as u16;
        packet.extend([0x45, 0, (length >> 8) as u8, length as u8]);
        packet.extend([(nth >> 8) as u8, nth as u8, 0, 0, 64, 6, 0, 0]);
        packet.extend(client.iter().chain(&CONTROLLER));
        packet.extend([0x9c, 0x40, 0x01, 0xf6]);
        packet.extend((1000 + nth).to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, flags, 255, 255, 0, 0, 0, 0]);
        packet.extend(payload);
        self.0.extend((1_741_000_000 + second).to_le_bytes());
        self.0.extend((u32::from(client[3]) * 10).to_le_bytes());
        for _ in 0..2 {
            self.0.extend((packet.len() as u32).to_le_bytes());
        }
        self.0.extend(packet);
    }

    /// The master reads every second.
    fn day(seconds: std::ops::Range<u32>) -> Self {
        let mut capture = Self::new();
        capture.segment(seconds.start, MASTER, 0, SYN, &[]);
        for (nth, second) in (0..).zip(seconds) {
            capture.segment(second, MASTER, 1 + nth * 12, PUSH, &READ);
        }
        capture
    }

    fn saved(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, &self.0).expect("a file");
        path
    }
}

#[test]
fn a_quiet_plant_is_learnt_and_a_stranger_who_writes_is_one_alert() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let calm = Capture::day(0..400).saved(folder.path(), "calm.pcap");
    let calm = calm.to_str().expect("a path");
    let model = path("model");

    let learnt = agent(&["learn", calm, "--model", &model, "--seed", "7"]);
    let said = text(&learnt.stderr);
    assert_eq!(learnt.status.code(), Some(0), "{said}");
    assert!(
        learnt.stdout.is_empty() && said.contains("Learnt from 7 minutes of traffic, 401 packets"),
        "{said}"
    );
    assert!(said.contains("baseline.txt"), "{said}");

    let quiet = agent(&["replay", calm, "--model", &model]);
    assert_eq!((quiet.status.code(), text(&quiet.stdout).as_str()), (Some(0), ""));
    assert!(text(&quiet.stderr).contains("0 alerts"), "{}", text(&quiet.stderr));

    let mut attack = Capture::day(1000..1100);
    attack.segment(1100, STRANGER, 0, SYN, &[]);
    // The same point again and again: brute force.
    for nth in 0..30 {
        attack.segment(1101 + nth, STRANGER, 1 + nth * 12, PUSH, &WRITE);
    }
    attack.saved(folder.path(), "attack.pcap");
    let labels = r#"{"capture_start": 1741001000, "capture_end": 1741001131, "attacks": [{"start": 1741001100,
        "end": 1741001131, "name": "write", "technique": "T0806", "grade": "A", "kind": "fast",
        "src": "10.1.0.9", "dst": "10.1.1.4"}]}"#;
    std::fs::write(path("labels.json"), labels).expect("labels");
    let (file, labels) = (path("attack.pcap"), path("labels.json"));
    let arguments = ["replay", &file, "--model", &model, "--facility", "north", "--labels", &labels];
    let found = agent(&arguments);
    let alert: serde_json::Value = serde_json::from_slice(&found.stdout).expect("one alert");
    assert_eq!(alert["title"], "10.1.0.9, new on the network, wrote an unusual value to 10.1.1.4");
    assert_eq!((&alert["facility_id"], &alert["attack_type"]), (&"north".into(), &"T0806".into()));
    assert!(
        text(&found.stderr).contains("detected 100 % (1/1)  in time 100 % (1/1)"),
        "{}",
        text(&found.stderr)
    );
    assert_eq!(agent(&arguments).stdout, found.stdout, "the same capture gives the same bytes");
}

#[test]
fn a_capture_in_pieces_is_the_same_capture() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let whole = Capture::day(0..400);
    whole.saved(folder.path(), "whole.pcap");
    // Each packet of the day takes 16 bytes of record, 54 of headers and 12 of payload; the first has none.
    let edge = |packets: usize| if packets == 0 { 24 } else { 24 + 70 + (packets - 1) * 82 };
    let mut pieces = Vec::new();
    for (nth, (from, to)) in [(0, 1), (1, 138), (138, 401)].into_iter().enumerate() {
        let mut piece = whole.0[..24].to_vec();
        piece.extend_from_slice(&whole.0[edge(from)..edge(to)]);
        pieces.push(path(&format!("{nth}.pcap")));
        std::fs::write(&pieces[nth], piece).expect("a file");
    }
    let learn = |files: &[&str], model: &str| {
        let learnt = agent(&[&["learn"], files, &["--model", model]].concat());
        assert_eq!(learnt.status.code(), Some(0), "{}", text(&learnt.stderr));
    };
    let [one, two] = ["one", "two"].map(path);
    learn(&[&path("whole.pcap")], &one);
    learn(&pieces.iter().map(String::as_str).collect::<Vec<_>>(), &two);
    for file in ["baseline.txt", "forest.bin"] {
        let read = |model: &str| std::fs::read(Path::new(model).join(file)).expect(file);
        assert!(read(&one) == read(&two), "{file}");
    }

    let mut attack = Capture::day(1000..1100);
    attack.segment(1100, STRANGER, 0, SYN, &[]);
    // The same point again and again: brute force.
    for nth in 0..30 {
        attack.segment(1101 + nth, STRANGER, 1 + nth * 12, PUSH, &WRITE);
    }
    attack.saved(folder.path(), "attack.pcap");
    let from_file = agent(&["replay", &path("attack.pcap"), "--model", &one]);
    let mut piped = Command::new(env!("CARGO_BIN_EXE_fieldward-agent"))
        .args(["replay", "-", "--model", &two])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the agent runs");
    let mut input = piped.stdin.take().expect("a pipe");
    for chunk in attack.0.chunks(37) {
        input.write_all(chunk).expect("the agent reads");
    }
    drop(input);
    let from_pipe = piped.wait_with_output().expect("the agent ends");
    assert!(!from_file.stdout.is_empty() && from_file.stdout == from_pipe.stdout);
}

#[test]
fn nothing_is_learnt_from_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = Capture::new().saved(folder.path(), "empty.pcap");
    let model = folder.path().join("model");
    let output =
        agent(&["learn", empty.to_str().expect("a path"), "--model", model.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("nothing was learnt") && !model.exists(),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(agent(&["learn", "x.pcap"]).status.code(), Some(2));
}

#[test]
fn a_model_that_does_not_fit_is_said_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let calm = Capture::day(0..400).saved(folder.path(), "calm.pcap");
    let (calm, model) = (calm.to_str().expect("a path"), folder.path().join("model"));
    let directory = model.to_str().expect("a path");
    assert!(agent(&["learn", calm, "--model", directory]).status.success());
    std::fs::write(model.join("forest.bin"), b"something else\n").expect("a file");
    let output = agent(&["replay", calm, "--model", directory]);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stderr).contains("forest.bin: this is no Fieldward model"),
        "{}",
        text(&output.stderr)
    );
    let without = agent(&["replay", calm]);
    assert!(text(&without.stderr).contains("only what needs no learning works"), "{}", text(&without.stderr));
    assert_eq!(agent(&["replay", calm, "--model", "missing"]).status.code(), Some(1));
}
