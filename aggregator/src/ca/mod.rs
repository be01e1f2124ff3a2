//! The certificate authority: who may come in, for how long, and who may not any more.
//!
//! An offline root vouches for an online intermediate of one year, and that for agents (seven days) and for
//! the aggregator itself. Names come from the enrolment and never from a request. What TLS lets through is
//! asked again after the handshake and while a session lasts.

pub mod authority;
mod book;
pub mod config;
pub mod door;
pub mod expiry;
mod gate;
pub mod hall;
mod limit;
pub mod operator;
pub mod request;
pub mod revoked;
pub mod rotation;
pub mod seal;
mod shown;
pub mod state;
#[cfg(test)]
mod tests;
pub mod token;
pub mod verifier;

use std::path::PathBuf;

use fieldward_shared::identity::{IdentityError, Pin};
use fieldward_shared::keyfile::KeyFileError;
use fieldward_shared::pki::PkiError;

/// What the authority cannot do, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// There is one already.
    #[error("{}: here is an authority already; `ca rotate` changes its root", .0.display())]
    Exists(PathBuf),
    /// There is none.
    #[error("{}: here is no authority; `ca init` makes one", .0.display())]
    Missing(PathBuf),
    /// Its state cannot be read.
    #[error("{}: {what}; put back the copy from the backup", place.display())]
    State {
        /// Which file.
        place: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A key does not belong to its certificate.
    #[error("this is not the key of root {0}; bring the file that `ca init` or `ca rotate prepare` wrote")]
    WrongKey(Pin),
    /// A step out of order.
    #[error("{step} cannot be done now: {why}")]
    Order {
        /// What was asked.
        step: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// The intermediate has ended.
    #[error(
        "the intermediate certificate has expired; renew it with `ca rotate intermediate --root-key FILE`"
    )]
    Expired,
    /// A request that is refused.
    #[error(transparent)]
    Request(#[from] request::RequestError),
    /// A key file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// A name or a certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Making a certificate failed.
    #[error("a certificate could not be made: {0}")]
    Making(#[from] rcgen::Error),
    /// What an operator's PKI left.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// TLS does not take it.
    #[error("a certificate or key is not accepted: {0}")]
    Tls(#[from] rustls::Error),
}
