//! What several resources ask of time: which plants, which range, how fine.

use std::collections::BTreeMap;

use fieldward_shared::identity::check_facility;
use fieldward_shared::time::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Api;
use super::error::ApiError;
use super::extract::words;
use super::principal::Principal;
use super::time::Range;
use crate::store::endpoints::{Asked, Endpoint};
use crate::store::now;
use crate::store::requests::Requests;
use crate::store::sums::Sum;
use crate::store::traffic::Resolution;

/// How many seconds a stretch is, and the web requests of each; those that nobody told of are left out.
pub type Requested = (u64, BTreeMap<Timestamp, Requests>);

/// Why web requests are not known.
pub const UNTOLD: &str = "no agent in scope told of web requests then: none ran, or none that counts them";

/// Which plants, and when.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SeriesQuery {
    /// The time before now: `15m`, `24h`, `7d`.
    #[param(example = "24h", default = "24h")]
    pub range: Option<String>,
    /// From then on, instead.
    pub since: Option<String>,
    /// Until before.
    pub until: Option<String>,
    /// Of these plants, with commas; plants out of scope are passed over.
    #[param(example = "north")]
    pub facility: Option<String>,
}

/// The same, checked.
#[derive(Clone, Debug)]
pub struct Span {
    /// When.
    pub range: Range,
    /// Of these plants, of all when none are named; none: of nothing that the caller sees.
    pub facilities: Option<Vec<String>>,
}

impl SeriesQuery {
    /// Checks it, for whoever asks.
    pub fn check(&self, principal: &Principal) -> Result<Span, ApiError> {
        let (range, since, until) = (self.range.as_deref(), self.since.as_deref(), self.until.as_deref());
        let range = Range::of(range, since, until, "24h", now())?;
        Ok(Span { range, facilities: facilities(self.facility.as_deref(), principal)? })
    }
}

/// The plants that are named, as far as they are in scope.
pub fn facilities(text: Option<&str>, principal: &Principal) -> Result<Option<Vec<String>>, ApiError> {
    let named = words("facility", text, |word| check_facility(word).is_ok().then(|| word.to_owned()))?;
    if text.is_some() && named.is_empty() {
        return Ok(None);
    }
    Ok(principal.narrow(named))
}

impl Span {
    /// Its traffic in at most 1500 stretches, and how many seconds one is.
    pub async fn traffic(&self, api: &Api) -> Result<(u64, Vec<Sum>), ApiError> {
        self.traffic_by(api, Resolution::Second).await
    }

    /// The same, read from nothing finer.
    pub async fn traffic_by(&self, api: &Api, finest: Resolution) -> Result<(u64, Vec<Sum>), ApiError> {
        let length = self.range.until.since(self.range.since);
        let Some(facilities) = &self.facilities else {
            return Ok((width(length, Resolution::Minute) / 1_000_000, Vec::new()));
        };
        let resolution = self.resolution(api, facilities).await?.max(finest);
        let sums = api.store.sums(facilities, self.range.since, self.range.until, resolution).await?;
        let width = width(length, resolution);
        Ok((width / 1_000_000, gather(&sums, width)))
    }

    /// Its web requests, of an endpoint or of all, in the stretches of [`Self::traffic_by`] the minute.
    pub async fn requests(&self, api: &Api, endpoint: Option<Endpoint<'_>>) -> Result<Requested, ApiError> {
        let length = self.range.until.since(self.range.since);
        let Some(facilities) = &self.facilities else {
            return Ok((width(length, Resolution::Minute) / 1_000_000, BTreeMap::new()));
        };
        let resolution = self.resolution(api, facilities).await?.max(Resolution::Minute);
        let Range { since: from, until } = self.range;
        let asked = Asked { facilities, from, until, resolution };
        let told = match endpoint {
            Some(endpoint) => api.store.endpoint(&asked, endpoint).await?,
            None => api.store.requests(&asked).await?,
        };
        let width = width(length, resolution);
        let mut stretches: BTreeMap<Timestamp, Requests> = BTreeMap::new();
        for (at, counts) in told {
            let at = Timestamp::from_micros(at.as_micros() - at.as_micros() % width);
            stretches.entry(at).or_default().add(&counts);
        }
        Ok((width / 1_000_000, stretches))
    }

    /// The finest in which not too many rows are read.
    pub async fn resolution(&self, api: &Api, facilities: &[String]) -> Result<Resolution, ApiError> {
        let plants =
            if facilities.is_empty() { api.store.facilities().await?.len() } else { facilities.len() };
        let most = STRETCHES.min(ROWS / plants.max(1) as u64);
        Ok(Resolution::fitting(self.range.since, self.range.until, most))
    }
}

/// Microseconds of a stretch: whole ones of the resolution.
fn width(length: u64, resolution: Resolution) -> u64 {
    let one = resolution.micros();
    one * length.div_ceil(one).div_ceil(STRETCHES).max(1)
}

fn gather(sums: &[Sum], width: u64) -> Vec<Sum> {
    let mut stretches: BTreeMap<Timestamp, Sum> = BTreeMap::new();
    for sum in sums {
        let at = Timestamp::from_micros(sum.at.as_micros() - sum.at.as_micros() % width);
        stretches.entry(at).and_modify(|stretch| stretch.add(sum)).or_insert(Sum { at, ..*sum });
    }
    stretches.into_values().collect()
}

/// Stretches of an answer.
pub const STRETCHES: u64 = 1500;
/// Rows that are read for it.
const ROWS: u64 = 30_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_hours_is_few_enough() {
        let hour = Resolution::Hour.micros();
        assert_eq!(width(24 * hour, Resolution::Minute), 60_000_000);
        assert_eq!(width(366 * 24 * hour, Resolution::Hour), 6 * hour);
        let sum = |at| Sum {
            at: Timestamp::from_micros(at),
            seconds: 60,
            packets: 10,
            bytes: 100,
            failed_connections: 1,
            most_packets_per_sec: at / hour,
            most_src_ips: 1,
            most_dest_ips: 1,
            protocol_distribution: 30.0,
        };
        let gathered = gather(&[sum(hour), sum(2 * hour), sum(7 * hour)], 6 * hour);
        assert_eq!(gathered.len(), 2);
        assert_eq!(
            (gathered[0].packets, gathered[0].most_packets_per_sec, gathered[0].at.as_micros()),
            (20, 2, 0)
        );
    }
}
