//! The sum, seen from a plant: keys, roster, shares, the masked update, who is left, and the one answer that opens it.

use std::collections::BTreeMap;

use fieldward_shared::identity::sha256;
use fieldward_shared::privacy::attempt::Attempt;
use fieldward_shared::privacy::groups::{cohort, commitment, draw};
use fieldward_shared::privacy::keys::Bytes32;
use fieldward_shared::privacy::refusal::Refusal;
use fieldward_shared::privacy::roster::Attempted;
use fieldward_shared::privacy::update::{LocalUpdate, Noised};
use fieldward_shared::wire::{
    About, Message, RoundBegin, RoundKeys, RoundMasked, RoundReveal, RoundRoster, RoundShares, RoundShow,
    RoundSigned, RoundSurvivors, RoundUnmask, unpack, unpack_pairs,
};
use uuid::Uuid;

use super::books::Group;
use super::known::Known;
use super::player::{Cohort, Player, Playing, Reply, Say, Why, mechanism, privacy};
use super::whole;

impl Player {
    /// An attempt begins: keys.
    pub(super) fn begin(&mut self, begin: RoundBegin, say: Say<'_>) -> Result<(), Why> {
        let attempted = begin.about.attempted().ok_or(Refusal::OutOfTurn)?;
        let playing = self.playing.as_mut().filter(|playing| playing.is_of(&attempted));
        let playing = playing.ok_or(Refusal::OutOfTurn)?;
        let trained = playing.trained.as_ref().ok_or(Refusal::OutOfTurn)?;
        let mechanism = mechanism(trained.spent).ok_or(Refusal::Update)?;
        let windows = (privacy(&playing.offer, attempted, mechanism), self.policy);
        let whole = whole::offered(&playing.offer, attempted, &self.policy)?;
        let (offer, policy) = whole.unwrap_or(windows);
        let known = Known::new(&self.credentials).map_err(Why::Identity)?;
        let (attempt, advertise) = Attempt::begin(offer, policy, playing.agent, &mut self.books, &known)?;
        let keys = RoundKeys::of(&advertise, known.chain.clone(), known.succession.clone());
        playing.attempt = Some((attempt, known, attempted));
        // What belongs to an earlier attempt is not said again.
        playing.said.retain(|(asked, _)| matches!(asked, Message::RoundOffer(_) | Message::RoundCohort(_)));
        playing.answer(begin.into(), keys, say);
        Ok(())
    }

    /// The roster: those who were drawn, and no others, and known by their keys.
    pub(super) fn share(&mut self, roster: RoundRoster, say: Say<'_>) -> Result<(), Why> {
        let playing = self.playing.as_mut().ok_or(Refusal::OutOfTurn)?;
        let members = roster.members().ok_or(Refusal::OutOfTurn)?;
        let group = playing.group(&roster, self.books.group())?;
        if !members.iter().all(|member| group.members.contains(&member.agent)) {
            return Err(Refusal::Draw.into());
        }
        let (attempt, known, attempted) = playing.attempt.as_mut().ok_or(Refusal::OutOfTurn)?;
        let keys = known.meet(&roster, &self.books)?;
        let threshold = usize::try_from(roster.threshold).unwrap_or(usize::MAX);
        let sealed = attempt.share(members, threshold, known)?;
        self.books.remember(group, &keys).map_err(Refusal::from)?;
        let sealed = sealed.into_iter().map(|one| (one.to, one.bytes));
        let mut shares = RoundShares::of(roster.about.clone(), sealed);
        shares.signature = known.say(attempted, "shares", &shares.content());
        playing.answer(roster.into(), shares, say);
        Ok(())
    }

    /// The shares of the others: with these it masks, and the update may be fetched.
    pub(super) fn mask(&mut self, shares: RoundShares, say: Say<'_>) -> Result<(), Why> {
        let playing = self.playing.as_mut().ok_or(Refusal::OutOfTurn)?;
        let sealed = shares.came(playing.agent).ok_or(Refusal::OutOfTurn)?;
        playing.in_turn(shares.about.attempted())?;
        let (attempt, ..) = playing.attempt.as_mut().ok_or(Refusal::OutOfTurn)?;
        attempt.receive(&sealed)?;
        let update = playing.update()?;
        let (attempt, ..) = playing.attempt.as_mut().ok_or(Refusal::OutOfTurn)?;
        let masked = attempt.mask(update, &mut self.books)?.to_bytes();
        playing.give(shares.about.clone(), shares.into(), masked, say)
    }

    /// The update by itself, where this plant agreed to that.
    pub(super) fn show(&mut self, show: RoundShow, say: Say<'_>) -> Result<(), Why> {
        let playing = self.playing.as_mut().ok_or(Refusal::OutOfTurn)?;
        playing.in_turn(show.about.attempted())?;
        let update = playing.update()?;
        let (attempt, ..) = playing.attempt.as_mut().ok_or(Refusal::OutOfTurn)?;
        let shown = attempt.show(update, &mut self.books)?.to_bytes();
        playing.give(show.about.clone(), show.into(), shown, say)
    }

