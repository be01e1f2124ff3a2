//! The aggregator's configuration: one TOML file, the environment over it, everything checked at start.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::Path;

use fieldward_shared::config::{Kind, Schema, Secret, Wrong};
use serde::Deserialize;

use crate::api::auth::oidc::config::OidcConfig;
use crate::api::business::config::BusinessConfig;
use crate::api::config::ApiConfig;
use crate::bus::server::RedisConfig;
use crate::ca::config::CaConfig;
use crate::drift::DriftConfig;
use crate::outputs::OutputsConfig;
use crate::round::RoundsConfig;
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
    /// What stands between several aggregators on one database.
    #[serde(default)]
    pub redis: RedisConfig,
    /// Who collects traces.
    #[serde(default)]
    pub traces: TracesConfig,
    /// What time people are to take, and what things cost.
    #[serde(default)]
    pub business: BusinessConfig,
    /// Who else is told of alerts.
    #[serde(default)]
    pub outputs: OutputsConfig,
    /// Whose word counts for who somebody is.
    #[serde(default)]
    pub oidc: OidcConfig,
    /// Whether simulators may come and play scenarios: for demonstrations, never where plants are watched.
    #[serde(default)]
    pub demo_mode: bool,
    /// Plants that learn together.
    #[serde(default)]
    pub rounds: RoundsConfig,
    /// When drift has them learn.
    #[serde(default)]
    pub drift: DriftConfig,
}

/// Traces of requests.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct TracesConfig {
    /// A collector that takes OTLP over HTTP: `http://127.0.0.1:4318`. Without it nothing is traced.
    pub endpoint: Option<String>,
}

/// All addresses of this machine.
fn listen() -> SocketAddr {
    (Ipv6Addr::UNSPECIFIED, 4433).into()
}

impl Config {
    /// Reads a file, and credentials and the environment over it.
    pub fn load(path: &Path) -> Result<Self, Wrong> {
        SCHEMA.load(path).and_then(|config: Self| config.checked(&path.display().to_string()))
    }

