//! A plant that is learnt and then watched, all in memory: the simulator plays, the agent looks on.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use fieldward_agent::alert::{Correlator, Loss, Picture, Told};
use fieldward_agent::capture::{LinkType, Packet};
use fieldward_agent::classify::Classifier;
use fieldward_agent::detect::{DETECTORS, Detector, Finding};
use fieldward_agent::learn::windows::{Gather, Minute};
use fieldward_agent::model;
use fieldward_agent::pipeline::Limits;
use fieldward_agent::score::Labels;
use fieldward_agent::watch::Watch;
use fieldward_agent::window::Window;
use fieldward_shared::alert::Alert;
use fieldward_shared::time::Timestamp;
use fieldward_sim::config::Config;
use fieldward_sim::record::Sink;
use fieldward_sim::recording;

/// What was learnt: the bytes of each detector's file, in the order of [`DETECTORS`].
#[derive(Clone)]
pub struct Models(Vec<Option<Vec<u8>>>);

/// What came of watching.
pub struct Sitting {
    /// What was true.
    pub labels: Labels,
    /// The last state of every alert, in the order in which they ended.
    pub alerts: Vec<Alert>,
    /// Everything that was told of alerts, and in which second: as it goes to the aggregator.
    pub told: Vec<(u64, Alert)>,
    /// How long it was: hours.
    pub hours: f64,
}

/// Learns minutes of a plant, with the detectors that are asked for by name (all, if none is).
pub fn learn(config: &Config, minutes: f64, wanted: &[&str]) -> Result<Models> {
    let is_wanted = |name: &str| wanted.is_empty() || wanted.contains(&name);
    let kinds: Vec<_> = DETECTORS.iter().filter(|kind| is_wanted(kind.name)).collect();
    let learners = kinds.iter().map(|kind| (kind.learn)(1)).collect();
    let eye = Rc::new(RefCell::new(Eye {
        watch: Watch::new(Limits::watching(), learners),
        on: |_: &mut Watch| {},
    }));
    recording::record(config, minutes, "", Box::new(Shared(eye.clone())), |_| true)?;
    let eye = Rc::into_inner(eye).context("the recorder keeps its sink")?.into_inner();
    let mut watch = eye.watch;
    watch.finish();
    let learnt = watch.into_detectors();
    let bytes = |name: &str| learnt.iter().find(|one| one.name() == name)?.learnt();
    Ok(Models(DETECTORS.iter().map(|kind| bytes(kind.name)).collect()))
}

/// Records minutes of a plant as plants learn from them together, with what was true.
pub fn minutes(config: &Config, minutes: f64) -> Result<(Vec<Minute>, Labels)> {
    let gathered = Arc::new(Mutex::new(Vec::new()));
    let gather = Gathering { gather: Gather::default(), to: gathered.clone() };
    let eye = Rc::new(RefCell::new(Eye {
        watch: Watch::new(Limits::watching(), vec![Box::new(gather)]),
        on: |_: &mut Watch| {},
    }));
    let recording = recording::record(config, minutes, "", Box::new(Shared(eye)), |_| true)?;
    let labels = serde_json::from_value(serde_json::to_value(&recording.labels)?)?;
    let minutes = std::mem::take(&mut *gathered.lock().map_err(|_| anyhow::anyhow!("the minutes"))?);
    Ok((minutes, labels))
}

/// Gathers minutes where detectors stand.
struct Gathering {
    gather: Gather,
    to: Arc<Mutex<Vec<Minute>>>,
}

impl Detector for Gathering {
    fn name(&self) -> &'static str {
        "gathering"
    }

    fn second(&mut self, second: u64, window: &Window, _: &mut Vec<Finding>) {
        if let (Some(minute), Ok(mut to)) = (self.gather.second(second, window), self.to.lock()) {
            to.push(minute);
        }
    }
}

/// Watches minutes of a plant; `look` sees what goes on at the end of every second.
pub fn watch(
    config: &Config,
    minutes: f64,
    models: &Models,
    classifier: Option<Classifier>,
    look: impl FnMut(Timestamp, &mut dyn Iterator<Item = Picture>) + 'static,
) -> Result<Sitting> {
    let mut detectors: Vec<Box<dyn Detector>> = model::innate();
    for (kind, bytes) in DETECTORS.iter().zip(&models.0) {
        if let Some(bytes) = bytes {
            detectors.push((kind.load)(bytes)?);
        }
    }
    let desk = Rc::new(RefCell::new(Desk {
        correlator: Correlator::with(config.kind.name, classifier),
        told: Vec::new(),
        sent: Vec::new(),
        alerts: Vec::new(),
        before: None,
        look,
    }));
    let seen = desk.clone();
    let on = move |watch: &mut Watch| seen.borrow_mut().see(watch);
    let eye = Rc::new(RefCell::new(Eye { watch: Watch::new(Limits::watching(), detectors), on }));
    let recording = recording::record(config, minutes, "", Box::new(Shared(eye.clone())), |_| true)?;
    let mut eye = Rc::into_inner(eye).context("the recorder keeps its sink")?.into_inner();
    eye.watch.finish();
    (eye.on)(&mut eye.watch);
    let mut desk = desk.borrow_mut();
    let Desk { correlator, told, .. } = &mut *desk;
    correlator.finish(told);
    desk.keep();
    let labels = serde_json::from_value(serde_json::to_value(&recording.labels)?)?;
    Ok(Sitting {
        labels,
        alerts: std::mem::take(&mut desk.alerts),
        told: std::mem::take(&mut desk.sent),
        hours: recording.labels.seconds() / 3600.0,
    })
}

/// Takes the recorder's packets.
struct Eye<F> {
    watch: Watch,
    on: F,
}

struct Shared<F>(Rc<RefCell<Eye<F>>>);

impl<F: FnMut(&mut Watch)> Sink for Shared<F> {
    fn packet(&mut self, ts: Timestamp, data: &[u8], _: u16) -> io::Result<()> {
        let eye = &mut *self.0.borrow_mut();
        eye.watch.packet(&Packet { ts, link: LinkType::Ethernet, wire_len: data.len() as u32, data });
        (eye.on)(&mut eye.watch);
        Ok(())
    }
}

/// Where findings become alerts.
struct Desk<L> {
    correlator: Correlator,
    told: Vec<Told>,
    sent: Vec<(u64, Alert)>,
    alerts: Vec<Alert>,
    before: Option<u64>,
    look: L,
}

impl<L: FnMut(Timestamp, &mut dyn Iterator<Item = Picture>)> Desk<L> {
    fn see(&mut self, watch: &mut Watch) {
        let Self { correlator, told, .. } = self;
        watch.drain(|finding, window| correlator.find(finding, window, told));
        let now = watch.second();
        if let (Some(before), Some(now)) = (self.before, now)
            && before != now
        {
            let pipeline = watch.pipeline();
            let loss = Loss { bytes: pipeline.bytes(), missed: pipeline.flow_counts().missed_bytes };
            correlator.second(now.saturating_sub(1), watch.window(), loss, told);
            (self.look)(Timestamp::from_micros(now * 1_000_000), &mut correlator.pictures());
        }
        self.before = now;
        self.keep();
    }

    fn keep(&mut self) {
        let second = self.before.unwrap_or_default();
        for told in self.told.drain(..) {
            let (Told::Raised(alert) | Told::Updated(alert) | Told::Closed(alert)) = &told;
            self.sent.push((second, alert.clone()));
            if let Told::Closed(alert) = told {
                self.alerts.push(alert);
            }
        }
    }
}
