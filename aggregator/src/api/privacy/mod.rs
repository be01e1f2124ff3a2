//! Privacy: what is stored and of which class it is, a test of the rules by which it is made nameless, and a
//! report of whether it is kept as it should be.

mod fields;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Api;
use super::error::ApiError;
use super::extract::Json;
use super::principal::Role;
use super::route::{Policy, Routes};
use super::security::{Verdict, judged};
use super::time::Time;
use crate::store::now;
use fields::{Class, Kept, Source};
use rules::Rule;

/// The resource.
pub fn routes() -> Routes {
    Routes::of("privacy", "What is stored, and how it is protected")
        .add(Policy::Scoped(Role::Viewer), routes!(classification))
        .add(Policy::Scoped(Role::Viewer), routes!(pseudonymise))
        .add(Policy::Whole(Role::Engineer), routes!(report))
}

/// A field that is stored.
#[derive(Serialize, ToSchema)]
struct Field {
    /// Its table.
    #[schema(example = "alerts")]
    table: String,
    /// Its name.
    #[schema(example = "src_assets")]
    field: String,
    /// Of which class it is.
    class: Class,
    /// Where it comes from; null where nobody has said.
    source: Option<Source>,
    /// For how many days it is kept; null: for good, or until it ends by itself (see `kept`).
    kept_days: Option<u32>,
    /// How long it is kept, in words.
    #[schema(example = "retention.alerts_days")]
    kept: &'static str,
}

/// What is stored.
#[derive(Serialize, ToSchema)]
struct Classification {
    /// Every field of every table, as the database has them.
    fields: Vec<Field>,
    /// How many there are of each class.
    #[schema(example = json!({"operational": 120, "plant": 50, "personal": 30, "credential": 12, "unclassified": 0}))]
    totals: BTreeMap<&'static str, u64>,
    /// Why what is null is not known, by name.
    unknown: BTreeMap<&'static str, &'static str>,
    /// When this was read.
    as_of: Time,
}

/// Classification of what is stored
#[utoipa::path(get, path = "/api/privacy/classification", operation_id = "get_classification",
    responses((status = 200, body = Classification)))]
async fn classification(State(api): State<Arc<Api>>) -> Result<axum::Json<Classification>, ApiError> {
    let fields = stored(&api).await?;
    let mut unknown = BTreeMap::new();
    if api.security.deployment().is_none() {
        unknown.insert("fields.kept_days", "the API was not told how the aggregator was started");
    }
    Ok(axum::Json(Classification { totals: totals(&fields), fields, unknown, as_of: Time(now()) }))
}

async fn stored(api: &Api) -> Result<Vec<Field>, ApiError> {
    let kept = api.security.deployment().map(|known| known.config.retention);
    let columns = api.store.columns().await?;
    let fields = columns.into_iter().map(|(table, field)| {
        let (class, known) = fields::of(&table, &field);
        let (kept_days, kept) = match known.map(|known| known.kept) {
            Some(Kept::Alerts) => (kept.map(|days| days.alerts_days), "retention.alerts_days"),
            Some(Kept::Metrics) => (kept.map(|days| days.metrics_days), "retention.metrics_days"),
            Some(Kept::Traffic) => (kept.map(|days| days.traffic_days), "retention.traffic_days"),
            Some(Kept::Days(days)) => (Some(days), "by itself"),
            Some(Kept::ItsEnd) => (None, "until it ends"),
            Some(Kept::Always) => (None, "for good"),
            None => (None, "nobody has said"),
        };
        Field { class, source: known.map(|known| known.source), kept_days, kept, table, field }
    });
    Ok(fields.collect())
}

fn totals(fields: &[Field]) -> BTreeMap<&'static str, u64> {
    let count = |class| fields.iter().filter(|field| field.class == class).count() as u64;
    Class::ALL.into_iter().map(|class| (class.name(), count(class))).collect()
}

/// A text to be made nameless.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Trial {
    /// The text; it is not kept.
    #[schema(max_length = 65536, example = "10.0.0.9 wrote to 10.0.0.1:502")]
    text: String,
    /// By which rules; by all when none are named.
    #[serde(default)]
    rules: Vec<Rule>,
}

/// The text without names.
#[derive(Serialize, ToSchema)]
struct Nameless {
    /// With pseudonyms, which are the same for the same thing within this answer and mean nothing outside it.
    #[schema(example = "ipv4-9f2c51d07aa4 wrote to ipv4-1c77b0e94d2f:502")]
    text: String,
    /// How many were replaced by each rule.
    #[schema(example = json!({"ipv4": 2}))]
    replaced: BTreeMap<&'static str, u64>,
}

