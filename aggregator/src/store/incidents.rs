//! Incidents, and what is expected next of each. One turn is one transaction in which nobody else of several replicas
//! is: it reads alerts behind the marks, keeps what became of them, and moves the marks on. So each alert is looked at
//! once, and after a crash again from where it was kept.

use std::collections::HashMap;

use fieldward_shared::alert::{Alert, AlertId, Severity};
use fieldward_shared::time::Timestamp;
use uuid::Uuid;

use super::alerts::Stored;
use super::db::{At, Json, Row, Tx, Value, Values};
use super::predictions::{self, Prediction};
use super::report::{number, severity};
use super::{Store, StoreError, readers};
use crate::attack::incident::{DAY, Incident};

/// What a turn works on.
pub struct Turn {
    tx: Tx,
    /// Alerts that have changed, in the order of their time.
    pub alerts: Vec<Alert>,
    /// Incidents that they may belong to, the newest first.
    pub incidents: Vec<Incident>,
    /// Which of the alerts has an incident already, and the technique under which it was taken in.
    pub known: HashMap<AlertId, (Uuid, Option<String>)>,
    /// Predictions of those incidents that have not come true.
    pub open: Vec<Prediction>,
    serial: u64,
}

/// An alert of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which alert.
    pub alert: AlertId,
    /// Its incident.
    pub incident: Uuid,
    /// When it was raised.
    pub timestamp: Timestamp,
    /// Its technique.
    pub technique: Option<String>,
    /// The tactic of that.
    pub tactic: Option<String>,
}

/// An alert of an incident, to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which, and when.
    pub member: Member,
    /// How much it matters, and what happened; none when the alert is kept no longer.
    pub said: Option<(Severity, String)>,
}

impl Store {
    /// Begins a turn; none when there is nothing new.
    pub async fn turn(&self) -> Result<Option<Turn>, StoreError> {
        let mut tx = self.db.begin("look at alerts").await?;
        tx.alone(PREDICTING).await?;
        let behind = readers::behind(&mut tx, READER, MOST).await?;
        if behind.marks.is_empty() {
            tx.commit("look at nothing").await?;
            return Ok(None);
        }
        readers::mark(&mut tx, READER, &behind.marks).await?;
        let mut turn = Turn {
            tx,
            alerts: Vec::new(),
            incidents: Vec::new(),
            known: HashMap::new(),
            open: Vec::new(),
            serial: 0,
        };
        turn.read(&behind.alerts).await?;
        Ok(Some(turn))
    }

    /// An incident.
    pub async fn incident(&self, id: Uuid) -> Result<Option<Incident>, StoreError> {
        let rows = self
            .db
            .read("read an incident", "SELECT * FROM incidents WHERE id = $1", vec![id.into()])
            .await?;
        rows.first().map(read).transpose()
    }

    /// The incident of an alert.
    pub async fn incident_of(&self, alert: AlertId) -> Result<Option<Incident>, StoreError> {
        let rows = self.db.read("read an incident", OF_ALERT, vec![uuid(alert).into()]).await?;
        rows.first().map(read).transpose()
    }

    /// Incidents of these plants (all when none are named), the newest first.
    pub async fn incidents(
        &self,
        facilities: &[String],
        most: u32,
        skip: u32,
    ) -> Result<Vec<Incident>, StoreError> {
        let mut values = Values(vec![i64::from(most).into(), i64::from(skip).into()]);
        let within = values.of_plants(facilities);
        let sql = format!(
            "SELECT * FROM incidents WHERE TRUE{within} ORDER BY last_seen DESC, id DESC LIMIT $1 OFFSET $2"
        );
        self.db.read("read incidents", &sql, values.0).await?.iter().map(read).collect()
    }

    /// How many incidents of these plants there are, counted to 10,000.
    pub async fn incidents_count(&self, facilities: &[String]) -> Result<u64, StoreError> {
        let mut values = Values::default();
        let within = values.of_plants(facilities);
        let sql = format!(
            "SELECT count(*) AS count FROM (SELECT 1 AS one FROM incidents WHERE TRUE{within} LIMIT 10000) AS counted"
        );
        let rows = self.db.read("count incidents", &sql, values.0).await?;
        rows.first().map_or(Ok(0), |row| row.count("count"))
    }

    /// Incidents that changed behind a number, in that order.
    pub async fn incidents_since(&self, serial: u64, most: u32) -> Result<Vec<Incident>, StoreError> {
        let values = vec![Value::count(serial), i64::from(most).into()];
        self.db.read("read incidents", SINCE, values).await?.iter().map(read).collect()
    }

    /// The alerts of an incident in the order of their time, so many.
    pub async fn steps(&self, incident: Uuid, most: u32) -> Result<Vec<Step>, StoreError> {
        let values = vec![incident.into(), i64::from(most).into()];
        self.db.read("read an incident", STEPS, values).await?.iter().map(step).collect()
    }

