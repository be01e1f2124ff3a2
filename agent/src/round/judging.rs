//! The vote, and what becomes of the round: the new model is judged on what this plant held back, and takes over only
//! if it is no worse here.

use fieldward_shared::privacy::keys::Bytes32;
use fieldward_shared::privacy::policy::Books as _;
use fieldward_shared::privacy::refusal::Refusal;
use fieldward_shared::weights::WeightVector;
use fieldward_shared::wire::{Message, RoundCandidate, RoundEnd, RoundVote};

use super::known::Known;
use super::player::{Player, Reply, Say, Why, read, rounded};

/// A candidate.
pub(super) struct Judging {
    pub digest: Bytes32,
    announced: RoundCandidate,
    weights: Option<WeightVector>,
    accepts: bool,
    /// The vote.
    pub said: Option<(Message, Reply)>,
}

impl Player {
    /// A candidate follows. Who did not take part in the round has no vote.
    pub(super) fn announced(&mut self, candidate: RoundCandidate, _say: Say<'_>) -> Result<(), Why> {
        let round = candidate.about.attempted().ok_or(Refusal::OutOfTurn)?.round;
        if self.books.past().masked != Some(round) {
            return Err(Refusal::OutOfTurn.into());
        }
        let digest = candidate.digest.as_slice().try_into().map_err(|_| Refusal::OutOfTurn)?;
        // One candidate of a round: a second would be asked about until one is liked.
        let is_other = self.candidate.as_ref().is_some_and(|before| {
            before.announced.about.round == round && before.digest != digest && before.said.is_some()
        });
        if is_other {
            return Err(Refusal::SecondRequest.into());
        }
        self.candidate =
            Some(Judging { digest, announced: candidate, weights: None, accepts: false, said: None });
        Ok(())
    }

    /// It came: it is judged, and voted on.
    pub(super) fn judge(&mut self, bytes: &[u8], say: Say<'_>) -> Result<(), Why> {
        let judging = self.candidate.as_mut().ok_or(Refusal::OutOfTurn)?;
        let announced = &judging.announced;
        let attempted = announced.about.attempted().ok_or(Refusal::OutOfTurn)?;
        let weights = read(&self.learner.weights(&announced.network)?, bytes)?;
        let judgement = self.learner.judge(&announced.network, &weights)?;
        let mut past = self.books.past();
        past.voted = Some(attempted.round);
        self.books.keep(&past).map_err(Refusal::from)?;
        let known = Known::new(&self.credentials).map_err(Why::Identity)?;
        let mut vote = RoundVote {
            about: announced.about.clone(),
            digest: judging.digest.to_vec(),
            accepts: judgement.accepts,
            loss: rounded(judgement.loss, 100.0),
            accuracy: rounded(judgement.accuracy, 100.0),
            signature: Vec::new(),
        };
        vote.signature = known.say(&attempted, "vote", &vote.content());
        (judging.weights, judging.accepts) = (Some(weights), judgement.accepts);
        let reply = Reply::Say(vote.into());
        judging.said = Some((judging.announced.clone().into(), reply.clone()));
        say(reply);
        Ok(())
    }

    /// The round is over.
    pub(super) fn end(&mut self, end: &RoundEnd) -> Result<(), Why> {
        let round = end.about.round;
        if self.playing.as_ref().is_some_and(|playing| playing.about.round == round) {
            self.playing = None;
        }
        let judging = self.candidate.take_if(|judging| judging.announced.about.round == round);
        if end.promoted.is_empty() {
            tracing::info!(round, "a round ended without a new model: {}", end.reason.escape_debug());
            return Ok(());
        }
        let Some(Judging { digest, announced, weights: Some(weights), accepts, .. }) = judging else {
            return Ok(());
        };
        if digest.as_slice() != end.promoted {
            return Ok(());
        }
        let judged = self.learner.adopt(&announced.network, end.version, &weights)?;
        let here = if judged.accepts { "takes over" } else { "does not take over: it is worse here" };
        tracing::info!(round, version = end.version, "the new model {here}");
        self.model = Some((digest, weights));
        // What comes later must come of a model that was found good here.
        if accepts {
            let mut past = self.books.past();
            past.accepted = Some(digest);
            self.books.keep(&past).map_err(Refusal::from)?;
        }
        Ok(())
    }
}
