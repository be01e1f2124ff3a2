//! `fieldward-aggregator model`, as an operator meets it: the program itself, on a database and an authority.

use std::path::Path;
use std::process::{Command, Output};

use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::ca::state::State;
use fieldward_aggregator::store::versions::NewVersion;
use fieldward_aggregator::store::{Store, now};
use serde_json::{Value, json};

fn run(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldward-aggregator"))
        .args(["model", "--config"])
        .arg(folder.join("aggregator.toml"))
        .args(words)
        .output()
        .expect("the program")
}

#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn versions_are_listed_promoted_taken_back_and_exported() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let ca = place.join("ca");
    Authority::init(&ca, now().as_secs()).unwrap();
    let url = format!("sqlite://{}", place.join("fieldward.db").display());
    let text = format!("database_url = \"{url}\"\n[ca]\nfolder = \"{}\"\n", ca.display());
    std::fs::write(place.join("aggregator.toml"), text).unwrap();
    let store = Store::open(&url).await.unwrap();
    for weights in [[0.5, 1.0], [0.25, 2.0]] {
        let current = store.current_version("autoencoder").await.unwrap();
        let new = NewVersion {
            network: "autoencoder".into(),
            layout: 5,
            schema: 7,
            weights: weights.to_vec(),
            parents: current.map(|version| version.id).into_iter().collect(),
            round: None,
            strategy: None,
            memory: Vec::new(),
            made_by: "story".into(),
            metrics: json!({}),
        };
        store.import_version(&new, now()).await.unwrap();
    }
    let listed = lines(&run(place, &["list"]));
    assert_eq!((&listed[0]["id"], &listed[0]["is_current"]), (&json!(2), &json!(true)));
    assert_eq!(lines(&run(place, &["list", "--network", "classifier"])), Vec::<Value>::new());
    let back = lines(&run(place, &["rollback", "1", "--reason", "false alarms"]));
    assert_eq!((&back[0]["id"], &back[0]["parents"]), (&json!(3), &json!([2, 1])));
    assert_eq!(store.version_weights(3).await.unwrap(), Some(vec![0.5, 1.0]));
    let put = lines(&run(place, &["promote", "2", "--reason", "it was right after all"]));
    assert_eq!((&put[0]["id"], &put[0]["is_current"]), (&json!(4), &json!(true)));
    // What cannot be done says why, and that is no success.
    let refused = run(place, &["promote", "4", "--reason", "again"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("version 4 is at work already"));
    assert_eq!(run(place, &["rollback", "1"]).status.code(), Some(2), "a reason is wanted");

    let exported = run(place, &["export", "4"]);
    assert!(exported.status.success());
    std::fs::write(place.join("model.json"), &exported.stdout).unwrap();
    let roots: String =
        State::load(&ca).unwrap().roots.iter().map(|root| root.certificate.as_str()).collect();
    std::fs::write(place.join("roots.pem"), roots).unwrap();
    let (file, roots) =
        (place.join("model.json").display().to_string(), place.join("roots.pem").display().to_string());
    let said = lines(&run(place, &["verify", &file, "--roots", &roots]));
    assert_eq!((&said[0]["version"], &said[0]["parameters"]), (&json!(4), &json!(2)));
    assert_eq!(said[0]["lineage"].as_array().unwrap().len(), 4);
    // Other weights, other words, other roots.
    let mut export: Value = serde_json::from_slice(&exported.stdout).unwrap();
    let refused = |export: &Value, roots: &str| {
        std::fs::write(place.join("changed.json"), export.to_string()).unwrap();
        let changed = place.join("changed.json").display().to_string();
        let output = run(place, &["verify", &changed, "--roots", roots]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let weights = export["weights"].clone();
    export["weights"] = json!("AAAAAAAAAAA=");
    assert!(refused(&export, &roots).contains("digest"));
    export["weights"] = weights;
    let statement = export["statement"].as_str().unwrap().to_owned();
    export["statement"] = json!(statement.replace("autoencoder", "classifier"));
    assert!(refused(&export, &roots).contains("changed"));
    export["statement"] = json!(statement);
    let other = place.join("other");
    Authority::init(&other, now().as_secs()).unwrap();
    let foreign = State::load(&other).unwrap().roots[0].certificate.clone();
    std::fs::write(place.join("foreign.pem"), foreign).unwrap();
    assert!(refused(&export, &place.join("foreign.pem").display().to_string()).contains("not sealed"));
    // Who did what is kept.
    let acts: Vec<String> =
        store.acts(i64::MAX, 10).await.unwrap().into_iter().map(|act| act.action).collect();
    for wanted in ["version.exported", "version.promoted", "version.rolled_back"] {
        assert!(acts.iter().any(|act| act == wanted), "{acts:?}");
    }
    store.verify_audit().await.unwrap();
    store.close().await;
}
