//! Plays a plant's part, message by message. What is asked again in the same words gets the same answer, so that a
//! lost link or an aggregator that has started anew changes nothing; what is asked otherwise is refused.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fieldward_shared::identity::sha256;
use fieldward_shared::privacy::accountant::event::{Mechanism, Unit};
use fieldward_shared::privacy::attempt::Attempt;
use fieldward_shared::privacy::groups::commitment;
use fieldward_shared::privacy::keys::Bytes32;
use fieldward_shared::privacy::keystream::secret;
use fieldward_shared::privacy::policy::{Books as _, Offer, Policy};
use fieldward_shared::privacy::refusal::Refusal;
use fieldward_shared::privacy::ring::Terms;
use fieldward_shared::privacy::roster::Attempted;
use fieldward_shared::weights::WeightVector;
use fieldward_shared::wire::{
    About, Learns, Message, RoundAccept, RoundCohort, RoundMasked, RoundOffer, RoundProgress, RoundReady,
    RoundRefusal,
};
use uuid::Uuid;

use super::books::FileBooks;
use super::desk::Control;
use super::known::Known;
use super::whole;
use crate::learn::learner::{LearnError, Learner, Settings, Trained};
use crate::uplink::Credentials;

/// What comes for a plant.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "few of them wait, and each is taken apart at once")]
pub enum Task {
    /// A message.
    Said(Message),
    /// The weights that the last message announced, whole.
    Weights(Vec<u8>),
}

/// What a plant says.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A message.
    Say(Message),
    /// A masked update, to be fetched.
    Masked(RoundMasked, Arc<[u8]>),
}

/// Why a plant goes no further.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// It refuses what the aggregator wants.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot learn.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// Its identity cannot be used.
    #[error("this plant's identity: {0}")]
    Identity(String),
    /// What came is none of what it knows.
    #[error("{0}")]
    Unfit(&'static str),
}

impl Why {
    /// Under what it is counted.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.name(),
            Self::Learn(LearnError::Unknown(_)) => "network",
            Self::Learn(LearnError::TooFew { .. }) => "too_few_windows",
            Self::Learn(_) => "training",
            Self::Identity(_) => "identity",
            Self::Unfit(_) => "unfit",
        }
    }
}

/// How a plant hears.
pub type Say<'a> = &'a mut dyn FnMut(Reply);

/// A plant in rounds.
pub struct Player {
    pub(super) learner: Box<dyn Learner>,
    pub(super) books: FileBooks,
    pub(super) credentials: Credentials,
    pub(super) policy: Policy,
    pub(super) control: Arc<Control>,
    pub(super) playing: Option<Playing>,
    /// The model that came last, so that it need not come again.
    pub(super) model: Option<(Bytes32, WeightVector)>,
    /// A candidate that was announced or judged.
    pub(super) candidate: Option<super::judging::Judging>,
    refusals: BTreeMap<&'static str, u64>,
}

/// What all that take part have committed themselves to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Cohort {
    pub digest: Bytes32,
    pub plants: u32,
}

/// A round in which it takes part.
pub(super) struct Playing {
    pub offer: RoundOffer,
    pub about: Attempted,
    pub nonce: Bytes32,
    pub agent: Uuid,
    /// What all have committed themselves to, once that is said.
    pub cohort: Option<Cohort>,
    pub trained: Option<Trained>,
    pub ready: Option<RoundReady>,
    pub base: Option<WeightVector>,
    pub attempt: Option<(Attempt, Known, Attempted)>,
    /// What was said last, and the answer.
    pub said: Vec<(Message, Reply)>,
}

impl Player {
    /// With what it has.
    pub fn new(
        learner: Box<dyn Learner>,
        books: FileBooks,
        credentials: Credentials,
        policy: Policy,
        control: Arc<Control>,
    ) -> Self {
        Self {
            learner,
            books,
            credentials,
            policy,
            control,
            playing: None,
            model: None,
            candidate: None,
            refusals: BTreeMap::new(),
        }
    }

    /// What it can learn.
    pub fn learns(&self) -> Vec<Learns> {
        let learns = |network: crate::learn::learner::Network| Learns {
            network: network.name.to_owned(),
            layout: network.layout.0,
            schema: network.schema,
        };
        self.learner.networks().into_iter().map(learns).collect()
    }

    /// Its books.
    pub const fn books(&self) -> &FileBooks {
        &self.books
    }

