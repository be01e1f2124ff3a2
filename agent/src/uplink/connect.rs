//! Dials: QUIC first; after three dials that came to nothing also TLS over TCP on the same port, since UDP
//! is blocked in many plants. From TCP it comes back when QUIC works again.

use std::net::SocketAddr;

use fieldward_shared::transport::{Link, LinkError, QuicClient, TcpClient, TlsError, client_by, quic_client};
use fieldward_shared::wire::SESSION;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::{Pace, Settings, Trust};

/// Where the aggregator is, and how it was reached.
pub struct Dialer {
    address: String,
    tcp_address: String,
    name: String,
    pace: Pace,
    /// Dials by QUIC that came to nothing, since the last that did not.
    failed: u32,
    /// Whether TCP is next, when both are tried in turn.
    tcp_next: bool,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name is none, or the resolver does not answer.
    #[error("the address {0} is not known: {1}")]
    Unknown(String, String),
    /// Nobody answers, or not in time.
    #[error("{0} does not answer by {1}: {2}")]
    Silent(String, &'static str, String),
    /// The other end does not accept us, or we do not accept it.
    #[error("{0} by {1}: {2}")]
    Refused(String, &'static str, LinkError),
    /// Our own certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// There is none.
    #[error("there is no identity to show: {0}")]
    Identity(String),
}

impl DialError {
    /// Trying soon changes nothing.
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused(..) | Self::Tls(_) | Self::Identity(_))
    }
}

impl Dialer {
    /// For these settings.
    pub fn new(settings: &Settings) -> Self {
        let tcp_address = settings.tcp_port.map_or_else(
            || settings.address.clone(),
            |port| {
                let host =
                    settings.address.rsplit_once(':').map_or(settings.address.as_str(), |(host, _)| host);
                format!("{host}:{port}")
            },
        );
        Self {
            address: settings.address.clone(),
            tcp_address,
            name: settings.name.clone(),
            pace: settings.pace.clone(),
            failed: 0,
            tcp_next: false,
        }
    }

    /// Dials once, by the way that is next.
    pub async fn dial(&mut self, trust: Trust) -> Result<Link, DialError> {
        let by_tcp = self.failed >= MOST_FAILED && self.tcp_next;
        let result = if by_tcp { self.by_tcp(trust, SESSION).await } else { self.quic(trust).await };
        match &result {
            // It was reached: another way leads to the same end.
            Err(error) if error.is_refusal() => {}
            Err(_) => {
                self.failed = self.failed.saturating_add(u32::from(!by_tcp));
                self.tcp_next = !by_tcp;
            }
            Ok(_) if by_tcp => {}
            Ok(_) => self.failed = 0,
        }
        result
    }

    /// A session that broke before it was welcomed was no success: large packets may be lost on this way.
    pub const fn broke(&mut self, way: &str) {
        if matches!(way.as_bytes(), b"quic") {
            self.failed = self.failed.saturating_add(1);
            self.tcp_next = true;
        }
    }

    /// By QUIC alone, to see whether it works again.
    pub async fn quic(&self, trust: Trust) -> Result<Link, DialError> {
        self.by_quic(trust, SESSION).await
    }

    /// For one question at another door, by the first way that leads there.
    pub async fn door(&self, trust: Trust, alpn: &[u8]) -> Result<Link, DialError> {
        match self.by_quic(trust.clone(), alpn).await {
            Err(error) if !error.is_refusal() => self.by_tcp(trust, alpn).await,
            other => other,
        }
    }

    async fn by_quic(&self, trust: Trust, alpn: &[u8]) -> Result<Link, DialError> {
        let (to, config) = (resolve(&self.address).await?, config(trust, alpn)?);
        let client: QuicClient = quic_client(config)?;
        self.within("quic", &self.address, client.dial(to, &self.name)).await
    }

    async fn by_tcp(&self, trust: Trust, alpn: &[u8]) -> Result<Link, DialError> {
        let (to, config) = (resolve(&self.tcp_address).await?, config(trust, alpn)?);
        self.within("tcp", &self.tcp_address, TcpClient::new(config).dial(to, &self.name)).await
    }

    async fn within(
        &self,
        way: &'static str,
        address: &str,
        dialing: impl Future<Output = Result<Link, LinkError>>,
    ) -> Result<Link, DialError> {
        match timeout(self.pace.dial, dialing).await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(error)) if error.is_refusal() => Err(DialError::Refused(address.to_owned(), way, error)),
            Ok(Err(error)) => Err(DialError::Silent(address.to_owned(), way, error.to_string())),
            Err(_) => Err(DialError::Silent(address.to_owned(), way, "no answer in time".to_owned())),
        }
    }
}

fn config(trust: Trust, alpn: &[u8]) -> Result<std::sync::Arc<rustls::ClientConfig>, TlsError> {
    client_by(trust.clock, Some(trust.identity), &trust.roots, alpn)
}

async fn resolve(address: &str) -> Result<SocketAddr, DialError> {
    let unknown = |why: String| DialError::Unknown(address.to_owned(), why);
    let mut found = lookup_host(address).await.map_err(|error| unknown(error.to_string()))?;
    found.next().ok_or_else(|| unknown("it has no address".to_owned()))
}

/// Then the other way is tried as well.
const MOST_FAILED: u32 = 3;
