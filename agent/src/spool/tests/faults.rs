//! A disk that is full, too small, or fails: what is shed, in which order, and what is told.

use super::model::Failing;
use super::*;

fn fill(bench: &mut Bench, lane: Severity, records: u64) {
    for nth in 0..records {
        bench.put(lane, vec![b'x'; 400 + (nth % 3) as usize]);
        assert!(bench.writer.commit());
    }
}

/// Everything that was accepted is readable or was shed, and what was shed is told.
fn balance(bench: &mut Bench, model: &Model) {
    bench.chores(model);
    bench.chores(model);
    let counts = bench.counts();
    for lane in LANES {
        let told: u64 = bench.told().iter().filter(|loss| loss.lane == lane).map(|loss| loss.count).sum();
        assert_eq!(
            counts.accepted[place(lane)],
            bench.alerts(lane).len() as u64 + counts.shed[place(lane)],
            "{lane:?} {counts:?}"
        );
        assert_eq!(counts.shed[place(lane)], told, "{lane:?}");
    }
    assert!(counts.bytes <= 64 << 10, "{counts:?}");
}

#[test]
fn the_oldest_of_the_least_severe_goes_first_and_is_counted() {
    let model = Model::new(1);
    let mut bench = Bench::open(&model, &small());
    fill(&mut bench, Severity::Low, 30);
    fill(&mut bench, Severity::Medium, 30);
    assert_eq!(bench.counts().shed, [0; 4]);
    fill(&mut bench, Severity::High, 75);
    let counts = bench.counts();
    assert_eq!((counts.shed[0] > 0, counts.shed[2], counts.shed[3]), (true, 0, 0), "{counts:?}");
    balance(&mut bench, &model);
    // The oldest are gone, the newest are there.
    let low: Vec<u64> = bench.read(Severity::Low).iter().map(|record| record.seq).collect();
    assert!(low.iter().all(|seq| *seq > counts.shed[0]));
    fill(&mut bench, Severity::Critical, 100);
    balance(&mut bench, &model);
    let counts = bench.counts();
    assert_eq!((counts.shed[0], counts.shed[1], counts.shed[3]), (30, 30, 0), "{counts:?}");
    // Less severe ones do not push out more severe ones.
    let before = bench.alerts(Severity::High).len();
    fill(&mut bench, Severity::Low, 50);
    assert_eq!(bench.alerts(Severity::High).len(), before);
    fill(&mut bench, Severity::Critical, 300);
    assert!(bench.counts().shed[3] > 0);
    bench.writer.finish();
    // And after a restart nothing that was told is found missing again.
    let bench = Bench::open(&model, &small());
    assert_eq!(bench.recovery.losses.len(), 0, "{}", bench.recovery);
}

#[test]
fn what_the_aggregator_has_goes_first_and_then_after_a_day() {
    let model = Model::new(1);
    let mut bench = Bench::open(&model, &small());
    fill(&mut bench, Severity::High, 20);
    fill(&mut bench, Severity::Low, 20);
    bench.acknowledge(Severity::High, 20);
    assert_eq!(bench.read(Severity::High).len(), 20, "it can still be asked for");
    fill(&mut bench, Severity::Medium, 90);
    let counts = bench.counts();
    assert!(bench.read(Severity::High).len() < 20);
    assert_eq!(counts.shed[2], 0);
    bench.acknowledge(Severity::Low, 20);
    bench.acknowledge(Severity::Medium, 90);
    bench.chores(&model);
    assert!(bench.counts().bytes <= 18 << 10, "more than `keep` is not kept: {:?}", bench.counts());
    model.set(|state| state.now += 25 * 3600 * 1_000_000);
    bench.chores(&model);
    assert_eq!((bench.counts().bytes, bench.counts().unacknowledged), (0, 0));
    fill(&mut bench, Severity::Low, 1);
    assert_eq!(bench.read(Severity::Low)[0].seq, 21, "sequences go on");
    drop(bench);
    let bench = Bench::open(&model, &small());
    assert_eq!((bench.recovery.losses.len(), bench.recovery.records), (0, 1), "{}", bench.recovery);
}

#[test]
fn after_a_failed_sync_the_file_is_not_touched_again() {
    for (failures, syncs) in (1..4).flat_map(|failures| [(failures, true), (failures, false)]) {
        let model = Model::new(1);
        let mut bench = Bench::open(&model, &small());
        fill(&mut bench, Severity::Low, 3);
        // A sync that fails, or a write that finds the disk full: the same.
        model.set(|state| {
            if syncs {
                state.fail_syncs = Failing::Next(failures)
            } else {
                state.fail_writes = Failing::Next(failures)
            }
        });
        bench.put(Severity::Low, b"after".to_vec());
        let done = bench.writer.commit();
        assert_eq!((done, bench.counts().memory_only), (failures == 1, failures > 1));
        assert_eq!(bench.read(Severity::Low).len(), 4, "it can be sent, from disk or memory");
        bench.chores(&model);
        bench.chores(&model);
        let counts = bench.counts();
        assert_eq!((counts.memory_only, counts.accepted[0], counts.waiting), (false, 4, 0), "{counts:?}");
        assert_eq!(counts.errors, u64::from(failures.min(2)));
        assert_eq!(model.set(|state| state.resynced_after_failure), 0);
        drop(bench);
        model.power_returns();
        let bench = Bench::open(&model, &small());
        assert_eq!(bench.read(Severity::Low).len(), 4, "{failures}: {}", bench.recovery);
    }
}

#[test]
fn a_full_disk_is_waited_out_in_memory() {
    let model = Model::new(1);
    let mut bench = Bench::open(&model, &small());
    fill(&mut bench, Severity::High, 2);
    model.set(|state| (state.total, state.used_by_others) = (1 << 20, 1 << 20));
    for _ in 0..40 {
        bench.put(Severity::High, vec![b'y'; 500]);
        bench.writer.commit();
    }
    let counts = bench.counts();
    assert!(counts.memory_only && counts.errors > 0 && counts.waiting > 0, "{counts:?}");
    let records = bench.read(Severity::High);
    assert_eq!(records.len() as u64 + counts.shed[2], 42, "all others can be sent");
    assert!(counts.shed[2] <= 4, "shedding does not help, so it ends: {counts:?}");
    bench.acknowledge(Severity::High, 30);
    model.set(|state| state.used_by_others = 0);
    bench.chores(&model);
    let counts = bench.counts();
    assert!(!counts.memory_only, "{counts:?}");
    let seqs: Vec<u64> = bench.read(Severity::High).iter().map(|record| record.seq).collect();
    assert!((31..=42).all(|seq| seqs.contains(&seq)), "{seqs:?}");
}

#[test]
fn others_that_fill_the_disk_do_not_push_the_spool_out() {
    let model = Model::new(1);
    let mut bench = Bench::open(&model, &small());
    fill(&mut bench, Severity::Low, 20);
    let before = bench.counts().bytes;
    // Three percent are left.
    model.set(|state| (state.total, state.used_by_others) = (10 << 20, (10 << 20) * 97 / 100 - before));
    fill(&mut bench, Severity::Low, 40);
    balance(&mut bench, &model);
    let counts = bench.counts();
    assert!(counts.bytes + 4096 > before && counts.bytes <= before + 4096, "{before} {counts:?}");
    assert!(counts.shed[0] > 0);
}
