//! What is said in a federated round. Weights go in chunks between these messages, so that no frame grows; who sends
//! is known by the link, and what must be provable is signed over its attempt, its kind and its sender.

use prost::Message;
use uuid::Uuid;

use crate::privacy::keys::Bytes32;
use crate::privacy::roster::Attempted;

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
    /// Updates are to be seen one by one.
    #[prost(bool, tag = "22")]
    pub is_seen: bool,
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

/// From the aggregator: what all that take part have committed themselves to, as one digest. Training begins. What is
/// in it is told with the roster when groups are drawn: of a thousand plants it is longer than what most have to say.
#[derive(Clone, PartialEq, Message)]
pub struct RoundCohort {
    /// Which.
    #[prost(message, required, tag = "1")]
    pub about: About,
    /// Of all names and commitments: see [`crate::privacy::groups::cohort`].
    #[prost(bytes = "vec", tag = "3")]
    pub digest: Vec<u8>,
    /// How many they are.
    #[prost(uint32, tag = "4")]
    pub plants: u32,
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
    /// Mean loss, to two digits and at most 100: figures tell of a plant, too.
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
    /// Mean loss, to two digits.
    #[prost(float, tag = "3")]
    pub loss: f32,
    /// What its ledger holds once this round is paid.
    #[prost(double, tag = "4")]
    pub epsilon: f64,
    /// Rounds like this that its budget lasts for after it.
    #[prost(uint64, tag = "5")]
    pub rounds_left: u64,
    /// At which delta that is reckoned; an agent of an earlier release does not say.
    #[prost(double, optional, tag = "6")]
    pub delta: Option<f64>,
    /// Largest epsilon that the plant lets rounds spend.
    #[prost(double, optional, tag = "7")]
    pub budget: Option<f64>,
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
    /// Mean loss on what was held back, to two digits and at most 100.
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

pub(super) fn bytes32(bytes: &[u8]) -> Option<Bytes32> {
    bytes.try_into().ok()
}
