//! Recording: a plant's hours in virtual time, as fast as the machine goes, into a capture and its
//! labels.

use std::cell::RefCell;
use std::io;

use fieldward_shared::time::Timestamp;

use crate::config::Config;
use crate::ledger::{About, Labels};
use crate::net::{Broker, Net, Recorded};
use crate::play::Play;
use crate::record::{Recorder, Sink};
use crate::script;
use crate::world::World;

/// What came of a recording.
pub struct Recording {
    /// What is in it.
    pub labels: Labels,
    /// How many packets.
    pub packets: u64,
}

/// Records `minutes` of the configured plant into `sink`; `file` is how the labels call it. `progress`
/// learns which share is done, and ends the recording early by a no.
pub fn record(
    config: &Config,
    minutes: f64,
    file: &str,
    sink: Box<dyn Sink>,
    mut progress: impl FnMut(f64) -> bool,
) -> io::Result<Recording> {
    let start = script::start(config).as_micros();
    let end = start + (minutes * 6e7) as u64;
    let play = Play::recorded(Timestamp::from_micros(start));
    let plant = config.plant(config.network.unwrap_or([10, config.kind.octet]));
    let recorder = Recorder::new(sink, config.seed, config.loss);
    let recorded = Recorded { recorder: RefCell::new(recorder), broker: RefCell::new(Broker::default()) };
    let world = World::new(play.clone(), plant, Net::Recorded(Box::new(recorded)), config.site, config.seed);
    script::begin(&world, config);
    let (Play::Recorded(schedule), Net::Recorded(net)) = (&play, &world.net) else {
        return Err(io::Error::other("a recording plays in virtual time"));
    };
    schedule.run(Timestamp::from_micros(end), |now| {
        let writes = net.recorder.borrow_mut().passes(now);
        writes && progress((now.as_micros() - start) as f64 / (end - start) as f64)
    });
    schedule.end();
    let mut recorder = net.recorder.borrow_mut();
    recorder.written()?;
    let end = play.now().as_micros();
    let about = About {
        file: file.to_owned(),
        plant: config.kind.name,
        seed: config.seed,
        capture_start: start as f64 / 1e6,
        capture_end: end as f64 / 1e6,
    };
    let labels = world.ledger.borrow().labels(&recorder.tagged, about);
    Ok(Recording { labels, packets: recorder.packets })
}
