//! What agents said was lost.

use fieldward_shared::loss::Loss;
use fieldward_shared::time::Timestamp;

use super::db::{Kind, Value};
use super::report::number;

/// The row of a loss that was told in the lane of this number.
pub fn row(position: i64, seq: i64, loss: &Loss, received: Timestamp) -> Vec<Value> {
    let end = |end: Option<u64>| end.map_or(Value::Null(Kind::Int), Value::count);
    vec![
        position.into(),
        seq.into(),
        number(loss.lane).into(),
        end(loss.range.map(|(first, _)| first)),
        end(loss.range.map(|(_, last)| last)),
        Value::count(loss.count),
        loss.reason.name().into(),
        loss.since.into(),
        loss.until.into(),
        received.into(),
    ]
}

pub const INSERT: &str = "INSERT INTO losses
    (position_id, seq, lane, first_seq, last_seq, count, reason, since, until, received) {rows}";
