//! The uplink: carries the spool to the aggregator, in a thread of its own for which nobody waits. It
//! dials, and dials again for as long as it lives; whatever goes wrong, records stay in the spool, and
//! the identity stays where it is.

mod backoff;
mod connect;
mod courier;
mod credentials;
mod health;
mod session;
mod task;
mod told;
mod verdicts;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use fieldward_shared::identity::AGGREGATOR;
use fieldward_shared::telemetry::{NetworkData, RequestMinute};
use fieldward_shared::time::Timestamp;
use fieldward_shared::transport::{Code, Link, LinkError};
use fieldward_shared::wire::{Health, Welcome};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

pub use backoff::{Backoff, Pace};
pub use connect::{DialError, Dialer};
pub use courier::{Courier, Pacing, lane_starts};
pub use credentials::{Brought, Credentials, Shown, Trust};

use crate::config::Config;
use crate::features;
use crate::identity::Folder;
use crate::identity::keeper::{Dial, Keeper};
use crate::learn::labels::Labels;
use crate::round::Desk;
use crate::spool::Spool;
use told::Told;

/// Where to go, and how.
#[derive(Clone)]
pub struct Settings {
    /// The aggregator, `host:port`.
    pub address: String,
    /// The port for TCP, when it is another.
    pub tcp_port: Option<u16>,
    /// The name in its certificate.
    pub name: String,
    /// Where the spool lies.
    pub spool_folder: PathBuf,
    /// What to show, and whom to trust.
    pub credentials: Credentials,
    /// How patient it is.
    pub pace: Pace,
    /// Where verdicts of analysts go; without it none are asked for.
    pub labels: Option<Arc<Mutex<Labels>>>,
}

/// How the uplink is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// How it is connected: `quic`, `tcp`, or not.
    pub connected: Option<String>,
    /// Sessions that were welcomed.
    pub sessions: u64,
    /// Dials and sessions that came to nothing, since the last that did not.
    pub failures: u64,
    /// Records that the aggregator has committed, since the start.
    pub delivered: u64,
    /// Seconds of traffic that were not sent.
    pub seconds_dropped: u64,
    /// Minutes of web requests that were not sent: the link was poor, or the aggregator does not know them.
    #[serde(default)]
    pub minutes_dropped: u64,
    /// The aggregator's clock less ours, in seconds.
    pub clock_ahead: i64,
    /// What is wrong, and what to do.
    pub trouble: Option<String>,
}

/// The uplink. It ends when it is stopped or dropped.
pub struct Uplink {
    uplinked: Arc<Uplinked>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What its thread works with.
struct Uplinked {
    settings: Settings,
    spool: Arc<Spool>,
    told: Told,
    /// The spool has something new.
    accepted: Arc<Notify>,
    /// Of this process.
    instance: [u8; 16],
    features: Vec<String>,
    status: Mutex<Status>,
    /// A certificate is refused: the next one is asked for.
    renewal: Arc<Notify>,
    /// Who plays this plant's part in rounds.
    desk: Option<Arc<Desk>>,
}

/// A link, and the certificate with which it was dialled.
struct Dialled {
    link: Link,
    shown: Shown,
}

impl Settings {
    /// As the configuration says; none when it names no aggregator.
    pub fn of(config: &Config) -> Option<Self> {
        let name = config.aggregator_name.clone().unwrap_or_else(|| AGGREGATOR.to_owned());
        let folder = Folder::in_state(config.state());
        let clock = Arc::new(folder.clock());
        Some(Self {
            address: config.aggregator.clone()?,
            tcp_port: config.aggregator_tcp_port,
            name,
            spool_folder: config.spool.clone(),
            credentials: match config.identity.clone() {
                Some(files) => Credentials::Brought(files, clock),
                None => Credentials::Kept(folder, clock),
            },
            pace: Pace::default(),
            labels: None,
        })
    }
}

impl Uplink {
    /// Starts its thread.
    pub fn start(settings: Settings, spool: Arc<Spool>) -> io::Result<Self> {
        Self::taking_part(settings, spool, None)
    }

