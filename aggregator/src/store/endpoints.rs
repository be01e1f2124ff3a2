//! Web requests as a list of endpoints, as one of them, and over time. [`super::requests`] writes them.

use fieldward_shared::time::Timestamp;

use super::db::{At, Row, Values};
use super::requests::Requests;
use super::traffic::Resolution;
use super::{Store, StoreError};

/// Which requests, and when.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Of these plants; of all when none are named.
    pub facilities: &'a [String],
    /// From then on.
    pub from: Timestamp,
    /// Until before.
    pub until: Timestamp,
    /// Read from which rows.
    pub resolution: Resolution,
}

/// Which endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// Its path.
    pub path: &'a str,
    /// By this method; by any when none is named.
    pub method: Option<&'a str>,
}

/// Requests of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path.
    pub path: String,
    /// Its method.
    pub method: String,
    /// How many.
    pub counts: Requests,
}

/// Requests of an endpoint to one server that were answered alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which plant.
    pub facility: String,
    /// Which server.
    pub server: String,
    /// By which method.
    pub method: String,
    /// The first digit of the status.
    pub status: u64,
    /// How many.
    pub counts: Requests,
}

impl Store {
    /// All requests over time, in order; stretches of which nobody told are left out.
    pub async fn requests(&self, asked: &Asked<'_>) -> Result<Vec<(Timestamp, Requests)>, StoreError> {
        let mut values = asked.values();
        let within = values.of_plants(asked.facilities);
        let sql = format!(
            "SELECT timestamp, {SUMS} FROM {} WHERE timestamp >= $1 AND timestamp < $2{within}
            GROUP BY timestamp ORDER BY timestamp LIMIT {MOST}",
            asked.resolution.requests()
        );
        self.db.read("read web requests", &sql, values.0).await?.iter().map(at).collect()
    }

    /// The busiest endpoints, the busiest first.
    pub async fn endpoints(&self, asked: &Asked<'_>, most: u32) -> Result<Vec<Listed>, StoreError> {
        let mut values = asked.values();
        let within = values.of_plants(asked.facilities);
        let most = values.next(i64::from(most).into());
        let sql = format!(
            "SELECT path, method, {SUMS} FROM {} WHERE timestamp >= $1 AND timestamp < $2{within}
            GROUP BY path, method ORDER BY 3 DESC, path, method LIMIT {most}",
            asked.resolution.endpoints()
        );
        let rows = self.db.read("read endpoints", &sql, values.0).await?;
        let listed = |row: &Row| {
            Ok(Listed { path: row.get("path")?, method: row.get("method")?, counts: Requests::read(row)? })
        };
        rows.iter().map(listed).collect()
    }

    /// Requests of an endpoint over time, in order.
    pub async fn endpoint(
        &self,
        asked: &Asked<'_>,
        endpoint: Endpoint<'_>,
    ) -> Result<Vec<(Timestamp, Requests)>, StoreError> {
        let (values, within) = asked.of(endpoint);
        let sql = format!(
            "SELECT timestamp, {SUMS} FROM {} WHERE timestamp >= $1 AND timestamp < $2{within}
            GROUP BY timestamp ORDER BY timestamp LIMIT {MOST}",
            asked.resolution.endpoints()
        );
        self.db.read("read an endpoint", &sql, values.0).await?.iter().map(at).collect()
    }

    /// The same by plant, server, method and status, the busiest first.
    pub async fn shares(
        &self,
        asked: &Asked<'_>,
        endpoint: Endpoint<'_>,
        most: u32,
    ) -> Result<Vec<Share>, StoreError> {
        let (mut values, within) = asked.of(endpoint);
        let most = values.next(i64::from(most).into());
        let sql = format!(
            "SELECT facility_id, server, method, status, {SUMS} FROM {}
            WHERE timestamp >= $1 AND timestamp < $2{within}
            GROUP BY facility_id, server, method, status
            ORDER BY 5 DESC, facility_id, server, method, status LIMIT {most}",
            asked.resolution.endpoints()
        );
        let rows = self.db.read("read an endpoint", &sql, values.0).await?;
        let share = |row: &Row| {
            Ok(Share {
                facility: row.get("facility_id")?,
                server: row.get("server")?,
                method: row.get("method")?,
                status: row.count("status")?,
                counts: Requests::read(row)?,
            })
        };
        rows.iter().map(share).collect()
    }

    /// Whether anybody was ever told of an endpoint, as long as that is kept.
    pub async fn is_endpoint(&self, facilities: &[String], path: &str) -> Result<bool, StoreError> {
        let mut values = Values(vec![path.into()]);
        let within = values.of_plants(facilities);
        let sql = format!("SELECT status FROM endpoint_hours WHERE path = $1{within} LIMIT 1");
        Ok(!self.db.read("look for an endpoint", &sql, values.0).await?.is_empty())
    }
}

impl Asked<'_> {
    fn values(&self) -> Values {
        Values(vec![self.from.into(), self.until.into()])
    }

    fn of(&self, endpoint: Endpoint<'_>) -> (Values, String) {
        let mut values = self.values();
        let mut within = values.of_plants(self.facilities);
        within.push_str(&format!(" AND path = {}", values.next(endpoint.path.into())));
        if let Some(method) = endpoint.method {
            within.push_str(&format!(" AND method = {}", values.next(method.into())));
        }
        (values, within)
    }
}

fn at(row: &Row) -> Result<(Timestamp, Requests), StoreError> {
    Ok((row.get::<At>("timestamp")?.0, Requests::read(row)?))
}

/// Stretches that are read.
const MOST: u32 = 10_000;
const SUMS: &str = "CAST(sum(requests) AS BIGINT) AS requests, CAST(sum(errors) AS BIGINT) AS errors,
    CAST(sum(bytes) AS BIGINT) AS bytes, CAST(sum(answered) AS BIGINT) AS answered,
    CAST(sum(micros) AS BIGINT) AS micros, max(most_micros) AS most_micros";
