//! What plants say to each other through the aggregator before they mask: their keys of this attempt, signed by
//! their identities, and the roster of all of them. Everything that is derived later is bound to its hash.

use uuid::Uuid;

use super::keys::{Bytes32, hash};

/// Fewest plants of a sum, whatever is agreed: of two, each could take its own off.
pub const FEWEST: usize = 3;

/// Most plants of a group.
pub const MOST: usize = 128;

/// Which attempt of which round a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempted {
    /// Those who learn together.
    pub federation: Uuid,
    /// As long as groups stay.
    pub epoch: u64,
    /// The round.
    pub round: u64,
    /// From 1.
    pub attempt: u32,
    /// Hash of the model that was trained from.
    pub model: Bytes32,
}

/// Who signs and whose signatures are known. The agent's own certificate and the federation's roots stand behind
/// it.
pub trait Identities {
    /// Signs with the plant's own key; none when it cannot.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>>;

    /// Whether an agent belongs to the federation and is not revoked.
    fn knows(&self, agent: Uuid) -> bool;

    /// Whether an agent signed this.
    fn verify(&self, agent: Uuid, message: &[u8], signature: &[u8]) -> bool;
}

/// The keys of a plant for one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertise {
    /// Of what.
    pub attempted: Attempted,
    /// Whose.
    pub agent: Uuid,
    /// To seal shares for it.
    pub seal_key: Bytes32,
    /// For the masks of its pairs.
    pub mask_key: Bytes32,
    /// Hash of its own blind.
    pub blind_hash: Bytes32,
    /// By its identity.
    pub signature: Vec<u8>,
}

/// The plants of a group, as the aggregator tells them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    attempted: Attempted,
    threshold: usize,
    members: Vec<Advertise>,
    hash: Bytes32,
}

impl Attempted {
    /// How every signed message begins.
    pub(super) fn bytes(&self, kind: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(160);
        bytes.extend_from_slice(b"secagg/v1/");
        bytes.extend_from_slice(kind.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(self.federation.as_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.round.to_be_bytes());
        bytes.extend_from_slice(&self.attempt.to_be_bytes());
        bytes.extend_from_slice(&self.model);
        bytes
    }
}

impl Attempted {
    /// What a plant signs when it says something of a kind in an attempt.
    pub fn said(&self, kind: &str, sender: Uuid, content: &[u8]) -> Vec<u8> {
        let mut bytes = self.bytes(&format!("said/{kind}"));
        bytes.extend_from_slice(sender.as_bytes());
        bytes.extend_from_slice(&hash(&[content]));
        bytes
    }
}

impl Advertise {
    /// What is signed.
    pub fn signed(&self) -> Vec<u8> {
        let mut bytes = self.attempted.bytes("keys");
        bytes.extend_from_slice(self.agent.as_bytes());
        for part in [&self.seal_key, &self.mask_key, &self.blind_hash] {
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

/// Fewest plants that open a sum of `members`: two of three and one more.
pub const fn threshold(members: usize) -> usize {
    members * 2 / 3 + 1
}

impl Roster {
    /// Puts members in order of their names. Who they are must have been checked.
    pub fn new(attempted: Attempted, threshold: usize, mut members: Vec<Advertise>) -> Self {
        members.sort_by_key(|member| member.agent);
        let mut bytes = attempted.bytes("roster");
        bytes.extend_from_slice(&(threshold as u64).to_be_bytes());
        for member in &members {
            let signed = member.signed();
            bytes.extend_from_slice(&(signed.len() as u64).to_be_bytes());
            bytes.extend_from_slice(&signed);
        }
        Self { attempted, threshold, members, hash: hash(&[&bytes]) }
    }

    /// Of what.
    pub const fn attempted(&self) -> &Attempted {
        &self.attempted
    }

    /// How many open the sum.
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// Fewest that must be left.
    pub fn fewest(&self) -> usize {
        self.threshold.max(FEWEST)
    }

    /// In order of their names.
    pub fn members(&self) -> &[Advertise] {
        &self.members
    }

    /// Binds everything to exactly these members, keys and threshold.
    pub const fn hash(&self) -> &Bytes32 {
        &self.hash
    }

    /// Where a member stands.
    pub fn place(&self, agent: Uuid) -> Option<usize> {
        self.members.binary_search_by_key(&agent, |member| member.agent).ok()
    }

    /// Places of some members, each once.
    pub fn places(&self, agents: &[Uuid]) -> Option<Vec<usize>> {
        let mut places = agents.iter().map(|agent| self.place(*agent)).collect::<Option<Vec<_>>>()?;
        places.sort_unstable();
        places.windows(2).all(|pair| pair[0] != pair[1]).then_some(places)
    }

    /// What the masks of a pair are derived with.
    pub(super) fn pair_info(&self) -> Vec<u8> {
        self.info("pair")
    }

    /// What the key for shares on their way from one to another is derived with.
    pub(super) fn seal_info(&self, from: usize, to: usize) -> Vec<u8> {
        let mut bytes = self.info("seal");
        bytes.extend_from_slice(&(from as u64).to_be_bytes());
        bytes.extend_from_slice(&(to as u64).to_be_bytes());
        bytes
    }

    /// What a plant signs to say that these are left.
    pub fn survivors_signed(&self, places: &[usize]) -> Vec<u8> {
        let mut bytes = self.info("survivors");
        places.iter().for_each(|place| bytes.extend_from_slice(&(*place as u64).to_be_bytes()));
        bytes
    }

    fn info(&self, kind: &str) -> Vec<u8> {
        let mut bytes = self.attempted.bytes(kind);
        bytes.extend_from_slice(&self.hash);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_two_thirds_and_one() {
        let pairs = [(3, 3), (5, 4), (8, 6), (10, 7), (16, 11), (32, 22)];
        assert!(pairs.iter().all(|(members, wanted)| threshold(*members) == *wanted));
    }

    #[test]
    fn any_other_member_key_or_model_is_another_roster() {
        let attempted = Attempted { federation: Uuid::nil(), epoch: 1, round: 2, attempt: 1, model: [5; 32] };
        let member = |id: u128| Advertise {
            attempted,
            agent: Uuid::from_u128(id),
            seal_key: [1; 32],
            mask_key: [2; 32],
            blind_hash: [3; 32],
            signature: vec![],
        };
        let roster = Roster::new(attempted, 3, vec![member(3), member(1), member(2)]);
        assert_eq!(roster.place(Uuid::from_u128(2)), Some(1));
        assert_eq!(roster.places(&[Uuid::from_u128(3), Uuid::from_u128(1)]), Some(vec![0, 2]));
        assert_eq!(roster.places(&[Uuid::from_u128(3), Uuid::from_u128(3)]), None);
        assert_eq!(roster.places(&[Uuid::from_u128(4)]), None);
        let same = Roster::new(attempted, 3, vec![member(1), member(2), member(3)]);
        assert_eq!(same.hash(), roster.hash());
        let mut changed = vec![member(1), member(2), member(3)];
        changed[1].mask_key[31] ^= 1;
        let model = Attempted { model: [6; 32], ..attempted };
        for other in [
            Roster::new(attempted, 3, changed),
            Roster::new(attempted, 4, same.members().to_vec()),
            Roster::new(attempted, 3, vec![member(1), member(2), member(4)]),
            Roster::new(model, 3, same.members().to_vec()),
        ] {
            assert_ne!(other.hash(), roster.hash());
        }
    }
}
