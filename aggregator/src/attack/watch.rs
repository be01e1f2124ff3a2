//! Brings what agents report to the predictor: an alert that was committed is taken into its incident, and where it
//! shows a technique that the incident had not shown, what comes next is predicted and kept. Predictions that an alert
//! bears out are validated by it. It asks the database once a second, so the way of an alert into it waits for nothing
//! here; of several replicas one at a time looks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use fieldward_shared::alert::Alert;
use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Duration, MissedTickBehavior, interval};
use uuid::Uuid;

use super::incident::Incident;
use super::predict::{Answer, Doubt, Model, ModelError, Predictor};
use super::{import, versions};
use crate::store::incidents::{Member, READER, Turn};
use crate::store::predictions::{Expected, Prediction};
use crate::store::{Store, StoreError, now};

/// Why there is nobody to ask.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The catalogue.
    #[error(transparent)]
    Import(#[from] import::ImportError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Where what was imported and taught lies, beside the authority's files.
pub fn folder(state: &Path) -> PathBuf {
    state.join("attack")
}

/// The answers at work: with what was imported and taught in a folder, else as they are shipped.
pub fn predictor(state: Option<&Path>) -> Result<Predictor, WatchError> {
    let folder = state.map(folder);
    let catalogue = Arc::new(import::load(folder.as_deref())?);
    if let Some(path) = folder.map(|folder| versions::at_work(&folder)).filter(|path| path.exists()) {
        let bytes = fs::read(&path).unwrap_or_default();
        let taught = Model::load(&bytes).and_then(|model| Predictor::new(model, catalogue.clone(), &[]));
        match taught {
            Ok(predictor) => return Ok(predictor),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "the network that was taught here is not used, but the shipped one");
            }
        }
    }
    Ok(Predictor::shipped()?.with_catalogue(catalogue))
}

/// The same for a process with several who ask: where nothing was imported or taught it is made once.
pub fn shared(state: Option<&Path>) -> Result<Arc<Predictor>, String> {
    if state.map(folder).is_some_and(|folder| folder.exists()) {
        return predictor(state).map(Arc::new).map_err(|error| error.to_string());
    }
    static SHIPPED: LazyLock<Result<Arc<Predictor>, String>> =
        LazyLock::new(|| Predictor::shipped().map(Arc::new).map_err(|error| error.to_string()));
    SHIPPED.clone()
}

/// Looks once a second until the stop.
pub async fn run(store: Store, predictor: Arc<Predictor>, mut stop: Stop) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_said = false;
    loop {
        tokio::select! {
            _ = second.tick() => {}
            () = stop.asked() => return,
        }
        loop {
            let looked = tokio::select! {
                looked = look(&store, &predictor) => looked,
                () = stop.asked() => return,
            };
            match looked {
                Ok(true) => {}
                Ok(false) => {
                    is_said = false;
                    break;
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_said, true) {
                        tracing::warn!(%error, "alerts cannot be looked at for what comes next; it is tried again");
                    }
                    break;
                }
            }
        }
    }
}

/// One turn; whether there may be more.
pub async fn look(store: &Store, predictor: &Predictor) -> Result<bool, StoreError> {
    if !store.has_news(READER).await? {
        return Ok(false);
    }
    let Some(mut turn) = store.turn().await? else { return Ok(false) };
    let kept = settle(&mut turn, predictor, now());
    turn.keep(&kept.incidents, &kept.members, &kept.predictions).await?;
    Ok(true)
}

#[derive(Debug, Default)]
struct Kept {
    incidents: Vec<Incident>,
    members: Vec<Member>,
    predictions: Vec<Prediction>,
}

/// What becomes of the alerts of a turn.
fn settle(turn: &mut Turn, predictor: &Predictor, now: Timestamp) -> Kept {
    let mut members = BTreeMap::new();
    let mut changed: BTreeSet<Uuid> = BTreeSet::new();
    let mut predictions: BTreeMap<Uuid, Prediction> = BTreeMap::new();
    for alert in std::mem::take(&mut turn.alerts) {
        let technique = alert.attack_type.as_deref().and_then(|id| predictor.id(id));
        let known = turn.known.get(&alert.id).cloned();
        let place = place(turn, &alert, known.as_ref().map(|(incident, _)| *incident));
        if known.is_some() {
            turn.incidents[place].touch(&alert);
        } else {
            turn.incidents[place].take(&alert);
        }
        let id = turn.incidents[place].id;
        changed.insert(id);
        let is_first = known.is_none();
        let was = known.and_then(|(_, technique)| technique);
        if is_first || was != technique {
            turn.known.insert(alert.id, (id, technique.clone()));
            members.insert(
                alert.id,
                Member {
                    alert: alert.id,
                    incident: id,
                    timestamp: alert.timestamp,
                    technique: technique.clone(),
                    tactic: alert.tactic.clone(),
                },
            );
        }
        let Some(technique) = technique.filter(|technique| was.as_ref() != Some(technique)) else { continue };
        let is_new = turn.incidents[place].see(&technique, alert.timestamp, alert.tactic.as_deref());
        join(turn, place, &mut changed);
        validate(turn, &mut predictions, id, &technique, &alert);
        if is_new {
            let prediction = predict(turn, predictor, place, &alert, &technique, now);
            turn.open.retain(|one| one.id != prediction.id);
            turn.open.push(prediction.clone());
            predictions.insert(prediction.id, prediction);
        }
    }
    let mut incidents = Vec::new();
    for mut incident in turn.incidents.clone().into_iter().filter(|one| changed.contains(&one.id)) {
        incident.serial = turn.next();
        incidents.push(incident);
    }
    Kept {
        incidents,
        members: members.into_values().collect(),
        predictions: predictions.into_values().collect(),
    }
}

