//! What the alert board asks beside [`super::alerts`]: how many there are, pages by number, words in them,
//! figures, and what people did. Whatever could take long looks at a bounded number of rows, and says so.

use fieldward_shared::alert::{AlertId, Status};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::alerts::{Cursor, Filter, Stored, Threat};
use super::audit::{Act, append};
use super::counts::Changes;
use super::db::{At, Value, Values};
use super::report::number;
use super::{Store, StoreError};

/// How many pass a filter: counted up to a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// So many.
    pub value: u64,
    /// Whether there may be more.
    pub is_least: bool,
}

/// Alerts in which words were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Their places, the newest first.
    pub places: Vec<Cursor>,
    /// How many alerts were looked at.
    pub examined: u64,
    /// The last one that was looked at, when there may be more behind it.
    pub last: Option<Cursor>,
}

/// What somebody did about an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertAct {
    /// Which alert.
    pub alert: AlertId,
    /// Its plant.
    pub facility: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// The status before.
    pub before: Status,
    /// The status from then on.
    pub after: Status,
    /// Why, when it was said.
    pub reason: String,
}

/// What somebody wants to do about an alert.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The status that it is to have.
    pub status: Status,
    /// The revision that was seen, when that matters.
    pub seen: Option<u64>,
    /// Why.
    pub reason: &'a str,
    /// Who.
    pub actor: &'a str,
    /// Whether it takes back what was done: then any status may follow any other.
    pub is_undo: bool,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is done.
    Done(Box<Stored>),
    /// It was so already.
    Same(Box<Stored>),
    /// There is no such alert.
    Unknown,
    /// It has changed since it was seen: as it is now.
    Stale(Box<Stored>),
    /// From this status one does not come to that one.
    Refused(Status),
}

impl Store {
    /// How many alerts pass a filter; where they have to be counted one by one, no further than `most`.
    pub async fn count_alerts(&self, filter: &Filter, most: u32) -> Result<Count, StoreError> {
        // Most alerts that name no attack would be looked at before enough are found that do.
        if filter.is_kept_counted() || filter.threat == Some(Threat::Any) {
            let value = self.tally(filter, super::now()).await?.total();
            return Ok(Count { value, is_least: false });
        }
        let mut values = Values(vec![i64::from(most).into()]);
        let conditions = conditions(filter, None, &mut values);
        let sql = format!(
            "SELECT count(*) AS count FROM (SELECT 1 FROM {}{conditions} LIMIT $1) AS counted",
            filter.source()
        );
        let rows = self.db.read("count alerts", &sql, values.0).await?;
        let value = rows.first().map_or(Ok(0), |row| row.count("count"))?;
        Ok(Count { value, is_least: value >= u64::from(most) })
    }

