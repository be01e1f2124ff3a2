//! What an analyst says of an alert comes down to the agent that raised it, also after it was away, and meets there
//! what the classifier had seen.

use std::sync::{Arc, Mutex};

use fieldward_agent::classify::{BENIGN, INPUTS};
use fieldward_agent::learn::labels::Labels;
use fieldward_agent::learn::sealed::Seal;
use fieldward_aggregator::store::board::Change;
use fieldward_aggregator::store::now;
use fieldward_shared::alert::{Severity, Status};
use fieldward_shared::privacy::keystream::secret;
use fieldward_shared::time::Timestamp;
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, Aggregator, HERE, alert, limits, pace, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_analysts_say_meets_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let pki = Pki::new().unwrap();
    let aggregator = Aggregator::start(folder.path(), HERE, &pki, limits()).await.unwrap();
    let mut agent = Agent::prepare(folder.path(), "north", &pki, pace()).unwrap();
    let seal = Arc::new(Seal::of(&secret().unwrap()).unwrap());
    let labels = Arc::new(Mutex::new(Labels::open(&folder.path().join("labels"), seal)));
    agent.hear(labels.clone());
    // The severities are those that the agent gives to one after the other.
    let severities = [Severity::Medium, Severity::High, Severity::Critical];
    let ids: Vec<_> =
        (1..).zip(severities).map(|(nth, severity)| alert("north", agent.id, severity, nth).id).collect();
    for (nth, id) in ids.iter().enumerate() {
        labels.lock().unwrap().note(&id.to_string(), &[nth as f32; INPUTS], Some("T0836"));
    }
    agent.issue(3);
    agent.connect(aggregator.intake.address()).unwrap();
    until("the alerts are committed", || agent.is_done()).await;
    let say = async |nth: usize, status, reason| {
        let change = Change { status, seen: None, reason, actor: "ann", is_undo: false };
        // So long ago that no transaction of then is open any more.
        let at = Timestamp::from_micros(now().as_micros() - 60_000_000 + nth as u64);
        aggregator.store.act_on_alert(ids[nth], &change, at).await.unwrap();
    };
    let classes = || -> Vec<(f32, String)> {
        let cases = labels.lock().unwrap().cases(false, |_| true);
        cases.into_iter().map(|case| (case.input[0], case.class)).collect()
    };
    // While the agent is away, so that the next session tells of it.
    agent.disconnect();
    say(0, Status::FalsePositive, "the contractor").await;
    say(1, Status::Resolved, "it was T0855").await;
    agent.connect(aggregator.intake.address()).unwrap();
    let wanted = [(0.0, BENIGN.to_owned()), (1.0, "T0855".to_owned())];
    until("the verdicts have come", || classes() == wanted).await;
    assert!(labels.lock().unwrap().heard() > 0);
    agent.disconnect();
    aggregator.stop().await;
}
