//! What stood in the tables before an intruder wrote there, and the shift that puts it back. Without it
//! a plant would stay wrong for the rest of a capture, and every alarm about that would count as false.

use std::net::Ipv4Addr;

use crate::net::Fault;
use crate::net::reach::Reach;
use crate::plant::points::Table;
use crate::plant::{Role, Target};
use crate::stage::Stage;

/// What stood where.
#[derive(Default)]
pub struct Before(Vec<Found>);

struct Found {
    at: Ipv4Addr,
    unit: u8,
    table: Table,
    addr: u16,
    words: Vec<u16>,
}

impl Before {
    /// Looks what a target holds before it is written: intruders do so too, to know where they stand.
    pub async fn look(
        &mut self,
        stage: &Stage,
        master: &mut Reach,
        target: &Target,
    ) -> Result<Option<f64>, Fault> {
        let value = master.value(target).await?;
        if let Some(value) = value {
            let point = target.point;
            let words = point.encode(value)[..usize::from(point.width())].to_vec();
            self.keep(stage.at(target), target.unit, point.table, point.addr, words);
        }
        Ok(value)
    }

    /// Remembers what a place held; what was found first stays.
    pub fn keep(&mut self, at: Ipv4Addr, unit: u8, table: Table, addr: u16, words: Vec<u16>) {
        let known =
            |found: &Found| (found.at, found.unit, found.table, found.addr) == (at, unit, table, addr);
        if self.0.len() < MOST && !self.0.iter().any(known) {
            self.0.push(Found { at, unit, table, addr, words });
        }
    }

    /// The attack is over: the shift notices and puts everything back through the SCADA server, while
    /// the plant recovers for so many seconds. That is everyday life and bears no tag.
    pub fn restored(self, stage: &mut Stage, seconds: f64) {
        stage.recovers(seconds);
        if self.0.is_empty() {
            return;
        }
        let mut scada = stage.known(Role::Scada);
        scada.tag = 0;
        let notice = stage.rng.within(15.0, 40.0);
        let pace = (60.0 / self.0.len() as f64).min(2.5);
        stage.world.play.spawn(async move {
            scada.pause(notice).await;
            let mut master: Option<(Ipv4Addr, Reach)> = None;
            for found in self.0 {
                let (_, link) = match &mut master {
                    Some(open) if open.0 == found.at => open,
                    other => other.insert((found.at, scada.reach(found.at))),
                };
                // A device that cannot be reached any more keeps what it has.
                drop(link.put_words(found.unit, found.table, found.addr, &found.words).await);
                scada.pause(pace).await;
            }
        });
    }
}

/// More places than this nobody puts back by hand.
const MOST: usize = 200;
