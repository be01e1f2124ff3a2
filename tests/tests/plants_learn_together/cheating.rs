//! An aggregator that cheats, played against the players of plants: two sets for one update, a split view, other keys,
//! another model, an old round. Whatever it says, no plant says more than it should, and each says why it goes no
//! further.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use fieldward_agent::identity::Folder;
use fieldward_agent::round::{Player, Reply, Task};
use fieldward_agent::uplink::Credentials;
use fieldward_shared::identity::sha256;
use fieldward_shared::privacy::attempt::Request;
use fieldward_shared::privacy::groups::cohort;
use fieldward_shared::privacy::policy::Books as _;
use fieldward_shared::privacy::roster::{Attempted, threshold};
use fieldward_shared::wire::{
    About, Message, RoundAccept, RoundBegin, RoundCandidate, RoundCohort, RoundKeys, RoundOffer, RoundReady,
    RoundReveal, RoundRoster, RoundShares, RoundSigned, RoundSurvivors, RoundUnmask, pack, pack_pairs,
};
use fieldward_tests::link::office::Office;
use fieldward_tests::link::{HERE, limits};
use fieldward_tests::rounds::{LinearLearner, NETWORK, SCHEMA, layout, player, privacy};
use uuid::Uuid;

const LENGTH: usize = 40;

/// A plant's player, without a link.
pub struct One {
    pub agent: Uuid,
    pub player: Player,
    state: PathBuf,
    folder: Folder,
}

/// Plants whose aggregator is this test.
struct Played {
    folder: tempfile::TempDir,
    plants: Vec<One>,
    nonces: BTreeMap<Uuid, [u8; 32]>,
    attempted: Attempted,
}

impl One {
    fn credentials(folder: &Folder) -> Credentials {
        Credentials::Kept(folder.clone(), Arc::new(folder.clock()))
    }

    fn take(&mut self, task: impl Into<Message>) -> Vec<Reply> {
        self.put(Task::Said(task.into()))
    }

    pub fn put(&mut self, task: Task) -> Vec<Reply> {
        let mut replies = Vec::new();
        self.player.take(task, &mut |reply| replies.push(reply));
        replies.retain(|reply| !matches!(reply, Reply::Say(Message::RoundProgress(_))));
        replies
    }

    fn one(&mut self, task: impl Into<Message>) -> Message {
        match self.take(task).pop() {
            Some(Reply::Say(message)) => message,
            Some(Reply::Masked(head, _)) => head.into(),
            None => panic!("it says nothing"),
        }
    }

    /// It must refuse, under this name, and sign that where it can.
    fn refuses(&mut self, task: impl Into<Message>, name: &str) {
        match self.one(task) {
            Message::RoundRefusal(refusal) => assert_eq!(refusal.name, name, "{}", refusal.words),
            other => panic!("not refused: {other:?}"),
        }
        assert!(self.player.refusals()[name] > 0, "it is counted");
    }

    pub fn spent(&self) -> usize {
        self.player.books().ledger().events().len()
    }
}

/// Players of so many plants, each with a seed of its own.
pub async fn players(count: u64, length: usize) -> (tempfile::TempDir, Vec<One>) {
    let folder = tempfile::tempdir().expect("a folder");
    let office = Office::open(folder.path(), HERE, limits()).await.expect("an aggregator");
    let mut plants = Vec::new();
    for nth in 0..count {
        let facility = format!("plant-{nth}");
        let state = folder.path().join(&facility);
        let own = office.enrol(&state, &facility).await.expect("enrolled");
        let learner = Box::new(LinearLearner::new(length, nth).0);
        let player = player(learner, &state, One::credentials(&own.folder), &privacy()).expect("a player").0;
        plants.push(One { agent: own.id, player, state, folder: own.folder });
    }
    office.close().await;
    (folder, plants)
}

impl Played {
    async fn of(count: u64) -> Self {
        let (folder, mut plants) = players(count, LENGTH).await;
        plants.sort_by_key(|plant| plant.agent);
        let federation = privacy().policy().federation;
        let model = sha256(&[0; LENGTH * 4]);
        let attempted = Attempted { federation, epoch: 0, round: 1, attempt: 0, model };
        Self { folder, plants, nonces: BTreeMap::new(), attempted }
    }

