//! How updates become the next model. Nothing here knows which network they belong to.

mod fedadam;
mod fedavg;
mod fedprox;
mod geometric_median;
pub mod guard;
mod median;
mod multi_krum;
mod parts;
pub mod robust;
#[cfg(test)]
mod tests;
mod trimmed_groups;
mod trimmed_mean;

use robust::RobustError;

/// A way to learn together. To add one: a file with a `KIND`, and a line in [`STRATEGIES`].
pub struct Kind {
    /// As configuration and the API name it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// What it must see.
    pub sees: Sees,
    /// Makes one; what it remembered of earlier rounds is given to it.
    pub new: New,
}

/// Makes a strategy.
pub type New = fn(&Settings, &[u8]) -> Result<Box<dyn Strategy>, StrategyError>;

/// What a strategy must see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sees {
    /// Means of groups are enough, so that each plant can hide in one.
    Groups,
    /// The update of each plant: only for plants that agreed to be seen one by one.
    Each,
}

/// Every way there is.
pub const STRATEGIES: &[Kind] = &[
    fedavg::KIND,
    fedprox::KIND,
    fedadam::KIND,
    trimmed_groups::KIND,
    trimmed_mean::KIND,
    median::KIND,
    geometric_median::KIND,
    multi_krum::KIND,
];

/// What may be set; a strategy takes what concerns it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How far the model follows what came of a round; 1 is all the way.
    pub rate: f64,
    /// Plants (or groups) that may lie.
    pub liars: usize,
    /// Pull of plants to the weights of the round.
    pub proximal: f64,
}

/// What came of a round: the mean change of some plants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part<'a> {
    /// How many plants it is the mean of.
    pub plants: u32,
    /// By how much they would change the model.
    pub change: &'a [f32],
}

/// Why there is no next model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StrategyError {
    /// They are not of one shape, or too few.
    #[error(transparent)]
    Parts(#[from] RobustError),
    /// A change is not finite.
    #[error("a change is not finite; nothing is made of this round")]
    NotFinite,
    /// It must see each plant, and was given means of several.
    #[error("'{0}' must see the update of each plant, and was given the mean of several")]
    Hidden(&'static str),
    /// It must see each plant, which masking keeps it from.
    #[error(
        "'{0}' must see the update of each plant, and masking hides it: take one of {1}, or switch masking off where \
         all plants agreed to be seen one by one"
    )]
    Masked(&'static str, String),
    /// There is none of this name.
    #[error("there is no strategy '{name}'; there are {known}")]
    Unknown {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// What was remembered is not of this strategy.
    #[error("what is remembered of '{0}' cannot be read; begin anew with another strategy, or roll back")]
    Memory(&'static str),
    /// It cannot be set so.
    #[error("'{name}' cannot be: {why}")]
    Settings {
        /// Which.
        name: &'static str,
        /// Why.
        why: String,
    },
}

/// Makes the next model of the last one and what plants changed. The order of parts makes no difference.
pub trait Strategy: Send {
    /// By how much the model changes.
    fn combine(&mut self, parts: &[Part<'_>]) -> Result<Vec<f32>, StrategyError>;

    /// What it must remember for the next round; kept with the version that it made.
    fn memory(&self) -> Vec<u8> {
        Vec::new()
    }
}

impl Settings {
    /// Refuses what no strategy could follow.
    fn check(&self) -> Result<(), StrategyError> {
        let refuse = |name, why: &str| Err(StrategyError::Settings { name, why: why.to_owned() });
        if !(self.rate > 0.0 && self.rate <= FASTEST) {
            return refuse(
                "rate",
                "it is more than 0 and at most 10, where 1 follows the plants all the way",
            );
        }
        if !(self.proximal >= 0.0 && self.proximal.is_finite()) {
            return refuse("proximal", "it is 0 (no pull) or more");
        }
        Ok(())
    }
}

/// The strategy of a name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    STRATEGIES.iter().find(|kind| kind.name == name)
}

/// The strategy of a name, where masking is on or off: what cannot go together is refused, with the reason.
pub fn chosen(name: &str, is_masked: bool) -> Result<&'static Kind, StrategyError> {
    let names = |fits: fn(&Kind) -> bool| {
        STRATEGIES.iter().filter(|kind| fits(kind)).map(|kind| kind.name).collect::<Vec<_>>().join(", ")
    };
    let kind =
        kind(name).ok_or_else(|| StrategyError::Unknown { name: name.to_owned(), known: names(|_| true) })?;
    if is_masked && kind.sees == Sees::Each {
        return Err(StrategyError::Masked(kind.name, names(|kind| kind.sees == Sees::Groups)));
    }
    Ok(kind)
}

/// Faster than this nothing converges.
const FASTEST: f64 = 10.0;
