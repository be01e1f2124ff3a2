//! What the classifier sees of an incident: how much there is of each clue, how fast it went, how many were
//! touched, and whose doings they are. Logarithms, so that ten of something differ from one as a hundred
//! from ten.

use crate::alert::clues::{COUNT, Clues};
use crate::alert::surge::{COUNTS, Surge};

/// Numbers that the classifier reads.
pub const INPUTS: usize = COUNT + 12 + COUNTS;

/// What the classifier reads.
pub type Input = [f32; INPUTS];

/// What is known of an incident.
pub struct Case<'a> {
    /// What it shows.
    pub clues: &'a Clues,
    /// Of what the whole plant sent more.
    pub surge: &'a Surge,
    /// Whoever did it was not there in learning.
    pub stranger: bool,
    /// Somebody in particular did it.
    pub has_actor: bool,
    /// How many were touched.
    pub targets: u64,
    /// How many findings there are.
    pub findings: u64,
    /// How long it has gone on: seconds.
    pub seconds: u64,
}

impl Case<'_> {
    /// The case in numbers.
    pub fn input(&self) -> Input {
        let mut input = [0.0; INPUTS];
        let (clues, rest) = input.split_at_mut(COUNT);
        for (value, sure) in clues.iter_mut().zip(self.clues.sure()) {
            *value = (1.0 + 4.0 * sure).ln();
        }
        let log = |count: u64| (1.0 + count as f32).ln();
        let yes = |is: bool| f32::from(u8::from(is));
        let whose = [yes(self.stranger), yes(self.has_actor)];
        let sizes = [log(self.targets), log(self.findings), log(self.seconds) * 0.5];
        let alike = log(self.findings) - log(u64::from(self.clues.different()));
        let peaks = self.clues.peak.rates().map(|rate| log(u64::from(rate)) * 0.5);
        let scalars = whose.into_iter().chain(sizes).chain([alike]).chain(peaks).chain(self.surge.logs());
        rest.iter_mut().zip(scalars).for_each(|(value, scalar)| *value = scalar);
        input
    }
}
