//! Security checks of this deployment: each a real look at it, with figures, a remedy, and the requirements of
//! IEC 62443-3-3 it speaks of; a score that is made of them by a formula that stands with it; a history.

mod checks;
mod requirements;
pub mod scene;
pub mod watch;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::time::{Range, Time};
use crate::store::now;
use crate::store::security::{Finding, Score};
use checks::{CHECKS, Check, Found};
use scene::Scene;

pub use checks::NOTE;
pub use scene::{Deployment, Ledger};

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Whole(Role::Viewer);
    Routes::of("security", "Whether this deployment is as it should be")
        .add(look, routes!(list))
        .add(look, routes!(one))
        .act(Policy::Whole(Role::Analyst), routes!(run))
        .keep(look, routes!(score))
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CheckResult)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Not as it should be.
    Warn,
    /// A danger.
    Fail,
    /// It cannot be told.
    Unknown,
}

impl Verdict {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
        }
    }

    /// What it is worth in the score; none: it does not count.
    const fn points(self) -> Option<f64> {
        match self {
            Self::Pass => Some(1.0),
            Self::Warn => Some(0.5),
            Self::Fail => Some(0.0),
            Self::Unknown => None,
        }
    }
}

/// A requirement of IEC 62443-3-3.
#[derive(Debug, Serialize, ToSchema)]
struct Requirement {
    /// As the standard numbers it.
    #[schema(example = "SR 1.8")]
    id: &'static str,
    /// As it calls it.
    name: &'static str,
}

/// A check and what it found.
#[derive(Debug, Serialize, ToSchema)]
struct CheckBody {
    /// Which.
    #[schema(example = "agents-connected")]
    id: &'static str,
    /// What should be so.
    title: &'static str,
    /// What it looks at.
    about: &'static str,
    /// How it is.
    result: Verdict,
    /// In a sentence.
    summary: String,
    /// In figures.
    #[schema(value_type = Object)]
    evidence: serde_json::Map<String, serde_json::Value>,
    /// What to do; null when there is nothing to do.
    remedy: Option<&'static str>,
    /// Of which requirements of IEC 62443-3-3 it speaks.
    requirements: Vec<Requirement>,
    /// How much it counts in the score.
    weight: u32,
    /// When it was looked at.
    checked_at: Time,
}

impl CheckBody {
    fn of(check: &Check, found: Found, now: Timestamp) -> Self {
        let named = |id: &&'static str| Requirement { id, name: requirements::name(id) };
        Self {
            id: check.id,
            title: check.title,
            about: check.about,
            result: found.verdict,
            summary: found.summary,
            evidence: found.evidence,
            remedy: Some(found.remedy).filter(|remedy| !remedy.is_empty()),
            requirements: check.requirements.iter().map(named).collect(),
            weight: check.weight,
            checked_at: Time(now),
        }
    }

    fn finding(&self, actor: &str) -> Finding {
        Finding {
            check: self.id.to_owned(),
            at: self.checked_at.0,
            result: self.result.name().to_owned(),
            summary: self.summary.clone(),
            evidence: serde_json::Value::Object(self.evidence.clone()),
            actor: actor.to_owned(),
        }
    }
}

/// All checks.
#[derive(Serialize, ToSchema)]
struct CheckList {
    /// Each as it is now.
    checks: Vec<CheckBody>,
    /// How many there are of each result.
    #[schema(example = json!({"pass": 24, "warn": 2, "fail": 1, "unknown": 3}))]
    totals: BTreeMap<&'static str, u64>,
    /// When they were looked at.
    as_of: Time,
}

/// List security checks
#[utoipa::path(get, path = "/api/security/checks", operation_id = "list_security_checks",
    responses((status = 200, body = CheckList)))]
async fn list(State(api): State<Arc<Api>>) -> Result<axum::Json<CheckList>, ApiError> {
    let checks = look(&api).await?;
    Ok(axum::Json(CheckList { totals: totals(&checks), checks, as_of: Time(now()) }))
}

/// Looks at everything now; nothing is written.
async fn look(api: &Api) -> Result<Vec<CheckBody>, ApiError> {
    let scene = Scene::of(api).await?;
    Ok(CHECKS.iter().map(|check| CheckBody::of(check, (check.look)(&scene), scene.now)).collect())
}

