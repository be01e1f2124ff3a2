//! What spends privacy: a mechanism that was used once in an attempt of a round. Events are kept, not epsilons;
//! those are reckoned anew at any delta.

use serde::{Deserialize, Serialize};

/// Whom a guarantee is about. The epsilons of two units are never added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// One window of traffic, more or less, inside a plant.
    Window,
    /// All that a plant sent, or nothing.
    Plant,
}

/// How noise was added; `noise` is its deviation as a multiple of the clip norm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// Gaussian noise, everyone takes part in every step.
    Gaussian {
        /// Noise.
        noise: f64,
        /// How often.
        steps: u64,
    },
    /// Gaussian noise, each takes part in a step by chance (Poisson).
    Sampled {
        /// Noise.
        noise: f64,
        /// With which chance.
        rate: f64,
        /// How often.
        steps: u64,
    },
    /// The discrete Gaussians of several plants in one sum.
    Discrete(Discrete),
}

/// Discrete noise in the sum of several plants, all in units of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discrete {
    /// Largest norm of an update after rounding.
    pub norm: f64,
    /// Deviation of each plant's noise.
    pub deviation: f64,
    /// Honest plants whose noise is certainly in the sum.
    pub plants: u32,
    /// Parameters.
    pub length: u64,
    /// How often.
    pub steps: u64,
}

/// An entry of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Whom it concerns.
    pub unit: Unit,
    /// In which round.
    pub round: u64,
    /// In which attempt.
    pub attempt: u32,
    /// What was done.
    pub mechanism: Mechanism,
}

impl Unit {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Plant => "plant",
        }
    }
}

impl Mechanism {
    /// Whether it is one: noise, rates and counts from anywhere are not believed.
    pub fn is_sound(&self) -> bool {
        let noisy = |noise: f64| noise.is_finite() && noise > 0.0;
        match *self {
            Self::Gaussian { noise, .. } => noisy(noise),
            Self::Sampled { noise, rate, .. } => noisy(noise) && rate > 0.0 && rate <= 1.0,
            Self::Discrete(discrete) => {
                noisy(discrete.norm)
                    && noisy(discrete.deviation)
                    && discrete.plants > 0
                    && discrete.length > 0
            }
        }
    }

    /// Noise as a multiple of the norm, as policies speak of it.
    pub fn noise(&self) -> f64 {
        match *self {
            Self::Gaussian { noise, .. } | Self::Sampled { noise, .. } => noise,
            Self::Discrete(Discrete { norm, deviation, plants, .. }) => {
                deviation * f64::from(plants).sqrt() / norm
            }
        }
    }

    /// The same, `rounds` times.
    #[must_use]
    pub fn times(self, rounds: u64) -> Self {
        self.with_steps(self.steps().saturating_mul(rounds))
    }

    /// The same, so often.
    #[must_use]
    pub(super) const fn with_steps(self, steps: u64) -> Self {
        match self {
            Self::Gaussian { noise, .. } => Self::Gaussian { noise, steps },
            Self::Sampled { noise, rate, .. } => Self::Sampled { noise, rate, steps },
            Self::Discrete(of) => Self::Discrete(Discrete { steps, ..of }),
        }
    }

    /// How often.
    pub const fn steps(&self) -> u64 {
        match *self {
            Self::Gaussian { steps, .. }
            | Self::Sampled { steps, .. }
            | Self::Discrete(Discrete { steps, .. }) => steps,
        }
    }
}
