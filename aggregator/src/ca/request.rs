//! Requests for a certificate (PKCS #10). Two things are taken from them: a P-256 key, and the proof that
//! who asks has it. Every name and every wish in it is ignored.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use fieldward_shared::identity::Pin;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::der_parser::oid;
use x509_parser::prelude::FromDer as _;

/// Longest request that is looked at; a P-256 key needs some 200 bytes.
pub const LONGEST: usize = 8 << 10;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Too long.
    #[error("the certificate request has {0} bytes; at most {LONGEST} are taken")]
    Long(usize),
    /// Cannot be read.
    #[error("the certificate request is not PKCS #10 in DER")]
    Unreadable,
    /// Another kind of key.
    #[error(
        "the key in the certificate request is not of the curve P-256, or not signed for by ECDSA with SHA-256"
    )]
    Key,
    /// Signed by another key, or changed.
    #[error("the certificate request is not signed by the key in it")]
    Proof,
}

/// What is taken from a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The key, as it goes into a certificate (SubjectPublicKeyInfo).
    pub info: Vec<u8>,
    /// Its fingerprint.
    pub key: Pin,
}

impl Request {
    /// Reads a request and checks its proof.
    pub fn read(der: &[u8]) -> Result<Self, RequestError> {
        if der.len() > LONGEST {
            return Err(RequestError::Long(der.len()));
        }
        let (rest, request) =
            X509CertificationRequest::from_der(der).map_err(|_| RequestError::Unreadable)?;
        if !rest.is_empty() {
            return Err(RequestError::Unreadable);
        }
        let asked = &request.certification_request_info;
        let point = point(&asked.subject_pki).ok_or(RequestError::Key)?;
        if request.signature_algorithm.algorithm != oid!(1.2.840.10045.4.3.2) {
            return Err(RequestError::Key);
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(asked.raw, &request.signature_value.data)
            .map_err(|_| RequestError::Proof)?;
        let info = asked.subject_pki.raw.to_vec();
        Ok(Self { key: Pin::of_key(&info), info })
    }
}

/// The point of a P-256 key, uncompressed: the one form in which agents send it.
fn point<'a>(key: &'a x509_parser::x509::SubjectPublicKeyInfo<'_>) -> Option<&'a [u8]> {
    let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?;
    let is_p256 = key.algorithm.algorithm == oid!(1.2.840.10045.2.1) && curve == oid!(1.2.840.10045.3.1.7);
    let point: &[u8] = &key.subject_public_key.data;
    (is_p256 && point.len() == 65 && point.first() == Some(&4)).then_some(point)
}
