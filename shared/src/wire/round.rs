//! What is said in a federated round. Weights go in chunks between these messages, so that no frame grows; who sends
//! is known by the link, and what must be provable is signed over its attempt, its kind and its sender.

use prost::Message;
use uuid::Uuid;

use crate::privacy::attempt::{Request, Reveal, Sealed};
use crate::privacy::keys::{Bytes32, SEALED_BYTES};
use crate::privacy::roster::{Advertise, Attempted};
use crate::privacy::shamir::{SHARE_BYTES, Share};

/// Bytes of weights in a chunk.
pub const CHUNK: usize = 64 << 10;
/// Most plants of a round: a cohort must fit into a frame.
pub const MOST_PLANTS: usize = 4096;

/// Which attempt of which round a message is about.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct About {
    /// Those who learn together: 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub federation: Vec<u8>,
    /// As long as groups stay.
    #[prost(uint64, tag = "2")]
    pub epoch: u64,
    /// The round.
    #[prost(uint64, tag = "3")]
    pub round: u64,
    /// From 1; 0 before there is one.
    #[prost(uint32, tag = "4")]
    pub attempt: u32,
    /// SHA-256 of the model that is trained from.
    #[prost(bytes = "vec", tag = "5")]
    pub model: Vec<u8>,
}

impl About {
    /// As it is said.
    pub fn of(attempted: &Attempted) -> Self {
        let Attempted { federation, epoch, round, attempt, model } = *attempted;
        Self { federation: federation.as_bytes().to_vec(), epoch, round, attempt, model: model.to_vec() }
    }

    /// As it was meant; none when it is nothing.
    pub fn attempted(&self) -> Option<Attempted> {
        Some(Attempted {
            federation: Uuid::from_slice(&self.federation).ok()?,
            epoch: self.epoch,
            round: self.round,
            attempt: self.attempt,
            model: bytes32(&self.model)?,
        })
    }
}

/// 1, from the aggregator: what a round asks. Its model follows to whoever does not have it.
#[derive(Clone, PartialEq, Message)]
pub struct RoundOffer {
    /// Which; no attempt yet.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// The round that made the model; none for one that was brought.
    #[prost(uint64, optional, tag = "2")]
    pub made_in: Option<u64>,
    /// SHA-256 of the models it came of, the nearest first.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub ancestors: Vec<Vec<u8>>,
    /// Which network.
    #[prost(string, tag = "4")]
    pub network: String,
    /// Hash of its layout.
    #[prost(uint64, tag = "5")]
    pub layout: u64,
    /// Hash of what it is fed with.
    #[prost(uint64, tag = "6")]
    pub schema: u64,
    /// Its parameters.
    #[prost(uint64, tag = "7")]
    pub length: u64,
    /// A unit of the sum is two to the minus this.
    #[prost(uint32, tag = "8")]
    pub bits: u32,
    /// Largest norm of an update.
    #[prost(double, tag = "9")]
    pub clip: f64,
    /// Most updates of a sum.
    #[prost(uint32, tag = "10")]
    pub members: u32,
    /// Deviation of the noise that each plant adds to its update, in units; 0 when windows are protected.
    #[prost(uint64, tag = "11")]
    pub deviation: u64,
    /// Honest plants whose noise is certainly in a sum, when plants are protected.
    #[prost(uint32, tag = "12")]
    pub plants: u32,
    /// Noise of training, as a multiple of `window_clip`.
    #[prost(double, tag = "13")]
    pub noise: f64,
    /// Norm to which what a window says is cut.
    #[prost(double, tag = "14")]
    pub window_clip: f64,
    /// How often each window is seen.
    #[prost(uint32, tag = "15")]
    pub epochs: u32,
    /// Windows of a step.
    #[prost(uint32, tag = "16")]
    pub batch: u32,
    /// How far a step goes.
    #[prost(double, tag = "17")]
    pub rate: f64,
    /// Pull to the model of the round.
    #[prost(double, tag = "18")]
    pub proximal: f64,
    /// Chance begins here.
    #[prost(uint64, tag = "19")]
    pub seed: u64,
    /// Plants that are to be in a group.
    #[prost(uint32, tag = "20")]
    pub group: u32,
    /// Until when training may take, in microseconds of the aggregator's clock.
    #[prost(uint64, tag = "21")]
    pub deadline: u64,
}

/// To [`RoundOffer`]: the plant takes part.
#[derive(Clone, PartialEq, Message)]
pub struct RoundAccept {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// It has the model.
    #[prost(bool, tag = "2")]
    pub has_model: bool,
    /// SHA-256 of what it throws into the draw of groups, before anybody shows his.
    #[prost(bytes = "vec", tag = "3")]
    pub commitment: Vec<u8>,
}

/// A piece of weights, little-endian, four bytes each. Pieces come in order.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct Weights {
    /// Bytes before it.
    #[prost(uint64, tag = "1")]
    pub before: u64,
    /// At most [`CHUNK`].
    #[prost(bytes = "bytes", tag = "2")]
    pub bytes: bytes::Bytes,
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Weights {{ before: {}, bytes: {} }}", self.before, self.bytes.len())
    }
}

/// From the aggregator: who takes part, and what each has committed itself to. Training begins.
#[derive(Clone, PartialEq, Message)]
pub struct RoundCohort {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// For each the name and the commitment: 48 bytes, in the order of names.
    #[prost(bytes = "vec", tag = "2")]
    pub commitments: Vec<u8>,
}

