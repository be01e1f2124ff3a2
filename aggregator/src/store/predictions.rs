//! What is expected next after an alert, and whether it came.

use std::collections::HashMap;

use fieldward_shared::alert::AlertId;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::db::{At, Json, Kind, Row, Tx, Value, Values};
use super::incidents::uuid;
use super::{Store, StoreError};

/// A prediction.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Made from its alert: an alert has one.
    pub id: Uuid,
    /// When it was made.
    pub timestamp: Timestamp,
    /// Of which plant.
    pub facility: String,
    /// Of which incident.
    pub incident: Option<Uuid>,
    /// After which alert.
    pub alert: AlertId,
    /// The technique that the alert named.
    pub current: String,
    /// Its name.
    pub current_name: String,
    /// When one of the techniques came.
    pub validated: Option<Timestamp>,
    /// Which.
    pub came: Option<String>,
    /// What is expected, the likeliest first.
    pub techniques: Vec<Expected>,
    /// Why, and what else is said.
    pub detail: serde_json::Value,
    /// Grows with each change.
    pub serial: u64,
}

/// A technique that is expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How likely it is.
    pub probability: f64,
    /// From 1.
    pub rank: u32,
    /// When, in words.
    pub timeframe: String,
}

impl Store {
    /// A prediction.
    pub async fn prediction(&self, id: Uuid) -> Result<Option<Prediction>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM predictions WHERE id = $1");
        let rows = self.db.read("read a prediction", &sql, vec![id.into()]).await?;
        Ok(self.with_techniques(&rows).await?.pop())
    }

    /// Predictions of these plants (all when none are named), the newest first; only those that came true, or did not,
    /// where asked.
    pub async fn predictions(
        &self,
        facilities: &[String],
        incident: Option<Uuid>,
        validated: Option<bool>,
        most: u32,
        skip: u32,
    ) -> Result<Vec<Prediction>, StoreError> {
        let mut values = Values(vec![i64::from(most).into(), i64::from(skip).into()]);
        let within = passed(&mut values, facilities, incident, validated);
        let sql = format!(
            "SELECT {COLUMNS} FROM predictions WHERE TRUE{within} ORDER BY timestamp DESC, id DESC LIMIT $1 OFFSET $2"
        );
        let rows = self.db.read("read predictions", &sql, values.0).await?;
        self.with_techniques(&rows).await
    }

    /// How many of them there are, counted to 10,000.
    pub async fn predictions_count(
        &self,
        facilities: &[String],
        incident: Option<Uuid>,
        validated: Option<bool>,
    ) -> Result<u64, StoreError> {
        let mut values = Values::default();
        let within = passed(&mut values, facilities, incident, validated);
        let sql = format!(
            "SELECT count(*) AS count FROM (SELECT 1 AS one FROM predictions WHERE TRUE{within} LIMIT 10000) AS counted"
        );
        let rows = self.db.read("count predictions", &sql, values.0).await?;
        rows.first().map_or(Ok(0), |row| row.count("count"))
    }

    /// Predictions that changed behind a number, in that order.
    pub async fn predictions_since(&self, serial: u64, most: u32) -> Result<Vec<Prediction>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM predictions WHERE serial > $1 ORDER BY serial LIMIT $2");
        let values = vec![Value::count(serial), i64::from(most).into()];
        let rows = self.db.read("read predictions", &sql, values).await?;
        self.with_techniques(&rows).await
    }

    async fn with_techniques(&self, rows: &[Row]) -> Result<Vec<Prediction>, StoreError> {
        let mut predictions = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        for some in predictions.chunks_mut(PIECE) {
            let mut values = Values::default();
            let Some(sql) = of(&mut values, some.iter().map(|one| one.id)) else { continue };
            let found = self.db.read("read what is expected", &sql, values.0).await?;
            fill(some, &found)?;
        }
        Ok(predictions)
    }
}

fn passed(
    values: &mut Values,
    facilities: &[String],
    incident: Option<Uuid>,
    validated: Option<bool>,
) -> String {
    let mut within = values.of_plants(facilities);
    if let Some(incident) = incident {
        within += &format!(" AND incident_id = {}", values.next(incident.into()));
    }
    within
        + match validated {
            Some(true) => " AND validation_time IS NOT NULL",
            Some(false) => " AND validation_time IS NULL",
            None => "",
        }
}

/// Predictions of incidents that have not come true.
pub(super) async fn open(tx: &mut Tx, incidents: &[Uuid]) -> Result<Vec<Prediction>, StoreError> {
    let mut open = Vec::new();
    for some in incidents.chunks(PIECE) {
        let mut values = Values::default();
        let Some(named) = values.among("incident_id", some.iter().map(|id| Value::from(*id))) else {
            continue;
        };
        let sql = format!("SELECT {COLUMNS} FROM predictions WHERE validation_time IS NULL AND {named}");
        let rows = tx.rows("read predictions", &sql, values.0).await?;
        let mut predictions = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        for some in predictions.chunks_mut(PIECE) {
            let mut values = Values::default();
            let Some(sql) = of(&mut values, some.iter().map(|one| one.id)) else { continue };
            let found = tx.rows("read what is expected", &sql, values.0).await?;
            fill(some, &found)?;
        }
        open.extend(predictions);
    }
    Ok(open)
}

