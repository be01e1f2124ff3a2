//! What the service tells the uplink: seconds of traffic, minutes of web requests, and how it is. Whoever tells never waits; the
//! oldest of them give way and are counted.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fieldward_shared::telemetry::{NetworkData, RequestMinute};
use fieldward_shared::wire::{Health, Requests, Second};
use tokio::sync::Notify;

/// What was told.
#[derive(Default)]
pub struct Told {
    state: Mutex<State>,
    /// There is something new.
    pub news: Notify,
}

#[derive(Default)]
struct State {
    /// The last minute.
    minute: VecDeque<Second>,
    /// How many of its newest were not sent.
    unsent: usize,
    dropped: u64,
    /// Minutes of web requests that were not sent.
    requests: VecDeque<Requests>,
    requests_dropped: u64,
    health: Health,
}

impl Told {
    /// A second of traffic.
    pub fn second(&self, data: &NetworkData, features: &[String]) {
        let mut state = self.lock();
        if state.minute.len() == MINUTE {
            state.minute.pop_front();
        }
        state.minute.push_back(Second::of(data, features, 0));
        state.unsent += 1;
        if state.unsent > WAITING {
            state.unsent = WAITING;
            state.dropped += 1;
        }
        drop(state);
        self.news.notify_one();
    }

    /// The next second to send.
    pub fn take(&self) -> Option<Second> {
        let mut state = self.lock();
        let at = state.minute.len().checked_sub(state.unsent)?;
        let second = state.minute.get(at)?.clone();
        state.unsent -= 1;
        Some(Second { dropped: state.dropped, ..second })
    }

    /// Web requests of a minute.
    pub fn requests(&self, minute: &RequestMinute) {
        let mut state = self.lock();
        if state.requests.len() == MINUTES {
            state.requests.pop_front();
            state.requests_dropped += 1;
        }
        state.requests.push_back(Requests::of(minute));
        drop(state);
        self.news.notify_one();
    }

    /// The next minute of web requests to send.
    pub fn take_requests(&self) -> Option<Requests> {
        let mut state = self.lock();
        let dropped = state.requests_dropped;
        state.requests.pop_front().map(|minute| Requests { dropped, ..minute })
    }

    /// The last minute, the oldest second first.
    pub fn minute(&self) -> Vec<Second> {
        self.lock().minute.iter().cloned().collect()
    }

    /// How the service is.
    pub fn tell(&self, health: Health) {
        self.lock().health = health;
    }

    /// What was told of it last.
    pub fn health(&self) -> Health {
        let state = self.lock();
        Health { seconds_dropped: state.dropped, ..state.health.clone() }
    }

    /// Seconds of traffic and minutes of web requests that were not sent.
    pub fn dropped(&self) -> (u64, u64) {
        let state = self.lock();
        (state.dropped, state.requests_dropped)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds of the context window.
const MINUTE: usize = 60;
/// Seconds that wait for a poor link.
const WAITING: usize = 8;
/// Minutes of web requests that do.
const MINUTES: usize = 8;

#[cfg(test)]
mod tests {
    use fieldward_shared::time::Timestamp;

    use super::*;
    use crate::telemetry::network_data;
    use crate::window::Bucket;

    #[test]
    fn the_oldest_seconds_give_way_and_are_counted() {
        let told = Told::default();
        for second in 0..70 {
            let data = network_data("a", second, &Bucket::default());
            told.second(&data, &["x".to_owned()]);
        }
        let minute = told.minute();
        assert_eq!((minute.len(), minute[0].time), (60, 10_000_000));
        let sent: Vec<u64> = std::iter::from_fn(|| told.take()).map(|second| second.time).collect();
        assert_eq!((sent.len(), sent[0], told.dropped()), (8, 62_000_000, (62, 0)));
        assert_eq!(told.minute().len(), 60, "what was sent stays in the window");
        let back = minute[0].data("a", &["x".to_owned()]);
        assert_eq!(back.timestamp, Timestamp::from_micros(10_000_000));
    }

    #[test]
    fn so_do_the_oldest_minutes() {
        let told = Told::default();
        for minute in 0..20 {
            let timestamp = Timestamp::from_micros(minute * 60_000_000);
            told.requests(&RequestMinute { timestamp, facility_id: "a".to_owned(), endpoints: Vec::new() });
        }
        let sent: Vec<Requests> = std::iter::from_fn(|| told.take_requests()).collect();
        assert_eq!((sent.len(), sent[0].time, sent[0].dropped), (8, 720_000_000, 12));
        assert_eq!(told.dropped(), (0, 12));
    }
}
