//! The parts of the aggregator, put together: what is started, in which order, and how it ends.

use std::sync::Arc;

use anyhow::Context as _;
use fieldward_shared::clock::Clock;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::{Pulse, Stop, Supervisor};
use fieldward_shared::telemetry::{NetworkData, RequestMinute};
use fieldward_shared::transport::{reset_key, server_showing};
use tokio::sync::mpsc;
use tokio::time::{Duration, MissedTickBehavior, interval};

use crate::api;
use crate::attack::watch;
use crate::bus;
use crate::ca::hall::Hall;
use crate::config::Config;
use crate::demo::MOST_SIMULATORS;
use crate::drift::Drift;
use crate::intake::{Intake, Limits, Parts};
use crate::outputs;
use crate::round::Driver;
use crate::store::{Store, retention};
use crate::vitals::{Part, Vitals};

/// Runs until SIGTERM or SIGINT. A task that ends before ends the process: its manager starts it again.
pub async fn run(config: Config, notify: Notify) -> anyhow::Result<()> {
    let store = Store::open(config.database_url.reveal()).await?;
    let hall = Arc::new(config.ca.open(store.clone(), Arc::new(Clock::default())).await?);
    let key = config.ca.folder.join(RESET_KEY);
    let (seconds, arriving) = mpsc::channel(SECONDS);
    let (requests, counted) = mpsc::channel(MINUTES);
    let simulators = if config.demo_mode { MOST_SIMULATORS } else { 0 };
    let parts = Parts {
        tls: server_showing(hall.server(), hall.verifier(), hall.clock().clone())?,
        reset_key: reset_key(&key).with_context(|| key.display().to_string())?,
        gate: hall.clone(),
        store: store.clone(),
        seconds,
        requests,
        limits: Limits { simulators, ..Limits::default() },
    };
    let intake = Intake::bind(config.listen, parts).await?;
    tracing::info!(address = %intake.address(), "agents may come");
    let vitals = Vitals::default();
    let opened = api::open(&config, store.clone(), &intake, hall.server(), vitals.clone()).await?;
    let (server, shown, heard) = (opened.server, opened.api, opened.heard);
    let deployment = api::security::Deployment { config: config.clone(), hall: Some(hall.clone()) };
    shown.security.know(deployment);
    shown.auth.oidc.open(&config.oidc)?;
    let mut supervisor = Supervisor::new(notify, GRACE);
    let pulse = supervisor.pulse("authority");
    supervisor.spawn("authority", |stop| keep_authority(hall, pulse, vitals.clone(), stop));
    supervisor.spawn("api", |stop| server.run(stop));
    supervisor.spawn("live", |stop| api::feed::run(shown.clone(), heard, stop));
    supervisor.spawn("replicas", |stop| api::replicas::run(shown.clone(), opened.inbox, stop));
    if let Some(ends) = opened.traces {
        supervisor.spawn("traces", |stop| api::traces::run(ends, stop));
    }
    if let Some(ends) = opened.bus {
        supervisor.spawn("bus", |stop| bus::run(ends, stop));
    }
    supervisor.spawn("rounds-told", |stop| api::fl::feed::run(shown.clone(), stop));
    supervisor.spawn("cache", |stop| api::cache::run(shown.clone(), stop));
    supervisor.spawn("demo", |stop| api::demo::run(shown.clone(), stop));
    supervisor.spawn("predictions-told", |stop| api::predictions::feed::run(shown.clone(), stop));
    supervisor.spawn("predictions", |stop| watch::run(store.clone(), shown.predictor.clone(), stop));
    supervisor.spawn("checks", |stop| api::security::watch::run(shown.clone(), stop));
    for one in config.outputs.all() {
        let output =
            one.settings.open().map_err(|error| anyhow::anyhow!("[outputs.{}]: {error}", one.name))?;
        let wanted = one.settings.wanted();
        supervisor.spawn(one.name, |stop| outputs::run(store.clone(), one.name, wanted, output, stop));
    }
    let planned = shown.rounds.clone();
    let driver = Driver::new(store.clone(), intake.tasks(), config.rounds.clone(), planned);
    let drift = Drift {
        fleet: shown.fleet.clone(),
        store: store.clone(),
        config: config.drift.clone(),
        rounds: config.rounds.clone(),
        planned: shown.rounds.clone(),
    };
    if drift.config.plants > 0 {
        supervisor.spawn("drift", |stop| drift.run(stop));
    }
    supervisor.spawn("jobs", |stop| api::jobs::run::run(shown, stop));
    supervisor.spawn("rounds", |stop| driver.run(stop));
    supervisor.spawn("intake", |stop| take_in(intake, stop));
    supervisor.spawn("traffic", |stop| keep_traffic(store.clone(), arriving, stop));
    supervisor.spawn("requests", |stop| keep_requests(store.clone(), counted, stop));
    supervisor.spawn("retention", |stop| retention::run(store.clone(), config.retention, vitals, stop));
    tracing::info!("the aggregator runs");
    let ended = supervisor.run().await;
    store.close().await;
    ended?;
    tracing::info!("the aggregator has stopped");
    Ok(())
}

