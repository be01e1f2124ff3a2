//! Runs the tasks of a service, each with a name. A task that ends before the stop is news: it ends the
//! service, with its name in the error, and systemd starts it again. On a stop all are asked to end, and have
//! a grace to do so.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::service::Notify;

/// Asks a task to end. Clones ask at the same time.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits until the service stops.
    pub async fn asked(&mut self) {
        // An error says that the supervisor is gone, which is a stop too.
        drop(self.0.wait_for(|stop| *stop).await);
    }

    /// Whether it stops.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }
}

/// A task says by it that it goes on. The watchdog is fed only while all of them do.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// To be called once a second or so.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Why a service ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// A task ended before the stop.
    #[error("task {0} has ended by itself, so the service ends")]
    Early(&'static str),
    /// A task panicked.
    #[error("task {0} has panicked, so the service ends")]
    Panicked(&'static str),
    /// Tasks did not end in time.
    #[error("after {0} seconds of grace these tasks had not ended: {1}")]
    Slow(u64, String),
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for: {0}")]
    Signals(String),
}

/// The tasks.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    pulses: Vec<(&'static str, Pulse, u64)>,
    stop: watch::Sender<bool>,
    notify: Notify,
    grace: Duration,
}

impl Supervisor {
    /// No task yet. On a stop, each has this grace.
    pub fn new(notify: Notify, grace: Duration) -> Self {
        let (stop, _) = watch::channel(false);
        Self { tasks: JoinSet::new(), names: HashMap::new(), pulses: Vec::new(), stop, notify, grace }
    }

    /// To hand to what is not a task of its own.
    pub fn stop(&self) -> Stop {
        Stop(self.stop.subscribe())
    }

    /// Starts a task, which is to end when its stop is asked and not before.
    pub fn spawn<F>(&mut self, name: &'static str, task: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let started = self.tasks.spawn(task(self.stop()));
        self.names.insert(started.id(), name);
    }

    /// A pulse that must beat for the watchdog to be fed.
    pub fn pulse(&mut self, name: &'static str) -> Pulse {
        let pulse = Pulse(Arc::default());
        self.pulses.push((name, pulse.clone(), 0));
        pulse
    }

    /// Says that the service is ready, then waits for SIGTERM or SIGINT, or for the end of a task.
    pub async fn run(self) -> Result<(), Ended> {
        let signals = |kind| signal(kind).map_err(|error| Ended::Signals(error.to_string()));
        let (mut terminate, mut interrupt) =
            (signals(SignalKind::terminate())?, signals(SignalKind::interrupt())?);
        let asked = async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        };
        self.run_until(asked, watchdog()).await
    }

    /// The same, with another word to stop, and another watchdog (none: it is not fed).
    pub async fn run_until(
        mut self,
        asked: impl Future<Output = ()>,
        watchdog: Option<Duration>,
    ) -> Result<(), Ended> {
        self.notify.ready();
        // Twice in the time that the manager waits.
        let mut feed = interval(watchdog.map_or(Duration::from_secs(3600), |every| every / 2));
        feed.set_missed_tick_behavior(MissedTickBehavior::Delay);
        feed.reset();
        let mut early = None;
        tokio::pin!(asked);
        loop {
            tokio::select! {
                () = &mut asked => break,
                Some(ended) = self.tasks.join_next_with_id() => {
                    early = Some(self.why(ended));
                    break;
                }
                _ = feed.tick(), if watchdog.is_some() => self.feed(),
            }
        }
        self.notify.stopping();
        self.stop.send_replace(true);
        let drained = self.drain().await;
        match early {
            Some(error) => Err(error),
            None => drained,
        }
    }

    /// Feeds the watchdog when every pulse has beaten since the last time.
    fn feed(&mut self) {
        let mut still = Vec::new();
        for (name, pulse, last) in &mut self.pulses {
            let beats = pulse.0.load(Ordering::Relaxed);
            if beats == *last {
                still.push(*name);
            }
            *last = beats;
        }
        if still.is_empty() {
            self.notify.alive();
        } else {
            tracing::error!(tasks = ?still, "no sign of life; the watchdog is not fed");
        }
    }

    async fn drain(&mut self) -> Result<(), Ended> {
        let grace = self.grace;
        let all = async {
            let mut first = Ok(());
            while let Some(ended) = self.tasks.join_next_with_id().await {
                let name = self.name(&ended);
                if ended.is_err() && first.is_ok() {
                    first = Err(Ended::Panicked(name));
                }
            }
            first
        };
        if let Ok(ended) = timeout(grace, all).await {
            return ended;
        }
        let mut names: Vec<_> = self.names.values().copied().collect();
        names.sort_unstable();
        self.tasks.abort_all();
        Err(Ended::Slow(grace.as_secs(), names.join(", ")))
    }

    fn why(&mut self, ended: Result<(Id, ()), JoinError>) -> Ended {
        let name = self.name(&ended);
        if ended.is_ok() { Ended::Early(name) } else { Ended::Panicked(name) }
    }

    fn name(&mut self, ended: &Result<(Id, ()), JoinError>) -> &'static str {
        let id = match ended {
            Ok((id, ())) => *id,
            Err(error) => error.id(),
        };
        self.names.remove(&id).unwrap_or("without a name")
    }
}

