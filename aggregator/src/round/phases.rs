//! What follows of each stage, and what is said in it.

mod aggregating;
mod distributing;
pub mod gate;
mod training;

use std::sync::Arc;

use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Message, RoundEnd, RoundHold};
use uuid::Uuid;

use super::group::Group;
use super::value::{Ask, AskKey, Round, Stage, State};

/// Weights that go along with what is said.
#[derive(Clone, Debug, Default)]
pub struct Models {
    /// What plants train from.
    pub base: Option<Arc<[u8]>>,
    /// What came of it.
    pub candidate: Option<Arc<[u8]>>,
}

impl Round {
    /// The stage is settled: what was not sent by now does not come.
    pub(super) fn advance(&mut self, now: Timestamp) {
        match self.state.stage {
            Stage::Distributing => self.distributed(now),
            Stage::Training => self.trained(now),
            Stage::Keys => self.keyed(now),
            Stage::Shares => self.shared(now),
            Stage::Masks => self.masked(now),
            Stage::Signing => self.signed_off(now),
            Stage::Opening => self.revealed(now),
            Stage::Gate => self.voted(),
            Stage::Summing | Stage::Over => {}
        }
    }

    /// What is to be said to a plant now; none: it has said all that is wanted of it.
    pub fn ask(&self, agent: Uuid, models: &Models) -> Option<Ask> {
        let key = self.asked(agent)?;
        if self.state.stage == Stage::Over {
            return Some(self.farewell(key));
        }
        if key.2 {
            let hold = RoundHold { about: self.about_of(Stage::Training), paused: true };
            return Some(Ask { key, message: hold.into(), weights: None, is_last: false });
        }
        let (message, weights) = match self.state.stage {
            Stage::Distributing => (self.offer(), models.base.clone().map(|base| (base, false))),
            Stage::Training => (self.cohort(), None),
            Stage::Gate => (self.candidate()?, models.candidate.clone().map(|weights| (weights, true))),
            _ => (self.aggregating(agent)?, None),
        };
        Some(Ask { key, message, weights, is_last: false })
    }

    /// What that is about: the same is said once.
    pub fn asked(&self, agent: Uuid) -> Option<AskKey> {
        let State { stage, attempt, .. } = self.state;
        let is_asked = stage == Stage::Over || (self.is_expected(agent) && !self.has_sent(agent));
        is_asked.then_some((stage, attempt, self.paused && stage == Stage::Training))
    }

    fn farewell(&self, key: AskKey) -> Ask {
        let promoted = match (&self.ending, &self.state.candidate) {
            (Some(Ok(())), Some(candidate)) => Some(candidate),
            _ => None,
        };
        let reason = match &self.ending {
            Some(Err(why)) => why.chars().take(400).collect(),
            _ => String::new(),
        };
        let end = RoundEnd {
            about: self.about(),
            promoted: promoted.map_or_else(Vec::new, |candidate| candidate.digest.to_vec()),
            version: promoted.map_or(0, |candidate| candidate.version),
            reason,
        };
        Ask { key, message: Message::from(end), weights: None, is_last: true }
    }

    /// The group that a plant is in.
    pub(super) fn group_of(&self, agent: Uuid) -> Option<&Group> {
        self.state.groups.iter().find(|group| group.members.contains(&agent))
    }

    /// Whoever was to send something and did not is out of the round.
    pub(super) fn leave_late(&mut self) {
        for agent in self.expected() {
            if !self.has_sent(agent) {
                let here = self.state.members.get(&agent).is_some_and(|member| member.is_here);
                let (name, words) =
                    if here { ("late", "it was too late") } else { ("lost", "it was not there") };
                self.leave(agent, name, format!("{words} to send {}", self.state.stage.kind()));
            }
        }
    }
}
