//! Tells those who listen (`fl_status`) how rounds go: once a second the store is asked what is under way, and what
//! has changed is told. So each replica tells its own listeners, whoever drives the round, and a restart misses
//! nothing that can still be seen.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use fieldward_shared::supervisor::Stop;
use tokio::time::{Duration, MissedTickBehavior, interval};
use uuid::Uuid;

use super::super::Api;
use super::super::time::Time;
use super::body::{ClientBody, RoundBody};
use crate::hub::Channel;
use crate::store::rounds::{Client, Round, Status};
use crate::store::{StoreError, now};
use crate::times::Times;

/// Runs until the stop.
pub async fn run(api: Arc<Api>, mut stop: Stop) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Told::default();
    loop {
        tokio::select! {
            _ = second.tick() => {}
            () = stop.asked() => return,
        }
        if let Err(error) = told.look(&api).await {
            tracing::warn!(%error, "how rounds go cannot be read; those who listen are told when it can");
        }
    }
}

/// What those who listen know.
#[derive(Debug, Default)]
struct Told {
    begun: bool,
    rounds: HashMap<u64, Round>,
    clients: HashMap<Uuid, Client>,
}

impl Told {
    async fn look(&mut self, api: &Api) -> Result<(), StoreError> {
        let open = api.store.rounds_open(MOST).await?;
        // What was open and is not any more has ended; what came and went between two looks is the newest.
        let mut seen: BTreeMap<u64, Round> = open.into_iter().map(|round| (round.number, round)).collect();
        let known = self.rounds.values().filter(|round| round.end.is_none()).map(|round| round.number);
        for number in known.filter(|number| !seen.contains_key(number)).collect::<Vec<_>>() {
            seen.extend(api.store.round(number).await?.map(|round| (number, round)));
        }
        for round in api.store.rounds(None, 1).await? {
            seen.entry(round.number).or_insert(round);
        }
        for round in seen.into_values() {
            self.tell(api, round).await?;
        }
        self.begun = true;
        Ok(())
    }

    async fn tell(&mut self, api: &Api, round: Round) -> Result<(), StoreError> {
        let is_open = round.end.is_none();
        let before = self.rounds.get(&round.number).cloned();
        // What had ended before anybody could listen is no news.
        if before.is_none() && !is_open && !self.begun {
            self.rounds.insert(round.number, round);
            return Ok(());
        }
        let is_driven = is_open && round.status == Status::InProgress;
        let was_open = before.as_ref().is_none_or(|before| before.end.is_none());
        if is_driven || was_open {
            for client in api.store.round_clients(round.number).await? {
                self.tell_client(api, client);
            }
        }
        if before.as_ref().is_some_and(|before| is_same(before, &round)) {
            return Ok(());
        }
        let kind = match (before.is_none(), is_open) {
            (true, true) => "round_started",
            (_, true) => "progress_update",
            (_, false) => "round_ended",
        };
        if !is_open && was_open {
            api.ended.note(&round);
        }
        let body = RoundBody::of(round.clone(), None, Time(now()));
        publish(api, kind, None, &body);
        if !is_open {
            // The newest stays known, so that it is told once.
            self.rounds.retain(|number, known| known.end.is_none() || *number > round.number);
        }
        self.rounds.insert(round.number, round);
        Ok(())
    }

    fn tell_client(&mut self, api: &Api, client: Client) {
        if self.clients.get(&client.agent) == Some(&client) {
            return;
        }
        let body = ClientBody::of(client.clone());
        publish(api, "client_update", Some(&client.facility), &body);
        self.clients.insert(client.agent, client);
    }
}

/// Whether listeners would see no difference.
fn is_same(one: &Round, other: &Round) -> bool {
    let state = serde_json::Value::Null;
    Round { state: state.clone(), ..one.clone() } == Round { state, ..other.clone() }
}

fn publish(api: &Api, kind: &'static str, facility: Option<&str>, body: &impl serde::Serialize) {
    match serde_json::to_value(body) {
        Ok(data) => drop(api.hub.publish(Channel::FlStatus, kind, facility, &data, now())),
        Err(_) => api.hub.skip(Channel::FlStatus),
    }
}

/// What was counted of rounds that ended since the process began.
#[derive(Debug, Default)]
pub struct Counted(Mutex<Ended>);

/// How rounds ended.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    /// How long those took that gave a model.
    pub completed: Times,
    /// How long those took that failed.
    pub failed: Times,
}

impl Counted {
    fn note(&self, round: &Round) {
        let took = round.end.map_or(0, |end| end.since(round.start));
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = if round.status == Status::Completed { &mut ended.completed } else { &mut ended.failed };
        times.note(Duration::from_micros(took));
    }

    /// What was counted.
    pub fn all(&self) -> Ended {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Rounds that are looked at: more than may wait.
const MOST: u32 = 32;
