//! Whom nothing lets in any more: numbers of certificates, and agents as a whole. Read at every handshake
//! and for every session once a second, so it is one pointer that is swapped.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use fieldward_shared::identity::Serial;
use uuid::Uuid;

/// A whole set, as the store has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    /// Certificates by number.
    pub serials: HashSet<Serial>,
    /// Agents, whatever certificate they show.
    pub agents: HashSet<Uuid>,
}

/// The set that everyone asks; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Revoked(Arc<ArcSwap<Revocations>>);

impl Revoked {
    /// Takes over what the store has; gives back whether it differs from before.
    pub fn replace(&self, all: Revocations) -> bool {
        let changed = **self.0.load() != all;
        if changed {
            self.0.store(Arc::new(all));
        }
        changed
    }

    /// Whether this certificate was revoked.
    pub fn has_serial(&self, serial: &Serial) -> bool {
        self.0.load().serials.contains(serial)
    }

    /// Whether this agent was revoked.
    pub fn has_agent(&self, agent: Uuid) -> bool {
        self.0.load().agents.contains(&agent)
    }
}
