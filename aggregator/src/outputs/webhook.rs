//! A POST of JSON to an address: `{"alerts": […]}`, signed with a secret that both sides know. What is taken is answered
//! with a status from 200 to 299; 400, 413 and 422 say that it never will be, everything else that it may be later.

use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderValue, Request, Uri};
use fieldward_shared::alert::Severity;
use fieldward_shared::identity::to_hex;
use fieldward_shared::keyfile;
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Form, Output, OutputError, Settings, Telling, Wanted};
use crate::outward::{self, Papers, is_safe};
use crate::store::alerts::Stored;
use crate::store::now;

/// The configuration.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `https://soar.example/hooks/fieldward`; http:// on this machine only. It is shown: what is secret does not
    /// belong into it.
    url: String,
    /// As what alerts are told.
    #[serde(default)]
    form: Form,
    /// A file with a secret by which bodies are signed, which nobody else may read.
    secret: Option<PathBuf>,
    /// A file with what stands in the header `Authorization`, which nobody else may read.
    authorization: Option<PathBuf>,
    /// By what both sides know each other.
    #[serde(default)]
    tls: Papers,
    /// From this severity on.
    severity: Option<Severity>,
    /// Of these plants; all when none is named.
    #[serde(default)]
    facilities: Vec<String>,
}

impl Settings for Webhook {
    fn wanted(&self) -> Wanted {
        Wanted { severity: self.severity, facilities: self.facilities.clone() }
    }

    fn place(&self) -> String {
        self.url.clone()
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let uri: Option<Uri> = self.url.parse().ok();
        let has_secret = uri.and_then(|uri| uri.authority().map(|name| name.as_str().contains('@')));
        match (is_safe(&self.url), has_secret) {
            (false, _) => Err(("url", format!("\"{}\" is no https:// address", self.url))),
            (true, Some(true)) => Err((
                "url",
                "a password stands in it; put it into a file, and name that in authorization".into(),
            )),
            (true, _) => self.tls.check().map_err(|what| ("tls", what)),
        }
    }

    fn open(&self) -> Result<Box<dyn Output>, String> {
        let read = |path: &PathBuf| keyfile::read(path).map_err(|error| error.to_string());
        let secret = self.secret.as_ref().map(read).transpose()?;
        let secret = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.trim_ascii()));
        let authorization = self.authorization.as_ref().map(read).transpose()?;
        let header = |value: Vec<u8>| {
            let mut header = HeaderValue::from_bytes(value.trim_ascii()).map_err(|_| {
                "outputs.webhook.authorization: what stands in the file is no value of a header".to_owned()
            })?;
            header.set_sensitive(true);
            Ok::<_, String>(header)
        };
        Ok(Box::new(Poster {
            uri: self.url.parse().map_err(|_| "outputs.webhook.url is no address".to_owned())?,
            form: self.form,
            secret,
            authorization: authorization.map(header).transpose()?,
            tls: self.url.starts_with("https:").then(|| self.tls.tls()).transpose()?,
        }))
    }
}

struct Poster {
    uri: Uri,
    form: Form,
    secret: Option<hmac::Key>,
    authorization: Option<HeaderValue>,
    tls: Option<Arc<ClientConfig>>,
}

impl Output for Poster {
    fn tell<'a>(&'a mut self, alerts: &'a [Stored]) -> Telling<'a> {
        Box::pin(async move {
            let all: Vec<Value> = alerts.iter().map(|stored| self.form.of(stored)).collect();
            let body = json!({ "alerts": all }).to_string();
            let request = self.request(body).map_err(OutputError::Away)?;
            let answer = outward::ask(&self.uri, self.tls.as_ref(), request, LARGEST).await;
            let status = answer.map_err(OutputError::Away)?.status();
            match status.as_u16() {
                200..=299 => Ok(()),
                400 | 413 | 422 => Err(OutputError::Refused(format!("status {status}"))),
                _ => Err(OutputError::Away(format!("status {status}"))),
            }
        })
    }
}

impl Poster {
    fn request(&self, body: String) -> Result<Request<Bytes>, String> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("fieldward/", env!("CARGO_PKG_VERSION")));
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(secret) = &self.secret {
            // The time is signed too: what somebody has recorded can be told from what is sent.
            let at = now().as_secs();
            let tag = hmac::sign(secret, format!("{at}.{body}").as_bytes());
            request = request.header(SIGNATURE, format!("t={at},v1={}", to_hex(tag.as_ref())));
        }
        request.body(body.into()).map_err(|error| error.to_string())
    }
}

/// Says when it was signed, and HMAC-SHA256 of that, a dot and the body.
const SIGNATURE: &str = "x-fieldward-signature";
/// Of an answer.
const LARGEST: usize = 64 << 10;
