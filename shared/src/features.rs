//! What the numbers mean that models are fed with: their names in order, and a hash of them. Two agents
//! whose hashes differ are never mixed, and a model is refused by an agent with another one.

use std::fmt;

/// The names of features, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureSchema {
    names: Vec<&'static str>,
    hash: SchemaHash,
}

/// What a schema is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SchemaHash(pub u64);

impl FeatureSchema {
    /// The schema of these features.
    pub fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        // FNV-1a, with a byte between names that no name has.
        let bytes = names.iter().flat_map(|name| name.bytes().chain([0]));
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { names, hash: SchemaHash(hash) }
    }

    /// The names.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The hash.
    pub const fn hash(&self) -> SchemaHash {
        self.hash
    }
}

impl fmt::Display for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_names_make_the_hash() {
        let hash = |names: &[&'static str]| FeatureSchema::new(names.iter().copied()).hash();
        assert_eq!(hash(&["a", "b"]), hash(&["a", "b"]));
        assert_ne!(hash(&["a", "b"]), hash(&["b", "a"]));
        assert_ne!(hash(&["a", "b"]), hash(&["ab"]));
    }
}
