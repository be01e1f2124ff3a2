//! Redis between replicas of the aggregator. Nothing depends on it: messages are hints that something has
//! changed, and whoever misses one reads the database a little later. Nobody waits for it either: what does not
//! fit a short queue is counted and let go.
//!
//! Two connections: one publishes, one listens. The bus is up while a replica hears its own signs of life.

pub mod message;
pub mod server;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldward_shared::identity::{sha256, to_hex};
use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{self, Answer, Question};
use redis::AsyncConnectionConfig;
use redis::aio::MultiplexedConnection;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Duration, MissedTickBehavior, interval, sleep, timeout};
use tokio_stream::StreamExt as _;
use uuid::Uuid;

use crate::breaker::Breaker;
use crate::intake::AskError;
use crate::store::now;
use message::{Message, Opened, Seal};
use server::{RedisConfig, RedisError};

/// What the bus counts.
#[derive(Debug, Default)]
pub struct Counts {
    /// Messages that were published.
    pub sent: AtomicU64,
    /// Messages of other replicas.
    pub received: AtomicU64,
    /// Messages for which there was no room, here or there.
    pub dropped: AtomicU64,
    /// What came and was none of ours, or too old.
    pub foreign: AtomicU64,
    /// How often Redis failed.
    pub failures: AtomicU64,
    /// Microseconds that the last sign of life took from here to here.
    pub round_trip: AtomicU64,
}

/// The way to the other replicas. Clones are the same.
#[derive(Clone, Debug)]
pub struct Bus(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    replica: Uuid,
    seal: Seal,
    channel: String,
    outgoing: mpsc::Sender<Letter>,
    up: watch::Sender<bool>,
    asked: Mutex<HashMap<u64, oneshot::Sender<Told>>>,
    next: AtomicU64,
    counts: Counts,
    client: redis::Client,
    /// For answers that are kept; none until it is wanted, and after a failure.
    shelf: Mutex<Option<MultiplexedConnection>>,
}

/// What came of a question.
type Told = Result<(Vec<u8>, Vec<String>), String>;
/// A channel, and what is published there.
type Letter = (String, Vec<u8>);

/// What other replicas tell: from which, and what.
pub type Inbox = mpsc::Receiver<(Uuid, Message)>;

/// What [`run`] needs.
pub struct Ends {
    bus: Bus,
    client: redis::Client,
    outgoing: mpsc::Receiver<Letter>,
    inbox: mpsc::Sender<(Uuid, Message)>,
}

