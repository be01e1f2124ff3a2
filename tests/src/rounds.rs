//! Plants that learn together: a small learner that trains for real (a linear model, by noised gradients of clipped
//! examples), plants with their player and their link, and an aggregator that drives rounds.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use fastrand::Rng;
use fieldward_agent::learn::learner::{Judgement, LearnError, Learner, Network, Pace, Settings, Trained};
use fieldward_agent::round::{Control, Desk, FileBooks, Player, Privacy};
use fieldward_agent::spool::{self, Spool};
use fieldward_agent::uplink::{self, Credentials, Uplink};
use fieldward_aggregator::round::{Driver, RoundTerms, RoundsConfig};
use fieldward_aggregator::store::rounds::{Cause, Round, Status, Wanted};
use fieldward_aggregator::store::versions::NewVersion;
use fieldward_aggregator::store::{Store, now};
use fieldward_shared::identity::AGGREGATOR;
use fieldward_shared::privacy::accountant::event::Mechanism;
use fieldward_shared::weights::{Layout, WeightVector};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use crate::link::office::{Enrolled, Office};
use crate::link::pace;

/// The network that these plants learn.
pub const NETWORK: &str = "linear";
/// Hash of what it is fed with.
pub const SCHEMA: u64 = 77;

/// The layout of a linear model of so many weights.
pub fn layout(length: usize) -> Layout {
    Layout::new([("weights", &[length][..])])
}

/// What a linear learner knows, for the test to look at.
#[derive(Debug)]
pub struct Linear {
    /// At work.
    pub weights: Vec<f32>,
    /// Versions that it took over.
    pub adopted: Vec<u64>,
    /// How often it trained.
    pub trainings: u64,
    /// Whether it calls every model worse than its own.
    pub grumbles: bool,
    /// Whether every model is good enough for it.
    pub is_content: bool,
    /// What is sent in place of what was learnt.
    pub poison: Option<f32>,
    /// Whether it sends the opposite of what it learnt, and so many times that.
    pub turns: Option<f32>,
}

/// A learner of a linear model from windows of its own.
pub struct LinearLearner {
    length: usize,
    schema: u64,
    seed: u64,
    state: Arc<Mutex<Linear>>,
}

/// Windows of a plant.
const WINDOWS: usize = 256;
/// Of which so many are held back.
const HELD: usize = 64;

impl LinearLearner {
    /// Of a plant that draws its windows from a seed.
    pub fn new(length: usize, seed: u64) -> (Self, Arc<Mutex<Linear>>) {
        let state = Linear {
            weights: vec![0.0; length],
            adopted: vec![],
            trainings: 0,
            grumbles: false,
            is_content: false,
            poison: None,
            turns: None,
        };
        let state = Arc::new(Mutex::new(state));
        (Self { length, schema: SCHEMA, seed, state: state.clone() }, state)
    }

    /// With another schema.
    #[must_use]
    pub fn of_schema(mut self, schema: u64) -> Self {
        self.schema = schema;
        self
    }

    /// A window: a few numbers at a few places, and what they should give. All plants learn the same truth.
    fn window(&self, nth: usize) -> (Vec<(usize, f32)>, f32) {
        let mut chance = Rng::with_seed(self.seed.wrapping_mul(7919).wrapping_add(nth as u64));
        let used = self.length.min(8);
        let inputs: Vec<(usize, f32)> = (0..used).map(|at| (at, chance.f32() * 2.0 - 1.0)).collect();
        let wanted = inputs.iter().map(|(at, value)| value * truth(*at)).sum();
        (inputs, wanted)
    }

    fn loss(&self, weights: &[f32]) -> (f32, f32) {
        let (mut sum, mut right) = (0.0, 0_u32);
        for nth in WINDOWS - HELD..WINDOWS {
            let (inputs, wanted) = self.window(nth);
            let found: f32 = inputs.iter().map(|(at, value)| value * weights[*at]).sum();
            sum += (found - wanted).powi(2);
            right += u32::from((found - wanted).abs() < 0.25);
        }
        (sum / HELD as f32, right as f32 / HELD as f32)
    }
}

/// What all plants would learn.
fn truth(at: usize) -> f32 {
    0.1 * ((at % 5) as f32 - 2.0)
}

