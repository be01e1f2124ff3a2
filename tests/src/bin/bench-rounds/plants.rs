//! The plants, in a process of their own: they learn, and say at the end what learning took.

use std::io::Read as _;
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Result;
use fieldward_agent::learn::learner::{Judgement, LearnError, Learner, Network, Pace, Settings, Trained};
use fieldward_agent::round::Privacy;
use fieldward_agent::uplink::Credentials;
use fieldward_shared::weights::WeightVector;
use fieldward_tests::link::office::{ca, issued};
use fieldward_tests::rounds::{LinearLearner, privacy, take_part_showing};

/// What all of them are like.
pub struct Plants {
    /// Parameters of the model.
    pub parameters: usize,
    /// Whether they agree to be seen.
    pub may_be_seen: bool,
}

impl Plants {
    /// Plays until standard input ends.
    pub fn play(&self, count: u64, to: SocketAddr, office: &Path, dir: Option<PathBuf>) -> Result<()> {
        let folder = match dir {
            Some(dir) => tempfile::tempdir_in(dir)?,
            None => tempfile::tempdir_in(office)?,
        };
        // Budgets are no matter here.
        let privacy = Privacy { may_be_seen: self.may_be_seen, epsilon: 50.0, ..privacy() };
        let took = Arc::new(Took::default());
        let mut all = Vec::new();
        for nth in 0..count {
            let name = format!("plant-{nth}");
            let state = folder.path().join(&name);
            std::fs::create_dir(&state)?;
            let (_, trust) = issued(&ca(office), &name)?;
            let learner = Timed(LinearLearner::new(self.parameters, nth).0, took.clone());
            let shown = Credentials::Given(trust);
            all.push(take_part_showing(shown, &state, to, Box::new(learner), &privacy)?);
        }
        std::io::stdin().read_to_end(&mut Vec::new())?;
        let trained = took.micros.load(Ordering::Relaxed) as f64 / 1000.0;
        let times = took.times.load(Ordering::Relaxed).max(1);
        println!("a plant trained for {:.1} ms of each round, by the clock", trained / times as f64);
        // Each takes a moment to say goodbye: all at once.
        let ending: Vec<_> =
            all.into_iter().map(|uplink| std::thread::spawn(move || uplink.stop())).collect();
        ending.into_iter().for_each(|thread| drop(thread.join()));
        Ok(())
    }
}

/// What training took.
#[derive(Default)]
struct Took {
    micros: AtomicU64,
    times: AtomicU64,
}

/// A learner that is timed.
struct Timed(LinearLearner, Arc<Took>);

impl Learner for Timed {
    fn networks(&self) -> Vec<Network> {
        self.0.networks()
    }

    fn weights(&self, network: &str) -> Result<WeightVector, LearnError> {
        self.0.weights(network)
    }

    fn train(
        &mut self,
        network: &str,
        round: u64,
        base: &WeightVector,
        how: &Settings,
        pace: &mut dyn FnMut(Pace) -> ControlFlow<()>,
    ) -> Result<Trained, LearnError> {
        let start = Instant::now();
        let trained = self.0.train(network, round, base, how, pace);
        self.1.micros.fetch_add(start.elapsed().as_micros() as u64, Ordering::Relaxed);
        self.1.times.fetch_add(1, Ordering::Relaxed);
        trained
    }

    fn judge(&mut self, network: &str, weights: &WeightVector) -> Result<Judgement, LearnError> {
        self.0.judge(network, weights)
    }

    fn adopt(
        &mut self,
        network: &str,
        version: u64,
        weights: &WeightVector,
    ) -> Result<Judgement, LearnError> {
        self.0.adopt(network, version, weights)
    }
}