impl Bus {
    /// By a server, which need not be there yet, with a key that all replicas share. It works when it is run.
    /// None where the configuration names none.
    pub fn open(config: &RedisConfig, key: &[u8]) -> Result<Option<(Self, Ends, Inbox)>, RedisError> {
        let Some(client) = config.client()? else { return Ok(None) };
        let ((outgoing, letters), (sender, inbox)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let seal = Seal::of(key);
        let bus = Self(Arc::new(Inside {
            replica: Uuid::new_v4(),
            channel: format!("fieldward:{}", seal.name()),
            seal,
            outgoing,
            up: watch::channel(false).0,
            asked: Mutex::default(),
            client: client.clone(),
            shelf: Mutex::default(),
            next: AtomicU64::new(1),
            counts: Counts::default(),
        }));
        Ok(Some((bus.clone(), Ends { bus, client, outgoing: letters, inbox: sender }, inbox)))
    }

    /// Which replica this is.
    pub fn replica(&self) -> Uuid {
        self.0.replica
    }

    /// Whether messages arrive, as far as is known, now and whenever that changes.
    pub fn up(&self) -> watch::Receiver<bool> {
        self.0.up.subscribe()
    }

    /// Whether messages arrive, as far as is known.
    pub fn is_up(&self) -> bool {
        *self.0.up.borrow()
    }

    /// What was counted.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// Tells all replicas.
    pub fn say(&self, message: &Message) {
        self.post(self.0.channel.clone(), message);
    }

    /// Tells one.
    pub fn tell(&self, replica: Uuid, message: &Message) {
        self.post(self.channel_of(replica), message);
    }

    /// Asks an agent that is connected to another replica. Gives its answer, and what its features are called.
    pub async fn ask(
        &self,
        replica: Uuid,
        agent: Uuid,
        question: Question,
        about: &str,
    ) -> Result<(Answer, Vec<String>), AskError> {
        if !self.is_up() {
            return Err(AskError::Elsewhere(agent, "Redis is away".into()));
        }
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        {
            let mut asked = self.asked();
            asked.retain(|_, waiting| !waiting.is_closed());
            if asked.len() >= MOST_ASKED {
                return Err(AskError::Elsewhere(agent, "too much is asked at once".into()));
            }
            asked.insert(number, reply);
        }
        let about = about.to_owned();
        self.tell(replica, &Message::Ask { number, agent, question: question.into(), about });
        let told = timeout(ANSWER, answer).await;
        self.asked().remove(&number);
        match told {
            Ok(Ok(Ok((frame, features)))) => match message::unframe(&frame) {
                Some(wire::Message::Answer(answer)) => Ok((answer, features)),
                _ => Err(AskError::Elsewhere(agent, "its answer cannot be read".into())),
            },
            Ok(Ok(Err(why))) => Err(AskError::Elsewhere(agent, why)),
            _ => Err(AskError::Late(agent)),
        }
    }

    /// The generation that holds, and what is kept under a key by it: when it was made, and what. None when Redis
    /// does not answer at once.
    pub async fn recall(&self, key: &str) -> Option<(u128, Option<(Timestamp, Vec<u8>)>)> {
        let fresh = Uuid::new_v4();
        let mut pipe = redis::pipe();
        // Where there is none, it is drawn: one that was forgotten never comes again.
        pipe.cmd("SET").arg(self.generation()).arg(fresh.as_bytes()).arg("NX").ignore();
        pipe.get(self.generation()).get(self.place(key));
        let (generation, sealed): (Vec<u8>, Option<Vec<u8>>) = self.quickly(&pipe).await?;
        let generation = u128::from_be_bytes(generation.try_into().ok()?);
        let opened = sealed.and_then(|sealed| self.0.seal.open(&sealed));
        let kept = match opened.map(|opened| opened.message) {
            Some(Message::Kept { key: of, generation: by, made, body }) => {
                (of == key && by == generation).then(|| (Timestamp::from_micros(made), body))
            }
            _ => None,
        };
        Some((generation, kept))
    }

    /// Keeps an answer for others, for a moment. Nobody waits for it.
    pub fn keep(&self, key: &str, generation: u128, made: Timestamp, body: &[u8]) {
        let message =
            Message::Kept { key: key.to_owned(), generation, made: made.as_micros(), body: body.to_vec() };
        let Some(sealed) = self.0.seal.seal(self.0.replica, now(), &message) else { return };
        let (bus, place) = (self.clone(), self.place(key));
        tokio::spawn(async move {
            let mut pipe = redis::pipe();
            pipe.cmd("SET").arg(place).arg(sealed).arg("PX").arg(KEPT_MILLIS).ignore();
            bus.quickly::<()>(&pipe).await
        });
    }

    /// Nothing that is kept holds any more, for any replica. Waits until that is so, or Redis has not answered.
    pub async fn forget(&self) {
        let mut pipe = redis::pipe();
        pipe.set(self.generation(), Uuid::new_v4().as_bytes()).ignore();
        self.quickly::<()>(&pipe).await;
    }

    /// What Redis answers, if it does at once.
    async fn quickly<T: redis::FromRedisValue>(&self, pipe: &redis::Pipeline) -> Option<T> {
        if !self.is_up() {
            return None;
        }
        let ask = async {
            let known = self.shelf().clone();
            let mut open = match known {
                Some(open) => open,
                None => {
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(Some(QUICK))
                        .set_response_timeout(Some(QUICK));
                    let open = self.0.client.get_multiplexed_async_connection_with_config(&config).await?;
                    self.shelf().insert(open).clone()
                }
            };
            pipe.query_async(&mut open).await
        };
        let told: Option<redis::RedisResult<T>> = timeout(QUICK, ask).await.ok();
        let told = told.and_then(Result::ok);
        if told.is_none() {
            self.0.counts.failures.fetch_add(1, Ordering::Relaxed);
            self.shelf().take();
        }
        told
    }

    fn shelf(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.0.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn generation(&self) -> String {
        format!("{}:generation", self.0.channel)
    }

    /// Where an answer is kept. What was asked is no name of a key.
    fn place(&self, key: &str) -> String {
        format!("{}:kept:{}", self.0.channel, to_hex(&sha256(key.as_bytes())))
    }

    fn post(&self, channel: String, message: &Message) {
        let sealed = self.0.seal.seal(self.0.replica, now(), message);
        let posted = sealed.is_some_and(|sealed| self.0.outgoing.try_send((channel, sealed)).is_ok());
        if !posted {
            self.0.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn channel_of(&self, replica: Uuid) -> String {
        format!("{}:{}", self.0.channel, replica.simple())
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Told>>> {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_up(&self, is_up: bool) {
        let changed = self.0.up.send_if_modified(|up| std::mem::replace(up, is_up) != is_up);
        if changed && is_up {
            tracing::info!("Redis carries messages between replicas");
        } else if changed {
            tracing::warn!("Redis is away: replicas learn from the database what others have stored");
        }
    }

    /// What came on a channel.
    fn take(&self, sealed: &[u8], inbox: &mpsc::Sender<(Uuid, Message)>) {
        let counts = &self.0.counts;
        let at = now();
        let young = |opened: &Opened| at.since(opened.at).max(opened.at.since(at)) < OLD;
        let Some(Opened { from, at: sent, message }) = self.0.seal.open(sealed).filter(young) else {
            counts.foreign.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if from == self.0.replica {
            if message == Message::Here {
                counts.round_trip.store(at.since(sent), Ordering::Relaxed);
                self.set_up(true);
            }
            return;
        }
        counts.received.fetch_add(1, Ordering::Relaxed);
        match message {
            Message::Here => {}
            Message::Answer { number, answer } => {
                if let Some(reply) = self.asked().remove(&number) {
                    // Whoever asked may have given up.
                    drop(reply.send(answer));
                }
            }
            message => {
                if inbox.try_send((from, message)).is_err() {
                    counts.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn failed(&self, what: &str, error: &str) {
        self.0.counts.failures.fetch_add(1, Ordering::Relaxed);
        // Said once when it begins: `set_up` tells people.
        tracing::debug!(error, "Redis: {what} failed");
        self.set_up(false);
    }
}

/// Carries messages until the stop.
pub async fn run(ends: Ends, mut stop: Stop) {
    let Ends { bus, client, outgoing, inbox } = ends;
    tokio::select! {
        () = publish(&bus, &client, outgoing) => {}
        () = listen(&bus, &client, &inbox) => {}
        () = stop.asked() => {}
    }
}

/// Publishes what is posted, and signs of life. What cannot be published waits, as far as the queue reaches.
async fn publish(bus: &Bus, client: &redis::Client, mut outgoing: mpsc::Receiver<Letter>) {
    let (mut connection, mut breaker) = (None, Breaker::default());
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut letters: Vec<Letter> = Vec::new();
    loop {
        if letters.is_empty() {
            tokio::select! {
                count = outgoing.recv_many(&mut letters, AT_ONCE) => {
                    if count == 0 {
                        return std::future::pending().await;
                    }
                }
                _ = beats.tick() => {
                    let sealed = bus.0.seal.seal(bus.0.replica, now(), &Message::Here);
                    letters.extend(sealed.map(|sealed| (bus.0.channel.clone(), sealed)));
                }
            }
        }
        match timeout(PATIENCE, send(&mut connection, client, &letters)).await {
            Ok(Ok(())) => {
                breaker.succeeded();
                bus.0.counts.sent.fetch_add(letters.len() as u64, Ordering::Relaxed);
                letters.clear();
            }
            other => {
                connection = None;
                // An error may name the address.
                let error = other.map_or("no answer in time".into(), |done| {
                    done.err().map_or_else(String::new, |error| error.category().to_owned())
                });
                bus.failed("publishing", &error);
                sleep(breaker.failed(fastrand::f64())).await;
            }
        }
    }
}

async fn send(
    connection: &mut Option<MultiplexedConnection>,
    client: &redis::Client,
    letters: &[Letter],
) -> redis::RedisResult<()> {
    let open = match connection {
        Some(open) => open,
        None => {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            connection.insert(client.get_multiplexed_async_connection_with_config(&config).await?)
        }
    };
    let mut pipe = redis::pipe();
    for (channel, sealed) in letters {
        pipe.publish(channel, sealed.as_slice()).ignore();
    }
    pipe.query_async(open).await
}

/// Hears what is published, and connects again whenever nothing is heard.
async fn listen(bus: &Bus, client: &redis::Client, inbox: &mpsc::Sender<(Uuid, Message)>) {
    let mut breaker = Breaker::default();
    loop {
        let subscribed = async {
            let mut listening = client.get_async_pubsub().await?;
            listening.subscribe(&bus.0.channel).await?;
            listening.subscribe(bus.channel_of(bus.0.replica)).await?;
            Ok::<_, redis::RedisError>(listening)
        };
        match timeout(PATIENCE, subscribed).await {
            Ok(Ok(mut listening)) => {
                breaker.succeeded();
                // By this it hears that it is heard.
                bus.say(&Message::Here);
                let mut messages = listening.on_message();
                while let Ok(Some(message)) = timeout(SILENCE, messages.next()).await {
                    bus.take(message.get_payload_bytes(), inbox);
                }
                bus.failed("listening", "the connection ended, or nothing is heard");
            }
            Ok(Err(error)) => bus.failed("subscribing", error.category()),
            Err(_) => bus.failed("subscribing", "no answer in time"),
        }
        sleep(breaker.failed(fastrand::f64())).await;
    }
}

/// Messages that wait, to go out and to be read.
const QUEUE: usize = 1024;
/// Messages that are published at once.
const AT_ONCE: usize = 64;
/// Between two signs of life.
const BEAT: Duration = Duration::from_secs(1);
/// Without hearing even oneself.
const SILENCE: Duration = Duration::from_secs(4);
/// How long Redis may take for anything.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it may take for an answer that is kept: making it takes little longer.
const QUICK: Duration = Duration::from_millis(100);
/// How long answers are kept at most.
const KEPT_MILLIS: u64 = crate::api::cache::OLDEST / 1_000;
/// How long another replica may take to ask its agent.
const ANSWER: Duration = Duration::from_secs(12);
/// Questions under way.
const MOST_ASKED: usize = 256;
/// Microseconds after which a message says nothing any more, whichever clock is ahead.
const OLD: u64 = 120_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> (Bus, Ends, Inbox) {
        let url = Some("redis://127.0.0.1:1/0".to_owned().into());
        let opened = Bus::open(&RedisConfig { url, ..RedisConfig::default() }, &[7; 32]);
        opened.expect("an address").expect("one was given")
    }

    #[tokio::test]
    async fn a_server_that_is_away_holds_nobody_up() {
        let (bus, _ends, _inbox) = away();
        for _ in 0..QUEUE + 5 {
            bus.say(&Message::Alerts(vec![1]));
        }
        assert_eq!(bus.counts().dropped.load(Ordering::Relaxed), 5);
        let asked = bus.ask(Uuid::from_u128(1), Uuid::from_u128(2), Question::Health, "").await;
        assert!(matches!(asked, Err(AskError::Elsewhere(..))), "{asked:?}");
    }

    #[tokio::test]
    async fn what_is_not_ours_goes_nowhere() {
        let (bus, _ends, mut inbox) = away();
        let (sender, mut heard) = mpsc::channel(1);
        let (seal, there) = (Seal::of(&[7; 32]), Uuid::from_u128(9));
        let hint = Message::Alerts(vec![1]);
        let old = fieldward_shared::time::Timestamp::from_micros(now().as_micros() - OLD);
        for sealed in [
            Vec::new(),
            Seal::of(&[8; 32]).seal(there, now(), &hint).unwrap(),
            seal.seal(there, old, &hint).unwrap(),
            seal.seal(there, now().plus(OLD + 1_000_000), &hint).unwrap(),
        ] {
            bus.take(&sealed, &sender);
        }
        assert_eq!(bus.counts().foreign.load(Ordering::Relaxed), 4);
        assert!(heard.try_recv().is_err() && inbox.try_recv().is_err());
        for _ in 0..2 {
            bus.take(&seal.seal(there, now(), &hint).unwrap(), &sender);
        }
        assert_eq!(heard.try_recv().unwrap(), (there, hint));
        assert_eq!(bus.counts().dropped.load(Ordering::Relaxed), 1, "for the second there was no room");
        assert!(!bus.is_up());
        bus.take(&seal.seal(bus.replica(), now(), &Message::Here).unwrap(), &sender);
        assert!(bus.is_up());
    }
}
