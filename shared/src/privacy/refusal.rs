//! What a plant refuses, and why: its defence against its own aggregator. Each refusal ends the attempt on that
//! plant, is counted under its name, and can be signed, so that it stays provable who was told what.

use uuid::Uuid;

use super::keys::KeyError;
use super::keystream::NoRandomness;
use super::ring::RingError;
use super::roster::{Attempted, Identities};
use super::shamir::ShamirError;

/// Why a plant goes no further in an attempt.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// Another federation.
    #[error("this round is of another federation")]
    Federation,
    /// Units, norm and members that make no ring.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The clip norm is larger than this plant allows.
    #[error("updates are to be clipped to {asked}; this plant allows {allowed}")]
    Clip {
        /// That is asked for.
        asked: f64,
        /// By its policy.
        allowed: f64,
    },
    /// Less noise than this plant wants, or for another unit of privacy.
    #[error("{unit} noise of {asked} clip norms is offered; this plant wants {wanted}")]
    Noise {
        /// Of which unit.
        unit: &'static str,
        /// That is offered.
        asked: f64,
        /// By its policy.
        wanted: f64,
    },
    /// Updates are to be seen one by one, and this plant does not agree to that.
    #[error(
        "updates are to be seen one by one; this plant's configuration does not allow that (privacy.may_be_seen)"
    )]
    Seen,
    /// The privacy budget does not last.
    #[error("the {0} budget does not last for this round; raise it or take no part any more")]
    Budget(&'static str),
    /// A round or attempt that is not after the last one.
    #[error(
        "round {round} attempt {attempt} is not after round {last_round} attempt {last_attempt}, the last one here"
    )]
    Old {
        /// That was offered.
        round: u64,
        /// Which attempt.
        attempt: u32,
        /// Last that began here.
        last_round: u64,
        /// Which attempt.
        last_attempt: u32,
    },
    /// The update was sent already, to another set of plants.
    #[error("an update of round {0} was masked already; it is not masked for another set of plants")]
    TwoSets(u64),
    /// The same update, in another round.
    #[error("this update was sent in an earlier round; train anew")]
    SameUpdate,
    /// The model does not come from the last that was accepted here.
    #[error("the model does not descend from the one that was accepted here")]
    Descent,
    /// The plant sent an update for this model and was never asked for its vote.
    #[error("the model of round {0} was never put to this plant's vote")]
    VoteSkipped(u64),
    /// Too few or too many plants in the group.
    #[error("a group of {found} plants; this plant takes {fewest} to {most}")]
    Group {
        /// That are in it.
        found: usize,
        /// Fewest.
        fewest: usize,
        /// Most.
        most: usize,
    },
    /// A threshold that lets too few open the sum, or nobody.
    #[error("{found} of {members} plants could open the sum; at least {wanted} must be needed")]
    Threshold {
        /// That is offered.
        found: usize,
        /// Plants of the group.
        members: usize,
        /// Fewest.
        wanted: usize,
    },
    /// Not of the federation, or not of the roster.
    #[error("{0} does not belong here")]
    Unknown(Uuid),
    /// Twice in the same list.
    #[error("{0} is named twice")]
    Twice(Uuid),
    /// This plant's own keys are missing or not those it sent.
    #[error("the roster does not hold the keys that this plant sent")]
    OwnKeys,
    /// Keys that are for another attempt, round or model.
    #[error("{0} works on another model, round or attempt")]
    Model(Uuid),
    /// A signature that is not of who is named.
    #[error("what is said in the name of {0} was not signed by it")]
    Signature(Uuid),
    /// A key that was never seen under this name, and does not follow from the one that was.
    #[error("the key of {0} is another than was seen here, and the earlier one has not named it")]
    KeyChanged(Uuid),
    /// The group is not the one that was drawn.
    #[error("this group is not the one that comes of what all have thrown, or not that of this epoch")]
    Draw,
    /// Shares that cannot be opened or are none.
    #[error("the shares of {0} do not fit")]
    Share(Uuid),
    /// Too few plants are left.
    #[error("{found} plants are left and {wanted} are needed; the sum stays closed")]
    TooFew {
        /// That are left.
        found: usize,
        /// That are needed.
        wanted: usize,
    },
    /// Those left are not of those who shared, or not this plant.
    #[error("those who are said to be left are not of this attempt, or this plant is not among them")]
    Survivors,
    /// A plant named as live and as dead, or as neither.
    #[error("{0} is named as live and as dead, or as neither")]
    LiveAndDead(Uuid),
    /// Too few plants signed the same survivors.
    #[error("{found} plants signed who is left and {wanted} are needed")]
    Signatures {
        /// Good ones.
        found: usize,
        /// That are needed.
        wanted: usize,
    },
    /// Asked again, and otherwise.
    #[error("who is left was told otherwise before; nothing more is said")]
    SecondRequest,
    /// A message that is not due.
    #[error("this message is not due now")]
    OutOfTurn,
    /// The update is not of the ring or the protection that was agreed on.
    #[error("the update was not made for the terms of this round")]
    Update,
    /// The plant's books could not be written.
    #[error("the books could not be written ({0}); nothing was sent")]
    Books(String),
    /// This plant's identity does not sign.
    #[error("this plant's identity cannot sign; renew it")]
    Identity,
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Sharing.
    #[error(transparent)]
    Sharing(#[from] ShamirError),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl Refusal {
    /// Under what it is counted.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Federation => "federation",
            Self::Ring(_) => "ring",
            Self::Clip { .. } => "clip",
            Self::Noise { .. } => "noise",
            Self::Seen => "seen",
            Self::Budget(_) => "budget",
            Self::Old { .. } => "old",
            Self::TwoSets(_) => "two_sets",
            Self::SameUpdate => "same_update",
            Self::Descent => "descent",
            Self::VoteSkipped(_) => "vote_skipped",
            Self::Group { .. } => "group",
            Self::Threshold { .. } => "threshold",
            Self::Unknown(_) => "unknown",
            Self::Twice(_) => "twice",
            Self::OwnKeys => "own_keys",
            Self::Model(_) => "model",
            Self::Signature(_) => "signature",
            Self::KeyChanged(_) => "key_changed",
            Self::Draw => "draw",
            Self::Share(_) => "share",
            Self::TooFew { .. } => "too_few",
            Self::Survivors => "survivors",
            Self::LiveAndDead(_) => "live_and_dead",
            Self::Signatures { .. } => "signatures",
            Self::SecondRequest => "second_request",
            Self::OutOfTurn => "out_of_turn",
            Self::Update => "update",
            Self::Books(_) => "books",
            Self::Identity => "identity",
            Self::Key(_) => "key",
            Self::Sharing(_) => "sharing",
            Self::NoRandomness(_) => "no_randomness",
        }
    }

    /// What a plant signs to say that it refused; none when it cannot sign.
    pub fn sign(&self, attempted: &Attempted, identities: &impl Identities) -> Option<Vec<u8>> {
        identities.sign(&self.signed(attempted))
    }

    /// What is signed.
    pub fn signed(&self, attempted: &Attempted) -> Vec<u8> {
        let mut bytes = attempted.bytes("refused");
        bytes.extend_from_slice(self.name().as_bytes());
        bytes
    }
}
