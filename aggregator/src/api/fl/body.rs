//! Rounds and who takes part in them, as the API tells.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::principal::{Principal, Scope};
use super::super::time::Time;
use crate::store::rounds::{Client, Round, Status};

/// A federated round.
#[derive(Serialize, ToSchema)]
#[schema(as = FlRound)]
pub struct RoundBody {
    /// Its number.
    #[schema(example = 12)]
    pub id: u64,
    /// The same.
    #[schema(example = 12)]
    pub round_number: u64,
    /// `planned` until its turn has come, `in-progress`, `completed` when its model was promoted, or `failed`.
    #[schema(example = "in-progress")]
    pub status: &'static str,
    /// `planned`, `distributing`, `training`, `aggregating`, `gate` (plants judge what came of it), `complete` or
    /// `failed`.
    #[schema(example = "training")]
    pub phase: &'static str,
    /// What is learnt.
    #[schema(example = "autoencoder")]
    pub network: String,
    /// How updates become a model.
    #[schema(example = "fedavg")]
    pub strategy: String,
    /// Why it was begun: `api`, `timer` or `drift`.
    #[schema(example = "api")]
    pub cause: &'static str,
    /// Who wanted it.
    #[schema(example = "user ann")]
    pub requested_by: String,
    /// When it was asked for.
    pub planned_time: Time,
    /// When it began; until then when it was asked for.
    pub start_time: Time,
    /// When it ended; null before.
    pub end_time: Option<Time>,
    /// How long it took, or takes so far.
    pub duration_seconds: f64,
    /// From 0 to 100.
    #[schema(example = 40)]
    pub progress: u64,
    /// The most that a plant had spent of its privacy budget when it took part; null before plants have said.
    pub epsilon: Option<f64>,
    /// Share of what plants held back that the new model gets right, from 0 to 1; null before they have judged it.
    pub model_accuracy: Option<f64>,
    /// Plants that take part.
    pub clients_active: u64,
    /// Plants that were asked.
    pub total_clients: u64,
    /// The version that plants train from; null before it began.
    pub base_version: Option<u64>,
    /// The version that came of it; null before there is one.
    pub candidate_version: Option<u64>,
    /// As long as groups stay the same.
    pub epoch: u64,
    /// Which attempt at a sum.
    pub attempt: u32,
    /// Whether it stands still until it is resumed.
    pub paused: bool,
    /// Who wants it to end, and why; null when nobody does.
    pub stop: Option<StopBody>,
    /// Why it failed; null when it did not.
    #[schema(example = "2 of 5 plants were ready, 3 are wanted")]
    pub reason: Option<String>,
    /// What was asked for besides.
    #[schema(value_type = Object)]
    pub settings: serde_json::Value,
    /// Plants in scope that were asked; null in lists, where the round itself is to be asked for.
    pub clients: Option<Vec<ClientBody>>,
    /// Why what is null is not known, by name.
    #[schema(example = json!({"model_accuracy": "plants have not judged its model yet"}))]
    pub unknown: BTreeMap<&'static str, &'static str>,
}

/// Who wants a round to end.
#[derive(Serialize, ToSchema)]
#[schema(as = FlStop)]
pub struct StopBody {
    /// Who.
    #[schema(example = "user ann")]
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A plant in a round.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = FlClient)]
pub struct ClientBody {
    /// The agent.
    pub id: Uuid,
    /// Its plant.
    #[schema(example = "north")]
    pub facility_id: String,
    /// What the plant is called.
    #[schema(example = "North works")]
    pub name: String,
    /// `active`, `delayed` or `offline`.
    #[schema(example = "active")]
    pub status: &'static str,
    /// The round that this is about; null: it was never asked for one.
    pub round_number: Option<u64>,
    /// How far it is: what it sent last, or `refused`, `left_out`, `lost`; null without a round.
    #[schema(example = "ready")]
    pub stage: Option<String>,
    /// Why it is not in the round; null when it is.
    pub reason: Option<String>,
    /// From 0 to 100.
    pub progress: u64,
    /// Epochs that it has trained.
    pub current_epoch: u64,
    /// Epochs that it is to train.
    pub total_epochs: u64,
    /// Of its last epoch; null before it has trained one.
    pub loss: Option<f64>,
    /// Share of what it held back that the new model gets right, from 0 to 1; null before it was judged.
    pub accuracy: Option<f64>,
    /// Whether it takes the new model for no worse than its own; null before it has said.
    pub accepts: Option<bool>,
    /// What it has spent of its privacy budget, as its own ledger says; null when it does not say.
    pub epsilon: Option<f64>,
    /// For how many more rounds its budget lasts; null when it does not say.
    pub rounds_left: Option<u64>,
    /// When it was heard of last.
    pub last_update: Option<Time>,
    /// Why what is null is not known, by name.
    pub unknown: BTreeMap<&'static str, &'static str>,
}

