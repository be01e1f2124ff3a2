//! Damage of every kind to a spool that was closed: it starts, tells exactly what is gone, and has all
//! the rest.

use fastrand::Rng;

use super::*;

/// A closed spool with a few segments in each lane.
fn closed(records: u64) -> Model {
    let model = Model::new(5);
    let limits = Limits { bytes: 1 << 20, ..small() };
    let mut bench = Bench::open(&model, &limits);
    for nth in 0..records {
        bench.put(LANES[nth as usize % 4], text(nth));
        if nth % 5 == 0 {
            assert!(bench.writer.commit());
        }
    }
    bench.writer.finish();
    model
}

fn segments(model: &Model) -> Vec<String> {
    model.set(|state| state.names()).into_iter().filter(|name| name.ends_with(".seg")).collect()
}

/// Starts, and holds what is readable and what is told to be lost against what there was.
fn judge(model: &Model, records: u64, what: &str) -> Recovery {
    let limits = Limits { bytes: 1 << 20, ..small() };
    let mut bench = Bench::open(model, &limits);
    assert!(bench.writer.tell(), "{what}");
    for lane in LANES {
        let wanted: Vec<_> = (0..records).filter(|nth| nth % 4 == place(lane) as u64).map(text).collect();
        let told = bench.told_of(lane);
        let all: Vec<_> = bench.read(lane).into_iter().filter(|record| !record.is_loss).collect();
        assert!(all.iter().all(|record| record.bytes == wanted[record.seq as usize - 1]), "{what}");
        let there: BTreeSet<u64> = all.iter().map(|record| record.seq).collect();
        let gone: BTreeSet<u64> = (1..=wanted.len() as u64).filter(|seq| !there.contains(seq)).collect();
        assert_eq!(gone, told, "{what}: {lane:?}");
    }
    bench.writer.finish();
    let recovery = bench.recovery;
    // What was told once is not told again, and the mended spool is whole.
    let again = Bench::open(model, &limits);
    assert_eq!(
        (again.recovery.losses.len(), again.recovery.damaged_segments),
        (0, 0),
        "{what}: {}",
        again.recovery
    );
    recovery
}

#[test]
fn any_bit_flips_in_any_file() {
    let model = closed(80);
    let mut chance = Rng::with_seed(3);
    for name in model.set(|state| state.names()) {
        let bytes = model.bytes(&name);
        let segment = name.ends_with(".seg");
        for at in 0..bytes.len() {
            // Every byte of segments; of the positions, mostly zeros, some.
            if !segment && bytes[at] == 0 && chance.u16(..200) > 0 {
                continue;
            }
            let copy = model.copy();
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << chance.u8(..8);
            copy.put(&name, flipped);
            let recovery = judge(&copy, 80, &format!("{name} byte {at}"));
            let lost: u64 = recovery.lost().iter().sum();
            assert_eq!(lost, u64::from(segment && at >= 64), "{name} byte {at}: {recovery}");
        }
    }
}

#[test]
fn any_file_is_cut_anywhere_or_loses_a_page() {
    let model = closed(80);
    for name in segments(&model) {
        let bytes = model.bytes(&name);
        for at in 0..bytes.len() {
            let copy = model.copy();
            copy.put(&name, bytes[..at].to_vec());
            judge(&copy, 80, &format!("{name} cut at {at}"));
        }
        for at in (0..bytes.len()).step_by(128) {
            let copy = model.copy();
            let mut zeroed = bytes.clone();
            let end = bytes.len().min(at + 512);
            zeroed[at..end].fill(0);
            copy.put(&name, zeroed);
            judge(&copy, 80, &format!("{name} zeros from {at}"));
        }
        let copy = model.copy();
        copy.remove_file(&name);
        let recovery = judge(&copy, 80, &format!("{name} gone"));
        assert!(recovery.lost().iter().sum::<u64>() > 0);
    }
}

#[test]
fn swapped_segments_are_what_their_headers_say() {
    let model = closed(400);
    let names = segments(&model);
    assert!(names.len() > 8, "{names:?}");
    for one in 0..names.len() {
        for other in one + 1..names.len() {
            let copy = model.copy();
            copy.put(&names[one], model.bytes(&names[other]));
            copy.put(&names[other], model.bytes(&names[one]));
            let recovery = judge(&copy, 400, &format!("{} and {}", names[one], names[other]));
            assert_eq!((recovery.losses.len(), recovery.misnamed), (0, 2), "{recovery}");
        }
    }
    // The same segment twice is there once.
    let copy = model.copy();
    copy.put("low-00000000000000077777.seg", model.bytes(&names[0]));
    assert!(judge(&copy, 400, "twice").repeated > 0);
}

#[test]
fn a_stale_slot_of_positions_sends_more_and_loses_nothing() {
    let model = closed(80);
    let limits = Limits { bytes: 1 << 20, ..small() };
    let mut bench = Bench::open(&model, &limits);
    bench.acknowledge(Severity::Low, 7);
    bench.chores(&model);
    drop(bench);
    let bytes = model.bytes("positions");
    for slot in 0..2 {
        let copy = model.copy();
        let mut stale = bytes.clone();
        let other = bytes[(1 - slot) * positions::SLOT..][..positions::SLOT].to_vec();
        stale[slot * positions::SLOT..][..positions::SLOT].copy_from_slice(&other);
        copy.put("positions", stale);
        judge(&copy, 80, &format!("slot {slot}"));
    }
    for junk in [Vec::new(), vec![0; 32 * 1024], vec![0xff; 100]] {
        let copy = model.copy();
        copy.put("positions", junk);
        let recovery = judge(&copy, 80, "no slot");
        assert!(
            recovery.new_incarnation && recovery.lost_positions && recovery.losses.is_empty(),
            "{recovery}"
        );
        assert!(recovery.to_string().contains("all is sent again"));
    }
}

#[test]
fn any_bytes_as_files_never_stop_a_start() {
    let mut chance = Rng::with_seed(8);
    let model = closed(40);
    let names = model.set(|state| state.names());
    for _ in 0..300 {
        let copy = model.copy();
        for _ in 0..chance.usize(1..6) {
            let name = &names[chance.usize(..names.len())];
            let mut bytes = copy.bytes(name);
            match chance.u8(..4) {
                0 => bytes.truncate(chance.usize(..=bytes.len())),
                1 => chance.fill(&mut bytes),
                2 => bytes.extend(model.bytes(&names[chance.usize(..names.len())])),
                _ => {
                    for _ in 0..20.min(bytes.len()) {
                        let at = chance.usize(..bytes.len());
                        bytes[at] = chance.u8(..);
                    }
                }
            }
            copy.put(name, bytes);
        }
        let mut bench = Bench::open(&copy, &small());
        assert!(bench.writer.tell());
        LANES.into_iter().for_each(|lane| drop(bench.read(lane)));
    }
}

#[test]
fn damage_that_comes_while_it_runs_is_passed_over_and_told() {
    let model = closed(400);
    let limits = Limits { bytes: 1 << 20, ..small() };
    let mut bench = Bench::open(&model, &limits);
    let name = segments(&model).into_iter().find(|name| name.starts_with("high")).unwrap();
    let mut bytes = model.bytes(&name);
    bytes[300] ^= 4;
    model.set(|state| state.overwrite(&name, bytes));
    assert_eq!(bench.read(Severity::High).len(), 99);
    bench.chores(&model);
    assert_eq!(bench.told_of(Severity::High).len(), 1);
    assert_eq!(bench.counts().damaged, [0, 0, 1, 0]);
}
