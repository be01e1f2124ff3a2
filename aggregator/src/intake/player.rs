//! The session of a simulator: it says which plant it plays, is told what to play, and says how that goes. It has
//! one channel; nothing of it is stored, and whatever else it sends ends it.

use std::sync::Arc;

use fieldward_shared::transport::{Channel, Code, Link, LinkError, Receiver, Sender};
use fieldward_shared::wire::demo::SCENARIOS;
use fieldward_shared::wire::{self, DemoHello, DemoOrder, Message, Ping, Pong};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::Shared;
use super::gate::Peer;
use crate::store::now;

/// Why a session ends.
#[derive(Debug, thiserror::Error)]
enum Ending {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("{1}")]
    Here(Code, String),
}

fn protocol(words: &str) -> Ending {
    Ending::Here(Code::Protocol, words.to_owned())
}

/// Serves a link until it ends.
pub async fn serve(shared: &Arc<Shared>, link: Link, peer: Peer) {
    let peer = Arc::new(peer);
    let Err(ended) = run(shared, &link, &peer).await;
    let (simulator, facility) = (peer.agent, peer.facility.as_str());
    match ended {
        Ending::Link(error) if !error.is_hostile() => {
            tracing::info!(%simulator, facility, way = link.way(), "a simulator has gone: {error}");
        }
        Ending::Link(error) => {
            shared.counters.hostile.add();
            tracing::warn!(security = true, %simulator, facility, "closed: {error}");
            link.close(Code::Protocol, &error.to_string());
        }
        Ending::Here(code, words) => {
            if code == Code::Protocol {
                shared.counters.hostile.add();
            }
            tracing::warn!(security = true, %simulator, facility, "closed: {words}");
            link.close(code, &words);
        }
    }
}

async fn run(
    shared: &Arc<Shared>,
    link: &Link,
    peer: &Arc<Peer>,
) -> Result<std::convert::Infallible, Ending> {
    let (control, hello) = timeout(shared.limits.answer, greet(link))
        .await
        .map_err(|_| protocol("a simulator said no hello in time"))??;
    let release = hello.release.escape_debug().to_string();
    let Some((number, told)) = shared.demo.enter(peer.clone(), link.clone(), hello) else {
        return Err(Ending::Here(Code::Busy, "there are too many simulators".to_owned()));
    };
    tracing::info!(simulator = %peer.agent, facility = peer.facility, way = link.way(), release, "a simulator");
    let ended = tokio::select! {
        ended = turn(shared, peer, number, control, told) => ended,
        () = sleep(shared.limits.session_age) => {
            Err(Ending::Here(Code::TooOld, "the session is old; come again".to_owned()))
        }
        error = link.closed() => Err(error.into()),
    };
    shared.demo.leave(&peer.facility, number);
    ended
}

async fn greet(link: &Link) -> Result<((Sender, Receiver), DemoHello), Ending> {
    let (channel, sender, mut receiver) = link.accept().await?;
    let Some(sender) = sender.filter(|_| channel == Channel::Control) else {
        return Err(protocol("a simulator opened another channel than control"));
    };
    let Some(Message::DemoHello(hello)) = receiver.next().await? else {
        return Err(protocol("the first message is no hello of a simulator"));
    };
    if !hello.versions.contains(&wire::VERSION) {
        let words = format!("this aggregator speaks wire version {}; update the older", wire::VERSION);
        return Err(Ending::Here(Code::Version, words));
    }
    if hello.scenarios.len() > 2 * SCENARIOS.len() {
        return Err(protocol("a hello that no simulator says"));
    }
    Ok(((sender, receiver), hello))
}

async fn turn(
    shared: &Shared,
    peer: &Peer,
    number: u64,
    (mut sender, mut receiver): (Sender, Receiver),
    mut told: mpsc::Receiver<DemoOrder>,
) -> Result<std::convert::Infallible, Ending> {
    loop {
        tokio::select! {
            said = receiver.next() => match said? {
                Some(Message::DemoReport(report)) => {
                    shared.demo.hear(&peer.facility, number, &report).map_err(protocol)?;
                }
                Some(Message::Ping(Ping { sent })) => {
                    sender.send(Pong { sent, time: now().as_micros() }).await?;
                }
                Some(_) => return Err(protocol("a message that no simulator sends")),
                None => return Err(LinkError::Cut.into()),
            },
            order = told.recv() => match order {
                Some(order) => sender.send(order).await?,
                None => return Err(Ending::Here(Code::Replaced, "another simulator has come".to_owned())),
            },
        }
    }
}
