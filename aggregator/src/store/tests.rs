use fieldward_shared::alert::Severity;
use fieldward_shared::loss::{Loss, Reason};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::*;

fn report(seq: u64, body: Body) -> Report {
    Report {
        agent: Uuid::from_u128(7),
        facility: "plant".into(),
        incarnation: 1,
        lane: Severity::High,
        seq,
        received: Timestamp::from_micros(1_700_000_000_000_000),
        digest: [seq as u8; 32],
        body,
    }
}

#[tokio::test]
async fn a_lane_moves_on_over_what_is_committed_or_lost() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/fieldward.db", folder.path().display());
    let store = Store::open(&url).await.unwrap();
    let unreadable = |seq| report(seq, Body::Unreadable(vec![1]));
    let done = store.commit(vec![unreadable(1), unreadable(2), unreadable(5)]).await.unwrap();
    assert_eq!((done[0].cum_seq, done[0].stored, done[0].again), (2, 3, 0));
    let at = Timestamp::from_micros(5);
    let loss = Loss {
        lane: Severity::High,
        range: Some((3, 4)),
        count: 2,
        reason: Reason::Shed,
        since: at,
        until: at,
    };
    let done = store.commit(vec![report(6, Body::Loss(loss)), unreadable(2)]).await.unwrap();
    assert_eq!((done[0].cum_seq, done[0].stored, done[0].again), (6, 1, 1));
    let mut other = unreadable(5);
    other.digest = [9; 32];
    let done = store.commit(vec![other]).await.unwrap();
    assert_eq!((done[0].stored, done[0].contradicted), (0, 1));
    store.close().await;
    let store = Store::open(&url).await.unwrap();
    assert_eq!(store.positions(Uuid::from_u128(7)).await.unwrap()[0].cum_seq, 6);
}
