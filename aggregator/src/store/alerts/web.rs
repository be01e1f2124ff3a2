//! Web attacks that alerts tell of: agents read HTTP, and a detector that knows such attacks says which.

use fieldward_shared::alert::Alert;

/// The kinds there are, as the API names them.
pub const KINDS: [&str; 4] = ["web-command", "web-injection", "web-script", "web-traversal"];

/// The kinds that are part of an alert, in order, each once.
pub fn kinds(alert: &Alert) -> Vec<&'static str> {
    let said = alert.sources.iter().filter(|source| source.model_name == DETECTOR);
    let mut kinds: Vec<&str> =
        said.filter_map(|source| named(source.context_evidence.get("kind")?.as_str()?)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// The kind that an agent calls so: with a space.
fn named(said: &str) -> Option<&'static str> {
    KINDS.into_iter().find(|kind| kind.split_once('-') == said.split_once(' '))
}

/// Who finds them.
const DETECTOR: &str = "web";
/// Those of an alert's state before.
pub(super) const FORGET: &str = "WITH wanted (id) AS ({rows})
    DELETE FROM alert_web WHERE alert_id IN (SELECT id FROM wanted)";
pub(super) const WRITE: &str = "INSERT INTO alert_web (alert_id, kind, raised) {rows}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_those_that_agents_name() {
        for kind in KINDS {
            assert_eq!(named(&kind.replace('-', " ")), Some(kind));
        }
        for other in ["web", "web-script", "web other", "webscript", ""] {
            assert_eq!(named(other), None, "{other}");
        }
    }
}
