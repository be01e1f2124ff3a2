//! The session of an agent: its batches are committed and then acknowledged, its seconds and its health
//! go on, its clock is compared. Whatever no agent of ours sends ends it, and only it.

use std::sync::Arc;

use fieldward_shared::alert::Status;
use fieldward_shared::time::Timestamp;
use fieldward_shared::transport::{Channel, Code, Link, LinkError, Receiver, Sender};
use fieldward_shared::wire::{
    self, Ack, Config, Credit, Hello, Message, Ping, Pong, Reports, Said, Verdict, Verdicts, Welcome,
};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::batch::BatchError;
use super::gate::Peer;
use super::{Shared, commit, now};
use crate::fleet::Entry;
use crate::store::verdicts as store;

/// Why a session ends.
#[derive(Debug, thiserror::Error)]
pub enum Ending {
    /// The link does.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// We end it.
    #[error("{1}")]
    Here(Code, String),
    /// What came is no batch.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

fn protocol(words: &str) -> Ending {
    Ending::Here(Code::Protocol, words.to_owned())
}

/// Serves a link until it ends.
pub async fn serve(shared: &Arc<Shared>, link: Link, peer: Peer) {
    let peer = Arc::new(peer);
    let ended = run(shared, &link, &peer).await;
    let (agent, facility) = (peer.agent, peer.facility.as_str());
    match &ended {
        Ending::Link(error) if error.is_hostile() => {
            shared.counters.hostile.add();
            tracing::warn!(security = true, %agent, facility, "closed: {error}");
            link.close(Code::Protocol, &error.to_string());
        }
        Ending::Link(error) => tracing::info!(%agent, facility, way = link.way(), "session over: {error}"),
        Ending::Here(code, words) => {
            if *code == Code::Protocol {
                shared.counters.hostile.add();
            }
            tracing::warn!(security = true, %agent, facility, "closed: {words}");
            link.close(*code, words);
        }
        Ending::Batch(BatchError::Facility { .. }) => {
            shared.counters.wrong_facility.add();
            tracing::error!(security = true, %agent, facility, "closed: {ended}; nothing of it was stored");
            link.close(Code::Facility, &ended.to_string());
        }
        Ending::Batch(error) => {
            shared.counters.hostile.add();
            tracing::warn!(security = true, %agent, facility, "closed: {error}");
            link.close(Code::Protocol, &error.to_string());
        }
    }
}

async fn run(shared: &Arc<Shared>, link: &Link, peer: &Arc<Peer>) -> Ending {
    match begin(shared, link, peer).await {
        Ok((mut session, number)) => {
            let Err(ended) = session.turn().await;
            shared.registry.leave(peer.agent, number);
            shared.fleet.leave(peer.agent, number);
            ended
        }
        Err(ended) => ended,
    }
}

/// Hello and welcome.
async fn begin<'a>(
    shared: &'a Arc<Shared>,
    link: &'a Link,
    peer: &'a Arc<Peer>,
) -> Result<(Serving<'a>, u64), Ending> {
    let greeting = async {
        let (channel, sender, mut receiver) = link.accept().await?;
        let Some(sender) = sender.filter(|_| channel == Channel::Control) else {
            return Err(protocol("another channel was opened before control"));
        };
        match receiver.next().await? {
            Some(Message::Hello(hello)) => Ok((sender, receiver, hello)),
            _ => Err(protocol("the first message is no hello")),
        }
    };
    let greeting = timeout(shared.limits.answer, greeting).await;
    let (mut control, receiver, hello) = greeting.map_err(|_| protocol("no hello came in time"))??;
    if !hello.versions.contains(&wire::VERSION) {
        shared.counters.version_refused.add();
        return Err(Ending::Here(Code::Version, unspoken(&hello)));
    }
    if hello.instance.len() != 16
        || hello.features.len() > MOST_FEATURES
        || hello.networks.len() > MOST_NETWORKS
    {
        return Err(protocol("a hello that no agent says"));
    }
    let entered = shared.registry.enter(peer.clone(), link.clone(), &hello.networks, shared.limits.sessions);
    let Some((number, old)) = entered else {
        return Err(Ending::Here(Code::Busy, "there are too many sessions".to_owned()));
    };
    if let Some(old) = old {
        shared.counters.replaced.add();
        old.link.close(Code::Replaced, "the agent has connected anew");
    }
    let entry = Entry {
        agent: peer.agent,
        facility: &peer.facility,
        session: number,
        address: link.remote().ip(),
        way: link.way(),
        hello: &hello,
    };
    if shared.fleet.enter(&entry, now()) {
        shared.counters.duplicate_identity.add();
        tracing::error!(
            security = true, agent = %peer.agent, facility = peer.facility, address = %entry.address,
            "two use this agent's certificate in turn: it was copied; revoke it and enrol the agent anew"
        );
    }
    let welcomed = welcome(shared, link, peer, &hello, &mut control).await;
    if let Err(ended) = welcomed {
        shared.registry.leave(peer.agent, number);
        shared.fleet.leave(peer.agent, number);
        return Err(ended);
    }
    shared.counters.sessions.add();
    tracing::info!(
        agent = %peer.agent, facility = peer.facility, way = link.way(), address = %link.remote(),
        release = %hello.release.escape_debug(), "session"
    );
    Ok((Serving::new(shared, link, peer, hello, (control, receiver)), number))
}

