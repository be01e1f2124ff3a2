//! What has just happened, for whoever is connected. Each channel is a ring of numbered messages that all
//! listeners read from; none of them has a queue, so a slow one costs nothing. Who was away names the last
//! number he saw, and goes on from there, or is told that the ring has moved on.
//!
//! Only what is committed already is published.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use fieldward_shared::time::Timestamp;
use tokio::sync::watch;
use uuid::Uuid;

/// What messages are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Alerts, raised or changed.
    Alerts,
    /// Federated rounds.
    FlStatus,
    /// Predictions.
    Predictions,
    /// Agents that come and go.
    System,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Alerts, Self::FlStatus, Self::Predictions, Self::System];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::FlStatus => "fl_status",
            Self::Predictions => "predictions",
            Self::System => "system",
        }
    }

    /// The channel that is written so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name)
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number in its channel, from 1.
    pub seq: u64,
    /// When it was published.
    pub at: Timestamp,
    /// `new`, `update` or `delete`; of rounds `round_started`, `progress_update`, `round_ended` and `client_update`.
    pub kind: &'static str,
    /// Who is told.
    pub to: Audience,
    /// JSON.
    pub data: String,
    packed: OnceLock<Option<Vec<u8>>>,
}

impl Event {
    /// The whole message as [`Self::text`] gives it, made smaller by `pack`: once for all who listen. None when that
    /// is not worth it.
    pub fn packed(&self, channel: Channel, pack: fn(&str) -> Option<Vec<u8>>) -> Option<&[u8]> {
        self.packed.get_or_init(|| pack(&self.text(channel))).as_deref()
    }

    /// The whole message. Its data is JSON already.
    pub fn text(&self, channel: Channel) -> String {
        let Self { seq, kind, data, .. } = self;
        let (channel, at) = (channel.name(), self.at.rfc3339());
        format!(
            "{{\"v\":1,\"channel\":\"{channel}\",\"type\":\"{kind}\",\"seq\":{seq},\"ts\":\"{at}\",\"data\":{data}}}"
        )
    }
}

/// Who is told of something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// Who sees all of these plants; none are named: everybody.
    pub plants: Vec<String>,
    /// But nobody who sees all of these too: he is told more. None are named: nobody is passed over.
    pub but_not: Vec<String>,
}

impl Audience {
    /// Who sees a plant, or everybody.
    pub fn of(plant: Option<&str>) -> Self {
        Self { plants: plant.into_iter().map(str::to_owned).collect(), but_not: Vec::new() }
    }

    /// Whether somebody who sees these plants is told.
    pub fn holds(&self, sees: impl Fn(&str) -> bool) -> bool {
        let all = |plants: &[String]| plants.iter().all(|plant| sees(plant));
        all(&self.plants) && (self.but_not.is_empty() || !all(&self.but_not))
    }
}

/// What there is behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// These, in order; perhaps none.
    Events(Vec<Arc<Event>>),
    /// Some of it is gone: the oldest that is left, and the newest.
    Gone {
        /// The oldest number that is left.
        oldest: u64,
        /// The newest number.
        newest: u64,
    },
}

/// All channels. Clones are the same.
#[derive(Clone, Debug)]
pub struct Hub(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    epoch: String,
    rings: [Mutex<Ring>; 4],
    /// Grows with each message, whichever channel.
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    newest: u64,
}

impl Default for Hub {
    fn default() -> Self {
        let (news, _) = watch::channel(0);
        // Numbers begin anew with the process: those of another say nothing here.
        Self(Arc::new(Inside { epoch: Uuid::new_v4().to_string(), rings: Default::default(), news }))
    }
}

impl Hub {
    /// Whose numbers these are: they begin anew with each process.
    pub fn epoch(&self) -> &str {
        &self.0.epoch
    }

    /// Tells all who listen and see a plant (all, where none is named). Gives its number.
    pub fn publish(
        &self,
        channel: Channel,
        kind: &'static str,
        facility: Option<&str>,
        data: &serde_json::Value,
        at: Timestamp,
    ) -> u64 {
        self.tell(channel, kind, Audience::of(facility), data, at)
    }

    /// Tells those whom it is for. Gives its number.
    pub fn tell(
        &self,
        channel: Channel,
        kind: &'static str,
        to: Audience,
        data: &serde_json::Value,
        at: Timestamp,
    ) -> u64 {
        let data = data.to_string();
        let mut ring = self.ring(channel);
        ring.newest += 1;
        ring.bytes += data.len();
        let seq = ring.newest;
        ring.events.push_back(Arc::new(Event { seq, at, kind, to, data, packed: OnceLock::new() }));
        ring.shrink();
        drop(ring);
        self.wake();
        seq
    }

    /// Something could not be told: whoever listens has to look for himself.
    pub fn skip(&self, channel: Channel) {
        let mut ring = self.ring(channel);
        ring.newest += 1;
        ring.events.clear();
        ring.bytes = 0;
        drop(ring);
        self.wake();
    }

