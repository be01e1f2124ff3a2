//! A prediction as the API shows it: the names of the documents, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::principal::Scope;
use super::super::time::Time;
use super::sight;
use crate::store::predictions::Prediction;

/// What is expected next of an incident.
#[derive(Serialize, ToSchema)]
#[schema(as = Prediction)]
pub struct PredictionBody {
    /// Of the prediction.
    #[schema(format = "uuid")]
    id: String,
    /// When it was made.
    timestamp: Time,
    /// Of which plant; empty in an answer to "what if".
    #[schema(example = "north")]
    facility_id: String,
    /// The incident whose history it is about.
    #[schema(format = "uuid")]
    incident_id: Option<String>,
    /// What was seen last.
    #[schema(example = "T0846")]
    current_technique: String,
    /// Its name.
    #[schema(example = "Remote System Discovery")]
    current_technique_name: String,
    /// The alert that showed it; null in an answer to "what if" without one.
    #[schema(format = "uuid")]
    alert_id: Option<String>,
    /// Whether one of the techniques came.
    validated: bool,
    /// When it came.
    validation_time: Option<Time>,
    /// Which came.
    validated_technique: Option<String>,
    /// The likeliest first.
    predicted_techniques: Vec<PredictedBody>,
    /// What counting alone says (a Markov chain with back-off), for comparison.
    markov: Vec<CountedBody>,
    /// What the attacker is likely after next.
    next_tactics: Vec<TacticBody>,
    /// What was seen, in order.
    history: Vec<String>,
    /// Nothing of what was seen is known: this is only how attacks begin.
    is_prior: bool,
    /// When it is expected.
    expected_in: ExpectedIn,
    /// What to watch and what to do, in order.
    recommendations: Vec<Recommendation>,
}

/// A technique that is expected.
#[derive(Serialize, ToSchema)]
#[schema(as = PredictedTechnique)]
struct PredictedBody {
    /// Its id.
    technique_id: String,
    /// Its name.
    technique_name: String,
    /// How likely it is among what comes next, from 0 to 1.
    probability: f64,
    /// From 1.
    rank: u32,
    /// When: four of five lie in it.
    #[schema(example = "2 minutes to 8 days")]
    timeframe: String,
    /// The tactic that it serves.
    tactic: String,
    /// What counting alone says.
    markov: f64,
    /// Who did what was seen and this as well.
    precedents: Vec<PrecedentBody>,
    /// What can be attacked by what was seen last and by this.
    shared_assets: Vec<String>,
}

/// Somebody who did it so before.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = Precedent)]
struct PrecedentBody {
    /// Such as C0025.
    id: String,
    /// Its name.
    name: String,
    /// What it is.
    #[schema(example = "campaign")]
    kind: String,
    /// Which of what was seen it did.
    shared: Vec<String>,
}

/// What counting alone says of a technique.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = CountedTechnique)]
struct CountedBody {
    /// Its id.
    technique_id: String,
    /// Its share.
    probability: f64,
}

/// A tactic and how likely it is next.
#[derive(Deserialize, Serialize, ToSchema)]
#[schema(as = NextTactic)]
struct TacticBody {
    /// Its name.
    tactic: String,
    /// From 0 to 1.
    probability: f64,
}

/// When something is expected, from what was seen last. Public data has almost no times, so it is broad until enough
/// was seen here.
#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
struct ExpectedIn {
    /// Earlier in one case of ten.
    low_seconds: f64,
    /// As often earlier as later.
    median_seconds: f64,
    /// Later in one case of ten.
    high_seconds: f64,
    /// From how many intervals that is known.
    known_intervals: u64,
    /// Of them, how many were seen here.
    own_intervals: u64,
    /// So wide that it helps little.
    is_broad: bool,
}

/// What to do.
#[derive(Serialize, ToSchema)]
struct Recommendation {
    /// From 1.
    order: u32,
    /// `watch`, `act` or `mitigation`.
    #[schema(example = "watch")]
    kind: &'static str,
    /// What.
    text: String,
    /// Techniques that it is about.
    techniques: Vec<String>,
}

/// What was kept with a prediction.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    history: Vec<String>,
    is_prior: bool,
    techniques: Vec<Why>,
    markov: Vec<CountedBody>,
    next_tactics: Vec<TacticBody>,
    mitigations: Vec<Remedy>,
    expected_in: ExpectedIn,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Why {
    technique_id: String,
    tactic: String,
    markov: f64,
    precedents: Vec<PrecedentBody>,
    shared_assets: Vec<String>,
    watch: Option<String>,
    act: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Remedy {
    id: String,
    name: String,
    against: Vec<String>,
}

impl PredictionBody {
    /// Of what is kept, as far as somebody sees it.
    pub fn of(one: Prediction, scope: &Scope) -> Self {
        Self::all(sight::seen_by(one, scope))
    }

    /// Of all that it says.
    pub(super) fn all(one: Prediction) -> Self {
        let detail: Detail = serde_json::from_value(one.detail).unwrap_or_default();
        let recommendations = recommend(&detail);
        let predicted = one.techniques.into_iter().map(|expected| {
            let why = detail.techniques.iter().find(|why| why.technique_id == expected.id);
            PredictedBody {
                technique_id: expected.id,
                technique_name: expected.name,
                probability: expected.probability,
                rank: expected.rank,
                timeframe: expected.timeframe,
                tactic: why.map(|why| why.tactic.clone()).unwrap_or_default(),
                markov: why.map_or(0.0, |why| why.markov),
                precedents: why.map(|why| why.precedents.clone()).unwrap_or_default(),
                shared_assets: why.map(|why| why.shared_assets.clone()).unwrap_or_default(),
            }
        });
        Self {
            id: one.id.to_string(),
            timestamp: Time(one.timestamp),
            facility_id: one.facility,
            incident_id: one.incident.map(|id| id.to_string()),
            current_technique: one.current,
            current_technique_name: one.current_name,
            alert_id: (one.alert.as_u128() != 0).then(|| one.alert.to_string()),
            validated: one.validated.is_some(),
            validation_time: one.validated.map(Time),
            validated_technique: one.came,
            predicted_techniques: predicted.collect(),
            markov: detail.markov,
            next_tactics: detail.next_tactics,
            history: detail.history,
            is_prior: detail.is_prior,
            expected_in: detail.expected_in,
            recommendations,
        }
    }
}

/// First what to watch for the likeliest, then what helps against it, then what helps against most.
fn recommend(detail: &Detail) -> Vec<Recommendation> {
    let of = |why: &Why, kind: &'static str, text: &Option<String>| {
        text.clone().map(|text| (kind, text, vec![why.technique_id.clone()]))
    };
    let watch = detail.techniques.iter().filter_map(|why| of(why, "watch", &why.watch));
    let act = detail.techniques.iter().filter_map(|why| of(why, "act", &why.act));
    let helps =
        |remedy: &Remedy| ("mitigation", format!("{} {}", remedy.id, remedy.name), remedy.against.clone());
    let all = watch.chain(act).chain(detail.mitigations.iter().map(helps));
    let ordered = all.zip(1..).map(|((kind, text, techniques), order)| Recommendation {
        order,
        kind,
        text,
        techniques,
    });
    ordered.collect()
}
