//! A cell: one piece of the process with the variables that its controller reads and moves. Its physics
//! is a function of the variables, stepped in time; the same seed gives the same history.

use super::points::Point;
use crate::rng::Rng;

/// A kind of cell.
pub struct CellKind {
    /// What it is.
    pub name: &'static str,
    /// What its controller shows.
    pub points: &'static [Point],
    /// What the variables begin with.
    pub start: &'static [f64],
    /// Physics and control for a step; gives the flow that feeds the next cell.
    pub step: fn(vars: &mut [f64], controlled: bool, env: &mut Env<'_>) -> f64,
    /// Words of the holding table beyond the points.
    pub spare: usize,
}

/// A cell of a plant.
#[derive(Clone)]
pub struct Cell {
    /// Its kind.
    pub kind: &'static CellKind,
    /// Its state, and what its sensors show of it.
    pub vars: Vec<f64>,
    /// Its controller's program runs.
    pub controlled: bool,
}

/// What surrounds a cell during a step.
pub struct Env<'a> {
    /// Share of full load that is asked of the plant.
    pub load: f64,
    /// What the cell before delivers, as a share of its full flow.
    pub feed: f64,
    /// How long the step is.
    pub seconds: f64,
    /// How many steps there were.
    pub turn: usize,
    /// Which cell of the plant it is.
    pub index: usize,
    /// Chance.
    pub rng: &'a mut Rng,
}

/// The variables of a kind of cell, each with what it begins with: `NAME` is its place, `START` holds all.
macro_rules! variables {
    ($cell:ident: $($name:ident = $start:expr),+ $(,)?) => {
        mod $cell {
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            enum Place { $($name),+ }
            $(pub const $name: usize = Place::$name as usize;)+
            pub const START: &[f64] = &[$($start),+];
        }
    };
}
pub(super) use variables;

impl Cell {
    /// A cell at its beginning, no two quite the same.
    pub fn new(kind: &'static CellKind) -> Self {
        Self { kind, vars: kind.start.to_vec(), controlled: true }
    }

    /// One step; gives what feeds the next cell.
    pub fn step(&mut self, env: &mut Env<'_>) -> f64 {
        (self.kind.step)(&mut self.vars, self.controlled, env)
    }
}

impl Env<'_> {
    /// What a sensor shows of `value`: noise, and steps as fine as its converter.
    pub fn sense(&mut self, value: f64, noise: f64, step: f64) -> f64 {
        ((value + self.rng.bell() * noise) / step).round() * step
    }

    /// Moves `from` towards `to` with this time constant (seconds).
    pub fn lag(&self, from: f64, to: f64, constant: f64) -> f64 {
        from + (to - from) * (self.seconds / constant).min(1.0)
    }

    /// True every `steps` steps, at another step in each cell.
    pub const fn every(&self, steps: usize) -> bool {
        (self.turn + self.index * 7).is_multiple_of(steps)
    }

    /// A wandering disturbance: drawn back to zero with this time constant, this wide.
    pub fn wander(&mut self, value: f64, constant: f64, width: f64) -> f64 {
        let share = (self.seconds / constant).min(1.0);
        value * (1.0 - share) + self.rng.bell() * width * (2.0 * share).sqrt()
    }
}
