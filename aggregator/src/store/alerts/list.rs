//! Lists of alerts: newest first, page by page after the last one seen, never by counting off.
//!
//! Each index ends with time and id. A filter with one value for the first column of an index reads just the
//! rows that it shows. With several values each is read for itself, and the newest of all are taken: one
//! index never has to be sorted.

use fieldward_shared::alert::{AlertId, Severity, Status};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::super::db::Value;
use super::number;

/// Which alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of these plants; of all when none are named. Whoever may see none is not to ask.
    pub facilities: Vec<String>,
    /// Of these severities; of all when none are named.
    pub severities: Vec<Severity>,
    /// With one of these; with any when none are named.
    pub statuses: Vec<Status>,
    /// With one of these techniques named; with any or none when none are given.
    pub techniques: Vec<String>,
    /// Raised then or later.
    pub since: Option<Timestamp>,
    /// Raised before.
    pub until: Option<Timestamp>,
}

/// A place in the order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the alert there was raised.
    pub timestamp: Timestamp,
    /// Which it is, of those raised at once.
    pub id: AlertId,
}

impl Filter {
    /// The query of a page, and its values.
    pub(super) fn query(&self, after: Option<Cursor>, most: u32) -> (String, Vec<Value>) {
        let mut values = Values::default();
        let limit = values.next(i64::from(most).into());
        let mut common = Vec::new();
        if let Some(since) = self.since {
            common.push(format!("timestamp >= {}", values.next(since.into())));
        }
        if let Some(until) = self.until {
            common.push(format!("timestamp < {}", values.next(until.into())));
        }
        if let Some(Cursor { timestamp, id }) = after {
            let timestamp = values.next(timestamp.into());
            let id = values.next(Uuid::from_u128(id.as_u128()).into());
            common.push(format!("(timestamp, id) < ({timestamp}, {id})"));
        }
        let mut columns = self.columns();
        columns.retain(|(_, wanted)| !wanted.is_empty());
        // The first in the list is thought to leave the fewest.
        let leading = if columns.is_empty() { None } else { Some(columns.remove(0)) };
        for (column, wanted) in columns {
            let wanted: Vec<String> = wanted.into_iter().map(|value| values.next(value)).collect();
            common.push(format!("{column} IN ({})", wanted.join(", ")));
        }
        let mut branches = Vec::new();
        match leading {
            None => branches.push(branch(&common, None, &limit)),
            Some((column, wanted)) => {
                for value in wanted {
                    let own = format!("{column} = {}", values.next(value));
                    branches.push(branch(&common, Some(own), &limit));
                }
            }
        }
        let sql = format!(
            "SELECT alerts.* FROM alerts JOIN ({}) AS found ON found.found_id = alerts.id
            ORDER BY alerts.timestamp DESC, alerts.id DESC LIMIT {limit}",
            branches.join(" UNION ALL ")
        );
        (sql, values.0)
    }

    fn columns(&self) -> Vec<(&'static str, Vec<Value>)> {
        let unique = |mut all: Vec<&str>| {
            all.sort_unstable();
            all.dedup();
            all.into_iter().map(Value::from).collect::<Vec<_>>()
        };
        let mut severities = self.severities.clone();
        severities.sort_unstable();
        severities.dedup();
        vec![
            ("attack_type", unique(self.techniques.iter().map(String::as_str).collect())),
            ("facility_id", unique(self.facilities.iter().map(String::as_str).collect())),
            ("severity", severities.into_iter().map(|severity| number(severity).into()).collect()),
            ("status", unique(self.statuses.iter().map(|status| status.name()).collect())),
        ]
    }
}

/// The newest ids that meet all conditions.
fn branch(common: &[String], own: Option<String>, limit: &str) -> String {
    let all: Vec<&str> = own.iter().chain(common).map(String::as_str).collect();
    let conditions = if all.is_empty() { String::new() } else { format!("WHERE {} ", all.join(" AND ")) };
    // SQLite lets only a subquery have an order of its own.
    format!(
        "SELECT found_id FROM (SELECT id AS found_id FROM alerts {conditions}
            ORDER BY timestamp DESC, id DESC LIMIT {limit}) AS branch"
    )
}

/// Values in the order of their numbers.
#[derive(Default)]
struct Values(Vec<Value>);

impl Values {
    fn next(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }
}
