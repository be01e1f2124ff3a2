//! The guard between groups: it sees the means of groups alone, names those that are to be left out and why, and
//! remembers over rounds who was. What is proof (a mean longer than any member may be) shuts a group out at once;
//! what is a doubt (it points away from the others, or away from what it said so far) leaves it out of this round, and
//! shuts it out when it comes again. Of fewer than three groups nobody knows which is right: only proof counts among
//! them, and the plants' votes are what is left. A group that is drawn anew begins anew.

mod record;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};

use self::record::{Record, Sketch};
use super::robust;
use super::{Part, StrategyError, parts};

/// What a group is known by as long as its members are the same.
pub type GroupKey = [u8; 32];

/// A group and what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Which.
    pub key: GroupKey,
    /// Its mean.
    pub part: Part<'a>,
}

/// What is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Norm to which each plant shortens its update.
    pub clip: f64,
    /// What noise and rounding may add to the norm of a mean.
    pub tail: f64,
    /// Least cosine to the others and to the group's own past.
    pub least: f64,
    /// Doubts within [`MEMORY`] rounds that shut a group out.
    pub strikes: u32,
    /// Rounds for which it is shut out.
    pub rounds: u64,
}

/// Why a group is left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Doubt {
    /// Its mean is longer than that of members who shorten theirs: proof that one does not.
    TooLong {
        /// The norm.
        norm: f64,
        /// The longest that there can be.
        most: f64,
    },
    /// It points away from where most groups go.
    Astray {
        /// How far along it goes.
        cosine: f64,
        /// The least that is wanted.
        least: f64,
    },
    /// It points away from what it said itself so far.
    Turned {
        /// How far along it goes.
        cosine: f64,
        /// The least that is wanted.
        least: f64,
    },
    /// It says nothing: shorter than a hundredth of the middle one.
    Still {
        /// The norm.
        norm: f64,
        /// The middle one.
        middle: f64,
    },
    /// It says what it said last time.
    Repeated,
}

/// A group that is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct LeftOut {
    /// Which of those that were given.
    pub nth: usize,
    /// Which group.
    pub key: GroupKey,
    /// Why.
    pub doubt: Doubt,
    /// The round before which it does not come back, when it is shut out.
    pub until: Option<u64>,
}

/// What became of a round's groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Those that count, by their place.
    pub kept: Vec<usize>,
    /// Those that do not.
    pub left_out: Vec<LeftOut>,
}

/// Why nothing is made of a round.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GuardError {
    /// The parts make no model at all.
    #[error(transparent)]
    Parts(#[from] StrategyError),
    /// Of those that did not prove to cheat half or more are doubted, so that nobody knows which of them are right.
    #[error(
        "{} of {groups} groups are left out, the first because {}; nothing is made of this round",
        .left_out.len(), .left_out.first().map(|one| one.doubt.to_string()).unwrap_or_default()
    )]
    Majority {
        /// Those that are.
        left_out: Vec<LeftOut>,
        /// Of how many.
        groups: usize,
    },
    /// What it remembered cannot be read.
    #[error(
        "what the guard remembers of groups cannot be read; it begins anew, and groups that were shut out come back"
    )]
    Memory,
}

/// Remembers groups from round to round.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    rules: Rules,
    /// At most [`MOST_GROUPS`], the one that was seen last at the end.
    records: Vec<Record>,
}

impl Guard {
    /// With what was remembered of earlier rounds.
    pub fn new(rules: Rules, memory: &[u8]) -> Result<Self, GuardError> {
        let records: Vec<Record> = match memory {
            [] => Vec::new(),
            memory => postcard::from_bytes(memory).map_err(|_| GuardError::Memory)?,
        };
        if records.len() > MOST_GROUPS || !records.iter().all(Record::is_sound) {
            return Err(GuardError::Memory);
        }
        Ok(Self { rules, records })
    }

    /// What is to be kept for the next round.
    pub fn memory(&self) -> Vec<u8> {
        // It is numbers alone: there is nothing that could fail to be written.
        postcard::to_allocvec(&self.records).unwrap_or_default()
    }

