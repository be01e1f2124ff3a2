//! Who this plant is in an attempt, and whom it knows there: others show certificates that must lead to the roots that
//! this plant trusts, and keys that it has seen before, or that those have named.

use std::collections::BTreeMap;

use fieldward_shared::identity::{AgentName, Leaf, Pin};
use fieldward_shared::privacy::refusal::Refusal;
use fieldward_shared::privacy::roster::{Attempted, Identities};
use fieldward_shared::vouch::{PublicKey, Roots, Signer, follows};
use fieldward_shared::wire::RoundRoster;
use uuid::Uuid;

use super::books::FileBooks;
use crate::uplink::Credentials;

/// Who a plant is, and whom it knows.
pub struct Known {
    /// This agent.
    pub name: AgentName,
    /// Its certificate, and those that lead to a root.
    pub chain: Vec<Vec<u8>>,
    /// How its key followed from earlier ones.
    pub succession: Vec<Vec<u8>>,
    signer: Signer,
    roots: Roots,
    now: u64,
    members: BTreeMap<Uuid, PublicKey>,
}

impl Known {
    /// As the credentials say now.
    pub fn new(credentials: &Credentials) -> Result<Self, String> {
        if matches!(credentials, Credentials::Brought(..)) {
            return Err(BROUGHT.to_owned());
        }
        let trust = credentials.trust()?;
        let chain: Vec<Vec<u8>> = trust.identity.chain.iter().map(|der| der.to_vec()).collect();
        let first = chain.first().ok_or("there is no certificate")?;
        let name = Leaf::read(first).and_then(|leaf| leaf.agent()).map_err(|error| error.to_string())?;
        Ok(Self {
            name,
            signer: Signer::of(&trust.identity.key).map_err(|error| error.to_string())?,
            roots: Roots::new(&trust.roots).map_err(|error| error.to_string())?,
            succession: credentials.succession(),
            now: trust.clock.now(),
            chain,
            members: BTreeMap::new(),
        })
    }

    /// Signs what this plant says of a kind in an attempt.
    pub fn say(&self, attempted: &Attempted, kind: &str, content: &[u8]) -> Vec<u8> {
        self.signer.sign(&attempted.said(kind, self.name.agent, content)).unwrap_or_default()
    }

    /// Gets to know the plants of a roster. Gives their keys, to be remembered.
    pub fn meet(&mut self, roster: &RoundRoster, books: &FileBooks) -> Result<BTreeMap<Uuid, Pin>, Refusal> {
        let mut keys = BTreeMap::new();
        for member in &roster.members {
            let agent = Uuid::from_slice(&member.agent).map_err(|_| Refusal::OutOfTurn)?;
            if agent == self.name.agent {
                continue;
            }
            let unknown = |_| Refusal::Unknown(agent);
            let chain = roster.chain(member).ok_or(Refusal::Unknown(agent))?;
            let vouched = self.roots.vouch(&chain, self.now).map_err(unknown)?;
            if vouched.name.agent != agent {
                return Err(Refusal::Unknown(agent));
            }
            let pin = vouched.key.pin;
            if books.key(agent).is_some_and(|seen| !follows(agent, seen, pin, &member.succession)) {
                return Err(Refusal::KeyChanged(agent));
            }
            keys.insert(agent, pin);
            self.members.insert(agent, vouched.key);
        }
        Ok(keys)
    }
}

/// Why a plant of an operator's PKI takes no part: others could not check who it is.
const BROUGHT: &str = "its certificate is of an operator's own PKI; by which rule that names plants only the aggregator knows, so no other plant could check who this one is. Plants that learn together are enrolled with the aggregator (fieldward-agent enroll)";

impl Identities for Known {
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.signer.sign(message)
    }

    fn knows(&self, agent: Uuid) -> bool {
        self.members.contains_key(&agent)
    }

    fn verify(&self, agent: Uuid, message: &[u8], signature: &[u8]) -> bool {
        // Its own signature is among those of the survivors.
        if agent == self.name.agent {
            let own = self.chain.first().and_then(|der| PublicKey::of_certificate(der).ok());
            return own.is_some_and(|own| own.verify(message, signature));
        }
        self.members.get(&agent).is_some_and(|key| key.verify(message, signature))
    }
}
