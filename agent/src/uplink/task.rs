//! An agent's end of a task: brings messages and whole weights to the desk, and what the player says to the
//! aggregator. It always reads, so that alerts behind it never wait for training.

use std::sync::Arc;

use fieldward_shared::transport::{LinkError, Receiver, Sender};
use fieldward_shared::wire::{CHUNK, Message, Weights};

use crate::round::{Desk, Reply, Task};

/// Serves a task until its channel ends.
pub async fn serve(desk: Arc<Desk>, mut sender: Sender, mut receiver: Receiver) {
    let mut replies = desk.listen();
    let mut coming = Coming::default();
    let mut masked: Option<Arc<[u8]>> = None;
    loop {
        let turn = tokio::select! {
            message = receiver.next() => match message {
                Ok(Some(Message::RoundFetch(_))) => give(&mut sender, masked.as_deref()).await,
                Ok(Some(message)) => take(&desk, message, &mut coming),
                Ok(None) => break,
                Err(error) => Err(error),
            },
            reply = replies.recv() => match reply {
                Some(Reply::Say(message)) => sender.send(message).await,
                Some(Reply::Masked(head, bytes)) => {
                    masked = Some(bytes);
                    sender.send(head).await
                }
                // Another link listens now.
                None => break,
            },
        };
        if let Err(error) = turn {
            tracing::debug!("a task of a round: {error}; it is asked again");
            return;
        }
    }
    drop(sender.finish().await);
}

/// Weights on their way.
#[derive(Default)]
struct Coming {
    bytes: Vec<u8>,
    wanted: usize,
}

fn take(desk: &Desk, message: Message, coming: &mut Coming) -> Result<(), LinkError> {
    let length = match &message {
        Message::RoundOffer(offer) => Some(offer.length),
        Message::RoundCandidate(candidate) => Some(candidate.length),
        Message::Weights(weights) => return coming.take(desk, weights),
        _ => None,
    };
    if let Some(length) = length {
        let wanted = usize::try_from(length).ok().and_then(|length| length.checked_mul(4));
        let wanted = wanted.filter(|wanted| *wanted <= LONGEST).ok_or(LinkError::Channel)?;
        *coming = Coming { bytes: Vec::new(), wanted };
    }
    if desk.put(Task::Said(message)) { Ok(()) } else { Err(LinkError::Channel) }
}

impl Coming {
    fn take(&mut self, desk: &Desk, weights: &Weights) -> Result<(), LinkError> {
        let fits = weights.before == self.bytes.len() as u64
            && !weights.bytes.is_empty()
            && self.bytes.len() + weights.bytes.len() <= self.wanted;
        if !fits {
            return Err(LinkError::Channel);
        }
        self.bytes.extend_from_slice(&weights.bytes);
        if self.bytes.len() < self.wanted {
            return Ok(());
        }
        self.wanted = 0;
        if desk.put(Task::Weights(std::mem::take(&mut self.bytes))) {
            Ok(())
        } else {
            Err(LinkError::Channel)
        }
    }
}

/// The masked update, in pieces.
async fn give(sender: &mut Sender, masked: Option<&[u8]>) -> Result<(), LinkError> {
    let bytes = masked.ok_or(LinkError::Channel)?;
    let mut before = 0;
    for piece in bytes.chunks(CHUNK) {
        sender.send(Weights { before, bytes: bytes::Bytes::copy_from_slice(piece) }).await?;
        before += piece.len() as u64;
    }
    Ok(())
}

/// Longest weights that are taken: 16 M parameters.
const LONGEST: usize = 64 << 20;