/// Says how far its lanes are committed. The database may be away for long; the link may not.
async fn welcome(
    shared: &Shared,
    link: &Link,
    peer: &Peer,
    hello: &Hello,
    control: &mut Sender,
) -> Result<(), Ending> {
    let committed = tokio::select! {
        committed = commit::positions(shared, peer, hello) => committed?,
        error = link.closed() => return Err(error.into()),
    };
    let welcome = Welcome {
        version: wire::VERSION,
        committed: committed.to_vec(),
        credit: *shared.pressure.credit().borrow(),
        time: now().as_micros(),
        facility: peer.facility.clone(),
        agent: peer.agent.to_string(),
        requests: true,
    };
    control.send(welcome).await?;
    Ok(())
}

fn verdict(of: store::Verdict) -> Verdict {
    let (said, technique) = match (of.status, of.technique) {
        (Status::FalsePositive, _) => (Said::FalsePositive, None),
        (Status::Resolved, Some(technique)) => (Said::Other, Some(technique)),
        (Status::Resolved, None) => (Said::Right, None),
        (Status::New | Status::Acknowledged, _) => (Said::Nothing, None),
    };
    Verdict { alert: of.alert.to_string(), said: said as i32, technique: technique.unwrap_or_default() }
}

fn unspoken(hello: &Hello) -> String {
    let theirs: Vec<String> = hello.versions.iter().take(8).map(ToString::to_string).collect();
    format!(
        "this aggregator speaks wire version {}, the agent {}; update the older of them",
        wire::VERSION,
        theirs.join(", ")
    )
}

struct Serving<'a> {
    shared: &'a Arc<Shared>,
    link: &'a Link,
    peer: &'a Arc<Peer>,
    features: Vec<String>,
    control: (Sender, Receiver),
    reports: Option<Receiver>,
    telemetry: Option<Receiver>,
    commits: JoinSet<Result<Vec<Ack>, BatchError>>,
    batches: u64,
    /// The last list of roots that was announced.
    announced: Option<Vec<u8>>,
    /// Up to when the agent knows what was said of its alerts; none to an agent that does not want it.
    told: Option<Timestamp>,
}

/// What a turn brings.
enum Event {
    Control(Option<Message>),
    Reports(Option<Message>),
    Telemetry(Option<Message>),
    Opened(Channel, Receiver),
    Committed(Vec<Ack>),
    Credit(u32),
    Tick,
    Old,
}

impl<'a> Serving<'a> {
    fn new(
        shared: &'a Arc<Shared>,
        link: &'a Link,
        peer: &'a Arc<Peer>,
        hello: Hello,
        control: (Sender, Receiver),
    ) -> Self {
        let (reports, telemetry, commits) = (None, None, JoinSet::new());
        Self {
            shared,
            link,
            peer,
            features: hello.features,
            control,
            reports,
            telemetry,
            commits,
            batches: 0,
            announced: None,
            told: hello.verdicts.map(Timestamp::from_micros),
        }
    }

