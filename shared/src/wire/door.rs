//! What is said at the doors: asking for a certificate, and for the next one.

use prost::Message;

/// Somebody without a certificate asks for one.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub struct EnrollRequest {
    /// What the operator gave.
    #[prost(string, tag = "1")]
    pub token: String,
    /// The request, DER. Names in it count for nothing.
    #[prost(bytes = "vec", tag = "2")]
    pub csr: Vec<u8>,
    /// The plant that it is configured for; empty when it is not. A token of another plant is not used up.
    #[prost(string, tag = "3")]
    pub facility: String,
}

/// The token is a secret.
impl std::fmt::Debug for EnrollRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrollRequest {{ token: …, csr: {} bytes }}", self.csr.len())
    }
}

/// An agent asks for its next certificate.
#[derive(Clone, PartialEq, Message)]
pub struct RenewRequest {
    /// The request for a new key, DER.
    #[prost(bytes = "vec", tag = "1")]
    pub csr: Vec<u8>,
}

/// A certificate.
#[derive(Clone, PartialEq, Message)]
pub struct Certificate {
    /// It and those that lead to a root, DER.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub chain: Vec<Vec<u8>>,
    /// The roots to trust, DER.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub roots: Vec<Vec<u8>>,
    /// Whose it is.
    #[prost(string, tag = "3")]
    pub facility: String,
    /// Whose it is: a UUID.
    #[prost(string, tag = "4")]
    pub agent: String,
    /// Until when, in microseconds.
    #[prost(uint64, tag = "5")]
    pub not_after: u64,
    /// Which list the roots are.
    #[prost(uint64, tag = "6")]
    pub generation: u64,
    /// The lists that led there, each signed by a root of the list before: see [`crate::roots`].
    #[prost(bytes = "vec", repeated, tag = "7")]
    pub announcements: Vec<Vec<u8>>,
    /// The server's clock in microseconds.
    #[prost(uint64, tag = "8")]
    pub time: u64,
}

/// There is none.
#[derive(Clone, PartialEq, Message)]
pub struct Refused {
    /// A word for programs.
    #[prost(string, tag = "1")]
    pub code: String,
    /// What is wrong and what to do.
    #[prost(string, tag = "2")]
    pub message: String,
}

/// A person has to agree first: ask again.
#[derive(Clone, PartialEq, Message)]
pub struct Pending {
    /// What that person compares.
    #[prost(string, tag = "1")]
    pub fingerprint: String,
    /// In so many seconds.
    #[prost(uint32, tag = "2")]
    pub retry_seconds: u32,
}
