//! An alert as a line of CEF (Common Event Format, version 0), as SIEMs read it.

use std::fmt::Write as _;
use std::net::IpAddr;

use fieldward_shared::alert::{Alert, Severity};
use fieldward_shared::time::Timestamp;

use crate::store::alerts::Stored;

/// The line.
pub fn line(stored: &Stored) -> String {
    let alert = &stored.alert;
    let signature = alert.attack_type.as_deref().unwrap_or("anomaly");
    let mut line = format!(
        "CEF:0|Fieldward|Fieldward|{}|{}|{}|{}|",
        env!("CARGO_PKG_VERSION"),
        head(signature),
        head(&alert.title),
        severity(alert.severity)
    );
    let mut extension = Extension(&mut line);
    extension.put("externalId", &alert.id.to_string());
    extension.put("rt", &millis(alert.timestamp));
    extension.put("start", &millis(alert.first_seen));
    extension.put("end", &millis(alert.last_seen));
    extension.put("cnt", &alert.count.to_string());
    extension.put("dvchost", &alert.facility_id);
    extension.put("app", &alert.protocol);
    extension.put("cat", alert.tactic.as_deref().unwrap_or_default());
    for (key, host, assets) in [("src", "shost", &alert.src_assets), ("dst", "dhost", &alert.dst_assets)] {
        // Of several the first: the key takes one address, and all of them stand below.
        if let Some(first) = assets.first() {
            extension.put(if first.parse::<IpAddr>().is_ok() { key } else { host }, first);
        }
    }
    extension.put("msg", &alert.description);
    for (nth, (label, text)) in
        labelled(alert).into_iter().enumerate().filter(|(_, (_, text))| !text.is_empty())
    {
        extension.put(&format!("cs{}Label", nth + 1), label);
        extension.put(&format!("cs{}", nth + 1), &text);
    }
    extension.put("cfp1Label", "confidence");
    extension.put("cfp1", &format!("{:.2}", alert.correlation_confidence));
    extension.put("cn1Label", "revision");
    extension.put("cn1", &stored.revision.to_string());
    line
}

/// What CEF has no keys for; the number of each is its place.
fn labelled(alert: &Alert) -> [(&'static str, String); 6] {
    let some = |assets: &[String]| assets.iter().take(ASSETS).cloned().collect::<Vec<_>>().join(" ");
    [
        ("technique", alert.attack_type.clone().unwrap_or_default()),
        ("techniqueName", alert.attack_name.clone().unwrap_or_default()),
        ("correlation", alert.correlation_summary.clone()),
        ("sourceAssets", some(&alert.src_assets)),
        ("destinationAssets", some(&alert.dst_assets)),
        ("maintenance", alert.maintenance.clone().unwrap_or_default()),
    ]
}

/// From 0 to 10.
const fn severity(severity: Severity) -> u8 {
    match severity {
        Severity::Low => 3,
        Severity::Medium => 5,
        Severity::High => 8,
        Severity::Critical => 10,
    }
}

fn millis(at: Timestamp) -> String {
    (at.as_micros() / 1000).to_string()
}

/// Text in the head: a line, in which `|` and `\` are marked.
fn head(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars().take(LONGEST) {
        match letter {
            '|' | '\\' => out.extend(['\\', letter]),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// Keys and values behind the head.
struct Extension<'a>(&'a mut String);

impl Extension<'_> {
    fn put(&mut self, key: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if !self.0.ends_with('|') {
            self.0.push(' ');
        }
        let _ = write!(self.0, "{key}=");
        for letter in value.chars().take(LONGEST) {
            match letter {
                '=' | '\\' => self.0.extend(['\\', letter]),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                letter if letter.is_control() => self.0.push(' '),
                letter => self.0.push(letter),
            }
        }
    }
}

/// Letters of a value: CEF allows 1,023 for most.
const LONGEST: usize = 1023;
/// Assets that are named.
const ASSETS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_value_ends_it() {
        assert_eq!(head("a|b\\c\nd=e"), "a\\|b\\\\c d=e");
        let mut line = "x|".to_owned();
        let mut extension = Extension(&mut line);
        extension.put("msg", "1=2 src=6.6.6.6\r\nCEF:0|x\\\u{7}");
        extension.put("cat", "");
        extension.put("app", "modbus");
        assert_eq!(line, "x|msg=1\\=2 src\\=6.6.6.6\\r\\nCEF:0|x\\\\  app=modbus");
        assert_eq!(head(&"ä".repeat(5000)).chars().count(), LONGEST);
    }
}
