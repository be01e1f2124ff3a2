//! Whole attempts: sums that are exact whoever drops out, and aggregators that cheat.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use proptest::prelude::*;
use uuid::Uuid;

use super::accountant::event::{Discrete, Event, Mechanism, Unit};
use super::attempt::{Attempt, Request, Reveal, Sealed};
use super::keystream::Keystream;
use super::opening::{Gathering, OpenError, Sum};
use super::policy::{Books, NotWritten, Offer, Past, Policy};
use super::refusal::Refusal;
use super::ring::{Ring, Terms};
use super::roster::{Advertise, Attempted, Identities, Roster, threshold};
use super::shamir::{SHARE_BYTES, Share};
use super::update::{LocalUpdate, Masked, Noised};

/// Identities with keys of Ed25519.
struct Known {
    own: Ed25519KeyPair,
    all: Arc<BTreeMap<Uuid, Vec<u8>>>,
}

impl Identities for Known {
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(self.own.sign(message).as_ref().to_vec())
    }

    fn knows(&self, agent: Uuid) -> bool {
        self.all.contains_key(&agent)
    }

    fn verify(&self, agent: Uuid, message: &[u8], signature: &[u8]) -> bool {
        self.all
            .get(&agent)
            .is_some_and(|key| UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok())
    }
}

/// Books in memory.
#[derive(Default)]
struct Memory {
    past: Past,
    spent: Vec<Event>,
    is_poor: bool,
    is_broken: bool,
}

impl Books for Memory {
    fn past(&self) -> Past {
        self.past
    }

    fn affords(&self, _: &Event) -> bool {
        !self.is_poor
    }

    fn keep(&mut self, past: &Past) -> Result<(), NotWritten> {
        if self.is_broken {
            return Err(NotWritten("no space".to_owned()));
        }
        self.past = *past;
        Ok(())
    }

    fn spend(&mut self, past: &Past, event: &Event) -> Result<(), NotWritten> {
        self.keep(past)?;
        self.spent.push(*event);
        Ok(())
    }
}

struct Plant {
    agent: Uuid,
    books: Memory,
    known: Known,
}

const FEDERATION: Uuid = Uuid::from_u128(7);
const LENGTH: usize = 50;

fn plants(count: usize) -> Vec<Plant> {
    let keys: Vec<_> = (0..count).map(|_| Ed25519KeyPair::generate().unwrap()).collect();
    let name = |nth: usize| Uuid::from_u128(1000 - nth as u128);
    let all = keys.iter().enumerate().map(|(nth, key)| (name(nth), key.public_key().as_ref().to_vec()));
    let all = Arc::new(all.collect::<BTreeMap<_, _>>());
    let keys = keys.into_iter().enumerate();
    keys.map(|(nth, own)| Plant {
        agent: name(nth),
        books: Memory::default(),
        known: Known { own, all: all.clone() },
    })
    .collect()
}

fn attempted(round: u64, attempt: u32) -> Attempted {
    Attempted { federation: FEDERATION, epoch: 1, round, attempt, model: [4; 32] }
}

fn offer(attempted: Attempted) -> Offer {
    Offer {
        attempted,
        made_in: None,
        ancestors: vec![],
        ring: Terms { bits: 20, clip: 1.0, members: 100, deviation: 0 },
        unit: Unit::Window,
        mechanism: Mechanism::Sampled { noise: 1.0, rate: 0.01, steps: 100 },
        is_seen: false,
    }
}

fn policy() -> Policy {
    let unit = Unit::Window;
    Policy {
        federation: FEDERATION,
        fewest: 3,
        most: 128,
        clip: 1.0,
        unit,
        noise: 1.0,
        plant_noise: 0.0,
        colluders: 0,
        may_be_seen: false,
    }
}

fn update(seed: u8) -> Noised {
    let mut chance = Keystream::new(&[seed; 32]);
    let values = (0..LENGTH).map(|_| chance.next_u32() as f32 / u32::MAX as f32 - 0.5).collect();
    let ring = Ring::new(offer(attempted(1, 1)).ring).unwrap();
    LocalUpdate::new(values).unwrap().clip(1.0).unwrap().noise_by(&ring, &mut chance).unwrap()
}

fn begin(plant: &mut Plant, offer: Offer) -> Result<(Attempt, Advertise), Refusal> {
    Attempt::begin(offer, policy(), plant.agent, &mut plant.books, &plant.known)
}