    /// Judges the groups of a round. Where most are doubted nothing is made of it, but doubts are remembered; what
    /// groups said then counts as nobody's past, since nobody knows who was right.
    pub fn judge(&mut self, round: u64, groups: &[Group<'_>]) -> Result<Verdict, GuardError> {
        let all: Vec<Part<'_>> = groups.iter().map(|group| group.part).collect();
        parts::changes(&all)?;
        let norms: Vec<f64> = all.iter().map(|part| robust::norm(part.change)).collect();
        let direction = self.direction(&all, &norms)?;
        let sketches: Vec<Sketch> = all.iter().map(|part| Sketch::of(part.change)).collect();
        let doubts = self.doubts(round, groups, &norms, &sketches, direction.as_deref());
        let kept = doubts.iter().filter(|(doubt, _)| doubt.is_none()).count();
        let doubted = doubts.iter().filter(|(doubt, _)| doubt.is_some_and(|doubt| !doubt.is_proof())).count();
        let is_lost = kept == 0 || (doubted > 0 && doubted >= kept);
        let mut verdict = Verdict::default();
        for (nth, (group, sketch)) in groups.iter().zip(sketches).enumerate() {
            let (doubt, is_shut) = doubts[nth];
            let judged = Judged { doubt, is_shut, is_trusted: doubt.is_none() && !is_lost };
            let until = self.remember(round, group.key, sketch, judged);
            match doubt {
                Some(doubt) => verdict.left_out.push(LeftOut { nth, key: group.key, doubt, until }),
                None => verdict.kept.push(nth),
            }
        }
        if is_lost {
            return Err(GuardError::Majority { left_out: verdict.left_out, groups: groups.len() });
        }
        Ok(verdict)
    }

    /// What speaks against each, and whether it is shut out for it already.
    fn doubts(
        &self,
        round: u64,
        groups: &[Group<'_>],
        norms: &[f64],
        sketches: &[Sketch],
        direction: Option<&[f32]>,
    ) -> Vec<(Option<Doubt>, bool)> {
        let of = |nth: usize| {
            let record = self.records.iter().find(|record| record.key == groups[nth].key);
            if let Some((_, doubt)) =
                record.and_then(|record| record.shut).filter(|(until, _)| round < *until)
            {
                return (Some(doubt), true);
            }
            let known = Known { norm: norms[nth], middle: middle(norms), sketch: &sketches[nth], record };
            let doubt = self.rules.doubt(groups[nth].part.change, &known, direction);
            (doubt.filter(|doubt| doubt.is_proof() || groups.len() >= FEWEST), false)
        };
        let mut doubts: Vec<_> = (0..groups.len()).map(of).collect();
        let has_turned =
            |(doubt, shut): &(Option<Doubt>, bool)| !shut && matches!(doubt, Some(Doubt::Turned { .. }));
        // Where most turn, the model has gone beyond its goal: that speaks against nobody.
        if doubts.iter().filter(|one| has_turned(one)).count() * 2 > groups.len() {
            doubts.iter_mut().filter(|one| has_turned(one)).for_each(|(doubt, _)| *doubt = None);
        }
        doubts
    }

    /// Where most go: the middle in each place of those that are not too long. Two groups say nothing of each other.
    fn direction(&self, all: &[Part<'_>], norms: &[f64]) -> Result<Option<Vec<f32>>, GuardError> {
        let fair = all.iter().zip(norms).filter(|(_, norm)| **norm <= self.rules.most());
        let fair: Vec<&[f32]> = fair.map(|(part, _)| part.change).collect();
        if fair.len() < FEWEST {
            return Ok(None);
        }
        Ok(Some(robust::median(&fair).map_err(StrategyError::from)?))
    }

    /// Notes what became of a group; the round before which it does not come back, when it is shut out.
    fn remember(&mut self, round: u64, key: GroupKey, sketch: Sketch, judged: Judged) -> Option<u64> {
        let Judged { doubt, is_shut, is_trusted } = judged;
        let known = self.records.iter().position(|record| record.key == key);
        let mut record = known.map_or_else(|| Record::new(key), |nth| self.records.remove(nth));
        if !is_shut {
            record.note(round, doubt, MEMORY);
            let shuts = match doubt {
                Some(doubt) => doubt.is_proof() || record.strikes() >= self.rules.strikes,
                None => false,
            };
            record.shut = doubt
                .filter(|_| shuts)
                .map(|doubt| (round.saturating_add(1).saturating_add(self.rules.rounds), doubt));
        }
        record.said(sketch, is_trusted);
        let until = record.shut.map(|(until, _)| until);
        self.records.push(record);
        if self.records.len() > MOST_GROUPS {
            self.records.remove(0);
        }
        until
    }
}

/// What became of a group.
#[derive(Clone, Copy)]
struct Judged {
    doubt: Option<Doubt>,
    /// It was shut out before.
    is_shut: bool,
    /// What it said counts as its past.
    is_trusted: bool,
}

/// What is known of a group when it is judged.
struct Known<'a> {
    norm: f64,
    /// Norm of the middle group.
    middle: f64,
    sketch: &'a Sketch,
    record: Option<&'a Record>,
}

impl Rules {
    fn most(&self) -> f64 {
        self.clip + self.tail
    }

    fn doubt(&self, change: &[f32], known: &Known<'_>, direction: Option<&[f32]>) -> Option<Doubt> {
        let least = self.least;
        if known.norm > self.most() {
            return Some(Doubt::TooLong { norm: known.norm, most: self.most() });
        }
        if known.norm < known.middle * STILL {
            return Some(Doubt::Still { norm: known.norm, middle: known.middle });
        }
        if known.record.is_some_and(|record| record.repeats(known.sketch)) {
            return Some(Doubt::Repeated);
        }
        let astray = direction.map(|direction| robust::cosine(change, direction));
        if let Some(cosine) = astray.filter(|cosine| *cosine < least) {
            return Some(Doubt::Astray { cosine, least });
        }
        let turned = known.record.and_then(|record| record.along(known.sketch));
        turned.filter(|cosine| *cosine < least - BLUR).map(|cosine| Doubt::Turned { cosine, least })
    }
}

impl Doubt {
    /// Whether it says that somebody cheats, whatever the others do.
    const fn is_proof(self) -> bool {
        matches!(self, Self::TooLong { .. })
    }
}

fn middle(norms: &[f64]) -> f64 {
    let mut norms = norms.to_vec();
    norms.sort_by(f64::total_cmp);
    norms.get(norms.len() / 2).copied().unwrap_or_default()
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { norm, most } => {
                write!(
                    f,
                    "its mean has norm {norm:.3} and honest plants reach {most:.3}: one does not shorten its update"
                )
            }
            Self::Astray { cosine, least } => {
                write!(
                    f,
                    "it points away from the others (cosine {cosine:.2}, at least {least:.2} is wanted)"
                )
            }
            Self::Turned { cosine, least } => {
                write!(
                    f,
                    "it points away from its own past (cosine {cosine:.2}, at least {least:.2} is wanted)"
                )
            }
            Self::Still { norm, middle } => {
                write!(f, "it says nothing (norm {norm:.2e}, that of the middle group is {middle:.2e})")
            }
            Self::Repeated => write!(f, "it says what it said in the round before"),
        }
    }
}

/// Rounds for which a doubt counts.
pub const MEMORY: u64 = 10;
/// Groups that are remembered, a thousand plants in groups of eight twice over; the one not seen for longest is
/// forgotten.
pub const MOST_GROUPS: usize = 256;
/// Groups of which most can be right.
const FEWEST: usize = 3;
/// Of the middle group's norm.
const STILL: f64 = 0.01;
/// How far a cosine of sketches may be from that of the changes (three deviations).
const BLUR: f64 = 0.19;
