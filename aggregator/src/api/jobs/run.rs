//! Does jobs, one alert after the other, as a person would. Before an alert is touched its status is noted, so
//! that a process that ends in between leaves enough for the next one to go on, and for all to be taken back.

use std::sync::Arc;

use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use tokio::time::{Duration, sleep};
use uuid::Uuid;

use crate::api::Api;
use crate::store::board::{AlertAct, Change, Outcome};
use crate::store::jobs::{Item, Job, JobState, WAITING};
use crate::store::{StoreError, now};

/// Runs until the stop; what is under way then is left for whoever comes next.
pub async fn run(api: Arc<Api>, mut stop: Stop) {
    let runner = Uuid::new_v4();
    loop {
        let is_idle = match step(&api, runner, now()).await {
            Ok(worked) => !worked,
            Err(error) => {
                tracing::warn!(%error, "a job stands still; it is tried again");
                true
            }
        };
        if stop.is_asked() {
            break;
        }
        if is_idle {
            tokio::select! {
                () = api.jobs.notified() => {}
                // Of another replica, or left by one that has ended.
                () = sleep(LOOK) => {}
                () = stop.asked() => break,
            }
        }
    }
    if let Err(error) = api.store.leave_jobs(runner).await {
        tracing::debug!(%error, "jobs wait until the lease of this process has ended");
    }
}

/// Does a piece of a job; whether there was one.
pub async fn step(api: &Api, runner: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let Some(job) = api.store.take_job(runner, now, now.plus(LEASE)).await? else { return Ok(false) };
    let items = api.store.note_statuses(&job, PIECE).await?;
    if items.is_empty() {
        api.store.end_job(&job, now, super::undo_until(now)).await?;
        return Ok(true);
    }
    let mut results = Vec::new();
    let mut stopped = None;
    for item in &items {
        let done = match job.state {
            JobState::Undoing => undo(api, &job, item).await,
            _ => act(api, &job, item).await,
        };
        match done {
            Ok(result) => results.push((item.nth, result)),
            Err(error) if error.passes() => {
                stopped = Some(error);
                break;
            }
            Err(error) => {
                tracing::warn!(%error, alert = %item.alert, "a job could not change an alert");
                results.push((item.nth, "failed"));
            }
        }
    }
    api.store.keep_results(&job, runner, &results, now.plus(LEASE)).await?;
    stopped.map_or(Ok(true), Err)
}

async fn act(api: &Api, job: &Job, item: &Item) -> Result<&'static str, StoreError> {
    if item.result != WAITING {
        return Ok(known(&item.result));
    }
    let change =
        Change { status: job.target, seen: None, reason: &job.reason, actor: &job.actor, is_undo: false };
    Ok(match api.store.act_on_alert(item.alert, &change, now()).await? {
        Outcome::Done(stored) => {
            api.tell_alert(*stored);
            "done"
        }
        // Noted with another status, and now as it is to be: done before this process began, or by others.
        Outcome::Same(_) if item.before != Some(job.target) => {
            match last(api, item).await?.is_some_and(|act| is_of(&act, job, &job.reason)) {
                true => "done",
                false => "unchanged",
            }
        }
        Outcome::Same(_) => "unchanged",
        Outcome::Unknown => "not_found",
        Outcome::Stale(_) => "changed_since",
        Outcome::Refused(_) => "invalid_transition",
    })
}

/// Takes back what was done to an alert, unless somebody has done something else since.
async fn undo(api: &Api, job: &Job, item: &Item) -> Result<&'static str, StoreError> {
    let (Some(before), true) = (item.before, item.result == "done") else { return Ok(known(&item.result)) };
    let reason = format!("job {} taken back", job.id);
    for _ in 0..TRIES {
        let Some(stored) = api.store.alert(item.alert).await? else { return Ok("not_found") };
        let Some(act) = last(api, item).await? else { return Ok("changed_since") };
        if stored.alert.status == before && is_of(&act, job, &reason) {
            return Ok("undone");
        }
        if stored.alert.status != job.target || !is_of(&act, job, &job.reason) {
            return Ok("changed_since");
        }
        let seen = Some(stored.revision);
        let change = Change { status: before, seen, reason: &reason, actor: &job.actor, is_undo: true };
        match api.store.act_on_alert(item.alert, &change, now()).await? {
            Outcome::Done(stored) => {
                api.tell_alert(*stored);
                return Ok("undone");
            }
            // Its agent has told more of it: look again.
            Outcome::Stale(_) => {}
            _ => return Ok("changed_since"),
        }
    }
    Ok("changed_since")
}

async fn last(api: &Api, item: &Item) -> Result<Option<AlertAct>, StoreError> {
    Ok(api.store.acts_on_alert(item.alert).await?.pop())
}

/// Whether an act is this job's.
fn is_of(act: &AlertAct, job: &Job, reason: &str) -> bool {
    act.actor == job.actor && act.reason == reason && act.at >= job.created
}

/// What came of it stays.
fn known(result: &str) -> &'static str {
    ["unchanged", "not_found", "invalid_transition", "changed_since", "undone"]
        .into_iter()
        .find(|one| *one == result)
        .unwrap_or("failed")
}

/// Alerts of a piece.
const PIECE: u32 = 50;
/// Microseconds for which a process has a job alone: a piece takes a small part of it.
const LEASE: u64 = 30_000_000;
/// How often it is looked whether there is a job that others left.
const LOOK: Duration = Duration::from_secs(5);
/// Times that an alert may have grown while it is taken back.
const TRIES: usize = 8;
