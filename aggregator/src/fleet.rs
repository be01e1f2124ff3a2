//! Who is connected, when each agent was heard last, and how it is. A plain table behind one lock that is
//! held for moments only; the moment is passed in.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Health, Hello};
use uuid::Uuid;

/// All agents that were heard since the start.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    here: Arc<Mutex<HashMap<Uuid, Seen>>>,
    /// What other replicas tell of theirs, and when they did.
    elsewhere: Arc<Mutex<HashMap<Uuid, (Standing, Timestamp)>>>,
}

/// How the link to an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has a session and is heard.
    Connected,
    /// It has a session, but nothing was heard for a while.
    Delayed,
    /// It has no session.
    Offline,
}

/// An agent as it is seen from here.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// Which.
    pub agent: Uuid,
    /// Its plant.
    pub facility: String,
    /// How the link is.
    pub presence: Presence,
    /// When it was heard last.
    pub last_seen: Timestamp,
    /// Since when the session lasts, or lasted.
    pub since: Timestamp,
    /// From where.
    pub address: Option<IpAddr>,
    /// How: `quic` or `tcp`.
    pub way: &'static str,
    /// Of its program.
    pub release: String,
    /// What its features mean.
    pub schema: u64,
    /// What they are called, in the order in which it tells them.
    pub features: Arc<[String]>,
    /// Its clock less ours, in microseconds.
    pub clock_offset: Option<i64>,
    /// From here to there and back, in microseconds.
    pub round_trip: Option<u64>,
    /// What it said of itself last.
    pub health: Option<Health>,
    /// The last second of its traffic.
    pub traffic: Option<NetworkData>,
    /// How often two were seen at once under its name.
    pub duplicates: u64,
    /// Records whose key was committed with another payload.
    pub contradicted: u64,
    /// The replica that knows it; none: this one.
    pub replica: Option<Uuid>,
}

#[derive(Debug)]
struct Seen {
    standing: Standing,
    /// The session that counts; none when there is none.
    session: Option<u64>,
    /// Who came last, and when: process and address.
    visitors: VecDeque<(Visitor, Timestamp)>,
}

/// A process at an address.
type Visitor = (Vec<u8>, IpAddr);

impl Fleet {
    /// A session begins. Tells whether the same certificate is used by two at once.
    pub fn enter(&self, entry: &Entry<'_>, now: Timestamp) -> bool {
        let mut agents = self.lock();
        if agents.len() >= MOST_AGENTS && !agents.contains_key(&entry.agent) {
            // Those without a session are known to the database.
            agents.retain(|_, seen| seen.session.is_some());
        }
        let seen = agents.entry(entry.agent).or_insert_with(|| Seen::new(entry, now));
        seen.session = Some(entry.session);
        let standing = &mut seen.standing;
        (standing.since, standing.last_seen) = (now, now);
        (standing.address, standing.way) = (Some(entry.address), entry.way);
        standing.facility.clear();
        standing.facility.push_str(entry.facility);
        standing.release = entry.hello.release.chars().take(64).collect();
        standing.schema = entry.hello.schema;
        standing.features = entry.hello.features.as_slice().into();
        (standing.clock_offset, standing.round_trip) = (None, None);
        let twice = seen.visit((entry.hello.instance.clone(), entry.address), now);
        seen.standing.duplicates += u64::from(twice);
        twice
    }

    /// A session ends. One that was replaced changes nothing.
    pub fn leave(&self, agent: Uuid, session: u64) {
        self.with(agent, |seen| {
            if seen.session == Some(session) {
                seen.session = None;
            }
        });
    }

    /// Something was heard.
    pub fn hear(&self, agent: Uuid, now: Timestamp) {
        self.with(agent, |seen| seen.standing.last_seen = now);
    }

    /// An answer to a ping: its clock, and when the ping left.
    pub fn clock(&self, agent: Uuid, sent: Timestamp, theirs: Timestamp, now: Timestamp) {
        let round_trip = now.since(sent);
        let middle = sent.as_micros().saturating_add(round_trip / 2);
        let offset = i128::from(theirs.as_micros()).saturating_sub(i128::from(middle));
        self.with(agent, |seen| {
            seen.standing.clock_offset = Some(i64::try_from(offset).unwrap_or(i64::MAX));
            seen.standing.round_trip = Some(round_trip);
        });
    }

    /// What it says of itself.
    pub fn health(&self, agent: Uuid, health: Health) {
        self.with(agent, |seen| seen.standing.health = Some(health));
    }

    /// The last second of its traffic.
    pub fn traffic(&self, agent: Uuid, data: NetworkData) {
        self.with(agent, |seen| seen.standing.traffic = Some(data));
    }

