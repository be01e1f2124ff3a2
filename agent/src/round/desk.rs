//! Between the link, which must not wait, and the player, which takes its time: a queue in, whoever listens out, and
//! what is to be heard while training goes on. The player has a thread of low priority to itself.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use fieldward_shared::wire::{Learns, Message};
use tokio::sync::mpsc;

use super::player::{Player, Reply, Task};

/// What is heard while the player is busy.
#[derive(Debug, Default)]
pub struct Control {
    pub(super) stopping: AtomicBool,
    /// The round that goes on.
    round: AtomicU64,
    /// Whether that was said to be over.
    over: AtomicU64,
    held: Mutex<Option<u64>>,
    changed: Condvar,
}

impl Control {
    /// A round begins.
    pub(super) fn begin(&self, round: u64) {
        self.round.store(round, Ordering::Relaxed);
    }

    /// A round is over: training for it ends. What is said of another than the one that goes on changes nothing.
    pub fn end(&self, round: u64) {
        if self.round.load(Ordering::Relaxed) != round {
            return;
        }
        self.over.store(round, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// A round stands still, or goes on.
    pub fn hold(&self, round: u64, held: bool) {
        let mut state = self.lock();
        if held {
            *state = Some(round);
        } else if *state == Some(round) {
            *state = None;
        }
        self.changed.notify_all();
    }

    pub(super) fn is_over(&self, round: u64) -> bool {
        self.over.load(Ordering::Relaxed) == round
    }

    pub(super) fn is_held(&self, round: u64) -> bool {
        *self.lock() == Some(round)
    }

    /// Waits while a round stands still; whether it goes on then.
    pub(super) fn wait(&self, round: u64) -> bool {
        let mut held = self.lock();
        while *held == Some(round) && !self.stopping.load(Ordering::Relaxed) && !self.is_over(round) {
            held = self.changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        !self.stopping.load(Ordering::Relaxed) && !self.is_over(round)
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let held = self.lock();
        self.changed.notify_all();
        drop(held);
    }

    fn lock(&self) -> MutexGuard<'_, Option<u64>> {
        // Nothing is left half done under it.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the link hands over what comes. Its player ends with it.
pub struct Desk {
    inbox: Option<SyncSender<Task>>,
    listening: Arc<Mutex<Option<mpsc::Sender<Reply>>>>,
    learns: Arc<Mutex<Vec<Learns>>>,
    control: Arc<Control>,
    thread: Option<JoinHandle<()>>,
}

impl Desk {
    /// Starts the player in a thread of its own.
    pub fn start(player: Player, control: Arc<Control>) -> io::Result<Self> {
        let (inbox, tasks) = sync_channel(WAITING);
        let listening: Arc<Mutex<Option<mpsc::Sender<Reply>>>> = Arc::default();
        let learns = Arc::new(Mutex::new(player.learns()));
        let (told, taught) = (listening.clone(), learns.clone());
        let thread = std::thread::Builder::new().name("rounds".to_owned());
        let thread = thread.spawn(move || work(player, &tasks, &told, &taught))?;
        Ok(Self { inbox: Some(inbox), listening, learns, control, thread: Some(thread) })
    }

    /// What it can learn.
    pub fn learns(&self) -> Vec<Learns> {
        lock(&self.learns).clone()
    }

    /// From now on a link listens; whoever did before does no longer.
    pub fn listen(&self) -> mpsc::Receiver<Reply> {
        let (sender, receiver) = mpsc::channel(WAITING);
        *lock(&self.listening) = Some(sender);
        receiver
    }

    /// Hands something over; false when there is no room, so that it is to come again.
    pub fn put(&self, task: Task) -> bool {
        match &task {
            Task::Said(Message::RoundEnd(end)) => self.control.end(end.about.round),
            Task::Said(Message::RoundHold(hold)) => {
                self.control.hold(hold.about.round, hold.paused);
                return true;
            }
            _ => {}
        }
        let Some(inbox) = &self.inbox else { return true };
        !matches!(inbox.try_send(task), Err(TrySendError::Full(_)))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.control.stop();
        *lock(&self.listening) = None;
        drop(self.inbox.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn work(
    mut player: Player,
    tasks: &Receiver<Task>,
    listening: &Mutex<Option<mpsc::Sender<Reply>>>,
    learns: &Mutex<Vec<Learns>>,
) {
    // Without the right to a low priority it goes on with the usual one.
    let _ = rustix::process::nice(NICE);
    while let Ok(task) = tasks.recv() {
        player.take(task, &mut |reply| {
            let listener = lock(listening).clone();
            // Whoever does not hear it asks again.
            match (listener, &reply) {
                (Some(listener), Reply::Say(Message::RoundProgress(_))) => drop(listener.try_send(reply)),
                (Some(listener), _) => drop(listener.blocking_send(reply)),
                (None, _) => {}
            }
        });
        *lock(learns) = player.learns();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What waits for the player, and for the link.
const WAITING: usize = 8;
/// The lowest priority there is.
const NICE: i32 = 19;
