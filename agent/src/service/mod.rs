//! The service of one plant: captures, learns by itself, watches, and puts alerts into the spool.
//!
//! One thread takes packets and makes alerts of them ([`engine`]); it knows packet time only and waits
//! for nobody. Training has a thread while it lasts, Redis, the spool and the uplink have one each. The thread that
//! calls [`run`] does the rest ([`rim`]): files, maintenance, news for the service manager.

pub mod engine;
pub mod learning;
mod rim;
pub mod status;
mod training;

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::{Sender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;

use fieldward_shared::service::Notify;
use fieldward_shared::telemetry::RequestMinute;

use crate::capture::{CaptureError, Drops, Source};
use crate::classify::{self, Classifier};
use crate::config::Config;
use crate::detect::{Detector, Watcher};
use crate::learn::local::{Choices, Local, Renewed};
use crate::learn::windows::{Bounds, Tap};
use crate::lookout::Lookout;
use crate::maintenance::Maintenance;
use crate::mirror::{BadAddress, Mirror};
use crate::model::{self, ModelError};
use crate::pipeline::Limits;
use crate::round::{Control, Desk, FileBooks, Player};
use crate::spool::{OpenError, Spool};
use crate::uplink::{self, Credentials, Uplink};
use engine::{Ended, Engine, Phase};
use learning::{Gathered, Learning};
use rim::Rim;
use status::{State, Status};

/// What the engine is told.
pub enum Order {
    /// People work, or no longer.
    Maintain(Option<Maintenance>),
    /// A model is ready, or will not be.
    Join(Result<Watcher, String>),
    /// A model was changed.
    Replace(Watcher),
    /// Plants have learnt to name techniques better.
    Name(Box<Classifier>),
    /// All models are made, and whether all are on the disk.
    Trained(bool),
}

/// What the engine tells.
pub enum Report {
    /// How it is after a second.
    Second(Box<Status>),
    /// Web requests of a minute.
    Requests(Box<RequestMinute>),
    /// That something has changed, before a second is over.
    News(Box<Status>),
    /// What was gathered while learning.
    Gathered(Gathered),
    /// All that was gathered is in models: it need not be kept any more.
    Learnt,
    /// The book of what was done during maintenance.
    Worked(Vec<u8>, Maintenance),
}

/// Why the service cannot run, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Something cannot be kept.
    #[error("{place}: {error}; create it and let this user write there")]
    Directory {
        /// Where.
        place: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// Alerts cannot be kept.
    #[error(transparent)]
    Spool(#[from] OpenError),
    /// The address of Redis is none.
    #[error(transparent)]
    Redis(#[from] BadAddress),
    /// There are no packets any more.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// No thread, or one that ended in the middle.
    #[error("the {0} thread failed{1}; the service manager starts the agent again")]
    Thread(&'static str, String),
}

/// Runs until the source ends or `stop` is set; what was raised until then is in the spool.
pub fn run(
    config: &Config,
    source: Box<dyn Source>,
    stop: &Arc<AtomicBool>,
    notify: &Notify,
) -> Result<Status, ServiceError> {
    let state = config.state();
    let failed = |error| ServiceError::Directory { place: state.display().to_string(), error };
    std::fs::create_dir_all(state).map_err(failed)?;
    let mirror = config.redis_url.as_ref().map(|url| Mirror::start(url.reveal(), &config.facility_id));
    let mirror = mirror.transpose()?;
    let (spool, recovery) = Spool::open(&config.spool, config.spool_limits())?;
    tracing::info!("spool {}: {recovery}", config.spool.display());
    let spool = Arc::new(spool);
    let (to_engine, orders) = channel();
    let (reports, from_engine) = sync_channel(REPORTS);
    let pulse = Arc::new(AtomicU64::new(0));
    let (phase, detectors, refused) = begin(config, state);
    if let Some(classifier) = named(&config.model) {
        drop(to_engine.send(Order::Name(Box::new(classifier))));
    }
    let (learner, tap, writer) = match learner(config, &to_engine) {
        Ok((learner, tap, writer)) => (Some(learner), Some(tap), Some(writer)),
        Err(error) => {
            tracing::error!("this plant does not learn with others: {error}");
            (None, None, None)
        }
    };
    let (labels, learnt) = (learner.as_ref().map(Local::verdicts), learner.as_ref().map(Local::look));
    let uplink = uplink::Settings::of(config).map(|settings| {
        let desk = learner.and_then(|learner| together(config, learner, settings.credentials.clone()));
        Uplink::taking_part(uplink::Settings { labels, ..settings }, spool.clone(), desk)
    });
    let uplink = uplink.transpose();
    let uplink = uplink.map_err(|error| ServiceError::Thread("uplink", format!(": {error}")))?;
    let mut rim = Rim::new(config, mirror, uplink, spool.clone(), to_engine.clone(), pulse.clone(), learnt);
    // Before the first packet, so that work that goes on is known to it.
    rim.read_maintenance();
    let status = Status {
        facility_id: config.facility_id.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        state: if matches!(phase, Phase::Learning(_)) { State::Learning } else { State::Watching },
        refused,
        ..Status::default()
    };
    rim.begin(status.clone());
    let engine = Engine {
        lookout: Lookout::new(&config.facility_id, Limits::watching(), detectors),
        phase,
        status,
        models: config.model.clone(),
        spool: spool.clone(),
        orders: (to_engine, orders),
        reports,
        pulse,
        stop: stop.clone(),
        maintenance: None,
        active: None,
        unsent: Vec::new(),
        untold: false,
        drops: Drops::default(),
        tap,
    };
    let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(move || engine.run(source));
    let thread = thread.map_err(|error| ServiceError::Thread("watch", format!(" to start ({error})")))?;
    notify.ready();
    rim.run(&from_engine, notify);
    notify.stopping();
    drop(spool);
    let status = finish(rim, thread);
    // The tap went with the engine: what it had told is on the disk when this ends.
    if let Some(writer) = writer {
        writer.join().map_err(|_| ServiceError::Thread("windows", String::new()))?;
    }
    status
}

/// What names techniques where plants have learnt another than the shipped one.
fn named(models: &Path) -> Option<Classifier> {
    let path = models.join(classify::FILE);
    let bytes = std::fs::read(&path).ok()?;
    let read = Classifier::load(&bytes);
    read.inspect_err(|error| tracing::warn!("{}: {error}; the shipped one names", path.display())).ok()
}

/// What learns with other plants, the tap that feeds it, and the thread that writes for the tap.
fn learner(
    config: &Config,
    orders: &Sender<Order>,
) -> Result<(Local, Tap, JoinHandle<()>), Box<dyn std::error::Error>> {
    let choices = Choices {
        state: config.state().to_owned(),
        models: config.model.clone(),
        cpu_share: config.learn.cpu_share,
        bounds: Bounds { bytes: config.learn.windows_mib << 20, ..Bounds::default() },
        allow_unprotected: false,
    };
    let orders = orders.clone();
    // An engine that has ended needs no models.
    let reload = Box::new(move |renewed| {
        drop(orders.send(match renewed {
            Renewed::Watcher(watcher) => Order::Replace(watcher),
            Renewed::Classifier(classifier) => Order::Name(classifier),
        }));
    });
    let learner = Local::open(choices, reload)?;
    let (tap, writer) = learner.tap()?;
    Ok((learner, tap, writer))
}

/// The desk at which this plant is asked to take part in rounds; none when it does not.
fn together(config: &Config, learner: Local, credentials: Credentials) -> Option<Desk> {
    if !config.privacy.take_part {
        return None;
    }
    let start = || -> Result<Desk, Box<dyn std::error::Error>> {
        let books = FileBooks::open(config.state(), config.privacy.budget())?;
        let control = Arc::new(Control::default());
        let policy = config.privacy.policy();
        let player = Player::new(Box::new(learner), books, credentials, policy, control.clone());
        Ok(Desk::start(player, control)?)
    };
    let started = start();
    started.inspect_err(|error| tracing::error!("this plant does not learn with others: {error}")).ok()
}

fn finish(mut rim: Rim<'_>, thread: JoinHandle<Ended>) -> Result<Status, ServiceError> {
    // It has hung up: it has ended, or it is about to.
    let ended = thread.join().map_err(|_| ServiceError::Thread("watch", String::new()))?;
    if let Some(gathered) = ended.gathered {
        rim.take(Report::Gathered(gathered));
    }
    ended.unsent.into_iter().for_each(|report| rim.take(report));
    let status = rim.end(ended.status);
    ended.damage.map_or(Ok(status), |error| Err(error.into()))
}

/// Learns where there is nothing learnt, and else watches with what there is.
fn begin(config: &Config, state: &Path) -> (Phase, Vec<Box<dyn Detector>>, Vec<String>) {
    let with_innate =
        |learners: Vec<Box<dyn Detector>>| model::innate().into_iter().chain(learners).collect::<Vec<_>>();
    let seed = config.learn.seed;
    if let Some((learners, elapsed)) = learning::resume(state, seed) {
        let hours = elapsed as f64 / 3600.0;
        tracing::info!(
            "learning goes on after {hours:.2} hours of traffic; what is counted within a minute, and the \
             connections that were open, begin anew"
        );
        return (Phase::Learning(Learning::new(config.learn, elapsed)), with_innate(learners), Vec::new());
    }
    if !model::any(&config.model) {
        tracing::info!("nothing was learnt yet in {}: learning", config.model.display());
        let learners = learning::learners(seed);
        return (Phase::Learning(Learning::new(config.learn, 0)), with_innate(learners), Vec::new());
    }
    let loaded = model::load(&config.model);
    let mut refused = Vec::new();
    for one in loaded.refused {
        // What there was too little traffic for has no file: nothing is wrong with it.
        let missing =
            matches!(&one.why, ModelError::Unreadable(error) if error.kind() == ErrorKind::NotFound);
        if missing {
            refused.push(format!("{}: was not learnt", one.path.display()));
        } else {
            tracing::warn!("{one}; or move the directory away, and the service learns anew");
            refused.push(one.to_string());
        }
    }
    let names: Vec<&str> = loaded.detectors.iter().map(|detector| detector.name()).collect();
    tracing::info!("watching with {}", names.join(", "));
    (Phase::Watching, loaded.detectors, refused)
}

/// What did not fit.
fn returned(full: TrySendError<Report>) -> Report {
    match full {
        TrySendError::Full(report) | TrySendError::Disconnected(report) => report,
    }
}

/// Reports that wait for the disk.
const REPORTS: usize = 64;