    /// At most so many messages behind a number.
    pub fn after(&self, channel: Channel, seen: u64, most: usize) -> Next {
        let ring = self.ring(channel);
        let oldest = ring.newest + 1 - ring.events.len() as u64;
        if seen > ring.newest || seen + 1 < oldest {
            return Next::Gone { oldest, newest: ring.newest };
        }
        let skip = usize::try_from(seen + 1 - oldest).unwrap_or(usize::MAX);
        Next::Events(ring.events.iter().skip(skip).take(most).cloned().collect())
    }

    /// The newest number of a channel.
    pub fn newest(&self, channel: Channel) -> u64 {
        self.ring(channel).newest
    }

    /// Wakes whoever waits for news.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.0.news.subscribe()
    }

    /// Sends everybody off: the process ends.
    pub fn end(&self) {
        self.0.news.send_replace(ENDED);
    }

    /// Whether everybody is sent off.
    pub fn has_ended(&self) -> bool {
        *self.0.news.borrow() == ENDED
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.0.news.receiver_count()
    }

    fn wake(&self) {
        self.0.news.send_modify(|count| *count = if *count == ENDED { ENDED } else { *count + 1 });
    }

    fn ring(&self, channel: Channel) -> MutexGuard<'_, Ring> {
        self.0.rings[channel as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn shrink(&mut self) {
        while self.events.len() > MOST || (self.bytes > MOST_BYTES && self.events.len() > 1) {
            self.bytes -= self.events.pop_front().map_or(0, |event| event.data.len());
        }
    }
}

/// The last news there is.
const ENDED: u64 = u64::MAX;
/// Messages of a channel that are remembered.
const MOST: usize = 10_000;
/// Bytes of them.
const MOST_BYTES: usize = 32 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(hub: &Hub, count: u64) {
        for nth in 0..count {
            let data = serde_json::json!({ "nth": nth });
            hub.publish(Channel::Alerts, "new", Some("north"), &data, Timestamp::from_micros(nth));
        }
    }

    fn seqs(next: Next) -> Vec<u64> {
        match next {
            Next::Events(events) => events.iter().map(|event| event.seq).collect(),
            Next::Gone { .. } => panic!("{next:?}"),
        }
    }

    #[test]
    fn who_was_away_goes_on_where_he_was_or_is_told_that_he_cannot() {
        let hub = Hub::default();
        assert_eq!(hub.after(Channel::Alerts, 0, 10), Next::Events(Vec::new()));
        publish(&hub, 5);
        assert_eq!(seqs(hub.after(Channel::Alerts, 0, 10)), [1, 2, 3, 4, 5]);
        assert_eq!(seqs(hub.after(Channel::Alerts, 3, 1)), [4]);
        assert!(seqs(hub.after(Channel::Alerts, 5, 10)).is_empty());
        assert_eq!(hub.after(Channel::Alerts, 6, 10), Next::Gone { oldest: 1, newest: 5 });
        assert_eq!(hub.newest(Channel::System), 0, "each channel counts for itself");
        publish(&hub, MOST as u64);
        assert_eq!(hub.after(Channel::Alerts, 4, 10), Next::Gone { oldest: 6, newest: MOST as u64 + 5 });
        assert_eq!(seqs(hub.after(Channel::Alerts, 5, 2)), [6, 7]);
        hub.skip(Channel::Alerts);
        let newest = hub.newest(Channel::Alerts);
        assert_eq!(hub.after(Channel::Alerts, newest - 1, 10), Next::Gone { oldest: newest + 1, newest });
        assert!(seqs(hub.after(Channel::Alerts, newest, 10)).is_empty());
    }

    #[test]
    fn who_sees_more_is_told_more_and_nobody_twice() {
        let plants = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let more = Audience { plants: plants(&["north", "south"]), but_not: Vec::new() };
        let less = Audience { plants: plants(&["north"]), but_not: plants(&["south"]) };
        for (seen, told) in [
            (&["north", "south"][..], [true, false]),
            (&["north"], [false, true]),
            (&["north", "east"], [false, true]),
            (&["south"], [false, false]),
            (&[], [false, false]),
        ] {
            assert_eq!([&more, &less].map(|one| one.holds(|plant| seen.contains(&plant))), told, "{seen:?}");
        }
        assert!(Audience::of(None).holds(|_| false));
    }

    #[test]
    fn a_ring_holds_so_many_bytes() {
        let hub = Hub::default();
        let data = serde_json::Value::String("x".repeat(1 << 20));
        for _ in 0..40 {
            hub.publish(Channel::System, "new", None, &data, Timestamp::from_micros(0));
        }
        assert!(matches!(hub.after(Channel::System, 0, 99), Next::Gone { oldest: 10, .. }));
        assert_eq!(Channel::ALL.map(|channel| Channel::named(channel.name())), Channel::ALL.map(Some));
    }
}
