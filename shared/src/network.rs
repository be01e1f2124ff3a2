//! The weights of a network as a file: how the first version that plants learn from gets from an agent to the
//! aggregator, which knows no network.

use serde::{Deserialize, Serialize};

use crate::identity::{from_hex, to_hex};

/// A network, and weights of it.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkFile {
    /// Its name.
    pub network: String,
    /// Hash of the names and shapes of its tensors.
    pub layout: u64,
    /// Hash of what it is fed with.
    pub schema: u64,
    /// Finite.
    pub weights: Vec<f32>,
}

/// Why bytes are no such file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no file of a network: {0}; make one: fieldward-agent network NAME >FILE")]
pub struct NoNetwork(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: String,
    network: String,
    layout: String,
    feature_schema: String,
    weights: String,
}

impl NetworkFile {
    /// As text: JSON.
    pub fn write(&self) -> String {
        let weights: Vec<u8> = self.weights.iter().flat_map(|weight| weight.to_le_bytes()).collect();
        let written = Written {
            format: FORMAT.to_owned(),
            network: self.network.clone(),
            layout: format!("{:016x}", self.layout),
            feature_schema: format!("{:016x}", self.schema),
            weights: to_hex(&weights),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }

    /// Reads one; it may have come from anywhere.
    pub fn read(text: &[u8]) -> Result<Self, NoNetwork> {
        let written: Written = serde_json::from_slice(text).map_err(|error| NoNetwork(error.to_string()))?;
        if written.format != FORMAT {
            return Err(NoNetwork(format!("its format is not '{FORMAT}'")));
        }
        let number = |name: &str, text: &str| {
            let number = u64::from_str_radix(text, 16);
            number.map_err(|_| NoNetwork(format!("{name} is no number of 16 hexadecimal digits")))
        };
        let bytes = from_hex(&written.weights).filter(|bytes| bytes.len().is_multiple_of(4));
        let bytes = bytes.ok_or_else(|| NoNetwork("its weights are cut off".to_owned()))?;
        let weights: Vec<f32> = bytes
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
            .collect();
        if weights.is_empty() || !weights.iter().all(|weight| weight.is_finite()) {
            return Err(NoNetwork("its weights are none, or not finite".to_owned()));
        }
        Ok(Self {
            layout: number("layout", &written.layout)?,
            schema: number("feature_schema", &written.feature_schema)?,
            network: written.network,
            weights,
        })
    }
}

const FORMAT: &str = "fieldward network 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let file =
            NetworkFile { network: "one".into(), layout: 7, schema: u64::MAX, weights: vec![0.5, -1e-9] };
        let text = file.write();
        assert_eq!(NetworkFile::read(text.as_bytes()), Ok(file.clone()));
        let wild = NetworkFile { weights: vec![f32::NAN], ..file.clone() }.write();
        let none = NetworkFile { weights: vec![], ..file }.write();
        let other = text.replace("network 1", "network 2");
        let cut = text.replace("\"}", "00\"}");
        for wrong in [wild, none, other, cut, "{}".to_owned(), String::new()] {
            assert!(NetworkFile::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
