//! Asking others over the network, in the clear or by TLS: the issuer of tokens, the collector of traces, and whoever
//! takes alerts. One request a connection: none of them is asked often.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use axum::http::header::HOST;
use axum::http::{Request, Response, Uri};
use fieldward_shared::{keyfile, pki};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// By what others and this aggregator know each other.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Papers {
    /// Roots by which their certificate is judged, in PEM.
    pub roots: PathBuf,
    /// The certificate to show them, where they ask for one, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its key, which none but its owner may read.
    pub key: Option<PathBuf>,
}

impl Default for Papers {
    fn default() -> Self {
        Self { roots: ROOTS.into(), certificate: None, key: None }
    }
}

impl Papers {
    /// Whether a certificate has its key; reads no file.
    pub fn check(&self) -> Result<(), String> {
        match (&self.certificate, &self.key) {
            (None, None) | (Some(_), Some(_)) => Ok(()),
            _ => Err("certificate and key belong together, and one is missing".to_owned()),
        }
    }

    /// TLS by them; reads the files.
    pub fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        self.check()?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates(&self.roots)?);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots);
        let config = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let read = keyfile::read(key).map_err(|error| error.to_string())?;
                let wrong = |what: String| format!("{}: {what}", key.display());
                let key = PrivateKeyDer::from_pem_slice(&read).map_err(|_| wrong("no key in PEM".into()))?;
                let chain = certificates(certificate)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| wrong(error.to_string()))?
            }
            _ => builder.with_no_client_auth(),
        };
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, String> {
    pki::certificates(path).map_err(|error| error.to_string())
}

/// What bytes go over.
pub trait Wire: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Wire for T {}

/// A connection to a host; by TLS where it is given.
pub async fn connect(
    host: &str,
    port: u16,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<Box<dyn Wire>, String> {
    let host = host.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await;
    Ok(Box::new(stream.map_err(|error| error.to_string())?))
}

/// Sends a request to an address and reads the answer, which may be so long; over TLS where the address says https.
pub async fn ask(
    uri: &Uri,
    tls: Option<&Arc<ClientConfig>>,
    request: Request<Bytes>,
    longest: usize,
) -> Result<Response<Bytes>, String> {
    let is_tls = uri.scheme_str() == Some("https");
    let tls = match (is_tls, tls) {
        (false, _) => None,
        (true, Some(tls)) => Some(tls),
        (true, None) => return Err("https is not set up for it".to_owned()),
    };
    let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    let stream = connect(uri.host().unwrap_or_default(), port, tls).await?;
    let (mut head, body) = request.into_parts();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    head.headers.insert(HOST, authority.parse().map_err(|_| "no address".to_owned())?);
    let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(|error| error.to_string())?;
    let asked = async {
        let request = Request::from_parts(head, Full::new(body));
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, longest).collect().await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(head, body.to_bytes()))
    };
    let runs = tokio::spawn(connection);
    let answer = asked.await;
    runs.abort();
    answer
}

/// Whether what is sent there is encrypted, or does not leave this machine.
pub fn is_safe(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => !host.is_empty(),
        Some("http") => is_here,
        _ => false,
    }
}

/// Where most systems have theirs.
pub(crate) const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_cross_networks_in_the_clear() {
        for (url, safe) in [
            ("https://sso.example/x", true),
            ("http://127.0.0.1:80/x", true),
            ("http://[::1]/x", true),
            ("http://sso.example/x", false),
            ("http://localhost.evil.example", false),
            ("ftp://sso.example", false),
            ("sso.example", false),
            ("", false),
        ] {
            assert_eq!(is_safe(url), safe, "{url}");
        }
    }
}
