//! Demonstrations: which simulators are connected, and the scenarios that were played or are. A simulator plays
//! one plant, and one scenario at a time; it is told what to play and says how it goes, and can do nothing
//! else. All of it is of this process: it is gone with it, and so is what was played.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fieldward_shared::time::Timestamp;
use fieldward_shared::transport::{Code, Link};
use fieldward_shared::wire::demo::MOST_STEPS;
use fieldward_shared::wire::{DemoDo, DemoHello, DemoOrder, DemoReport, DemoState};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use uuid::Uuid;

use crate::intake::Peer;
use crate::store::now;

/// How far a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its simulator was told.
    Ordered,
    /// It goes on.
    Playing,
    /// All of it was played.
    Completed,
    /// It came to nothing.
    Failed,
    /// It was ended by a reset.
    Stopped,
}

impl Stage {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordered => "started",
            Self::Playing => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Whether it goes on.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Ordered | Self::Playing)
    }
}

/// A scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its number.
    pub id: Uuid,
    /// `port-scan`, `multi-stage` or `fl-round`.
    pub name: &'static str,
    /// The plant; none: it is of all plants.
    pub facility: Option<String>,
    /// The round that it is.
    pub round: Option<u64>,
    /// Who wanted it.
    pub actor: String,
    /// How far it is.
    pub stage: Stage,
    /// Steps that are done.
    pub done: u32,
    /// Steps that there are; 0 when that is not known yet.
    pub steps: u32,
    /// What is played now.
    pub attack: Option<String>,
    /// Its technique.
    pub technique: Option<String>,
    /// Why it failed, or who ended it.
    pub words: Option<String>,
    /// When it was wanted.
    pub started: Timestamp,
    /// When it was heard of last.
    pub updated: Timestamp,
}

/// A simulator that is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its plant.
    pub facility: String,
    /// Its name.
    pub id: Uuid,
    /// The kind of plant.
    pub plant: String,
    /// The release of its program.
    pub release: String,
    /// Since when.
    pub since: Timestamp,
}

