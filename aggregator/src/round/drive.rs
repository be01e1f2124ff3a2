//! One round under way: events in, steps kept, commands done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::identity::sha256;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::Message;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::driver::{Driver, Kept, LOOK, Lost};
use super::planned::{Playing, encode};
use super::sums::{Judged, Made, Memory, Model, Sums};
use super::talk::{Came, Talk};
use super::told::{client, progress, seats_of};
use super::value::{Ask, Candidate, Command, Event, Stage};
use crate::store::driving::{Sent, Verdict};
use crate::store::rounds::{Client, ClientStatus, Phase, Round as Row, Status};
use crate::store::versions::{NewVersion, weights_from_bytes, weights_to_bytes};
use crate::store::{StoreError, now};

/// One round under way.
pub struct Drive<'a> {
    driver: &'a Driver,
    row: Row,
    playing: Playing,
    came: mpsc::Receiver<Came>,
    way: mpsc::Sender<Came>,
    asks: BTreeMap<Uuid, watch::Sender<Option<Arc<Ask>>>>,
    talks: JoinSet<()>,
    opening: JoinSet<Result<Made, String>>,
    /// What is known of plants since the sums are open, kept with the next step.
    judged: Option<Judged>,
    paused_at: Option<Timestamp>,
    /// What came and is kept with the next step.
    unkept: Vec<Sent>,
    /// Masked updates that are kept with the next step.
    bodies: BTreeMap<Uuid, (Vec<u8>, OwnedSemaphorePermit)>,
}

/// What follows of a turn.
enum Turn {
    Came(Came),
    Made(Result<Made, String>),
    Tick,
}

impl<'a> Drive<'a> {
    /// From where it was kept last.
    pub fn new(driver: &'a Driver, row: Row, playing: Playing) -> Self {
        let (way, came) = mpsc::channel(QUEUE);
        let paused_at = row.paused.then(now);
        Self {
            driver,
            row,
            playing,
            came,
            way,
            asks: BTreeMap::new(),
            talks: JoinSet::new(),
            opening: JoinSet::new(),
            judged: None,
            paused_at,
            unkept: Vec::new(),
            bodies: BTreeMap::new(),
        }
    }