    /// Reads the text of the file `name`, and `environment` over it.
    pub fn parse(
        name: &str,
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Wrong> {
        SCHEMA.parse(name, text, environment).and_then(|config: Self| config.checked(name))
    }

    fn checked(self, name: &str) -> Result<Self, Wrong> {
        let wrong = |key: &str, what: String, remedy: &str| {
            Err(Wrong { place: format!("{name}, {key}"), what, remedy: remedy.into() })
        };
        if let Err(error) = Db::known(self.database_url.reveal()) {
            return wrong("database_url", error.to_string(), SCHEMA.remedy);
        }
        if let Err(error) = self.ca.operator() {
            return wrong("ca.operator_rule", error, SCHEMA.remedy);
        }
        if let Err(error) = self.ca.certificate() {
            return wrong("ca.certificate", error, SCHEMA.remedy);
        }
        if let Err((key, what)) = self.api.check() {
            return wrong(key, what, SCHEMA.remedy);
        }
        if let Err((key, error)) = self.redis.check() {
            return wrong(key, error.to_string(), SCHEMA.remedy);
        }
        if let Some(Err(what)) = self.traces.endpoint.as_deref().map(crate::api::traces::address) {
            return wrong("traces.endpoint", what, SCHEMA.remedy);
        }
        if let Err((key, what)) = self.oidc.check() {
            return wrong(key, what, SCHEMA.remedy);
        }
        if let Err((key, what)) = self.outputs.check() {
            return wrong(&key, what, SCHEMA.remedy);
        }
        if let Err((key, what)) = self.business.check() {
            return wrong(key, what, SCHEMA.remedy);
        }
        if let Some((key, what)) = self.rounds.problem() {
            return wrong(key, what, SCHEMA.remedy);
        }
        if self.drift.plants > 0 && self.rounds.networks.is_empty() {
            let what = "it begins rounds of rounds.networks, and there is none";
            return wrong("drift.plants", what.to_owned(), "name networks, or choose 0");
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
        Ok(self)
    }
}

const SCHEMA: Schema = Schema {
    keys: &[
        ("database_url", Kind::Text),
        ("listen", Kind::Text),
        ("demo_mode", Kind::Flag),
        ("retention.alerts_days", Kind::Number),
        ("retention.metrics_days", Kind::Number),
        ("retention.traffic_days", Kind::Number),
        ("ca.folder", Kind::Text),
        ("ca.names", Kind::Texts),
        ("ca.operator_roots", Kind::Text),
        ("ca.operator_rule", Kind::Text),
        ("ca.operator_revoked", Kind::Text),
        ("ca.certificate", Kind::Text),
        ("ca.key", Kind::Text),
        ("api.listen", Kind::Text),
        ("api.tls", Kind::Text),
        ("api.origins", Kind::Texts),
        ("api.proxies", Kind::Texts),
        ("api.requests_per_minute", Kind::Number),
        ("api.key", Kind::Text),
        ("api.metrics", Kind::Text),
        ("redis.url", Kind::Text),
        ("traces.endpoint", Kind::Text),
        ("oidc.issuer", Kind::Text),
        ("oidc.client_id", Kind::Text),
        ("oidc.client_secret", Kind::Text),
        ("oidc.redirect", Kind::Text),
        ("oidc.roots", Kind::Text),
        ("oidc.name_claim", Kind::Text),
        ("oidc.groups_claim", Kind::Text),
        ("oidc.groups", Kind::Texts),
        ("business.acknowledge_critical", Kind::Number),
        ("business.acknowledge_high", Kind::Number),
        ("business.acknowledge_medium", Kind::Number),
        ("business.acknowledge_low", Kind::Number),
        ("business.resolve_critical", Kind::Number),
        ("business.resolve_high", Kind::Number),
        ("business.resolve_medium", Kind::Number),
        ("business.resolve_low", Kind::Number),
        ("business.currency", Kind::Text),
        ("business.price_stored", Kind::Number),
        ("business.price_watched", Kind::Number),
        ("rounds.federation", Kind::Text),
        ("rounds.networks", Kind::Texts),
        ("rounds.strategy", Kind::Text),
        ("rounds.every_hours", Kind::Number),
        ("drift.plants", Kind::Number),
    ],
    variables: &[
        ("DATABASE_URL", "database_url"),
        ("CORS_ORIGINS", "api.origins"),
        ("REDIS_URL", "redis.url"),
        ("DEMO_MODE", "demo_mode"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "traces.endpoint"),
    ],
    credentials: &[("db.url", "database_url"), ("redis.url", "redis.url")],
    remedy: "systemd/aggregator.toml shows every key",
};

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
        std::fs::write(credentials.path().join("redis.url"), "redis://:hidden@r:1/0\n").unwrap();
        let set = [("CREDENTIALS_DIRECTORY", credentials.path().to_str().unwrap())];
        let config = parse(PLAIN, &set).unwrap();
        assert_eq!(config.database_url.reveal(), "sqlite:///tmp/x");
        assert_eq!(config.redis.url.as_ref().map(Secret::reveal), Some("redis://:hidden@r:1/0"));
        assert!(!format!("{config:?}").contains("hidden"), "a password is shown");
        let set = [("REDIS_URL", "redis//:hidden@r")];
        let wrong = parse(PLAIN, &set).unwrap_err();
        assert!(wrong.contains("redis.url") && !wrong.contains("hidden"), "{wrong}");
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
            ("database_url = \"sqlite:///x\"\n[business]\nprice_stored = 0.1", "business.currency"),
            ("database_url = \"sqlite:///x\"\n[oidc]\nissuer = \"http://sso.example\"", "oidc.issuer"),
            ("database_url = \"sqlite:///x\"\n[business]\nprice_stored = -1", "business.price_stored"),
            ("database_url = \"sqlite:///x\"\n[rounds]\nstrategy = \"luck\"", "no strategy 'luck'"),
            ("database_url = \"sqlite:///x\"\n[rounds.terms]\nquorum = 2", "quorum of 2"),
        ] {
            let wrong = parse(text, &[]).unwrap_err();
            assert!(wrong.contains(said), "{text}: {wrong}");
        }
        assert!(parse(PLAIN, &[("FIELDWARD_RETENTION_ALERTS_DAYS", "x")]).unwrap_err().contains("no number"));
        assert!(parse(PLAIN, &[("DEMO_MODE", "perhaps")]).unwrap_err().contains("neither true nor false"));
        assert!(
            parse(PLAIN, &[("DEMO_MODE", "true")]).unwrap().demo_mode
                && !parse(PLAIN, &[]).unwrap().demo_mode
        );
        assert!(parse(PLAIN, &[("FIELDWARD_COLOUR", "x")]).unwrap_err().contains("no such key"));
    }
}
