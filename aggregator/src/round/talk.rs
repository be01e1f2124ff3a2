//! Talks with one plant for as long as a round lasts: says what is to be said, again after each new link, and brings
//! what comes. Masked updates are fetched when there is room for them, so that memory is bounded whatever the number
//! of plants.

use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::identity::sha256;
use fieldward_shared::transport::{LinkError, Receiver, Sender};
use fieldward_shared::wire::{CHUNK, Message, RoundFetch, RoundHold, RoundMasked, Weights};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::value::Ask;
use crate::intake::Tasks;

/// What comes of a plant.
#[derive(Debug)]
pub enum Came {
    /// There is a channel to it, or none any more.
    Here(Uuid, bool),
    /// It said something.
    Said(Uuid, Box<Message>),
    /// Its masked update, whole; the permit is for its room.
    Masked(Uuid, Box<RoundMasked>, Vec<u8>, OwnedSemaphorePermit),
    /// It did what no plant of ours does.
    Odd(Uuid, &'static str),
}

/// Room that all talks share.
#[derive(Clone)]
pub struct Room {
    /// KiB for masked updates on their way.
    fetching: Arc<Semaphore>,
    /// Models that are being sent at once: each may fill the buffers of its connection.
    sending: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        let fetching = Arc::new(Semaphore::new(FETCHING as usize));
        Self { fetching, sending: Arc::new(Semaphore::new(SENDING)) }
    }
}

/// A talk.
pub struct Talk {
    /// With whom.
    pub agent: Uuid,
    /// The way to it.
    pub tasks: Tasks,
    /// What is to be said now.
    pub asks: watch::Receiver<Option<Arc<Ask>>>,
    /// Where it goes.
    pub came: mpsc::Sender<Came>,
    /// What there is for all.
    pub room: Room,
    /// The model that plants train from, for those who do not have it.
    pub model: Arc<[u8]>,
}

/// Why a link to a plant is given up.
enum Broken {
    /// It broke.
    Link,
    /// All was said, or nobody listens any more.
    Done,
}

impl From<LinkError> for Broken {
    fn from(_: LinkError) -> Self {
        Self::Link
    }
}

impl Talk {
    /// Until the last word.
    pub async fn run(mut self) {
        let mut wait = SHORTEST;
        loop {
            if self.asks.wait_for(Option::is_some).await.is_err() {
                return;
            }
            if let Some(Ok((sender, receiver))) = self.tasks.open(self.agent).await {
                if self.tell(Came::Here(self.agent, true)).await.is_err() {
                    return;
                }
                wait = SHORTEST;
                let ended = self.serve(sender, receiver).await;
                if matches!(ended, Err(Broken::Done))
                    || self.tell(Came::Here(self.agent, false)).await.is_err()
                {
                    return;
                }
            } else if self.asks.borrow().as_ref().is_some_and(|ask| ask.is_last) {
                // Who is not here when a round ends learns of it with the next.
                return;
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST);
        }
    }

    async fn tell(&self, came: Came) -> Result<(), Broken> {
        self.came.send(came).await.map_err(|_| Broken::Done)
    }

    async fn serve(&mut self, mut sender: Sender, mut receiver: Receiver) -> Result<(), Broken> {
        let mut said = None;
        loop {
            let ask = self.asks.borrow_and_update().clone();
            if let Some(ask) = ask.filter(|ask| said != Some(ask.key)) {
                said = Some(ask.key);
                if let Message::RoundCohort(cohort) = &ask.message {
                    // It may have been told to stand still before.
                    let go_on = RoundHold { about: cohort.about.clone(), paused: false };
                    timeout(PATIENCE, sender.send(go_on)).await.map_err(|_| Broken::Link)??;
                }
                timeout(PATIENCE, sender.send(ask.message.clone())).await.map_err(|_| Broken::Link)??;
                if let Some((weights, true)) = &ask.weights {
                    self.send(&mut sender, weights).await?;
                }
                if ask.is_last {
                    drop(sender.finish().await);
                    // It hears the end before the channel is gone.
                    drop(timeout(FAREWELL, async { while let Ok(Some(_)) = receiver.next().await {} }).await);
                    return Err(Broken::Done);
                }
            }
            tokio::select! {
                changed = self.asks.changed() => changed.map_err(|_| Broken::Done)?,
                message = receiver.next() => match message? {
                    Some(Message::RoundMasked(head)) => self.fetch(head, &mut sender, &mut receiver).await?,
                    Some(message) => self.said(message, &mut sender).await?,
                    None => return Err(Broken::Link),
                },
            }
        }
    }

    async fn said(&self, message: Message, sender: &mut Sender) -> Result<(), Broken> {
        let wants = matches!(&message, Message::RoundAccept(accept) if !accept.has_model);
        self.tell(Came::Said(self.agent, Box::new(message))).await?;
        if wants { self.send(sender, &self.model).await } else { Ok(()) }
    }

    /// A model, in pieces.
    async fn send(&self, sender: &mut Sender, weights: &Arc<[u8]>) -> Result<(), Broken> {
        let place = self.room.sending.acquire().await;
        let mut before = 0;
        for piece in weights.chunks(CHUNK) {
            let bytes = bytes::Bytes::copy_from_slice(piece);
            let sent = timeout(PATIENCE, sender.send(Weights { before, bytes })).await;
            sent.map_err(|_| Broken::Link)??;
            before += piece.len() as u64;
        }
        drop(place);
        Ok(())
    }

    /// A masked update, once there is room.
    async fn fetch(
        &self,
        head: RoundMasked,
        sender: &mut Sender,
        receiver: &mut Receiver,
    ) -> Result<(), Broken> {
        let wanted = usize::try_from(head.length.saturating_mul(4)).unwrap_or(usize::MAX);
        if wanted != self.model.len() || head.digest.len() != 32 {
            return self.tell(Came::Odd(self.agent, "an update of another length than the model")).await;
        }
        let room = u32::try_from(wanted.div_ceil(1024)).unwrap_or(FETCHING).min(FETCHING);
        let permit = self.room.fetching.clone().acquire_many_owned(room).await.map_err(|_| Broken::Done)?;
        sender.send(RoundFetch { about: head.about.clone() }).await?;
        let mut bytes = Vec::with_capacity(wanted);
        while bytes.len() < wanted {
            let piece = timeout(PATIENCE, receiver.next()).await.map_err(|_| Broken::Link)??;
            match piece {
                Some(Message::Weights(piece))
                    if piece.before == bytes.len() as u64
                        && !piece.bytes.is_empty()
                        && piece.bytes.len() <= wanted - bytes.len() =>
                {
                    bytes.extend_from_slice(&piece.bytes);
                }
                // Asked by a driver that was killed, and again by this one, it says twice that it has it.
                Some(Message::RoundMasked(again)) if again.digest == head.digest => {}
                Some(_) => return self.tell(Came::Odd(self.agent, "something else than its update")).await,
                None => return Err(Broken::Link),
            }
        }
        if sha256(&bytes).as_slice() != head.digest {
            return self.tell(Came::Odd(self.agent, "an update with another digest than it said")).await;
        }
        self.tell(Came::Masked(self.agent, Box::new(head), bytes, permit)).await
    }
}

/// KiB of masked updates that are on their way at once.
const FETCHING: u32 = 24 << 10;
/// Models that are sent at once.
const SENDING: usize = 32;
/// For a piece to be taken, or to come.
const PATIENCE: Duration = Duration::from_secs(30);
const FAREWELL: Duration = Duration::from_secs(5);
/// Between two tries to reach a plant.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
