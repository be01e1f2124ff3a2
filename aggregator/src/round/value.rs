//! A round as a value: what it waits for, what has come, and what follows of it. It reads no clock and does nothing;
//! the driver brings it what happens, keeps it, and says what it wants said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fieldward_shared::privacy::keys::Bytes32;
use fieldward_shared::privacy::roster::{Attempted, Roster, threshold};
use fieldward_shared::time::Timestamp;
use fieldward_shared::vouch::PublicKey;
use fieldward_shared::wire::{About, Message, RoundKeys};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::group::Group;
use super::plan::RoundTerms;
use crate::store::rounds::{ClientStatus, Phase};

/// What it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Plants that take part.
    Distributing,
    /// Plants that have trained.
    Training,
    /// Keys.
    Keys,
    /// Shares of secrets.
    Shares,
    /// Masked updates.
    Masks,
    /// Signatures under who is left.
    Signing,
    /// Shares that open the sums.
    Opening,
    /// The sums, which are being opened here.
    Summing,
    /// Votes.
    Gate,
    /// Nothing any more.
    Over,
}

impl Stage {
    /// What a plant sends in it.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Distributing => "accept",
            Self::Training => "ready",
            Self::Keys => "keys",
            Self::Shares => "shares",
            Self::Masks => "masked",
            Self::Signing => "signed",
            Self::Opening | Self::Summing => "reveal",
            Self::Gate | Self::Over => "vote",
        }
    }

    /// Stages in which plants send something.
    pub const SENDING: [Self; 8] = [
        Self::Distributing,
        Self::Training,
        Self::Keys,
        Self::Shares,
        Self::Masks,
        Self::Signing,
        Self::Opening,
        Self::Gate,
    ];

    /// As it is told.
    pub const fn phase(self) -> Phase {
        match self {
            Self::Distributing => Phase::Distributing,
            Self::Training => Phase::Training,
            Self::Gate => Phase::Gate,
            Self::Over => Phase::Complete,
            _ => Phase::Aggregating,
        }
    }

    /// How far that is, in percent.
    pub const fn progress(self) -> u64 {
        match self {
            Self::Distributing => 5,
            Self::Training => 10,
            Self::Keys => 65,
            Self::Shares => 70,
            Self::Masks => 75,
            Self::Signing => 85,
            Self::Opening => 90,
            Self::Summing => 93,
            Self::Gate => 95,
            Self::Over => 100,
        }
    }
}

/// A plant of the round.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Its plant.
    pub facility: String,
    /// Why it is not in it any more.
    pub out: Option<(String, String)>,
    /// Whether there is a channel to it.
    #[serde(skip)]
    pub is_here: bool,
    /// Epochs that it has trained.
    #[serde(skip)]
    pub epoch: u32,
    /// Of its last epoch.
    #[serde(skip)]
    pub loss: Option<f64>,
    /// When it was heard of last.
    #[serde(skip)]
    pub heard: Timestamp,
}

/// What came of the sums.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// SHA-256 of its weights.
    pub digest: Bytes32,
    /// Its version.
    pub version: u64,
}

/// The model that plants train from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its weights.
    pub digest: Bytes32,
    /// Its layout.
    pub layout: u64,
    /// What it is fed with.
    pub schema: u64,
    /// Its parameters.
    pub length: u64,
    /// The round that made it.
    pub made_in: Option<u64>,
    /// Digests of those it came of, the nearest first.
    pub ancestors: Vec<Bytes32>,
}

/// All that is kept of a round besides what plants sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Its number.
    pub round: u64,
    /// Whose.
    pub federation: Uuid,
    /// Which network.
    pub network: String,
    /// By which strategy.
    pub strategy: String,
    /// How it goes.
    pub terms: RoundTerms,
    /// What plants train from.
    pub base: Base,
    /// What it waits for.
    pub stage: Stage,
    /// Until when, in microseconds.
    pub deadline: u64,
    /// Its plants.
    pub members: BTreeMap<Uuid, Member>,
    /// As long as groups stay; 0 before there are any.
    pub epoch: u64,
    /// Whether the epoch begins with this round.
    pub is_new_epoch: bool,
    /// From 1; 0 before there is one.
    pub attempt: u32,
    /// The groups.
    pub groups: Vec<Group>,
    /// What came of them.
    pub candidate: Option<Candidate>,
}

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    /// A plant has sent something; a masked update without its numbers.
    Came(Uuid, Box<Message>),
    /// There is a channel to a plant, or none any more.
    Here(Uuid, bool),
    /// A plant does what no plant of ours does, or is revoked.
    Out(Uuid, &'static str, String),
    /// The sums are open, or stay closed: which version came of them, and groups that could not be opened.
    Opened(Result<Candidate, String>),
    /// It stands still, or goes on, so long after it stood.
    Resumed(u64),
    /// Somebody wants it to end.
    Stopped(String),
    /// Time has passed.
    Tick,
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Keep what a plant has sent.
    Keep(Uuid, &'static str),
    /// Keep the seats of a new epoch.
    Seat,
    /// Masked updates are summed from now on.
    Gather,
    /// Open the sums.
    Open,
    /// It is over: with the candidate at work, or why not.
    End(Result<(), String>),
}

/// What something said is about: stage, attempt, and whether to stand still.
pub type AskKey = (Stage, u32, bool);

/// What to say to a plant, and what goes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// What it is about: the same is said once.
    pub key: AskKey,
    /// What is said.
    pub message: Message,
    /// Weights that follow: at once, or when the plant does not have them.
    pub weights: Option<(Arc<[u8]>, bool)>,
    /// Nothing comes after it.
    pub is_last: bool,
}