/// How far training is.
#[derive(Clone, PartialEq, Message)]
pub struct RoundProgress {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Epochs that are done.
    #[prost(uint32, tag = "2")]
    pub epoch: u32,
    /// Epochs in all.
    #[prost(uint32, tag = "3")]
    pub epochs: u32,
    /// Mean loss, to three digits: figures tell of a plant, too.
    #[prost(float, tag = "4")]
    pub loss: f32,
}

/// 2: the plant has trained.
#[derive(Clone, PartialEq, Message)]
pub struct RoundReady {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// What it throws into the draw: 32 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub nonce: Vec<u8>,
    /// Mean loss, to three digits.
    #[prost(float, tag = "3")]
    pub loss: f32,
    /// What its ledger holds once this round is paid.
    #[prost(double, tag = "4")]
    pub epsilon: f64,
    /// Rounds like this that its budget lasts for after it.
    #[prost(uint64, tag = "5")]
    pub rounds_left: u64,
}

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
    /// The keys of some agents, in their order.
    pub fn of(about: About, threshold: usize, keys: &[(Uuid, &RoundKeys)], nonces: Vec<u8>) -> Self {
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
        Self { about, threshold: u32::try_from(threshold).unwrap_or(u32::MAX), members, issuers, nonces }
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

/// 10, from the aggregator: the model that came of the round follows, to be judged.
#[derive(Clone, PartialEq, Message)]
pub struct RoundCandidate {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// SHA-256 of its weights.
    #[prost(bytes = "vec", tag = "2")]
    pub digest: Vec<u8>,
    /// Its version.
    #[prost(uint64, tag = "3")]
    pub version: u64,
    /// Of which network: a plant that has started anew does not know the round.
    #[prost(string, tag = "4")]
    pub network: String,
    /// Its parameters.
    #[prost(uint64, tag = "5")]
    pub length: u64,
}

/// 10, from a plant: what it thinks of it.
#[derive(Clone, PartialEq, Message)]
pub struct RoundVote {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Of what.
    #[prost(bytes = "vec", tag = "2")]
    pub digest: Vec<u8>,
    /// Whether it is no worse than what is at work there.
    #[prost(bool, tag = "3")]
    pub accepts: bool,
    /// Mean loss on what was held back, to three digits.
    #[prost(float, tag = "4")]
    pub loss: f32,
    /// Share of that which it gets right, to two digits.
    #[prost(float, tag = "5")]
    pub accuracy: f32,
    /// By the plant.
    #[prost(bytes = "vec", tag = "6")]
    pub signature: Vec<u8>,
}

impl RoundVote {
    /// What the signature is over, besides attempt, kind and sender.
    pub fn content(&self) -> Vec<u8> {
        Self { signature: Vec::new(), ..self.clone() }.encode_to_vec()
    }
}

/// 11, from the aggregator: the round is over.
#[derive(Clone, PartialEq, Message)]
pub struct RoundEnd {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// SHA-256 of the model that was promoted; nothing when none was.
    #[prost(bytes = "vec", tag = "2")]
    pub promoted: Vec<u8>,
    /// Its version.
    #[prost(uint64, tag = "3")]
    pub version: u64,
    /// Why there is none.
    #[prost(string, tag = "4")]
    pub reason: String,
}

/// From a plant: it goes no further, and why.
#[derive(Clone, PartialEq, Message)]
pub struct RoundRefusal {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// A word for programs.
    #[prost(string, tag = "2")]
    pub name: String,
    /// In words.
    #[prost(string, tag = "3")]
    pub words: String,
    /// By the plant, when it can sign.
    #[prost(bytes = "vec", tag = "4")]
    pub signature: Vec<u8>,
}

/// From the aggregator: stand still, or go on. What was trained is kept.
#[derive(Clone, PartialEq, Message)]
pub struct RoundHold {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Whether to stand still.
    #[prost(bool, tag = "2")]
    pub paused: bool,
}

/// Names one after the other.
pub fn pack(agents: &[Uuid]) -> Vec<u8> {
    agents.iter().flat_map(|agent| *agent.as_bytes()).collect()
}

/// Names that were packed; none when something is left over, or there are too many.
pub fn unpack(bytes: &[u8]) -> Option<Vec<Uuid>> {
    let (names, rest) = bytes.as_chunks::<16>();
    let fits = rest.is_empty() && names.len() <= MOST_PLANTS;
    fits.then(|| names.iter().map(|name| Uuid::from_bytes(*name)).collect())
}

/// Names with 32 bytes each.
pub fn pack_pairs<'a>(pairs: impl IntoIterator<Item = (&'a Uuid, &'a Bytes32)>) -> Vec<u8> {
    pairs.into_iter().flat_map(|(agent, bytes)| agent.as_bytes().iter().chain(bytes).copied()).collect()
}

/// The same, read; in the order of names and each once.
pub fn unpack_pairs(bytes: &[u8]) -> Option<Vec<(Uuid, Bytes32)>> {
    let (pairs, rest) = bytes.as_chunks::<48>();
    if !rest.is_empty() || pairs.len() > MOST_PLANTS {
        return None;
    }
    let pair = |pair: &[u8; 48]| {
        let (name, bytes) = pair.split_first_chunk::<16>()?;
        Some((Uuid::from_bytes(*name), bytes.try_into().ok()?))
    };
    let pairs: Vec<(Uuid, Bytes32)> = pairs.iter().map(pair).collect::<Option<_>>()?;
    pairs.is_sorted_by(|(one, _), (next, _)| one < next).then_some(pairs)
}

fn bytes32(bytes: &[u8]) -> Option<Bytes32> {
    bytes.try_into().ok()
}