    /// Records of it contradicted committed ones.
    pub fn contradict(&self, agent: Uuid, records: u64) {
        self.with(agent, |seen| seen.standing.contradicted += records);
    }

    /// Those of this process as they are now.
    pub fn here(&self, now: Timestamp) -> Vec<Standing> {
        self.lock().values().map(|seen| seen.at(now)).collect()
    }

    /// What the features of an agent that is connected here are called.
    pub fn features(&self, agent: Uuid) -> Arc<[String]> {
        self.lock().get(&agent).map_or_else(|| [].into(), |seen| seen.standing.features.clone())
    }

    /// Another replica tells of one of its agents.
    pub fn elsewhere(&self, standing: Standing, now: Timestamp) {
        let mut elsewhere = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        if elsewhere.len() >= MOST_AGENTS && !elsewhere.contains_key(&standing.agent) {
            elsewhere.retain(|_, (_, told)| now.since(*told) <= SILENT);
            if elsewhere.len() >= MOST_AGENTS {
                return;
            }
        }
        let known = elsewhere.get(&standing.agent);
        // The replica that an agent has left knows that it is gone, and not that it is somewhere else.
        let is_news = known.is_none_or(|(known, told)| {
            known.replica == standing.replica || now.since(*told) > SILENT || rank(&standing) >= rank(known)
        });
        if is_news {
            elsewhere.insert(standing.agent, (standing, now));
        }
    }