/// A round.
#[derive(Clone, Debug)]
pub struct Round {
    /// What is kept.
    pub state: State,
    /// What plants have sent in this attempt, or before there was one.
    pub said: BTreeMap<(Stage, Uuid), Message>,
    /// Keys of plants, by their certificates.
    pub keys: BTreeMap<Uuid, PublicKey>,
    /// What was seated before: the groups of the epoch, to be used again.
    pub seated: Vec<(u64, Vec<Uuid>)>,
    /// Since when each group has enough.
    pub(super) enough_since: Option<Timestamp>,
    /// Whether it stands still.
    pub paused: bool,
    /// Plants of which something has changed.
    pub changed: BTreeSet<Uuid>,
    pub(super) commands: Vec<Command>,
    pub(super) ending: Option<Result<(), String>>,
}

impl Round {
    /// With what was kept.
    pub fn new(state: State, seated: Vec<(u64, Vec<Uuid>)>) -> Self {
        let changed = state.members.keys().copied().collect();
        Self {
            state,
            said: BTreeMap::new(),
            keys: BTreeMap::new(),
            seated,
            enough_since: None,
            paused: false,
            changed,
            commands: Vec::new(),
            ending: None,
        }
    }

    /// Puts back what a plant had sent.
    pub fn recall(&mut self, stage: Stage, agent: Uuid, message: Message) {
        if let Message::RoundKeys(keys) = &message {
            self.know(agent, keys);
        }
        self.said.insert((stage, agent), message);
    }

