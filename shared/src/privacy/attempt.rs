//! A plant's side of one attempt: keys, roster, shares, the masked update, who is left, and the one answer that
//! opens the sum. It moves forward only; what is not as it must be is refused, which ends it and erases its
//! secrets. None of it is on disk, so a plant that restarts is one that dropped out.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::keys::{KeyPair, SEALED_BYTES, blind_hash, seal, unseal};
use super::keystream::{Keystream, Secret, secret};
use super::policy::{Books, Offer, Policy};
use super::refusal::Refusal;
use super::ring::Ring;
use super::roster::{Advertise, Identities, Roster};
use super::shamir::{Share, split};
use super::update::{Masked, Noised, Shown};

/// Shares of one plant for another, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Whose secrets.
    pub from: Uuid,
    /// Who may open them.
    pub to: Uuid,
    /// The shares of the blind and of the mask key.
    pub bytes: [u8; SEALED_BYTES],
}

/// What the aggregator shows to have a sum opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Whose masked updates are in the sum.
    pub live: Vec<Uuid>,
    /// Who shared and sent no update.
    pub dead: Vec<Uuid>,
    /// That so many plants were told the same.
    pub signatures: Vec<(Uuid, Vec<u8>)>,
}

/// One share of each plant of an attempt: of the blind of who is live, of the mask key of who is not, never both.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reveal {
    /// Who gives it.
    pub from: Uuid,
    /// Whose secret each is a share of.
    pub shares: Vec<(Uuid, Share)>,
}

/// What a plant has of an attempt.
pub struct Attempt {
    offer: Offer,
    policy: Policy,
    ring: Ring,
    own: Advertise,
    stage: Stage,
}

/// How far it is; the secrets are in it, so that they end with it.
enum Stage {
    Advertised(Secrets),
    Shared(Secrets, Roster, Share, Share),
    Ready(Secrets, Held),
    Sent(Held),
    Signed(Held, Vec<usize>),
    Answered(Request, Reveal),
    Over,
}

struct Secrets {
    seal: KeyPair,
    mask: KeyPair,
    blind: Secret,
}

/// Shares of others (and its own), by the place of whose secrets they are.
struct Held {
    roster: Roster,
    shares: BTreeMap<usize, (Share, Share)>,
}

impl Attempt {
    /// Takes part: the offer is held against limits and past, then remembered, then keys are made.
    pub fn begin(
        offer: Offer,
        policy: Policy,
        agent: Uuid,
        books: &mut impl Books,
        identities: &impl Identities,
    ) -> Result<(Self, Advertise), Refusal> {
        let ring = offer.check(&policy, books)?;
        let attempted = offer.attempted;
        let mut past = books.past();
        (past.round, past.attempt) = (attempted.round, attempted.attempt);
        books.keep(&past)?;
        let secrets = Secrets { seal: KeyPair::generate()?, mask: KeyPair::generate()?, blind: secret()? };
        let mut own = Advertise {
            attempted,
            agent,
            seal_key: *secrets.seal.public(),
            mask_key: *secrets.mask.public(),
            blind_hash: blind_hash(&secrets.blind),
            signature: Vec::new(),
        };
        own.signature = identities.sign(&own.signed()).ok_or(Refusal::Identity)?;
        let stage = Stage::Advertised(secrets);
        Ok((Self { offer, policy, ring, own: own.clone(), stage }, own))
    }

    /// The ring that the update must be made for.
    pub const fn ring(&self) -> &Ring {
        &self.ring
    }

    /// Whether it goes no further.
    pub const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    /// Takes the roster, and shares its secrets among its members.
    pub fn share(
        &mut self,
        members: Vec<Advertise>,
        threshold: usize,
        identities: &impl Identities,
    ) -> Result<Vec<Sealed>, Refusal> {
        let Stage::Advertised(secrets) = self.leave() else { return Err(Refusal::OutOfTurn) };
        if self.offer.is_seen {
            return Err(Refusal::OutOfTurn);
        }
        self.policy.check_group(members.len(), threshold)?;
        self.policy.check_noise(&self.offer.mechanism, threshold)?;
        self.check_members(&members, identities)?;
        let roster = Roster::new(self.offer.attempted, threshold, members);
        let count = roster.members().len();
        let own = roster.place(self.own.agent).ok_or(Refusal::OwnKeys)?;
        let mut blinds = split(&secrets.blind, threshold, count)?;
        let mut keys = split(secrets.mask.private(), threshold, count)?;
        let mut sealed = Vec::with_capacity(count);
        for (to, member) in roster.members().iter().enumerate().filter(|(to, _)| *to != own) {
            let key = secrets.seal.derive(&member.seal_key, &[&roster.seal_info(own, to)])?;
            let bytes = seal(&key, [&blinds[to].to_bytes(), &keys[to].to_bytes()])?;
            sealed.push(Sealed { from: self.own.agent, to: member.agent, bytes });
        }
        self.stage = Stage::Shared(secrets, roster, blinds.swap_remove(own), keys.swap_remove(own));
        Ok(sealed)
    }