    /// Turns until it ends.
    async fn turn(&mut self) -> Result<std::convert::Infallible, Ending> {
        let mut credit = self.shared.pressure.credit();
        let mut ping = interval(self.shared.limits.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let until = Instant::now() + self.shared.limits.session_age;
        loop {
            // What is under way is bounded, whatever the agent believes its credit to be.
            let may_read = self.commits.len() < wire::WINDOW as usize;
            let event = tokio::select! {
                Some(done) = self.commits.join_next() => Event::Committed(outcome(done)?),
                message = self.control.1.next() => Event::Control(message?),
                message = next(&mut self.reports), if may_read => Event::Reports(message?),
                message = next(&mut self.telemetry) => Event::Telemetry(message?),
                opened = self.link.accept() => {
                    let (channel, _, receiver) = opened?;
                    Event::Opened(channel, receiver)
                }
                Ok(()) = credit.changed() => Event::Credit(*credit.borrow_and_update()),
                _ = ping.tick() => Event::Tick,
                () = tokio::time::sleep_until(until) => Event::Old,
            };
            let now = *credit.borrow();
            self.take(event, now).await?;
        }
    }

    async fn take(&mut self, event: Event, credit: u32) -> Result<(), Ending> {
        match event {
            Event::Reports(Some(Message::Reports(batch))) => self.batch(batch)?,
            Event::Committed(acks) => self.acknowledge(acks, credit).await?,
            Event::Telemetry(Some(Message::Second(second))) => {
                self.heard();
                self.shared.second(second.data(&self.peer.facility, &self.features), self.peer.agent);
            }
            Event::Telemetry(Some(Message::Requests(told))) => {
                self.heard();
                self.shared.requests(told.data(&self.peer.facility).map_err(protocol)?);
            }
            Event::Telemetry(Some(Message::Health(health))) => {
                self.heard();
                self.shared.fleet.health(self.peer.agent, health);
            }
            Event::Control(Some(Message::Pong(pong))) => {
                self.heard();
                let (sent, time) = (Timestamp::from_micros(pong.sent), Timestamp::from_micros(pong.time));
                self.shared.fleet.clock(self.peer.agent, sent, time, now());
            }
            Event::Control(Some(Message::Ping(ping))) => {
                self.heard();
                self.control.0.send(Pong { sent: ping.sent, time: now().as_micros() }).await?;
            }
            Event::Credit(credit) => self.control.0.send(Credit { credit }).await?,
            Event::Tick => {
                self.control.0.send(Ping { sent: now().as_micros() }).await?;
                self.announce().await?;
                self.tell_verdicts().await?;
            }
            Event::Opened(Channel::Reports, receiver) if self.reports.is_none() => {
                self.reports = Some(receiver)
            }
            Event::Opened(Channel::Telemetry, receiver) if self.telemetry.is_none() => {
                self.telemetry = Some(receiver);
            }
            Event::Old => {
                self.shared.counters.aged.add();
                return Err(Ending::Here(Code::TooOld, "the session is old: connect anew".to_owned()));
            }
            Event::Control(None) | Event::Reports(None) | Event::Telemetry(None) => {
                // What came before the end counts.
                while let Some(done) = self.commits.join_next().await {
                    self.acknowledge(outcome(done)?, credit).await?;
                }
                return Err(LinkError::Closed(Code::Done, "a channel ended".to_owned()).into());
            }
            Event::Opened(..) => return Err(protocol("a channel was opened twice")),
            Event::Control(_) | Event::Reports(_) | Event::Telemetry(_) => {
                return Err(protocol("a message came where it does not belong"));
            }
        }
        Ok(())
    }

    async fn acknowledge(&mut self, acks: Vec<Ack>, credit: u32) -> Result<(), Ending> {
        for ack in acks {
            self.control.0.send(Ack { credit, ..ack }).await?;
        }
        Ok(())
    }

    /// The aggregator's roots, when they have changed since they were told: a rotation does not wait for
    /// the next session.
    async fn announce(&mut self) -> Result<(), Ending> {
        let announcements = self.shared.gate.announcements();
        if announcements.last() != self.announced.as_ref() {
            self.announced = announcements.last().cloned();
            self.control.0.send(Config { announcements }).await?;
        }
        Ok(())
    }

    /// What analysts said of this plant's alerts since it was told last. What was said in this moment waits: its
    /// transaction may not be done.
    async fn tell_verdicts(&mut self) -> Result<(), Ending> {
        let Some(since) = self.told else { return Ok(()) };
        let until = Timestamp::from_micros(now().as_micros().saturating_sub(SETTLED));
        if until <= since {
            return Ok(());
        }
        let read = self.shared.store.verdicts(&self.peer.facility, since, until, wire::VERDICTS as u32).await;
        // A database that is away is told of elsewhere; the next tick asks again.
        let Ok((said, until)) = read else { return Ok(()) };
        self.told = Some(until);
        if !said.is_empty() {
            let verdicts = said.into_iter().map(verdict).collect();
            self.control.0.send(Verdicts { until: until.as_micros(), verdicts }).await?;
        }
        Ok(())
    }

    fn batch(&mut self, batch: Reports) -> Result<(), Ending> {
        self.batches += 1;
        if batch.batch != self.batches {
            return Err(protocol("batches are not numbered one after the other"));
        }
        self.heard();
        self.commits.spawn(commit::commit(self.shared.clone(), self.peer.clone(), batch));
        Ok(())
    }

    fn heard(&self) {
        self.shared.fleet.hear(self.peer.agent, now());
    }
}

/// What became of a batch. A task that breaks harms no other.
fn outcome(done: Result<Result<Vec<Ack>, BatchError>, JoinError>) -> Result<Vec<Ack>, BatchError> {
    done.unwrap_or(Err(BatchError::Odd("a record that broke its task")))
}

/// The next message of a channel that may not be open yet.
async fn next(receiver: &mut Option<Receiver>) -> Result<Option<Message>, LinkError> {
    match receiver {
        Some(receiver) => receiver.next().await,
        None => std::future::pending().await,
    }
}

/// More features has no schema of ours.
/// Microseconds after which what was said is certainly in the database.
const SETTLED: u64 = 5_000_000;
const MOST_FEATURES: usize = 512;
/// Nor so many networks.
const MOST_NETWORKS: usize = 16;
