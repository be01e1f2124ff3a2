//! The aggregator's side: masked updates are added as they come, and the sum opens when enough plants have given
//! their shares. It holds one vector, whatever the number of plants, and sees nothing but the sum.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::attempt::Reveal;
use super::keys::{KeyPair, blind_hash};
use super::keystream::{Keystream, Secret};
use super::roster::Roster;
use super::shamir::{Joint, ShamirError, Share};
use super::update::Masked;

/// Why a message is not taken, or a sum stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not one of those who shared.
    #[error("{0} is not among those who shared their secrets in this attempt")]
    Stranger(Uuid),
    /// Sent before.
    #[error("{0} sent the same twice")]
    Twice(Uuid),
    /// Of another length.
    #[error("an update of {found} numbers came; this model has {wanted}")]
    Length {
        /// In the update.
        found: usize,
        /// In the model.
        wanted: usize,
    },
    /// Too few plants.
    #[error("{found} plants are left and {wanted} are needed; the sum stays closed, begin another attempt")]
    TooFew {
        /// That are left.
        found: usize,
        /// That are needed.
        wanted: usize,
    },
    /// A share is missing or of the wrong holder.
    #[error("what {0} gave are not the shares that were asked for")]
    Share(Uuid),
    /// No shares of enough plants fit together.
    #[error("the shares of {0}'s secret do not fit together; the sum stays closed, begin another attempt")]
    Secret(Uuid),
    /// Arithmetic.
    #[error(transparent)]
    Sharing(#[from] ShamirError),
}

/// A sum under way.
pub struct Gathering {
    roster: Roster,
    shared: BTreeSet<usize>,
    live: BTreeSet<usize>,
    sum: Vec<u32>,
}

/// An opened sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// In units of the ring.
    pub units: Vec<u32>,
    /// Of how many plants.
    pub plants: u32,
    /// Plants whose shares did not fit; the sum was opened without them.
    pub liars: BTreeSet<Uuid>,
}

impl Gathering {
    /// Of those of a roster who shared their secrets, for a model of `length` parameters.
    pub fn new(roster: Roster, shared: &[Uuid], length: usize) -> Result<Self, OpenError> {
        let mut places = BTreeSet::new();
        for agent in shared {
            let place = roster.place(*agent).ok_or(OpenError::Stranger(*agent))?;
            if !places.insert(place) {
                return Err(OpenError::Twice(*agent));
            }
        }
        enough(places.len(), roster.fewest())?;
        Ok(Self { roster, shared: places, live: BTreeSet::new(), sum: vec![0; length] })
    }

    /// Adds a plant's masked update, once.
    pub fn add(&mut self, from: Uuid, update: &Masked) -> Result<(), OpenError> {
        let place = self.roster.place(from).filter(|place| self.shared.contains(place));
        let place = place.ok_or(OpenError::Stranger(from))?;
        let (found, wanted) = (update.units().len(), self.sum.len());
        if found != wanted {
            return Err(OpenError::Length { found, wanted });
        }
        if !self.live.insert(place) {
            return Err(OpenError::Twice(from));
        }
        self.sum.iter_mut().zip(update.units()).for_each(|(sum, unit)| *sum = sum.wrapping_add(*unit));
        Ok(())
    }

    /// Whose updates are in it.
    pub fn live(&self) -> Vec<Uuid> {
        self.live.iter().map(|place| self.agent(*place)).collect()
    }

    /// Who shared and sent none.
    pub fn dead(&self) -> Vec<Uuid> {
        self.shared.difference(&self.live).map(|place| self.agent(*place)).collect()
    }

    /// Opens the sum: blinds of the live are taken off, and what pairs with the dead left in it.
    pub fn open(self, reveals: &[Reveal]) -> Result<Sum, OpenError> {
        enough(self.live.len(), self.roster.fewest())?;
        let mut given = self.given(reveals)?;
        enough(given.len(), self.roster.fewest())?;
        let mut opener = Opener::new(&given, self.roster.threshold())?;
        // All secrets first: nothing is taken off a sum that stays closed.
        let mut secrets = Vec::with_capacity(self.shared.len());
        for place in &self.shared {
            let secret = opener.open(*place, |secret| self.fits(*place, secret));
            secrets.push((*place, secret.ok_or(OpenError::Secret(self.agent(*place)))?));
        }
        let liars = opener.liars.iter().map(|place| self.agent(*place)).collect();
        given.clear();
        let (mut units, info) = (self.sum, self.roster.pair_info());
        for (place, secret) in secrets {
            if self.live.contains(&place) {
                Keystream::new(&secret).take_from(&mut units);
                continue;
            }
            let key = KeyPair::from_private(secret)
                .map_err(|_| OpenError::Secret(self.roster.members()[place].agent))?;
            for other in &self.live {
                let member = &self.roster.members()[*other];
                let seed =
                    key.derive(&member.mask_key, &[&info]).map_err(|_| OpenError::Secret(member.agent))?;
                let stream = Keystream::new(&seed);
                // The living one added it when the dead one stands behind it.
                if place > *other { stream.take_from(&mut units) } else { stream.add_to(&mut units) }
            }
        }
        Ok(Sum { units, plants: self.live.len() as u32, liars })
    }

