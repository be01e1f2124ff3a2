//! The power goes at every operation that changes the disk, and at random ones under random use: what was
//! accepted is there or counted as lost for want of room, and the spool always starts.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::*;

/// Knows what was accepted, shed and acknowledged; judges a spool that comes back.
#[derive(Default)]
struct Oracle {
    /// Per lane: accepted alerts in order.
    accepted: [Vec<Vec<u8>>; 4],
    acked: [u64; 4],
    nth: u64,
}

impl Oracle {
    /// Notes what the spool says it has accepted.
    fn note(&mut self, bench: &Bench, put: &[(Severity, Vec<u8>)], before: &Counts) {
        let now = bench.counts();
        for lane in LANES {
            let new = now.accepted[place(lane)] - before.accepted[place(lane)];
            let mine = put.iter().filter(|(severity, _)| *severity == lane);
            self.accepted[place(lane)].extend(mine.take(new as usize).map(|(_, bytes)| bytes.clone()));
        }
    }

    /// Everything accepted is readable, or was acknowledged, or lies in a told range.
    fn judge(&self, bench: &Bench) {
        for lane in LANES {
            let there: BTreeSet<Vec<u8>> = bench.alerts(lane).into_iter().collect();
            let missing =
                self.accepted[place(lane)].iter().filter(|bytes| !there.contains(*bytes)).count() as u64;
            let excused = bench.told_of(lane).len() as u64 + self.acked[place(lane)];
            assert!(
                missing <= excused,
                "{missing} missing in {lane:?}, {excused} excused: {}",
                bench.recovery
            );
        }
    }
}

/// One life: puts, commits, chores, acknowledgements, by chance, until the power goes.
fn live(model: &Model, limits: &Limits, oracle: &mut Oracle, chance: &mut Rng, steps: u32) {
    let disk = model.disk();
    let Ok(start) = recover(&disk, limits) else { panic!("it does not start") };
    let recovery = start.recovery.clone();
    let shared = Arc::new(Shared::new(limits.clone()));
    let writer = Writer::new(disk.clone(), limits.clone(), shared.clone(), start);
    let mut bench = Bench { writer, shared, disk, recovery };
    for _ in 0..steps {
        let before = bench.counts();
        let put: Vec<_> = (0..chance.u64(0..6))
            .map(|_| {
                oracle.nth += 1;
                (LANES[chance.usize(..4)], text(oracle.nth))
            })
            .collect();
        put.iter().for_each(|(severity, bytes)| bench.put(*severity, bytes.clone()));
        bench.writer.commit();
        oracle.note(&bench, &put, &before);
        if chance.u8(..8) == 0 {
            bench.chores(model);
        }
        if chance.u8(..16) == 0 {
            let lane = LANES[chance.usize(..4)];
            let last = bench.read(lane).last().map_or(0, |record| record.seq);
            let seq = last.min(oracle.acked[place(lane)] + 3);
            bench.acknowledge(lane, seq);
            oracle.acked[place(lane)] = oracle.acked[place(lane)].max(seq);
        }
        if model.set(|state| state.off) {
            return;
        }
    }
    if chance.bool() {
        bench.writer.finish();
    }
}

fn come_back(model: &Model, limits: &Limits, oracle: &Oracle) {
    let mut bench = Bench::open(model, limits);
    assert!(bench.writer.tell(), "what was found lost is told");
    oracle.judge(&bench);
    // What reads as a gap is told: nothing is missing in silence.
    for lane in LANES {
        let told = bench.told_of(lane);
        let all: Vec<u64> = bench.read(lane).iter().map(|record| record.seq).collect();
        assert!(
            all.windows(2).all(|two| (two[0] + 1..two[1]).all(|seq| told.contains(&seq))),
            "{lane:?}: {all:?} {told:?}"
        );
    }
}

#[test]
fn the_power_goes_at_every_operation_of_a_life() {
    let limits = small();
    let whole = Model::new(1);
    live(&whole, &limits, &mut Oracle::default(), &mut Rng::with_seed(7), 60);
    let operations = whole.set(|state| state.operations);
    assert!(operations > 200, "{operations}");
    for cut in 0..operations {
        let model = Model::new(cut);
        model.set(|state| state.cut_at = Some(cut));
        let mut oracle = Oracle::default();
        live(&model, &limits, &mut oracle, &mut Rng::with_seed(7), 60);
        model.power_returns();
        come_back(&model, &limits, &oracle);
    }
}

#[test]
fn many_lives_with_power_cuts_also_while_it_starts() {
    let limits = small();
    for seed in 0..60 {
        let (model, mut oracle, mut chance) = (Model::new(seed), Oracle::default(), Rng::with_seed(seed));
        for _ in 0..8 {
            let now = model.set(|state| state.operations);
            let cut = now + if chance.bool() { chance.u64(0..12) } else { chance.u64(0..300) };
            model.set(|state| state.cut_at = Some(cut));
            live(&model, &limits, &mut oracle, &mut chance, 80);
            model.power_returns();
        }
        come_back(&model, &limits, &oracle);
    }
}

#[test]
fn no_two_records_ever_have_one_key() {
    let limits = small();
    for seed in 100..140 {
        let (model, mut oracle, mut chance) = (Model::new(seed), Oracle::default(), Rng::with_seed(seed));
        let mut seen: BTreeMap<(format::Incarnation, Severity, u64), Vec<u8>> = BTreeMap::new();
        for _ in 0..10 {
            let cut = model.set(|state| state.operations) + chance.u64(0..200);
            model.set(|state| state.cut_at = Some(cut));
            live(&model, &limits, &mut oracle, &mut chance, 40);
            model.power_returns();
            let bench = Bench::open(&model, &limits);
            for record in LANES.into_iter().flat_map(|lane| bench.read(lane)) {
                let key = (record.incarnation, record.lane, record.seq);
                let before = seen.entry(key).or_insert_with(|| record.bytes.clone());
                assert_eq!(*before, record.bytes, "seed {seed}: {key:?}");
            }
        }
    }
}
