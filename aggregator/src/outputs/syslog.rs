//! Syslog (RFC 5424) with a line of CEF: by UDP, by TCP, or by TLS (RFC 5425); over connections the length stands before
//! each message (RFC 6587). Syslog has no answers: what was written when a connection ended may be lost, so a
//! connection is looked at before it is used again, and UDP is for networks that lose nothing.

use std::io::ErrorKind;
use std::sync::Arc;

use fieldward_shared::alert::Severity;
use rustls::ClientConfig;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;
use tokio::time::{Duration, timeout};

use super::{Output, OutputError, Settings, Telling, Wanted, cef};
use crate::outward::{self, Papers, Wire};
use crate::store::alerts::Stored;

/// The configuration.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// `siem.example:6514`.
    address: String,
    /// How it gets there.
    #[serde(default)]
    by: By,
    /// By what both sides know each other by TLS.
    #[serde(default)]
    tls: Papers,
    /// From this severity on.
    severity: Option<Severity>,
    /// Of these plants; all when none is named.
    #[serde(default)]
    facilities: Vec<String>,
}

/// How it gets there.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum By {
    /// By TLS.
    #[default]
    Tls,
    /// By TCP, for everybody on the way to read.
    Tcp,
    /// By UDP, which may lose it.
    Udp,
}

impl Settings for Syslog {
    fn wanted(&self) -> Wanted {
        Wanted { severity: self.severity, facilities: self.facilities.clone() }
    }

    fn place(&self) -> String {
        let by = match self.by {
            By::Tls => "tls",
            By::Tcp => "tcp",
            By::Udp => "udp",
        };
        format!("{by}://{}", self.address)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        host_and_port(&self.address).map_err(|what| ("address", what))?;
        self.tls.check().map_err(|what| ("tls", what))
    }

    fn open(&self) -> Result<Box<dyn Output>, String> {
        let (host, port) = host_and_port(&self.address)?;
        let tls = (self.by == By::Tls).then(|| self.tls.tls()).transpose()?;
        Ok(Box::new(Sender { by: self.by, host, port, tls, open: None, name: own_name() }))
    }
}

/// `host:port`, where a host may be `[::1]`.
pub fn host_and_port(address: &str) -> Result<(String, u16), String> {
    let wrong = || format!("\"{address}\" is not like siem.example:6514");
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let is_bare = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || is_bare || host.contains(['/', '@', ' ']) {
        return Err(wrong());
    }
    let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
    Ok((host.to_owned(), port))
}

/// As this machine calls itself, in letters that a head of syslog may have.
fn own_name() -> String {
    let known = rustix::system::uname();
    let name: String =
        known.nodename().to_string_lossy().chars().filter(char::is_ascii_graphic).take(255).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

struct Sender {
    by: By,
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    open: Option<Box<dyn Wire>>,
    name: String,
}

impl Output for Sender {
    fn tell<'a>(&'a mut self, alerts: &'a [Stored]) -> Telling<'a> {
        Box::pin(async move {
            let told = match self.by {
                By::Udp => self.throw(alerts).await,
                By::Tcp | By::Tls => self.write(alerts).await,
            };
            told.map_err(OutputError::Away)
        })
    }
}

impl Sender {
    async fn throw(&self, alerts: &[Stored]) -> Result<(), String> {
        let host = self.host.trim_matches(['[', ']']);
        let sent = async {
            let to = tokio::net::lookup_host((host, self.port)).await?.next().ok_or(ErrorKind::NotFound)?;
            let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
            let socket = UdpSocket::bind(from).await?;
            socket.connect(to).await?;
            for stored in alerts {
                socket.send(self.message(stored).as_bytes()).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        sent.await.map_err(|error| error.to_string())
    }

    async fn write(&mut self, alerts: &[Stored]) -> Result<(), String> {
        let mut wire = match self.open.take() {
            Some(wire) => wire,
            None => outward::connect(&self.host, self.port, self.tls.as_ref()).await?,
        };
        let mut bytes = Vec::new();
        for stored in alerts {
            let message = self.message(stored);
            bytes.extend(format!("{} ", message.len()).bytes());
            bytes.extend(message.bytes());
        }
        let written = async {
            wire.write_all(&bytes).await?;
            wire.flush().await
        };
        written.await.map_err(|error| error.to_string())?;
        // Whoever takes syslog says nothing: what comes is the end.
        match timeout(HARK, wire.read(&mut [0; 64])).await {
            Ok(Ok(0)) => return Err("it has closed the connection".to_owned()),
            Ok(Err(error)) => return Err(error.to_string()),
            Ok(Ok(_)) | Err(_) => {}
        }
        self.open = Some(wire);
        Ok(())
    }

    fn message(&self, stored: &Stored) -> String {
        let (alert, name) = (&stored.alert, &self.name);
        let level = match alert.severity {
            Severity::Critical => 2,
            Severity::High => 3,
            Severity::Medium => 4,
            Severity::Low => 5,
        };
        let (priority, pid, line) = (FACILITY * 8 + level, std::process::id(), cef::line(stored));
        format!("<{priority}>1 {} {name} fieldward {pid} alert - {line}", alert.timestamp.rfc3339())
    }
}

/// `local0`.
const FACILITY: u8 = 16;
/// How long a connection is listened to for its end.
const HARK: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for good in ["siem:514", "10.0.0.1:6514", "[::1]:514"] {
            assert!(host_and_port(good).is_ok(), "{good}");
        }
        for wrong in
            ["", "siem", ":514", "siem:", "siem:0", "siem:70000", "::1:514", "https://siem:514", "a@b:1"]
        {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }
}
