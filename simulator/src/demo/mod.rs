//! A plant that an aggregator has played on for demonstrations: this process connects to it as a simulator, is told
//! which scenario to play, and says how that goes. What is played stays where live plants are; over the link
//! goes only what is said about it.

mod identity;
mod scenario;

use std::path::PathBuf;
use std::time::Duration;

use fieldward_shared::identity::Pin;
use fieldward_shared::transport::{Channel, Code, Link, LinkError, Receiver, Sender};
use fieldward_shared::wire::{DemoDo, DemoHello, DemoOrder, DemoReport, DemoState, Message, Ping, VERSION};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep};

use crate::live::{Site, clock};
use identity::Home;
use scenario::{SCENARIOS, Scenario};

pub use identity::Trouble;

/// To whom a simulator goes, and as whom.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `HOST:PORT` of the aggregator.
    pub aggregator: String,
    /// Where its identity lies.
    pub folder: PathBuf,
    /// What brings the first certificate: a token, and the fingerprint of the aggregator's root.
    pub token: Option<(String, Pin)>,
}

/// Plays for an aggregator until it refuses this simulator. What is lost is tried again.
pub async fn serve(settings: &Settings, site: &Site) -> Result<std::convert::Infallible, Trouble> {
    let home = Home::new(&settings.folder, &settings.aggregator);
    if let Some((token, pin)) = &settings.token {
        home.enroll(token, *pin).await?;
    }
    if let Some(facility) = home.facility()? {
        tracing::info!(facility, "this simulator plays");
    }
    let mut wait = SHORTEST;
    loop {
        let begun = Instant::now();
        let ended = match home.connect().await {
            Ok(link) => Trouble::Link(talk(&link, site).await),
            Err(error) => error,
        };
        match &ended {
            Trouble::Link(error) if error.is_refusal() => return Err(ended),
            Trouble::Link(_) | Trouble::Silent(..) => {}
            _ => return Err(ended),
        }
        wait = if begun.elapsed() > LONGEST { SHORTEST } else { (wait * 2).min(LONGEST) };
        tracing::warn!(error = %ended, again_in = wait.as_secs_f64(), "the aggregator is not reached");
        sleep(wait).await;
    }
}

/// One session; why it ended. What is played ends with it: nobody could end it otherwise.
async fn talk(link: &Link, site: &Site) -> LinkError {
    let ended = match begin(link, site).await {
        Ok((mut sender, mut receiver)) => turn(&mut sender, &mut receiver, site).await,
        Err(error) => error,
    };
    if !matches!(ended, LinkError::Closed(..)) {
        // The other end may have said more than the stream that ended.
        drop(tokio::time::timeout(SHORTEST, link.closed()).await);
    }
    link.close(Code::Stopping, "the simulator comes again");
    ended
}

async fn begin(link: &Link, site: &Site) -> Result<(Sender, Receiver), LinkError> {
    let (mut sender, receiver) = link.open(Channel::Control).await?;
    let hello = DemoHello {
        versions: vec![VERSION],
        release: env!("CARGO_PKG_VERSION").to_owned(),
        plant: site.world.plant.borrow().kind.name.to_owned(),
        scenarios: SCENARIOS.iter().map(|one| one.name().to_owned()).collect(),
    };
    sender.send(hello).await?;
    Ok((sender, receiver.ok_or(LinkError::Channel)?))
}

async fn turn(sender: &mut Sender, receiver: &mut Receiver, site: &Site) -> LinkError {
    let mut order = None;
    loop {
        let next = match order.take() {
            Some((scenario, id)) => play(scenario, id, sender, receiver, site).await,
            None => heard(sender, receiver).await,
        };
        order = match next {
            Ok(Some(Message::DemoOrder(next))) => match obey(next, sender).await {
                Ok(order) => order,
                Err(error) => return error,
            },
            Ok(Some(_)) => return LinkError::Channel,
            Ok(None) => return LinkError::Cut,
            Err(error) => return error,
        };
    }
}

/// What an order means: a scenario to play, or nothing, which is said.
async fn obey(
    order: DemoOrder,
    sender: &mut Sender,
) -> Result<Option<(&'static Scenario, String)>, LinkError> {
    let said = match (order.what(), Scenario::find(&order.scenario)) {
        (DemoDo::Play, Some(scenario)) => return Ok(Some((scenario, order.id))),
        (DemoDo::Play, None) => DemoReport {
            id: order.id,
            state: DemoState::Failed as i32,
            words: format!("this simulator knows no scenario {}", order.scenario.escape_debug()),
            ..DemoReport::default()
        },
        (DemoDo::Reset, _) => DemoReport::default(),
        (DemoDo::Nothing, _) => return Ok(None),
    };
    sender.send(said).await?;
    Ok(None)
}

/// Plays a scenario until it is over or another order comes, which it gives.
async fn play(
    scenario: &'static Scenario,
    id: String,
    sender: &mut Sender,
    receiver: &mut Receiver,
    site: &Site,
) -> Result<Option<Message>, LinkError> {
    let (told, mut tells) = mpsc::channel(1);
    let mut playing = Box::pin(async move { scenario.play(id, site, &told).await });
    let mut plays = true;
    let mut quiet = interval_at(Instant::now() + QUIET, QUIET);
    loop {
        tokio::select! {
            () = &mut playing, if plays => plays = false,
            report = tells.recv() => match report {
                Some(report) => sender.send(report).await?,
                None => return heard(sender, receiver).await,
            },
            next = receiver.next() => match next {
                Ok(Some(Message::Pong(_))) => {}
                next => return next,
            },
            _ = quiet.tick() => sender.send(ping()).await?,
        }
    }
}

/// What is heard next. Meanwhile something is said: TCP knows no other sign of life, and a link without one is given
/// up.
async fn heard(sender: &mut Sender, receiver: &mut Receiver) -> Result<Option<Message>, LinkError> {
    let mut quiet = interval_at(Instant::now() + QUIET, QUIET);
    loop {
        tokio::select! {
            next = receiver.next() => match next {
                Ok(Some(Message::Pong(_))) => {}
                next => return next,
            },
            _ = quiet.tick() => sender.send(ping()).await?,
        }
    }
}

fn ping() -> Ping {
    Ping { sent: (clock() * 1e6) as u64 }
}

/// Between attempts to connect, doubled each time.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);
/// So long nothing may be said; links end after 30 s.
const QUIET: Duration = Duration::from_secs(10);
