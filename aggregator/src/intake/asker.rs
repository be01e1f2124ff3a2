//! Asks agents: one question, one answer, within a bounded time.

use std::sync::Arc;

use fieldward_shared::transport::{Channel, LinkError};
use fieldward_shared::wire::{Answer, Ask, Message, Question};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{Counters, Shared};
use crate::demo::Demo;

/// Why an agent did not answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It has no session.
    #[error("agent {0} is not connected")]
    Offline(Uuid),
    /// The link broke.
    #[error("agent {0} did not answer: {1}")]
    Link(Uuid, LinkError),
    /// It is connected to another aggregator, which could not be asked, and why.
    #[error("agent {0} is connected to another aggregator, which could not be asked: {1}")]
    Elsewhere(Uuid, String),
    /// It took too long.
    #[error("agent {0} did not answer in time")]
    Late(Uuid),
    /// It has not answered before, and is not asked for so many milliseconds.
    #[error("agent {0} has not answered before, and is asked again in {1} ms")]
    Resting(Uuid, u128),
}

/// Asks agents. Clones ask the same.
#[derive(Clone)]
pub struct Asker(Arc<Shared>);

impl Asker {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// What the intake counts.
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Simulators, and what they play.
    pub fn demo(&self) -> Demo {
        self.0.demo.clone()
    }

    /// Batches that an agent may have under way: none while nothing can be committed.
    pub fn credit(&self) -> u32 {
        *self.0.pressure.credit().borrow()
    }

    /// Asks an agent.
    pub async fn ask(&self, agent: Uuid, question: Question, about: &str) -> Result<Answer, AskError> {
        let session = self.0.registry.of(agent).ok_or(AskError::Offline(agent))?;
        let asking = session
            .circuit
            .enter(Instant::now())
            .map_err(|rest| AskError::Resting(agent, rest.as_millis()))?;
        let ask = Ask { question: question.into(), about: about.to_owned() };
        let number = self.0.registry.number();
        let answer = async {
            let (mut sender, receiver) = session.link.open(Channel::Ask(number)).await?;
            sender.send(ask).await?;
            sender.finish().await?;
            match receiver {
                Some(mut receiver) => receiver.next().await,
                None => Ok(None),
            }
        };
        let answer = timeout(self.0.limits.answer, answer).await;
        asking.done(Instant::now(), answer.is_err(), fastrand::f64());
        match answer {
            Ok(Ok(Some(Message::Answer(answer)))) => Ok(answer),
            Ok(Ok(_)) => Err(AskError::Link(agent, LinkError::Cut)),
            Ok(Err(error)) => Err(AskError::Link(agent, error)),
            Err(_) => Err(AskError::Late(agent)),
        }
    }
}
