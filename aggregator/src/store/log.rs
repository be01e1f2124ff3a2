//! What happens in a round, line by line, written in the step in which it happens: each line is there once, so a
//! step that is done again after a crash writes nothing new.

use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::StoreError;
use super::db::{Tx, Value};
use super::driving::Step;

/// Notes what a step has changed: the phase, whoever is further than before, and what became of it.
pub(super) async fn note(tx: &mut Tx, step: &Step<'_>, now: Timestamp) -> Result<(), StoreError> {
    let round = step.round;
    let line = |agent: Uuid, word: &str, facility: Option<&str>, detail: Option<&str>| {
        vec![
            Value::count(round.number),
            i64::from(round.attempt).into(),
            agent.into(),
            word.into(),
            Value::text(facility),
            Value::text(detail),
            now.into(),
        ]
    };
    let phase = format!("phase {}", round.phase.name());
    let mut lines = vec![line(Uuid::nil(), &phase, None, round.reason.as_deref())];
    if let Some(verdict) = step.verdict {
        let became = if verdict.rejected.is_none() { "promoted" } else { "rejected" };
        let word = format!("version {} {became}", verdict.version);
        lines.push(line(Uuid::nil(), &word, None, verdict.rejected.as_deref()));
    }
    for (nth, note) in step.notes.iter().enumerate() {
        lines.push(line(Uuid::nil(), &format!("note {nth}"), None, Some(note.as_str())));
    }
    for client in step.clients {
        let plant = Some(client.facility.as_str());
        lines.push(line(client.agent, &client.stage, plant, client.reason.as_deref()));
        if client.epoch > 0 {
            let loss = client.loss.map(|loss| format!("loss {loss:.6}"));
            lines.push(line(client.agent, &format!("epoch {}", client.epoch), plant, loss.as_deref()));
        }
    }
    tx.table("keep what happened", ADD, lines).await.map(drop)
}

const ADD: &str =
    "INSERT INTO fl_log (round_id, attempt, agent_id, word, facility_id, detail, timestamp) {rows}
    ON CONFLICT DO NOTHING";
