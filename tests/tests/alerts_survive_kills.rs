//! The aggregator as a process of its own is killed at random moments under load and started again: every
//! alert that was issued is stored once. FIELDWARD_KILLS says how often (12 in a test run; `make faults`
//! means it), FIELDWARD_SEED when.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fieldward_aggregator::app;
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::config::Config;
use fieldward_shared::clock::Clock;
use fieldward_shared::service::Notify;
use fieldward_tests::link::office::issued;
use fieldward_tests::link::{Agent, free, oracle, pace, pki, until};

/// Not a test of its own: the process that is killed.
#[test]
fn aggregator() {
    let Ok(text) = std::env::var(CONFIG) else { return };
    let config = Config::parse("the story", &text, std::iter::empty()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(app::run(config, Notify::from_environment().unwrap())).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_issued_is_stored_once_however_often_the_aggregator_is_killed() {
    let (kills, seed) = (number("FIELDWARD_KILLS", 12), number("FIELDWARD_SEED", 20_261_121));
    println!("FIELDWARD_KILLS={kills} FIELDWARD_SEED={seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca");
    Authority::init(&ca, Clock::default().now()).unwrap();
    let at = free();
    let mut agents = Vec::new();
    for facility in ["north", "south", "east"] {
        let own = issued(&ca, facility).unwrap();
        agents.push(Agent::start_as(folder.path(), facility, own, at, pace()).unwrap());
    }
    for kill in 0..kills {
        let mut aggregator = start(folder.path(), at);
        let before: u64 = agents.iter().map(|agent| agent.status().delivered).sum();
        let enough = before + chance.u64(1..400);
        // They go on while it is killed, so that the kill finds it anywhere.
        until("something is committed", || {
            agents.iter_mut().for_each(|agent| agent.issue(chance.u64(0..3)));
            agents.iter().map(|agent| agent.status().delivered).sum::<u64>() >= enough
        })
        .await;
        aggregator.kill().unwrap();
        aggregator.wait().unwrap();
        println!("kill {kill}: {enough} were acknowledged");
    }
    let mut aggregator = start(folder.path(), at);
    until("everything is committed", || agents.iter().all(Agent::is_done)).await;
    aggregator.kill().unwrap();
    aggregator.wait().unwrap();
    let found = oracle::judge(folder.path(), &agents.iter().collect::<Vec<_>>()).await.unwrap();
    println!("{found:?}");
    assert!(found.alerts > 100);
}

fn start(folder: &Path, at: SocketAddr) -> Child {
    let (database, ca) = (folder.join("fieldward.db"), folder.join("ca"));
    let config = format!(
        "database_url = \"sqlite://{}\"\nlisten = \"{at}\"\n[ca]\nfolder = \"{}\"\nnames = [\"{}\"]\n[api]\nlisten = \"127.0.0.1:0\"",
        database.display(),
        ca.display(),
        pki::NAME,
    );
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "aggregator"]).env(CONFIG, config).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("an aggregator")
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

const CONFIG: &str = "FIELDWARD_STORY_CONFIG";
