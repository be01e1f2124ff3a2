//! From the watch thread to the disk. The tap takes the seconds that are over and waits for nobody; a thread of
//! its own seals and writes.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use fieldward_shared::time::Timestamp;

use super::{Minute, Windows};
use crate::classify::Input;
use crate::features::COUNT;
use crate::learn::labels::Labels;
use crate::learn::steps::{STEP_SECONDS, STEPS, Steps, WIDTH};
use crate::window::Window;

/// Makes minutes of seconds.
pub struct Gather {
    steps: Steps,
    /// The minute that is being gathered, and how many steps it has.
    minute: Option<(u64, usize)>,
    values: Box<[f32]>,
}

impl Default for Gather {
    fn default() -> Self {
        Self { steps: Steps::default(), minute: None, values: vec![0.0; WIDTH].into() }
    }
}

impl Gather {
    /// A second is over; the window holds it. Gives a minute that was seen from its beginning to its end.
    pub fn second(&mut self, second: u64, window: &Window) -> Option<Minute> {
        let step = self.steps.second(second, window)?;
        let (number, at) = (second / 60, (second % 60 / STEP_SECONDS) as usize);
        if at > 0 && !(step.follows && self.minute == Some((number, at))) {
            self.minute = None;
            return None;
        }
        self.values[at * COUNT..][..COUNT].copy_from_slice(&step.row);
        self.minute = Some((number, at + 1)).filter(|_| at + 1 < STEPS);
        (at + 1 == STEPS).then(|| Minute { number, values: self.values.clone() })
    }
}

/// Takes seconds on the watch thread.
pub struct Tap {
    gather: Gather,
    /// What alerts touched and could not be told yet.
    touched: Vec<(Timestamp, Timestamp)>,
    notes: SyncSender<Note>,
    /// Minutes and cases for which the disk was too slow.
    pub dropped: u64,
}

enum Note {
    Minute(Minute),
    Touched(Timestamp, Timestamp),
    Case(Box<Noted>),
}

/// What the classifier saw of an alert.
struct Noted {
    alert: String,
    input: Input,
    named: Option<String>,
}

/// A tap, and the thread behind it; it ends when the tap is gone.
pub fn writer(
    windows: Arc<Mutex<Windows>>,
    labels: Arc<Mutex<Labels>>,
) -> std::io::Result<(Tap, JoinHandle<()>)> {
    let (notes, waiting) = sync_channel(WAITING);
    let thread = std::thread::Builder::new().name("windows".to_owned());
    let thread = thread.spawn(move || write(&windows, &labels, &waiting))?;
    Ok((Tap { gather: Gather::default(), touched: Vec::new(), notes, dropped: 0 }, thread))
}

fn write(windows: &Mutex<Windows>, labels: &Mutex<Labels>, notes: &Receiver<Note>) {
    // What they guard is on the disk: nothing is left half done.
    let windows = || windows.lock().unwrap_or_else(PoisonError::into_inner);
    let labels = || labels.lock().unwrap_or_else(PoisonError::into_inner);
    for note in notes {
        match note {
            Note::Minute(minute) => {
                windows().put(&minute);
                // Once a minute: a storm of alerts is written once.
                labels().keep();
            }
            Note::Touched(first, last) => windows().forget(first, last),
            Note::Case(noted) => labels().note(&noted.alert, &noted.input, noted.named.as_deref()),
        }
    }
    labels().keep();
}

impl Tap {
    /// A second is over; the window holds it.
    pub fn second(&mut self, second: u64, window: &Window) {
        self.tell();
        if let Some(minute) = self.gather.second(second, window) {
            self.dropped += u64::from(self.notes.try_send(Note::Minute(minute)).is_err());
        }
    }

    /// What the classifier sees of an alert now; it is told again as long as the alert goes on.
    pub fn case(&mut self, alert: String, input: Input, named: Option<String>) {
        let noted = Box::new(Noted { alert, input, named });
        self.dropped += u64::from(self.notes.try_send(Note::Case(noted)).is_err());
    }

    /// An alert touched what lies between.
    pub fn touched(&mut self, first: Timestamp, last: Timestamp) {
        let is_full = self.touched.len() >= WAITING;
        match self.touched.last_mut() {
            // The same alert, further on; or too many to keep apart.
            Some(range) if range.0 == first || is_full => {
                *range = (range.0.min(first), range.1.max(last));
            }
            _ => self.touched.push((first, last)),
        }
        self.tell();
    }

    fn tell(&mut self) {
        while let Some((first, last)) = self.touched.first().copied() {
            if let Err(TrySendError::Full(_)) = self.notes.try_send(Note::Touched(first, last)) {
                return;
            }
            self.touched.remove(0);
        }
    }
}

/// Notes that wait for the disk.
const WAITING: usize = 64;