    /// Who is left: signed.
    pub(super) fn sign(&mut self, survivors: RoundSurvivors, say: Say<'_>) -> Result<(), Why> {
        let playing = self.playing.as_mut().ok_or(Refusal::OutOfTurn)?;
        let live = unpack(&survivors.live).ok_or(Refusal::Survivors)?;
        playing.in_turn(survivors.about.attempted())?;
        let (attempt, known, _) = playing.attempt.as_mut().ok_or(Refusal::OutOfTurn)?;
        let signature = attempt.sign(&live, known)?;
        // The update came through: it need not be kept to be sent again.
        playing.said.retain(|(_, reply)| !matches!(reply, Reply::Masked(..)));
        let signed = RoundSigned { about: survivors.about.clone(), signature };
        playing.answer(survivors.into(), signed, say);
        Ok(())
    }

    /// Enough have signed the same: one share of each.
    pub(super) fn reveal(&mut self, unmask: RoundUnmask, say: Say<'_>) -> Result<(), Why> {
        let playing = self.playing.as_mut().ok_or(Refusal::OutOfTurn)?;
        let request = unmask.request().ok_or(Refusal::Survivors)?;
        playing.in_turn(unmask.about.attempted())?;
        let (attempt, known, attempted) = playing.attempt.as_mut().ok_or(Refusal::OutOfTurn)?;
        let reveal = attempt.reveal(&request, known)?;
        let mut reveal = RoundReveal::new(unmask.about.clone(), &reveal);
        reveal.signature = known.say(attempted, "reveal", &reveal.content());
        playing.answer(unmask.into(), reveal, say);
        Ok(())
    }
}

impl Playing {
    /// Whether an attempt is one at this round's sum.
    fn is_of(&self, attempted: &Attempted) -> bool {
        let own = &self.about;
        attempted.attempt > 0
            && (attempted.federation, attempted.round, attempted.model)
                == (own.federation, own.round, own.model)
    }

    /// Whether something is about the attempt that goes on.
    fn in_turn(&self, attempted: Option<Attempted>) -> Result<(), Refusal> {
        let goes_on = self.attempt.as_ref().map(|(_, _, attempted)| *attempted);
        if goes_on.is_some() && goes_on == attempted { Ok(()) } else { Err(Refusal::OutOfTurn) }
    }

    /// The group of the epoch: drawn anew from what all have thrown, or the one that is remembered.
    fn group(&self, roster: &RoundRoster, before: Option<&Group>) -> Result<Group, Refusal> {
        self.in_turn(roster.about.attempted())?;
        let epoch = roster.about.epoch;
        if roster.nonces.is_empty() {
            return before.filter(|group| group.epoch == epoch).cloned().ok_or(Refusal::Draw);
        }
        let thrown = unpack_pairs(&roster.nonces).ok_or(Refusal::Draw)?;
        let as_committed = self.is_whole(&thrown, &unpack_pairs(&roster.silent).ok_or(Refusal::Draw)?);
        let size = usize::try_from(self.offer.group).unwrap_or(usize::MAX);
        let groups = if as_committed { draw(&thrown, size) } else { Vec::new() };
        let own = groups.into_iter().find(|group| group.contains(&self.agent)).ok_or(Refusal::Draw)?;
        let group = Group { epoch, members: own.into_iter().collect() };
        match before {
            Some(before) if before.epoch > epoch || (before.epoch == epoch && *before != group) => {
                Err(Refusal::Draw)
            }
            _ => Ok(group),
        }
    }

    /// Whether these are all that committed themselves before anybody showed what he throws, this plant among them.
    fn is_whole(&self, thrown: &[(Uuid, Bytes32)], silent: &[(Uuid, Bytes32)]) -> bool {
        let mut all: BTreeMap<Uuid, Bytes32> = silent.iter().copied().collect();
        let shown = thrown.iter().map(|(agent, nonce)| (*agent, commitment(*agent, nonce)));
        let each_once = shown.map(|(agent, said)| all.insert(agent, said)).all(|before| before.is_none());
        let plants = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let is_here = all.get(&self.agent) == Some(&commitment(self.agent, &self.nonce));
        each_once && is_here && self.cohort == Some(Cohort { digest: cohort(&all), plants })
    }

    /// What was learnt, once: clipped, and with the noise of the ring.
    fn update(&mut self) -> Result<Noised, Refusal> {
        let (attempt, ..) = self.attempt.as_ref().ok_or(Refusal::OutOfTurn)?;
        let base = self.base.as_ref().ok_or(Refusal::Update)?;
        let trained = self.trained.take().ok_or(Refusal::Update)?;
        let update = LocalUpdate::between(base, &trained.weights)
            .and_then(|update| update.clip(attempt.ring().terms().clip))
            .and_then(|update| update.noise(attempt.ring()));
        update.map_err(|error| {
            tracing::warn!("the update of this plant: {error}");
            Refusal::Update
        })
    }

    /// Says that an update is there to be fetched, and remembers it.
    fn give(&mut self, about: About, asked: Message, bytes: Vec<u8>, say: Say<'_>) -> Result<(), Why> {
        let (_, known, attempted) = self.attempt.as_ref().ok_or(Refusal::OutOfTurn)?;
        let digest = sha256(&bytes).to_vec();
        let signature = known.say(attempted, "masked", &digest);
        let head = RoundMasked { about, length: bytes.len() as u64 / 4, digest, signature };
        let reply = Reply::Masked(head, bytes.into());
        self.said.push((asked, reply.clone()));
        say(reply);
        Ok(())
    }

    /// Answers, and remembers it.
    fn answer(&mut self, asked: Message, answer: impl Into<Message>, say: Say<'_>) {
        let reply = Reply::Say(answer.into());
        self.said.push((asked, reply.clone()));
        say(reply);
    }
}
