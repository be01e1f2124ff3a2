//! What is said while a sum is made: keys, rosters, shares, masked updates, who is left, and what opens it.

use prost::Message;
use uuid::Uuid;

use super::round::{About, bytes32, pack, unpack};
use crate::privacy::attempt::{Request, Reveal, Sealed};
use crate::privacy::keys::SEALED_BYTES;
use crate::privacy::roster::Advertise;
use crate::privacy::shamir::{SHARE_BYTES, Share};

/// From the aggregator: an attempt at the sum begins; keys are wanted.
#[derive(Clone, PartialEq, Message)]
pub struct RoundBegin {
    /// Which attempt.
    #[prost(message, required, tag = "1")]
    pub about: About,
}

/// 3: keys of an attempt, signed, and the certificates that stand behind the signature.
#[derive(Clone, PartialEq, Message)]
pub struct RoundKeys {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// To seal shares for it: 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub seal_key: Vec<u8>,
    /// For the masks of its pairs: 32 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub mask_key: Vec<u8>,
    /// Of its own blind: 32 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub blind_hash: Vec<u8>,
    /// By its identity.
    #[prost(bytes = "vec", tag = "5")]
    pub signature: Vec<u8>,
    /// Its certificate, and those that lead to a root.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub chain: Vec<Vec<u8>>,
    /// How its present key followed from earlier ones.
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub succession: Vec<Vec<u8>>,
}

impl RoundKeys {
    /// As it is said.
    pub fn of(advertise: &Advertise, chain: Vec<Vec<u8>>, succession: Vec<Vec<u8>>) -> Self {
        Self {
            about: About::of(&advertise.attempted),
            seal_key: advertise.seal_key.to_vec(),
            mask_key: advertise.mask_key.to_vec(),
            blind_hash: advertise.blind_hash.to_vec(),
            signature: advertise.signature.clone(),
            chain,
            succession,
        }
    }

    /// What an agent has said.
    pub fn advertise(&self, agent: Uuid) -> Option<Advertise> {
        Some(Advertise {
            attempted: self.about.attempted()?,
            agent,
            seal_key: bytes32(&self.seal_key)?,
            mask_key: bytes32(&self.mask_key)?,
            blind_hash: bytes32(&self.blind_hash)?,
            signature: self.signature.clone(),
        })
    }
}

/// 4, from the aggregator: the keys of a group.
#[derive(Clone, PartialEq, Message)]
pub struct RoundRoster {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// How many open the sum.
    #[prost(uint32, tag = "2")]
    pub threshold: u32,
    /// The group.
    #[prost(message, repeated, tag = "3")]
    pub members: Vec<RoundMember>,
    /// Certificates that lead to a root, each once.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub issuers: Vec<Vec<u8>>,
    /// In the first round of an epoch: what everybody has thrown, name and 32 bytes each, in the order of names.
    #[prost(bytes = "vec", tag = "5")]
    pub nonces: Vec<u8>,
    /// Besides, the commitments of those who have thrown nothing, likewise: with these the cohort is whole.
    #[prost(bytes = "vec", tag = "6")]
    pub silent: Vec<u8>,
}

/// A plant of a group.
#[derive(Clone, PartialEq, Message)]
pub struct RoundMember {
    /// Its agent: 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub agent: Vec<u8>,
    /// See [`RoundKeys`].
    #[prost(bytes = "vec", tag = "2")]
    pub seal_key: Vec<u8>,
    /// See [`RoundKeys`].
    #[prost(bytes = "vec", tag = "3")]
    pub mask_key: Vec<u8>,
    /// See [`RoundKeys`].
    #[prost(bytes = "vec", tag = "4")]
    pub blind_hash: Vec<u8>,
    /// See [`RoundKeys`].
    #[prost(bytes = "vec", tag = "5")]
    pub signature: Vec<u8>,
    /// Its certificate.
    #[prost(bytes = "vec", tag = "6")]
    pub certificate: Vec<u8>,
    /// Those that lead to a root: places in [`RoundRoster::issuers`].
    #[prost(uint32, repeated, tag = "7")]
    pub issuers: Vec<u32>,
    /// See [`RoundKeys`].
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub succession: Vec<Vec<u8>>,
}

