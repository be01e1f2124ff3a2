//! Looks at everything once an hour, whether anybody asks or not: what has changed is kept and said.

use std::sync::Arc;

use fieldward_shared::supervisor::Stop;
use tokio::time::{Duration, MissedTickBehavior, interval};

use super::scene::DAY;
use super::{CheckBody, Verdict, look, score_of};
use crate::api::Api;
use crate::api::error::ApiError;
use crate::store::now;

/// Runs until the stop.
pub async fn run(api: Arc<Api>, mut stop: Stop) {
    let mut hours = interval(EACH);
    hours.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = hours.tick() => {}
            () = stop.asked() => return,
        }
        let done = tokio::select! {
            done = once(&api) => done,
            () = stop.asked() => return,
        };
        if let Err(error) = done {
            tracing::warn!(error = error.words(), "security checks were not done; they are in an hour");
        }
    }
}

/// Looks once. What has changed since it was kept last is kept, and what has not once a day.
pub async fn once(api: &Api) -> Result<(), ApiError> {
    api.look_closely().await?;
    let (checks, last) = (look(api).await?, api.store.last_findings().await?);
    let at = now();
    let mut kept = Vec::new();
    for check in &checks {
        let before = last.iter().find(|found| found.check == check.id);
        let is_other = before.is_none_or(|found| found.result != check.result.name());
        if is_other {
            tell(check);
        }
        if is_other || before.is_some_and(|found| at.since(found.at) >= DAY) {
            kept.push(check.finding("aggregator"));
        }
    }
    api.store.keep_findings(&kept, None).await?;
    api.store.keep_score(&score_of(&checks, at)).await?;
    Ok(())
}

fn tell(check: &CheckBody) {
    let (id, summary) = (check.id, &check.summary);
    match check.result {
        Verdict::Fail => tracing::warn!(security = true, id, summary, "a security check fails"),
        Verdict::Warn => tracing::info!(security = true, id, summary, "a security check warns"),
        Verdict::Pass | Verdict::Unknown => {}
    }
}

const EACH: Duration = Duration::from_secs(3600);
