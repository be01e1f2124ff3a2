//! The spool against a disk that fails in every way it can.

mod damage;
mod faults;
mod model;
mod power;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::recover::recover;
use super::*;
use model::Model;

/// The spool without its thread, a step at a time.
struct Bench {
    writer: Writer,
    shared: Arc<Shared>,
    disk: Arc<dyn Disk>,
    recovery: Recovery,
}

impl Bench {
    fn open(model: &Model, limits: &Limits) -> Self {
        let disk = model.disk();
        let start = recover(&disk, limits).unwrap();
        let recovery = start.recovery.clone();
        let shared = Arc::new(Shared::new(limits.clone()));
        let writer = Writer::new(disk.clone(), limits.clone(), shared.clone(), start);
        Self { writer, shared, disk, recovery }
    }

    fn put(&mut self, severity: Severity, bytes: Vec<u8>) {
        assert!(self.shared.hold_if(bytes.len(), severity), "no room in memory");
        self.writer.take(severity, bytes);
    }

    fn chores(&mut self, model: &Model) {
        model.set(|state| state.now += 2_000_000);
        self.writer.chores();
    }

    fn acknowledge(&self, lane: Severity, seq: u64) {
        let now = self.disk.now();
        lock(&self.shared.index).lane(lane).acknowledge(seq, now);
    }

    fn counts(&self) -> Counts {
        self.shared.counts()
    }

    fn read(&self, lane: Severity) -> Vec<Record> {
        let mut reader = Reader::new(self.disk.clone(), self.shared.clone(), lane, 1);
        let mut all = Vec::new();
        loop {
            let batch = reader.batch(1000).unwrap();
            if batch.is_empty() {
                return all;
            }
            all.extend(batch);
        }
    }

    fn alerts(&self, lane: Severity) -> Vec<Vec<u8>> {
        self.read(lane).into_iter().filter(|record| !record.is_loss).map(|record| record.bytes).collect()
    }

    /// What loss records tell.
    fn told(&self) -> Vec<Loss> {
        let all = self.read(Severity::Critical).into_iter().filter(|record| record.is_loss);
        all.map(|record| serde_json::from_slice(&record.bytes).unwrap()).collect()
    }

    /// Sequences of a lane that loss records tell of.
    fn told_of(&self, lane: Severity) -> BTreeSet<u64> {
        let told = self.told().into_iter().filter(|loss| loss.lane == lane);
        told.filter_map(|loss| loss.range).flat_map(|(first, last)| first..=last).collect()
    }
}

fn small() -> Limits {
    Limits { bytes: 64 << 10, reserve: 8 << 10, segment: 2048, keep: 16 << 10, ..Limits::default() }
}

fn text(nth: u64) -> Vec<u8> {
    format!("alert {nth} {}", "x".repeat((nth % 90) as usize)).into_bytes()
}

#[test]
fn what_was_put_is_there_after_a_restart_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, recovery) = Spool::open(folder.path(), Limits::to_the_brim()).unwrap();
    assert_eq!(recovery.to_string(), "the spool is empty");
    (0..500).for_each(|nth| spool.put(LANES[nth as usize % 4], text(nth)));
    let counts = spool.close();
    assert_eq!((counts.accepted, counts.waiting), ([125; 4], 0));
    let (spool, recovery) = Spool::open(folder.path(), Limits::to_the_brim()).unwrap();
    assert_eq!((recovery.records, recovery.waiting, recovery.losses.len()), (500, 500, 0));
    assert!(recovery.to_string().starts_with("500 records in "), "{recovery}");
    for lane in LANES {
        let mut reader = spool.reader(lane, 1);
        let mut all = Vec::new();
        while let Some(last) = all.last().map_or(Some(0), |record: &Record| Some(record.seq)) {
            let batch = reader.batch(1).unwrap();
            if batch.is_empty() {
                assert_eq!(last, 125);
                break;
            }
            all.extend(batch);
        }
        let wanted: Vec<_> = (0..500).filter(|nth| nth % 4 == place(lane) as u64).map(text).collect();
        assert_eq!(all.iter().map(|record| record.bytes.clone()).collect::<Vec<_>>(), wanted);
        assert!(all.iter().zip(1..).all(|(record, seq)| record.seq == seq && record.lane == lane));
    }
    spool.put(Severity::Low, b"one more".to_vec());
    assert_eq!(spool.sync().accepted, [1, 0, 0, 0]);
    assert_eq!(spool.reader(Severity::Low, 126).batch(1).unwrap()[0].bytes, b"one more");
}

#[test]
fn a_folder_is_used_by_one_and_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, _) = Spool::open(folder.path(), Limits::to_the_brim()).unwrap();
    let told = Spool::open(folder.path(), Limits::to_the_brim()).err().unwrap().to_string();
    assert!(told.contains("another process uses it"), "{told}");
    spool.put(Severity::Low, b"one".to_vec());
    spool.close();
    let name = folder.path().join("low-00000000000000000001.seg");
    let mut bytes = std::fs::read(&name).unwrap();
    bytes[8] = 2;
    let sum = crc32c::crc32c(&bytes[..60]);
    bytes[60..64].copy_from_slice(&sum.to_le_bytes());
    std::fs::write(&name, bytes).unwrap();
    let told = Spool::open(folder.path(), Limits::to_the_brim()).err().unwrap().to_string();
    assert!(told.contains("low-00000000000000000001.seg is of spool version 2"), "{told}");
}

#[test]
fn what_does_not_fit_is_refused_counted_and_told() {
    let model = Model::new(1);
    let limits = Limits { memory: 8000, ..Limits::to_the_brim() };
    let (spool, _) = Spool::on(model.disk(), limits).unwrap();
    spool.put(Severity::High, vec![0; LONGEST + 1]);
    spool.put(Severity::Low, vec![0; 5001]);
    spool.put(Severity::Critical, vec![0; 7000]);
    let counts = spool.close();
    assert_eq!(
        (counts.oversize, counts.overrun, counts.accepted),
        ([0, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1])
    );
    let bench = Bench::open(&model, &small());
    let told: Vec<_> =
        bench.told().into_iter().map(|loss| (loss.lane, loss.count, loss.reason, loss.range)).collect();
    assert_eq!(
        told,
        [(Severity::Low, 1, Reason::Overrun, None), (Severity::High, 1, Reason::Oversize, None)]
    );
}
