//! The issuer: where it is asked, by which keys it signs, and whether what it signed is for us.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{Method, Request, Uri};
use fieldward_shared::keyfile;
use fieldward_shared::time::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rustls::ClientConfig;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::config::OidcConfig;
use crate::outward::{self, Papers, is_safe};
use crate::store::now;

/// What goes wrong with an issuer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IssuerError {
    /// A file that it needs.
    #[error("oidc: {0}")]
    File(String),
    /// It does not answer, or not as it should.
    #[error("oidc: {url}: {what}; look whether the issuer runs and can be reached from here")]
    Away {
        /// What was asked.
        url: String,
        /// What happened.
        what: String,
    },
    /// It says no.
    #[error("oidc: the issuer refused the code: {0}")]
    Refused(String),
    /// What it gave is not for us, or not of it.
    #[error("oidc: the token is not taken: {0}")]
    Token(String),
}

/// An issuer.
pub struct Issuer {
    /// Its name, and what is agreed with it.
    pub config: OidcConfig,
    secret: Option<String>,
    tls: Option<Arc<ClientConfig>>,
    known: Mutex<Option<Arc<Known>>>,
}

/// What it tells of itself.
#[derive(Debug)]
pub struct Known {
    at: Timestamp,
    /// Where people sign in.
    pub authorize: String,
    token: String,
    keys: JwkSet,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    error: Option<String>,
}

/// Who it says somebody is.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    /// Its own name for him, which never changes.
    pub sub: String,
    nonce: Option<String>,
    azp: Option<String>,
    aud: Value,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

impl Claims {
    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.others.get(name)?.as_str()
    }

    /// A claim that is a list of texts.
    pub fn texts(&self, name: &str) -> Vec<&str> {
        let list = self.others.get(name).and_then(Value::as_array);
        list.map(|all| all.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
    }
}

impl Issuer {
    /// As the configuration says; reads the files that it names.
    pub fn open(config: OidcConfig) -> Result<Self, IssuerError> {
        let secret = config.client_secret.as_deref().map(secret).transpose()?;
        // Where nothing leaves this machine there is nothing to judge.
        let is_tls = config.issuer.as_ref().is_some_and(|issuer| issuer.starts_with("https:"));
        let papers = Papers { roots: config.roots.clone(), ..Papers::default() };
        let tls = is_tls.then(|| papers.tls()).transpose().map_err(IssuerError::File)?;
        Ok(Self { config, secret, tls, known: Mutex::default() })
    }

