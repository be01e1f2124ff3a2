//! A session with the aggregator: hello, then records, seconds and answers beside each other. It ends with
//! its link.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use fieldward_shared::transport::{Channel, Code, Link, LinkError, Receiver, Sender};
use fieldward_shared::wire::{self, Answer, Ask, Hello, Message, Pong, Question, Welcome};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::courier::{Courier, Pacing, lane_starts};
use super::health::{Looking, wall};
use super::{Dialled, Uplinked, task, verdicts};
use crate::features;

/// What a session leaves.
pub struct Left {
    /// Why it is over.
    pub why: LinkError,
    /// Whether it was welcomed.
    pub welcomed: bool,
    /// What was learnt of the link.
    pub pacing: Pacing,
}

/// Works over a link until it ends.
pub async fn run(uplinked: &Uplinked, dialled: &Dialled, pacing: Pacing) -> Left {
    let (link, starts) = (&dialled.link, uplinked.spool.starts());
    let (control, welcome) = match greet(uplinked, link, starts).await {
        Ok(greeted) => greeted,
        Err(why) => return Left { why, welcomed: false, pacing },
    };
    let Ok(committed) = <[u64; 4]>::try_from(welcome.committed.as_slice()) else {
        link.close(Code::Protocol, "a welcome without its lanes");
        return Left { why: LinkError::Channel, welcomed: false, pacing };
    };
    uplinked.welcomed(dialled, &welcome, wall());
    let courier = Courier::new(&uplinked.spool, starts, committed, welcome.credit, pacing);
    let session = Session {
        uplinked,
        link,
        courier: RefCell::new(courier),
        granted: Notify::new(),
        takes_requests: welcome.requests,
        looking: RefCell::new(Looking::new(&uplinked.settings.spool_folder)),
    };
    let Err(why) = session.turn(control).await;
    Left { why, welcomed: true, pacing: session.courier.into_inner().end() }
}

type Control = (Sender, Receiver);

async fn greet(
    uplinked: &Uplinked,
    link: &Link,
    (incarnation, starts): (crate::spool::format::Incarnation, [crate::spool::Start; 4]),
) -> Result<(Control, Welcome), LinkError> {
    let (mut sender, receiver) = link.open(Channel::Control).await?;
    let mut receiver = receiver.ok_or(LinkError::Channel)?;
    let hello = Hello {
        versions: vec![wire::VERSION],
        release: env!("CARGO_PKG_VERSION").to_owned(),
        incarnation: incarnation.0.to_vec(),
        instance: uplinked.instance.to_vec(),
        schema: features::SCHEMA.hash().0,
        features: uplinked.features.clone(),
        lanes: lane_starts(starts),
        models: uplinked.told.health().models,
        networks: uplinked.desk.as_ref().map(|desk| desk.learns()).unwrap_or_default(),
        verdicts: uplinked.settings.labels.as_ref().map(|labels| verdicts::heard(labels)),
    };
    sender.send(hello).await?;
    // The aggregator may wait for its database; whether it lives, the link knows.
    match receiver.next().await? {
        Some(Message::Welcome(welcome)) if welcome.version == wire::VERSION => {
            Ok(((sender, receiver), welcome))
        }
        Some(Message::Welcome(welcome)) => {
            let words = format!("wire version {} was not offered", welcome.version);
            link.close(Code::Version, &words);
            Err(LinkError::Closed(Code::Version, words))
        }
        Some(_) => {
            link.close(Code::Protocol, "no welcome");
            Err(LinkError::Channel)
        }
        None => Err(LinkError::Cut),
    }
}

struct Session<'a> {
    uplinked: &'a Uplinked,
    link: &'a Link,
    courier: RefCell<Courier<'a>>,
    /// More may go.
    granted: Notify,
    /// An aggregator that does not know them would end the session.
    takes_requests: bool,
    looking: RefCell<Looking>,
}

