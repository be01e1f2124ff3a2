//! `spool verify` and `spool dump` as their user meets them.

use std::path::Path;
use std::process::{Command, Output};

use fieldward_agent::spool::{LANES, Limits, Spool};

fn agent(what: &str, folder: &Path) -> Output {
    let agent =
        Command::new(env!("CARGO_BIN_EXE_fieldward-agent")).args(["spool", what]).arg(folder).output();
    agent.expect("the agent runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).expect("a JSON object")).collect()
}

#[test]
fn a_spool_is_verified_and_dumped_and_its_damage_found() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(folder.path(), Limits::to_the_brim()).unwrap();
    for nth in 0..8 {
        spool.put(LANES[nth % 4], format!("{{\"title\":\"alert {nth}\"}}").into_bytes());
    }
    spool.put(LANES[0], vec![0xff, 0]);
    // Also while the agent uses it.
    spool.sync();
    assert!(agent("verify", folder.path()).status.success());
    spool.close();

    let verified = agent("verify", folder.path());
    assert!(verified.status.success(), "{}", text(&verified.stderr));
    assert!(text(&verified.stderr).contains("9 whole records in 4 segments; acknowledged up to low 0"));
    let segments = lines(&verified);
    assert_eq!((&segments[0]["lane"], &segments[0]["records"]), (&"low".into(), &3.into()));
    assert_eq!(segments[0]["sequences"], serde_json::json!([[1, 3]]));

    let dumped = agent("dump", folder.path());
    assert!(dumped.status.success() && text(&dumped.stderr).contains("9 records and 0 loss records"));
    let records = lines(&dumped);
    assert_eq!(records[0], serde_json::json!({"lane": "low", "seq": 1, "record": {"title": "alert 0"}}));
    assert_eq!(records[2]["record"], "ff00");

    let name = folder.path().join("high-00000000000000000001.seg");
    let mut bytes = std::fs::read(&name).unwrap();
    bytes[90] ^= 1;
    std::fs::write(&name, &bytes).unwrap();
    let verified = agent("verify", folder.path());
    assert!(!verified.status.success());
    assert!(text(&verified.stderr).contains("1 files are damaged"), "{}", text(&verified.stderr));
    assert_eq!(std::fs::read(&name).unwrap(), bytes, "looking changes nothing");

    drop(Spool::open(folder.path(), Limits::to_the_brim()).unwrap());
    let dumped = agent("dump", folder.path());
    assert!(text(&dumped.stderr).contains("8 records and 1 loss records"), "{}", text(&dumped.stderr));
    let loss = lines(&dumped).into_iter().find(|line| line["loss"].is_object()).unwrap();
    assert_eq!((&loss["loss"]["lane"], &loss["loss"]["range"]), (&"high".into(), &serde_json::json!([1, 1])));
    assert!(agent("verify", folder.path()).status.success(), "the start has mended it");

    let nowhere = agent("verify", &folder.path().join("nowhere"));
    assert!(!nowhere.status.success() && text(&nowhere.stderr).contains("no such folder"));
}