    /// Alerts that pass a filter, newest first, after skipping some.
    pub async fn alerts_from(
        &self,
        filter: &Filter,
        skip: u32,
        most: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let mut values = Values(vec![i64::from(most).into(), i64::from(skip).into()]);
        let conditions = conditions(filter, None, &mut values);
        let sql = format!(
            "SELECT alerts.* FROM alerts JOIN (SELECT alerts.id AS found_id FROM {}{conditions}
                ORDER BY alerts.timestamp DESC, alerts.id DESC LIMIT $1 OFFSET $2) AS found ON found.found_id = alerts.id
            ORDER BY alerts.timestamp DESC, alerts.id DESC",
            filter.source()
        );
        self.db.read("read alerts", &sql, values.0).await?.iter().map(Stored::read).collect()
    }

    /// Looks for words in the newest `most` alerts that pass a filter, from a place on.
    pub async fn search_alerts(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
        words: &str,
        most: u32,
    ) -> Result<Found, StoreError> {
        let mut values = Values(vec![i64::from(most).into(), pattern(words).as_str().into()]);
        let conditions = conditions(filter, after, &mut values);
        let matches = SEARCHED.map(|column| self.db.says(column, "$2"));
        let sql = format!(
            "SELECT timestamp, id, CASE WHEN {} THEN 1 ELSE 0 END AS found FROM (
                SELECT timestamp, id, {} FROM {}{conditions}
                ORDER BY timestamp DESC, id DESC LIMIT $1) AS newest
            ORDER BY timestamp DESC, id DESC",
            matches.join(" OR "),
            SEARCHED.join(", "),
            filter.source()
        );
        let rows = self.db.read("search alerts", &sql, values.0).await?;
        let (mut places, mut last) = (Vec::new(), None);
        for row in &rows {
            let id = AlertId::from_u128(row.get::<Uuid>("id")?.as_u128());
            let place = Cursor { timestamp: row.get::<At>("timestamp")?.0, id };
            if row.get::<i32>("found")? == 1 {
                places.push(place);
            }
            last = Some(place);
        }
        let last = last.filter(|_| rows.len() >= most as usize);
        Ok(Found { places, examined: rows.len() as u64, last })
    }

    /// The ids of alerts that pass a filter, newest first.
    pub async fn alert_ids(&self, filter: &Filter, most: u32) -> Result<Vec<AlertId>, StoreError> {
        let mut values = Values(vec![i64::from(most).into()]);
        let conditions = conditions(filter, None, &mut values);
        let sql = format!("SELECT id FROM alerts{conditions} ORDER BY timestamp DESC, id DESC LIMIT $1");
        let rows = self.db.read("read alerts", &sql, values.0).await?;
        rows.iter().map(|row| Ok(AlertId::from_u128(row.get::<Uuid>("id")?.as_u128()))).collect()
    }

    /// These alerts, newest first; those that are gone are left out.
    pub async fn alerts_named(&self, ids: &[AlertId]) -> Result<Vec<Stored>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut values = Values::default();
        let named = values.among("id", ids.iter().map(|id| Uuid::from_u128(id.as_u128()).into()));
        let sql = format!(
            "SELECT * FROM alerts WHERE {} ORDER BY timestamp DESC, id DESC",
            named.unwrap_or_else(|| "1 = 0".to_owned())
        );
        self.db.read("read alerts", &sql, values.0).await?.iter().map(Stored::read).collect()
    }

    /// Does what somebody wants to do about an alert, and writes it down with it.
    pub async fn act_on_alert(
        &self,
        id: AlertId,
        change: &Change<'_>,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        let mut tx = self.db.begin("change an alert").await?;
        let key: Value = Uuid::from_u128(id.as_u128()).into();
        let sql = format!("SELECT * FROM alerts WHERE id = $1{}", tx.for_update());
        let rows = tx.rows("change an alert", &sql, vec![key.clone()]).await?;
        let Some(known) = rows.first().map(Stored::read).transpose()? else { return Ok(Outcome::Unknown) };
        if change.seen.is_some_and(|seen| seen != known.revision) {
            return Ok(Outcome::Stale(Box::new(known)));
        }
        let before = known.alert.status;
        if before == change.status {
            return Ok(Outcome::Same(Box::new(known)));
        }
        if !change.is_undo && !leads(before, change.status) {
            return Ok(Outcome::Refused(before));
        }
        let status = change.status.name();
        let rows = tx.rows("change an alert", SET, vec![key.clone(), status.into()]).await?;
        let Some(stored) = rows.first().map(Stored::read).transpose()? else { return Ok(Outcome::Unknown) };
        // Before the trail, of which there is one for all.
        let mut changes = Changes::default();
        changes.remove(known.counted());
        changes.add(stored.counted());
        changes.note(&mut tx).await?;
        let values = vec![
            Uuid::new_v4().into(),
            key,
            known.alert.facility_id.as_str().into(),
            now.into(),
            known.alert.timestamp.into(),
            change.actor.into(),
            before.name().into(),
            status.into(),
            change.reason.into(),
        ];
        tx.change("note what was done", ACT, values).await?;
        let object = id.to_string();
        let detail = format!("{} to {status}: {}", before.name(), change.reason);
        let act =
            Act { at: now, actor: change.actor, action: "alert.status", object: &object, detail: &detail };
        append(&mut tx, act).await?;
        tx.commit("change an alert").await?;
        Ok(Outcome::Done(Box::new(stored)))
    }

    /// What was done about an alert, the oldest first; the last 1000.
    pub async fn acts_on_alert(&self, id: AlertId) -> Result<Vec<AlertAct>, StoreError> {
        let values = vec![Uuid::from_u128(id.as_u128()).into()];
        let rows = self.db.read("read what was done", ACTS_OF, values).await?;
        rows.iter().rev().map(read_act).collect()
    }

    /// What was done about alerts of these facilities (all when none are named), the newest first.
    pub async fn recent_acts(
        &self,
        facilities: &[String],
        since: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Vec<AlertAct>, StoreError> {
        let mut values = Values(vec![i64::from(most).into(), since.into(), until.into()]);
        let within = values.of_plants(facilities);
        let sql = format!(
            "SELECT * FROM alert_acts WHERE timestamp >= $2 AND timestamp < $3{within}
            ORDER BY timestamp DESC, id DESC LIMIT $1"
        );
        self.db.read("read what was done", &sql, values.0).await?.iter().map(read_act).collect()
    }
}

