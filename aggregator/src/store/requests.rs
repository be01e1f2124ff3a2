//! Keeps web requests as agents counted them, by endpoint: minutes and hours, and of all endpoints together, added
//! up in the same transaction. What is known already changes nothing. [`super::endpoints`] reads it.

use std::collections::{BTreeMap, BTreeSet};

use fieldward_shared::telemetry::{EndpointCounts, RequestMinute};
use fieldward_shared::time::Timestamp;

use super::db::{At, Row, Value};
use super::traffic::{Resolution, start};
use super::{Store, StoreError, now};

/// Requests of some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// How many.
    pub requests: u64,
    /// Of them, those whose answer was of 400 or more.
    pub errors: u64,
    /// Bytes of bodies, there and back.
    pub bytes: u64,
    /// How many were answered.
    pub answered: u64,
    /// Microseconds until they were, all together.
    pub micros: u64,
    /// Microseconds until the slowest was.
    pub most_micros: u64,
}

/// A plant, a minute, and an endpoint: server, method, path, class of status.
type Key = (String, Timestamp, String, String, String, i64);

impl Resolution {
    /// Where endpoints are kept; requests are not kept by the second.
    pub(super) const fn endpoints(self) -> &'static str {
        match self {
            Self::Hour => "endpoint_hours",
            _ => "endpoint_minutes",
        }
    }

    /// Where all of them together are.
    pub(super) const fn requests(self) -> &'static str {
        match self {
            Self::Hour => "request_hours",
            _ => "request_minutes",
        }
    }
}

impl Requests {
    /// Takes others to these.
    pub fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.errors = self.errors.saturating_add(other.errors);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.answered = self.answered.saturating_add(other.answered);
        self.micros = self.micros.saturating_add(other.micros);
        self.most_micros = self.most_micros.max(other.most_micros);
    }

    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            requests: row.count("requests")?,
            errors: row.count("errors")?,
            bytes: row.count("bytes")?,
            answered: row.count("answered")?,
            micros: row.count("micros")?,
            most_micros: row.count("most_micros")?,
        })
    }

    fn of(counts: &EndpointCounts) -> Self {
        Self {
            requests: counts.requests,
            errors: counts.errors,
            bytes: counts.bytes,
            answered: counts.answered,
            micros: counts.micros,
            most_micros: counts.most_micros,
        }
    }

    fn values(&self) -> [Value; 6] {
        [self.requests, self.errors, self.bytes, self.answered, self.micros, self.most_micros]
            .map(Value::count)
    }
}

impl Store {
    /// Keeps minutes of web requests. An endpoint's minute that is known already changes nothing; gives how many
    /// were new.
    pub async fn keep_requests(&self, told: Vec<RequestMinute>) -> Result<u64, StoreError> {
        let mut minutes = BTreeSet::new();
        let mut endpoints: BTreeMap<Key, Requests> = BTreeMap::new();
        for minute in &told {
            let at = start(minute.timestamp, Resolution::Minute);
            minutes.insert((minute.facility_id.clone(), at));
            for one in &minute.endpoints {
                endpoints.entry(key(&minute.facility_id, at, one)).or_insert_with(|| Requests::of(one));
            }
        }
        let plants: BTreeSet<&str> = minutes.iter().map(|(facility, _)| facility.as_str()).collect();
        let plants = plants.into_iter().map(|id| vec![id.into(), id.into(), now().into()]).collect();
        let table = endpoints.iter().map(|(key, counts)| row(key, counts)).collect();
        let mut tx = self.db.begin("keep web requests").await?;
        tx.table("keep web requests", super::positions::ADD_FACILITIES, plants).await?;
        let mut new = Vec::new();
        for row in tx.table("keep web requests", &insert(), table).await? {
            let key = (
                row.get("facility_id")?,
                row.get::<At>("timestamp")?.0,
                row.get("server")?,
                row.get("method")?,
                row.get("path")?,
                row.get("status")?,
            );
            new.extend(endpoints.remove_entry(&key));
        }
        let mut hours: BTreeMap<Key, Requests> = BTreeMap::new();
        for (key, counts) in &new {
            let mut hour = key.clone();
            hour.1 = start(key.1, Resolution::Hour);
            hours.entry(hour).or_default().add(counts);
        }
        let table = hours.iter().map(|(key, counts)| row(key, counts)).collect();
        tx.table("add up web requests", &add(Resolution::Hour.endpoints(), KEY), table).await?;
        for resolution in [Resolution::Minute, Resolution::Hour] {
            // A minute in which nobody asked is known to be one.
            let none = |(facility, at): &(String, Timestamp)| {
                ((facility.clone(), start(*at, resolution)), Requests::default())
            };
            let mut sums: BTreeMap<(String, Timestamp), Requests> = minutes.iter().map(none).collect();
            for ((facility, at, ..), counts) in &new {
                sums.entry((facility.clone(), start(*at, resolution))).or_default().add(counts);
            }
            let rows = sums.iter().map(|((facility, at), counts)| {
                let mut row = vec![facility.as_str().into(), (*at).into()];
                row.extend(counts.values());
                row
            });
            let sql = add(resolution.requests(), "facility_id, timestamp");
            tx.table("add up web requests", &sql, rows.collect()).await?;
        }
        tx.commit("keep web requests").await?;
        Ok(new.len() as u64)
    }
}

fn key(facility: &str, at: Timestamp, one: &EndpointCounts) -> Key {
    let path = one.path.as_str().to_owned();
    (facility.to_owned(), at, one.server.to_string(), one.method.to_owned(), path, one.status.into())
}

fn row((facility, at, server, method, path, status): &Key, counts: &Requests) -> Vec<Value> {
    let mut row = vec![
        facility.as_str().into(),
        (*at).into(),
        server.as_str().into(),
        method.as_str().into(),
        path.as_str().into(),
        (*status).into(),
    ];
    row.extend(counts.values());
    row
}

fn insert() -> String {
    let table = Resolution::Minute.endpoints();
    format!("INSERT INTO {table} ({KEY}, {COUNTS}) {{rows}} ON CONFLICT ({KEY}) DO NOTHING RETURNING {KEY}")
}

/// Adds counts to those of the same key.
fn add(table: &str, key: &str) -> String {
    let added = ["requests", "errors", "bytes", "answered", "micros"];
    let sums: Vec<String> =
        added.into_iter().map(|one| format!("{one} = {table}.{one} + excluded.{one}")).collect();
    format!(
        "INSERT INTO {table} ({key}, {COUNTS}) {{rows}} ON CONFLICT ({key}) DO UPDATE SET {},
            most_micros = CASE WHEN excluded.most_micros > {table}.most_micros
                THEN excluded.most_micros ELSE {table}.most_micros END",
        sums.join(", ")
    )
}

/// What tells rows of endpoints apart.
pub(super) const KEY: &str = "facility_id, timestamp, server, method, path, status";
const COUNTS: &str = "requests, errors, bytes, answered, micros, most_micros";