    fn agent(&self, place: usize) -> Uuid {
        self.roster.members()[place].agent
    }

    /// Shares by who gave them and whose secret they open.
    fn given<'a>(&self, reveals: &'a [Reveal]) -> Result<Given<'a>, OpenError> {
        let mut given = Given::new();
        for reveal in reveals {
            let from = self.roster.place(reveal.from).filter(|place| self.live.contains(place));
            let from = from.ok_or(OpenError::Stranger(reveal.from))?;
            let wrong = OpenError::Share(reveal.from);
            let mut shares = BTreeMap::new();
            for (agent, share) in &reveal.shares {
                let of =
                    self.roster.place(*agent).filter(|place| self.shared.contains(place)).ok_or(wrong)?;
                if share.holder() != from as u64 + 1 || shares.insert(of, share).is_some() {
                    return Err(wrong);
                }
            }
            if shares.len() != self.shared.len() {
                return Err(wrong);
            }
            if given.insert(from, shares).is_some() {
                return Err(OpenError::Twice(reveal.from));
            }
        }
        Ok(given)
    }

    /// Whether this is the secret that the plant signed for.
    fn fits(&self, place: usize, secret: &Secret) -> bool {
        let member = &self.roster.members()[place];
        if self.live.contains(&place) {
            return blind_hash(secret) == member.blind_hash;
        }
        KeyPair::from_private(secret.clone()).is_ok_and(|key| *key.public() == member.mask_key)
    }
}

type Given<'a> = BTreeMap<usize, BTreeMap<usize, &'a Share>>;

/// Brings shares together: of the first plants that are enough, and when those do not fit, of others in turn.
struct Opener<'a> {
    given: &'a Given<'a>,
    joints: Vec<(Vec<usize>, Joint)>,
    liars: BTreeSet<usize>,
}

impl<'a> Opener<'a> {
    fn new(given: &'a Given<'a>, threshold: usize) -> Result<Self, OpenError> {
        let holders: Vec<usize> = given.keys().copied().collect();
        let turns = (0..holders.len()).map(|turn| {
            let chosen: Vec<usize> = holders.iter().cycle().skip(turn).take(threshold).copied().collect();
            let joint = Joint::new(&chosen.iter().map(|place| *place as u64 + 1).collect::<Vec<_>>())?;
            Ok((chosen, joint))
        });
        // With none left over there is one choice only.
        let turns = turns.take(if holders.len() > threshold { holders.len() } else { 1 });
        Ok(Self { given, joints: turns.collect::<Result<_, OpenError>>()?, liars: BTreeSet::new() })
    }

    fn open(&mut self, of: usize, fits: impl Fn(&Secret) -> bool) -> Option<Secret> {
        for nth in 0..self.joints.len() {
            let (chosen, joint) = &self.joints[nth];
            let Some(secret) = self.join(chosen, joint, of).filter(|secret| fits(secret)) else { continue };
            if nth > 0 {
                let chosen = chosen.clone();
                self.find_liars(&chosen, of, &secret);
                // Those that held are asked first from now on.
                self.joints.swap(0, nth);
            }
            return Some(secret);
        }
        None
    }

    fn join(&self, chosen: &[usize], joint: &Joint, of: usize) -> Option<Secret> {
        let shares = chosen.iter().map(|place| self.given.get(place)?.get(&of).copied());
        joint.open(&shares.collect::<Option<Vec<_>>>()?).ok()
    }

    /// Whoever in place of one who is right gives another secret.
    fn find_liars(&mut self, right: &[usize], of: usize, secret: &Secret) {
        let others: Vec<usize> = self.given.keys().filter(|place| !right.contains(place)).copied().collect();
        for other in others {
            let mut chosen = right.to_vec();
            chosen[0] = other;
            let joint = Joint::new(&chosen.iter().map(|place| *place as u64 + 1).collect::<Vec<_>>());
            let found = joint.ok().and_then(|joint| self.join(&chosen, &joint, of));
            if found.as_ref() != Some(secret) {
                self.liars.insert(other);
            }
        }
    }
}

fn enough(found: usize, wanted: usize) -> Result<(), OpenError> {
    if found < wanted { Err(OpenError::TooFew { found, wanted }) } else { Ok(()) }
}
