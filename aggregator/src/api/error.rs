//! What is answered when something is not answered: one body for all, on every path. `error.rs` alone knows
//! which fault is which HTTP status.
//!
//! A handler gives an [`ApiError`]; it travels beside an empty answer, and [`super::serve`] writes the body
//! when it knows path and request id. What others answered without a body of ours (404, 405) gets one too.

use std::ops::{Deref, DerefMut};

use axum::http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::intake::AskError;
use crate::store::StoreError;

/// Why a request is not answered. In a box: it is seldom, and large.
#[derive(Clone, Debug)]
pub struct ApiError(Box<Inside>);

/// What it says.
#[derive(Clone, Debug)]
pub struct Inside {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
    pub(super) errors: Vec<Fault>,
    pub(super) details: serde_json::Value,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// For the log alone.
    pub(super) cause: Option<String>,
}

/// A part of a request that is not right.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Fault {
    /// Where it stands: a query parameter, or a JSON pointer into the body.
    #[schema(example = "#/status")]
    pub pointer: String,
    /// Which fault.
    #[schema(example = "not_allowed")]
    pub code: String,
    /// What is wrong with it.
    pub detail: String,
}

/// The body of every error: RFC 9457, and beside it the names of the gateway's specification.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of fault.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Not Found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
    /// The path that was asked.
    #[schema(example = "/api/alerts/9c0e3b1c-0000-8000-8000-000000000000")]
    pub instance: String,
    /// The kind of fault for programs.
    #[schema(example = "not_found")]
    pub code: String,
    /// By it the request is found in the log.
    pub request_id: String,
    /// Which parts of the request are wrong.
    pub errors: Vec<Fault>,
    /// Always true.
    pub error: bool,
    /// The same as `status`.
    #[schema(example = 404)]
    pub status_code: u16,
    /// The same as `detail`.
    pub message: String,
    /// The same as `instance`.
    pub path: String,
    /// When.
    #[schema(example = "2026-11-20T22:47:06.123000Z")]
    pub timestamp: String,
    /// What else is to be known.
    pub details: serde_json::Value,
}

impl ApiError {
    /// An error of a status, its name for programs, and words for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Inside {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            details: serde_json::json!({}),
            headers: Vec::new(),
            cause: None,
        }))
    }

    /// There is no such thing, or not for this caller: both look the same.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    /// A query parameter is not right.
    pub fn query(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let said = format!("query parameter {name}: {detail}");
        Self::new(StatusCode::BAD_REQUEST, "invalid_query", said).with(name, "not_allowed", detail)
    }

    /// A field of the body is not right.
    pub fn field(pointer: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let said = format!("{pointer}: {detail}");
        let error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", said);
        error.with(pointer, "not_allowed", detail)
    }

    /// Nobody knows who asks.
    pub fn unauthenticated(detail: &str) -> Self {
        let error = Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail);
        error.header(WWW_AUTHENTICATE, "Bearer realm=\"fieldward\"")
    }

    /// Whoever asks may not.
    pub fn forbidden(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    /// Too often, or too much at once: again in so many seconds.
    pub fn later(status: StatusCode, code: &'static str, detail: impl Into<String>, seconds: u64) -> Self {
        let mut error = Self::new(status, code, detail);
        error.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        error.details = serde_json::json!({ "retry_after_seconds": seconds });
        error
    }

    /// Something of ours went wrong; the cause is for the log.
    pub fn internal(cause: impl Into<String>) -> Self {
        let said = "something went wrong here; the log says what, by the request id";
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", said);
        error.cause = Some(cause.into());
        error
    }

    /// In words, for whoever starts the program.
    pub fn words(&self) -> String {
        self.cause.clone().filter(|cause| !cause.is_empty()).unwrap_or_else(|| self.detail.clone())
    }

    /// Names a part of the request that is wrong.
    pub fn with(mut self, pointer: &str, code: &str, detail: impl Into<String>) -> Self {
        self.errors.push(Fault { pointer: pointer.into(), code: code.into(), detail: detail.into() });
        self
    }

    /// Says more, for programs.
    pub fn about(mut self, details: serde_json::Value) -> Self {
        self.details = details;
        self
    }

    /// Goes with a header.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// Of an answer that has a status but no body of ours.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => {
                ("not_found", "there is nothing at this path; /docs lists what there is")
            }
            StatusCode::METHOD_NOT_ALLOWED => (
                "method_not_allowed",
                "this path does not know the method; the header Allow lists those it knows",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is larger than 1 MiB"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported_media_type", "send application/json"),
            status if status.is_server_error() => {
                ("internal", "something went wrong here; the log says what, by the request id")
            }
            _ => ("bad_request", "the request is not understood"),
        };
        Self::new(status, code, detail)
    }

    /// The body, for a request.
    pub(super) fn problem(&self, path: &str, request_id: &str) -> Problem {
        let status = self.status.as_u16();
        Problem {
            kind: format!("/problems/{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status,
            detail: self.detail.clone(),
            instance: path.to_owned(),
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
            error: true,
            status_code: status,
            message: self.detail.clone(),
            path: path.to_owned(),
            timestamp: crate::store::now().rfc3339(),
            details: self.details.clone(),
        }
    }
}

impl Deref for ApiError {
    type Target = Inside;

    fn deref(&self) -> &Inside {
        &self.0
    }
}

impl DerefMut for ApiError {
    fn deref_mut(&mut self) -> &mut Inside {
        &mut self.0
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        for (name, value) in &self.headers {
            response.headers_mut().insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let mut answer = if error.passes() || matches!(error, StoreError::Closed) {
            let said = "the database does not answer; nothing was changed, try again";
            Self::later(StatusCode::SERVICE_UNAVAILABLE, "database_unavailable", said, 5)
        } else {
            Self::internal("")
        };
        answer.cause = Some(error.to_string());
        answer
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        let said = "the agent of this facility does not answer now; ask again when it is connected";
        let mut answer = Self::later(StatusCode::SERVICE_UNAVAILABLE, "agent_unavailable", said, 15);
        answer.cause = Some(error.to_string());
        answer
    }
}