    fn offer(&self) -> RoundOffer {
        RoundOffer {
            about: About::of(&self.attempted),
            network: NETWORK.to_owned(),
            layout: layout(LENGTH).hash().0,
            schema: SCHEMA,
            length: LENGTH as u64,
            bits: 20,
            clip: 1.0,
            members: 128,
            noise: 1.0,
            window_clip: 1.0,
            epochs: 1,
            batch: 64,
            rate: 0.1,
            seed: self.attempted.round,
            group: 16,
            ..RoundOffer::default()
        }
    }

    /// To where all have trained.
    fn train(&mut self) {
        let offer = self.offer();
        let mut commitments = BTreeMap::new();
        for plant in &mut self.plants {
            let Message::RoundAccept(RoundAccept { commitment, has_model, .. }) = plant.one(offer.clone())
            else {
                panic!("it does not take part")
            };
            if !has_model {
                assert!(plant.put(Task::Weights(vec![0; LENGTH * 4])).is_empty());
            }
            commitments.insert(plant.agent, commitment.try_into().expect("32 bytes"));
        }
        let about = offer.about;
        let plants = commitments.len() as u32;
        let cohort = RoundCohort { about, digest: cohort(&commitments).to_vec(), plants };
        for plant in &mut self.plants {
            let Message::RoundReady(RoundReady { nonce, .. }) = plant.one(cohort.clone()) else {
                panic!("not ready")
            };
            self.nonces.insert(plant.agent, nonce.try_into().expect("32 bytes"));
        }
    }

    fn about(&self, attempt: u32) -> About {
        About::of(&Attempted { attempt, epoch: self.attempted.round, ..self.attempted })
    }

    /// Keys of all in an attempt.
    fn keys(&mut self, attempt: u32) -> Vec<(Uuid, RoundKeys)> {
        let begin = RoundBegin { about: self.about(attempt) };
        let keys = self.plants.iter_mut().map(|plant| match plant.one(begin.clone()) {
            Message::RoundKeys(keys) => (plant.agent, keys),
            other => panic!("no keys: {other:?}"),
        });
        keys.collect()
    }

    fn roster(&self, attempt: u32, keys: &[(Uuid, RoundKeys)]) -> RoundRoster {
        let keys: Vec<_> = keys.iter().map(|(agent, keys)| (*agent, keys)).collect();
        RoundRoster::of(
            self.about(attempt),
            threshold(keys.len()),
            &keys,
            [pack_pairs(&self.nonces), Vec::new()],
        )
    }

    /// Shares of all, by who made them.
    fn shares(&mut self, roster: &RoundRoster) -> BTreeMap<Uuid, RoundShares> {
        let shares = self.plants.iter_mut().map(|plant| match plant.one(roster.clone()) {
            Message::RoundShares(shares) => (plant.agent, shares),
            other => panic!("no shares: {other:?}"),
        });
        shares.collect()
    }

    fn shares_for(&self, attempt: u32, shares: &BTreeMap<Uuid, RoundShares>, to: Uuid) -> RoundShares {
        let for_it = shares.iter().filter(|(from, _)| **from != to).map(|(from, shares)| {
            let made = shares.made(*from).expect("shares").into_iter().find(|one| one.to == to).expect("one");
            (*from, made.bytes)
        });
        RoundShares::of(self.about(attempt), for_it)
    }

    /// To where all have masked; gives who they are.
    fn mask(&mut self) -> Vec<Uuid> {
        self.train();
        let keys = self.keys(1);
        let roster = self.roster(1, &keys);
        let shares = self.shares(&roster);
        for nth in 0..self.plants.len() {
            let coming = self.shares_for(1, &shares, self.plants[nth].agent);
            let replies = self.plants[nth].take(coming.clone());
            assert!(matches!(replies.as_slice(), [Reply::Masked(..)]), "{replies:?}");
            // The same again, as after a lost link, is the same update.
            assert_eq!(self.plants[nth].take(coming), replies);
            assert_eq!(self.plants[nth].spent(), 1);
        }
        self.plants.iter().map(|plant| plant.agent).collect()
    }

