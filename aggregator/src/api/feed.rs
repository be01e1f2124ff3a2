//! Brings to the hub what agents' reports have changed: alerts that were just committed, as the database has
//! them, and agents that come and go.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

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
use crate::store::alerts::Stored;
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
                let ids: BTreeSet<AlertId> = some.drain(..).flatten().collect();
                let hints: Vec<u128> = ids.iter().map(|id| id.as_u128()).collect();
                api.tell_replicas(&hints);
                untold |= !tell(&api, ids, From::Agents).await;
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

/// How it is known that alerts have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// Agents that are connected here reported them.
    Agents,
    /// Another replica told of them, or the database.
    Others,
}

/// Tells of alerts. Those that cannot be read now are not told of; whoever listens is told that. Gives whether
/// all were told of.
pub(super) async fn tell(api: &Api, ids: BTreeSet<AlertId>, from: From) -> bool {
    let mut went_well = true;
    let ids: Vec<AlertId> = ids.into_iter().collect();
    for piece in ids.chunks(AT_ONCE) {
        match api.store.alerts_named(piece).await {
            // The oldest first, as they were raised.
            Ok(stored) => stored.into_iter().rev().for_each(|one| {
                if from == From::Agents {
                    let new = (one.revision == 1).then_some(one.alert.severity);
                    api.measures.told(new, one.alert.last_seen, one.received, now());
                }
                api.tell_here(one);
            }),
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
    /// Tells those who listen, here and at other replicas, of an alert that was changed here.
    pub(super) fn tell_alert(&self, stored: Stored) {
        self.tell_replicas(&[stored.alert.id.as_u128()]);
        self.tell_here(stored);
    }

    /// Tells those who listen here of an alert as it is now, unless they know.
    fn tell_here(&self, stored: Stored) {
        if !self.told.is_news(stored.alert.id, stored.revision) {
            return;
        }
        let kind = if stored.revision == 1 { "new" } else { "update" };
        let facility = stored.alert.facility_id.clone();
        match serde_json::to_value(AlertBody::of(stored, false)) {
            Ok(data) => drop(self.hub.publish(Channel::Alerts, kind, Some(&facility), &data, now())),
            Err(_) => self.hub.skip(Channel::Alerts),
        }
    }
}

/// Which state of alerts those who listen were told last: it may be heard of in several ways.
#[derive(Debug, Default)]
pub struct Heralds(Mutex<(HashMap<AlertId, u64>, VecDeque<AlertId>)>);

impl Heralds {
    /// Whether a state was not told yet, nor a later one. From now on it was.
    fn is_news(&self, id: AlertId, revision: u64) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (revisions, order) = &mut *told;
        if let Some(known) = revisions.get_mut(&id) {
            let is_news = *known < revision;
            *known = revision.max(*known);
            return is_news;
        }
        revisions.insert(id, revision);
        order.push_back(id);
        if order.len() > REMEMBERED
            && let Some(oldest) = order.pop_front()
        {
            revisions.remove(&oldest);
        }
        true
    }
}

/// Alerts whose last told state is remembered; of one that was forgotten it may be told again.
const REMEMBERED: usize = 16_384;
/// The feed is late when it was not heard of for so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// Alerts that are read at once.
const AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_told_once_and_an_older_one_never_after_it() {
        let told = Heralds::default();
        let id = AlertId::from_u128;
        for (alert, revision, is_news) in
            [(1, 1, true), (1, 1, false), (1, 3, true), (1, 2, false), (2, 1, true)]
        {
            assert_eq!(told.is_news(id(alert), revision), is_news, "{alert} {revision}");
        }
        (0..REMEMBERED as u128).for_each(|nth| assert!(told.is_news(id(nth + 100), 1)));
        let (revisions, order) = &*told.0.lock().unwrap();
        assert_eq!((revisions.len(), order.len()), (REMEMBERED, REMEMBERED));
    }
}