    /// Takes the shares of those who sent theirs: with these it masks, no matter who goes later.
    pub fn receive(&mut self, sealed: &[Sealed]) -> Result<(), Refusal> {
        let Stage::Shared(secrets, roster, blind, key) = self.leave() else { return Err(Refusal::OutOfTurn) };
        let own = roster.place(self.own.agent).ok_or(Refusal::OwnKeys)?;
        let mut shares = BTreeMap::from([(own, (blind, key))]);
        for one in sealed {
            let from = roster.place(one.from).ok_or(Refusal::Unknown(one.from))?;
            if shares.contains_key(&from) {
                return Err(Refusal::Twice(one.from));
            }
            let misfit = || Refusal::Share(one.from);
            let theirs = &roster.members()[from].seal_key;
            let key = secrets.seal.derive(theirs, &[&roster.seal_info(from, own)])?;
            let [blind, mask] = unseal(&key, &one.bytes).map_err(|_| misfit())?;
            let share = |bytes| Share::from_bytes(own as u64 + 1, bytes).map_err(|_| misfit());
            shares.insert(from, (share(&blind)?, share(&mask)?));
        }
        enough(shares.len(), roster.fewest())?;
        self.stage = Stage::Ready(secrets, Held { roster, shares });
        Ok(())
    }

    /// Masks the update. It is written in the books, and its cost with it, before it is given away.
    pub fn mask(&mut self, update: Noised, books: &mut impl Books) -> Result<Masked, Refusal> {
        let Stage::Ready(secrets, held) = self.leave() else { return Err(Refusal::OutOfTurn) };
        let masks = held.masks(&secrets, self.own.agent)?;
        self.spend(&update, books)?;
        self.stage = Stage::Sent(held);
        Ok(update.mask(|units| masks.put_on(units)))
    }

    /// Gives the update away as it is, where this plant agrees to be seen and nobody is to be hidden among. It is
    /// written in the books, and its cost with it, before.
    pub fn show(&mut self, update: Noised, books: &mut impl Books) -> Result<Shown, Refusal> {
        let Stage::Advertised(_) = self.leave() else { return Err(Refusal::OutOfTurn) };
        if !self.offer.is_seen {
            return Err(Refusal::OutOfTurn);
        }
        let consent = self.policy.consent()?;
        self.spend(&update, books)?;
        Ok(update.show(consent))
    }

    /// Writes it down that an update is given away, once.
    fn spend(&self, update: &Noised, books: &mut impl Books) -> Result<(), Refusal> {
        if *update.ring() != self.ring || !self.offer.mechanism_fits(update.length()) {
            return Err(Refusal::Update);
        }
        let mut past = books.past();
        let round = self.offer.attempted.round;
        if past.update == Some(update.fingerprint()) {
            return Err(Refusal::SameUpdate);
        }
        if past.masked.is_some_and(|masked| masked >= round) {
            return Err(Refusal::TwoSets(round));
        }
        let event = self.offer.event();
        if !books.affords(&event) {
            return Err(Refusal::Budget(event.unit.name()));
        }
        (past.masked, past.update) = (Some(round), Some(update.fingerprint()));
        Ok(books.spend(&past, &event)?)
    }

    /// Hears who is left, and signs it.
    pub fn sign(&mut self, live: &[Uuid], identities: &impl Identities) -> Result<Vec<u8>, Refusal> {
        let Stage::Sent(held) = self.leave() else { return Err(Refusal::OutOfTurn) };
        let places = held.survivors(live, self.own.agent)?;
        let signed = held.roster.survivors_signed(&places);
        let signature = identities.sign(&signed).ok_or(Refusal::Identity)?;
        self.stage = Stage::Signed(held, places);
        Ok(signature)
    }

    /// Gives its shares, once enough plants have signed the same survivors. The same request again, as after a
    /// restart of the aggregator, gets the same answer.
    pub fn reveal(&mut self, request: &Request, identities: &impl Identities) -> Result<Reveal, Refusal> {
        let (mut held, places) = match self.leave() {
            Stage::Signed(held, places) => (held, places),
            Stage::Answered(before, reveal) if before == *request => {
                self.stage = Stage::Answered(before, reveal.clone());
                return Ok(reveal);
            }
            Stage::Answered(..) => return Err(Refusal::SecondRequest),
            _ => return Err(Refusal::OutOfTurn),
        };
        held.check_request(request, self.own.agent, &places, identities)?;
        let members = held.roster.members();
        let shares = std::mem::take(&mut held.shares).into_iter().map(|(place, (blind, key))| {
            let share = if places.binary_search(&place).is_ok() { blind } else { key };
            (members[place].agent, share)
        });
        let reveal = Reveal { from: self.own.agent, shares: shares.collect() };
        self.stage = Stage::Answered(request.clone(), reveal.clone());
        Ok(reveal)
    }

