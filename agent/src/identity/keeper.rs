//! Keeps the certificate alive: asks for the next one when half of its life is over, or when the aggregator
//! takes the present one only to renew it. Whatever is answered, the identity stays where it is.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::clock::Clock;
use fieldward_shared::transport::Link;
use fieldward_shared::wire::{Message, RENEW, RenewRequest};
use tokio::sync::Notify;
use tokio::time::sleep;

use super::{Folder, Trouble, Trust, door, renew, take_renewed};

/// Dials the aggregator for one of the protocols.
pub type Dial = Arc<
    dyn Fn(Trust, &'static [u8]) -> Pin<Box<dyn Future<Output = Result<Link, String>> + Send>> + Send + Sync,
>;

/// How long it waits at most after something went wrong; it is doubled each time.
const MOST_WAIT: Duration = Duration::from_secs(3600);

/// Why there is no next certificate.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The identity.
    #[error(transparent)]
    Trouble(#[from] Trouble),
    /// Nobody answers.
    #[error("the aggregator is not reached: {0}")]
    Dial(String),
    /// The door.
    #[error(transparent)]
    Door(#[from] door::DoorError),
    /// It is refused.
    #[error("the aggregator refuses to renew the certificate ({0}): {1}")]
    Refused(String, String),
}

/// Keeps the certificate of a folder.
pub struct Keeper {
    folder: Folder,
    clock: Arc<Clock>,
    dial: Dial,
    /// Told when the aggregator wants the certificate renewed at once.
    wanted: Arc<Notify>,
}

impl Keeper {
    /// For this folder. `wanted` tells it when a certificate was refused, since it may only renew.
    pub fn new(folder: Folder, clock: Arc<Clock>, dial: Dial, wanted: Arc<Notify>) -> Self {
        Self { folder, clock, dial, wanted }
    }

    /// Keeps it for as long as the agent runs; looks at it so often.
    pub async fn run(self, look: Duration) {
        let mut wait = look;
        loop {
            let asked = tokio::select! {
                () = sleep(wait) => false,
                () = self.wanted.notified() => true,
            };
            wait = match self.look(asked).await {
                Ok(true) => {
                    tracing::info!("the certificate was renewed");
                    look
                }
                Ok(false) => look,
                Err(error) => {
                    let next = (wait * 2).min(MOST_WAIT);
                    tracing::warn!(%error, again_in = next.as_secs(), "the certificate is not renewed");
                    next
                }
            };
        }
    }

    /// Renews if it is time, or if it is `asked` for; gives back whether it did.
    pub async fn look(&self, asked: bool) -> Result<bool, KeepError> {
        let trust = self.folder.trust()?;
        if !asked && self.clock.now() < trust.identity.renew_at() {
            return Ok(false);
        }
        let question = renew()?;
        let link = (self.dial)(trust, RENEW).await.map_err(KeepError::Dial)?;
        match door::ask(&link, RenewRequest { csr: question.csr.clone() }).await? {
            Message::Certificate(answer) => {
                take_renewed(&self.folder, question, &answer, &self.clock)?;
                Ok(true)
            }
            Message::Refused(refused) => Err(KeepError::Refused(refused.code, refused.message)),
            _ => Err(KeepError::Refused("answer".into(), "it said something else".into())),
        }
    }
}
