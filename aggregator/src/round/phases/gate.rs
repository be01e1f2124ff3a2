//! Plants judge what came of the round on what they held back; enough of them must find it no worse.

use fieldward_shared::wire::{Message, RoundCandidate, RoundVote};

use super::super::value::{Round, Stage};

/// What plants said of a candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// Votes.
    pub votes: usize,
    /// Of them, for it.
    pub accepts: usize,
    /// Mean loss on what was held back.
    pub loss: f64,
    /// Mean share of that which it gets right.
    pub accuracy: f64,
}

impl Round {
    pub(super) fn candidate(&self) -> Option<Message> {
        let candidate = self.state.candidate.as_ref()?;
        let message = RoundCandidate {
            about: self.about(),
            digest: candidate.digest.to_vec(),
            version: candidate.version,
            network: self.state.network.clone(),
            length: self.state.base.length,
        };
        Some(message.into())
    }

    /// What plants said so far.
    pub fn count(&self) -> Count {
        let votes: Vec<&RoundVote> = self
            .senders(Stage::Gate)
            .into_iter()
            .filter_map(|agent| match self.said.get(&(Stage::Gate, agent)) {
                Some(Message::RoundVote(vote)) => Some(vote),
                _ => None,
            })
            .collect();
        let mean = |of: fn(&RoundVote) -> f32| {
            let sum: f64 =
                votes.iter().map(|vote| f64::from(of(vote))).filter(|value| value.is_finite()).sum();
            sum / votes.len().max(1) as f64
        };
        Count {
            votes: votes.len(),
            accepts: votes.iter().filter(|vote| vote.accepts).count(),
            loss: mean(|vote| vote.loss),
            accuracy: mean(|vote| vote.accuracy),
        }
    }

    pub(super) fn voted(&mut self) {
        let Count { votes, accepts, .. } = self.count();
        let wanted = self.state.terms.quorum;
        if votes < wanted {
            return self.fail(format!("{votes} plants voted on the new model and {wanted} are wanted"));
        }
        if (accepts as f64) + 1e-9 < self.state.terms.accept * votes as f64 {
            return self
                .fail(format!("{accepts} of {votes} plants find the new model no worse; it is rejected"));
        }
        self.end(Ok(()));
    }
}
