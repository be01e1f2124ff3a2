//! A table (RFC 4180). What a spreadsheet would take for a formula does not begin a cell.

use std::fmt::Write as _;

use super::Writer;
use crate::store::alerts::Stored;

/// The table.
pub struct Table;

impl Writer for Table {
    fn begin(&mut self, out: &mut Vec<u8>) {
        out.extend(COLUMNS.join(",").bytes());
        out.extend(b"\r\n");
    }

    fn row(&mut self, stored: Stored, out: &mut Vec<u8>) {
        let Stored { alert, revision, received } = stored;
        let mut line = String::new();
        let _ = write!(line, "{},{},", alert.id, alert.timestamp.rfc3339());
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
            alert.first_seen.rfc3339(),
            alert.last_seen.rfc3339(),
            received.rfc3339()
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