    /// The same for a plant that takes part in rounds, whose player it ends with it.
    pub fn taking_part(settings: Settings, spool: Arc<Spool>, desk: Option<Desk>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let accepted = Arc::new(Notify::new());
        let wake = accepted.clone();
        spool.when_accepted(move || wake.notify_one());
        let mut instance = [0; 16];
        fastrand::fill(&mut instance);
        let uplinked = Arc::new(Uplinked {
            settings,
            spool,
            told: Told::default(),
            accepted,
            instance,
            features: features::SCHEMA.names().iter().map(|name| (*name).to_owned()).collect(),
            status: Mutex::default(),
            renewal: Arc::default(),
            desk: desk.map(Arc::new),
        });
        let (stop, stopped) = watch::channel(false);
        let working = uplinked.clone();
        let thread = std::thread::Builder::new().name("uplink".to_owned());
        let thread = thread.spawn(move || runtime.block_on(working.work(stopped)))?;
        Ok(Self { uplinked, stop, thread: Some(thread) })
    }

    /// A second of traffic; never waits.
    pub fn second(&self, data: &NetworkData) {
        self.uplinked.told.second(data, &self.uplinked.features);
    }

    /// Web requests of a minute; never waits.
    pub fn requests(&self, minute: &RequestMinute) {
        self.uplinked.told.requests(minute);
    }

    /// How the service is; never waits.
    pub fn tell(&self, health: Health) {
        self.uplinked.told.tell(health);
    }

    /// How it is.
    pub fn status(&self) -> Status {
        let (seconds_dropped, minutes_dropped) = self.uplinked.told.dropped();
        Status { seconds_dropped, minutes_dropped, ..self.uplinked.lock().clone() }
    }

