//! The scaling that plants have in common. Weights that plants share mean the same everywhere only if what they are
//! multiplied with does. How much features vary within a plant is alike everywhere and part of the program, from
//! simulated plants of all kinds and sizes (`bench-learn scaling`); around which level they vary is not: that is the
//! plant's own.

use std::sync::LazyLock;

use super::dataset::Scaler;
use crate::features::SCHEMA;

/// The common scaling, around the mean of those plants; none when its table does not fit the features, which a test rules out.
pub fn common() -> Option<&'static Scaler> {
    static COMMON: LazyLock<Option<Scaler>> = LazyLock::new(|| read(TABLE));
    COMMON.as_ref()
}

/// As it stands in the table.
pub fn write(scaler: &Scaler) -> String {
    let line =
        |(name, (mean, deviation)): (&&str, (f32, f32))| format!("{mean:.4}\t{deviation:.4}\t{name}\n");
    SCHEMA.names().iter().zip(scaler.parts()).map(line).collect()
}

fn read(table: &str) -> Option<Scaler> {
    let (mut means, mut deviations) = (Vec::new(), Vec::new());
    let mut names = SCHEMA.names().iter();
    for line in table.lines() {
        let mut parts = line.split('\t');
        means.push(parts.next()?.parse().ok()?);
        deviations.push(parts.next()?.parse().ok()?);
        if parts.next() != names.next().copied() {
            return None;
        }
    }
    Some(Scaler::new(means, deviations)).filter(Scaler::fits)
}

const TABLE: &str = include_str!("../../models/scaling.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_the_features() {
        let scaler = common().unwrap();
        assert_eq!(read(&write(scaler)).as_ref(), Some(scaler));
        assert!(read("").is_none() && read(&TABLE.replacen('\t', " ", 1)).is_none());
        let (first, rest) = TABLE.split_once('\n').unwrap();
        assert!(read(&format!("{rest}{first}\n")).is_none(), "names in another order");
    }
}
