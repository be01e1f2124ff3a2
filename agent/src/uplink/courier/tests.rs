//! What is under way, without a network.

use super::*;
use crate::spool::Limits;

fn spool(folder: &std::path::Path) -> Spool {
    Spool::open(folder, Limits::to_the_brim()).unwrap().0
}

fn courier<'a>(spool: &'a Spool, committed: [u64; 4]) -> Courier<'a> {
    Courier::new(spool, spool.starts(), committed, wire::WINDOW, Pacing::default())
}

/// All that may go, as lane and sequences.
fn all(courier: &mut Courier<'_>) -> Vec<(u32, Vec<u64>)> {
    std::iter::from_fn(|| courier.next(Instant::now()).unwrap())
        .map(|batch| (batch.lane, batch.records.iter().map(|record| record.seq).collect()))
        .collect()
}

fn ack(batch: u64, lane: u32, committed: u64) -> Ack {
    Ack { batch, lane, committed, credit: wire::WINDOW }
}

#[test]
fn the_most_severe_goes_first_and_only_so_much() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path());
    (0..3).for_each(|_| spool.put(Severity::Low, vec![b'x'; 20_000]));
    spool.put(Severity::Critical, vec![1]);
    spool.put(Severity::High, vec![2]);
    spool.sync();
    let mut courier = courier(&spool, [0; 4]);
    courier.grant(4);
    assert_eq!(all(&mut courier), [(3, vec![1]), (2, vec![1]), (0, vec![1]), (0, vec![2])]);
    courier.acknowledge(&Ack { credit: 4, ..ack(1, 3, 1) }, Instant::now());
    assert_eq!(spool.acknowledged(Severity::Critical), 1);
    assert_eq!(all(&mut courier), [(0, vec![3])]);
    // The second of a lane before the first: the server says how far all is there.
    courier.acknowledge(&ack(4, 0, 0), Instant::now());
    assert_eq!(spool.acknowledged(Severity::Low), 0);
    courier.acknowledge(&ack(3, 0, 2), Instant::now());
    assert_eq!(spool.acknowledged(Severity::Low), 2);
    courier.grant(0);
    spool.put(Severity::Critical, vec![3]);
    spool.sync();
    assert!(all(&mut courier).is_empty());
}

#[test]
fn a_server_that_was_set_back_gets_again_what_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path());
    (0..5).for_each(|nth| spool.put(Severity::High, vec![nth]));
    spool.sync();
    spool.acknowledge(Severity::High, 5);
    assert!(all(&mut courier(&spool, [0, 0, 5, 0])).is_empty());
    assert_eq!(all(&mut courier(&spool, [0, 0, 2, 0])), [(2, vec![3, 4, 5])]);
}

#[test]
fn what_was_not_answered_is_sent_whatever_the_server_has() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool(folder.path());
    (0..3).for_each(|nth| spool.put(Severity::High, vec![nth]));
    spool.sync();
    // A copy of this spool has sent more than this one ever had.
    let mut courier = courier(&spool, [0, 0, 7, 0]);
    assert_eq!(all(&mut courier), [(2, vec![1, 2, 3])]);
    assert_eq!(spool.acknowledged(Severity::High), 0);
    spool.put(Severity::High, vec![9]);
    spool.sync();
    assert_eq!(all(&mut courier), [(2, vec![4])]);
    // The first was compared; of the second nothing is known.
    courier.acknowledge(&ack(1, 2, 7), Instant::now());
    assert_eq!(spool.acknowledged(Severity::High), 3);
    courier.acknowledge(&ack(2, 2, 7), Instant::now());
    assert_eq!(spool.acknowledged(Severity::High), 4);
}

#[test]
fn records_of_an_earlier_incarnation_go_first_and_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let first = spool(folder.path());
    (0..3).for_each(|nth| first.put(Severity::High, vec![nth]));
    first.close();
    std::fs::remove_file(folder.path().join(crate::spool::positions::NAME)).unwrap();
    let spool = spool(folder.path());
    (0..2).for_each(|nth| spool.put(Severity::High, vec![nth]));
    spool.sync();
    // The server passes over what belongs to the earlier one.
    let mut courier = courier(&spool, [0, 0, 3, 0]);
    assert_eq!(all(&mut courier), [(2, vec![1, 2, 3]), (2, vec![4, 5])]);
    courier.acknowledge(&ack(2, 2, 5), Instant::now());
    assert_eq!(spool.acknowledged(Severity::High), 0, "what came before is not committed yet");
    courier.acknowledge(&ack(1, 2, 0), Instant::now());
    assert_eq!(spool.acknowledged(Severity::High), 5);
    assert_eq!(courier.delivered, 5);
}

#[test]
fn batches_grow_on_a_quick_link_and_shrink_on_a_slow_one() {
    let mut pacing = Pacing::default();
    (0..9).for_each(|_| pacing.acknowledged(QUICK, pacing.bytes));
    assert_eq!(pacing.bytes, MOST);
    pacing.acknowledged(QUICK, 1);
    pacing.acknowledged(SLOW, 1);
    assert_eq!(pacing.bytes, MOST / 2);
    (0..9).for_each(|_| pacing.lost());
    assert_eq!(pacing.bytes, LEAST);
}
