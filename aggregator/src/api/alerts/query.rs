//! What lists of alerts may be asked for.

use fieldward_shared::alert::{AlertId, Severity, Status};
use fieldward_shared::identity::check_facility;
use fieldward_shared::time::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::error::ApiError;
use super::super::extract::words;
use super::super::page::{self, Cursors, Page};
use super::super::principal::Principal;
use super::super::time::{Range, moment};
use crate::store::alerts::{Cursor, Filter};
use crate::store::board::Count;
use crate::store::now;

/// Which alerts.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// `critical`, `high`, `medium`, `low`, several with commas, or from one on: `gte:high`.
    #[param(example = "gte:high")]
    pub severity: Option<String>,
    /// Of these plants, with commas; plants out of scope are passed over.
    #[param(example = "north,south")]
    pub facility: Option<String>,
    /// `new`, `acknowledged`, `resolved`, `false-positive`, several with commas.
    pub status: Option<String>,
    /// With one of these techniques named, with commas.
    #[param(example = "T0846")]
    pub technique: Option<String>,
    /// Words that stand in title, description, technique, protocol or assets, letter by letter.
    #[param(max_length = 200)]
    pub search: Option<String>,
    /// Raised within such a time before now: `24h`, `7d`.
    #[param(example = "24h")]
    pub range: Option<String>,
    /// Raised then or later.
    pub since: Option<String>,
    /// Raised before.
    pub until: Option<String>,
    /// Which page; the first is 1. Pages by number reach 10,000 rows.
    #[param(minimum = 1, default = 1)]
    pub page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// Goes on after the page whose `next_cursor` this is, with the same filter.
    pub cursor: Option<String>,
    /// `context`: with the minute before each.
    pub include: Option<String>,
}

/// What was asked for, checked.
#[derive(Debug)]
pub struct Asked {
    /// None: the caller sees none of it.
    pub filter: Option<Filter>,
    /// In lower case, without blanks around; none when nothing is searched.
    pub search: Option<String>,
    /// Which page, from 1.
    pub page: u32,
    /// Rows of it.
    pub limit: u32,
    /// After which place.
    pub after: Option<Cursor>,
    /// Whether with the minute before.
    pub with_context: bool,
    /// The filter as text, for cursors.
    key: String,
}

impl ListQuery {
    /// Checks it, for whoever asks; `usual` are the statuses when none are named.
    pub fn check(
        self,
        principal: &Principal,
        usual: &[Status],
        cursors: &Cursors,
    ) -> Result<Asked, ApiError> {
        let mut statuses = words("status", self.status.as_deref(), Status::named)?;
        if statuses.is_empty() {
            statuses = usual.to_vec();
        }
        let facilities = words("facility", self.facility.as_deref(), |word| {
            check_facility(word).is_ok().then(|| word.to_owned())
        })?;
        let named_none = self.facility.is_some() && facilities.is_empty();
        let (since, until) = self.times()?;
        let filter = Filter {
            facilities: Vec::new(),
            severities: severities(self.severity.as_deref())?,
            statuses,
            techniques: words("technique", self.technique.as_deref(), technique)?,
            since,
            until,
            threat: None,
        };
        let search = self.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if search.is_some_and(|text| text.chars().count() > 200) {
            return Err(ApiError::query("search", "more than 200 letters"));
        }
        let search = search.map(str::to_owned);
        let limit = page::limit(self.limit, 50)?;
        let page = page::number(self.page, limit)?;
        let with_context = match self.include.as_deref() {
            None => false,
            Some("context") => true,
            Some(_) => return Err(ApiError::query("include", "only `context` can be included")),
        };
        // A range moves with time, the question stays the same.
        let (range, since, until) = (&self.range, &self.since, &self.until);
        let key = format!(
            "{:?} {:?} {:?} {facilities:?} {search:?} {range:?} {since:?} {until:?}",
            filter.severities, filter.statuses, filter.techniques
        );
        let after = self.cursor.as_deref().map(|text| place(&cursors.read(text, &key)?)).transpose()?;
        if after.is_some() && page > 1 {
            return Err(ApiError::query("page", "a cursor says already where it goes on"));
        }
        let filter = match principal.narrow(facilities) {
            Some(facilities) if !named_none => Some(Filter { facilities, ..filter }),
            _ => None,
        };
        Ok(Asked { filter, search, page, limit, after, with_context, key })
    }

    fn times(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
        if self.range.is_none() && self.since.is_none() {
            return Ok((None, moment("until", self.until.as_deref())?));
        }
        let (range, since, until) = (self.range.as_deref(), self.since.as_deref(), self.until.as_deref());
        let is_open = range.is_none() && until.is_none();
        let found = Range::of(range.or(Some("366d")), since, until, "24h", now())?;
        // What a plant's clock dates ahead is shown, unless an end was named.
        Ok((Some(found.since), (!is_open).then_some(found.until)))
    }
}

impl Asked {
    /// This page of so many rows.
    pub fn page_of(&self, count: Count, next_cursor: Option<String>) -> Page {
        Page::of(self.page, self.limit, count, next_cursor)
    }

    /// Where the next page begins.
    pub fn next(&self, cursors: &Cursors, last: Cursor) -> String {
        let mut place = last.timestamp.as_micros().to_be_bytes().to_vec();
        place.extend(last.id.as_u128().to_be_bytes());
        cursors.write(&place, &self.key)
    }
}

fn place(bytes: &[u8]) -> Result<Cursor, ApiError> {
    let split = bytes.split_first_chunk::<8>();
    let read =
        split.and_then(|(at, id)| Some((u64::from_be_bytes(*at), u128::from_be_bytes(id.try_into().ok()?))));
    let (at, id) = read.ok_or_else(|| ApiError::query("cursor", "it is none of ours"))?;
    Ok(Cursor { timestamp: Timestamp::from_micros(at), id: AlertId::from_u128(id) })
}

fn severities(text: Option<&str>) -> Result<Vec<Severity>, ApiError> {
    const ALL: [Severity; 4] = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let named = |word: &str| ALL.into_iter().find(|one| one.name() == word);
    if let Some(least) = text.and_then(|text| text.strip_prefix("gte:")) {
        let least = words("severity", Some(least), named)?;
        return match least[..] {
            [least] => Ok(ALL.into_iter().filter(|one| *one >= least).collect()),
            _ => Err(ApiError::query("severity", "gte: and one of critical, high, medium, low")),
        };
    }
    words("severity", text, named)
}

/// `T0846`, `T0846.001`.
pub fn technique(word: &str) -> Option<String> {
    let (id, sub) = word.strip_prefix('T')?.split_once('.').unwrap_or((word.strip_prefix('T')?, "000"));
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|c| c.is_ascii_digit());
    (digits(id, 4) && digits(sub, 3)).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_lists_or_from_one_on() {
        assert_eq!(severities(Some("gte:high")).unwrap(), [Severity::High, Severity::Critical]);
        assert_eq!(severities(Some("low, medium")).unwrap(), [Severity::Low, Severity::Medium]);
        assert!(severities(None).unwrap().is_empty());
        for wrong in ["urgent", "gte:", "gte:low,high", "high;low", "HIGH"] {
            assert!(severities(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn techniques_are_those_of_attack_for_ics() {
        for (word, is_one) in
            [("T0846", true), ("T1692.001", true), ("T846", false), ("0846", false), ("T0846.1", false)]
        {
            assert_eq!(technique(word).is_some(), is_one, "{word}");
        }
    }
}