    /// How often it went no further, by why.
    pub const fn refusals(&self) -> &BTreeMap<&'static str, u64> {
        &self.refusals
    }

    /// Takes what came, and says what there is to say.
    pub fn take(&mut self, task: Task, say: Say<'_>) {
        if let Task::Said(message) = &task
            && let Some(reply) = self.said_before(message)
        {
            say(reply);
            return;
        }
        let about = self.about(&task);
        if let Err(why) = self.play(task, say) {
            if matches!(why, Why::Learn(LearnError::Stopped)) {
                tracing::info!("a round was stopped");
                return;
            }
            self.refuse(about, &why, say);
        }
    }

    fn play(&mut self, task: Task, say: Say<'_>) -> Result<(), Why> {
        match task {
            Task::Said(Message::RoundOffer(offer)) => self.offered(offer, say),
            Task::Said(Message::RoundCohort(cohort)) => self.train(&cohort, say),
            Task::Said(Message::RoundBegin(begin)) => self.begin(begin, say),
            Task::Said(Message::RoundRoster(roster)) => self.share(roster, say),
            Task::Said(Message::RoundShares(shares)) => self.mask(shares, say),
            Task::Said(Message::RoundShow(show)) => self.show(show, say),
            Task::Said(Message::RoundSurvivors(survivors)) => self.sign(survivors, say),
            Task::Said(Message::RoundUnmask(unmask)) => self.reveal(unmask, say),
            Task::Said(Message::RoundCandidate(candidate)) => self.announced(candidate, say),
            Task::Said(Message::RoundEnd(end)) => self.end(&end),
            Task::Said(_) => Err(Why::Unfit("this message has no place in a round")),
            Task::Weights(bytes) => self.weights(bytes, say),
        }
    }

    /// What was asked in the same words.
    fn said_before(&self, message: &Message) -> Option<Reply> {
        let said = self.playing.iter().flat_map(|playing| &playing.said);
        let voted = self.candidate.iter().filter_map(|judging| judging.said.as_ref());
        said.chain(voted).find(|(asked, _)| asked == message).map(|(_, reply)| reply.clone())
    }

    /// Offered: it is held against limits and past before anything is done for it.
    fn offered(&mut self, offer: RoundOffer, say: Say<'_>) -> Result<(), Why> {
        let about = offer.about.attempted().ok_or(Why::Unfit("an offer of no round"))?;
        let network = self.learner.networks().into_iter().find(|own| own.name == offer.network);
        let network = network.ok_or_else(|| LearnError::Unknown(offer.network.clone()))?;
        let fits = network.layout.0 == offer.layout && network.length as u64 == offer.length;
        if !fits || network.schema != offer.schema {
            return Err(Why::Unfit("the round's network has another layout, or other features, than here"));
        }
        let first = Attempted { attempt: 1, ..about };
        privacy(&offer, first, self.estimate(&offer)).check(&self.policy, &self.books)?;
        whole::check(&offer, first, &self.policy, &self.books)?;
        let known = Known::new(&self.credentials).map_err(Why::Identity)?;
        let nonce = *secret().map_err(Refusal::from)?;
        let agent = known.name.agent;
        let has_model = self.model.as_ref().is_some_and(|(digest, _)| *digest == about.model);
        let accept = RoundAccept {
            about: offer.about.clone(),
            has_model,
            commitment: commitment(agent, &nonce).to_vec(),
        };
        let base = self.model.as_ref().filter(|_| has_model).map(|(_, weights)| weights.clone());
        self.control.begin(about.round);
        tracing::info!(round = about.round, network = offer.network, "takes part in a round");
        let asked = Message::from(offer.clone());
        // To whom the model does not come again, it was here.
        let again = Reply::Say(RoundAccept { has_model, ..accept.clone() }.into());
        self.playing = Some(Playing {
            offer,
            about,
            nonce,
            agent,
            cohort: None,
            trained: None,
            ready: None,
            base,
            attempt: None,
            said: vec![(asked, again)],
        });
        say(Reply::Say(accept.into()));
        Ok(())
    }

    /// Weights came whole: the model of the round, or the candidate.
    fn weights(&mut self, bytes: Vec<u8>, say: Say<'_>) -> Result<(), Why> {
        let digest = sha256(&bytes);
        if self.candidate.as_ref().is_some_and(|judging| judging.digest == digest) {
            return self.judge(&bytes, say);
        }
        let Some(playing) = self.playing.as_mut().filter(|playing| playing.about.model == digest) else {
            return Err(Why::Unfit("weights came that are not those of the round"));
        };
        let own = self.learner.weights(&playing.offer.network)?;
        let base = read(&own, &bytes)?;
        playing.base = Some(base.clone());
        // Asked again, it has it.
        if let Some((_, Reply::Say(Message::RoundAccept(accept)))) = playing.said.first_mut() {
            accept.has_model = true;
        }
        self.model = Some((digest, base));
        Ok(())
    }

    /// Everybody has committed himself: training begins.
    fn train(&mut self, cohort: &RoundCohort, say: Say<'_>) -> Result<(), Why> {
        let playing = self.playing.as_mut().ok_or(Refusal::OutOfTurn)?;
        if cohort.about.attempted() != Some(playing.about) || playing.attempt.is_some() {
            return Err(Refusal::OutOfTurn.into());
        }
        let digest = cohort.digest.as_slice().try_into().map_err(|_| Refusal::Draw)?;
        let all = Cohort { digest, plants: cohort.plants };
        let found = usize::try_from(all.plants).unwrap_or(usize::MAX);
        if found < self.policy.fewest {
            let (fewest, most) = (self.policy.fewest, self.policy.most);
            return Err(Refusal::Group { found, fewest, most }.into());
        }
        if playing.cohort.is_some_and(|before| before != all) {
            return Err(Refusal::Draw.into());
        }
        playing.cohort = Some(all);
        let base = playing.base.clone().ok_or(Why::Unfit("the model of the round did not come"))?;
        let (offer, about) = (playing.offer.clone(), playing.offer.about.clone());
        let settings = settings(&offer);
        let mut heard = |pace: crate::learn::learner::Pace| {
            say(Reply::Say(progress(&about, pace).into()));
            if self.control.is_asked(about.round) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let trained = loop {
            match self.learner.train(&offer.network, about.round, &base, &settings, &mut heard) {
                // Held, not given up: what was trained is kept, and it goes on from there.
                Err(LearnError::Stopped) if self.control.wait(about.round) => {}
                other => break other?,
            }
        };
        self.trained(trained, say)
    }

    fn trained(&mut self, trained: Trained, say: Say<'_>) -> Result<(), Why> {
        let playing = self.playing.as_mut().ok_or(Refusal::OutOfTurn)?;
        let mechanism = mechanism(trained.spent).ok_or_else(|| Refusal::Noise {
            unit: self.policy.unit.name(),
            asked: 0.0,
            wanted: self.policy.noise,
        })?;
        let first = Attempted { attempt: 1, ..playing.about };
        let offer = privacy(&playing.offer, first, mechanism);
        offer.check(&self.policy, &self.books)?;
        let (epsilon, mut rounds_left) = self.books.outlook(&offer.event());
        if let Some(whole) = whole::check(&playing.offer, first, &self.policy, &self.books)? {
            // What is trained once is spent once; each attempt at the sum then spends of the plant as a whole.
            self.books.spend(&self.books.past(), &offer.event()).map_err(Refusal::from)?;
            rounds_left = rounds_left.min(self.books.outlook(&whole.event()).1);
        }
        let ready = RoundReady {
            about: playing.offer.about.clone(),
            nonce: playing.nonce.to_vec(),
            loss: rounded(trained.loss, 100.0),
            epsilon,
            rounds_left,
            delta: Some(self.books.budget().delta),
            budget: Some(self.books.budget().epsilon),
        };
        playing.trained = Some(trained);
        let Cohort { digest, plants } = playing.cohort.ok_or(Refusal::OutOfTurn)?;
        let about = playing.offer.about.clone();
        let cohort = RoundCohort { about, digest: digest.to_vec(), plants };
        playing.said.push((cohort.into(), Reply::Say(ready.clone().into())));
        playing.ready = Some(ready.clone());
        say(Reply::Say(ready.into()));
        Ok(())
    }

    /// What a round is thought to cost before it is known: about what the last one did.
    fn estimate(&self, offer: &RoundOffer) -> Mechanism {
        let little = Mechanism::Sampled { noise: offer.noise, rate: 1e-6, steps: 1 };
        let last = self.books.last(self.policy.unit).filter(|last| last.noise() <= offer.noise);
        mechanism(Some(last.unwrap_or(little))).unwrap_or(little)
    }

    /// Which round something is about.
    fn about(&self, task: &Task) -> About {
        let playing = || self.playing.as_ref().map(|playing| playing.offer.about.clone()).unwrap_or_default();
        match task {
            Task::Said(Message::RoundOffer(said)) => said.about.clone(),
            Task::Said(Message::RoundCohort(said)) => said.about.clone(),
            Task::Said(Message::RoundBegin(said)) => said.about.clone(),
            Task::Said(Message::RoundRoster(said)) => said.about.clone(),
            Task::Said(Message::RoundShares(said)) => said.about.clone(),
            Task::Said(Message::RoundShow(said)) => said.about.clone(),
            Task::Said(Message::RoundSurvivors(said)) => said.about.clone(),
            Task::Said(Message::RoundUnmask(said)) => said.about.clone(),
            Task::Said(Message::RoundCandidate(said)) => said.about.clone(),
            _ => playing(),
        }
    }

    /// Goes no further, says why, and counts it.
    fn refuse(&mut self, about: About, why: &Why, say: Say<'_>) {
        *self.refusals.entry(why.name()).or_default() += 1;
        tracing::warn!(security = true, round = about.round, refused = why.name(), "a round: {why}");
        let sign = |refusal: &Refusal| {
            let known = Known::new(&self.credentials).ok()?;
            refusal.sign(&about.attempted()?, &known)
        };
        let signature = match why {
            Why::Refused(refusal) => sign(refusal).unwrap_or_default(),
            _ => Vec::new(),
        };
        let words: String = why.to_string().chars().take(400).collect();
        let refusal = RoundRefusal { about, name: why.name().to_owned(), words, signature };
        if self.playing.as_ref().is_some_and(|playing| playing.about.round == refusal.about.round)
            && let Some(playing) = &mut self.playing
        {
            // Its secrets go with it; the round may be tried again as far as the books allow.
            playing.attempt = None;
        }
        say(Reply::Say(refusal.into()));
    }
}

