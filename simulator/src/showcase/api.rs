//! Questions to the aggregator's API from the terminal, on this machine.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// It is not reached.
    #[error("the aggregator's API does not answer: {0}")]
    Silent(String),
    /// It says no.
    #[error("{0}")]
    Refused(String),
}

/// Somebody who may ask.
pub struct Api {
    at: SocketAddr,
    key: String,
}

impl Api {
    /// Signs in, and takes a key for the time of the demonstration.
    pub async fn enter(at: SocketAddr, name: &str, password: &str) -> Result<Self, AskError> {
        let wish = json!({ "name": name, "password": password });
        let token = send(at, "POST", "/api/auth/login", None, Some(wish)).await?;
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap_or_default());
        let wish = json!({ "name": "terminal", "role": "engineer", "facilities": ["*"], "days": 1 });
        let key = send(at, "POST", "/api/keys", Some(("authorization", &bearer)), Some(wish)).await?;
        let key = key["secret"].as_str().unwrap_or_default().to_owned();
        Ok(Self { at, key })
    }

    /// What lets in.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Reads something.
    pub async fn get(&self, path: &str) -> Result<Value, AskError> {
        send(self.at, "GET", path, Some(("x-api-key", &self.key)), None).await
    }

    /// Has something done.
    pub async fn post(&self, path: &str, body: Option<Value>) -> Result<Value, AskError> {
        send(self.at, "POST", path, Some(("x-api-key", &self.key)), body).await
    }
}

async fn send(
    at: SocketAddr,
    method: &str,
    path: &str,
    let_in: Option<(&str, &str)>,
    body: Option<Value>,
) -> Result<Value, AskError> {
    let silent = |error: &dyn std::error::Error| AskError::Silent(error.to_string());
    let mut request = Request::builder().method(method).uri(path).header("host", at.to_string());
    if let Some((name, value)) = let_in {
        request = request.header(name, value);
    }
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let request = request.body(Full::new(body)).map_err(|error| silent(&error))?;
    let exchange = async {
        let stream = TcpStream::connect(at).await.map_err(|error| silent(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| silent(&error))?;
        let runs = tokio::task::spawn_local(connection);
        let answer = sender.send_request(request).await.map_err(|error| silent(&error))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST).collect().await;
        let body = body.map_err(|error| AskError::Silent(error.to_string()))?.to_bytes();
        runs.abort();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        let said = body["detail"].as_str().or(body["title"].as_str()).unwrap_or_default();
        Err(AskError::Refused(format!("{said} ({status})")))
    };
    timeout(PATIENCE, exchange).await.map_err(|_| AskError::Silent("no answer in time".to_owned()))?
}

/// The longest answer.
const MOST: usize = 4 << 20;
const PATIENCE: Duration = Duration::from_secs(30);
