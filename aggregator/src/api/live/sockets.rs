//! Places for sockets, so many in all and of one user or key, and what is counted of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// All sockets.
#[derive(Debug, Default)]
pub struct Sockets {
    places: Arc<Mutex<HashMap<Uuid, usize>>>,
    closed: Mutex<BTreeMap<u16, u64>>,
    /// Sockets that were opened.
    pub opened: AtomicU64,
    /// Messages that they have taken.
    pub sent: AtomicU64,
    /// Of them, those that were compressed.
    pub packed: AtomicU64,
}

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub struct Place(Arc<Mutex<HashMap<Uuid, usize>>>, Uuid);

impl Sockets {
    /// A place for a user or a key; none when all are taken, or too many by himself.
    pub fn take(&self, who: Uuid) -> Option<Place> {
        let mut taken = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= SOCKETS || taken.get(&who).is_some_and(|his| *his >= OF_ONE) {
            return None;
        }
        *taken.entry(who).or_insert(0) += 1;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Some(Place(self.places.clone(), who))
    }

    /// How many are open.
    pub fn open(&self) -> usize {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// One is closed from here.
    pub fn close(&self, code: u16) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_insert(0) += 1;
    }

    /// How many were closed from here, by code.
    pub fn closed(&self) -> BTreeMap<u16, u64> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(his) = taken.get_mut(&self.1) {
            *his -= 1;
            if *his == 0 {
                taken.remove(&self.1);
            }
        }
    }
}

/// Sockets at once.
const SOCKETS: usize = 4096;
/// Of them, of one user or key.
const OF_ONE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_and_come_back() {
        let sockets = Sockets::default();
        let mut taken: Vec<Place> = (0..OF_ONE).filter_map(|_| sockets.take(Uuid::from_u128(1))).collect();
        assert!(taken.len() == OF_ONE && sockets.take(Uuid::from_u128(1)).is_none());
        taken.extend((0..SOCKETS as u128).filter_map(|nth| sockets.take(Uuid::from_u128(nth + 2))));
        assert_eq!((taken.len(), sockets.open()), (SOCKETS, SOCKETS));
        assert!(sockets.take(Uuid::from_u128(9_999)).is_none());
        taken.clear();
        assert_eq!(sockets.open(), 0);
        assert!(sockets.take(Uuid::from_u128(1)).is_some());
    }
}
