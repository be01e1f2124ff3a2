//! Whether what a plant sends is what it should send now: for this round and attempt, once, signed by it, and of the
//! form that everything later relies on. What is not makes the plant leave; the round goes on.

use fieldward_shared::privacy::groups::commitment;
use fieldward_shared::wire::{About, Message};
use uuid::Uuid;

use super::value::{Round, Stage};

/// Why a plant must leave: a word, and words.
type Wrong = (&'static str, String);

fn wrong<T>(name: &'static str, words: &str) -> Result<T, Wrong> {
    Err((name, words.to_owned()))
}

impl Round {
    /// Whether something is to be kept. What comes twice, late, or for another attempt changes nothing.
    pub(super) fn check(&mut self, agent: Uuid, message: &Message) -> Result<bool, Wrong> {
        if let Message::RoundRefusal(refusal) = message {
            let about = (refusal.about.round, refusal.about.attempt);
            let words = format!("{}: {}", plain(&refusal.name), plain(&refusal.words));
            return match about == (self.state.round, self.state.attempt) || about.1 == 0 {
                true => Err(("refused", words)),
                false => Ok(false),
            };
        }
        if let Message::RoundProgress(progress) = message {
            if let Some(member) = self.state.members.get_mut(&agent)
                && self.state.stage == Stage::Training
            {
                member.epoch = progress.epoch.min(self.state.terms.epochs);
                member.loss = Some(f64::from(progress.loss)).filter(|loss| loss.is_finite());
            }
            return Ok(false);
        }
        let (stage, about) = match message {
            Message::RoundAccept(said) => (Stage::Distributing, &said.about),
            Message::RoundReady(said) => (Stage::Training, &said.about),
            Message::RoundKeys(said) => (Stage::Keys, &said.about),
            Message::RoundShares(said) => (Stage::Shares, &said.about),
            Message::RoundMasked(said) => (Stage::Masks, &said.about),
            Message::RoundSigned(said) => (Stage::Signing, &said.about),
            Message::RoundReveal(said) => (Stage::Opening, &said.about),
            Message::RoundVote(said) => (Stage::Gate, &said.about),
            _ => return wrong("protocol", "a message that no plant sends"),
        };
        // Late, early, or twice: it changes nothing.
        if stage != self.state.stage || self.has_sent(agent) || !self.is_expected(agent) {
            return Ok(false);
        }
        if *about != self.about_of(stage) {
            return Ok(false);
        }
        match self.fits(agent, message) {
            Ok(()) => Ok(true),
            Err(wrong) => Err(wrong),
        }
    }

    /// What a stage's messages are about: there is no attempt before keys.
    pub(super) fn about_of(&self, stage: Stage) -> About {
        match stage {
            Stage::Distributing | Stage::Training => About { attempt: 0, epoch: 0, ..self.about() },
            _ => self.about(),
        }
    }

    fn fits(&mut self, agent: Uuid, message: &Message) -> Result<(), Wrong> {
        match message {
            Message::RoundAccept(accept) if accept.commitment.len() != 32 => {
                wrong("protocol", "a commitment that is none")
            }
            Message::RoundReady(ready) => {
                let nonce = ready.nonce.as_slice().try_into().ok();
                let said = match self.said.get(&(Stage::Distributing, agent)) {
                    Some(Message::RoundAccept(accept)) => accept.commitment.as_slice(),
                    _ => &[],
                };
                match nonce.map(|nonce| commitment(agent, &nonce)) {
                    Some(found) if found == *said => Ok(()),
                    _ => wrong("draw", "what it throws is not what it has committed itself to"),
                }
            }
            Message::RoundKeys(keys) => {
                let Some(advertise) = keys.advertise(agent) else {
                    return wrong("protocol", "keys that are none");
                };
                self.know(agent, keys);
                self.signed(agent, &advertise.signed(), &keys.signature)
            }
            Message::RoundShares(shares) => {
                let group = self.group_of(agent);
                let wanted = group.map_or(0, |group| group.advertised.len().saturating_sub(1));
                let made = shares.made(agent).unwrap_or_default();
                let mut to: Vec<Uuid> = made.iter().map(|one| one.to).collect();
                to.sort_unstable();
                to.dedup();
                let all = group.is_some_and(|group| to.iter().all(|to| group.advertised.contains(to)));
                if to.len() != wanted || made.len() != wanted || !all || to.contains(&agent) {
                    return wrong("share", "shares that are not one for each of the others");
                }
                self.said_signed(agent, "shares", &shares.content(), &shares.signature)
            }
            Message::RoundMasked(masked) => {
                if masked.length != self.state.base.length || masked.digest.len() != 32 {
                    return wrong("length", "an update of another length than the model");
                }
                self.said_signed(agent, "masked", &masked.digest, &masked.signature)
            }
            Message::RoundSigned(signed) => {
                let Some(group) = self.group_of(agent) else { return wrong("protocol", "of no group") };
                let roster = self.roster(group);
                let places = roster.places(&group.live).unwrap_or_default();
                self.signed(agent, &roster.survivors_signed(&places), &signed.signature)
            }
            Message::RoundReveal(reveal) => {
                let Some(group) = self.group_of(agent) else { return wrong("protocol", "of no group") };
                let given = reveal.reveal(agent);
                if given.is_none_or(|given| given.shares.len() != group.shared.len()) {
                    return wrong("share", "not one share of each plant that shared");
                }
                self.said_signed(agent, "reveal", &reveal.content(), &reveal.signature)
            }
            Message::RoundVote(vote) => {
                let candidate = self.state.candidate.as_ref();
                if candidate.is_none_or(|candidate| candidate.digest.as_slice() != vote.digest) {
                    return wrong("vote", "a vote on another model");
                }
                self.said_signed(agent, "vote", &vote.content(), &vote.signature)
            }
            _ => Ok(()),
        }
    }

    fn said_signed(&self, agent: Uuid, kind: &str, content: &[u8], signature: &[u8]) -> Result<(), Wrong> {
        // The vote may come from a plant that has started anew, with the certificate that it had then.
        self.signed(agent, &self.attempted().said(kind, agent, content), signature)
    }

    fn signed(&self, agent: Uuid, message: &[u8], signature: &[u8]) -> Result<(), Wrong> {
        match self.keys.get(&agent).is_some_and(|key| key.verify(message, signature)) {
            true => Ok(()),
            false => wrong("signature", "what it says is not signed by it"),
        }
    }
}

/// Words from outside.
fn plain(words: &str) -> String {
    words.chars().take(300).map(|c| if c.is_control() { '?' } else { c }).collect()
}
