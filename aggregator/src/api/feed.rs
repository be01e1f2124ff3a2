//! Brings to the hub what agents' reports have changed: alerts that were just committed, as the database has
//! them, and agents that come and go.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fieldward_shared::alert::AlertId;
use fieldward_shared::supervisor::Stop;
use serde_json::json;
use tokio::time::{Duration, MissedTickBehavior, interval};
use uuid::Uuid;

use super::Api;
use super::alerts::body::AlertBody;
use crate::fleet::Presence;
use crate::hub::Channel;
use crate::intake::Heard;
use crate::store::now;
use crate::vitals::Part;

/// Runs until the stop.
pub async fn run(api: Arc<Api>, mut heard: Heard, mut stop: Stop) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut some, mut agents, mut untold) = (Vec::new(), HashMap::new(), false);
    loop {
        tokio::select! {
            count = heard.alerts.recv_many(&mut some, AT_ONCE) => {
                if count == 0 {
                    // No agents arrive here.
                    return stop.asked().await;
                }
                if heard.has_missed() {
                    api.hub.skip(Channel::Alerts);
                }
                untold |= !tell(&api, some.drain(..).flatten().collect()).await;
            }
            _ = second.tick() => {
                presence(&api, &mut agents);
                api.note_parts();
                api.vitals.note(Part::Live, !std::mem::take(&mut untold));
            }
            () = stop.asked() => return,
        }
    }
}

/// Tells of alerts. Those that cannot be read now are not told of; whoever listens is told that. Gives whether
/// all were told of.
async fn tell(api: &Api, ids: BTreeSet<AlertId>) -> bool {
    let mut went_well = true;
    let ids: Vec<AlertId> = ids.into_iter().collect();
    for piece in ids.chunks(AT_ONCE) {
        match api.store.alerts_named(piece).await {
            // The oldest first, as they were raised.
            Ok(stored) => stored.into_iter().rev().for_each(|one| api.tell_alert(one)),
            Err(error) => {
                tracing::warn!(%error, "alerts were committed, but are not told to those who listen");
                api.hub.skip(Channel::Alerts);
                went_well = false;
            }
        }
    }
    went_well
}

fn presence(api: &Api, known: &mut HashMap<Uuid, Presence>) {
    let now = now();
    let mut present = HashMap::new();
    for standing in api.fleet.snapshot(now) {
        present.insert(standing.agent, standing.presence);
        if known.get(&standing.agent) == Some(&standing.presence) {
            continue;
        }
        let kind = if known.contains_key(&standing.agent) { "update" } else { "new" };
        let data = json!({
            "agent_id": standing.agent,
            "facility_id": standing.facility,
            "status": super::fleet::presence(standing.presence),
        });
        api.hub.publish(Channel::System, kind, Some(&standing.facility), &data, now);
    }
    *known = present;
}

impl Api {
    /// Tells those who listen of an alert as it is now.
    pub(super) fn tell_alert(&self, stored: crate::store::alerts::Stored) {
        let kind = if stored.revision == 1 { "new" } else { "update" };
        let facility = stored.alert.facility_id.clone();
        match serde_json::to_value(AlertBody::of(stored, false)) {
            Ok(data) => drop(self.hub.publish(Channel::Alerts, kind, Some(&facility), &data, now())),
            Err(_) => self.hub.skip(Channel::Alerts),
        }
    }
}

/// The feed is late when it was not heard of for so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// Alerts that are read at once.
const AT_ONCE: usize = 256;
