//! What people and programs show: access tokens (JWT, five minutes, signed by a key that lies in a file),
//! secrets that renew sessions, keys for programs. Only digests of the last two are kept.

use std::path::Path;

use fieldward_shared::identity::{from_hex, sha256, to_hex};
use fieldward_shared::keyfile::{self, KeyFileError};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::error::ApiError;
use super::super::page::Cursors;

/// What an access token says. Role and scope are not in it: they are looked up, so that a change bites at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// Who made it.
    pub iss: String,
    /// For whom.
    pub aud: String,
    /// When, in seconds.
    pub iat: u64,
    /// Until when.
    pub exp: u64,
}

/// Signs and checks access tokens.
pub struct Signing {
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// Which key it is, so that another can be told.
    id: String,
    cursors: [u8; 32],
    bus: [u8; 32],
}

impl Signing {
    /// With the key of a file, which is made when it is not there.
    pub fn open(file: &Path) -> Result<Self, KeyFileError> {
        let key = match keyfile::read(file) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                let wrong = |_| KeyFileError::Io {
                    path: file.to_owned(),
                    source: std::io::Error::other("the system gives no random bytes"),
                };
                let mut key = [0; 32];
                aws_lc_rs::rand::fill(&mut key).map_err(wrong)?;
                keyfile::write(file, to_hex(&key).as_bytes())?;
                key
            }
            read => {
                let text = String::from_utf8(read?).unwrap_or_default();
                from_hex(text.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
                    KeyFileError::Io {
                        path: file.to_owned(),
                        source: std::io::Error::other(
                            "this is no key of 64 hex digits; remove it to get a new one",
                        ),
                    }
                })?
            }
        };
        Ok(Self::of(&key))
    }

    /// With a key.
    pub fn of(key: &[u8; 32]) -> Self {
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            id: to_hex(&sha256(key)).chars().take(8).collect(),
            // Another key for another purpose.
            cursors: sha256(&[b"cursors", &key[..]].concat()),
            bus: sha256(&[b"replicas", &key[..]].concat()),
        }
    }

    /// What marks places in lists as ours.
    pub fn cursors(&self) -> Cursors {
        Cursors::of(&self.cursors)
    }

    /// What seals the messages of replicas, which share the key.
    pub const fn bus(&self) -> &[u8; 32] {
        &self.bus
    }

    /// A token of a session.
    pub fn sign(&self, user: Uuid, session: Uuid, now: u64) -> Result<String, ApiError> {
        let claims = Claims {
            sub: user,
            sid: session,
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            iat: now,
            exp: now.saturating_add(LIFE),
        };
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::HS256) };
        encode(&header, &claims, &self.encoding).map_err(|error| ApiError::internal(error.to_string()))
    }

    /// What a token says, if it is ours and has not ended.
    pub fn check(&self, token: &str) -> Result<Claims, ApiError> {
        // The algorithm is ours to choose, never the token's.
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.leeway = 0;
        decode::<Claims>(token, &self.decoding, &rules).map(|token| token.claims).map_err(|error| {
            use jsonwebtoken::errors::ErrorKind;
            match error.kind() {
                ErrorKind::ExpiredSignature => ApiError::unauthenticated("the token has ended; renew it"),
                _ => ApiError::unauthenticated("the token is none of ours"),
            }
        })
    }
}

/// A secret of 256 bits, and its digest.
pub fn secret() -> Result<(String, [u8; 32]), ApiError> {
    let mut bytes = [0; 32];
    super::random(&mut bytes)?;
    Ok((to_hex(&bytes), sha256(&bytes)))
}

/// The digest of such a secret; none of what is none.
pub fn digest(secret: &str) -> Option<[u8; 32]> {
    (secret.len() == 64).then(|| from_hex(secret)).flatten().map(|bytes| sha256(&bytes))
}

/// A key for programs as it is shown once.
pub fn key(id: Uuid, secret: &str) -> String {
    format!("{KEY}{}_{secret}", id.simple())
}

/// The id of such a key, and the digest of its secret.
pub fn read_key(text: &str) -> Option<(Uuid, [u8; 32])> {
    let (id, secret) = text.strip_prefix(KEY)?.split_once('_')?;
    Some((Uuid::try_parse(id).ok()?, digest(secret)?))
}

/// Seconds.
pub const LIFE: u64 = 300;
const ISSUER: &str = "fieldward";
const AUDIENCE: &str = "fieldward-api";
/// How a key begins, so that those who look for secrets find it.
const KEY: &str = "fwk_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_us_until_it_ends() {
        let now = crate::store::now().as_secs();
        let (signing, other) = (Signing::of(&[7; 32]), Signing::of(&[8; 32]));
        let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = signing.sign(user, session, now).unwrap();
        let claims = signing.check(&token).unwrap();
        assert_eq!((claims.sub, claims.sid, claims.exp), (user, session, now + LIFE));
        assert!(other.check(&token).is_err());
        assert!(signing.check(&signing.sign(user, session, now - LIFE - 1).unwrap()).is_err());
        // Another algorithm, none, another issuer or audience, a claim that is missing.
        let forge = |header: Header, change: fn(&mut serde_json::Value)| {
            let mut claims = serde_json::to_value(&claims).unwrap();
            change(&mut claims);
            encode(&header, &claims, &signing.encoding).unwrap()
        };
        assert!(signing.check(&forge(Header::new(Algorithm::HS256), |_| ())).is_ok());
        assert!(signing.check(&forge(Header::new(Algorithm::HS384), |_| ())).is_err());
        for change in [
            (|claims| claims["iss"] = "x".into()) as fn(&mut serde_json::Value),
            |claims| claims["aud"] = "x".into(),
            |claims| drop(claims.as_object_mut().unwrap().remove("exp")),
            |claims| drop(claims.as_object_mut().unwrap().remove("sid")),
        ] {
            assert!(signing.check(&forge(Header::new(Algorithm::HS256), change)).is_err());
        }
        // {"alg":"none"} and no signature.
        let body = token.split('.').nth(1).unwrap();
        assert!(signing.check(&format!("eyJhbGciOiJub25lIn0.{body}.")).is_err());
    }

    #[test]
    fn a_key_is_read_back_and_nothing_else_is_one() {
        let id = Uuid::from_u128(77);
        let (secret, kept) = secret().unwrap();
        let shown = key(id, &secret);
        assert_eq!(read_key(&shown), Some((id, kept)));
        for wrong in ["", "fwk_", &shown[4..], &format!("{shown}0"), &shown[..shown.len() - 1]] {
            assert_eq!(read_key(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_signing_key_is_made_once_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("api.key");
        let first = Signing::open(&file).unwrap();
        assert_eq!(Signing::open(&file).unwrap().id, first.id);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        keyfile::write(&file, b"no key").unwrap();
        assert!(Signing::open(&file).is_err());
    }
}