/// A group whose plants have begun.
struct Group {
    plants: Vec<Plant>,
    attempts: Vec<Attempt>,
    members: Vec<Advertise>,
}

impl Group {
    fn begin(count: usize) -> Self {
        Self::begin_with(plants(count), attempted(1, 1))
    }

    fn begin_with(mut plants: Vec<Plant>, attempted: Attempted) -> Self {
        let begun = plants.iter_mut().map(|plant| begin(plant, offer(attempted)).unwrap());
        let (attempts, members) = begun.unzip();
        Self { plants, attempts, members }
    }

    fn roster(&self) -> Roster {
        Roster::new(self.members[0].attempted, threshold(self.members.len()), self.members.clone())
    }

    fn share(&mut self) -> Vec<Sealed> {
        let (members, threshold) = (self.members.clone(), threshold(self.members.len()));
        let pairs = self.attempts.iter_mut().zip(&self.plants);
        pairs
            .flat_map(|(attempt, plant)| attempt.share(members.clone(), threshold, &plant.known).unwrap())
            .collect()
    }

    /// Shares go to those who are left, from those who are left.
    fn receive(&mut self, sealed: &[Sealed], gone: &[usize]) -> Vec<Uuid> {
        let shared: Vec<Uuid> = self.left(gone).into_iter().map(|nth| self.plants[nth].agent).collect();
        for nth in self.left(gone) {
            let own = self.plants[nth].agent;
            let for_it = sealed.iter().filter(|one| one.to == own && shared.contains(&one.from));
            self.attempts[nth].receive(&for_it.cloned().collect::<Vec<_>>()).unwrap();
        }
        shared
    }

    fn mask(&mut self, nth: usize) -> Result<Masked, Refusal> {
        self.attempts[nth].mask(update(nth as u8), &mut self.plants[nth].books)
    }

    fn left(&self, gone: &[usize]) -> Vec<usize> {
        (0..self.plants.len()).filter(|nth| !gone.contains(nth)).collect()
    }

    /// To where everyone has masked.
    fn masked(count: usize) -> (Self, Gathering) {
        let mut group = Self::begin(count);
        let sealed = group.share();
        let shared = group.receive(&sealed, &[]);
        let mut gathering = Gathering::new(group.roster(), &shared, LENGTH).unwrap();
        for nth in 0..count {
            let masked = group.mask(nth).unwrap();
            gathering.add(group.plants[nth].agent, &masked).unwrap();
        }
        (group, gathering)
    }

    fn signatures(&mut self, live: &[Uuid], by: &[usize]) -> Vec<(Uuid, Vec<u8>)> {
        by.iter()
            .map(|nth| {
                let plant = &self.plants[*nth];
                (plant.agent, self.attempts[*nth].sign(live, &plant.known).unwrap())
            })
            .collect()
    }

    fn reveal(&mut self, nth: usize, request: &Request) -> Result<Reveal, Refusal> {
        self.attempts[nth].reveal(request, &self.plants[nth].known)
    }
}

fn plain(of: &[usize]) -> Vec<u32> {
    let mut sum = vec![0_u32; LENGTH];
    for nth in of {
        sum.iter_mut().zip(update(*nth as u8).units()).for_each(|(sum, unit)| *sum = sum.wrapping_add(*unit));
    }
    sum
}

