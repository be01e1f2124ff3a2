//! Knocks at the aggregator's doors: one question, one answer, then the link is closed.

use std::time::Duration;

use fieldward_shared::transport::{Channel, Code, Link, LinkError};
use fieldward_shared::wire::Message;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// For the last words.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The link does not carry it.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// Nothing came.
    #[error("the aggregator did not answer within {} seconds", PATIENCE.as_secs())]
    Silent,
}

/// Asks at a door.
pub async fn ask(link: &Link, question: impl Into<Message>) -> Result<Message, DoorError> {
    let answer = timeout(PATIENCE, exchange(link, question.into())).await.map_err(|_| DoorError::Silent)?;
    link.close(Code::Done, "");
    // A command ends right after this, and the door would wait for it in vain.
    drop(timeout(FAREWELL, link.gone()).await);
    answer
}

async fn exchange(link: &Link, question: Message) -> Result<Message, DoorError> {
    let (mut sender, receiver) = link.open(Channel::Control).await?;
    let mut receiver = receiver.ok_or(LinkError::Channel)?;
    sender.send(question).await?;
    receiver.next().await?.ok_or(DoorError::Link(LinkError::Cut))
}