    fn sign(&mut self, nth: usize, live: &[Uuid]) -> (Uuid, Vec<u8>) {
        let survivors = RoundSurvivors { about: self.about(1), live: pack(live) };
        let Message::RoundSigned(RoundSigned { signature, .. }) = self.plants[nth].one(survivors) else {
            panic!("not signed")
        };
        (self.plants[nth].agent, signature)
    }
}

#[tokio::test]
async fn an_update_is_masked_for_one_set_of_plants_only() {
    let mut played = Played::of(8).await;
    played.mask();
    let seven: Vec<_> = (0..7).collect();
    for nth in seven {
        // Once more without one of them, the same attempt again, two plants alone.
        for (attempt, name) in [(2, "two_sets"), (3, "two_sets")] {
            let begin = RoundBegin { about: played.about(attempt) };
            let said = played.plants[nth].one(begin);
            let Message::RoundRefusal(refusal) = said else { panic!("not refused: {said:?}") };
            assert!(refusal.name == name || refusal.name == "out_of_turn", "{}", refusal.words);
        }
        // The same round, offered anew.
        let again = RoundOffer { seed: 99, ..played.offer() };
        played.plants[nth].refuses(again, "old");
        assert_eq!(played.plants[nth].spent(), 1, "the ledger is as it was");
    }
}

#[tokio::test]
async fn a_restarted_plant_has_dropped_out_and_spends_nothing_twice() {
    let mut played = Played::of(3).await;
    played.mask();
    let offer = played.offer();
    let plant = &mut played.plants[0];
    let learner = Box::new(LinearLearner::new(LENGTH, 0).0);
    plant.player =
        player(learner, &plant.state, One::credentials(&plant.folder), &privacy()).expect("a player").0;
    plant.refuses(RoundSurvivors { about: offer.about.clone(), live: vec![] }, "out_of_turn");
    plant.refuses(offer.clone(), "old");
    assert_eq!(plant.spent(), 1);
    // Its vote is still wanted, and given.
    let weights = vec![0; LENGTH * 4];
    let candidate = RoundCandidate {
        about: offer.about,
        digest: sha256(&weights).to_vec(),
        version: 2,
        network: NETWORK.to_owned(),
        length: LENGTH as u64,
    };
    assert!(plant.take(candidate).is_empty());
    assert!(matches!(plant.put(Task::Weights(weights)).as_slice(), [Reply::Say(Message::RoundVote(_))]));
    assert_eq!(plant.player.books().past().voted, Some(1));
}

#[tokio::test]
async fn a_split_view_finds_too_few_signatures_and_no_share_is_given_twice() {
    let mut played = Played::of(8).await;
    let all = played.mask();
    let fewer: Vec<Uuid> = all[..7].to_vec();
    let mut signatures: Vec<_> = (0..4).map(|nth| played.sign(nth, &all)).collect();
    signatures.extend((4..7).map(|nth| played.sign(nth, &fewer)));
    let unmask = |played: &Played, live: &[Uuid], dead: &[Uuid]| {
        let request = Request { live: live.to_vec(), dead: dead.to_vec(), signatures: signatures.clone() };
        RoundUnmask::of(played.about(1), &request)
    };
    let first = unmask(&played, &all, &[]);
    played.plants[0].refuses(first, "signatures");
    let second = unmask(&played, &fewer, &all[7..]);
    played.plants[4].refuses(second, "signatures");
    // One named as live and as dead, to one who has not answered yet.
    let both = unmask(&played, &all, &all[7..]);
    played.plants[1].refuses(both.clone(), "live_and_dead");
    played.plants[1].refuses(both, "out_of_turn");
}

#[tokio::test]
async fn one_story_opens_the_sum_and_the_same_request_gets_the_same_answer() {
    let mut played = Played::of(4).await;
    let all = played.mask();
    let signatures = (0..4).map(|nth| played.sign(nth, &all)).collect();
    let request = Request { live: all.clone(), dead: vec![], signatures };
    let unmask = RoundUnmask::of(played.about(1), &request);
    let first = played.plants[0].one(unmask.clone());
    let Message::RoundReveal(RoundReveal { of, .. }) = &first else { panic!("no shares: {first:?}") };
    assert_eq!(of.len(), 16 * 4);
    assert_eq!(played.plants[0].one(unmask.clone()), first);
    let mut other = unmask;
    other.signatures.pop();
    other.signers.truncate(48);
    played.plants[0].refuses(other, "second_request");
}