    /// The newest incidents on which people have decided, as sequences to learn from: no alert of theirs is open, and
    /// two techniques at least are of alerts that were resolved. What was a false alarm is left out.
    pub async fn sequences(&self) -> Result<Vec<(String, Vec<String>)>, StoreError> {
        let mut sequences: Vec<(Uuid, String, Vec<String>)> = Vec::new();
        let rows = self.db.read("read sequences", SEQUENCES, vec![MOST_SEQUENCES.into()]).await?;
        for row in &rows {
            let (id, technique): (Uuid, String) = (row.get("id")?, row.get("technique")?);
            if sequences.last().is_none_or(|(last, ..)| *last != id) {
                let name = format!("{} {id}", row.get::<String>("facility_id")?);
                sequences.push((id, name, Vec::new()));
            }
            if let Some((.., ids)) = sequences.last_mut().filter(|(.., ids)| !ids.contains(&technique)) {
                ids.push(technique);
            }
        }
        sequences.retain(|(.., ids)| ids.len() > 1);
        Ok(sequences.into_iter().map(|(_, name, ids)| (name, ids)).collect())
    }

    /// The largest number of a change.
    pub async fn serial(&self) -> Result<u64, StoreError> {
        let rows = self.db.read("read the last change", SERIAL, vec![]).await?;
        rows.first().map_or(Ok(0), |row| row.count("serial"))
    }
}

impl Turn {
    async fn read(&mut self, ids: &[Uuid]) -> Result<(), StoreError> {
        let rows = self.tx.rows("read the last change", SERIAL, vec![]).await?;
        self.serial = rows.first().map_or(Ok(0), |row| row.count("serial"))?;
        for some in ids.chunks(MOST) {
            let mut values = Values::default();
            let Some(named) = values.among("id", some.iter().map(|id| Value::from(*id))) else { continue };
            let rows =
                self.tx.rows("read alerts", &format!("SELECT * FROM alerts WHERE {named}"), values.0).await?;
            for row in &rows {
                self.alerts.push(Stored::read(row)?.alert);
            }
            let mut values = Values::default();
            let Some(named) = values.among("alert_id", some.iter().map(|id| Value::from(*id))) else {
                continue;
            };
            let sql = format!(
                "SELECT alert_id, incident_id, timestamp, technique, tactic FROM incident_alerts WHERE {named}"
            );
            for row in &self.tx.rows("read incidents", &sql, values.0).await? {
                let member = member(row)?;
                self.known.insert(member.alert, (member.incident, member.technique));
            }
        }
        self.alerts.sort_by_key(|alert| (alert.timestamp, alert.id));
        let Some(first) = self.alerts.iter().map(|alert| alert.first_seen).min() else { return Ok(()) };
        let since =
            Timestamp::from_micros(first.as_micros().saturating_sub(DAY).min(i64::MAX.cast_unsigned()));
        let rows =
            self.tx.rows("read incidents", RECENT, vec![since.into(), (MOST_OPEN as i64).into()]).await?;
        self.incidents = rows.iter().map(read).collect::<Result<_, _>>()?;
        // Those that alerts have already, however old.
        let there: std::collections::HashSet<Uuid> = self.incidents.iter().map(|one| one.id).collect();
        let mut missing: Vec<Uuid> =
            self.known.values().map(|(incident, _)| *incident).filter(|id| !there.contains(id)).collect();
        missing.sort_unstable();
        missing.dedup();
        let mut values = Values::default();
        if let Some(named) = values.among("id", missing.into_iter().map(Value::from)) {
            let rows = self
                .tx
                .rows("read incidents", &format!("SELECT * FROM incidents WHERE {named}"), values.0)
                .await?;
            for row in &rows {
                self.incidents.push(read(row)?);
            }
        }
        let mut ids: Vec<Uuid> = self.incidents.iter().map(|one| one.id).collect();
        ids.truncate(MOST_OPEN * 2);
        self.open = predictions::open(&mut self.tx, &ids).await?;
        Ok(())
    }

    /// The next number of a change.
    pub const fn next(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// Keeps what became of the alerts, all of it or nothing.
    pub async fn keep(
        mut self,
        incidents: &[Incident],
        members: &[Member],
        predictions: &[Prediction],
    ) -> Result<(), StoreError> {
        self.tx.table("keep incidents", KEEP, incidents.iter().map(row).collect()).await?;
        let members = members.iter().map(|one| {
            vec![
                uuid(one.alert).into(),
                one.incident.into(),
                one.timestamp.into(),
                Value::text(one.technique.as_deref()),
                Value::text(one.tactic.as_deref()),
            ]
        });
        self.tx.table("keep alerts of incidents", KEEP_MEMBER, members.collect::<Vec<Vec<Value>>>()).await?;
        predictions::keep(&mut self.tx, predictions).await?;
        self.tx.commit("keep incidents").await
    }
}

fn row(one: &Incident) -> Vec<Value> {
    vec![
        one.id.into(),
        one.facility.as_str().into(),
        one.campaign.into(),
        one.first.into(),
        one.last.into(),
        number(one.severity).into(),
        Value::count(one.alerts),
        Json::of(&one.techniques).into(),
        Json::of(&one.assets).into(),
        Value::text(one.stage.as_deref()),
        Value::count(one.serial),
    ]
}

fn read(row: &Row) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: row.get("id")?,
        facility: row.get("facility_id")?,
        campaign: row.get("campaign_id")?,
        first: row.get::<At>("first_seen")?.0,
        last: row.get::<At>("last_seen")?.0,
        severity: severity(row.get("severity")?),
        alerts: row.count("alerts")?,
        techniques: row.get::<Json>("techniques")?.read().unwrap_or_default(),
        assets: row.get::<Json>("assets")?.read().unwrap_or_default(),
        stage: row.get("stage")?,
        serial: row.count("serial")?,
    })
}

