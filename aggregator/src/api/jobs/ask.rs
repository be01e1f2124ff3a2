//! What is asked of a bulk change: which alerts, what is to be done, why.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use fieldward_shared::alert::{AlertId, Status};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::Api;
use super::super::alerts::query::ListQuery;
use super::super::error::ApiError;
use super::super::principal::Principal;
use crate::store::alerts::Filter;

/// What is to be done to many alerts.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkChange)]
pub struct Bulk {
    /// What.
    action: Action,
    /// To these; either they are named, or a filter is.
    #[schema(min_items = 1, max_items = 10000, value_type = Option<Vec<Uuid>>)]
    ids: Option<Vec<Uuid>>,
    /// To all that pass this.
    query: Option<Which>,
    /// How many there are: with a filter it must be said, and be right.
    #[schema(example = 1240)]
    expected_count: Option<u64>,
    /// Why.
    #[schema(max_length = 1000, example = "maintenance CHG-8421")]
    reason: Option<String>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = BulkAction)]
pub enum Action {
    /// Someone is at it.
    Acknowledge,
    /// It is dealt with.
    Resolve,
    /// There was nothing.
    Dismiss,
}

/// Which alerts; as in the query of a list.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BulkQuery)]
pub struct Which {
    /// `critical`, `high`, `medium`, `low`, several with commas, or from one on: `gte:high`.
    #[schema(example = "low,medium")]
    severity: Option<String>,
    /// Of these plants, with commas.
    #[schema(example = "north")]
    facility: Option<String>,
    /// `new`, `acknowledged`, `resolved`, `false-positive`, several with commas.
    #[schema(example = "new")]
    status: Option<String>,
    /// With one of these techniques named, with commas.
    technique: Option<String>,
    /// Words that stand in them.
    #[schema(max_length = 200)]
    search: Option<String>,
    /// Raised within such a time before now.
    #[schema(example = "24h")]
    range: Option<String>,
    /// Raised then or later.
    since: Option<String>,
    /// Raised before.
    until: Option<String>,
}

impl Bulk {
    /// The status that is asked for.
    pub fn status(&self) -> Status {
        super::status(self.action)
    }

    /// Why; empty when nothing was said.
    pub fn reason(&self) -> Result<String, ApiError> {
        let reason = self.reason.clone().unwrap_or_default();
        if reason.chars().count() > 1000 {
            return Err(ApiError::field("#/reason", "more than 1000 letters"));
        }
        Ok(reason)
    }

    /// Which alerts these are, and whether each is there for the caller.
    pub async fn alerts(&self, api: &Api, principal: &Principal) -> Result<Vec<(AlertId, bool)>, ApiError> {
        match (&self.ids, &self.query) {
            (Some(ids), None) => {
                agreed(ids.len(), self.expected_count.unwrap_or(ids.len() as u64))?;
                self.named(api, principal, ids).await
            }
            (None, Some(which)) => {
                let Some(expected) = self.expected_count else {
                    return Err(ApiError::field("#/expected_count", "with a filter it must be said"));
                };
                let found = found(api, principal, which).await?;
                if found.len() > MOST {
                    let said = format!("more than {MOST} alerts pass it; name a shorter range");
                    return Err(ApiError::field("#/query", said));
                }
                agreed(found.len(), expected)?;
                Ok(found.into_iter().map(|id| (id, true)).collect())
            }
            _ => Err(ApiError::field("#/ids", "either ids or query, and not both")),
        }
    }

    /// Those that are named. One of another plant and one that never was look the same.
    async fn named(
        &self,
        api: &Api,
        principal: &Principal,
        ids: &[Uuid],
    ) -> Result<Vec<(AlertId, bool)>, ApiError> {
        if ids.is_empty() || ids.len() > MOST_NAMED {
            return Err(ApiError::field("#/ids", format!("from 1 to {MOST_NAMED} of them")));
        }
        let unique: BTreeSet<u128> = ids.iter().map(Uuid::as_u128).collect();
        if unique.len() < ids.len() {
            return Err(ApiError::field("#/ids", "one of them is there twice"));
        }
        let ids: Vec<AlertId> = ids.iter().map(|id| AlertId::from_u128(id.as_u128())).collect();
        let mut seen = BTreeSet::new();
        for piece in ids.chunks(PIECE) {
            let stored = api.store.alerts_named(piece).await?;
            let visible = stored.into_iter().filter(|one| principal.scope.holds(&one.alert.facility_id));
            seen.extend(visible.map(|one| one.alert.id));
        }
        Ok(ids.into_iter().map(|id| (id, seen.contains(&id))).collect())
    }
}

fn agreed(count: usize, expected: u64) -> Result<(), ApiError> {
    if count as u64 == expected {
        return Ok(());
    }
    let said = format!("{count} alerts are meant and not {expected}; look at them again");
    let error = ApiError::new(StatusCode::CONFLICT, "count_differs", said);
    Err(error.about(serde_json::json!({ "count": count, "expected": expected })))
}

/// All that pass a filter, and one more than may be.
async fn found(api: &Api, principal: &Principal, which: &Which) -> Result<Vec<AlertId>, ApiError> {
    let which = which.clone();
    let query = ListQuery {
        severity: which.severity,
        facility: which.facility,
        status: which.status,
        technique: which.technique,
        search: which.search,
        range: which.range,
        since: which.since,
        until: which.until,
        ..ListQuery::default()
    };
    // In the body they are fields.
    let asked = query
        .check(principal, &[], &api.cursors)
        .map_err(|error| ApiError::field("#/query", error.detail.clone()))?;
    let most = MOST as u32 + 1;
    match (&asked.filter, &asked.search) {
        (None, _) => Ok(Vec::new()),
        (Some(filter), None) => Ok(api.store.alert_ids(filter, most).await?),
        (Some(filter), Some(search)) => searched(api, filter, search).await,
    }
}

async fn searched(api: &Api, filter: &Filter, search: &str) -> Result<Vec<AlertId>, ApiError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let turn = api.store.search_alerts(filter, after, search, SEARCHED).await?;
        all.extend(turn.places.iter().map(|place| place.id));
        match turn.last {
            Some(last) if all.len() <= MOST => after = Some(last),
            _ => return Ok(all),
        }
    }
}

/// Alerts of a job.
pub const MOST: usize = 100_000;
/// Alerts that are named one by one.
const MOST_NAMED: usize = 10_000;
/// Alerts that are looked at together.
const PIECE: usize = 200;
/// Alerts that are searched together.
const SEARCHED: u32 = 10_000;
