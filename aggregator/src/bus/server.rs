//! Where Redis is, and by what it and this aggregator know each other.

use std::net::IpAddr;
use std::path::PathBuf;

use fieldward_shared::config::Secret;
use fieldward_shared::keyfile;
use redis::{Client, ClientTlsConfig, ConnectionAddr, TlsCertificates};
use serde::Deserialize;

use crate::outward::Papers;

/// The part of the configuration that says where Redis is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// `redis://:password@host:6379/0`, or `rediss://` by TLS; without it this aggregator is the only one.
    pub url: Option<Secret>,
    /// By what both sides know each other by TLS.
    pub tls: Papers,
}

/// Redis cannot be asked as the configuration says. An address may hold a password, so it is not told.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// The address is none.
    #[error(
        "this is no address of a Redis server ({0}); write it like redis://:password@host:6379/0, or rediss:// for TLS"
    )]
    Address(String),
    /// The address asks not to look at the server's certificate.
    #[error(
        "#insecure would let anybody be the Redis server; put the root of its certificate into redis.tls.roots"
    )]
    Insecure,
    /// A certificate would be shown to nobody.
    #[error("a certificate is shown by TLS only; write the address as rediss://")]
    Unused,
    /// A certificate without its key, or the other way round.
    #[error("{0}")]
    Half(String),
    /// A file cannot be read.
    #[error("{0}")]
    File(String),
    /// What the files hold is no TLS.
    #[error("TLS to Redis: {0}; roots, certificate and key of redis.tls must hold PEM")]
    Tls(String),
}

/// How messages get there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// There is no Redis.
    None,
    /// It is on this machine.
    Here,
    /// By TLS.
    Sealed,
    /// For everybody on the way to read.
    Open,
}

impl RedisConfig {
    /// How messages get there.
    pub fn way(&self) -> Way {
        let Some(Ok(client)) = self.url.as_ref().map(plain) else { return Way::None };
        let here = |host: &str| host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        match client.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, _) if !here(host) => Way::Open,
            ConnectionAddr::TcpTls { .. } => Way::Sealed,
            _ => Way::Here,
        }
    }

    /// What is wrong with it: which key, and what. Reads no file.
    pub fn check(&self) -> Result<(), (&'static str, RedisError)> {
        let Some(url) = &self.url else { return Ok(()) };
        let plain = plain(url).map_err(|error| ("redis.url", error))?;
        self.tls.check().map_err(|what| ("redis.tls", RedisError::Half(what)))?;
        match plain.get_connection_info().addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => Err(("redis.url", RedisError::Insecure)),
            ConnectionAddr::TcpTls { .. } => Ok(()),
            _ if self.tls.certificate.is_some() => Err(("redis.tls", RedisError::Unused)),
            _ => Ok(()),
        }
    }

    /// By which it is asked; reads the files that it names. None where there is none.
    pub fn client(&self) -> Result<Option<Client>, RedisError> {
        let Some(url) = &self.url else { return Ok(None) };
        self.check().map_err(|(_, error)| error)?;
        let plain = plain(url)?;
        if !matches!(plain.get_connection_info().addr(), ConnectionAddr::TcpTls { .. }) {
            return Ok(Some(plain));
        }
        let read = |path: &PathBuf| {
            let place = path.display();
            std::fs::read(path).map_err(|error| RedisError::File(format!("{place}: {error}")))
        };
        let root_cert = Some(read(&self.tls.roots)?);
        let client_tls = match (&self.tls.certificate, &self.tls.key) {
            (Some(certificate), Some(key)) => {
                let client_key = keyfile::read(key).map_err(|error| RedisError::File(error.to_string()))?;
                Some(ClientTlsConfig { client_cert: read(certificate)?, client_key })
            }
            _ => None,
        };
        // The crate asks for the process's cryptography, and where two are compiled in there is none by itself.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::build_with_tls(url.reveal(), TlsCertificates { client_tls, root_cert });
        client.map(Some).map_err(|error| RedisError::Tls(error.category().to_owned()))
    }
}

fn plain(url: &Secret) -> Result<Client, RedisError> {
    Client::open(url.reveal()).map_err(|error| RedisError::Address(error.category().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> RedisConfig {
        RedisConfig { url: Some(url.to_owned().into()), ..RedisConfig::default() }
    }

    fn wrong(config: &RedisConfig) -> String {
        config.client().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_meant_is_refused_and_no_password_told() {
        assert!(RedisConfig::default().client().unwrap().is_none());
        assert!(config("redis://:hidden@localhost/0").client().unwrap().is_some());
        for url in ["redis//:hidden@host", "rediss://:hidden@host#insecure", "http://:hidden@host"] {
            assert!(!wrong(&config(url)).contains("hidden"), "{url}");
        }
        let tls = |certificate: Option<&str>, key: Option<&str>| Papers {
            certificate: certificate.map(Into::into),
            key: key.map(Into::into),
            ..Papers::default()
        };
        let half = RedisConfig { tls: tls(Some("c.pem"), None), ..config("redis://:hidden@host") };
        assert!(wrong(&half).contains("belong together"));
        let unused = RedisConfig { tls: tls(Some("c.pem"), Some("k.pem")), ..half };
        assert!(wrong(&unused).contains("rediss://"));
    }

    #[test]
    fn the_way_is_known_by_the_address() {
        for (url, way) in [
            ("redis://127.0.0.1:1/0", Way::Here),
            ("redis://[::1]/0", Way::Here),
            ("redis+unix:///run/redis.sock", Way::Here),
            ("redis://:x@10.0.0.1/0", Way::Open),
            ("redis://localhost.example", Way::Open),
            ("rediss://10.0.0.1", Way::Sealed),
        ] {
            assert_eq!(config(url).way(), way, "{url}");
        }
        assert_eq!(RedisConfig::default().way(), Way::None);
    }

    #[test]
    fn files_must_be_there_and_hold_what_they_should() {
        let folder = tempfile::tempdir().unwrap();
        let roots = folder.path().join("roots.pem");
        let tls = Papers { roots: roots.clone(), ..Papers::default() };
        let config = RedisConfig { tls, ..config("rediss://localhost/0") };
        assert!(wrong(&config).contains("roots.pem"));
        std::fs::write(&roots, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
        assert!(wrong(&config).contains("PEM"));
    }
}
