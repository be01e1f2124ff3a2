//! Plants are told what is asked, and get the model.

use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Message, RoundOffer};

use super::super::value::{Round, Stage};

impl Round {
    pub(super) fn offer(&self) -> Message {
        let (state, terms) = (&self.state, &self.state.terms);
        let ring = terms.ring(state.base.length);
        let offer = RoundOffer {
            about: self.about_of(Stage::Distributing),
            made_in: state.base.made_in,
            ancestors: state.base.ancestors.iter().map(|digest| digest.to_vec()).collect(),
            network: state.network.clone(),
            layout: state.base.layout,
            schema: state.base.schema,
            length: state.base.length,
            bits: ring.bits,
            clip: ring.clip,
            members: ring.members,
            deviation: ring.deviation,
            plants: terms.certain(),
            noise: terms.noise,
            window_clip: terms.window_clip,
            epochs: terms.epochs,
            batch: terms.batch,
            rate: terms.rate,
            proximal: terms.proximal,
            seed: state.round,
            group: u32::try_from(terms.group).unwrap_or(u32::MAX),
            deadline: 0,
            is_seen: !terms.masked,
        };
        offer.into()
    }

    /// Who takes part is known.
    pub(super) fn distributed(&mut self, now: Timestamp) {
        self.leave_late();
        let there = self.senders(Stage::Distributing).len();
        let wanted = self.state.terms.quorum;
        if there < wanted {
            return self.fail(format!("{there} plants take part and {wanted} are wanted"));
        }
        self.enter(Stage::Training, (self.state.terms.training_minutes * 60e6) as u64, now);
    }
}