    /// What it tells of itself, at most an hour old.
    pub async fn known(&self) -> Result<Arc<Known>, IssuerError> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known.filter(|known| now().since(known.at) < FRESH) {
            Some(known) => Ok(known),
            None => self.learn().await,
        }
    }

    async fn learn(&self) -> Result<Arc<Known>, IssuerError> {
        let issuer = self.config.issuer.clone().unwrap_or_default();
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let told: Discovery = self.ask(&url, None).await?;
        let wrong = |what: &str| IssuerError::Away { url: url.clone(), what: what.to_owned() };
        if told.issuer != issuer {
            return Err(wrong("it names itself otherwise than oidc.issuer does"));
        }
        if [&told.authorization_endpoint, &told.token_endpoint, &told.jwks_uri]
            .iter()
            .any(|url| !is_safe(url))
        {
            return Err(wrong("it is to be asked in the clear"));
        }
        let keys = self.ask(&told.jwks_uri, None).await?;
        let (authorize, token) = (told.authorization_endpoint, told.token_endpoint);
        let known = Arc::new(Known { at: now(), authorize, token, keys });
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    /// Who somebody is who came back with a code.
    pub async fn redeem(&self, code: &str, verifier: &str, nonce: &str) -> Result<Claims, IssuerError> {
        let known = self.known().await?;
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.config.redirect.as_str()),
            ("client_id", self.config.client_id.as_str()),
            ("code_verifier", verifier),
        ];
        fields.extend(self.secret.as_deref().map(|secret| ("client_secret", secret)));
        let tokens: Tokens = self.ask(&known.token, Some(form(&fields))).await?;
        if let Some(error) = tokens.error {
            return Err(IssuerError::Refused(error.chars().take(80).collect()));
        }
        let token = tokens.id_token.ok_or_else(|| IssuerError::Refused("it gave no id_token".to_owned()))?;
        let key = match self.key(&known, &token)? {
            Some(key) => key,
            // It has new keys; whoever comes with made-up names of keys has it asked once a minute.
            None if now().since(known.at) > RELEARN => {
                let known = self.learn().await?;
                self.key(&known, &token)?
                    .ok_or_else(|| no("it is signed by a key that the issuer has not"))?
            }
            None => return Err(no("it is signed by a key that the issuer has not")),
        };
        self.check(&token, &key, nonce)
    }

    /// The key by which a token says it is signed.
    fn key(&self, known: &Known, token: &str) -> Result<Option<Jwk>, IssuerError> {
        let header = decode_header(token).map_err(|error| no(&error.to_string()))?;
        let keys = &known.keys;
        Ok(match header.kid {
            Some(kid) => keys.find(&kid).cloned(),
            None if keys.keys.len() == 1 => keys.keys.first().cloned(),
            None => None,
        })
    }

    fn check(&self, token: &str, key: &Jwk, nonce: &str) -> Result<Claims, IssuerError> {
        let header = decode_header(token).map_err(|error| no(&error.to_string()))?;
        // Keys that everybody may know sign nothing: no shared secrets, whatever the token says.
        if !ALGORITHMS.contains(&header.alg) {
            return Err(no("its algorithm is not among those of public keys"));
        }
        let decoding = DecodingKey::from_jwk(key).map_err(|error| no(&error.to_string()))?;
        let mut rules = Validation::new(header.alg);
        rules.required_spec_claims = HashSet::from(["exp", "iss", "aud", "sub"].map(str::to_owned));
        rules.set_issuer(&[self.config.issuer.clone().unwrap_or_default()]);
        rules.set_audience(&[&self.config.client_id]);
        rules.validate_nbf = true;
        rules.leeway = LEEWAY;
        let claims =
            decode::<Claims>(token, &decoding, &rules).map_err(|error| no(&error.to_string()))?.claims;
        if claims.nonce.as_deref() != Some(nonce) {
            return Err(no("it was made for another sign-in"));
        }
        let is_for_many = claims.aud.as_array().is_some_and(|all| all.len() > 1);
        let is_ours = claims.azp.as_ref().is_none_or(|azp| *azp == self.config.client_id);
        if !is_ours || is_for_many && claims.azp.is_none() {
            return Err(no("it was given to another client"));
        }
        if claims.sub.is_empty() || claims.sub.len() > 255 {
            return Err(no("it names nobody"));
        }
        Ok(claims)
    }

    /// Asks for JSON; with a form, sends it.
    async fn ask<T: DeserializeOwned>(&self, url: &str, form: Option<String>) -> Result<T, IssuerError> {
        let wrong = |what: String| IssuerError::Away { url: url.to_owned(), what };
        let answer = timeout(PATIENCE, self.send(url, form)).await;
        let body = answer.map_err(|_| wrong("no answer in time".to_owned()))?.map_err(wrong)?;
        serde_json::from_slice(&body).map_err(|error| wrong(format!("no answer of an issuer: {error}")))
    }

    async fn send(&self, url: &str, form: Option<String>) -> Result<Bytes, String> {
        let uri: Uri = url.parse().map_err(|_| "no address".to_owned())?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = Request::builder()
            .method(if form.is_some() { Method::POST } else { Method::GET })
            .uri(path)
            .header(ACCEPT, "application/json");
        let request = match &form {
            Some(_) => request.header(CONTENT_TYPE, "application/x-www-form-urlencoded"),
            None => request,
        };
        let body = Bytes::from(form.unwrap_or_default());
        let request = request.body(body).map_err(|error| error.to_string())?;
        let answer = outward::ask(&uri, self.tls.as_ref(), request, LARGEST).await?;
        // An issuer that refuses says why in a body like others, with 400.
        if !answer.status().is_success() && answer.status().as_u16() != 400 {
            return Err(format!("status {}", answer.status().as_u16()));
        }
        Ok(answer.into_body())
    }
}

fn secret(file: &Path) -> Result<String, IssuerError> {
    let read = keyfile::read(file).map_err(|error| IssuerError::File(error.to_string()))?;
    let text = String::from_utf8(read).unwrap_or_default();
    let secret = text.trim();
    if secret.is_empty() {
        return Err(IssuerError::File(format!("{}: there is no secret in it", file.display())));
    }
    Ok(secret.to_owned())
}

fn no(what: &str) -> IssuerError {
    IssuerError::Token(what.to_owned())
}

/// Fields as forms and queries have them.
pub fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", plain(name), plain(value))).collect();
    pairs.join("&")
}

fn plain(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

/// By which issuers sign.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::ES256,
    Algorithm::ES384,
];
/// Microseconds for which what an issuer tells of itself is taken for true.
const FRESH: u64 = 3_600_000_000;
/// Microseconds after which a key that is not known is looked for anew.
const RELEARN: u64 = 60_000_000;
/// Seconds by which clocks may differ.
const LEEWAY: u64 = 60;
/// For an answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const LARGEST: usize = 1 << 20;
