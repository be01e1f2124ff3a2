//! The part of the configuration that says where the API is served, and to whom.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Where the API listens and what it shows.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Where people and programs arrive, by HTTPS.
    pub listen: SocketAddr,
    /// How the connection is protected.
    pub tls: Tls,
    /// Pages of these origins may ask too; the aggregator's own page always may.
    pub origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<std::net::IpAddr>,
    /// The key that signs tokens; made at the first start. Without one it lies in the authority's folder.
    pub key: Option<PathBuf>,
    /// So often each user and each key may ask.
    pub requests_per_minute: u32,
    /// Who may read `/metrics`.
    pub metrics: Scrapers,
}

/// Who may read `/metrics`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Scrapers {
    /// Whoever has a key, as for other routes.
    #[default]
    Key,
    /// And whoever asks from this machine, without a proxy between.
    Loopback,
}

/// How the connection is protected.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// TLS 1.3 with the aggregator's own certificate.
    Own,
    /// Not at all: a proxy on this machine does it. Only at a loopback address.
    Off,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv6Addr::UNSPECIFIED, 8443).into(),
            tls: Tls::Own,
            origins: Vec::new(),
            proxies: Vec::new(),
            key: None,
            requests_per_minute: 3000,
            metrics: Scrapers::Key,
        }
    }
}

impl ApiConfig {
    /// The file of the key; `folder` is the authority's. A systemd credential stands over all.
    pub fn key(&self, folder: &Path) -> PathBuf {
        let credential =
            std::env::var_os("CREDENTIALS_DIRECTORY").map(|folder| PathBuf::from(folder).join(KEY));
        let credential = credential.filter(|file| file.exists());
        credential.or_else(|| self.key.clone()).unwrap_or_else(|| folder.join(KEY))
    }

    /// What is wrong with it: which key, and what.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.tls == Tls::Off && !self.listen.ip().is_loopback() {
            let what =
                format!("passwords and tokens would cross the network in the clear at {}", self.listen);
            return Err(("api.tls", what));
        }
        if !(1..=1_000_000).contains(&self.requests_per_minute) {
            let what = format!("{} is not from 1 to 1000000", self.requests_per_minute);
            return Err(("api.requests_per_minute", what));
        }
        let is_origin = |origin: &String| {
            let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            rest.is_some_and(|rest| {
                !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || "-.:[]".contains(c))
            })
        };
        match self.origins.iter().find(|origin| !is_origin(origin)) {
            Some(wrong) => Err(("api.origins", format!("\"{wrong}\" is no origin like https://soc.example"))),
            None => Ok(()),
        }
    }
}

/// How the file is called.
const KEY: &str = "api.key";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_crosses_a_network_in_the_clear_and_origins_are_origins() {
        let mut config = ApiConfig::default();
        assert_eq!(config.check(), Ok(()));
        config.tls = Tls::Off;
        assert_eq!(config.check().unwrap_err().0, "api.tls");
        config.listen = "[::1]:0".parse().unwrap();
        assert_eq!(config.check(), Ok(()));
        for wrong in ["*", "soc.example", "https://", "https://soc.example/path", "null"] {
            config.origins = vec!["https://soc.example:8443".into(), wrong.into()];
            assert_eq!(config.check().unwrap_err().0, "api.origins", "{wrong}");
        }
    }
}