/// Why nothing is played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No simulator of that plant.
    #[error(
        "no simulator of {0} is connected: make a token with `fieldward-aggregator ca token --facility {0} \
         --simulator`, and start `fieldward-sim demo --aggregator HOST:PORT` with it"
    )]
    Nobody(String),
    /// It plays already.
    #[error("the simulator of {0} plays {1} already; wait for its end, or reset it")]
    Busy(String, &'static str),
    /// It cannot play that.
    #[error("the simulator of {0} does not know {1}; update it")]
    Unknown(String, &'static str),
    /// It does not answer.
    #[error("the simulator of {0} did not answer in time; look at its log")]
    Late(String),
    /// It said why not.
    #[error("the simulator of {0} plays nothing: {1}")]
    Said(String, String),
}

/// Simulators and scenarios. Clones are the same.
#[derive(Clone)]
pub struct Demo(Arc<Inside>);

struct Inside {
    most: usize,
    state: Mutex<State>,
    /// Grows with whatever changes.
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    players: BTreeMap<String, Player>,
    scenarios: VecDeque<Scenario>,
    next: u64,
}

struct Player {
    number: u64,
    peer: Arc<Peer>,
    link: Link,
    judged: Arc<AtomicU64>,
    orders: mpsc::Sender<DemoOrder>,
    knows: Vec<String>,
    standing: Standing,
    /// Reports of the scenario that it plays.
    heard: u32,
    /// It was told to reset, and has not said that it has.
    resets: bool,
}

/// By which the intake looks whether a simulator may stay.
pub type Watched = (Arc<Peer>, Link, Arc<AtomicU64>);

impl Default for Demo {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Demo {
    /// For so many simulators; with none, nothing is ever played.
    pub fn new(most: usize) -> Self {
        Self(Arc::new(Inside { most, state: Mutex::default(), news: watch::channel(0).0 }))
    }

    /// Whether demonstrations are wanted here.
    pub fn is_on(&self) -> bool {
        self.0.most > 0
    }

    /// Tells of whatever changes.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    /// Who is connected, by plant.
    pub fn simulators(&self) -> Vec<Standing> {
        self.lock().players.values().map(|player| player.standing.clone()).collect()
    }

    /// What was played or is, the oldest first.
    pub fn scenarios(&self) -> Vec<Scenario> {
        self.lock().scenarios.iter().cloned().collect()
    }

    /// Has a simulator play. Comes back when it has begun to.
    pub async fn play(
        &self,
        facility: &str,
        name: &'static str,
        actor: String,
        patience: Duration,
    ) -> Result<Scenario, Refusal> {
        let id = self.order(facility, name, actor)?;
        let begun = self.until(|state| {
            let found = state.scenarios.iter().find(|one| one.id == id);
            found.filter(|one| one.stage != Stage::Ordered).cloned()
        });
        let late = || {
            self.change(id, |one| {
                (one.stage, one.words) = (Stage::Failed, Some("the simulator did not answer".to_owned()));
            });
            Refusal::Late(facility.to_owned())
        };
        let begun = timeout(patience, begun).await.map_err(|_| late())?;
        match begun.stage {
            Stage::Failed => Err(Refusal::Said(facility.to_owned(), begun.words.unwrap_or_default())),
            _ => Ok(begun),
        }
    }

    fn order(&self, facility: &str, name: &'static str, actor: String) -> Result<Uuid, Refusal> {
        let mut state = self.lock();
        let (id, at) = (Uuid::new_v4(), now());
        let plays = state.scenarios.iter().find(|one| one.stage.is_open() && one.is_of(facility));
        if let Some(plays) = plays {
            return Err(Refusal::Busy(facility.to_owned(), plays.name));
        }
        let Some(player) = state.players.get_mut(facility) else {
            return Err(Refusal::Nobody(facility.to_owned()));
        };
        if !player.knows.iter().any(|known| known == name) {
            return Err(Refusal::Unknown(facility.to_owned(), name));
        }
        let order = DemoOrder { what: DemoDo::Play as i32, id: id.to_string(), scenario: name.to_owned() };
        player.orders.try_send(order).map_err(|_| Refusal::Late(facility.to_owned()))?;
        player.heard = 0;
        state.keep(Scenario::new(id, name, Some(facility), actor, at));
        drop(state);
        self.wake();
        Ok(id)
    }

    /// Notes a round that was begun as a demonstration.
    pub fn note_round(&self, round: u64, actor: String) -> Scenario {
        let scenario = Scenario {
            round: Some(round),
            stage: Stage::Playing,
            ..Scenario::new(Uuid::new_v4(), FL_ROUND, None, actor, now())
        };
        self.lock().keep(scenario.clone());
        self.wake();
        scenario
    }

    /// Notes how a round goes.
    pub fn round_is(&self, round: u64, stage: Stage, (done, steps): (u32, u32), words: Option<String>) {
        let known = self.lock().scenarios.iter().find(|one| one.round == Some(round)).cloned();
        let Some(known) = known else { return };
        if (known.stage, known.done, known.steps, &known.words) != (stage, done, steps, &words) {
            self.change(known.id, |one| {
                (one.stage, one.done, one.steps, one.words) = (stage, done, steps, words);
            });
        }
    }

    /// Ends what the simulators of some plants play. Comes back when each has said that it plays nothing; gives
    /// how many scenarios were ended.
    pub async fn reset(
        &self,
        is_meant: impl Fn(&str) -> bool,
        who: &str,
        patience: Duration,
    ) -> Result<usize, Refusal> {
        for (facility, number) in self.order_reset(&is_meant)? {
            let done = self.until(|state| {
                let resets = |player: &Player| player.number == number && player.resets;
                (!state.players.get(&facility).is_some_and(resets)).then_some(())
            });
            timeout(patience, done).await.map_err(|_| Refusal::Late(facility.clone()))?;
        }
        let ended = self.stop(&is_meant, who);
        self.wake();
        Ok(ended)
    }

    fn order_reset(&self, is_meant: &impl Fn(&str) -> bool) -> Result<Vec<(String, u64)>, Refusal> {
        let (mut state, mut told) = (self.lock(), Vec::new());
        for (facility, player) in state.players.iter_mut().filter(|(facility, _)| is_meant(facility)) {
            let order = DemoOrder { what: DemoDo::Reset as i32, ..DemoOrder::default() };
            player.orders.try_send(order).map_err(|_| Refusal::Late(facility.clone()))?;
            player.resets = true;
            told.push((facility.clone(), player.number));
        }
        Ok(told)
    }

    fn stop(&self, is_meant: &impl Fn(&str) -> bool, who: &str) -> usize {
        let (mut state, at, mut ended) = (self.lock(), now(), 0);
        for one in &mut state.scenarios {
            if one.stage.is_open() && one.facility.as_deref().is_some_and(is_meant) {
                one.stop(who, at);
                ended += 1;
            }
        }
        ended
    }

    /// A simulator comes; none when there are too many. What it is told comes out of the receiver. Whoever was
    /// there for its plant goes.
    pub(crate) fn enter(
        &self,
        peer: Arc<Peer>,
        link: Link,
        hello: DemoHello,
    ) -> Option<(u64, mpsc::Receiver<DemoOrder>)> {
        let mut state = self.lock();
        let facility = peer.facility.clone();
        if state.players.len() >= self.0.most && !state.players.contains_key(&facility) {
            return None;
        }
        state.next += 1;
        let (number, (orders, told)) = (state.next, mpsc::channel(MOST_ORDERS));
        let standing = Standing {
            facility: facility.clone(),
            id: peer.agent,
            plant: short(&hello.plant),
            release: short(&hello.release),
            since: now(),
        };
        let judged = Arc::new(AtomicU64::new(peer.trust));
        let knows = hello.scenarios;
        let player = Player { number, peer, link, judged, orders, knows, standing, heard: 0, resets: false };
        if let Some(old) = state.players.insert(facility.clone(), player) {
            old.link.close(Code::Replaced, "another simulator of this plant has connected");
            state.lose(&facility, "another simulator has come");
        }
        drop(state);
        self.wake();
        Some((number, told))
    }

    /// A simulator goes, unless another has come for it.
    pub(crate) fn leave(&self, facility: &str, number: u64) {
        let mut state = self.lock();
        if state.players.get(facility).is_some_and(|player| player.number == number) {
            state.players.remove(facility);
            state.lose(facility, "the simulator has gone");
        }
        drop(state);
        self.wake();
    }

    /// What a simulator says of what it plays; or what is wrong with that.
    pub(crate) fn hear(&self, facility: &str, number: u64, report: &DemoReport) -> Result<(), &'static str> {
        let mut state = self.lock();
        let State { players, scenarios, .. } = &mut *state;
        let Some(player) = players.get_mut(facility).filter(|player| player.number == number) else {
            return Ok(());
        };
        if report.id.is_empty() {
            player.resets = false;
            drop(state);
            self.wake();
            return Ok(());
        }
        player.heard += 1;
        let one = scenarios.iter_mut().find(|one| one.is_of(facility) && one.id.to_string() == report.id);
        let Some(one) = one else { return Err("a report of a scenario that was not ordered") };
        if report.steps > MOST_STEPS || report.done > report.steps || report.done < one.done {
            return Err("a scenario of too many steps, or that goes back");
        }
        if player.heard > 2 * MOST_STEPS + 2 {
            return Err("too many reports of a scenario");
        }
        // What was given up meanwhile stays so.
        if one.stage.is_open() {
            one.follow(report, now())?;
        }
        drop(state);
        self.wake();
        Ok(())
    }

    /// Who is to be looked at: whether he may stay.
    pub(crate) fn links(&self) -> Vec<Watched> {
        let watched = |player: &Player| (player.peer.clone(), player.link.clone(), player.judged.clone());
        self.lock().players.values().map(watched).collect()
    }

    /// Ends all sessions.
    pub(crate) fn close(&self, code: Code, words: &str) {
        self.links().iter().for_each(|(_, link, _)| link.close(code, words));
    }

    fn change(&self, id: Uuid, how: impl FnOnce(&mut Scenario)) {
        if let Some(one) = self.lock().scenarios.iter_mut().find(|one| one.id == id) {
            how(one);
            one.updated = now();
        }
        self.wake();
    }

    /// Waits until something is found.
    async fn until<T>(&self, find: impl Fn(&State) -> Option<T>) -> T {
        let mut news = self.news();
        loop {
            news.borrow_and_update();
            if let Some(found) = find(&self.lock()) {
                return found;
            }
            if news.changed().await.is_err() {
                // Never: this holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    fn wake(&self) {
        self.0.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under it.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn keep(&mut self, scenario: Scenario) {
        self.scenarios.push_back(scenario);
        while self.scenarios.len() > MOST_SCENARIOS {
            // There are fewer plants than places: what goes on is not the oldest for long.
            let oldest = self.scenarios.iter().position(|one| !one.stage.is_open()).unwrap_or(0);
            self.scenarios.remove(oldest);
        }
    }

    fn lose(&mut self, facility: &str, why: &str) {
        let at = now();
        for one in self.scenarios.iter_mut().filter(|one| one.stage.is_open() && one.is_of(facility)) {
            (one.stage, one.words, one.updated) = (Stage::Failed, Some(why.to_owned()), at);
        }
    }
}

impl Scenario {
    fn new(id: Uuid, name: &'static str, facility: Option<&str>, actor: String, at: Timestamp) -> Self {
        Self {
            id,
            name,
            facility: facility.map(str::to_owned),
            round: None,
            actor,
            stage: Stage::Ordered,
            done: 0,
            steps: 0,
            attack: None,
            technique: None,
            words: None,
            started: at,
            updated: at,
        }
    }

    fn is_of(&self, facility: &str) -> bool {
        self.facility.as_deref() == Some(facility)
    }

    fn stop(&mut self, who: &str, at: Timestamp) {
        (self.stage, self.words, self.updated) = (Stage::Stopped, Some(format!("reset by {who}")), at);
    }

    fn follow(&mut self, report: &DemoReport, at: Timestamp) -> Result<(), &'static str> {
        let said = |text: &str| (!text.is_empty()).then(|| short(text));
        self.stage = match report.state() {
            DemoState::Playing => Stage::Playing,
            DemoState::Done => Stage::Completed,
            DemoState::Failed => Stage::Failed,
            DemoState::Idle => return Err("a scenario that is and is not played"),
        };
        (self.done, self.steps, self.updated) = (report.done, report.steps, at);
        (self.attack, self.technique) = (said(&report.attack), said(&report.technique));
        self.words = said(&report.words);
        Ok(())
    }
}

/// Text of another process, as it is shown.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The scenario that is a round.
pub const FL_ROUND: &str = "fl-round";
/// Simulators that may be connected where demonstrations are wanted.
pub const MOST_SIMULATORS: usize = 64;
/// Scenarios that are remembered.
const MOST_SCENARIOS: usize = 2 * MOST_SIMULATORS;
/// Orders that wait for a simulator.
const MOST_ORDERS: usize = 4;