    /// To its end.
    pub async fn run(mut self) -> Result<(), Lost> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.talk();
        // Where it was: what follows of that is done again, and harms nothing.
        if self.playing.round.state.stage == Stage::Summing {
            self.open().await?;
        }
        self.events(vec![Event::Tick]).await?;
        while self.playing.round.ending().is_none() {
            let turn = tokio::select! {
                Some(came) = self.came.recv() => Turn::Came(came),
                Some(made) = self.opening.join_next() => {
                    Turn::Made(made.unwrap_or_else(|error| Err(format!("opening the sums broke: {error}"))))
                }
                _ = tick.tick() => Turn::Tick,
            };
            match turn {
                Turn::Came(first) => {
                    let mut events = Vec::new();
                    self.translate(first, &mut events);
                    while events.len() < MOST_AT_ONCE
                        && self.are_few()
                        && let Ok(more) = self.came.try_recv()
                    {
                        self.translate(more, &mut events);
                    }
                    self.events(events).await?;
                }
                Turn::Made(made) => self.made(made).await?,
                Turn::Tick => self.tick().await?,
            }
        }
        self.farewell().await;
        Ok(())
    }

    /// Whether what is not kept yet is little.
    fn are_few(&self) -> bool {
        let unkept = self.unkept.iter().map(|sent| sent.body.len());
        let all = self.bodies.values().map(|(bytes, _)| bytes.len()).chain(unkept);
        all.sum::<usize>() < MOST_BODIES && self.unkept.len() < MOST_UNKEPT
    }

    /// What came, as the round hears it.
    fn translate(&mut self, came: Came, events: &mut Vec<Event>) {
        match came {
            Came::Here(agent, is_here) => events.push(Event::Here(agent, is_here)),
            Came::Odd(agent, what) => events.push(Event::Out(agent, "protocol", what.to_owned())),
            Came::Masked(agent, head, bytes, permit) => {
                self.bodies.insert(agent, (bytes, permit));
                events.push(Event::Came(agent, Box::new(Message::RoundMasked(*head))));
            }
            Came::Said(agent, message) => {
                if let Message::RoundKeys(keys) = &*message
                    && !self.driver.tasks.is_of(agent, &keys.chain)
                {
                    let why = "its certificates name another agent, or are not good any more";
                    return events.push(Event::Out(agent, "identity", why.to_owned()));
                }
                events.push(Event::Came(agent, message));
            }
        }
    }

    /// Looks whether somebody wants it otherwise, and keeps the lease.
    async fn tick(&mut self) -> Result<(), Lost> {
        let mut events = vec![Event::Tick];
        if let Ok(Some(row)) = self.driver.store.round(self.row.number).await {
            if let Some((by, why)) = row.stopped {
                events.push(Event::Stopped(format!("stopped by {by}: {why}")));
            }
            if row.paused != self.row.paused {
                self.row.paused = row.paused;
                self.playing.round.paused = row.paused;
                let since = self.paused_at.take();
                if row.paused {
                    self.paused_at = Some(now());
                } else if let Some(since) = since {
                    events.push(Event::Resumed(now().since(since)));
                }
            }
        }
        self.events(events).await
    }

    /// Takes what happens, keeps it, and does what follows. What only adds to what was there is kept a little later,
    /// with more of its kind: nothing is said that rests on it, and whoever takes the round over asks for it again.
    async fn events(&mut self, events: Vec<Event>) -> Result<(), Lost> {
        let before = self.playing.round.state.stage;
        let is_tick = events.iter().any(|event| matches!(event, Event::Tick));
        let commands = self.playing.round.steps(events, now());
        let mut seats = Vec::new();
        let mut verdict = None;
        for command in &commands {
            match command {
                Command::Keep(agent, kind) => {
                    let sent = self.sent(*agent, kind);
                    self.unkept.extend(sent);
                }
                Command::Seat => seats = seats_of(&self.playing.round),
                Command::End(how) => verdict = self.end(how),
                Command::Gather | Command::Open => {}
            }
        }
        let only_adds = commands.iter().all(|command| matches!(command, Command::Keep(..)));
        let is_same = before == self.playing.round.state.stage && self.judged.is_none();
        if only_adds && is_same && !is_tick && self.are_few() {
            // What nobody wanted came twice or late.
            self.bodies.retain(|_, (bytes, _)| bytes.is_empty());
            return Ok(());
        }
        let sent = std::mem::take(&mut self.unkept);
        self.refresh();
        let clients = self.clients();
        let judged = self.judged.take();
        let kept = Kept {
            sent: &sent,
            clients: &clients,
            seats: &seats,
            verdict: verdict.as_ref(),
            judged: judged.as_ref(),
            candidate: None,
        };
        self.driver.keep(&self.row, kept).await?;
        if !clients.is_empty() || !commands.is_empty() {
            self.driver.stepped();
        }
        if commands.contains(&Command::Gather) {
            self.playing.sums = Sums::of(&self.playing.round);
        }
        for sent in sent.iter().filter(|sent| sent.kind == Stage::Masks.kind()) {
            self.add(sent.agent, &sent.body);
        }
        // What is kept needs its room no longer.
        self.bodies.clear();
        if commands.contains(&Command::Open) {
            self.open().await?;
        }
        self.say();
        Ok(())
    }

    fn sent(&mut self, agent: Uuid, kind: &'static str) -> Option<Sent> {
        let round = &self.playing.round;
        let stage = Stage::SENDING.into_iter().find(|stage| stage.kind() == kind)?;
        let attempt = if stage <= Stage::Training { 0 } else { round.state.attempt };
        let body = match self.bodies.get_mut(&agent).filter(|_| stage == Stage::Masks) {
            // Its permit stays until it is kept.
            Some((bytes, _)) => std::mem::take(bytes),
            None => encode(round.said.get(&(stage, agent))?),
        };
        Some(Sent { attempt, agent, kind, body })
    }

    fn add(&mut self, agent: Uuid, bytes: &[u8]) {
        if let Err(error) = self.playing.sums.add(&self.playing.round, agent, bytes) {
            tracing::error!(%agent, "an update that was kept is not in the sum: {error}");
        }
    }

    /// Opens the sums beside everything else: it takes a while.
    async fn open(&mut self) -> Result<(), Lost> {
        let memory = loop {
            match self.memory().await {
                Ok(memory) => break memory,
                Err(error) if error.passes() => sleep(LOOK).await,
                Err(_) => return Err(Lost),
            }
        };
        let (sums, round) = (std::mem::take(&mut self.playing.sums), self.playing.round.clone());
        let base = self.playing.models.base.clone();
        self.opening.spawn_blocking(move || {
            let base =
                base.as_deref().and_then(weights_from_bytes).ok_or("the model of the round is gone")?;
            Ok(sums.open(&round, &base, &memory))
        });
        Ok(())
    }

    /// What is remembered of earlier rounds.
    async fn memory(&self) -> Result<Memory, StoreError> {
        let (store, state) = (&self.driver.store, &self.playing.round.state);
        let strategy = store.version_memory(state.base.version).await?;
        Ok(Memory { strategy, guard: store.guard_memory(&state.network).await? })
    }

    /// The sums are open: the candidate is kept with the step that tells of it.
    async fn made(&mut self, made: Result<Made, String>) -> Result<(), Lost> {
        let Made { model, mut judged } = match made {
            Ok(made) => made,
            Err(why) => return self.events(vec![Event::Opened(Err(why))]).await,
        };
        let out = std::mem::take(&mut judged.doubted).into_iter();
        let out = out.map(|(agent, words)| Event::Out(agent, "doubted", words));
        let made = match model {
            Ok(made) => made,
            Err(why) => {
                self.judged = Some(judged);
                return self.events(out.chain([Event::Opened(Err(why))]).collect()).await;
            }
        };
        let Model { weights, memory, plants, groups } = made;
        let state = &self.playing.round.state;
        let new = NewVersion {
            network: state.network.clone(),
            layout: state.base.layout,
            schema: state.base.schema,
            weights,
            parents: vec![state.base.version],
            round: Some(state.round),
            strategy: Some(state.strategy.clone()),
            memory,
            made_by: "round".to_owned(),
            metrics: json!({ "plants": plants, "groups": groups, "notes": judged.notes }),
        };
        let bytes = weights_to_bytes(&new.weights);
        // Its number is known once it is kept: until then what is kept has none, and takes that of the row.
        let mut next = self.playing.round.clone();
        let version = self.row.candidate.unwrap_or(0);
        let digest = sha256(&bytes);
        let follow = next.step(Event::Opened(Ok(Candidate { digest, version })), now());
        debug_assert!(follow.is_empty());
        self.row.state = serde_json::to_value(&next.state).unwrap_or_default();
        self.row.phase = Phase::Gate;
        let kept = Kept { candidate: Some(&new), judged: Some(&judged), ..Kept::default() };
        let added = self.driver.keep(&self.row, kept).await?;
        self.row.candidate = added;
        let version = added.unwrap_or_default();
        self.playing.models.candidate = Some(bytes.into());
        let opened = Event::Opened(Ok(Candidate { digest, version }));
        self.events(std::iter::once(opened).chain(out).collect()).await
    }

    /// The row as the round is now.
    fn refresh(&mut self) {
        let round = &self.playing.round;
        let state = &round.state;
        if round.ending().is_none() {
            self.row.phase = state.stage.phase();
            self.row.progress = progress(round);
        }
        self.row.state = serde_json::to_value(state).unwrap_or_default();
        (self.row.epoch, self.row.attempt) = (state.epoch, state.attempt);
        let out = state.members.values().filter(|member| member.out.is_some()).count();
        self.row.clients_total = (state.members.len() + self.playing.left_out.len()) as u64;
        self.row.clients_active = (state.members.len() - out) as u64;
        let spent = round.said.values().filter_map(|said| match said {
            Message::RoundReady(ready) => Some(ready.epsilon).filter(|epsilon| epsilon.is_finite()),
            _ => None,
        });
        self.row.epsilon = spent.max_by(f64::total_cmp).or(self.row.epsilon);
        let count = round.count();
        self.row.accuracy = (count.votes > 0).then_some(count.accuracy).or(self.row.accuracy);
    }

    fn end(&mut self, how: &Result<(), String>) -> Option<Verdict> {
        let round = &self.playing.round;
        let count = round.count();
        (self.row.status, self.row.phase) = match how {
            Ok(()) => (Status::Completed, Phase::Complete),
            Err(_) => (Status::Failed, Phase::Failed),
        };
        (self.row.end, self.row.progress) = (Some(now()), 100);
        self.row.reason = how.clone().err();
        match how {
            Ok(()) => tracing::info!(round = self.row.number, "the round gave a model that plants take over"),
            Err(why) => tracing::warn!(round = self.row.number, "the round ended without a model: {why}"),
        }
        let candidate = round.state.candidate.as_ref()?;
        let groups: Vec<_> = round
            .state
            .groups
            .iter()
            .map(|group| {
                json!({
                    "plants": group.live.len(), "failed": group.failed,
                })
            })
            .collect();
        Some(Verdict {
            version: candidate.version,
            rejected: how.clone().err(),
            metrics: json!({
                "votes": count.votes, "accepts": count.accepts, "loss": count.loss, "accuracy": count.accuracy,
                "groups": groups,
            }),
            accuracy: (count.votes > 0).then_some(count.accuracy),
        })
    }

    /// Plants of which something has changed.
    fn clients(&mut self) -> Vec<Client> {
        let changed = std::mem::take(&mut self.playing.round.changed);
        let (round, at) = (&self.playing.round, now());
        let mut clients: Vec<Client> =
            changed.into_iter().filter_map(|agent| client(round, agent, at)).collect();
        for (agent, (facility, why)) in std::mem::take(&mut self.playing.left_out) {
            clients.push(Client {
                round: round.state.round,
                agent,
                name: facility.clone(),
                facility,
                status: ClientStatus::Active,
                stage: "left_out".to_owned(),
                reason: Some(why),
                progress: 0,
                epoch: 0,
                epochs: u64::from(round.state.terms.epochs),
                loss: None,
                accuracy: None,
                vote: None,
                epsilon: None,
                rounds_left: None,
                delta: None,
                budget: None,
                last_update: at,
            });
        }
        clients
    }

    /// A talk for each plant.
    fn talk(&mut self) {
        let model = self.playing.models.base.clone().unwrap_or_else(|| Arc::from([]));
        for agent in self.playing.round.state.members.keys() {
            let (sender, asks) = watch::channel(None);
            let talk = Talk {
                agent: *agent,
                tasks: self.driver.tasks.clone(),
                asks,
                came: self.way.clone(),
                room: self.driver.room.clone(),
                model: model.clone(),
            };
            self.talks.spawn(talk.run());
            self.asks.insert(*agent, sender);
        }
    }

    /// What is to be said now to each plant.
    fn say(&self) {
        for (agent, asks) in &self.asks {
            // What is said anew is made anew, and nothing else: some of it is long.
            let said = asks.borrow().as_ref().map(|ask| ask.key);
            if self.playing.round.asked(*agent) != said {
                asks.send_replace(self.playing.round.ask(*agent, &self.playing.models).map(Arc::new));
            }
        }
    }

    /// All hear how it ended, or are not here.
    async fn farewell(mut self) {
        self.say();
        // Nobody reads what comes any more.
        drop(self.way);
        self.came.close();
        while self.came.recv().await.is_some() {}
        let all = async { while self.talks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(FAREWELL, all).await);
    }
}

const TICK: Duration = Duration::from_millis(500);
/// What comes and waits.
const QUEUE: usize = 256;
const MOST_AT_ONCE: usize = 256;
/// Messages that wait to be kept.
const MOST_UNKEPT: usize = 1024;
/// Bytes of them that are kept with one step.
const MOST_BODIES: usize = 8 << 20;
/// For plants to hear how it ended.
const FAREWELL: Duration = Duration::from_secs(10);
