//! The drill of an operator: the aggregator is backed up while agents report, goes on, and is set back to the
//! backup. Agents come again by themselves and send what the backup lacks; every alert is there once. Who came
//! and who was put out after the backup is not forgotten: the authority keeps a book.

use fieldward_agent::identity;
use fieldward_aggregator::store::{backup, now};
use fieldward_shared::wire::Message;
use fieldward_tests::link::office::{Enrolled, Office};
use fieldward_tests::link::{Agent, HERE, limits, oracle, pace, until, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_backup_lacks_comes_again_from_the_agents() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path(), folder.path().join("fieldward.backup"));
    let office = Office::open(path, HERE, limits()).await.unwrap();
    let at = office.address();
    let mut agents = Vec::new();
    for facility in ["north", "south", "east"] {
        let own = office.enrol(&path.join(format!("{facility}-state")), facility).await.unwrap();
        agents.push(own.start(path, at, pace()).unwrap());
    }
    let issue = |agents: &mut [Agent], count| agents.iter_mut().for_each(|agent| agent.issue(count));
    let done = |agents: &[Agent]| agents.iter().all(Agent::is_done);
    issue(&mut agents, 300);
    until("the first are committed", || done(&agents)).await;

    // While it is copied they go on.
    issue(&mut agents, 200);
    assert!(backup::write(&url(path), &file).await.unwrap() > 0);
    issue(&mut agents, 200);
    until("all are committed", || done(&agents)).await;
    assert!(agents.iter().all(|agent| agent.status().sessions == 1), "nobody noticed the backup");
    office.close().await;

    issue(&mut agents, 20);
    backup::restore(&url(path), &file, true).await.unwrap();
    let kept = oracle::look(path).await.unwrap().alerts;
    let issued: u64 = agents.iter().map(|agent| agent.issued).sum();
    assert!((900..issued - 60).contains(&kept), "{kept} of {issued} are in the backup");
    let office = Office::open(path, at, limits()).await.unwrap();
    let counters = office.aggregator.intake.counters();
    until("what the backup lacks came again", || counters.records.get() >= issued - kept && done(&agents))
        .await;
    // They go on as before, and nobody had to be enrolled again.
    issue(&mut agents, 20);
    until("what is new is committed", || done(&agents)).await;
    agents.iter_mut().for_each(Agent::disconnect);
    office.close().await;
    let found = oracle::judge(path, &agents.iter().collect::<Vec<_>>()).await.unwrap();
    println!("{kept} were in the backup; {found:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_came_and_went_after_the_backup_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let (path, file) = (folder.path(), folder.path().join("fieldward.backup"));
    let state = |facility: &str| path.join(format!("{facility}-state"));
    let office = Office::open(path, HERE, limits()).await.unwrap();
    let stays = office.enrol(&state("stays"), "stays").await.unwrap();
    let goes = office.enrol(&state("goes"), "goes").await.unwrap();
    let token = office.token("comes").await.unwrap();
    backup::write(&url(path), &file).await.unwrap();
    let comes = office.enrol_with(token, &state("comes"), "comes").await.unwrap();
    assert!(office.hall.store().revoke_agent(goes.id, "op", "lost", now()).await.unwrap());
    until("it is out", || office.hall.verifier().is_agent_revoked(goes.id)).await;
    office.close().await;

    for time in ["first", "second"] {
        backup::restore(&url(path), &file, true).await.unwrap();
        let office = Office::open(path, HERE, limits()).await.unwrap();
        let is_in = async |agent: &Enrolled| matches!(office.renew(agent).await, Ok(Message::Certificate(_)));
        assert!(is_in(&stays).await && is_in(&comes).await && !is_in(&goes).await, "{time}");
        // The token that it came with is used.
        let csr = identity::renew().unwrap().csr;
        let Message::Refused(refused) = office.knock(&comes.token, "comes", csr).await else {
            panic!("let in")
        };
        assert_eq!(refused.code, "used", "{time}");
        office.close().await;
    }
}
