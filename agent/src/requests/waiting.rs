//! Requests that wait for their answer, in the order of each connection. All have a place in one table that is
//! made once; for whom there is none is not paired, and neither is his answer given to another.

use fieldward_shared::pattern::Pattern;
use fieldward_shared::time::Timestamp;
use hashbrown::HashMap;

use crate::flow::Addr;

/// A request.
#[derive(Clone, Copy)]
pub struct Asked {
    /// When it was complete.
    pub at: Timestamp,
    /// Whom it asks.
    pub server: Addr,
    /// How.
    pub method: &'static str,
    /// What for.
    pub path: Pattern,
    /// Bytes of its body.
    pub bytes: u64,
}

/// Those that wait.
pub struct Waiting {
    flows: HashMap<u64, Queue, foldhash::fast::FixedState>,
    places: Vec<Place>,
    free: Vec<u16>,
}

/// The requests of a connection.
#[derive(Clone, Copy)]
struct Queue {
    first: u16,
    last: u16,
    /// How many stand in it.
    length: u16,
    /// Requests after them for which there was no place.
    beyond: u32,
}

struct Place {
    asked: Asked,
    next: u16,
}

impl Default for Waiting {
    fn default() -> Self {
        // Twice the room: a table that has half of its places taken never grows to be tidied.
        let flows = HashMap::with_capacity_and_hasher(2 * MOST, foldhash::fast::FixedState::default());
        Self { flows, places: Vec::with_capacity(MOST), free: Vec::with_capacity(MOST) }
    }
}

impl Waiting {
    /// One more; whether there was a place.
    pub fn push(&mut self, flow: u64, asked: Asked) -> bool {
        if let Some(queue) = self.flows.get_mut(&flow)
            && (queue.beyond > 0 || queue.length >= OF_A_FLOW)
        {
            queue.beyond = queue.beyond.saturating_add(1);
            return false;
        }
        let Some(at) = self.place(asked) else {
            if let Some(queue) = self.flows.get_mut(&flow) {
                queue.beyond = queue.beyond.saturating_add(1);
            }
            return false;
        };
        match self.flows.get_mut(&flow) {
            Some(queue) if queue.length > 0 => {
                if let Some(last) = self.places.get_mut(usize::from(queue.last)) {
                    last.next = at;
                }
                (queue.last, queue.length) = (at, queue.length + 1);
            }
            Some(queue) => (queue.first, queue.last, queue.length) = (at, at, 1),
            None => {
                self.flows.insert(flow, Queue { first: at, last: at, length: 1, beyond: 0 });
            }
        }
        true
    }

    /// The one that is answered next; none when it had no place.
    pub fn pop(&mut self, flow: u64) -> Option<Asked> {
        let queue = self.flows.get_mut(&flow)?;
        if queue.length == 0 {
            queue.beyond = queue.beyond.saturating_sub(1);
            if queue.beyond == 0 {
                self.flows.remove(&flow);
            }
            return None;
        }
        let at = queue.first;
        let place = self.places.get(usize::from(at))?;
        let asked = place.asked;
        (queue.first, queue.length) = (place.next, queue.length - 1);
        if queue.length == 0 && queue.beyond == 0 {
            self.flows.remove(&flow);
        }
        self.free.push(at);
        Some(asked)
    }

    /// Whether the one after the next was asked by then: so the next was passed over.
    pub fn is_later_one_since(&self, flow: u64, by: Timestamp) -> bool {
        let second = self.flows.get(&flow).filter(|queue| queue.length > 1);
        let first = second.and_then(|queue| self.places.get(usize::from(queue.first)));
        let next = first.and_then(|place| self.places.get(usize::from(place.next)));
        first.zip(next).is_some_and(|(first, next)| first.asked.at < next.asked.at && next.asked.at <= by)
    }

    /// The connection is over.
    pub fn forget(&mut self, flow: u64) {
        while self.pop(flow).is_some() {}
        self.flows.remove(&flow);
    }

    fn place(&mut self, asked: Asked) -> Option<u16> {
        let place = Place { asked, next: 0 };
        if let Some(at) = self.free.pop() {
            *self.places.get_mut(usize::from(at))? = place;
            return Some(at);
        }
        if self.places.len() >= MOST {
            return None;
        }
        self.places.push(place);
        u16::try_from(self.places.len() - 1).ok()
    }
}

/// Requests that wait, of all connections.
const MOST: usize = 2048;
/// Of one connection: browsers pipeline fewer than ten.
const OF_A_FLOW: u16 = 64;
