//! Pages: by number, as the documents say, and by a cursor, which neither skips nor repeats while rows come in.

use aws_lc_rs::hmac;
use fieldward_shared::identity::{from_hex, to_hex};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::store::board::Count;

/// What every page tells beside its rows.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page {
    /// How many there are; counted no further than 10,000 where it would take long.
    pub total: u64,
    /// `exact`, or `at_least` when there may be more.
    #[schema(example = "exact")]
    pub total_relation: &'static str,
    /// Which page this is.
    pub page: u32,
    /// How many pages there are, of `total`; pages by number reach 10,000 rows.
    pub pages: u64,
    /// Rows of a page.
    pub limit: u32,
    /// To be given as `cursor` for what follows; null at the end.
    pub next_cursor: Option<String>,
}

impl Page {
    /// This page of so many rows.
    pub fn of(page: u32, limit: u32, count: Count, next_cursor: Option<String>) -> Self {
        Self {
            total: count.value,
            total_relation: if count.is_least { "at_least" } else { "exact" },
            page,
            pages: pages(count.value.min(DEEPEST.into()), limit),
            limit,
            next_cursor,
        }
    }
}

/// How many rows.
pub fn limit(asked: Option<u32>, usual: u32) -> Result<u32, ApiError> {
    match asked.unwrap_or(usual) {
        0 => Err(ApiError::query("limit", "it is at least 1")),
        limit @ 1..=MOST => Ok(limit),
        _ => Err(ApiError::query("limit", format!("it is at most {MOST}"))),
    }
}

/// Which page, the first of which is 1.
pub fn number(asked: Option<u32>, limit: u32) -> Result<u32, ApiError> {
    let page = asked.unwrap_or(1);
    if page == 0 {
        return Err(ApiError::query("page", "the first page is 1"));
    }
    if page.saturating_mul(limit) > DEEPEST {
        let said = format!("pages reach {DEEPEST} rows; go on with next_cursor");
        return Err(ApiError::query("page", said));
    }
    Ok(page)
}

/// How many pages so many rows are.
pub fn pages(total: u64, limit: u32) -> u64 {
    total.div_ceil(limit.max(1).into())
}

/// Writes places in lists so that they come back as they were, and with the same filter.
#[derive(Debug)]
pub struct Cursors(hmac::Key);

impl Cursors {
    /// With this key: replicas that share it take each other's cursors.
    pub fn of(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A place in a list of what passes a filter.
    pub fn write(&self, place: &[u8], filter: &str) -> String {
        format!("{}.{}", to_hex(place), to_hex(&self.tag(place, filter)[..12]))
    }

    /// The place; refused when it belongs to another filter, or to nobody.
    pub fn read(&self, text: &str, filter: &str) -> Result<Vec<u8>, ApiError> {
        let wrong = || {
            let said = "it belongs to another question, or is none of ours; begin without one";
            ApiError::query("cursor", said)
        };
        let (place, tag) = text.split_once('.').filter(|_| text.len() < 512).ok_or_else(wrong)?;
        let (place, tag) = from_hex(place).zip(from_hex(tag)).ok_or_else(wrong)?;
        let made = self.tag(&place, filter);
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(&made[..12], &tag).is_ok();
        if same { Ok(place) } else { Err(wrong()) }
    }

    fn tag(&self, place: &[u8], filter: &str) -> [u8; 32] {
        let mut text = (place.len() as u64).to_be_bytes().to_vec();
        text.extend(place);
        text.extend(filter.as_bytes());
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.0, &text).as_ref());
        tag
    }
}

/// Rows of a page.
const MOST: u32 = 500;
/// Rows that pages by number reach.
pub const DEEPEST: u32 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_with_its_filter_alone() {
        let cursors = Cursors::of(&[7; 32]);
        let text = cursors.write(b"place", "severity=high");
        assert_eq!(cursors.read(&text, "severity=high").unwrap(), b"place");
        for (text, filter) in [
            (text.as_str(), "severity=low"),
            (&text[1..], "severity=high"),
            ("", ""),
            (".", ""),
            ("zz.zz", ""),
            (&"0".repeat(2000), ""),
        ] {
            assert_eq!(cursors.read(text, filter).unwrap_err().code, "invalid_query", "{text}");
        }
        assert!(Cursors::of(&[8; 32]).read(&text, "severity=high").is_err());
    }

    #[test]
    fn pages_are_bounded() {
        assert_eq!((limit(None, 50).unwrap(), limit(Some(500), 50).unwrap()), (50, 500));
        assert!(limit(Some(0), 50).is_err() && limit(Some(501), 50).is_err());
        assert_eq!((number(None, 50).unwrap(), number(Some(200), 50).unwrap()), (1, 200));
        assert!(number(Some(0), 50).is_err() && number(Some(201), 50).is_err());
        assert!(number(Some(u32::MAX), 500).is_err());
        assert_eq!((pages(0, 50), pages(50, 50), pages(51, 50)), (0, 1, 2));
        let page = Page::of(1, 50, Count { value: 1_000_000, is_least: false }, None);
        assert_eq!((page.total, page.total_relation, page.pages), (1_000_000, "exact", 200));
    }
}