/// Takes over once a second who was revoked and what `ca` commands have changed.
async fn keep_authority(hall: Arc<Hall>, pulse: Pulse, vitals: Vitals, mut stop: Stop) {
    vitals.start(Part::Authority, PATIENCE);
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = second.tick() => {}
            () = stop.asked() => return,
        }
        // Before it asks the database, which may be away for long.
        pulse.beat();
        tokio::select! {
            went_well = hall.tick() => vitals.note(Part::Authority, went_well),
            () = stop.asked() => return,
        }
    }
}

/// Agents come and go by themselves; on a stop their sessions end in order.
async fn take_in(intake: Intake, mut stop: Stop) {
    stop.asked().await;
    intake.close().await;
}

/// Keeps seconds of traffic. One that cannot be kept is said and given up: it is the lossy part of what
/// agents tell.
async fn keep_traffic(store: Store, mut arriving: mpsc::Receiver<NetworkData>, mut stop: Stop) {
    let mut some = Vec::new();
    loop {
        let count = tokio::select! {
            count = arriving.recv_many(&mut some, MOST_AT_ONCE) => count,
            () = stop.asked() => 0,
        };
        if count == 0 {
            return;
        }
        if let Err(error) = store.telemetry(std::mem::take(&mut some)).await {
            tracing::warn!(count, %error, "seconds of traffic were not kept");
        }
    }
}

/// Keeps minutes of web requests, as lossy as seconds are.
async fn keep_requests(store: Store, mut arriving: mpsc::Receiver<RequestMinute>, mut stop: Stop) {
    let mut some = Vec::new();
    loop {
        let count = tokio::select! {
            count = arriving.recv_many(&mut some, MINUTES_AT_ONCE) => count,
            () = stop.asked() => 0,
        };
        if count == 0 {
            return;
        }
        if let Err(error) = store.keep_requests(std::mem::take(&mut some)).await {
            tracing::warn!(count, %error, "minutes of web requests were not kept");
        }
    }
}

/// Beside the authority: by it agents learn at once that the aggregator has started anew.
const RESET_KEY: &str = "reset.key";
/// Seconds of traffic that wait to be kept; what does not fit the intake counts.
const SECONDS: usize = 4096;
const MOST_AT_ONCE: usize = 1024;
/// Minutes of web requests that wait, each of at most 257 endpoints.
const MINUTES: usize = 1024;
const MINUTES_AT_ONCE: usize = 32;
/// The authority is late when it was not heard of for so long.
const PATIENCE: Duration = Duration::from_secs(15);
/// For tasks to end.
const GRACE: Duration = Duration::from_secs(10);
