//! A table (RFC 4180). What a spreadsheet would take for a formula does not begin a cell.

use std::fmt::Write as _;

use fieldward_shared::time::Timestamp;
use jiff::tz::TimeZone;

use super::Writer;
use crate::api::error::ApiError;
use crate::store::alerts::Stored;

/// The table.
pub struct Table {
    /// In which zone times are told; UTC without one.
    zone: Option<TimeZone>,
}

impl Table {
    /// One with times in a zone of the IANA database.
    pub fn of(zone: Option<&str>) -> Result<Self, ApiError> {
        let zone = zone.map(TimeZone::get).transpose();
        let zone = zone.map_err(|_| {
            ApiError::query("tz", "no zone of the IANA database, like Europe/Berlin (a + in it is %2B)")
        })?;
        Ok(Self { zone })
    }

    fn time(&self, at: Timestamp) -> String {
        let known = self.zone.as_ref().zip(i64::try_from(at.as_micros()).ok());
        let local = known.and_then(|(zone, micros)| {
            let at = jiff::Timestamp::from_microsecond(micros).ok()?.to_zoned(zone.clone());
            Some(at.strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string())
        });
        local.unwrap_or_else(|| at.rfc3339())
    }
}

impl Writer for Table {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend(COLUMNS.join(",").bytes());
        out.extend(b"\r\n");
    }

    fn row(&mut self, stored: Stored, out: &mut Vec<u8>) {
        let Stored { alert, revision, received } = stored;
        let mut line = String::new();
        let _ = write!(line, "{},{},", alert.id, self.time(alert.timestamp));
        for text in [
            alert.facility_id.as_str(),
            alert.severity.name(),
            alert.status.name(),
            &alert.title,
            &alert.description,
            alert.attack_type.as_deref().unwrap_or_default(),
            alert.attack_name.as_deref().unwrap_or_default(),
            alert.tactic.as_deref().unwrap_or_default(),
            &alert.protocol,
            &alert.src_assets.join(";"),
            &alert.dst_assets.join(";"),
            &alert.correlation_summary,
            alert.maintenance.as_deref().unwrap_or_default(),
        ] {
            cell(text, &mut line);
            line.push(',');
        }
        let _ = write!(
            line,
            "{},{},{},{},{revision},{}\r\n",
            alert.correlation_confidence,
            alert.count,
            self.time(alert.first_seen),
            self.time(alert.last_seen),
            self.time(received)
        );
        out.extend(line.bytes());
    }
}

/// Text in a cell.
fn cell(text: &str, line: &mut String) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let is_quoted = text.contains([',', '"', '\r', '\n']);
    if is_quoted {
        line.push('"');
    }
    if is_formula {
        line.push('\'');
    }
    line.push_str(&text.replace('"', "\"\""));
    if is_quoted {
        line.push('"');
    }
}

const COLUMNS: [&str; 21] = [
    "id",
    "timestamp",
    "facility_id",
    "severity",
    "status",
    "title",
    "description",
    "attack_type",
    "attack_name",
    "tactic",
    "protocol",
    "src_assets",
    "dst_assets",
    "correlation_summary",
    "maintenance",
    "correlation_confidence",
    "count",
    "first_seen",
    "last_seen",
    "revision",
    "received_at",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_where_people_are_and_an_hour_that_comes_twice_is_told_apart() {
        let berlin = Table::of(Some("Europe/Berlin")).unwrap();
        for (utc, local) in [
            ("2026-07-01T10:00:00.123000Z", "2026-07-01T12:00:00.123000+02:00"),
            ("2026-10-25T00:30:00.000000Z", "2026-10-25T02:30:00.000000+02:00"),
            ("2026-10-25T01:30:00.000000Z", "2026-10-25T02:30:00.000000+01:00"),
        ] {
            let at = Timestamp::parse_rfc3339(utc).unwrap();
            assert_eq!(berlin.time(at), local);
            assert_eq!(Table::of(None).unwrap().time(at), utc);
        }
        for wrong in ["", "Mars/Olympus", "../etc/passwd", "UTC+1", "CET-1CEST"] {
            assert!(Table::of(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        for (text, wanted) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2,5", "\"'-2,5\""),
            ("\tx", "'\tx"),
            ("a=b", "a=b"),
        ] {
            let mut line = String::new();
            cell(text, &mut line);
            assert_eq!(line, wanted);
        }
    }
}
