//! What handlers take from a request. Each refuses in our own words; nothing unknown is passed over.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::{Bytes, HttpBody as _};
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

use super::error::ApiError;

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let named =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = named.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = timeout(BODY, Bytes::from_request(request, state)).await;
        let Ok(body) = body else {
            let said = "the body did not arrive in time";
            return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", said));
        };
        let body = body.map_err(|rejected: BytesRejection| ApiError::of_status(rejected.status()))?;
        read(&body).map(Self).map_err(|error| {
            let (status, code) = match error.classify() {
                serde_json::error::Category::Data => (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed"),
                // What is JSON, but of another kind than it should be, is called a fault of syntax too.
                _ if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() => {
                    (StatusCode::UNPROCESSABLE_ENTITY, "validation_failed")
                }
                _ => (StatusCode::BAD_REQUEST, "invalid_json"),
            };
            ApiError::new(status, code, format!("the body: {error}")).with("#", code, error.to_string())
        })
    }
}

/// Reads a body. To JSON Schema `204.0` is an integer; to serde it is none.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(body).or_else(|error| {
        let mut value: Value = serde_json::from_slice(body)?;
        if !make_whole(&mut value) {
            return Err(error);
        }
        serde_json::from_value(value).map_err(|_| error)
    })
}

/// Makes integers of numbers without a fraction. Says whether there were any.
fn make_whole(value: &mut Value) -> bool {
    match value {
        Value::Number(number) => {
            // Beyond 2^53 a float says nothing of ones.
            let whole =
                number.as_f64().filter(|one| number.is_f64() && one.fract() == 0.0 && one.abs() <= WHOLE);
            if let Some(whole) = whole {
                *number = (whole as i64).into();
            }
            whole.is_some()
        }
        Value::Array(all) => all.iter_mut().fold(false, |made, one| make_whole(one) | made),
        Value::Object(all) => all.values_mut().fold(false, |made, one| make_whole(one) | made),
        _ => false,
    }
}

const WHOLE: f64 = 9_007_199_254_740_992.0;

/// A JSON body, or none: nothing at all, or `null`.
pub struct Maybe<T>(pub Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Maybe<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if request.body().is_end_stream() {
            return Ok(Self(None));
        }
        Json::<Option<T>>::from_request(request, state).await.map(|Json(body)| Self(body))
    }
}

/// Query parameters.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|axum::extract::Query(query)| Self(query)).map_err(|rejected: QueryRejection| {
            let said = rejected.body_text();
            let said = said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said).to_owned();
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_query", said)
        })
    }
}

/// Parameters in the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        // Whatever is no id names nothing.
        read.map(|axum::extract::Path(path)| Self(path))
            .map_err(|_: PathRejection| ApiError::not_found("thing"))
    }
}

/// From where a request came: the peer, or whom a trusted proxy names.
#[derive(Clone, Copy, Debug)]
pub struct Address(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Address {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().copied().ok_or_else(|| ApiError::internal("a request from nowhere"))
    }
}

/// The revision that `If-Match` names; none without the header.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let number =
        text.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"')).and_then(|n| n.parse().ok());
    match number {
        Some(revision) => Ok(Some(revision)),
        // Whatever it is, it is none of ours, so it does not match.
        None => Ok(Some(0)),
    }
}

/// A list of words with commas between them, and blanks if one likes, each of which `known` must know.
pub fn words<T>(
    name: &str,
    text: Option<&str>,
    known: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, ApiError> {
    let some = text
        .unwrap_or_default()
        .split(',')
        .map(|word| word.trim_matches(' '))
        .filter(|word| !word.is_empty());
    let all: Result<Vec<T>, ApiError> = some
        .map(|word| {
            let shown: String = word.chars().take(40).collect();
            known(word)
                .ok_or_else(|| ApiError::query(name, format!("\"{shown}\" is not among what it may be")))
        })
        .collect();
    let all = all?;
    if all.len() > MOST_WORDS {
        return Err(ApiError::query(name, format!("more than {MOST_WORDS} values")));
    }
    Ok(all)
}

/// For a body to arrive.
const BODY: Duration = Duration::from_secs(10);
/// Values of one parameter.
const MOST_WORDS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_fraction_is_whole() {
        let read = |text: &str| read::<Vec<u16>>(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(read("[204.0, 2.04e2, 7]"), Ok(vec![204, 204, 7]));
        for wrong in ["[204.5]", "[-1.0]", "[1e300]", "[65536.0]", "[\"1.0\"]", "[1.0"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(read("[204.5, 1.0]").unwrap_err().contains("floating point `204.5`"));
    }
}
