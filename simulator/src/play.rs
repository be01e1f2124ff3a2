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

/// Virtual time, and the tasks that were begun since it last moved.
pub struct Schedule {
    now: Cell<u64>,
    /// The earliest moment for which the running task waits.
    wake: Cell<u64>,
    begun: RefCell<Vec<Task>>,
}

impl Play {
    /// Virtual time from `start` on.
    pub fn recorded(start: Timestamp) -> Self {
        Self::Recorded(Rc::new(Schedule {
            now: Cell::new(start.as_micros()),
            wake: Cell::new(u64::MAX),
            begun: RefCell::default(),
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
    /// Runs every task until `end`, or until `passes`, which learns how far time has moved, says no.
    pub fn run(&self, end: Timestamp, mut passes: impl FnMut(Timestamp) -> bool) {
        let mut tasks: Vec<Option<Task>> = Vec::new();
        let mut free = Vec::new();
        let mut waiting = BinaryHeap::new();
        let mut order = 0_u64;
        let mut next = None;
        let mut context = Context::from_waker(Waker::noop());
        loop {
            for task in self.begun.take() {
                let index = free.pop().unwrap_or_else(|| {
                    tasks.push(None);
                    tasks.len() - 1
                });
                tasks[index] = Some(task);
                order += 1;
                waiting.push(Reverse((self.now.get(), order, index)));
            }
            if let Some(Reverse((at, ..))) = waiting.peek()
                && *at <= end.as_micros()
            {
                next = waiting.pop();
            }
            let Some(Reverse((at, _, index))) = next.take() else { break };
            if at > self.now.get() {
                self.now.set(at);
                if !passes(Timestamp::from_micros(at)) {
                    return;
                }
            }
            self.wake.set(u64::MAX);
            let Some(task) = tasks.get_mut(index).and_then(Option::as_mut) else { continue };
            match task.as_mut().poll(&mut context) {
                Poll::Ready(()) => {
                    tasks[index] = None;
                    free.push(index);
                }
                Poll::Pending => {
                    order += 1;
                    waiting.push(Reverse((self.wake.get(), order, index)));
                }
            }
        }
        self.now.set(end.as_micros());
        // There is nothing left to stop.
        let _ = passes(end);
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
