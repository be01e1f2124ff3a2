//! The sessions that there are: one for each agent, the newest wins.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldward_shared::transport::{Code, Link};
use fieldward_shared::wire::Learns;
use uuid::Uuid;

use super::gate::Peer;
use crate::circuit::Circuit;

/// A live session.
#[derive(Clone)]
pub struct Session {
    /// Its number.
    pub number: u64,
    /// Whose.
    pub peer: Arc<Peer>,
    /// The way to it.
    pub link: Link,
    /// By which trust its certificate was judged last.
    pub judged: Arc<AtomicU64>,
    /// Whether it is asked anything.
    pub circuit: Arc<Circuit>,
    /// What it learns together with others.
    pub learns: Arc<[Learns]>,
}

/// All of them.
#[derive(Default)]
pub struct Registry(Mutex<State>);

#[derive(Default)]
struct State {
    sessions: HashMap<Uuid, Session>,
    next: u64,
}

impl Registry {
    /// A session begins; none when there are too many. Gives its number, and the one that it replaces.
    pub fn enter(
        &self,
        peer: Arc<Peer>,
        link: Link,
        learns: &[Learns],
        most: usize,
    ) -> Option<(u64, Option<Session>)> {
        let mut state = self.lock();
        if state.sessions.len() >= most && !state.sessions.contains_key(&peer.agent) {
            return None;
        }
        state.next += 1;
        let number = state.next;
        let judged = Arc::new(AtomicU64::new(peer.trust));
        let (learns, circuit) = (learns.into(), Arc::default());
        let session = Session { number, peer: Arc::clone(&peer), link, judged, circuit, learns };
        let old = state.sessions.insert(peer.agent, session);
        Some((number, old))
    }

    /// A session ends, unless it was replaced.
    pub fn leave(&self, agent: Uuid, number: u64) {
        let mut state = self.lock();
        if state.sessions.get(&agent).is_some_and(|session| session.number == number) {
            state.sessions.remove(&agent);
        }
    }

    /// The session of an agent.
    pub fn of(&self, agent: Uuid) -> Option<Session> {
        self.lock().sessions.get(&agent).cloned()
    }

    /// All sessions.
    pub fn all(&self) -> Vec<Session> {
        self.lock().sessions.values().cloned().collect()
    }

    /// Ends all.
    pub fn close(&self, code: Code, words: &str) {
        self.all().iter().for_each(|session| session.link.close(code, words));
    }

    /// A number that was not given before, for asks.
    pub fn number(&self) -> u32 {
        let mut state = self.lock();
        state.next += 1;
        u32::try_from(state.next & u64::from(u32::MAX)).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done under it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
