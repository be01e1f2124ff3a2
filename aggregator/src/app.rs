//! The parts of the aggregator, put together: what is started, in which order, and how it ends.

use anyhow::{Context as _, bail};
use fieldward_shared::service::Notify;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::Config;
use crate::store::{Store, retention};

/// Runs until SIGTERM or SIGINT. A task that ends before ends the process: its manager starts it again.
pub async fn run(config: Config, notify: &Notify) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let store = Store::open(config.database_url.reveal()).await?;
    let (stop, stopped) = watch::channel(false);
    let mut forgetting = tokio::spawn(retention::run(store.clone(), config.retention, stopped));
    notify.ready();
    tracing::info!("the aggregator runs");
    let ended = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        done = &mut forgetting => Some(("retention", done)),
    };
    notify.stopping();
    stop.send_replace(true);
    if let Some((task, done)) = ended {
        store.close().await;
        bail!("the task {task} ended by itself: {done:?}");
    }
    forgetting.await.context("the task retention")?;
    store.close().await;
    tracing::info!("the aggregator has stopped");
    Ok(())
}