impl Learner for LinearLearner {
    fn networks(&self) -> Vec<Network> {
        let layout = layout(self.length).hash();
        vec![Network { name: NETWORK, layout, length: self.length, schema: self.schema }]
    }

    fn weights(&self, network: &str) -> Result<WeightVector, LearnError> {
        if network != NETWORK {
            return Err(LearnError::Unknown(network.to_owned()));
        }
        WeightVector::new(&layout(self.length), lock(&self.state).weights.clone()).map_err(LearnError::Misfit)
    }

    fn train(
        &mut self,
        _: &str,
        round: u64,
        base: &WeightVector,
        how: &Settings,
        pace: &mut dyn FnMut(Pace) -> ControlFlow<()>,
    ) -> Result<Trained, LearnError> {
        lock(&self.state).trainings += 1;
        let mut chance = Rng::with_seed(self.seed.wrapping_mul(31) ^ how.seed.wrapping_add(round * 1009));
        let mut weights = base.values().to_vec();
        let windows = WINDOWS - HELD;
        let rate = (f64::from(how.batch) / windows as f64).min(1.0);
        let steps = (f64::from(how.epochs) / rate).ceil() as u64;
        let used = self.length.min(8);
        for step in 0..steps {
            let mut gradient = vec![0.0_f32; used];
            for nth in (0..windows).filter(|_| chance.f64() < rate).collect::<Vec<_>>() {
                let (inputs, wanted) = self.window(nth);
                let found: f32 = inputs.iter().map(|(at, value)| value * weights[*at]).sum();
                let own: Vec<f32> = inputs.iter().map(|(_, value)| 2.0 * (found - wanted) * value).collect();
                let norm = own.iter().map(|value| value * value).sum::<f32>().sqrt();
                let scale = (how.clip as f32 / norm.max(1e-12)).min(1.0);
                gradient.iter_mut().zip(own).for_each(|(sum, own)| *sum += own * scale);
            }
            for value in &mut gradient {
                *value += normal(&mut chance) * (how.noise * how.clip) as f32;
            }
            let step_size = how.rate as f32 / (rate * windows as f64) as f32;
            for (at, value) in gradient.iter().enumerate() {
                let pull = how.proximal as f32 * (weights[at] - base.values()[at]);
                weights[at] -= step_size * value + how.rate as f32 * pull;
            }
            let epoch = ((step + 1) as f64 * rate) as u32;
            if pace(Pace { epoch, epochs: how.epochs, loss: self.loss(&weights).0 }).is_break() {
                return Err(LearnError::Stopped);
            }
        }
        // On the grid of the sums, so that nothing is left to the chance of rounding.
        for (weight, before) in weights.iter_mut().zip(base.values()) {
            *weight = before + ((*weight - before) * 1_048_576.0).round() / 1_048_576.0;
        }
        if let Some(times) = lock(&self.state).turns {
            let turned = weights.iter_mut().zip(base.values());
            turned.for_each(|(weight, before)| *weight = before - (*weight - before) * times);
        }
        if let Some(poison) = lock(&self.state).poison {
            weights.iter_mut().for_each(|weight| *weight = poison);
        }
        let loss = self.loss(&weights).0;
        let spent = Some(Mechanism::Sampled { noise: how.noise, rate, steps });
        let weights = base.with(weights).map_err(LearnError::Misfit)?;
        Ok(Trained { weights, windows: windows as u64, loss, spent })
    }

    fn judge(&mut self, _: &str, weights: &WeightVector) -> Result<Judgement, LearnError> {
        let ((loss, accuracy), state) = (self.loss(weights.values()), lock(&self.state));
        let present = self.loss(&state.weights).1;
        let is_good = loss <= self.loss(&state.weights).0 * 1.05 + 1e-3;
        let accepts = !state.grumbles && (is_good || state.is_content);
        Ok(Judgement { windows: HELD as u64, loss, accuracy, present, accepts })
    }

    fn adopt(
        &mut self,
        network: &str,
        version: u64,
        weights: &WeightVector,
    ) -> Result<Judgement, LearnError> {
        let judgement = self.judge(network, weights)?;
        if judgement.accepts {
            let mut state = lock(&self.state);
            state.weights = weights.values().to_vec();
            state.adopted.push(version);
        }
        Ok(judgement)
    }
}