impl RoundRoster {
    /// The keys of some agents, in their order; and in the first round of an epoch what all have thrown.
    pub fn of(
        about: About,
        threshold: usize,
        keys: &[(Uuid, &RoundKeys)],
        [nonces, silent]: [Vec<u8>; 2],
    ) -> Self {
        let mut issuers: Vec<Vec<u8>> = Vec::new();
        let mut place = |issuer: &Vec<u8>| {
            let known = issuers.iter().position(|one| one == issuer);
            let at = known.unwrap_or_else(|| {
                issuers.push(issuer.clone());
                issuers.len().saturating_sub(1)
            });
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        let members = keys.iter().map(|(agent, keys)| RoundMember {
            agent: agent.as_bytes().to_vec(),
            seal_key: keys.seal_key.clone(),
            mask_key: keys.mask_key.clone(),
            blind_hash: keys.blind_hash.clone(),
            signature: keys.signature.clone(),
            certificate: keys.chain.first().cloned().unwrap_or_default(),
            issuers: keys.chain.iter().skip(1).map(&mut place).collect(),
            succession: keys.succession.clone(),
        });
        let members = members.collect();
        let threshold = u32::try_from(threshold).unwrap_or(u32::MAX);
        Self { about, threshold, members, issuers, nonces, silent }
    }

    /// The group, as the plants of it have signed.
    pub fn members(&self) -> Option<Vec<Advertise>> {
        let attempted = self.about.attempted()?;
        let member = |member: &RoundMember| {
            Some(Advertise {
                attempted,
                agent: Uuid::from_slice(&member.agent).ok()?,
                seal_key: bytes32(&member.seal_key)?,
                mask_key: bytes32(&member.mask_key)?,
                blind_hash: bytes32(&member.blind_hash)?,
                signature: member.signature.clone(),
            })
        };
        self.members.iter().map(member).collect()
    }

    /// The certificates of a member, its own first.
    pub fn chain(&self, member: &RoundMember) -> Option<Vec<Vec<u8>>> {
        let issuers = member.issuers.iter().map(|at| self.issuers.get(usize::try_from(*at).ok()?).cloned());
        std::iter::once(Some(member.certificate.clone())).chain(issuers).collect()
    }
}

/// 5 and 6: sealed shares, from a plant, or those that are for it.
#[derive(Clone, PartialEq, Message)]
pub struct RoundShares {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Each for one.
    #[prost(message, repeated, tag = "2")]
    pub shares: Vec<RoundShare>,
    /// By the plant that sends them; none on the way down.
    #[prost(bytes = "vec", tag = "3")]
    pub signature: Vec<u8>,
}

/// A sealed share.
#[derive(Clone, PartialEq, Message)]
pub struct RoundShare {
    /// To whom, or on the way down from whom: 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub agent: Vec<u8>,
    /// Sealed.
    #[prost(bytes = "vec", tag = "2")]
    pub bytes: Vec<u8>,
}

impl RoundShares {
    /// What a plant has made, by whom each is for; on the way down by whom each is from.
    pub fn of(about: About, shares: impl IntoIterator<Item = (Uuid, [u8; SEALED_BYTES])>) -> Self {
        let shares = shares
            .into_iter()
            .map(|(agent, bytes)| RoundShare { agent: agent.as_bytes().to_vec(), bytes: bytes.to_vec() });
        Self { about, shares: shares.collect(), signature: Vec::new() }
    }

    /// What a plant has made; none when one of them is nothing.
    pub fn made(&self, from: Uuid) -> Option<Vec<Sealed>> {
        self.pairs(|to, bytes| Sealed { from, to, bytes })
    }

    /// What is for a plant.
    pub fn came(&self, to: Uuid) -> Option<Vec<Sealed>> {
        self.pairs(|from, bytes| Sealed { from, to, bytes })
    }

    fn pairs(&self, make: impl Fn(Uuid, [u8; SEALED_BYTES]) -> Sealed) -> Option<Vec<Sealed>> {
        let one = |share: &RoundShare| {
            let bytes = share.bytes.as_slice().try_into().ok()?;
            Some(make(Uuid::from_slice(&share.agent).ok()?, bytes))
        };
        self.shares.iter().map(one).collect()
    }

