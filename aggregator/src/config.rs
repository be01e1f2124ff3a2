//! The aggregator's configuration: one TOML file, the environment over it, everything checked at start.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::Path;

use serde::Deserialize;

use crate::api::config::ApiConfig;
use crate::ca::config::CaConfig;
use crate::store::Retention;
use crate::store::db::Db;

/// The configuration.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept: `sqlite:///path/to/file` or `postgres://user@host/database`.
    pub database_url: Secret,
    /// Where agents arrive, by UDP and by TCP.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    /// How many days what is kept.
    #[serde(default)]
    pub retention: Retention,
    /// Who may come in.
    #[serde(default)]
    pub ca: CaConfig,
    /// Where people and programs ask.
    #[serde(default)]
    pub api: ApiConfig,
}

/// All addresses of this machine.
fn listen() -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, 4433).into()
}

/// What may hold a password: it is never shown.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// To use it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// What is wrong with a configuration, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}; {remedy}")]
pub struct Wrong {
    place: String,
    what: String,
    remedy: String,
}

impl Config {
    /// Reads a file, and the environment over it.
    pub fn load(path: &Path) -> Result<Self, Wrong> {
        let text = std::fs::read_to_string(path).map_err(|error| Wrong {
            place: path.display().to_string(),
            what: error.to_string(),
            remedy: "give the path of a readable configuration file".into(),
        })?;
        Self::parse(&path.display().to_string(), &text, std::env::vars())
    }

    /// Reads the text of the file `name`, and `environment` over it. A systemd credential `db.url` stands
    /// between them.
    pub fn parse(
        name: &str,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Wrong> {
        let mut table: toml::Table = toml::from_str(text).map_err(|error| in_file(name, text, &error))?;
        // What the file itself says wrong is told with its line, whatever the environment says.
        if let Err(error) = toml::from_str::<Self>(text)
            && error.span().is_some_and(|span| !span.is_empty() && span.len() < text.len())
        {
            return Err(in_file(name, text, &error));
        }
        let environment: Vec<(String, String)> = environment.collect();
        if let Some((_, folder)) = environment.iter().find(|(key, _)| key == "CREDENTIALS_DIRECTORY")
            && let Ok(url) = std::fs::read_to_string(Path::new(folder).join("db.url"))
        {
            table.insert("database_url".into(), toml::Value::String(url.trim().to_owned()));
        }
        for (key, value) in environment {
            let own = key.strip_prefix("FIELDWARD_").filter(|key| *key != "LOG");
            // These every tool knows.
            let known = match key.as_str() {
                "DATABASE_URL" => Some("database_url"),
                "CORS_ORIGINS" => Some("api_origins"),
                _ => None,
            };
            if let Some(short) = own.or(known) {
                set(&mut table, &short.to_lowercase(), &value).map_err(|what| Wrong {
                    place: format!("environment, {key}"),
                    what,
                    remedy: REMEDY.into(),
                })?;
            }
        }
        let config: Self = toml::Value::Table(table).try_into().map_err(|error: toml::de::Error| Wrong {
            place: name.to_owned(),
            what: error.message().to_owned(),
            remedy: REMEDY.into(),
        })?;
        config.check(name)?;
        Ok(config)
    }

    fn check(&self, name: &str) -> Result<(), Wrong> {
        let wrong = |key: &str, what: String, remedy: &str| {
            Err(Wrong { place: format!("{name}, {key}"), what, remedy: remedy.into() })
        };
        if let Err(error) = Db::known(self.database_url.reveal()) {
            return wrong("database_url", error.to_string(), REMEDY);
        }
        if let Err(error) = self.ca.operator_rule() {
            return wrong("ca.operator_rule", error, REMEDY);
        }
        if let Err((key, what)) = self.api.check() {
            return wrong(key, what, REMEDY);
        }
        let Retention { alerts_days, metrics_days, traffic_days } = self.retention;
        for (key, days) in
            [("alerts_days", alerts_days), ("metrics_days", metrics_days), ("traffic_days", traffic_days)]
        {
            if !(1..=3650).contains(&days) {
                return wrong(&format!("retention.{key}"), format!("{days} days"), "choose from 1 to 3650");
            }
        }
        if traffic_days > metrics_days {
            return wrong(
                "retention.traffic_days",
                format!("seconds for {traffic_days} days, their minutes for {metrics_days}"),
                "keep minutes (metrics_days) at least as long as seconds (traffic_days)",
            );
        }
        Ok(())
    }
}

fn in_file(name: &str, text: &str, error: &toml::de::Error) -> Wrong {
    let before = text.get(..error.span().unwrap_or_default().start).unwrap_or_default();
    Wrong {
        place: format!("{name}, line {}", before.matches('\n').count() + 1),
        what: error.message().lines().next().unwrap_or_default().to_owned(),
        remedy: REMEDY.into(),
    }
}

/// Puts a value from the environment where its key says: `retention_alerts_days` is `retention.alerts_days`.
fn set(table: &mut toml::Table, key: &str, value: &str) -> Result<(), String> {
    let sections = [("ca", CA), ("api", API)].into_iter();
    let mut found = sections.filter_map(|(section, keys)| {
        let rest = key.strip_prefix(section)?.strip_prefix('_')?;
        keys.contains(&rest).then_some((section, rest))
    });
    if let Some((section, rest)) = found.next() {
        let inner = table.entry(section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let inner = inner.as_table_mut().ok_or_else(|| format!("{section} is no table in the file"))?;
        let text = |text: &str| toml::Value::String(text.trim().to_owned());
        let value = match rest {
            "requests_per_minute" => {
                let number = value.parse().map_err(|_| format!("\"{value}\" is no whole number"))?;
                toml::Value::Integer(number)
            }
            "names" | "origins" | "proxies" => {
                toml::Value::Array(value.split(',').filter(|name| !name.is_empty()).map(text).collect())
            }
            _ => text(value),
        };
        inner.insert(rest.to_owned(), value);
        return Ok(());
    }
    let Some(rest) = key.strip_prefix("retention_").filter(|rest| RETENTION.contains(rest)) else {
        if !TOP.contains(&key) {
            return Err("no such key".to_owned());
        }
        table.insert(key.to_owned(), toml::Value::String(value.to_owned()));
        return Ok(());
    };
    let number = value.parse().map_err(|_| format!("\"{value}\" is no whole number"))?;
    let inner = table.entry("retention").or_insert_with(|| toml::Value::Table(toml::Table::new()));
    let inner = inner.as_table_mut().ok_or("retention is no table in the file")?;
    inner.insert(rest.to_owned(), toml::Value::Integer(number));
    Ok(())
}

const REMEDY: &str = "systemd/aggregator.toml shows every key";
const TOP: &[&str] = &["database_url", "listen"];
const CA: &[&str] = &["folder", "names", "operator_roots", "operator_rule"];
const API: &[&str] = &["key", "listen", "origins", "proxies", "requests_per_minute", "tls"];
const RETENTION: &[&str] = &["alerts_days", "metrics_days", "traffic_days"];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let pairs = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Config::parse("aggregator.toml", text, pairs).map_err(|wrong| wrong.to_string())
    }

