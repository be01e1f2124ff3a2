//! Which query a response answers.
//!
//! Most flows carry one query, and thousands of flows live at once: two open queries fit into the
//! struct itself, more of them (a resolver that keeps its port) go to a queue made when needed.
//! Never more than 64 are kept; the oldest goes first.

use std::collections::VecDeque;

use arrayvec::ArrayVec;
use fieldward_shared::time::Timestamp;

use crate::flow::Direction;

/// A query that was seen.
#[derive(Clone, Copy, Debug)]
struct Asked {
    at: Timestamp,
    /// [`NO_QUESTION`] if there was none, as in an inverse query.
    question: u32,
    id: u16,
    from: Direction,
    answered: bool,
}

/// What a response turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The first to its query, so many microseconds after it.
    First(u64),
    /// One more to a query that was answered before.
    Again,
    /// To no query that was seen in the last ten seconds.
    Unasked,
}

/// The open queries of a flow, oldest first, and those answered lately.
#[derive(Debug, Default)]
pub(super) struct Pending {
    near: ArrayVec<Asked, 2>,
    far: VecDeque<Asked>,
}

impl Pending {
    /// Notes a query; says whether the same one is still unanswered.
    pub(super) fn ask(&mut self, from: Direction, id: u16, question: Option<u32>, now: Timestamp) -> bool {
        let question = question.unwrap_or(NO_QUESTION);
        let same = self.find(now, |asked| asked.from == from && asked.id == id && asked.question == question);
        if let Some(asked) = same {
            if !asked.answered {
                return true;
            }
            (asked.at, asked.answered) = (now, false);
            return false;
        }
        while self.oldest().is_some_and(|asked| old(asked, now)) || self.len() >= MOST {
            self.drop_oldest();
        }
        let asked = Asked { at: now, question, id, from, answered: false };
        if self.near.try_push(asked).is_err() {
            self.far.push_back(asked);
        }
        false
    }

    /// Finds the query of a response. A response need not repeat the question; then the id decides.
    pub(super) fn answer(
        &mut self,
        from: Direction,
        id: u16,
        question: Option<u32>,
        now: Timestamp,
    ) -> Answer {
        let fits = |asked: &Asked| {
            let about = question.is_none_or(|question| [NO_QUESTION, question].contains(&asked.question));
            asked.from != from && asked.id == id && about
        };
        if let Some(asked) = self.find(now, |asked| !asked.answered && fits(asked)) {
            asked.answered = true;
            return Answer::First(now.since(asked.at));
        }
        self.find(now, fits).map_or(Answer::Unasked, |_| Answer::Again)
    }

    /// Forgets everything; a queue of usual size stays.
    pub(super) fn reset(&mut self) {
        self.near.clear();
        self.far.clear();
        self.far.shrink_to(MOST);
    }

    fn len(&self) -> usize {
        self.near.len().saturating_add(self.far.len())
    }

    fn oldest(&self) -> Option<&Asked> {
        self.near.first()
    }

    fn drop_oldest(&mut self) {
        self.near.pop_at(0);
        if let Some(next) = self.far.pop_front() {
            self.near.push(next);
        }
    }

    fn find(&mut self, now: Timestamp, fits: impl Fn(&Asked) -> bool) -> Option<&mut Asked> {
        self.near.iter_mut().chain(&mut self.far).find(|asked| fits(asked) && !old(asked, now))
    }
}

fn old(asked: &Asked, now: Timestamp) -> bool {
    now.since(asked.at) > EXPIRY
}

/// No hash is worth keeping apart from it: the id still has to agree.
const NO_QUESTION: u32 = 0;
/// The most queries kept.
const MOST: usize = 64;
/// How long a query waits for its response, in microseconds of packet time.
const EXPIRY: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_micros(1);

    #[test]
    fn the_sixty_fifth_open_query_drives_out_the_first() {
        let mut pending = Pending::default();
        for id in 0..65 {
            assert!(!pending.ask(Direction::ToServer, id, Some(7), AT));
        }
        assert_eq!(pending.len(), 64);
        assert_eq!(pending.answer(Direction::ToClient, 0, Some(7), AT), Answer::Unasked);
        for id in 1..65 {
            assert_eq!(pending.answer(Direction::ToClient, id, Some(7), AT), Answer::First(0), "{id}");
        }
    }

    #[test]
    fn an_idle_decoder_is_small() {
        assert!(size_of::<Pending>() <= 80, "{}", size_of::<Pending>());
    }
}
