//! A plant whose packets go into a pipe: the network of recordings, in real time. For where nobody may capture: an
//! agent that reads the pipe sees what it would see at a mirror port, and what is played can be asked for at any
//! moment, as on a live plant.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, Write};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use fieldward_shared::time::Timestamp;
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Site, clock};
use crate::config::Config;
use crate::net::{Broker, Net, Recorded};
use crate::play::{Play, Schedule};
use crate::record::{PcapFile, Recorder, Sink};
use crate::script;
use crate::world::World;

impl Site {
    /// A plant that writes its packets as a capture, each when its time has come by the machine's clock.
    pub fn piped(config: &Config, out: impl Write + 'static) -> io::Result<Self> {
        let start = script::start(config);
        let ahead = clock() - start.as_micros() as f64 / 1e6;
        let file = PcapFile::new(io::BufWriter::with_capacity(BUFFER, out), SNAPLEN)?;
        let sink = Ahead { sink: file, micros: (ahead * 1e6) as u64 };
        let recorder = Recorder::new(Box::new(sink), config.seed, config.loss);
        let recorded = Recorded { recorder: RefCell::new(recorder), broker: RefCell::new(Broker::default()) };
        let plant = config.plant(config.network.unwrap_or([10, config.kind.octet]));
        let net = Net::Recorded(Box::new(recorded));
        let world = World::new(Play::recorded(start), plant, net, config.site, config.seed);
        Ok(Self { world, config: config.clone(), ahead })
    }
}

/// Lets time pass as it passes outside, until nobody reads any more.
pub(super) async fn keep(world: Rc<World>, schedule: Rc<Schedule>) {
    let (start, origin) = (world.play.now(), Instant::now());
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        if let Err(error) = pass(&world, &schedule, start.plus(origin.elapsed().as_micros() as u64)) {
            tracing::info!(%error, "nobody takes the packets of this plant any more");
            return schedule.end();
        }
    }
}

fn pass(world: &Rc<World>, schedule: &Schedule, until: Timestamp) -> io::Result<()> {
    let Net::Recorded(net) = &world.net else { return Ok(()) };
    schedule.run(until, |now| net.recorder.borrow_mut().passes(now));
    net.recorder.borrow_mut().written()
}

/// Plays something in the plant's time. Whoever waits for it is told when it is over; when he is gone, it ends at
/// its next step.
pub(super) async fn play(play: &Play, what: impl Future<Output = ()> + 'static) {
    let (told, over) = oneshot::channel::<()>();
    let mut what = Box::pin(what);
    play.spawn(async move {
        poll_fn(|context| if told.is_closed() { Poll::Ready(()) } else { what.as_mut().poll(context) }).await;
        drop(told);
    });
    // That it was dropped is the message.
    drop(over.await);
}

/// Says the machine's time in place of the plant's.
struct Ahead<S> {
    sink: S,
    micros: u64,
}

impl<S: Sink> Sink for Ahead<S> {
    fn packet(&mut self, at: Timestamp, bytes: &[u8], tag: u16) -> io::Result<()> {
        self.sink.packet(at.plus(self.micros), bytes, tag)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.sink.finish()
    }
}

/// How often time moves.
const TURN: Duration = Duration::from_millis(20);
const BUFFER: usize = 1 << 16;
const SNAPLEN: usize = 65_535;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack;
    use crate::plant::PLANTS;
    use crate::stage::Intensity;

    #[derive(Clone, Default)]
    struct Kept(Rc<RefCell<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.borrow().len() > MOST {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Enough for the attack, and little enough to be reached.
    const MOST: usize = 200_000;

    #[test]
    fn packets_come_in_the_machines_time_and_what_is_asked_for_is_among_them() {
        let (kept, from) = (Kept::default(), clock());
        let labels = crate::live::run(async {
            let site = Site::piped(&Config::new(PLANTS[0], 5), kept.clone()).expect("a plant");
            site.begin();
            let attack = attack::find("device-identification").expect("it exists");
            // Given up at once: it ends by itself, and nobody waits for it.
            let given_up = attack::perform(site.world.clone(), attack, "basic", Intensity::Fast, None);
            drop(tokio::time::timeout(Duration::ZERO, site.play(given_up)).await);
            site.play(attack::perform(site.world.clone(), attack, "basic", Intensity::Fast, None)).await;
            site.labels()
        });
        let labels = labels.expect("a runtime");
        let played = labels.attacks.iter().filter(|one| one.packets > 4).count();
        assert_eq!(played, 1, "{}", labels.attacks.len());
        let capture = kept.0.borrow();
        let word =
            |at: usize| u32::from_le_bytes([capture[at], capture[at + 1], capture[at + 2], capture[at + 3]]);
        assert_eq!(word(0), 0xa1b2_c3d4);
        let (mut at, mut packets) = (24, 0);
        while at < capture.len() {
            let when = f64::from(word(at));
            assert!(when > from - 2.0 && when < clock() + 2.0, "a packet of {when}");
            (at, packets) = (at + 16 + word(at + 8) as usize, packets + 1);
        }
        assert!(at == capture.len() && packets > 10, "{packets} packets, {at} of {}", capture.len());
    }

    #[test]
    fn a_plant_ends_when_nobody_reads_any_more() {
        let kept = Kept::default();
        kept.0.borrow_mut().resize(MOST + 1, 0);
        let weak = crate::live::run(async {
            let site = Site::piped(&Config::new(PLANTS[0], 5), kept).expect("a plant");
            let world = Rc::downgrade(&site.world);
            site.begin();
            drop(site);
            while world.strong_count() > 0 {
                tokio::time::sleep(TURN).await;
            }
            world
        });
        assert!(weak.expect("a runtime").upgrade().is_none());
    }
}
