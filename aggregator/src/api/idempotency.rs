//! `Idempotency-Key`: a request that acts and is sent again, because its answer did not arrive, is answered as
//! before and not done again. Before the handlers of routes that say so ([`super::route::Routes::act`]); routes
//! that hand out secrets do not, since answers are kept.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use tokio::time::{Duration, timeout};

use super::Api;
use super::door::BODY_BYTES;
use super::error::ApiError;
use super::principal::Principal;
use crate::store::idempotency::{Claim, Kept};
use crate::store::now;

/// The header.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Beside an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The key of a request; none without the header.
pub fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(&KEY) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    if (1..=128).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic()) {
        return Ok(Some(text.to_owned()));
    }
    let said = "Idempotency-Key has 1 to 128 visible letters of ASCII, like a UUID";
    Err(ApiError::new(StatusCode::BAD_REQUEST, "invalid_header", said))
}

/// Does a request once, however often it comes under its key.
pub async fn once(api: &Api, principal: &Principal, key: &str, request: Request, next: Next) -> Response {
    match attempt(api, principal, key, request, next).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    }
}

async fn attempt(
    api: &Api,
    principal: &Principal,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let read = timeout(BODY, to_bytes(body, BODY_BYTES as usize)).await;
    let Ok(read) = read else {
        let said = "the body did not arrive in time";
        return Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", said));
    };
    let body = read.map_err(|_| ApiError::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let seen = parts.headers.get(IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
    let digest = digest([parts.method.as_str().as_bytes(), path.as_bytes(), seen, &body]);
    let (id, is_key) = principal.key();
    let whose = format!("{} {id}", if is_key { "key" } else { "user" });
    let begun = now();
    match api.store.claim_key(&whose, key, digest, begun).await? {
        Claim::New => {}
        Claim::Done(kept) => return Ok(again(kept)),
        Claim::UnderWay => {
            let said = "the request with this key is under way; ask again for its answer";
            return Err(ApiError::later(StatusCode::CONFLICT, "under_way", said, 1));
        }
        Claim::Other => {
            let said = "this key was used for another request within a day; use a new one for each";
            return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", said));
        }
        Claim::Full => {
            let said = "too many keys within a day; ask without one, or do many things by one bulk request";
            return Err(ApiError::later(StatusCode::TOO_MANY_REQUESTS, "too_many_keys", said, 3600));
        }
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    let (parts, body) = response.into_parts();
    // What failed has done nothing, so it may be tried again under its key.
    if !parts.status.is_success() {
        settle(api, &whose, key, begun, None).await;
        return Ok(Response::from_parts(parts, body));
    }
    let body = to_bytes(body, BODY_BYTES as usize)
        .await
        .map_err(|error| ApiError::internal(format!("an answer to be kept: {error}")))?;
    let named = [CONTENT_TYPE, ETAG, LOCATION].into_iter().filter_map(|name| {
        let value = parts.headers.get(&name)?.to_str().ok()?;
        Some((name.as_str().to_owned(), value.to_owned()))
    });
    let kept = Kept { status: parts.status.as_u16(), headers: named.collect(), body: body.to_vec() };
    settle(api, &whose, key, begun, Some(&kept)).await;
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// What was done is answered, whether or not the answer could be kept.
async fn settle(
    api: &Api,
    whose: &str,
    key: &str,
    begun: fieldward_shared::time::Timestamp,
    kept: Option<&Kept>,
) {
    if let Err(error) = api.store.settle_key(whose, key, begun, kept).await {
        tracing::warn!(%error, "an answer is not kept: the same request would be done again after a minute");
    }
}

fn again(kept: Kept) -> Response {
    let mut response = Response::new(Body::from(kept.body));
    *response.status_mut() = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}

/// Lengths stand before the parts, so that no two requests read the same.
fn digest(parts: [&[u8]; 4]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// For a body to arrive.
const BODY: Duration = Duration::from_secs(10);