fn read_act(row: &super::db::Row) -> Result<AlertAct, StoreError> {
    let status = |column| -> Result<Status, StoreError> {
        Ok(Status::named(&row.get::<String>(column)?).unwrap_or(Status::New))
    };
    Ok(AlertAct {
        alert: AlertId::from_u128(row.get::<Uuid>("alert_id")?.as_u128()),
        facility: row.get("facility_id")?,
        at: row.get::<At>("timestamp")?.0,
        actor: row.get("actor")?,
        before: status("status_before")?,
        after: status("status_after")?,
        reason: row.get("reason")?,
    })
}

/// Which status may follow which: what is closed is not taken up again, but the reason may be corrected.
const fn leads(before: Status, after: Status) -> bool {
    match before {
        Status::New => true,
        Status::Acknowledged => matches!(after, Status::Resolved | Status::FalsePositive),
        Status::Resolved => matches!(after, Status::FalsePositive),
        Status::FalsePositive => matches!(after, Status::Resolved),
    }
}

/// A pattern that finds these words anywhere, letter by letter.
fn pattern(words: &str) -> String {
    let mut pattern = String::from("%");
    for letter in words.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// `WHERE …`, or nothing.
pub(super) fn conditions(filter: &Filter, after: Option<Cursor>, values: &mut Values) -> String {
    let mut all = filter.named(values);
    let at = filter.order()[0];
    if let Some(since) = filter.since {
        all.push(format!("{at} >= {}", values.next(since.into())));
    }
    if let Some(until) = filter.until {
        all.push(format!("{at} < {}", values.next(until.into())));
    }
    if let Some(Cursor { timestamp, id }) = after {
        let timestamp = values.next(timestamp.into());
        let id = values.next(Uuid::from_u128(id.as_u128()).into());
        all.push(format!("(timestamp, id) < ({timestamp}, {id})"));
    }
    let texts = |all: &[String]| all.iter().map(|one| Value::from(one.as_str())).collect::<Vec<_>>();
    for (column, wanted) in [
        ("attack_type", texts(&filter.techniques)),
        ("facility_id", texts(&filter.facilities)),
        ("severity", filter.severities.iter().map(|one| number(*one).into()).collect()),
        ("status", filter.statuses.iter().map(|one| one.name().into()).collect()),
    ] {
        all.extend(values.among(column, wanted));
    }
    if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
}

/// In what is searched.
const SEARCHED: [&str; 8] = [
    "title",
    "description",
    "attack_type",
    "attack_name",
    "correlation_summary",
    "protocol",
    "src_assets",
    "dst_assets",
];
const SET: &str = "UPDATE alerts SET status = $2, revision = revision + 1 WHERE id = $1 RETURNING *";
const ACT: &str = "INSERT INTO alert_acts (id, alert_id, facility_id, timestamp, raised, actor,
        status_before, status_after, reason)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const ACTS_OF: &str =
    "SELECT * FROM alert_acts WHERE alert_id = $1 ORDER BY timestamp DESC, id DESC LIMIT 1000";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_closed_stays_closed() {
        use Status::{Acknowledged, FalsePositive, New, Resolved};
        for (before, after, may) in [
            (New, Acknowledged, true),
            (New, Resolved, true),
            (New, FalsePositive, true),
            (Acknowledged, Resolved, true),
            (Acknowledged, New, false),
            (Resolved, Acknowledged, false),
            (Resolved, FalsePositive, true),
            (FalsePositive, Resolved, true),
            (FalsePositive, New, false),
        ] {
            assert_eq!(leads(before, after), may, "{before:?} {after:?}");
        }
    }

    #[test]
    fn signs_in_words_are_signs() {
        assert_eq!(pattern("50% Of_x!"), "%50!% of!_x!!%");
    }
}