impl Session<'_> {
    /// All of it, until one part fails.
    async fn turn(&self, control: Control) -> Result<Infallible, LinkError> {
        tokio::select! {
            ended = self.control(control) => ended,
            ended = self.reports() => ended,
            ended = self.telemetry() => ended,
            ended = self.asks() => ended,
        }
    }

    async fn control(&self, (mut sender, mut receiver): Control) -> Result<Infallible, LinkError> {
        loop {
            match receiver.next().await?.ok_or(LinkError::Cut)? {
                Message::Ack(ack) => {
                    let mut courier = self.courier.borrow_mut();
                    courier.acknowledge(&ack, Instant::now());
                    self.uplinked.delivered(courier.delivered);
                    courier.delivered = 0;
                }
                Message::Credit(credit) => self.courier.borrow_mut().grant(credit.credit),
                Message::Ping(ping) => {
                    sender.send(Pong { sent: ping.sent, time: wall().as_micros() }).await?;
                    continue;
                }
                Message::Config(config) => {
                    self.uplinked.settings.credentials.announced(&config.announcements)
                }
                Message::Verdicts(said) => {
                    if let Some(labels) = &self.uplinked.settings.labels {
                        verdicts::hear(labels, said);
                    }
                    continue;
                }
                // A later aggregator may say more.
                _ => continue,
            }
            self.granted.notify_one();
        }
    }

    /// The most severe first, as long as more may go.
    async fn reports(&self) -> Result<Infallible, LinkError> {
        let (mut sender, _) = self.link.open(Channel::Reports).await?;
        loop {
            let next = self.courier.borrow_mut().next(Instant::now());
            match next {
                Ok(Some(batch)) => sender.send(batch).await?,
                Ok(None) => tokio::select! {
                    () = self.granted.notified() => {}
                    () = self.uplinked.accepted.notified() => {}
                    // A reader may have been told nothing: memory is read when the disk fails.
                    () = sleep(LOOK_EVERY) => {}
                },
                Err(error) => {
                    tracing::warn!("the spool cannot be read: {error}; it is tried again");
                    sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    /// Seconds as they come, and now and then how it is.
    async fn telemetry(&self) -> Result<Infallible, LinkError> {
        let (mut sender, _) = self.link.open(Channel::Telemetry).await?;
        let mut every = interval(HEALTH_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.uplinked.told.news.notified() => {
                    while let Some(second) = self.uplinked.told.take() {
                        sender.send(second).await?;
                    }
                    while self.takes_requests && let Some(minute) = self.uplinked.told.take_requests() {
                        sender.send(minute).await?;
                    }
                }
                _ = every.tick() => sender.send(self.health()).await?,
            }
        }
    }

    fn health(&self) -> wire::Health {
        let told = self.uplinked.told.health();
        self.looking.borrow_mut().look(told, &self.uplinked.spool, Instant::now())
    }

    /// One question after the other; a round beside them.
    async fn asks(&self) -> Result<Infallible, LinkError> {
        let mut tasks = JoinSet::new();
        loop {
            let (channel, sender, mut receiver) = self.link.accept().await?;
            let Some(mut sender) = sender else { return Err(LinkError::Channel) };
            if let Channel::Task(_) = channel {
                let desk = self.uplinked.desk.clone().ok_or(LinkError::Channel)?;
                // The newest counts; what there was before has broken off.
                tasks.abort_all();
                tasks.spawn(task::serve(desk, sender, receiver));
                continue;
            }
            let conversation = async {
                let Some(Message::Ask(ask)) = receiver.next().await? else { return Err(LinkError::Channel) };
                sender.send(self.answer(&ask)).await?;
                sender.finish().await
            };
            match timeout(ANSWER_WITHIN, conversation).await {
                Ok(done) => done?,
                Err(_) => tracing::warn!("a question of the aggregator did not come through in time"),
            }
        }
    }

    fn answer(&self, ask: &Ask) -> Answer {
        let done = |answer| Answer { done: true, ..answer };
        match Question::try_from(ask.question) {
            Ok(Question::ContextWindow) => {
                done(Answer { seconds: self.uplinked.told.minute(), ..Answer::default() })
            }
            Ok(Question::Health) => done(Answer { health: Some(self.health()), ..Answer::default() }),
            _ => Answer { words: "this agent does not know that question".to_owned(), ..Answer::default() },
        }
    }
}

/// At the latest then the spool is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const HEALTH_EVERY: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
