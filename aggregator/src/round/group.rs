//! Groups of a round: plants that hide among each other, or one that agreed to be seen. Those who stay in each stage are
//! put down one after the other.

use fieldward_shared::identity::sha256;
use fieldward_shared::privacy::keys::Bytes32;
use fieldward_shared::privacy::roster::{FEWEST, threshold};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::value::Round;

/// Plants that hide among each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Who was ready.
    pub members: Vec<Uuid>,
    /// Who sent keys: the roster.
    pub advertised: Vec<Uuid>,
    /// Who shared.
    pub shared: Vec<Uuid>,
    /// Whose masked update came.
    pub live: Vec<Uuid>,
    /// Who signed.
    pub signed: Vec<Uuid>,
    /// Why it gives no sum.
    pub failed: Option<String>,
    /// It is one plant that agreed to be seen.
    #[serde(default)]
    pub is_seen: bool,
}

impl Group {
    /// Fewest that must send keys.
    pub const fn fewest_at_first(&self) -> usize {
        if self.is_seen { 1 } else { FEWEST }
    }

    /// Fewest that must be left of a roster.
    pub fn fewest(&self) -> usize {
        if self.is_seen {
            return 1;
        }
        let wanted = threshold(self.advertised.len());
        wanted.max(FEWEST)
    }
}

impl Round {
    /// By what a group is known from round to round: as long as an epoch lasts it stays the same, and a plant that is
    /// seen stays the same for ever.
    pub fn key_of(&self, nth: usize) -> Bytes32 {
        let seen = self.state.groups.get(nth).filter(|group| group.is_seen);
        let name = match seen.and_then(|group| group.members.first()) {
            Some(agent) => format!("plant {agent}"),
            None => format!("group {nth} of epoch {}", self.state.epoch),
        };
        sha256(name.as_bytes())
    }
}