/// How long the manager waits for a sign of life, when it does.
fn watchdog() -> Option<Duration> {
    let micros = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
    Some(Duration::from_micros(micros)).filter(|every| *every >= Duration::from_millis(100))
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn supervisor() -> Supervisor {
        Supervisor::new(Notify::default(), Duration::from_secs(20))
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ends_by_itself_ends_the_service_with_its_name() {
        let mut service = supervisor();
        service.spawn("intake", |mut stop| async move { stop.asked().await });
        service.spawn("store", |_| ready(()));
        assert_eq!(service.run_until(pending(), None).await, Err(Ended::Early("store")));
        let mut service = supervisor();
        service.spawn("intake", |_| async { panic!("on purpose") });
        assert_eq!(service.run_until(pending(), None).await, Err(Ended::Panicked("intake")));
    }

    #[tokio::test(start_paused = true)]
    async fn on_a_stop_tasks_have_a_grace() {
        let mut service = supervisor();
        service.spawn("intake", |mut stop| async move {
            stop.asked().await;
            tokio::time::sleep(Duration::from_secs(19)).await;
        });
        assert_eq!(service.run_until(ready(()), None).await, Ok(()));
        let mut service = supervisor();
        service.spawn("intake", |mut stop| async move { stop.asked().await });
        service.spawn("deaf", |_| pending());
        service.spawn("also deaf", |_| pending());
        let ended = service.run_until(ready(()), None).await;
        assert_eq!(ended, Err(Ended::Slow(20, "also deaf, deaf".into())));
    }

    #[tokio::test(start_paused = true)]
    async fn the_watchdog_is_fed_only_while_every_pulse_beats() {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::net::{SocketAddr, UnixDatagram};
        let name = format!("fieldward-supervisor-{}", std::process::id());
        let manager = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        manager.set_nonblocking(true).unwrap();
        let notify = Notify::to(std::ffi::OsStr::new(&format!("@{name}"))).unwrap();
        let mut service = Supervisor::new(notify, Duration::from_secs(1));
        let (beating, stuck) = (service.pulse("beating"), service.pulse("stuck"));
        service.spawn("beats", |mut stop| async move {
            for second in 0.. {
                beating.beat();
                if second < 60 {
                    stuck.beat();
                }
                tokio::select! {
                    () = stop.asked() => return,
                    () = tokio::time::sleep(Duration::from_secs(1)) => {}
                }
            }
        });
        let two_minutes = tokio::time::sleep(Duration::from_secs(121));
        service.run_until(two_minutes, Some(Duration::from_secs(20))).await.unwrap();
        let mut said = Vec::new();
        let mut text = [0; 100];
        while let Ok(length) = manager.recv(&mut text) {
            said.push(String::from_utf8_lossy(&text[..length]).into_owned());
        }
        assert_eq!(said.first().map(String::as_str), Some("READY=1"));
        assert_eq!(said.last().map(String::as_str), Some("STOPPING=1"));
        let fed = said.iter().filter(|line| *line == "WATCHDOG=1").count();
        assert!((6..=7).contains(&fed), "{said:?}");
    }
}