impl RoundBody {
    /// A round, with its plants or as one of a list.
    pub fn of(round: Round, clients: Option<Vec<ClientBody>>, now: Time) -> Self {
        let until = round.end.unwrap_or(now.0);
        let mut unknown = BTreeMap::new();
        let is_over = round.end.is_some();
        let mut note = |name, is_null: bool, why| {
            if is_null {
                unknown.insert(name, why);
            }
        };
        note("end_time", !is_over, "it is not over");
        note("epsilon", round.epsilon.is_none(), "no plant has told what it spent in this round");
        let unjudged = if is_over { "it gave no model" } else { "plants have not judged its model yet" };
        note("model_accuracy", round.accuracy.is_none(), unjudged);
        note("base_version", round.base.is_none(), "it has not begun");
        let no_model = if is_over { "it gave no model" } else { "updates are not summed yet" };
        note("candidate_version", round.candidate.is_none(), no_model);
        note("reason", round.status != Status::Failed, "it has not failed");
        note("stop", round.stopped.is_none(), "nobody wants it to end");
        note("clients", clients.is_none(), "ask for the round itself");
        Self {
            id: round.number,
            round_number: round.number,
            status: round.status.name(),
            phase: round.phase.name(),
            network: round.network,
            strategy: round.strategy,
            cause: round.cause.name(),
            requested_by: round.requested_by,
            planned_time: Time(round.planned),
            start_time: Time(round.start),
            end_time: round.end.map(Time),
            duration_seconds: until.since(round.start) as f64 / 1e6,
            progress: round.progress,
            epsilon: round.epsilon,
            model_accuracy: round.accuracy,
            clients_active: round.clients_active,
            total_clients: round.clients_total,
            base_version: round.base,
            candidate_version: round.candidate,
            epoch: round.epoch,
            attempt: round.attempt,
            paused: round.paused,
            stop: round.stopped.map(|(by, reason)| StopBody { by, reason }),
            reason: round.reason,
            settings: if round.settings.is_object() { round.settings } else { serde_json::json!({}) },
            clients,
            unknown,
        }
    }
}

impl ClientBody {
    /// A plant as its last round knows it.
    pub fn of(client: Client) -> Self {
        let mut unknown = BTreeMap::new();
        let mut note = |name, is_null: bool, why| {
            if is_null {
                unknown.insert(name, why);
            }
        };
        note("reason", client.reason.is_none(), "it takes part");
        note("loss", client.loss.is_none(), "it has trained no epoch in this round");
        note("accuracy", client.accuracy.is_none(), "it has judged no model in this round");
        note("accepts", client.vote.is_none(), "it has not voted in this round");
        note("epsilon", client.epsilon.is_none(), "it has not told what it spent");
        note("rounds_left", client.rounds_left.is_none(), "it has not told for how long its budget lasts");
        Self {
            id: client.agent,
            facility_id: client.facility,
            name: client.name,
            status: client.status.name(),
            round_number: Some(client.round),
            stage: Some(client.stage),
            reason: client.reason,
            progress: client.progress,
            current_epoch: client.epoch,
            total_epochs: client.epochs,
            loss: client.loss,
            accuracy: client.accuracy,
            accepts: client.vote,
            epsilon: client.epsilon,
            rounds_left: client.rounds_left,
            last_update: Some(Time(client.last_update)),
            unknown,
        }
    }

    /// An agent that was never asked for a round.
    pub fn unasked(agent: Uuid, facility: &str, name: &str, status: &'static str) -> Self {
        let why = "it was never asked for a round";
        let names =
            ["round_number", "stage", "reason", "loss", "accuracy", "accepts", "epsilon", "rounds_left"];
        let mut unknown: BTreeMap<_, _> = names.into_iter().map(|name| (name, why)).collect();
        unknown.insert("last_update", why);
        Self {
            id: agent,
            facility_id: facility.to_owned(),
            name: name.to_owned(),
            status,
            round_number: None,
            stage: None,
            reason: None,
            progress: 0,
            current_epoch: 0,
            total_epochs: 0,
            loss: None,
            accuracy: None,
            accepts: None,
            epsilon: None,
            rounds_left: None,
            last_update: None,
            unknown,
        }
    }

    /// Those of some plants that somebody sees.
    pub fn seen(clients: Vec<Client>, principal: &Principal) -> Vec<Self> {
        Self::within(clients, &principal.scope)
    }

    /// Those of a scope.
    pub fn within(clients: Vec<Client>, scope: &Scope) -> Vec<Self> {
        clients.into_iter().filter(|client| scope.holds(&client.facility)).map(Self::of).collect()
    }
}
