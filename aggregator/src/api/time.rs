//! Times in answers and in questions: RFC 3339, UTC.

use fieldward_shared::time::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::error::ApiError;

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0.rfc3339())
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .examples([serde_json::json!("2026-11-20T22:47:06.123000Z")]);
        RefOr::T(Schema::Object(object.build()))
    }
}

impl ToSchema for Time {}

/// A range of time: from a moment until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// From.
    pub since: Timestamp,
    /// Until before.
    pub until: Timestamp,
}

impl Range {
    /// Of `range` (`15m`, `24h`, `7d`), or of `since` and `until`, which stand over it.
    pub fn of(
        range: Option<&str>,
        since: Option<&str>,
        until: Option<&str>,
        usual: &str,
        now: Timestamp,
    ) -> Result<Self, ApiError> {
        let length = length(range.unwrap_or(usual)).ok_or_else(|| {
            ApiError::query("range", "a number and one of s, m, h, d, like 24h; at most 366d")
        })?;
        let until = moment("until", until)?.unwrap_or(now);
        let before = Timestamp::from_micros(until.as_micros().saturating_sub(length));
        let since = moment("since", since)?.unwrap_or(before);
        if since >= until {
            return Err(ApiError::query("since", "it does not lie before until"));
        }
        if until.since(since) > LONGEST {
            return Err(ApiError::query("since", "more than 366 days before until"));
        }
        Ok(Self { since, until })
    }
}

/// A moment in a query parameter.
pub fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let read = Timestamp::parse_rfc3339(text).filter(|at| at.as_micros() <= LAST);
    read.map(Some).ok_or_else(|| ApiError::query(name, "no time in UTC like 2026-11-20T08:00:00Z"))
}

/// Microseconds of `24h`.
fn length(text: &str) -> Option<u64> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number = text.get(..text.len() - 1)?;
    let is_plain = (1..=9).contains(&number.len()) && number.bytes().all(|c| c.is_ascii_digit());
    let micros = number.parse::<u64>().ok().filter(|_| is_plain)?.checked_mul(unit * 1_000_000)?;
    (1..=LONGEST).contains(&micros).then_some(micros)
}

/// Microseconds of the longest range.
const LONGEST: u64 = 366 * 86_400_000_000;
/// The end of the year 9999.
const LAST: u64 = 253_402_300_799_999_999;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_lengths_or_two_moments() {
        let now = Timestamp::from_micros(10 * 86_400_000_000);
        let of = |range, since, until| Range::of(range, since, until, "24h", now);
        assert_eq!(of(None, None, None).unwrap().since.as_secs(), 9 * 86_400);
        assert_eq!(of(Some("15m"), None, None).unwrap().since.as_secs(), 10 * 86_400 - 900);
        let range = of(Some("1h"), None, Some("1970-01-02T00:00:00Z")).unwrap();
        assert_eq!((range.since.as_secs(), range.until.as_secs()), (82_800, 86_400));
        for wrong in ["", "h", "0h", "-1h", "+1h", "1", "1w", "367d", "99999999999h", "１h"] {
            assert!(of(Some(wrong), None, None).is_err(), "{wrong}");
        }
        assert!(of(None, Some("1970-01-12T00:00:00Z"), None).is_err());
        assert!(of(None, Some("yesterday"), None).is_err());
    }
}
