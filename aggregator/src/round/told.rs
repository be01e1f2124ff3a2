//! A round as it is told: how far it is, how each plant keeps up, who sits with whom.

use std::collections::BTreeMap;

use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::Message;
use uuid::Uuid;

use super::value::{Round, Stage};
use crate::store::driving::Seat;
use crate::store::rounds::Client;

/// How far a round is, in percent: training by its epochs.
pub fn progress(round: &Round) -> u64 {
    let state = &round.state;
    if state.stage != Stage::Training {
        return state.stage.progress();
    }
    let epochs: u64 = state.members.values().map(|member| u64::from(member.epoch)).sum();
    let all = u64::from(state.terms.epochs) * state.members.len().max(1) as u64;
    10 + 50 * epochs / all.max(1)
}

/// Seats of a new epoch: of those who have shared, and so know with whom they sit.
pub fn seats_of(round: &Round) -> Vec<Seat> {
    let thrown: BTreeMap<Uuid, [u8; 32]> = round.thrown().into_iter().collect();
    let groups = round.state.groups.iter().zip(0_u64..);
    let seat = |(group, nth): (&super::group::Group, u64)| {
        let nonce = |agent: &Uuid| thrown.get(agent).copied().unwrap_or_default();
        let seats = group.shared.iter().map(move |agent| (*agent, nth));
        seats
            .map(|(agent, nth)| Seat { epoch: round.state.epoch, agent, group: nth, nonce: nonce(&agent) })
            .collect::<Vec<_>>()
    };
    groups.flat_map(seat).collect()
}

/// A plant as it is told.
pub fn client(round: &Round, agent: Uuid, at: Timestamp) -> Option<Client> {
    let member = round.state.members.get(&agent)?;
    let last = Stage::SENDING.into_iter().rev().find(|stage| round.said.contains_key(&(*stage, agent)));
    let ready = match round.said.get(&(Stage::Training, agent)) {
        Some(Message::RoundReady(ready)) => Some(ready),
        _ => None,
    };
    let vote = match round.said.get(&(Stage::Gate, agent)) {
        Some(Message::RoundVote(vote)) => Some(vote),
        _ => None,
    };
    let epochs = u64::from(round.state.terms.epochs);
    let epoch = if ready.is_some() { epochs } else { u64::from(member.epoch) };
    let (stage, reason) = match &member.out {
        Some((name, words)) => (name.clone(), Some(words.clone())),
        None => (last.map_or("invited", Stage::kind).to_owned(), None),
    };
    let progress = match last {
        Some(Stage::Distributing) => 10 + 50 * epoch / epochs.max(1),
        Some(stage) => stage.progress(),
        None => 0,
    };
    Some(Client {
        round: round.state.round,
        agent,
        facility: member.facility.clone(),
        name: member.facility.clone(),
        status: round.status(agent, at),
        stage,
        reason,
        progress,
        epoch,
        epochs,
        loss: ready.map(|ready| f64::from(ready.loss)).or(member.loss),
        accuracy: vote.map(|vote| f64::from(vote.accuracy)),
        vote: vote.map(|vote| vote.accepts),
        epsilon: ready.map(|ready| ready.epsilon).filter(|epsilon| epsilon.is_finite()),
        rounds_left: ready.map(|ready| ready.rounds_left.min(i64::MAX.cast_unsigned())),
        delta: ready.and_then(|ready| ready.delta).filter(|delta| *delta > 0.0 && *delta < 1.0),
        budget: ready.and_then(|ready| ready.budget).filter(|budget| budget.is_finite() && *budget > 0.0),
        last_update: member.heard,
    })
}
