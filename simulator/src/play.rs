//! Time and tasks of a simulation. Everything that acts is an `async fn` that waits for nothing but
//! time, so the same code runs live on tokio and, recorded, as fast as the machine goes.
//!
//! Recorded, time is a number: the task that waits for the earliest moment runs next, those of the
//! same moment in the order in which they began to wait. Nothing else decides, so a seed gives one run.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use fieldward_shared::time::Timestamp;

/// Something that goes on by itself.
pub type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The handle by which tasks know the time, wait, and begin other tasks.
#[derive(Clone)]
pub enum Play {
    /// Time passes when every task waits.
    Recorded(Rc<Schedule>),
    /// Time passes by itself.
    Live {
        /// When it began, as the plant's clock says.
        start: Timestamp,
        /// The same by the machine's clock.
        origin: Instant,
    },
}

/// Virtual time, and the tasks that were begun.
pub struct Schedule {
    now: Cell<u64>,
    /// The earliest moment for which the running task waits.
    wake: Cell<u64>,
    /// Since time last moved.
    begun: RefCell<Vec<Task>>,
    waiting: RefCell<Waiting>,
}

/// The tasks that wait, by their moment and by when they began to wait.
#[derive(Default)]
struct Waiting {
    tasks: Vec<Option<Task>>,
    free: Vec<usize>,
    moments: BinaryHeap<Reverse<(u64, u64, usize)>>,
    order: u64,
}

impl Waiting {
    fn takes(&mut self, task: Task, at: u64) {
        let index = self.free.pop().unwrap_or_else(|| {
            self.tasks.push(None);
            self.tasks.len() - 1
        });
        self.tasks[index] = Some(task);
        self.waits(at, index);
    }

    fn waits(&mut self, at: u64, index: usize) {
        self.order += 1;
        self.moments.push(Reverse((at, self.order, index)));
    }

    /// Whose moment is the earliest, when that has come by `end`.
    fn next(&mut self, end: u64) -> Option<(u64, usize)> {
        let Reverse((at, ..)) = self.moments.peek().filter(|Reverse((at, ..))| *at <= end)?;
        let at = *at;
        self.moments.pop().map(|Reverse((_, _, index))| (at, index))
    }
}

impl Play {
    /// Virtual time from `start` on.
    pub fn recorded(start: Timestamp) -> Self {
        Self::Recorded(Rc::new(Schedule {
            now: Cell::new(start.as_micros()),
            wake: Cell::new(u64::MAX),
            begun: RefCell::default(),
            waiting: RefCell::default(),
        }))
    }

    /// Real time, which the plant calls `start`.
    pub fn live(start: Timestamp) -> Self {
        Self::Live { start, origin: Instant::now() }
    }

    /// What the plant's clock says.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Recorded(schedule) => Timestamp::from_micros(schedule.now.get()),
            Self::Live { start, origin } => start.plus(origin.elapsed().as_micros() as u64),
        }
    }

    /// Waits until that moment.
    pub async fn until(&self, at: Timestamp) {
        match self {
            Self::Recorded(schedule) => {
                let at = at.as_micros();
                poll_fn(|_| {
                    if schedule.now.get() >= at {
                        return Poll::Ready(());
                    }
                    schedule.wake.set(schedule.wake.get().min(at));
                    Poll::Pending
                })
                .await;
            }
            Self::Live { start, origin } => {
                let at = *origin + Duration::from_micros(at.since(*start));
                tokio::time::sleep_until(at.into()).await;
            }
        }
    }

    /// Waits that long.
    pub async fn pause(&self, seconds: f64) {
        self.until(self.now().plus((seconds * 1e6) as u64)).await;
    }

    /// Begins a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        match self {
            Self::Recorded(schedule) => schedule.begun.borrow_mut().push(Box::pin(task)),
            Self::Live { .. } => drop(tokio::task::spawn_local(task)),
        }
    }
}

impl Schedule {
    /// Runs every task until `end`, or until `passes`, which learns how far time has moved, says no. Called again,
    /// it goes on.
    pub fn run(&self, end: Timestamp, mut passes: impl FnMut(Timestamp) -> bool) {
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting = self.waiting.borrow_mut();
        loop {
            for task in self.begun.take() {
                waiting.takes(task, self.now.get());
            }
            let Some((at, index)) = waiting.next(end.as_micros()) else { break };
            if at > self.now.get() {
                self.now.set(at);
                if !passes(Timestamp::from_micros(at)) {
                    return;
                }
            }
            self.wake.set(u64::MAX);
            let Some(task) = waiting.tasks.get_mut(index).and_then(Option::as_mut) else { continue };
            match task.as_mut().poll(&mut context) {
                Poll::Ready(()) => {
                    waiting.tasks[index] = None;
                    waiting.free.push(index);
                }
                Poll::Pending => waiting.waits(self.wake.get(), index),
            }
        }
        self.now.set(end.as_micros());
        // There is nothing left to stop.
        let _ = passes(end);
    }

    /// Ends every task. They hold what holds this: without it none of that would ever go.
    pub fn end(&self) {
        drop(self.waiting.take());
        drop(self.begun.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_run_in_the_order_of_time() {
        let play = Play::recorded(Timestamp::from_micros(1_000_000));
        let seen = Rc::new(RefCell::new(Vec::new()));
        for (name, seconds) in [("slow", 0.3), ("quick", 0.1), ("late", 9.0)] {
            let (handle, seen) = (play.clone(), seen.clone());
            play.spawn(async move {
                loop {
                    handle.pause(seconds).await;
                    seen.borrow_mut().push((name, handle.now().as_micros()));
                    if name == "slow" {
                        let (inner, seen) = (handle.clone(), seen.clone());
                        handle.spawn(async move {
                            inner.pause(0.05).await;
                            seen.borrow_mut().push(("child", inner.now().as_micros()));
                        });
                    }
                }
            });
        }
        let Play::Recorded(schedule) = &play else { unreachable!() };
        // In one go or in several.
        schedule.run(Timestamp::from_micros(1_220_000), |_| true);
        schedule.run(Timestamp::from_micros(1_400_000), |_| true);
        let expected = [
            ("quick", 1_100_000),
            ("quick", 1_200_000),
            ("slow", 1_300_000),
            ("quick", 1_300_000),
            ("child", 1_350_000),
            ("quick", 1_400_000),
        ];
        assert_eq!(*seen.borrow(), expected);
    }
}
