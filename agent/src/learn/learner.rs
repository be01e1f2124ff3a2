//! What a federated round asks of a plant: to train from weights that all share, to judge weights, and to take
//! them over. Whoever plays rounds knows networks by this alone.

use std::ops::ControlFlow;

use fieldward_shared::privacy::accountant::event::Mechanism;
use fieldward_shared::weights::{LayoutHash, Misfit, WeightVector};

/// A network that plants learn together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// `autoencoder` or `classifier`.
    pub name: &'static str,
    /// Of its shared part.
    pub layout: LayoutHash,
    /// Weights of that part.
    pub length: usize,
    /// Hash of what it is fed with; agents of another are left out of its rounds.
    pub schema: u64,
}

/// How a round has plants train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How often each window is seen in the mean.
    pub epochs: u32,
    /// Windows of a step in the mean; each takes part by chance.
    pub batch: u32,
    /// How far a step goes.
    pub rate: f64,
    /// Pull to the weights of the round (FedProx); zero for none.
    pub proximal: f64,
    /// Norm to which the gradient of each window is cut.
    pub clip: f64,
    /// Noise of a step as a multiple of that norm; zero only where the plant's own policy allows it.
    pub noise: f64,
    /// Chance begins here; the plant adds of its own, so that noise cannot be foretold.
    pub seed: u64,
}

/// How far training has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// Epochs that are done.
    pub epoch: u32,
    /// Epochs in all.
    pub epochs: u32,
    /// Mean loss of the last one.
    pub loss: f32,
}

/// What came of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trained {
    /// The weights.
    pub weights: WeightVector,
    /// Windows that were learnt from.
    pub windows: u64,
    /// Mean loss at its end.
    pub loss: f32,
    /// What it spends of the budget for windows; none when there was no noise.
    pub spent: Option<Mechanism>,
}

/// How weights do on the plant's own windows that were held back from all training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Windows that it was judged on.
    pub windows: u64,
    /// Their mean loss.
    pub loss: f32,
    /// Share of them that it gets right, at the plant's own threshold.
    pub accuracy: f32,
    /// The same of the weights at work.
    pub present: f32,
    /// Whether it is no worse than those.
    pub accepts: bool,
}

/// Why a plant cannot learn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// It has no such network.
    #[error("there is no network '{0}' here; this agent is older or newer than the round")]
    Unknown(String),
    /// It has too little to learn from.
    #[error("{windows} windows are too few to learn '{network}' from, {wanted} are wanted")]
    TooFew {
        /// Which.
        network: &'static str,
        /// That there are.
        windows: u64,
        /// That are wanted.
        wanted: u64,
    },
    /// The weights are of another network.
    #[error("the weights of the round do not fit: {0}")]
    Misfit(Misfit),
    /// What was asked makes no training.
    #[error("a round asks for {0}, which is no training")]
    Settings(String),
    /// It was told to stop; what was done is kept for the same round.
    #[error("training was stopped")]
    Stopped,
    /// The disk, or a file on it.
    #[error("{0}")]
    Disk(String),
}

/// A plant that learns.
pub trait Learner: Send {
    /// What it can learn.
    fn networks(&self) -> Vec<Network>;

    /// The weights at work, of the shared part.
    fn weights(&self, network: &str) -> Result<WeightVector, LearnError>;

    /// Trains from `base`; `pace` is told after each epoch and may stop it. The same round goes on where it was
    /// stopped.
    fn train(
        &mut self,
        network: &str,
        round: u64,
        base: &WeightVector,
        settings: &Settings,
        pace: &mut dyn FnMut(Pace) -> ControlFlow<()>,
    ) -> Result<Trained, LearnError>;

    /// Judges weights on what was held back.
    fn judge(&mut self, network: &str, weights: &WeightVector) -> Result<Judgement, LearnError>;

    /// Takes weights over when they are no worse than those at work, which stay otherwise. What is the plant's own
    /// (thresholds, last layers) is fitted anew.
    fn adopt(&mut self, network: &str, version: u64, weights: &WeightVector)
    -> Result<Judgement, LearnError>;
}
