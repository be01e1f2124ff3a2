//! Several aggregators on one database: each tells the others what has changed, who is connected to it and what
//! was taken from limits, and asks its agents for them. What a message did not bring the database says: this
//! looks there each second while messages do not arrive, and now and then when they do.

use std::collections::HashMap;
use std::sync::Arc;

use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{self, Answer, Question};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::feed::{From, tell};
use super::principal::{Principal, Role, Scope, Via};
use crate::bus::message::{AgentHint, Message, Words};
use crate::bus::{Bus, Inbox};
use crate::fleet::{Presence, Standing};
use crate::hub::Channel;
use crate::intake::AskError;
use crate::store::changes::Marks;
use crate::store::{StoreError, now};

/// Runs until the stop. Without others there is nothing to do.
pub async fn run(api: Arc<Api>, inbox: Option<Inbox>, mut stop: Stop) {
    let Some(mut inbox) = inbox else {
        if !api.store.is_shared() {
            return stop.asked().await;
        }
        return tokio::select! {
            () = look(&api) => {}
            () = stop.asked() => {}
        };
    };
    let mut asked = JoinSet::new();
    let hear = async {
        while let Some((from, message)) = inbox.recv().await {
            while asked.try_join_next().is_some() {}
            hear(&api, from, message, &mut asked).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = hear => {}
        () = tell_others(&api) => {}
        () = look(&api) => {}
        () = stop.asked() => {}
    }
}

/// What another replica tells.
async fn hear(api: &Arc<Api>, from: Uuid, message: Message, asked: &mut JoinSet<()>) {
    match message {
        Message::Alerts(ids) => {
            let ids = ids.into_iter().map(fieldward_shared::alert::AlertId::from_u128).collect();
            tell(api, ids, From::Others).await;
        }
        Message::Standings(all) => {
            let at = now();
            all.into_iter().for_each(|one| api.fleet.elsewhere(one.standing(from), at));
        }
        Message::Spent(spent) => api.limits.spent_elsewhere(&spent),
        Message::Words(words) => api.say(&words),
        Message::Ticket { digest, holder } => {
            if let Some(principal) = serde_json::from_str::<Holder>(&holder).ok().map(Holder::principal) {
                api.auth.tickets.add(digest, principal);
            }
        }
        Message::TicketUsed(digest) => drop(api.auth.tickets.take(&digest)),
        Message::Ask { number, agent, question, about } => {
            let api = api.clone();
            if asked.len() < MOST_ASKED {
                asked.spawn(async move { answer(&api, from, number, agent, question, &about).await });
            } else if let Some(bus) = &api.bus {
                let answer = Err("it is asked too much at once".into());
                bus.tell(from, &Message::Answer { number, answer });
            }
        }
        // The bus takes these itself.
        Message::Here | Message::Answer { .. } => {}
        // This is told to nobody.
        Message::Kept { .. } => {}
    }
}

/// Asks an agent for another replica.
async fn answer(api: &Api, from: Uuid, number: u64, agent: Uuid, question: i32, about: &str) {
    let (Some(bus), Some(asker)) = (&api.bus, &api.asker) else { return };
    let answer = match Question::try_from(question) {
        Err(_) => Err("it does not know the question".to_owned()),
        Ok(question) => match asker.ask(agent, question, about).await {
            Err(error) => Err(error.to_string()),
            Ok(answer) => wire::Message::from(answer)
                .frame()
                .map(|frame| (frame.to_vec(), api.fleet.features(agent).to_vec()))
                .map_err(|error| error.to_string()),
        },
    };
    bus.tell(from, &Message::Answer { number, answer });
}

/// Tells the others four times a second what was taken from limits, each second which agents have come or
/// gone, and now and then all that are here.
async fn tell_others(api: &Api) {
    let Some(bus) = &api.bus else { return std::future::pending().await };
    let mut ticks = interval(SPENT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: HashMap<Uuid, Presence> = HashMap::new();
    for nth in 0_u64.. {
        ticks.tick().await;
        let spent = api.limits.spent();
        if !bus.is_up() {
            // Told much later it would be held against those who have waited since.
            known.clear();
            continue;
        }
        for piece in spent.chunks(PIECE) {
            bus.say(&Message::Spent(piece.to_vec()));
        }
        if nth % 4 == 0 {
            let standing = api.fleet.here(now());
            let all = nth % 20 == 0;
            let told: Vec<AgentHint> = standing
                .iter()
                .filter(|one| all || known.get(&one.agent) != Some(&one.presence))
                .map(AgentHint::of)
                .collect();
            for piece in told.chunks(PIECE) {
                bus.say(&Message::Standings(piece.to_vec()));
            }
            known = standing.into_iter().map(|one| (one.agent, one.presence)).collect();
        }
    }
}

/// Looks in the database for what was not told.
async fn look(api: &Api) {
    let mut seconds = interval(LOOK);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut up = api.bus.as_ref().map(Bus::up);
    let mut seen: Option<(Marks, Timestamp)> = None;
    let mut last = Instant::now();
    loop {
        let has_changed = async {
            let changed = match &mut up {
                Some(up) => up.changed().await.is_ok(),
                None => false,
            };
            if !changed {
                std::future::pending().await
            }
        };
        let is_turn = tokio::select! {
            _ = seconds.tick() => !api.bus.as_ref().is_none_or(Bus::is_up) || last.elapsed() >= SELDOM,
            // What was said while it was away was not heard.
            () = has_changed => true,
        };
        if is_turn || seen.is_none() {
            last = Instant::now();
            if let Err(error) = catch_up(api, &mut seen).await {
                tracing::debug!(%error, "what other replicas stored could not be read");
            }
        }
    }
}

/// Tells of all that has changed since the last time.
async fn catch_up(api: &Api, seen: &mut Option<(Marks, Timestamp)>) -> Result<(), StoreError> {
    let at = now();
    let Some((marks, since)) = seen else {
        *seen = Some((api.store.marks().await?, at));
        return Ok(());
    };
    let mut next = marks.clone();
    let reported = api.store.reported_since(&mut next, MOST_CHANGED).await?;
    // A transaction lasts a while, and clocks of replicas differ.
    let since_then = Timestamp::from_micros(since.as_micros().saturating_sub(OVERLAP));
    let acted = api.store.acted_since(since_then, MOST_CHANGED as u32).await?;
    if reported.is_cut || acted.is_cut {
        api.hub.skip(Channel::Alerts);
    }
    let all = reported.alerts.into_iter().chain(acted.alerts).collect();
    // Whoever could not be told has been told that; what is new from here on is told again.
    tell(api, all, From::Others).await;
    (*marks, *since) = (next, at);
    Ok(())
}

impl Api {
    /// Asks an agent, wherever it is connected. Gives its answer, and what its features are called.
    pub(super) async fn ask_agent(
        &self,
        standing: &Standing,
        question: Question,
    ) -> Result<(Answer, Arc<[String]>), ApiError> {
        let agent = standing.agent;
        match (standing.replica, &self.bus, &self.asker) {
            (None, _, Some(asker)) => Ok((asker.ask(agent, question, "").await?, standing.features.clone())),
            (Some(replica), Some(bus), _) => {
                let (answer, features) = bus.ask(replica, agent, question, "").await?;
                Ok((answer, features.into()))
            }
            _ => Err(AskError::Offline(agent).into()),
        }
    }

    /// Tells the other replicas of alerts that have changed.
    pub(super) fn tell_replicas(&self, ids: &[u128]) {
        if let Some(bus) = &self.bus {
            ids.chunks(PIECE).for_each(|piece| bus.say(&Message::Alerts(piece.to_vec())));
        }
    }

    /// Tells those who listen here what somebody says.
    pub(super) fn say(&self, words: &Words) {
        if let Ok(data) = serde_json::from_str(&words.data) {
            self.hub.publish(Channel::System, "custom", words.facility.as_deref(), &data, now());
        }
    }

    /// Gives out a ticket, which any replica takes.
    pub(super) fn give_ticket(&self, digest: [u8; 32], principal: Principal) {
        if let Some(bus) = self.bus.as_ref().filter(|bus| bus.is_up())
            && let Ok(holder) = serde_json::to_string(&Holder::of(&principal))
        {
            bus.say(&Message::Ticket { digest, holder });
        }
        self.auth.tickets.add(digest, principal);
    }

    /// Takes a ticket.
    pub(super) fn take_ticket(&self, digest: &[u8; 32]) -> Option<Principal> {
        let principal = self.auth.tickets.take(digest)?;
        if let Some(bus) = &self.bus {
            bus.say(&Message::TicketUsed(*digest));
        }
        Some(principal)
    }
}

/// Whose a ticket is.
#[derive(Serialize, Deserialize)]
struct Holder {
    id: Uuid,
    name: String,
    session: Option<Uuid>,
    role: Role,
    facilities: Vec<String>,
}

impl Holder {
    fn of(principal: &Principal) -> Self {
        Self {
            id: principal.id,
            name: principal.name.clone(),
            session: match principal.via {
                Via::Session(id) => Some(id),
                Via::Key => None,
            },
            role: principal.role,
            facilities: principal.scope.list(),
        }
    }

    fn principal(self) -> Principal {
        Principal {
            id: self.id,
            name: self.name,
            via: self.session.map_or(Via::Key, Via::Session),
            role: self.role,
            scope: Scope::of(&self.facilities),
        }
    }
}

/// Between two tellings of what was taken from limits.
const SPENT: Duration = Duration::from_millis(250);
/// Between two looks into the database while messages do not arrive.
const LOOK: Duration = Duration::from_secs(1);
/// And while they do, or where there is no Redis.
const SELDOM: Duration = Duration::from_secs(5);
/// Of a message.
const PIECE: usize = 500;
/// Changes that are told one by one; whoever missed more reads the lists.
const MOST_CHANGED: usize = 500;
/// Questions of other replicas under way.
const MOST_ASKED: usize = 32;
/// Microseconds that a person's act may need to be seen.
const OVERLAP: u64 = 30_000_000;