/// Try the rules by which a text is made nameless
#[utoipa::path(post, path = "/api/privacy/pseudonymise", operation_id = "pseudonymise", request_body = Trial,
    responses((status = 200, body = Nameless)))]
async fn pseudonymise(Json(trial): Json<Trial>) -> Result<axum::Json<Nameless>, ApiError> {
    if trial.text.len() > LONGEST {
        return Err(ApiError::field("#/text", format!("longer than {LONGEST} bytes")));
    }
    let rules = if trial.rules.is_empty() { Rule::ALL.to_vec() } else { trial.rules };
    // Drawn for this answer and forgotten with it, so that nobody can try all addresses.
    let key = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    let (text, replaced) = rules::pseudonymise(&trial.text, &rules, &key);
    Ok(axum::Json(Nameless { text, replaced }))
}

/// Something that should be so.
#[derive(Serialize, ToSchema)]
struct Duty {
    /// What.
    title: &'static str,
    /// Whether it is.
    result: Verdict,
    /// In a sentence.
    summary: String,
}

/// Whether what is stored is kept as it should be.
#[derive(Serialize, ToSchema)]
struct PrivacyReport {
    /// Each duty.
    duties: Vec<Duty>,
    /// How many fields there are of each class.
    #[schema(example = json!({"operational": 120, "plant": 50, "personal": 30, "credential": 12, "unclassified": 0}))]
    fields: BTreeMap<&'static str, u64>,
    /// Tables with personal fields that are kept for good, each with the reason.
    kept_for_good: BTreeMap<String, &'static str>,
    /// What never leaves a plant, by construction.
    stays_at_plants: [&'static str; 2],
    /// When this was made.
    as_of: Time,
}

/// Privacy compliance report
#[utoipa::path(get, path = "/api/privacy/report", operation_id = "get_privacy_report",
    responses((status = 200, body = PrivacyReport)))]
async fn report(State(api): State<Arc<Api>>) -> Result<axum::Json<PrivacyReport>, ApiError> {
    let fields = stored(&api).await?;
    let totals = totals(&fields);
    let strange = totals.get(Class::Unclassified.name()).copied().unwrap_or_default();
    let mut duties = vec![Duty {
        title: "It is known what each stored field is",
        result: if strange == 0 { Verdict::Pass } else { Verdict::Warn },
        summary: format!("{} fields, {strange} of them not classified", fields.len()),
    }];
    // What the checks of this deployment say of it.
    let found = judged(&api, DUTIES.iter().map(|(check, _)| *check)).await?;
    let found = DUTIES.iter().zip(found);
    duties.extend(found.map(|((_, title), (result, summary))| Duty { title, result, summary }));
    let lasting = fields.iter().filter(|field| field.class == Class::Personal && field.kept == "for good");
    let why = |table: &str| {
        WHY.iter().find(|(known, _)| *known == table).map_or("nobody has said why", |(_, why)| why)
    };
    let kept_for_good = lasting.map(|field| (field.table.clone(), why(&field.table))).collect();
    Ok(axum::Json(PrivacyReport {
        duties,
        fields: totals,
        kept_for_good,
        stays_at_plants: ["packets and what they carry", "the models' training data"],
        as_of: Time(now()),
    }))
}

/// Checks that speak of how data is protected.
const DUTIES: [(&str, &str); 6] = [
    ("retention", "Nothing is kept longer than was said"),
    ("api-tls", "It is encrypted on its way to people"),
    ("link-tls", "It is encrypted on its way from plants"),
    ("database-access", "Nobody else reads where it is stored"),
    ("audit-trail", "Who read and changed it is known"),
    ("idle-users", "Nobody may read it who need not"),
];
/// Why personal fields are kept for good.
const WHY: [(&str, &str); 8] = [
    ("api_keys", "who made a key, for as long as the trail names it; at most 10,000"),
    ("audit", "the trail must not lose rows: who did what can be proven"),
    ("enrolments", "who let an agent in, for as long as it is known"),
    ("fl_rounds", "who wanted a round or ended it, for as long as models that came of it may be at work"),
    ("model_versions", "who brought a model or took it back: where each comes from can be shown"),
    ("security_findings", "who had a check run; 10,000 of each check"),
    ("tokens", "who gave out a token, for as long as its agent is known"),
    ("users", "people who may come in, until they are removed from the database"),
];
/// Bytes of a text.
const LONGEST: usize = 64 << 10;
