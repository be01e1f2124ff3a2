//! The form of a model file: a line that says what it is, the feature schema it was learnt with, a
//! checksum, and the model (postcard). Readable with `head -1`; refused when anything does not fit.

use fieldward_shared::features::SchemaHash;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::features::SCHEMA;
use crate::window::hash;

/// Why a model is refused.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// It is not there, or cannot be read.
    #[error("{0}")]
    Unreadable(#[from] std::io::Error),
    /// It is something else.
    #[error("this is no Fieldward model of kind {0}")]
    Foreign(&'static str),
    /// It was written by another version.
    #[error("model version {found}, this agent knows {known}")]
    Version {
        /// In the file.
        found: u32,
        /// Here.
        known: u32,
    },
    /// It was learnt from other features.
    #[error("learnt with feature schema {found}, this agent has {known}")]
    Schema {
        /// In the file.
        found: String,
        /// Here.
        known: SchemaHash,
    },
    /// Bytes were lost or changed.
    #[error("damaged: {0}")]
    Damaged(String),
}

/// The bytes of a model file.
pub fn pack(kind: &str, version: u32, model: &impl Serialize) -> Vec<u8> {
    let body = postcard::to_stdvec(model).unwrap_or_default();
    let head =
        format!("fieldward-model {kind} v{version} schema {} sum {:016x}\n", SCHEMA.hash(), hash(&body));
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&body);
    bytes
}

/// The model in the bytes of a file.
pub fn unpack<T: DeserializeOwned>(kind: &'static str, version: u32, bytes: &[u8]) -> Result<T, ModelError> {
    let end =
        bytes.iter().take(LONGEST_HEAD).position(|byte| *byte == b'\n').ok_or(ModelError::Foreign(kind))?;
    let (head, body) = bytes.split_at(end);
    let body = body.get(1..).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|_| ModelError::Foreign(kind))?;
    let words: Vec<&str> = head.split(' ').collect();
    let ["fieldward-model", named, found, "schema", schema, "sum", sum] = words.as_slice() else {
        return Err(ModelError::Foreign(kind));
    };
    if *named != kind {
        return Err(ModelError::Foreign(kind));
    }
    let found = found.strip_prefix('v').and_then(|number| number.parse().ok()).unwrap_or(0);
    if found != version {
        return Err(ModelError::Version { found, known: version });
    }
    if *schema != SCHEMA.hash().to_string() {
        return Err(ModelError::Schema { found: (*schema).to_owned(), known: SCHEMA.hash() });
    }
    if *sum != format!("{:016x}", hash(body)) {
        return Err(ModelError::Damaged("the checksum does not fit".to_owned()));
    }
    postcard::from_bytes(body).map_err(|error| ModelError::Damaged(error.to_string()))
}

const LONGEST_HEAD: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_comes_back_and_anything_else_is_refused() {
        let bytes = pack("forest", 3, &vec![1.5_f32, 2.5]);
        assert_eq!(unpack::<Vec<f32>>("forest", 3, &bytes).unwrap(), [1.5, 2.5]);
        let told =
            |bytes: &[u8], kind, version| unpack::<Vec<f32>>(kind, version, bytes).unwrap_err().to_string();
        assert!(told(&bytes, "baseline", 3).contains("no Fieldward model of kind baseline"));
        assert!(told(&bytes, "forest", 4).contains("version 3, this agent knows 4"));
        assert!(told(b"\x7fELF", "forest", 3).contains("no Fieldward model"));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x11;
            assert!(unpack::<Vec<f32>>("forest", 3, &damaged).is_err(), "byte {at}");
            assert!(unpack::<Vec<f32>>("forest", 3, &bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