    /// Says goodbye and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // It has ended already, or hears it.
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl Drop for Uplink {
    fn drop(&mut self) {
        self.end();
    }
}

impl Uplinked {
    /// Until it is told to stop.
    async fn work(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let now: watch::Sender<Option<Link>> = watch::channel(None).0;
        tokio::select! {
            () = self.carry(&now) => {}
            () = self.keep() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        let link = now.borrow().clone();
        if let Some(link) = link {
            link.close(Code::Stopping, "the agent stops");
            drop(timeout(FAREWELL, link.gone()).await);
        }
    }

    /// Keeps the certificate alive beside the sessions.
    async fn keep(&self) {
        let Credentials::Kept(folder, clock) = &self.settings.credentials else {
            return std::future::pending().await;
        };
        let (settings, by) = (self.settings.clone(), clock.clone());
        let dial: Dial = Arc::new(move |kept, alpn| {
            let (dialer, trust) = (Dialer::new(&settings), Trust::of(&kept, &by));
            Box::pin(async move { dialer.door(trust, alpn).await.map_err(|error| error.to_string()) })
        });
        let keeper = Keeper::new(folder.clone(), clock.clone(), dial, self.renewal.clone());
        keeper.run(self.settings.pace.look).await;
    }

    /// Session after session. `now` shows the link of the current one.
    async fn carry(&self, now: &watch::Sender<Option<Link>>) {
        let mut dialer = Dialer::new(&self.settings);
        let mut backoff = Backoff::new(self.settings.pace.clone());
        let mut pacing = Pacing::default();
        let mut better = None;
        loop {
            let dialled = match better.take() {
                Some(dialled) => Ok(dialled),
                None => self.dial(&mut dialer).await,
            };
            let is_refusal = match dialled {
                Ok(dialled) => {
                    let link = &dialled.link;
                    now.send_replace(Some(link.clone()));
                    let begun = Instant::now();
                    let left = tokio::select! {
                        left = session::run(self, &dialled, pacing) => left,
                        back = self.back_to_quic(link, &dialer) => {
                            tracing::info!("QUIC works again: the session goes on over it");
                            link.close(Code::Done, "back to QUIC");
                            better = Some(back);
                            now.send_replace(None);
                            continue;
                        }
                    };
                    now.send_replace(None);
                    pacing = left.pacing;
                    backoff.lasted(begun.elapsed());
                    if !left.welcomed && !left.why.is_refusal() {
                        dialer.broke(link.way());
                    }
                    link.close(Code::Done, "");
                    if is_of_certificate(&left.why) {
                        self.refused(&dialled.shown);
                    }
                    self.failed(left.why.to_string(), left.why.is_refusal());
                    left.why.is_refusal()
                }
                Err(error) => {
                    self.failed(error.to_string(), error.is_refusal());
                    error.is_refusal()
                }
            };
            self.pause(backoff.wait(is_refusal, Instant::now(), fastrand::f64())).await;
        }
    }

    async fn dial(&self, dialer: &mut Dialer) -> Result<Dialled, DialError> {
        let trust = self.settings.credentials.trust().map_err(DialError::Identity)?;
        let shown = trust.shown();
        match dialer.dial(trust).await {
            Ok(link) => Ok(Dialled { link, shown }),
            Err(error) => {
                if matches!(error, DialError::Refused(..)) {
                    self.refused(&shown);
                }
                Err(error)
            }
        }
    }

    /// The certificate is refused. Whether it has ended or its root has gone, the renew door may take it.
    fn refused(&self, shown: &Shown) {
        self.settings.credentials.refused(shown);
        self.renewal.notify_one();
    }

    /// Waits before the next dial; less when there is another certificate to show.
    async fn pause(&self, wait: Duration) {
        let (before, until) = (self.settings.credentials.serial(), Instant::now() + wait);
        while Instant::now() < until && self.settings.credentials.serial() == before {
            sleep(LOOK.min(until.saturating_duration_since(Instant::now()))).await;
        }
    }

    /// While a session goes by TCP: a link by QUIC, as soon as one can be had.
    async fn back_to_quic(&self, link: &Link, dialer: &Dialer) -> Dialled {
        loop {
            sleep(self.settings.pace.probe).await;
            if link.way() == "quic" {
                continue;
            }
            if let Ok(trust) = self.settings.credentials.trust() {
                let shown = trust.shown();
                if let Ok(link) = dialer.quic(trust).await {
                    return Dialled { link, shown };
                }
            }
        }
    }

    fn welcomed(&self, Dialled { link, shown }: &Dialled, welcome: &Welcome, now: Timestamp) {
        self.settings.credentials.welcomed(shown, link, welcome.time / 1_000_000);
        let ahead = i128::from(welcome.time).saturating_sub(i128::from(now.as_micros())) / 1_000_000;
        let ahead = i64::try_from(ahead).unwrap_or(i64::MAX);
        let trouble = (ahead.unsigned_abs() > SKEW).then(|| {
            format!(
                "the aggregator's clock is {ahead} s ahead of ours: set the clocks, or certificates will fail"
            )
        });
        if let Some(trouble) = &trouble {
            tracing::error!("{trouble}");
        }
        tracing::info!(way = link.way(), facility = welcome.facility, "connected to the aggregator");
        let mut status = self.lock();
        status.connected = Some(link.way().to_owned());
        status.sessions += 1;
        (status.failures, status.clock_ahead, status.trouble) = (0, ahead, trouble);
    }

    fn delivered(&self, records: u64) {
        self.lock().delivered += records;
    }

    /// A dial or a session came to nothing: said once, and again when it is something else.
    fn failed(&self, why: String, is_refusal: bool) {
        let mut status = self.lock();
        status.connected = None;
        status.failures += 1;
        if status.trouble.as_ref() != Some(&why) {
            if is_refusal {
                tracing::error!("no link to the aggregator: {why}; alerts wait in the spool");
            } else {
                tracing::warn!(
                    "no link to the aggregator: {why}; it is tried again, alerts wait in the spool"
                );
            }
            status.trouble = Some(why);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        // Nothing is left half done under it.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end is about the certificate that was shown, or about the roots of either end.
const fn is_of_certificate(why: &LinkError) -> bool {
    matches!(why, LinkError::Trust(_) | LinkError::Closed(Code::Certificate | Code::Revoked, _))
}

/// How often it is looked whether there is another certificate.
const LOOK: Duration = Duration::from_secs(1);
/// For the last words.
const FAREWELL: Duration = Duration::from_secs(1);
/// Seconds that clocks may differ.
const SKEW: u64 = 300;
