//! Tells those who listen (`predictions`) what is expected, what came, and how incidents go: what changed in the
//! database behind a number. So each replica tells its own listeners, whoever looked at the alerts.

use std::sync::Arc;

use fieldward_shared::supervisor::Stop;
use tokio::time::{Duration, MissedTickBehavior, interval};

use super::super::Api;
use super::super::incidents::IncidentBody;
use super::super::principal::Scope;
use super::{PredictionBody, seen_by, sight};
use crate::hub::{Audience, Channel};
use crate::store::predictions::Prediction;
use crate::store::{StoreError, now};

/// Runs until the stop.
pub async fn run(api: Arc<Api>, mut stop: Stop) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        tokio::select! {
            _ = second.tick() => {}
            () = stop.asked() => return,
        }
        if let Err(error) = tell(&api, &mut told).await {
            tracing::warn!(%error, "predictions cannot be read; those who listen are told when they can");
        }
    }
}

/// Tells what changed behind a number, which moves on. What was there at the start is no news.
pub async fn tell(api: &Api, told: &mut Option<u64>) -> Result<(), StoreError> {
    let newest = api.store.serial().await?;
    // Numbers may fall when what is old goes.
    let mark = told.map_or(newest, |mark| mark.min(newest));
    *told = Some(newest);
    if mark == newest {
        return Ok(());
    }
    for incident in api.store.incidents_since(mark, MOST).await? {
        let to = Audience::of(Some(&incident.facility));
        publish(api, "incident", to, &IncidentBody::of(incident));
    }
    for prediction in api.store.predictions_since(mark, MOST).await? {
        let kind = |one: &Prediction| if one.validated.is_some() { "update" } else { "new" };
        let (plant, others) = (prediction.facility.clone(), sight::others(&prediction));
        // Who sees all plants that had a part in it is told all, who sees this one what it gives alone.
        if !others.is_empty() {
            let less = seen_by(prediction.clone(), &Scope::of(std::slice::from_ref(&plant)));
            let to = Audience { plants: vec![plant.clone()], but_not: others.clone() };
            publish(api, kind(&less), to, &PredictionBody::all(less));
        }
        let to = Audience { plants: std::iter::once(plant).chain(others).collect(), but_not: Vec::new() };
        publish(api, kind(&prediction), to, &PredictionBody::all(prediction));
    }
    Ok(())
}

fn publish(api: &Api, kind: &'static str, to: Audience, body: &impl serde::Serialize) {
    match serde_json::to_value(body) {
        Ok(data) => drop(api.hub.tell(Channel::Predictions, kind, to, &data, now())),
        Err(_) => api.hub.skip(Channel::Predictions),
    }
}

/// What is told in one second; lists have the rest.
const MOST: u32 = 500;