/// Where the incident of an alert stands; it begins with it where there is none.
fn place(turn: &mut Turn, alert: &Alert, known: Option<Uuid>) -> usize {
    let there = known.and_then(|id| turn.incidents.iter().position(|one| one.id == id));
    let there = there.or_else(|| {
        let holds = turn.incidents.iter().enumerate().filter(|(_, one)| one.holds(alert));
        holds.max_by_key(|(_, one)| (one.last, one.id)).map(|(at, _)| at)
    });
    there.unwrap_or_else(|| {
        turn.incidents.push(Incident::begin(alert));
        turn.incidents.len() - 1
    })
}

/// Joins an incident with one of another plant that it is like.
fn join(turn: &mut Turn, place: usize, changed: &mut BTreeSet<Uuid>) {
    let one = &turn.incidents[place];
    if one.campaign != one.id {
        return;
    }
    let like =
        turn.incidents.iter().filter(|other| one.is_like(other)).min_by_key(|other| (other.first, other.id));
    if let Some(campaign) = like.map(|other| other.campaign) {
        // Of two that began alone the other keeps its number.
        turn.incidents[place].campaign = campaign;
        changed.insert(turn.incidents[place].id);
    }
}

/// What was expected and came.
fn validate(
    turn: &mut Turn,
    kept: &mut BTreeMap<Uuid, Prediction>,
    incident: Uuid,
    technique: &str,
    alert: &Alert,
) {
    let is_borne_out = |one: &Prediction| {
        one.incident == Some(incident)
            && one.alert != alert.id
            && one.validated.is_none()
            && one.techniques.iter().any(|expected| expected.id == technique)
    };
    let borne_out: Vec<usize> = (0..turn.open.len()).filter(|at| is_borne_out(&turn.open[*at])).collect();
    for at in borne_out {
        let serial = turn.next();
        let one = &mut turn.open[at];
        (one.validated, one.came, one.serial) = (Some(alert.timestamp), Some(technique.to_owned()), serial);
        kept.insert(one.id, one.clone());
    }
}

fn predict(
    turn: &mut Turn,
    predictor: &Predictor,
    place: usize,
    alert: &Alert,
    technique: &str,
    now: Timestamp,
) -> Prediction {
    let incident = &turn.incidents[place];
    let own: Vec<f64> = turn.incidents.iter().flat_map(Incident::intervals).collect();
    let predictor_here = predictor.with_intervals(&own);
    // As sure as the plant's second layer was of the technique, no more.
    let may_be = alert.candidates.iter().map(|one| (one.technique.clone(), one.probability)).collect();
    let doubt = Doubt { named: technique.to_owned(), may_be };
    let ask = |history: &[String]| predictor_here.predict_of(history, &doubt, EXPECTED);
    let (history, plants) = incident.history(turn.incidents.iter());
    let answer = ask(&history);
    let mut detail = detail(&answer);
    // Who does not see the other plants is told what this one's alerts give.
    let alone = (!plants.is_empty()).then(|| ask(&incident.history_here(turn.incidents.iter())));
    detail["plants"] = json!(plants);
    detail["alone"] = alone.as_ref().map_or(Value::Null, told_alone);
    let (facility, id) = (incident.facility.clone(), incident.id);
    Prediction {
        id: Uuid::new_v5(&OWN, &alert.id.as_u128().to_be_bytes()),
        timestamp: now,
        facility,
        incident: Some(id),
        alert: alert.id,
        current: technique.to_owned(),
        current_name: predictor.name(technique),
        validated: None,
        came: None,
        techniques: expected(&answer),
        detail,
        serial: turn.next(),
    }
}

fn told_alone(answer: &Answer) -> Value {
    json!({ "expected": expected(answer), "detail": detail(answer) })
}

/// What is expected, in rows.
pub fn expected(answer: &Answer) -> Vec<Expected> {
    let timeframe = answer.when.words();
    let of = |(at, next): (usize, &super::predict::Next)| Expected {
        id: next.id.clone(),
        name: next.name.clone(),
        probability: f64::from(next.probability),
        rank: u32::try_from(at + 1).unwrap_or(u32::MAX),
        timeframe: timeframe.clone(),
    };
    answer.next.iter().enumerate().map(of).collect()
}

/// Why, and what else is said: as it is kept, and as the command prints it.
pub fn detail(answer: &Answer) -> Value {
    let next: Vec<Value> = answer
        .next
        .iter()
        .map(|one| {
            json!({
                "technique_id": one.id, "technique_name": one.name, "tactic": one.tactic,
                "probability": one.probability, "markov": one.markov, "precedents": one.precedents,
                "shared_assets": one.assets, "watch": one.watch, "act": one.act,
            })
        })
        .collect();
    let shares = |all: &[(String, f32)], name: &str| -> Vec<Value> {
        all.iter().map(|(id, share)| json!({ name: id, "probability": share })).collect()
    };
    json!({
        "domain": answer.domain.name(), "history": answer.history, "is_prior": answer.is_prior,
        "techniques": next, "markov": shares(&answer.markov, "technique_id"),
        "next_tactics": shares(&answer.tactics, "tactic"), "mitigations": answer.remedies,
        "expected_in": {
            "low_seconds": answer.when.low, "median_seconds": answer.when.middle, "high_seconds": answer.when.high,
            "known_intervals": answer.when.known, "own_intervals": answer.when.own, "is_broad": answer.when.is_broad(),
        },
    })
}

const OWN: Uuid = Uuid::from_u128(0x3a7c_51d0_92e8_4b7f_bd41_6e0a_72c3_98f5);
/// Techniques of a prediction.
pub const EXPECTED: usize = 3;