/// A whole attempt: some go before they share, some before they send, some before they answer.
fn attempt(
    count: usize,
    early: &[usize],
    late: &[usize],
    last: &[usize],
) -> Result<(Sum, Vec<u32>), OpenError> {
    let mut group = Group::begin(count);
    let sealed = group.share();
    let shared = group.receive(&sealed, early);
    let mut gathering = Gathering::new(group.roster(), &shared, LENGTH)?;
    let senders: Vec<usize> = group.left(early).into_iter().filter(|nth| !late.contains(nth)).collect();
    for nth in &senders {
        let masked = group.mask(*nth).unwrap();
        let sent = Masked::from_bytes(&masked.to_bytes(), LENGTH).unwrap();
        gathering.add(group.plants[*nth].agent, &sent)?;
    }
    let (live, dead) = (gathering.live(), gathering.dead());
    let answering: Vec<usize> = senders.iter().filter(|nth| !last.contains(nth)).copied().collect();
    let wanted = threshold(count);
    if senders.len() < wanted || answering.len() < wanted {
        // No honest plant signs or answers; the aggregator is left with what it has.
        return gathering.open(&[]).map(|sum| (sum, vec![]));
    }
    let signatures = group.signatures(&live, &answering);
    let request = Request { live, dead, signatures };
    let reveals: Vec<_> = answering.iter().map(|nth| group.reveal(*nth, &request).unwrap()).collect();
    let opened = gathering.open(&reveals)?;
    Ok((opened, plain(&senders)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sums_are_exact_for_any_who_drop_out(count in 3_usize..17, seed: [u8; 32]) {
        let mut chance = Keystream::new(&seed);
        let mut gone = [vec![], vec![], vec![]];
        let may_go = count - threshold(count);
        let mut names: Vec<usize> = (0..count).collect();
        for _ in 0..chance.below(may_go as u128 + 1) {
            let name = names.remove(chance.below(names.len() as u128) as usize);
            gone[chance.below(3) as usize].push(name);
        }
        let (sum, wanted) = attempt(count, &gone[0], &gone[1], &gone[2]).unwrap();
        prop_assert_eq!(sum.units, wanted);
        prop_assert!(sum.liars.is_empty());
        prop_assert_eq!(sum.plants as usize, count - gone[0].len() - gone[1].len());
    }

    #[test]
    fn one_too_few_opens_nothing(count in 4_usize..14, stage in 1_usize..3, first in 0_usize..14) {
        let more = count - threshold(count) + 1;
        let gone: Vec<usize> = (0..more).map(|nth| (first + nth) % count).collect();
        let (late, last) = if stage == 1 { (&gone[..], &[][..]) } else { (&[][..], &gone[..]) };
        let is_closed = matches!(attempt(count, &[], late, last), Err(OpenError::TooFew { .. }));
        prop_assert!(is_closed);
    }
}

#[test]
fn a_large_group_with_all_its_drop_outs_is_exact() {
    let (sum, wanted) = attempt(32, &[0, 31, 7], &[1, 30, 12, 13], &[2, 20, 29]).unwrap();
    assert_eq!(sum.units, wanted);
    assert_eq!((sum.plants, sum.liars.len()), (25, 0));
}

#[test]
fn a_masked_update_alone_looks_like_noise() {
    let (mut group, mut ones) = (Group::begin(8), 0);
    let sealed = group.share();
    group.receive(&sealed, &[]);
    let masked = group.mask(0).unwrap();
    masked.units().iter().for_each(|unit| ones += unit.count_ones());
    // 1,600 fair bits: 800 +- 20; the plain update has few in its upper half.
    assert!((700..900).contains(&ones), "{ones}");
    assert!(masked.units().iter().zip(update(0).units()).all(|(hidden, plain)| hidden != plain));
}

#[test]
fn shares_that_do_not_fit_are_left_out_and_named() {
    let (mut group, gathering) = Group::masked(10);
    let (live, dead) = (gathering.live(), gathering.dead());
    let signatures = group.signatures(&live, &(0..10).collect::<Vec<_>>());
    let request = Request { live, dead, signatures };
    let mut reveals: Vec<_> = (0..10).map(|nth| group.reveal(nth, &request).unwrap()).collect();
    for (_, share) in &mut reveals[9].shares {
        let mut bytes = *share.to_bytes();
        bytes[0] ^= 1;
        *share = Share::from_bytes(share.holder(), &bytes).unwrap();
    }
    let liar = reveals[9].from;
    let sum = gathering.open(&reveals).unwrap();
    assert_eq!(sum.units, plain(&(0..10).collect::<Vec<_>>()));
    assert_eq!(sum.liars.into_iter().collect::<Vec<_>>(), [liar]);
}

#[test]
fn too_many_liars_leave_it_closed() {
    let (mut group, gathering) = Group::masked(5);
    let (live, dead) = (gathering.live(), gathering.dead());
    let signatures = group.signatures(&live, &[0, 1, 2, 3]);
    let request = Request { live, dead, signatures };
    let mut reveals: Vec<_> = (0..4).map(|nth| group.reveal(nth, &request).unwrap()).collect();
    let (_, share) = &mut reveals[0].shares[0];
    *share = Share::from_bytes(share.holder(), &[1; SHARE_BYTES].map(|byte: u8| byte % 2)).unwrap();
    assert!(matches!(gathering.open(&reveals), Err(OpenError::Secret(_))));
}

#[test]
fn the_aggregator_takes_each_plant_once_and_whole() {
    let mut group = Group::begin(5);
    let sealed = group.share();
    let shared = group.receive(&sealed, &[4]);
    let mut gathering = Gathering::new(group.roster(), &shared, LENGTH).unwrap();
    let masked = group.mask(0).unwrap();
    let first = group.plants[0].agent;
    gathering.add(first, &masked).unwrap();
    assert_eq!(gathering.add(first, &masked), Err(OpenError::Twice(first)));
    let late = group.plants[4].agent;
    assert_eq!(gathering.add(late, &masked), Err(OpenError::Stranger(late)));
    let short = Masked::from_bytes(&[0; 8], 2).unwrap();
    assert_eq!(
        gathering.add(group.plants[1].agent, &short),
        Err(OpenError::Length { found: 2, wanted: LENGTH })
    );
    assert!(matches!(gathering.open(&[]), Err(OpenError::TooFew { found: 1, wanted: 4 })));
}

#[test]
fn one_update_is_never_masked_for_two_sets() {
    let (group, _) = Group::masked(8);
    let mut plants = group.plants;
    plants.pop();
    for plant in &mut plants {
        // Another attempt without one of them, the same again, and an older one.
        assert_eq!(begin(plant, offer(attempted(1, 2))).err(), Some(Refusal::TwoSets(1)));
        assert!(matches!(begin(plant, offer(attempted(1, 1))).err(), Some(Refusal::Old { .. })));
        assert!(matches!(begin(plant, offer(attempted(0, 9))).err(), Some(Refusal::Old { .. })));
        assert_eq!(plant.books.spent.len(), 1);
    }
    // In the next round the same update is refused as well.
    let mut group = Group::begin_with(plants, attempted(2, 1));
    let sealed = group.share();
    group.receive(&sealed, &[]);
    assert_eq!(group.mask(0).err(), Some(Refusal::SameUpdate));
    assert!(group.attempts[0].is_over() && group.plants[0].books.spent.len() == 1);
    let mut other = update(200);
    assert!(
        group.attempts[1]
            .mask(std::mem::replace(&mut other, update(201)), &mut group.plants[1].books)
            .is_ok()
    );
}

#[test]
fn an_attempt_that_failed_before_the_mask_may_be_tried_again() {
    let group = Group::begin(4);
    let mut group = Group::begin_with(group.plants, attempted(1, 2));
    let sealed = group.share();
    group.receive(&sealed, &[]);
    assert!(group.mask(0).is_ok());
}

#[test]
fn rosters_that_are_not_as_they_must_be_are_refused() {
    let refuse = |change: &dyn Fn(&mut Vec<Advertise>), threshold: usize| {
        let mut group = Group::begin(8);
        let mut members = group.members.clone();
        change(&mut members);
        let said = group.attempts[0].share(members, threshold, &group.plants[0].known).unwrap_err();
        // Whatever it was, the attempt is over.
        let again = group.attempts[0].share(group.members.clone(), 6, &group.plants[0].known).unwrap_err();
        assert_eq!(again, Refusal::OutOfTurn);
        said.name()
    };
    assert_eq!(refuse(&|members| members.truncate(2), 2), "group");
    assert_eq!(refuse(&|_| (), 5), "threshold");
    assert_eq!(refuse(&|_| (), 9), "threshold");
    assert_eq!(refuse(&|members| members[1].mask_key[0] ^= 1, 6), "signature");
    assert_eq!(refuse(&|members| members[1].signature[0] ^= 1, 6), "signature");
    assert_eq!(refuse(&|members| members[1].agent = Uuid::nil(), 6), "unknown");
    assert_eq!(refuse(&|members| members[1] = members[2].clone(), 6), "twice");
    assert_eq!(refuse(&|members| members[0].mask_key[0] ^= 1, 6), "own_keys");
    assert_eq!(refuse(&|members| drop(members.remove(0)), 5), "own_keys");
    assert_eq!(refuse(&|members| members[3].attempted.model = [5; 32], 6), "model");
    assert_eq!(refuse(&|members| members[3].attempted.attempt = 2, 6), "model");
}

#[test]
fn offers_beyond_the_limits_are_refused() {
    let refuse = |change: &dyn Fn(&mut Offer, &mut Plant)| {
        let mut plant = plants(1).remove(0);
        let mut offer = offer(attempted(5, 1));
        change(&mut offer, &mut plant);
        let past = plant.books.past;
        let said = begin(&mut plant, offer).err().unwrap();
        assert_eq!(plant.books.past, past);
        assert!(said.sign(&attempted(5, 1), &plant.known).is_some());
        said.name()
    };
    assert_eq!(refuse(&|offer, _| offer.attempted.federation = Uuid::nil()), "federation");
    assert_eq!(refuse(&|offer, _| offer.ring.members = 1 << 16), "ring");
    assert_eq!(refuse(&|offer, _| offer.ring.clip = 1.5), "clip");
    assert_eq!(refuse(&|offer, _| offer.mechanism = Mechanism::Gaussian { noise: 0.9, steps: 1 }), "noise");
    assert_eq!(
        refuse(&|offer, _| offer.mechanism = Mechanism::Gaussian { noise: f64::NAN, steps: 1 }),
        "noise"
    );
    assert_eq!(refuse(&|offer, _| offer.unit = Unit::Plant), "noise");
    assert_eq!(refuse(&|_, plant| plant.books.is_poor = true), "budget");
    assert_eq!(refuse(&|_, plant| plant.books.is_broken = true), "books");
    assert_eq!(refuse(&|_, plant| plant.books.past.round = 6), "old");
    assert_eq!(refuse(&|_, plant| plant.books.past.accepted = Some([1; 32])), "descent");
    assert_eq!(
        refuse(&|offer, plant| {
            offer.made_in = Some(3);
            plant.books.past.masked = Some(3);
        }),
        "vote_skipped"
    );
    let mut plant = plants(1).remove(0);
    plant.books.past = Past { accepted: Some([1; 32]), masked: Some(3), voted: Some(3), ..Past::default() };
    let descended = Offer { ancestors: vec![[2; 32], [1; 32]], made_in: Some(3), ..offer(attempted(5, 1)) };
    assert!(begin(&mut plant, descended).is_ok());
}

#[test]
fn noise_for_plants_must_be_in_the_sum() {
    let check = |deviation: u64, reckoned: f64, plants: u32| {
        let mut offer = offer(attempted(1, 1));
        offer.ring = Terms { bits: 16, clip: 1.0, members: 32, deviation };
        let norm = Ring::new(offer.ring).unwrap().rounded_norm2(LENGTH).sqrt();
        offer.unit = Unit::Plant;
        let noise = Discrete { norm, deviation: reckoned, plants, length: LENGTH as u64, steps: 1 };
        offer.mechanism = Mechanism::Discrete(noise);
        let policy = Policy { unit: Unit::Plant, colluders: 2, ..policy() };
        offer.check(&policy, &Memory::default())?;
        policy.check_noise(&offer.mechanism, 22)
    };
    assert_eq!(check(20_000, 20_000.0, 20), Ok(()));
    // Less in the ring than in the reckoning, less than the policy wants, more honest plants than are certain.
    assert!(matches!(check(19_000, 20_000.0, 20), Err(Refusal::Noise { .. })));
    assert!(matches!(check(10_000, 10_000.0, 20), Err(Refusal::Noise { .. })));
    assert!(matches!(check(20_000, 20_000.0, 21), Err(Refusal::Noise { .. })));
}

#[test]
fn shares_on_their_way_cannot_be_changed_or_swapped() {
    let refuse = |change: &dyn Fn(&mut Vec<Sealed>)| {
        let mut group = Group::begin(4);
        let sealed = group.share();
        let own = group.plants[0].agent;
        let mut for_it: Vec<Sealed> = sealed.into_iter().filter(|one| one.to == own).collect();
        change(&mut for_it);
        group.attempts[0].receive(&for_it).unwrap_err().name()
    };
    assert_eq!(refuse(&|sealed| sealed[0].bytes[3] ^= 1), "share");
    assert_eq!(refuse(&|sealed| sealed[0].bytes = sealed[1].bytes), "share");
    assert_eq!(refuse(&|sealed| sealed[0].from = Uuid::nil()), "unknown");
    assert_eq!(refuse(&|sealed| sealed[0] = sealed[1].clone()), "twice");
    assert_eq!(refuse(&|sealed| sealed.truncate(1)), "too_few");
}

#[test]
fn nothing_opens_without_one_story_for_all() {
    let refuse = |change: &dyn Fn(&mut Request)| {
        let (mut group, gathering) = Group::masked(8);
        let (live, dead) = (gathering.live(), gathering.dead());
        let signatures = group.signatures(&live, &(0..8).collect::<Vec<_>>());
        let mut request = Request { live, dead, signatures };
        change(&mut request);
        let said = group.reveal(0, &request).unwrap_err();
        assert!(group.attempts[0].is_over());
        said.name()
    };
    assert_eq!(refuse(&|request| request.signatures.truncate(5)), "signatures");
    assert_eq!(refuse(&|request| request.signatures = vec![request.signatures[0].clone(); 8]), "signatures");
    assert_eq!(
        refuse(&|request| request.signatures.iter_mut().for_each(|(_, bytes)| bytes[0] ^= 1)),
        "signatures"
    );
    assert_eq!(refuse(&|request| request.dead.push(request.live[1])), "live_and_dead");
    assert_eq!(refuse(&|request| request.live.truncate(7)), "live_and_dead");
    assert_eq!(
        refuse(&|request| {
            // Half was told that one dropped out: not what this plant signed.
            let one = request.live.remove(1);
            request.dead.push(one);
        }),
        "second_request"
    );
    assert_eq!(refuse(&|request| request.dead.push(Uuid::nil())), "survivors");
}

#[test]
fn a_split_view_finds_no_signatures() {
    let (mut group, gathering) = Group::masked(8);
    let all = gathering.live();
    let fewer: Vec<Uuid> = all.iter().filter(|agent| **agent != group.plants[7].agent).copied().collect();
    let of_all = group.signatures(&all, &[0, 1, 2, 3]);
    let of_fewer = group.signatures(&fewer, &[4, 5, 6]);
    let told_all =
        Request { live: all, dead: vec![], signatures: [of_all.clone(), of_fewer.clone()].concat() };
    assert!(matches!(group.reveal(0, &told_all), Err(Refusal::Signatures { found: 4, wanted: 6 })));
    let dead = vec![group.plants[7].agent];
    let told_fewer = Request { live: fewer, dead, signatures: [of_all, of_fewer].concat() };
    assert!(matches!(group.reveal(4, &told_fewer), Err(Refusal::Signatures { found: 3, wanted: 6 })));
}

#[test]
fn the_same_request_again_gets_the_same_answer() {
    let (mut group, gathering) = Group::masked(4);
    let (live, dead) = (gathering.live(), gathering.dead());
    let signatures = group.signatures(&live, &[0, 1, 2, 3]);
    let request = Request { live, dead, signatures };
    let first = group.reveal(0, &request).unwrap();
    assert_eq!(group.reveal(0, &request).unwrap(), first);
    let mut other = request.clone();
    other.signatures.pop();
    assert_eq!(group.reveal(0, &other), Err(Refusal::SecondRequest));
    assert_eq!(group.reveal(0, &request), Err(Refusal::OutOfTurn));
}

#[test]
fn survivors_are_those_who_shared_and_this_plant() {
    for case in 0..3 {
        let (mut group, gathering) = Group::masked(4);
        let mut live = gathering.live();
        match case {
            0 => live.retain(|agent| *agent != group.plants[0].agent),
            1 => live[0] = Uuid::nil(),
            _ => live.truncate(2),
        }
        let said = group.attempts[0].sign(&live, &group.plants[0].known).unwrap_err();
        assert_eq!(said.name(), ["survivors", "survivors", "too_few"][case]);
    }
}

#[test]
fn a_plant_with_another_model_spoils_the_sum_and_shows_nothing() {
    // A dishonest aggregator lets one plant sign for its model alone: the rosters differ, so do all pair masks.
    let mut group = Group::begin(4);
    let victim = group.members[0].attempted;
    let other = Attempted { model: [9; 32], ..victim };
    let roster = |attempted| Roster::new(attempted, 3, group.members.clone());
    assert_ne!(roster(victim).pair_info(), roster(other).pair_info());
    group.members[1].attempted = other;
    let said = group.attempts[0].share(group.members.clone(), 3, &group.plants[0].known).unwrap_err();
    assert_eq!(said, Refusal::Model(group.plants[1].agent));
}

#[test]
fn books_that_cannot_be_written_hold_the_update_back() {
    let mut group = Group::begin(4);
    let sealed = group.share();
    group.receive(&sealed, &[]);
    group.plants[0].books.is_broken = true;
    assert!(matches!(group.mask(0), Err(Refusal::Books(_))));
    group.plants[1].books.is_poor = true;
    assert_eq!(group.mask(1).err(), Some(Refusal::Budget("window")));
    assert!(group.plants[..2].iter().all(|plant| plant.books.spent.is_empty()));
}