fn member(row: &Row) -> Result<Member, StoreError> {
    Ok(Member {
        alert: AlertId::from_u128(row.get::<Uuid>("alert_id")?.as_u128()),
        incident: row.get("incident_id")?,
        timestamp: row.get::<At>("timestamp")?.0,
        technique: row.get("technique")?,
        tactic: row.get("tactic")?,
    })
}

fn step(row: &Row) -> Result<Step, StoreError> {
    let (number, title): (Option<i64>, Option<String>) = (row.get("severity")?, row.get("title")?);
    Ok(Step { member: member(row)?, said: number.map(severity).zip(title) })
}

pub(super) const fn uuid(alert: AlertId) -> Uuid {
    Uuid::from_u128(alert.as_u128())
}

/// What whoever looks at alerts has to itself.
const PREDICTING: i64 = 0x6669_656c_6470_7265;
/// Alerts of a turn: it is short, since on SQLite nobody else writes meanwhile.
const MOST: usize = 128;
/// Incidents that alerts are held against.
const MOST_OPEN: usize = 500;
/// Incidents that are learnt from.
const MOST_SEQUENCES: i64 = 2_000;
/// As its marks are kept.
pub(crate) const READER: &str = "predictions";
const RECENT: &str =
    "SELECT * FROM incidents WHERE last_seen >= $1 ORDER BY last_seen DESC, id DESC LIMIT $2";
const OF_ALERT: &str = "SELECT incidents.* FROM incidents JOIN incident_alerts
    ON incident_alerts.incident_id = incidents.id WHERE incident_alerts.alert_id = $1";
const SINCE: &str = "SELECT * FROM incidents WHERE serial > $1 ORDER BY serial LIMIT $2";
const SEQUENCES: &str =
    "SELECT closed.id AS id, closed.facility_id AS facility_id, incident_alerts.technique AS technique
    FROM (SELECT id, facility_id, last_seen FROM incidents WHERE NOT EXISTS (SELECT 1 FROM incident_alerts
            JOIN alerts ON alerts.id = incident_alerts.alert_id
            WHERE incident_alerts.incident_id = incidents.id AND alerts.status IN ('new', 'acknowledged'))
        AND EXISTS (SELECT 1 FROM incident_alerts JOIN alerts ON alerts.id = incident_alerts.alert_id
            WHERE incident_alerts.incident_id = incidents.id AND alerts.status = 'resolved')
        ORDER BY last_seen DESC, id DESC LIMIT $1) AS closed
    JOIN incident_alerts ON incident_alerts.incident_id = closed.id
    JOIN alerts ON alerts.id = incident_alerts.alert_id
    WHERE alerts.status = 'resolved' AND incident_alerts.technique IS NOT NULL
    ORDER BY closed.last_seen DESC, closed.id DESC, incident_alerts.timestamp, incident_alerts.alert_id";
const STEPS: &str =
    "SELECT own.alert_id AS alert_id, own.incident_id AS incident_id, own.timestamp AS timestamp,
    own.technique AS technique, own.tactic AS tactic, alerts.severity AS severity, alerts.title AS title
    FROM incident_alerts own LEFT JOIN alerts ON alerts.id = own.alert_id
    WHERE own.incident_id = $1 ORDER BY own.timestamp, own.alert_id LIMIT $2";
const SERIAL: &str = "SELECT CAST(newest.serial AS BIGINT) AS serial FROM (
    SELECT max(serial) AS serial FROM (
        SELECT coalesce(max(serial), 0) AS serial FROM incidents
        UNION ALL SELECT coalesce(max(serial), 0) AS serial FROM predictions) AS changes) AS newest";
const KEEP: &str = "INSERT INTO incidents (id, facility_id, campaign_id, first_seen, last_seen, severity, alerts,
    techniques, assets, stage, serial) {rows}
    ON CONFLICT (id) DO UPDATE SET campaign_id = excluded.campaign_id, first_seen = excluded.first_seen,
    last_seen = excluded.last_seen, severity = excluded.severity, alerts = excluded.alerts,
    techniques = excluded.techniques, assets = excluded.assets, stage = excluded.stage, serial = excluded.serial";
const KEEP_MEMBER: &str =
    "INSERT INTO incident_alerts (alert_id, incident_id, timestamp, technique, tactic) {rows}
    ON CONFLICT (alert_id) DO UPDATE SET technique = excluded.technique, tactic = excluded.tactic";