/// Keeps predictions as they are now.
pub(super) async fn keep(tx: &mut Tx, predictions: &[Prediction]) -> Result<(), StoreError> {
    let mut gone = Values::default();
    for some in predictions.chunks(PIECE) {
        gone.0.clear();
        if let Some(named) = gone.among("prediction_id", some.iter().map(|one| Value::from(one.id))) {
            let sql = format!("DELETE FROM predicted_techniques WHERE {named}");
            tx.change("keep predictions", &sql, std::mem::take(&mut gone.0)).await?;
        }
    }
    let rows = predictions.iter().map(|one| {
        vec![
            one.id.into(),
            one.timestamp.into(),
            one.current.as_str().into(),
            one.current_name.as_str().into(),
            uuid(one.alert).into(),
            one.validated.map_or(Value::Null(Kind::At), Value::from),
            one.facility.as_str().into(),
            one.incident.map_or(Value::Null(Kind::Uuid), Value::from),
            Value::text(one.came.as_deref()),
            Json::of(&one.detail).into(),
            Value::count(one.serial),
        ]
    });
    tx.table("keep predictions", KEEP, rows.collect::<Vec<Vec<Value>>>()).await?;
    let techniques = predictions.iter().flat_map(|one| {
        one.techniques.iter().map(move |technique| {
            vec![
                Uuid::new_v5(&one.id, &technique.rank.to_be_bytes()).into(),
                one.id.into(),
                technique.id.as_str().into(),
                technique.name.as_str().into(),
                Value::Real(technique.probability),
                i64::from(technique.rank).into(),
                technique.timeframe.as_str().into(),
            ]
        })
    });
    tx.table("keep what is expected", KEEP_TECHNIQUE, techniques.collect::<Vec<Vec<Value>>>()).await.map(drop)
}

fn of(values: &mut Values, ids: impl Iterator<Item = Uuid>) -> Option<String> {
    let named = values.among("prediction_id", ids.map(Value::from))?;
    Some(format!(
        "SELECT prediction_id, technique_id, technique_name, probability, rank, timeframe
        FROM predicted_techniques WHERE {named} ORDER BY prediction_id, rank"
    ))
}

fn fill(predictions: &mut [Prediction], rows: &[Row]) -> Result<(), StoreError> {
    let mut techniques: HashMap<Uuid, Vec<Expected>> = HashMap::new();
    for row in rows {
        techniques.entry(row.get("prediction_id")?).or_default().push(Expected {
            id: row.get("technique_id")?,
            name: row.get("technique_name")?,
            probability: row.get("probability")?,
            rank: u32::try_from(row.get::<i64>("rank")?).unwrap_or_default(),
            timeframe: row.get("timeframe")?,
        });
    }
    for one in predictions {
        one.techniques = techniques.remove(&one.id).unwrap_or_default();
    }
    Ok(())
}

fn read(row: &Row) -> Result<Prediction, StoreError> {
    let alert: Option<Uuid> = row.get("alert_id")?;
    Ok(Prediction {
        id: row.get("id")?,
        timestamp: row.get::<At>("timestamp")?.0,
        facility: row.get("facility_id")?,
        incident: row.get("incident_id")?,
        alert: AlertId::from_u128(alert.unwrap_or_default().as_u128()),
        current: row.get("current_technique")?,
        current_name: row.get("current_technique_name")?,
        validated: row.get::<Option<At>>("validation_time")?.map(|at| at.0),
        came: row.get("came")?,
        techniques: Vec::new(),
        detail: row.get::<Json>("detail")?.read().unwrap_or_default(),
        serial: row.count("serial")?,
    })
}

/// Rows that are asked for at once.
const PIECE: usize = 256;
const COLUMNS: &str =
    "id, timestamp, facility_id, incident_id, alert_id, current_technique, current_technique_name,
    validation_time, came, detail, serial";
const KEEP: &str = "INSERT INTO predictions (id, timestamp, current_technique, current_technique_name, alert_id,
    validation_time, facility_id, incident_id, came, detail, serial) {rows}
    ON CONFLICT (id) DO UPDATE SET timestamp = excluded.timestamp, current_technique = excluded.current_technique,
    current_technique_name = excluded.current_technique_name, validation_time = excluded.validation_time,
    incident_id = excluded.incident_id, came = excluded.came, detail = excluded.detail, serial = excluded.serial";
const KEEP_TECHNIQUE: &str =
    "INSERT INTO predicted_techniques (id, prediction_id, technique_id, technique_name,
    probability, rank, timeframe) {rows}";