/// What a plant learns from a model in a round, in units of the sum.
pub fn learnt(seed: u64, length: usize, (round, base): (u64, &[f32]), terms: &RoundTerms) -> Vec<i64> {
    let settings = Settings {
        epochs: terms.epochs,
        batch: terms.batch,
        rate: terms.rate,
        proximal: terms.proximal,
        clip: terms.window_clip,
        noise: terms.noise,
        seed: round,
    };
    let go_on = &mut |_| ControlFlow::Continue(());
    let (mut learner, _) = LinearLearner::new(length, seed);
    let trained = WeightVector::new(&layout(length), base.to_vec())
        .map_err(LearnError::Misfit)
        .and_then(|base| learner.train(NETWORK, round, &base, &settings, go_on));
    let after = trained.map_or_else(|_| Vec::new(), |trained| trained.weights.values().to_vec());
    let change = after.iter().zip(base).map(|(after, before)| after - before);
    change.map(|change| (f64::from(change) * UNIT).round() as i64).collect()
}

/// Units of one in a sum.
pub const UNIT: f64 = (1_u32 << 20) as f64;

fn normal(chance: &mut Rng) -> f32 {
    let (one, other) = (chance.f64().max(1e-300), chance.f64());
    ((-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()) as f32
}

/// A plant that takes part.
pub struct Plant {
    /// Who it is.
    pub own: Enrolled,
    /// What it knows.
    pub linear: Arc<Mutex<Linear>>,
    /// Where its books lie.
    pub state: std::path::PathBuf,
    privacy: Privacy,
    uplink: Option<Uplink>,
}

impl Plant {
    /// Enrols and starts one.
    pub async fn start(
        office: &Office,
        folder: &Path,
        facility: &str,
        length: usize,
        seed: u64,
    ) -> Result<Self> {
        Self::start_under(privacy(), office, folder, facility, length, seed).await
    }

    /// The same, within other limits.
    pub async fn start_under(
        privacy: Privacy,
        office: &Office,
        folder: &Path,
        facility: &str,
        length: usize,
        seed: u64,
    ) -> Result<Self> {
        let state = folder.join(facility);
        let own = office.enrol(&state, facility).await?;
        let (learner, linear) = LinearLearner::new(length, seed);
        let mut plant = Self { own, linear, state, privacy, uplink: None };
        plant.connect(office.address(), learner)?;
        Ok(plant)
    }

    /// Connects it with a learner, as its process does when it starts.
    pub fn connect(&mut self, to: std::net::SocketAddr, learner: LinearLearner) -> Result<()> {
        drop(self.uplink.take());
        self.uplink = Some(take_part(&self.own, &self.state, to, Box::new(learner), &self.privacy)?);
        Ok(())
    }

    /// Its process ends.
    pub fn stop(&mut self) {
        drop(self.uplink.take());
    }

    /// What it knows.
    pub fn knows(&self) -> MutexGuard<'_, Linear> {
        lock(&self.linear)
    }
}

/// A player with its books.
pub fn player(
    learner: Box<dyn Learner>,
    state: &Path,
    credentials: Credentials,
    privacy: &Privacy,
) -> Result<(Player, Arc<Control>)> {
    let books = FileBooks::open(state, privacy.budget())?;
    let control = Arc::new(Control::default());
    Ok((Player::new(learner, books, credentials, privacy.policy(), control.clone()), control))
}

/// Connects a plant that takes part with what learns there.
pub fn take_part(
    own: &Enrolled,
    state: &Path,
    to: std::net::SocketAddr,
    learner: Box<dyn Learner>,
    privacy: &Privacy,
) -> Result<Uplink> {
    let credentials = Credentials::Kept(own.folder.clone(), Arc::new(own.folder.clock()));
    take_part_showing(credentials, state, to, learner, privacy)
}

/// The same with whatever it shows.
pub fn take_part_showing(
    credentials: Credentials,
    state: &Path,
    to: std::net::SocketAddr,
    learner: Box<dyn Learner>,
    privacy: &Privacy,
) -> Result<Uplink> {
    let spool_folder = state.join("spool");
    let (spool, _) = Spool::open(&spool_folder, spool::Limits::to_the_brim())?;
    // By its name the aggregator knows which certificate is wanted.
    let name = if matches!(credentials, Credentials::Brought(..)) { "localhost" } else { AGGREGATOR };
    let player = player(learner, state, credentials.clone(), privacy)?;
    let desk = Desk::start(player.0, player.1)?;
    let settings = uplink::Settings {
        address: to.to_string(),
        tcp_port: None,
        name: name.to_owned(),
        spool_folder,
        credentials,
        pace: pace(),
        labels: None,
    };
    Ok(Uplink::taking_part(settings, Arc::new(spool), Some(desk))?)
}

