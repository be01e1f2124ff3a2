//! The parts of the aggregator, put together: what is started, in which order, and how it ends.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use fieldward_shared::clock::Clock;
use fieldward_shared::service::Notify;
use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::transport::{reset_key, server_showing};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, MissedTickBehavior, interval, timeout};

use crate::ca::hall::Hall;
use crate::config::Config;
use crate::intake::{Intake, Limits, Parts};
use crate::store::{Store, retention};

/// Runs until SIGTERM or SIGINT. A task that ends before ends the process: its manager starts it again.
pub async fn run(config: Config, notify: &Notify) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let store = Store::open(config.database_url.reveal()).await?;
    let hall = Arc::new(config.ca.open(store.clone(), Arc::new(Clock::default())).await?);
    let (stop, stopped) = watch::channel(false);
    let (seconds, arriving) = mpsc::channel(SECONDS);
    let tls = server_showing(hall.server(), hall.verifier(), hall.clock().clone())?;
    let reset_key = reset_key(&config.ca.folder.join(RESET_KEY))
        .with_context(|| format!("{}/{RESET_KEY}", config.ca.folder.display()))?;
    let parts = Parts {
        tls,
        reset_key,
        gate: hall.clone(),
        store: store.clone(),
        seconds,
        limits: Limits::default(),
    };
    let intake = Intake::bind(config.listen, parts).await?;
    let mut tasks = JoinSet::new();
    let forgetting = retention::run(store.clone(), config.retention, stopped.clone());
    spawn(&mut tasks, "retention", forgetting);
    spawn(&mut tasks, "authority", tick(hall, stopped.clone()));
    spawn(&mut tasks, "traffic", keep_traffic(store.clone(), arriving));
    notify.ready();
    tracing::info!(address = %intake.address(), "the aggregator runs");
    let ended = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        () = watched(notify) => None,
        ended = tasks.join_next() => ended,
    };
    notify.stopping();
    // Sessions end first: what they commit is acknowledged, the rest comes again.
    intake.close().await;
    stop.send_replace(true);
    let is_over = async { while tasks.join_next().await.is_some() {} };
    let in_time = timeout(GRACE, is_over).await.is_ok();
    store.close().await;
    if let Some(ended) = ended {
        bail!("the task {} ended by itself", ended.unwrap_or("that broke"));
    }
    if !in_time {
        bail!("a task did not end within {} s", GRACE.as_secs());
    }
    tracing::info!("the aggregator has stopped");
    Ok(())
}

fn spawn(tasks: &mut JoinSet<&'static str>, name: &'static str, work: impl Future + Send + 'static) {
    tasks.spawn(async move {
        work.await;
        name
    });
}

/// The service manager hears that the loop turns.
async fn watched(notify: &Notify) {
    let mut beat = interval(BEAT);
    loop {
        beat.tick().await;
        notify.alive();
    }
}

/// Takes over once a second who was revoked and what `ca` commands have changed.
async fn tick(hall: Arc<Hall>, mut stop: watch::Receiver<bool>) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = second.tick() => hall.tick().await,
            () = told(&mut stop) => return,
        }
    }
}

async fn told(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Keeps seconds of traffic, until no more can come. One that cannot be kept is said and given up: it is the
/// lossy part of what agents tell.
async fn keep_traffic(store: Store, mut arriving: mpsc::Receiver<NetworkData>) {
    let mut some = Vec::new();
    while arriving.recv_many(&mut some, MOST_AT_ONCE).await > 0 {
        let count = some.len();
        if let Err(error) = store.telemetry(std::mem::take(&mut some)).await {
            tracing::warn!(count, %error, "seconds of traffic were not kept");
        }
    }
}

const RESET_KEY: &str = "reset.key";
/// Seconds of traffic that wait to be kept; what does not fit the intake counts.
const SECONDS: usize = 4096;
const MOST_AT_ONCE: usize = 1024;
/// For tasks to end.
const GRACE: Duration = Duration::from_secs(10);
const BEAT: Duration = Duration::from_secs(5);