    /// All of them as they are now, wherever they are connected, in the order of plants and agents.
    pub fn snapshot(&self, now: Timestamp) -> Vec<Standing> {
        let mut all: HashMap<Uuid, Standing> =
            self.here(now).into_iter().map(|standing| (standing.agent, standing)).collect();
        for (standing, told) in self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).values() {
            let mut standing = standing.clone();
            // That nobody tells of it does not say that it is gone: perhaps messages do not arrive.
            standing.presence = match now.since(*told) {
                silent if silent > GONE => Presence::Offline,
                silent if silent > SILENT && standing.presence == Presence::Connected => Presence::Delayed,
                _ => standing.presence,
            };
            if all.get(&standing.agent).is_none_or(|here| rank(&standing) > rank(here)) {
                all.insert(standing.agent, standing);
            }
        }
        let mut all: Vec<Standing> = all.into_values().collect();
        all.sort_by(|one, other| (&one.facility, one.agent).cmp(&(&other.facility, other.agent)));
        all
    }

    fn with(&self, agent: Uuid, change: impl FnOnce(&mut Seen)) {
        if let Some(seen) = self.lock().get_mut(&agent) {
            change(seen);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Seen>> {
        // Nothing is left half done under it.
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of two replicas that know an agent, the one is believed that has a session with it; of two sessions, the later.
fn rank(standing: &Standing) -> (bool, Timestamp) {
    let has_session = standing.presence != Presence::Offline;
    (has_session, if has_session { standing.since } else { standing.last_seen })
}

/// A session that begins.
pub struct Entry<'a> {
    /// Whose.
    pub agent: Uuid,
    /// As the certificate says.
    pub facility: &'a str,
    /// Its number.
    pub session: u64,
    /// From where.
    pub address: IpAddr,
    /// How.
    pub way: &'static str,
    /// What it said.
    pub hello: &'a Hello,
}

impl Seen {
    fn new(entry: &Entry<'_>, now: Timestamp) -> Self {
        let standing = Standing {
            agent: entry.agent,
            facility: String::new(),
            presence: Presence::Connected,
            last_seen: now,
            since: now,
            address: None,
            way: entry.way,
            release: String::new(),
            schema: 0,
            features: Arc::default(),
            clock_offset: None,
            round_trip: None,
            health: None,
            traffic: None,
            duplicates: 0,
            contradicted: 0,
            replica: None,
        };
        Self { standing, session: None, visitors: VecDeque::new() }
    }

    /// Notes a visitor. A process that has gone does not come back: who returns after another was here is
    /// one of two.
    fn visit(&mut self, visitor: Visitor, now: Timestamp) -> bool {
        self.visitors.retain(|(_, at)| now.since(*at) <= ALTERNATING);
        let another_since = self
            .visitors
            .iter()
            .rposition(|(known, _)| *known == visitor)
            .is_some_and(|at| at + 1 < self.visitors.len());
        self.visitors.push_back((visitor, now));
        if self.visitors.len() > MOST_VISITORS {
            self.visitors.pop_front();
        }
        another_since
    }

    fn at(&self, now: Timestamp) -> Standing {
        let presence = match self.session {
            None => Presence::Offline,
            Some(_) if now.since(self.standing.last_seen) > DELAYED => Presence::Delayed,
            Some(_) => Presence::Connected,
        };
        Standing { presence, ..self.standing.clone() }
    }
}

/// Agents that are remembered.
const MOST_AGENTS: usize = 16_384;
/// Visits that are remembered of each.
const MOST_VISITORS: usize = 8;
/// Two that come in turn within so many microseconds are two.
const ALTERNATING: u64 = 60_000_000;
/// Agents are pinged each 10 seconds; who was not heard for so many microseconds is late.
const DELAYED: u64 = 15_000_000;
/// What another replica told holds for so many microseconds: it tells it each 5 seconds.
const SILENT: u64 = 15_000_000;
/// After so many microseconds it would have come back elsewhere.
const GONE: u64 = 300_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn enter(fleet: &Fleet, session: u64, instance: u8, now: Timestamp) -> bool {
        let hello = Hello { instance: vec![instance; 16], release: "1.0".to_owned(), ..Hello::default() };
        let entry = Entry {
            agent: Uuid::from_u128(7),
            facility: "north",
            session,
            address: IpAddr::from([10, 0, 0, 1]),
            way: "quic",
            hello: &hello,
        };
        fleet.enter(&entry, now)
    }

    #[test]
    fn an_agent_is_connected_delayed_and_offline() {
        let fleet = Fleet::default();
        let agent = Uuid::from_u128(7);
        let presence = |now| fleet.snapshot(now)[0].presence;
        assert!(!enter(&fleet, 1, 1, at(100)));
        assert_eq!(presence(at(101)), Presence::Connected);
        assert_eq!(presence(at(116)), Presence::Delayed);
        fleet.hear(agent, at(116));
        assert_eq!(presence(at(117)), Presence::Connected);
        // The one that was replaced ends after the new one has begun.
        assert!(!enter(&fleet, 2, 1, at(118)));
        fleet.leave(agent, 1);
        assert_eq!(presence(at(118)), Presence::Connected);
        fleet.leave(agent, 2);
        assert_eq!(presence(at(118)), Presence::Offline);
        assert_eq!(fleet.snapshot(at(118))[0].last_seen, at(118));
    }

    #[test]
    fn two_that_alternate_are_noticed_and_restarts_are_not() {
        let fleet = Fleet::default();
        for (nth, instance) in [1, 1, 2, 2, 3].into_iter().enumerate() {
            assert!(!enter(&fleet, nth as u64, instance, at(10 + nth as u64)));
        }
        assert!(enter(&fleet, 9, 2, at(20)));
        assert!(enter(&fleet, 10, 3, at(21)));
        // Long after, nobody knows any more.
        assert!(!enter(&fleet, 11, 2, at(90)));
        assert_eq!(fleet.snapshot(at(90))[0].duplicates, 2);
    }

    #[test]
    fn an_agent_is_where_its_session_is() {
        let (fleet, agent) = (Fleet::default(), Uuid::from_u128(7));
        let other = Fleet::default();
        let tell = |session, now| {
            let mut standing = other.here(now).remove(0);
            standing.replica = Some(Uuid::from_u128(session));
            fleet.elsewhere(standing, now);
        };
        let seen = |now| {
            let one = fleet.snapshot(now).remove(0);
            (one.presence, one.replica)
        };
        // It was here, and is there now.
        enter(&fleet, 1, 1, at(100));
        fleet.leave(agent, 1);
        enter(&other, 1, 1, at(101));
        assert_eq!(seen(at(102)), (Presence::Offline, None));
        tell(9, at(102));
        assert_eq!(seen(at(103)), (Presence::Connected, Some(Uuid::from_u128(9))));
        // That replica is not heard of any more.
        assert_eq!(seen(at(118)).0, Presence::Delayed);
        assert_eq!(seen(at(403)).0, Presence::Offline);
        // It comes back here, before the other has noticed.
        tell(9, at(119));
        enter(&fleet, 2, 1, at(120));
        assert_eq!(seen(at(120)), (Presence::Connected, None));
        // A third one that it has left says nothing against the one where it is.
        fleet.leave(agent, 2);
        other.hear(agent, at(121));
        tell(9, at(121));
        other.leave(agent, 1);
        tell(8, at(121));
        assert_eq!(seen(at(122)), (Presence::Connected, Some(Uuid::from_u128(9))));
    }

    #[test]
    fn clocks_are_compared_at_the_middle_of_the_way() {
        let fleet = Fleet::default();
        enter(&fleet, 1, 1, at(100));
        fleet.clock(Uuid::from_u128(7), at(100), at(97), at(104));
        let seen = &fleet.snapshot(at(104))[0];
        assert_eq!((seen.clock_offset, seen.round_trip), (Some(-5_000_000), Some(4_000_000)));
    }
}
