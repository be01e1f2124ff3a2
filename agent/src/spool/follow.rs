//! What the uplink must know beside the records: where lanes begin, and when there is more to read.

use std::sync::PoisonError;

use super::format::Incarnation;
use super::index::{Lane, Segment};
use super::{LANES, Spool, lock, place};

/// Where a lane begins, for whoever asks for its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// No record of this incarnation up to here can be read any more.
    pub floor: u64,
    /// Records of earlier incarnations are kept, and all up to the floor belong to those.
    pub is_fresh: bool,
    /// The aggregator is known to have all up to here.
    pub acknowledged: u64,
}

impl Spool {
    /// This life of the spool, and where its lanes begin.
    pub fn starts(&self) -> (Incarnation, [Start; 4]) {
        let index = lock(&self.shared.index);
        (index.incarnation, LANES.map(|lane| index.lanes[place(lane)].start(index.incarnation)))
    }

    /// Calls `wake` in the spool's thread whenever there may be more to read. Only the last one is called.
    pub fn when_accepted(&self, wake: impl Fn() + Send + 'static) {
        *self.shared.wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(wake));
    }
}

impl Lane {
    /// Where it begins in this incarnation.
    pub fn start(&self, incarnation: Incarnation) -> Start {
        let mine = |segment: &&Segment| segment.header.incarnation == incarnation;
        let is_fresh = !self.segments.iter().all(|segment| mine(&segment));
        let begin = if is_fresh { self.segments.iter().find(mine) } else { self.segments.front() };
        let floor = begin.map_or(self.next, |segment| segment.header.first).saturating_sub(1);
        // What is neither kept nor acknowledged is lost, and told by a loss record.
        let floor = if is_fresh { floor } else { floor.min(self.acked) };
        Start { floor, is_fresh, acknowledged: self.acked }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use fieldward_shared::alert::Severity;

    use super::*;
    use crate::spool::Limits;

    #[test]
    fn a_lane_begins_where_its_incarnation_does() {
        let folder = tempfile::tempdir().unwrap();
        let (spool, _) = Spool::open(folder.path(), Limits::to_the_brim()).unwrap();
        let (wake, woken) = channel();
        spool.when_accepted(move || {
            let _ = wake.send(());
        });
        let begins = |spool: &Spool| spool.starts().1[place(Severity::High)];
        assert_eq!(begins(&spool), Start { floor: 0, is_fresh: false, acknowledged: 0 });
        (0..5).for_each(|nth| spool.put(Severity::High, vec![nth]));
        spool.sync();
        woken.recv().unwrap();
        spool.acknowledge(Severity::High, 3);
        assert_eq!(begins(&spool), Start { floor: 0, is_fresh: false, acknowledged: 3 });
        let (first, _) = spool.starts();
        spool.close();
        // Nobody knows any more what was acknowledged: a new incarnation, behind the records of the old.
        std::fs::remove_file(folder.path().join(crate::spool::positions::NAME)).unwrap();
        let (spool, _) = Spool::open(folder.path(), Limits::to_the_brim()).unwrap();
        assert_eq!(begins(&spool), Start { floor: 5, is_fresh: true, acknowledged: 0 });
        assert_ne!(spool.starts().0, first);
        spool.put(Severity::High, vec![9]);
        spool.sync();
        assert_eq!(begins(&spool), Start { floor: 5, is_fresh: true, acknowledged: 0 });
    }
}