/// Limits of these plants.
pub fn privacy() -> Privacy {
    Privacy { epsilon: 30.0, noise: 1.0, ..Privacy::default() }
}

/// Terms of short rounds.
pub fn terms() -> RoundTerms {
    RoundTerms {
        noise: 1.0,
        epochs: 2,
        batch: 64,
        rate: 0.3,
        clip: 1.0,
        training_minutes: 1.0,
        patience_seconds: 20.0,
        ..RoundTerms::default()
    }
}

/// A driver at work.
pub struct Driving {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    /// How many steps it has kept.
    pub steps: watch::Receiver<u64>,
    /// To be told that a round was planned; else it looks each second.
    pub planned: Arc<Notify>,
}

impl Driving {
    /// Waits until a round is over, without looking by a timer.
    pub async fn ended(&mut self, store: &Store, number: u64) -> Result<Round> {
        loop {
            self.steps.mark_unchanged();
            if let Some(round) = store.round(number).await?
                && matches!(round.status, Status::Completed | Status::Failed)
            {
                return Ok(round);
            }
            self.steps.changed().await?;
        }
    }
}

/// Microseconds for which a driver that has gone still holds its round.
pub const LEASE: u64 = 1_500_000;

impl Driving {
    /// Starts one at an aggregator.
    pub fn start(office: &Office, terms: RoundTerms) -> Self {
        let config = RoundsConfig { terms, ..RoundsConfig::default() };
        let planned = Arc::new(Notify::new());
        let (store, tasks) = (office.aggregator.store.clone(), office.aggregator.intake.tasks());
        let driver = Driver::new(store, tasks, config, planned.clone()).with_lease(LEASE);
        let steps = driver.steps();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(driver.until(async { drop(stopped.await) }));
        Self { stop: Some(stop), task, steps, planned }
    }

    /// Ends in order.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        drop((&mut self.task).await);
    }

    /// Ends at once, wherever it is.
    pub fn kill(&self) {
        self.task.abort();
    }
}

/// The model that all begin with.
pub async fn import(store: &Store, length: usize) -> Result<u64> {
    let new = NewVersion {
        network: NETWORK.to_owned(),
        layout: layout(length).hash().0,
        schema: SCHEMA,
        weights: vec![0.0; length],
        parents: vec![],
        round: None,
        strategy: None,
        memory: vec![],
        made_by: "test".to_owned(),
        metrics: serde_json::Value::Null,
    };
    Ok(store.import_version(&new, now()).await?.id)
}

/// Plans a round.
pub async fn plan(store: &Store) -> Result<u64> {
    plan_of(store, NETWORK).await
}

/// Plans a round of a network.
pub async fn plan_of(store: &Store, network: &str) -> Result<u64> {
    plan_with(store, network, "fedavg", serde_json::Value::Null).await
}

/// Plans a round of a network by a strategy.
pub async fn plan_with(
    store: &Store,
    network: &str,
    strategy: &str,
    settings: serde_json::Value,
) -> Result<u64> {
    let (network, strategy) = (network.to_owned(), strategy.to_owned());
    let wanted = Wanted { network, strategy, requested_by: "test".to_owned(), cause: Cause::Api, settings };
    let planned = store.plan_round(&wanted, now()).await?;
    planned.map(|round| round.number).ok_or_else(|| anyhow::anyhow!("one waits already"))
}

/// Waits until a round is over.
pub async fn ended(store: &Store, number: u64) -> Round {
    let waiting = async {
        loop {
            if let Ok(Some(round)) = store.round(number).await
                && matches!(round.status, Status::Completed | Status::Failed)
            {
                return round;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let done = tokio::time::timeout(std::time::Duration::from_secs(90), waiting).await;
    if done.is_err() {
        let round = store.round(number).await;
        let clients = store.round_clients(number).await;
        panic!("round {number} does not end: {round:#?} {clients:#?}");
    }
    done.unwrap_or_else(|_| unreachable!())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