    /// What the signature is over, besides attempt, kind and sender.
    pub fn content(&self) -> Vec<u8> {
        Self { signature: Vec::new(), ..self.clone() }.encode_to_vec()
    }
}

/// 7: a masked update is there to be fetched.
#[derive(Clone, PartialEq, Message)]
pub struct RoundMasked {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Its numbers.
    #[prost(uint64, tag = "2")]
    pub length: u64,
    /// SHA-256 of its bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub digest: Vec<u8>,
    /// By the plant, over the digest.
    #[prost(bytes = "vec", tag = "4")]
    pub signature: Vec<u8>,
}

/// From the aggregator, where plants agreed to be seen one by one: the update as it is, in a [`RoundMasked`].
#[derive(Clone, PartialEq, Message)]
pub struct RoundShow {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
}

/// From the aggregator: there is room, the masked update may come.
#[derive(Clone, PartialEq, Message)]
pub struct RoundFetch {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
}

/// 8, from the aggregator: whose masked updates came.
#[derive(Clone, PartialEq, Message)]
pub struct RoundSurvivors {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Their names, 16 bytes each.
    #[prost(bytes = "vec", tag = "2")]
    pub live: Vec<u8>,
}

/// 8, from a plant: it was told so.
#[derive(Clone, PartialEq, Message)]
pub struct RoundSigned {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Over roster and survivors.
    #[prost(bytes = "vec", tag = "2")]
    pub signature: Vec<u8>,
}

/// 9, from the aggregator: enough plants were told the same; shares are wanted.
#[derive(Clone, PartialEq, Message)]
pub struct RoundUnmask {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Whose updates are in the sum, 16 bytes each.
    #[prost(bytes = "vec", tag = "2")]
    pub live: Vec<u8>,
    /// Who shared and sent none.
    #[prost(bytes = "vec", tag = "3")]
    pub dead: Vec<u8>,
    /// Who signed, 16 bytes each.
    #[prost(bytes = "vec", tag = "4")]
    pub signers: Vec<u8>,
    /// What they signed with.
    #[prost(bytes = "vec", repeated, tag = "5")]
    pub signatures: Vec<Vec<u8>>,
}

impl RoundUnmask {
    /// As it is said.
    pub fn of(about: About, request: &Request) -> Self {
        let signers: Vec<Uuid> = request.signatures.iter().map(|(signer, _)| *signer).collect();
        Self {
            about,
            live: pack(&request.live),
            dead: pack(&request.dead),
            signers: pack(&signers),
            signatures: request.signatures.iter().map(|(_, signature)| signature.clone()).collect(),
        }
    }

    /// As it was meant.
    pub fn request(&self) -> Option<Request> {
        let signers = unpack(&self.signers)?;
        let signatures = signers.into_iter().zip(self.signatures.iter().cloned()).collect();
        Some(Request { live: unpack(&self.live)?, dead: unpack(&self.dead)?, signatures })
    }
}

/// 9, from a plant: one share for each plant of its group.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct RoundReveal {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Whose secret each is a share of, 16 bytes each.
    #[prost(bytes = "vec", tag = "2")]
    pub of: Vec<u8>,
    /// Shares, one after the other.
    #[prost(bytes = "vec", tag = "3")]
    pub shares: Vec<u8>,
    /// At which place the plant stands in the roster, from 1.
    #[prost(uint64, tag = "4")]
    pub holder: u64,
    /// By the plant.
    #[prost(bytes = "vec", tag = "5")]
    pub signature: Vec<u8>,
}

impl std::fmt::Debug for RoundReveal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RoundReveal {{ shares: {} bytes }}", self.shares.len())
    }
}

impl RoundReveal {
    /// As it is said.
    pub fn new(about: About, reveal: &Reveal) -> Self {
        let of: Vec<Uuid> = reveal.shares.iter().map(|(of, _)| *of).collect();
        let holder = reveal.shares.first().map_or(0, |(_, share)| share.holder());
        let shares = reveal.shares.iter().flat_map(|(_, share)| share.to_bytes().to_vec()).collect();
        Self { about, of: pack(&of), shares, holder, signature: Vec::new() }
    }

    /// As it was meant.
    pub fn reveal(&self, from: Uuid) -> Option<Reveal> {
        let (of, (shares, rest)) = (unpack(&self.of)?, self.shares.as_chunks::<SHARE_BYTES>());
        if of.len() != shares.len() || !rest.is_empty() {
            return None;
        }
        let share = |bytes| Share::from_bytes(self.holder, bytes).ok();
        let shares = of.into_iter().zip(shares).map(|(of, bytes)| Some((of, share(bytes)?)));
        Some(Reveal { from, shares: shares.collect::<Option<_>>()? })
    }

    /// What the signature is over, besides attempt, kind and sender.
    pub fn content(&self) -> Vec<u8> {
        Self { signature: Vec::new(), ..self.clone() }.encode_to_vec()
    }
}
