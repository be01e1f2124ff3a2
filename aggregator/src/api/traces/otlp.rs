//! The messages of OTLP that are sent, with the numbers of opentelemetry-proto 1.x (`collector/trace/v1`,
//! `trace/v1`, `resource/v1`, `common/v1`).

use prost::Message;

/// `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct Export {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<Attribute>,
}

#[derive(Clone, PartialEq, Message)]
struct ScopeSpans {
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

/// `Span`.
#[derive(Clone, PartialEq, Message)]
pub struct Span {
    /// 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trace_id: Vec<u8>,
    /// 8 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub span_id: Vec<u8>,
    /// 8 bytes; none at the root.
    #[prost(bytes = "vec", tag = "4")]
    pub parent_span_id: Vec<u8>,
    /// Few different ones.
    #[prost(string, tag = "5")]
    pub name: String,
    /// [`SERVER`] or [`CLIENT`].
    #[prost(int32, tag = "6")]
    pub kind: i32,
    /// Nanoseconds since 1970.
    #[prost(fixed64, tag = "7")]
    pub start: u64,
    /// Likewise.
    #[prost(fixed64, tag = "8")]
    pub end: u64,
    /// What else is to be known.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<Attribute>,
    /// None: nothing went wrong.
    #[prost(message, optional, tag = "15")]
    pub status: Option<Status>,
}

/// `Status`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub struct Status {
    /// [`ERROR`].
    #[prost(int32, tag = "3")]
    pub code: i32,
}

/// `KeyValue`.
#[derive(Clone, PartialEq, Message)]
pub struct Attribute {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "3")]
    number: Option<i64>,
}

impl Export {
    /// Spans of this service.
    pub fn of(spans: Vec<Span>) -> Self {
        let attributes = vec![
            text("service.name", "fieldward-aggregator"),
            text("service.version", env!("CARGO_PKG_VERSION")),
        ];
        let scope_spans = vec![ScopeSpans { spans }];
        Self { resource_spans: vec![ResourceSpans { resource: Some(Resource { attributes }), scope_spans }] }
    }
}

/// An attribute that is a text.
pub fn text(key: &str, value: &str) -> Attribute {
    Attribute { key: key.into(), value: Some(AnyValue { text: Some(value.into()), number: None }) }
}

/// An attribute that is a number.
pub fn number(key: &str, value: i64) -> Attribute {
    Attribute { key: key.into(), value: Some(AnyValue { text: None, number: Some(value) }) }
}

/// Of a request that is answered.
pub const SERVER: i32 = 2;
/// Of a question to another.
pub const CLIENT: i32 = 3;
/// Something went wrong.
pub const ERROR: i32 = 2;