fn totals(checks: &[CheckBody]) -> BTreeMap<&'static str, u64> {
    let all = [Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Unknown];
    let number = |verdict| checks.iter().filter(|check| check.result == verdict).count() as u64;
    all.into_iter().map(|verdict| (verdict.name(), number(verdict))).collect()
}

/// What a check found before.
#[derive(Serialize, ToSchema)]
struct Before {
    /// When.
    timestamp: Time,
    /// `pass`, `warn`, `fail` or `unknown`.
    #[schema(example = "pass")]
    result: String,
    /// In a sentence.
    summary: String,
    /// In figures.
    #[schema(value_type = Object)]
    evidence: serde_json::Value,
    /// Who had it run.
    #[schema(example = "user ann")]
    actor: String,
}

/// A check, and what it found before.
#[derive(Serialize, ToSchema)]
struct CheckHistory {
    /// As it is now.
    check: CheckBody,
    /// What was kept of it, the newest first, at most 100: whenever it changed, once a day, and when somebody
    /// ran it.
    history: Vec<Before>,
}

/// A security check and its history
#[utoipa::path(get, path = "/api/security/checks/{check_id}", operation_id = "get_security_check",
    params(("check_id" = String, Path, example = "agents-connected")),
    responses((status = 200, body = CheckHistory), (status = 404, description = "there is no such check")))]
async fn one(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<axum::Json<CheckHistory>, ApiError> {
    let check = known(&id)?;
    let scene = Scene::of(&api).await?;
    let before = api.store.findings(check.id, SHOWN).await?.into_iter().map(|found| Before {
        timestamp: Time(found.at),
        result: found.result,
        summary: found.summary,
        evidence: found.evidence,
        actor: found.actor,
    });
    Ok(axum::Json(CheckHistory {
        history: before.collect(),
        check: CheckBody::of(check, (check.look)(&scene), scene.now),
    }))
}

/// Run a security check
///
/// It is looked at anew, whatever that takes, and kept.
#[utoipa::path(post, path = "/api/security/checks/{check_id}/run", operation_id = "run_security_check",
    params(("check_id" = String, Path, example = "audit-trail")),
    responses((status = 200, body = CheckBody), (status = 404, description = "there is no such check")))]
async fn run(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<axum::Json<CheckBody>, ApiError> {
    let check = known(&id)?;
    if check.is_slow {
        api.look_closely().await?;
    }
    let scene = Scene::of(&api).await?;
    let body = CheckBody::of(check, (check.look)(&scene), scene.now);
    let actor = principal.actor();
    api.store.keep_findings(&[body.finding(&actor)], Some(&actor)).await?;
    Ok(axum::Json(body))
}

/// How it is with some checks, each in a sentence.
pub(super) async fn judged(
    api: &Api,
    ids: impl Iterator<Item = &'static str>,
) -> Result<Vec<(Verdict, String)>, ApiError> {
    let scene = Scene::of(api).await?;
    let found = ids.filter_map(|id| known(id).ok()).map(|check| (check.look)(&scene));
    Ok(found.map(|found| (found.verdict, found.summary)).collect())
}

fn known(id: &str) -> Result<&'static Check, ApiError> {
    CHECKS.iter().find(|check| check.id == id).ok_or_else(|| ApiError::not_found("check"))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ScoreQuery {
    /// How far back the history reaches.
    #[param(example = "30d", default = "30d")]
    range: Option<String>,
}

/// What a check gives to the score.
#[derive(Serialize, ToSchema)]
struct Part {
    /// Which check.
    id: &'static str,
    /// How it is.
    result: Verdict,
    /// What it counts.
    weight: u32,
    /// What it gives, of its weight; null: it does not count.
    points: Option<f64>,
}

/// A requirement, and what checks say of it.
#[derive(Serialize, ToSchema)]
struct Coverage {
    /// As the standard numbers it.
    #[schema(example = "SR 1.8")]
    id: &'static str,
    /// As it calls it.
    name: &'static str,
    /// The worst of its checks.
    result: Verdict,
    /// Which.
    checks: Vec<&'static str>,
}

/// A score that was.
#[derive(Serialize, ToSchema)]
struct Past {
    /// When.
    timestamp: Time,
    /// From 0 to 100; null when nothing was known.
    score: Option<f64>,
    /// Checks that passed.
    passed: u64,
    /// That warned.
    warned: u64,
    /// That failed.
    failed: u64,
    /// That could not tell.
    unknown: u64,
}

/// What all checks together come to.
#[derive(Serialize, ToSchema)]
struct Compliance {
    /// From 0 to 100; null when nothing is known.
    score: Option<f64>,
    /// How it is made.
    formula: &'static str,
    /// By which standard.
    #[schema(example = "IEC 62443-3-3:2013")]
    standard: &'static str,
    /// Checks that passed.
    passed: u64,
    /// That warned.
    warned: u64,
    /// That failed.
    failed: u64,
    /// That could not tell: they do not count.
    unknown: u64,
    /// What each check gives.
    checks: Vec<Part>,
    /// The requirements of which checks speak; of others nothing is said.
    requirements: Vec<Coverage>,
    /// Hourly, in order.
    history: Vec<Past>,
    /// When this was looked at.
    as_of: Time,
}

/// The compliance score
#[utoipa::path(get, path = "/api/security/compliance-score", operation_id = "get_compliance_score",
    params(ScoreQuery), responses((status = 200, body = Compliance)))]
