//! What has changed since somebody looked, whoever wrote it.

use std::collections::BTreeSet;

use fieldward_aggregator::store::board::Change;
use fieldward_aggregator::store::changes::Changed;
use fieldward_aggregator::store::now;
use fieldward_shared::alert::{AlertId, Status};
use fieldward_tests::reports::Reporter;

use crate::{Database, stories};

stories!(whoever_looks_again_sees_what_is_new_and_nothing_is_passed_over);

async fn whoever_looks_again_sees_what_is_new_and_nothing_is_passed_over(database: Database) {
    let (here, there) = (database.open().await, database.open().await);
    let (one, other) = (Reporter::new(1), Reporter::new(2));
    let ids = |of: &[(&Reporter, u64)]| -> BTreeSet<AlertId> {
        of.iter().map(|(reporter, nth)| reporter.alert(*nth, 1).id).collect()
    };
    here.commit(vec![one.nth(0)]).await.expect("a commit");
    let mut marks = there.marks().await.expect("marks");
    assert_eq!(there.reported_since(&mut marks, 99).await.expect("changes"), Changed::default());
    // More of a lane that is known, and a lane that is new.
    here.commit(vec![one.nth(1), one.nth(2)]).await.expect("a commit");
    here.commit(vec![other.nth(0)]).await.expect("a commit");
    let changed = there.reported_since(&mut marks, 99).await.expect("changes");
    assert_eq!(changed.alerts, ids(&[(&one, 1), (&one, 2), (&other, 0)]));
    // Beyond a gap it is told until the gap is closed: then nothing of it is passed over.
    here.commit(vec![one.nth(5)]).await.expect("a commit");
    for _ in 0..2 {
        let changed = there.reported_since(&mut marks, 99).await.expect("changes");
        assert_eq!(changed.alerts, ids(&[(&one, 5)]));
    }
    here.commit(vec![one.nth(3), one.nth(4)]).await.expect("a commit");
    let changed = there.reported_since(&mut marks, 99).await.expect("changes");
    assert_eq!(changed.alerts, ids(&[(&one, 3), (&one, 4), (&one, 5)]));
    assert_eq!(there.reported_since(&mut marks, 99).await.expect("changes"), Changed::default());
    // What is too much is said, and is over.
    here.commit((6..16).map(|nth| one.nth(nth)).collect()).await.expect("a commit");
    let changed = there.reported_since(&mut marks, 4).await.expect("changes");
    assert!(changed.is_cut && changed.alerts.len() == 4, "{changed:?}");
    assert_eq!(there.reported_since(&mut marks, 4).await.expect("changes"), Changed::default());

    let since = now();
    assert_eq!(there.acted_since(since, 99).await.expect("changes"), Changed::default());
    let change =
        Change { status: Status::Acknowledged, seen: None, reason: "", actor: "ann", is_undo: false };
    for nth in [2, 3] {
        here.act_on_alert(one.alert(nth, 1).id, &change, now()).await.expect("an act");
    }
    assert_eq!(there.acted_since(since, 99).await.expect("changes").alerts, ids(&[(&one, 2), (&one, 3)]));
    assert!(there.acted_since(since, 2).await.expect("changes").is_cut);
    here.close().await;
    there.close().await;
}