/// The offer as the protocol holds it against a policy.
pub(super) fn privacy(offer: &RoundOffer, attempted: Attempted, mechanism: Mechanism) -> Offer {
    let ancestors = offer.ancestors.iter().filter_map(|digest| digest.as_slice().try_into().ok());
    Offer {
        attempted,
        made_in: offer.made_in,
        ancestors: ancestors.collect(),
        ring: Terms {
            bits: offer.bits,
            clip: offer.clip,
            members: offer.members,
            deviation: offer.deviation,
        },
        unit: Unit::Window,
        mechanism,
        is_seen: offer.is_seen,
    }
}

/// What the training of a round has cost: never less noise than was asked for.
pub(super) fn mechanism(spent: Option<Mechanism>) -> Option<Mechanism> {
    spent.filter(Mechanism::is_sound)
}

fn settings(offer: &RoundOffer) -> Settings {
    Settings {
        epochs: offer.epochs,
        batch: offer.batch,
        rate: offer.rate,
        proximal: offer.proximal,
        clip: offer.window_clip,
        noise: offer.noise,
        seed: offer.seed,
    }
}

fn progress(about: &About, pace: crate::learn::learner::Pace) -> RoundProgress {
    let loss = rounded(pace.loss, 100.0);
    RoundProgress { about: about.clone(), epoch: pace.epoch, epochs: pace.epochs, loss }
}

/// Bounded, and of few digits: figures tell of a plant, too. They are means of many windows, and carry no noise.
pub(super) fn rounded(value: f32, digits: f32) -> f32 {
    let value = if value.is_finite() { value.clamp(0.0, MOST_TOLD) } else { 0.0 };
    (value * digits).round() / digits
}

/// Weights that came, for a network that is known here.
pub(super) fn read(own: &WeightVector, bytes: &[u8]) -> Result<WeightVector, Why> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(Why::Unfit("weights were cut off"));
    }
    let values = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
    Ok(own.with(values).map_err(LearnError::Misfit)?)
}

/// A worse loss says no more.
const MOST_TOLD: f32 = 100.0;

impl Control {
    /// Whether training is to stand still or to end.
    fn is_asked(&self, round: u64) -> bool {
        self.stopping.load(Ordering::Relaxed) || self.is_over(round) || self.is_held(round)
    }
}