    /// Takes what happens; gives what is to be done, in this order, once all of it is kept.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Vec<Command> {
        self.steps([event], now)
    }

    /// The same with all that has happened by now: what follows is looked for once.
    pub fn steps(&mut self, events: impl IntoIterator<Item = Event>, now: Timestamp) -> Vec<Command> {
        events.into_iter().for_each(|event| self.take(event, now));
        while self.ending.is_none() && !self.paused && self.is_settled(now) {
            self.advance(now);
        }
        std::mem::take(&mut self.commands)
    }

    fn take(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Came(agent, message) => {
                let Some(member) = self.state.members.get_mut(&agent) else { return };
                member.heard = now;
                self.changed.insert(agent);
                match self.check(agent, &message) {
                    Ok(true) => {
                        self.said.insert((self.state.stage, agent), *message);
                        self.commands.push(Command::Keep(agent, self.state.stage.kind()));
                    }
                    Ok(false) => {}
                    Err((name, words)) => self.leave(agent, name, words),
                }
            }
            Event::Here(agent, is_here) => {
                if let Some(member) = self.state.members.get_mut(&agent) {
                    (member.is_here, member.heard) = (is_here, now);
                    self.changed.insert(agent);
                }
            }
            Event::Out(agent, name, words) => self.leave(agent, name, words),
            Event::Opened(Ok(candidate)) if self.state.stage == Stage::Summing => {
                self.state.candidate = Some(candidate);
                self.enter(Stage::Gate, self.patience(), now);
            }
            Event::Opened(Err(why)) if self.state.stage == Stage::Summing => self.fail(why),
            Event::Opened(_) => {}
            Event::Resumed(after) => self.state.deadline = self.state.deadline.saturating_add(after),
            Event::Stopped(why) => self.fail(why),
            Event::Tick => {}
        }
    }

    /// Who is to send something in this stage.
    pub fn expected(&self) -> Vec<Uuid> {
        self.state.members.keys().copied().filter(|agent| self.is_expected(*agent)).collect()
    }

    /// Whether a plant is to send something in this stage.
    pub fn is_expected(&self, agent: Uuid) -> bool {
        let stage = self.state.stage;
        let member = self.state.members.get(&agent);
        if member.is_none_or(|member| member.out.is_some() && stage != Stage::Gate) {
            return false;
        }
        let of = |part: fn(&Group) -> &Vec<Uuid>| {
            let group = self.group_of(agent).filter(|group| group.failed.is_none() || stage == Stage::Gate);
            group.is_some_and(|group| part(group).contains(&agent))
        };
        match stage {
            Stage::Distributing => true,
            Stage::Training => self.said.contains_key(&(Stage::Distributing, agent)),
            Stage::Keys => of(|group| &group.members),
            Stage::Shares => of(|group| &group.advertised),
            // Who may have masked an update has a vote, whatever came between: without it, it would refuse the next.
            Stage::Masks | Stage::Gate => of(|group| &group.shared),
            Stage::Signing => of(|group| &group.live),
            Stage::Opening => of(|group| &group.signed),
            Stage::Summing | Stage::Over => false,
        }
    }

    /// Who has sent what is sent in a stage.
    pub fn senders(&self, stage: Stage) -> Vec<Uuid> {
        let of_stage = self.said.range((stage, Uuid::nil())..=(stage, Uuid::max()));
        of_stage.map(|((_, agent), _)| *agent).collect()
    }

    /// Whether a plant has sent what this stage wants of it.
    pub fn has_sent(&self, agent: Uuid) -> bool {
        self.said.contains_key(&(self.state.stage, agent))
    }

    /// Nothing more can be waited for.
    fn is_settled(&mut self, now: Timestamp) -> bool {
        if matches!(self.state.stage, Stage::Summing | Stage::Over) {
            return false;
        }
        let expected = self.expected();
        let all = expected.iter().all(|agent| self.has_sent(*agent));
        if all || now.as_micros() >= self.state.deadline {
            return true;
        }
        if self.state.stage == Stage::Gate {
            let is_here = |agent: &Uuid| self.state.members.get(agent).is_some_and(|member| member.is_here);
            let votes = self.senders(Stage::Gate).len();
            let missing = expected.iter().any(|agent| is_here(agent) && !self.has_sent(*agent));
            return votes >= self.state.terms.quorum && !missing && self.is_grace_over(now);
        }
        if !matches!(self.state.stage, Stage::Signing | Stage::Opening) {
            return false;
        }
        // Sums open with two of three: who is late then is waited for a little, and no longer.
        let groups = self.state.groups.iter().filter(|group| group.failed.is_none());
        let has_enough = |group: &Group| {
            group.live.iter().filter(|agent| self.has_sent(**agent)).count() >= group.fewest()
        };
        groups.into_iter().all(has_enough) && self.is_grace_over(now)
    }

    fn is_grace_over(&mut self, now: Timestamp) -> bool {
        let since = *self.enough_since.get_or_insert(now);
        now.as_micros() >= since.as_micros().saturating_add(GRACE)
    }

    /// The next stage waits so long.
    pub(super) fn enter(&mut self, stage: Stage, micros: u64, now: Timestamp) {
        self.state.stage = stage;
        self.state.deadline = now.as_micros().saturating_add(micros);
        self.enough_since = None;
        self.changed.extend(self.state.members.keys().copied());
    }

    pub(super) fn patience(&self) -> u64 {
        (self.state.terms.patience_seconds * 1e6) as u64
    }

    /// A plant is not in it any more, and why.
    pub(super) fn leave(&mut self, agent: Uuid, name: &str, words: String) {
        if let Some(member) = self.state.members.get_mut(&agent)
            && member.out.is_none()
        {
            member.out = Some((name.to_owned(), words));
            self.changed.insert(agent);
        }
    }

    /// The round ends without a model.
    pub(super) fn fail(&mut self, why: impl Into<String>) {
        self.end(Err(why.into()));
    }

    pub(super) fn end(&mut self, how: Result<(), String>) {
        if self.ending.is_none() {
            self.ending = Some(how.clone());
            self.state.stage = Stage::Over;
            self.commands.push(Command::End(how));
            self.changed.extend(self.state.members.keys().copied());
        }
    }

    /// How it ended.
    pub const fn ending(&self) -> Option<&Result<(), String>> {
        self.ending.as_ref()
    }

    /// Which attempt is under way.
    pub const fn attempted(&self) -> Attempted {
        let State { federation, epoch, round, attempt, .. } = self.state;
        Attempted { federation, epoch, round, attempt, model: self.state.base.digest }
    }

    /// What is said is about: the attempt, or the round before there is one.
    pub fn about(&self) -> About {
        About::of(&self.attempted())
    }

    pub(super) fn know(&mut self, agent: Uuid, keys: &RoundKeys) {
        if let Some(key) = keys.chain.first().and_then(|der| PublicKey::of_certificate(der).ok()) {
            self.keys.insert(agent, key);
        }
    }

    /// The roster of a group, as its plants reckon it.
    pub fn roster(&self, group: &Group) -> Roster {
        let members = group.advertised.iter().filter_map(|agent| self.keys_of(*agent)?.advertise(*agent));
        Roster::new(self.attempted(), threshold(group.advertised.len()), members.collect())
    }

    pub(super) fn keys_of(&self, agent: Uuid) -> Option<&RoundKeys> {
        match self.said.get(&(Stage::Keys, agent)) {
            Some(Message::RoundKeys(keys)) => Some(keys),
            _ => None,
        }
    }

    /// How a plant keeps up.
    pub fn status(&self, agent: Uuid, now: Timestamp) -> ClientStatus {
        let Some(member) = self.state.members.get(&agent) else { return ClientStatus::Offline };
        let is_late = self.is_expected(agent)
            && !self.has_sent(agent)
            && now.as_micros().saturating_add(self.patience() / 2) > self.state.deadline;
        match (member.is_here, is_late) {
            (false, _) => ClientStatus::Offline,
            (true, true) => ClientStatus::Delayed,
            (true, false) => ClientStatus::Active,
        }
    }
}

/// For whoever is late although enough are there.
const GRACE: u64 = 5_000_000;
