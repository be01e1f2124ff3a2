//! Lists of alerts: newest first, page by page after the last one seen, never by counting off.
//!
//! Each index has time and id behind what it begins with. A filter with one value for that reads just the rows
//! that it shows; with several each is a branch that is read for itself, and the newest of all are taken: no
//! index ever has to be sorted. What is filtered besides stands further back in the index.

use fieldward_shared::alert::{AlertId, Severity, Status};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::super::db::{Value, Values};
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
    /// Only those in which an attack is named.
    pub threat: Option<Threat>,
}

/// Which attack is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threat {
    /// Any: a technique, or a web attack.
    Any,
    /// A web attack of this kind, one of [`super::web::KINDS`].
    Web(&'static str),
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
        let [at, id] = self.order();
        let mut common = self.named(&mut values);
        if let Some(since) = self.since {
            common.push(format!("{at} >= {}", values.next(since.into())));
        }
        if let Some(until) = self.until {
            common.push(format!("{at} < {}", values.next(until.into())));
        }
        if let Some(after) = after {
            let timestamp = values.next(after.timestamp.into());
            let place = values.next(Uuid::from_u128(after.id.as_u128()).into());
            common.push(format!("({at}, {id}) < ({timestamp}, {place})"));
        }
        let [facilities, techniques, severities, statuses] = self.columns();
        let mut include = |column: &str, wanted: Vec<Value>| {
            common.extend(values.among(column, wanted));
        };
        // What is thought to leave the fewest leads, and one of it is a branch.
        let leading: Vec<Vec<(&str, Value)>> = if matches!(self.threat, Some(Threat::Web(_))) {
            include("facility_id", facilities);
            include("attack_type", techniques);
            include("severity", severities);
            include("status", statuses);
            vec![Vec::new()]
        } else if (1..=BRANCHES).contains(&facilities.len()) {
            include("attack_type", techniques);
            include("severity", severities);
            include("status", statuses);
            facilities.into_iter().map(|one| vec![("facility_id", one)]).collect()
        } else if (1..=BRANCHES).contains(&techniques.len()) {
            include("facility_id", facilities);
            include("severity", severities);
            include("status", statuses);
            techniques.into_iter().map(|one| vec![("attack_type", one)]).collect()
        } else if severities.len() + statuses.len() > 0 {
            include("facility_id", facilities);
            include("attack_type", techniques);
            let severities = if severities.is_empty() { all_severities() } else { severities };
            let statuses = if statuses.is_empty() { all_statuses() } else { statuses };
            let with = |severity: &Value| {
                let severity = severity.clone();
                statuses.iter().map(move |one| vec![("severity", severity.clone()), ("status", one.clone())])
            };
            severities.iter().flat_map(with).collect()
        } else {
            include("facility_id", facilities);
            include("attack_type", techniques);
            vec![Vec::new()]
        };
        let branches = leading.into_iter().map(|own| {
            let own = own.into_iter().map(|(column, value)| format!("{column} = {}", values.next(value)));
            branch(self.source(), [at, id], &common, own.collect(), &limit)
        });
        let branches: Vec<String> = branches.collect();
        // Rows are read when it is known which: they are far larger than what is known of them here.
        let sql = format!(
            "SELECT alerts.* FROM (
                SELECT found_at, found_id FROM ({}) AS found ORDER BY found_at DESC, found_id DESC LIMIT {limit}
            ) AS page JOIN alerts ON alerts.id = page.found_id
            ORDER BY page.found_at DESC, page.found_id DESC",
            branches.join(" UNION ALL ")
        );
        (sql, values.0)
    }

    /// Where the alerts stand of which it is asked.
    pub(in super::super) const fn source(&self) -> &'static str {
        match self.threat {
            // The order is said: few alerts are of a kind.
            Some(Threat::Web(_)) => "alert_web CROSS JOIN alerts",
            _ => "alerts",
        }
    }

    /// The columns of the order of its lists.
    pub(in super::super) const fn order(&self) -> [&'static str; 2] {
        match self.threat {
            // Its own index has the same order.
            Some(Threat::Web(_)) => ["raised", "alert_id"],
            _ => ["timestamp", "id"],
        }
    }

    /// That an attack is named in them.
    pub(in super::super) fn named(&self, values: &mut Values) -> Vec<String> {
        match self.threat {
            None => Vec::new(),
            Some(Threat::Any) => vec![ANY.to_owned()],
            Some(Threat::Web(kind)) => {
                let kind = values.next(kind.into());
                vec!["alert_web.alert_id = alerts.id".to_owned(), format!("alert_web.kind = {kind}")]
            }
        }
    }

    /// Values of facility, technique, severity and status, each once.
    fn columns(&self) -> [Vec<Value>; 4] {
        let unique = |mut all: Vec<&str>| {
            all.sort_unstable();
            all.dedup();
            all.into_iter().map(Value::from).collect::<Vec<_>>()
        };
        let mut severities = self.severities.clone();
        severities.sort_unstable();
        severities.dedup();
        [
            unique(self.facilities.iter().map(String::as_str).collect()),
            unique(self.techniques.iter().map(String::as_str).collect()),
            severities.into_iter().map(|severity| number(severity).into()).collect(),
            unique(self.statuses.iter().map(|status| status.name()).collect()),
        ]
    }
}

fn all_severities() -> Vec<Value> {
    [Severity::Low, Severity::Medium, Severity::High, Severity::Critical].map(|one| number(one).into()).into()
}

fn all_statuses() -> Vec<Value> {
    [Status::New, Status::Acknowledged, Status::Resolved, Status::FalsePositive]
        .map(|one| one.name().into())
        .into()
}

/// The newest ids that meet all conditions.
fn branch(source: &str, [at, id]: [&str; 2], common: &[String], own: Vec<String>, limit: &str) -> String {
    let all: Vec<&str> = own.iter().chain(common).map(String::as_str).collect();
    let conditions = if all.is_empty() { String::new() } else { format!("WHERE {} ", all.join(" AND ")) };
    // SQLite lets only a subquery have an order of its own.
    format!(
        "SELECT found_at, found_id FROM (SELECT {at} AS found_at, {id} AS found_id FROM {source} {conditions}
            ORDER BY {at} DESC, {id} DESC LIMIT {limit}) AS branch"
    )
}

/// A technique or a web attack is named.
const ANY: &str = "(alerts.attack_type IS NOT NULL
    OR EXISTS (SELECT 1 FROM alert_web WHERE alert_web.alert_id = alerts.id))";
/// More values of a column are no branches of their own: what is wanted is then thought to be found soon in
/// the order of time.
const BRANCHES: usize = 32;
