//! The weights of a network as one row of numbers, and the layout that says which number is which.
//! Vectors of different layouts are never mixed: a vector carries the hash of its layout, and only
//! [`WeightVector::new`] and [`WeightVector::fit`] bring the two together.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Which part of a vector is which tensor, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    parts: Vec<Part>,
}

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its shape, row by row in memory.
    pub shape: Vec<u32>,
}

/// What a layout is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LayoutHash(pub u64);

/// Weights, and the layout they belong to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightVector {
    layout: LayoutHash,
    values: Vec<f32>,
}

/// Why weights do not fit a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// They belong to another layout.
    Layout {
        /// The one of the vector.
        found: LayoutHash,
        /// The one that was asked for.
        wanted: LayoutHash,
    },
    /// There are more or fewer of them.
    Length {
        /// In the vector.
        found: usize,
        /// In the layout.
        wanted: usize,
    },
    /// One of them is not a number.
    NotFinite {
        /// Which.
        at: usize,
    },
}

impl Layout {
    /// The layout of these tensors.
    pub fn new<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [usize])>) -> Self {
        let parts = parts.into_iter().map(|(name, shape)| Part {
            name: name.to_owned(),
            shape: shape.iter().map(|length| *length as u32).collect(),
        });
        Self { parts: parts.collect() }
    }

    /// How many weights there are.
    pub fn count(&self) -> usize {
        self.parts.iter().map(Part::count).sum()
    }

    /// The tensors.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Where a tensor lies.
    pub fn range(&self, name: &str) -> Option<Range<usize>> {
        let mut start = 0;
        for part in &self.parts {
            if part.name == name {
                return Some(start..start + part.count());
            }
            start += part.count();
        }
        None
    }

    /// The hash of names and shapes (FNV-1a).
    pub fn hash(&self) -> LayoutHash {
        let bytes = self.parts.iter().flat_map(|part| {
            let shape = part.shape.iter().flat_map(|length| length.to_le_bytes());
            part.name.bytes().chain([0, part.shape.len() as u8]).chain(shape)
        });
        LayoutHash(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

impl Part {
    fn count(&self) -> usize {
        self.shape.iter().map(|length| *length as usize).product()
    }
}

impl WeightVector {
    /// Weights in this layout.
    pub fn new(layout: &Layout, values: Vec<f32>) -> Result<Self, Misfit> {
        let vector = Self { layout: layout.hash(), values };
        vector.fit(layout)?;
        Ok(vector)
    }

    /// Holds them against a layout; they may have come from anywhere.
    pub fn fit(&self, layout: &Layout) -> Result<(), Misfit> {
        if self.layout != layout.hash() {
            return Err(Misfit::Layout { found: self.layout, wanted: layout.hash() });
        }
        if self.values.len() != layout.count() {
            return Err(Misfit::Length { found: self.values.len(), wanted: layout.count() });
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(Misfit::NotFinite { at }),
            None => Ok(()),
        }
    }

    /// Others in the same layout.
    pub fn with(&self, values: Vec<f32>) -> Result<Self, Misfit> {
        if values.len() != self.values.len() {
            return Err(Misfit::Length { found: values.len(), wanted: self.values.len() });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => Err(Misfit::NotFinite { at }),
            None => Ok(Self { layout: self.layout, values }),
        }
    }

    /// The layout they belong to.
    pub const fn layout(&self) -> LayoutHash {
        self.layout
    }

    /// The numbers.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The numbers, to change them.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }
}

impl fmt::Display for LayoutHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout { found, wanted } => write!(f, "weights of layout {found}, wanted {wanted}"),
            Self::Length { found, wanted } => write!(f, "{found} weights, wanted {wanted}"),
            Self::NotFinite { at } => write!(f, "weight {at} is not a finite number"),
        }
    }
}

impl std::error::Error for Misfit {}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout::new([("in", &[2, 3][..]), ("bias", &[3][..])])
    }

    #[test]
    fn a_layout_says_where_everything_lies() {
        assert_eq!(layout().count(), 9);
        assert_eq!(layout().range("bias"), Some(6..9));
        assert_eq!(layout().range("out"), None);
        assert_ne!(layout().hash(), Layout::new([("in", &[3, 2][..]), ("bias", &[3][..])]).hash());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(WeightVector::new(&layout(), vec![0.5; 9]).is_ok());
        assert_eq!(WeightVector::new(&layout(), vec![0.5; 8]), Err(Misfit::Length { found: 8, wanted: 9 }));
        let mut values = vec![0.5; 9];
        values[4] = f32::NAN;
        assert_eq!(WeightVector::new(&layout(), values), Err(Misfit::NotFinite { at: 4 }));
        let vector = WeightVector::new(&layout(), vec![0.5; 9]).unwrap();
        assert!(matches!(vector.fit(&Layout::new([("in", &[9][..])])), Err(Misfit::Layout { .. })));
    }
}