async fn score(
    State(api): State<Arc<Api>>,
    Query(query): Query<ScoreQuery>,
) -> Result<axum::Json<Compliance>, ApiError> {
    let range = Range::of(query.range.as_deref(), None, None, "30d", now())?;
    let checks = look(&api).await?;
    let now = score_of(&checks, range.until);
    let past = api.store.scores(range.since).await?.into_iter().map(|past| Past {
        timestamp: Time(past.at),
        score: past.score,
        passed: past.passed,
        warned: past.warned,
        failed: past.failed,
        unknown: past.unknown,
    });
    Ok(axum::Json(Compliance {
        score: now.score,
        formula: FORMULA,
        standard: "IEC 62443-3-3:2013",
        passed: now.passed,
        warned: now.warned,
        failed: now.failed,
        unknown: now.unknown,
        requirements: coverage(&checks),
        checks: checks.iter().map(part).collect(),
        history: past.collect(),
        as_of: Time(now.at),
    }))
}

fn part(check: &CheckBody) -> Part {
    let points = check.result.points().map(|points| points * f64::from(check.weight));
    Part { id: check.id, result: check.result, weight: check.weight, points }
}

fn score_of(checks: &[CheckBody], at: Timestamp) -> Score {
    let parts: Vec<Part> = checks.iter().map(part).collect();
    let (mut points, mut weight) = (0.0, 0.0);
    for part in &parts {
        if let Some(given) = part.points {
            points += given;
            weight += f64::from(part.weight);
        }
    }
    let totals = totals(checks);
    let number = |verdict: Verdict| totals.get(verdict.name()).copied().unwrap_or_default();
    Score {
        at,
        score: (weight > 0.0).then(|| (points / weight * 1000.0).round() / 10.0),
        passed: number(Verdict::Pass),
        warned: number(Verdict::Warn),
        failed: number(Verdict::Fail),
        unknown: number(Verdict::Unknown),
    }
}

fn coverage(checks: &[CheckBody]) -> Vec<Coverage> {
    let of = |(id, name): &(&'static str, &'static str)| {
        let about: Vec<&CheckBody> = checks
            .iter()
            .filter(|check| check.requirements.iter().any(|requirement| requirement.id == *id))
            .collect();
        // What is known counts before what is not.
        let known = about.iter().map(|check| check.result).filter(|result| *result != Verdict::Unknown);
        Coverage {
            id,
            name,
            result: known.max().unwrap_or(Verdict::Unknown),
            checks: about.iter().map(|check| check.id).collect(),
        }
    };
    requirements::NAMES.iter().map(of).collect()
}

/// Findings that are shown.
const SHOWN: u32 = 100;
const FORMULA: &str = "100 × sum(weight × points) / sum(weight) over checks that can tell; points are 1 for pass, \
                       0.5 for warn, 0 for fail; checks whose result is unknown do not count";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_has_a_name_of_its_own_and_requirements_that_exist() {
        let mut ids: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|two| two[0] != two[1]));
        for check in CHECKS {
            assert!(check.id.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'), "{}", check.id);
            assert!(check.weight > 0 && !check.requirements.is_empty(), "{}", check.id);
            assert!(check.requirements.iter().all(|id| !requirements::name(id).is_empty()), "{}", check.id);
        }
        for (id, _) in requirements::NAMES {
            assert!(CHECKS.iter().any(|check| check.requirements.contains(id)), "{id}: nobody speaks of it");
        }
    }
}