#[tokio::test]
async fn keys_that_were_put_in_place_of_others_are_noticed() {
    let mut played = Played::of(4).await;
    played.train();
    let keys = played.keys(1);
    let mut changed = keys.clone();
    changed[1].1.mask_key[0] ^= 1;
    let roster = played.roster(1, &changed);
    played.plants[0].refuses(roster, "signature");
    // Its own keys are not those it sent.
    let roster = played.roster(1, &changed);
    played.plants[1].refuses(roster, "own_keys");
    // Certificates of another plant under this one's name.
    let mut changed = keys.clone();
    changed[3].1.chain = keys[2].1.chain.clone();
    let roster = played.roster(1, &changed);
    played.plants[2].refuses(roster, "unknown");
}

#[tokio::test]
async fn a_second_certificate_under_a_known_name_is_not_believed() {
    let mut played = Played::of(4).await;
    played.mask();
    // Another round: the aggregator has issued itself a certificate under the name of one of them.
    let office = Office::open(played.folder.path(), HERE, limits()).await.expect("an aggregator");
    let (victim, folder) = (played.plants[3].agent, played.plants[3].folder.clone());
    let own = fieldward_tests::link::office::Enrolled {
        facility: "plant-3".to_owned(),
        id: victim,
        folder: folder.clone(),
        token: String::new(),
    };
    office.issue_next(&own, 86_400).await.expect("a certificate");
    office.close().await;
    let steps = folder.succession();
    assert_eq!(steps.len(), 1, "the old key has named the next");
    played.attempted.round = 2;
    played.nonces.clear();
    played.train();
    let keys = played.keys(1);
    let mut forged = keys.clone();
    forged[3].1.succession.clear();
    let roster = played.roster(1, &forged);
    played.plants[0].refuses(roster, "key_changed");
    let roster = played.roster(1, &keys);
    assert!(
        matches!(played.plants[1].one(roster), Message::RoundShares(_)),
        "one that was named is believed"
    );
}

#[tokio::test]
async fn another_model_another_group_and_an_old_round_are_refused() {
    let mut played = Played::of(5).await;
    // Of another federation, with too little noise, too long, of another network.
    let offer = played.offer();
    let other = |change: fn(&mut RoundOffer)| {
        let mut offer = offer.clone();
        change(&mut offer);
        offer
    };
    let plant = &mut played.plants[0];
    plant.refuses(other(|offer| offer.about.federation = vec![9; 16]), "federation");
    plant.refuses(other(|offer| offer.noise = 0.1), "noise");
    plant.refuses(other(|offer| offer.clip = 11.0), "clip");
    plant.refuses(other(|offer| offer.network = "unknown".to_owned()), "network");
    plant.refuses(other(|offer| offer.schema = 5), "unfit");
    plant.refuses(other(|offer| offer.length = 41), "unfit");
    assert_eq!(plant.spent(), 0);
    played.train();
    // One works on another model: its keys are of another attempt, and are not taken for those of this one.
    let keys = played.keys(1);
    let roster = played.roster(1, &keys);
    let mut elsewhere = roster.clone();
    elsewhere.about.model = vec![9; 32];
    played.plants[0].refuses(elsewhere, "out_of_turn");
    // A group that is not the one that was drawn, and numbers that nobody has committed himself to.
    let mut changed = roster.clone();
    changed.nonces[20] ^= 1;
    played.plants[1].refuses(changed, "draw");
    // One that has committed itself is said not to have thrown, and one too many.
    let mut without = roster.clone();
    without.nonces.truncate(4 * 48);
    played.plants[4].refuses(without, "draw");
    let mut small = roster.clone();
    small.members.truncate(2);
    played.plants[2].refuses(small, "group");
    let mut low = roster;
    low.threshold = 2;
    played.plants[3].refuses(low, "threshold");
}