    const PLAIN: &str = "database_url = \"sqlite:///var/lib/fieldward-aggregator/fieldward.db\"\n";

    #[test]
    fn the_example_is_right_and_says_the_defaults() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../systemd/aggregator.toml");
        let example = std::fs::read_to_string(path).unwrap();
        assert_eq!(parse(&example, &[]), parse(PLAIN, &[]));
    }

    #[test]
    fn the_environment_stands_over_the_file() {
        let set =
            [("FIELDWARD_RETENTION_ALERTS_DAYS", "5"), ("DATABASE_URL", "postgres://a:b@c/d"), ("PATH", "/")];
        let config = parse("[retention]\nmetrics_days = 8", &set).unwrap();
        assert_eq!(config.database_url.reveal(), "postgres://a:b@c/d");
        assert_eq!((config.retention.alerts_days, config.retention.metrics_days), (5, 8));
        assert!(!format!("{config:?}").contains("a:b"), "a password is shown");
        let set = [("CORS_ORIGINS", "https://a.example, https://b.example"), ("FIELDWARD_API_TLS", "off")];
        let config = parse(&format!("{PLAIN}[api]\nlisten = \"127.0.0.1:1\""), &set).unwrap();
        assert_eq!(config.api.origins, ["https://a.example", "https://b.example"]);
        assert_eq!(config.api.tls, crate::api::config::Tls::Off);
        let credentials = tempfile::tempdir().unwrap();
        std::fs::write(credentials.path().join("db.url"), "sqlite:///tmp/x\n").unwrap();
        let set = [("CREDENTIALS_DIRECTORY", credentials.path().to_str().unwrap())];
        assert_eq!(parse(PLAIN, &set).unwrap().database_url.reveal(), "sqlite:///tmp/x");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, said) in [
            ("database = 1", "line 1"),
            ("database_url = \"mysql://x\"", "database_url"),
            ("[retention]\nalerts_days = 0", "database_url"),
            ("database_url = \"sqlite:///x\"\n[retention]\nalerts_days = 0", "retention.alerts_days: 0 days"),
            ("database_url = \"sqlite:///x\"\n[retention]\nalerts = 1", "line 3"),
            ("database_url = \"sqlite:///x\"\n[retention]\nmetrics_days = 3", "retention.traffic_days"),
            ("database_url = \"sqlite:///x\"\n[api]\ntls = \"off\"", "in the clear"),
        ] {
            let wrong = parse(text, &[]).unwrap_err();
            assert!(wrong.contains(said), "{text}: {wrong}");
        }
        assert!(
            parse(PLAIN, &[("FIELDWARD_RETENTION_ALERTS_DAYS", "x")])
                .unwrap_err()
                .contains("no whole number")
        );
        assert!(parse(PLAIN, &[("FIELDWARD_COLOUR", "x")]).unwrap_err().contains("no such key"));
    }
}