    /// Whatever fails from here on ends the attempt: the secrets are gone with the stage.
    const fn leave(&mut self) -> Stage {
        std::mem::replace(&mut self.stage, Stage::Over)
    }

    fn check_members(&self, members: &[Advertise], identities: &impl Identities) -> Result<(), Refusal> {
        let mut seen = BTreeSet::new();
        for member in members {
            if !seen.insert(member.agent) {
                return Err(Refusal::Twice(member.agent));
            }
            if member.agent == self.own.agent {
                continue;
            }
            if member.attempted != self.own.attempted {
                return Err(Refusal::Model(member.agent));
            }
            if !identities.knows(member.agent) {
                return Err(Refusal::Unknown(member.agent));
            }
            if !identities.verify(member.agent, &member.signed(), &member.signature) {
                return Err(Refusal::Signature(member.agent));
            }
        }
        // One plant under two names would have two voices when a sum is opened.
        let keys: BTreeSet<_> =
            members.iter().flat_map(|member| [member.seal_key, member.mask_key]).collect();
        if !members.contains(&self.own) || keys.len() != 2 * members.len() {
            return Err(Refusal::OwnKeys);
        }
        Ok(())
    }
}

/// What is added to an update.
struct Masks {
    blind: Secret,
    /// Seeds of the pairs, and whether this plant adds the stream or takes it off.
    pairs: Vec<(Secret, bool)>,
}

impl Masks {
    fn put_on(self, units: &mut [u32]) {
        Keystream::new(&self.blind).add_to(units);
        for (seed, adds) in &self.pairs {
            let stream = Keystream::new(seed);
            if *adds { stream.add_to(units) } else { stream.take_from(units) }
        }
    }
}

impl Held {
    fn masks(&self, secrets: &Secrets, agent: Uuid) -> Result<Masks, Refusal> {
        let own = self.roster.place(agent).ok_or(Refusal::OwnKeys)?;
        let info = self.roster.pair_info();
        let others = self.shares.keys().filter(|place| **place != own);
        let pairs = others.map(|place| {
            let seed = secrets.mask.derive(&self.roster.members()[*place].mask_key, &[&info])?;
            Ok((seed, *place > own))
        });
        Ok(Masks { blind: secrets.blind.clone(), pairs: pairs.collect::<Result<_, Refusal>>()? })
    }

    fn survivors(&self, live: &[Uuid], agent: Uuid) -> Result<Vec<usize>, Refusal> {
        enough(live.len(), self.roster.fewest())?;
        let places = self.roster.places(live).ok_or(Refusal::Survivors)?;
        let shared = places.iter().all(|place| self.shares.contains_key(place));
        if !shared || !live.contains(&agent) {
            return Err(Refusal::Survivors);
        }
        Ok(places)
    }

    fn check_request(
        &self,
        request: &Request,
        agent: Uuid,
        told: &[usize],
        identities: &impl Identities,
    ) -> Result<(), Refusal> {
        for place in self.shares.keys() {
            let member = self.roster.members()[*place].agent;
            if request.live.contains(&member) == request.dead.contains(&member) {
                return Err(Refusal::LiveAndDead(member));
            }
        }
        if request.live.len() + request.dead.len() != self.shares.len() {
            return Err(Refusal::Survivors);
        }
        if self.survivors(&request.live, agent)? != told {
            return Err(Refusal::SecondRequest);
        }
        let signed = self.roster.survivors_signed(told);
        let mut voices = BTreeSet::new();
        for (signer, signature) in request.signatures.iter().take(self.roster.members().len()) {
            if request.live.contains(signer) && identities.verify(*signer, &signed, signature) {
                voices.insert(*signer);
            }
        }
        let wanted = self.roster.fewest();
        if voices.len() < wanted {
            return Err(Refusal::Signatures { found: voices.len(), wanted });
        }
        Ok(())
    }
}

fn enough(found: usize, wanted: usize) -> Result<(), Refusal> {
    if found < wanted { Err(Refusal::TooFew { found, wanted }) } else { Ok(()) }
}

impl Offer {
    /// Noise in the sum is reckoned for a length.
    fn mechanism_fits(&self, length: usize) -> bool {
        match self.mechanism {
            super::accountant::event::Mechanism::Discrete(noise) => noise.length == length as u64,
            _ => true,
        }
    }
}
