//! Features: what models see of a second. Each is a name and a small function of a bucket; its line
//! stands in the list of its subject, and the subjects in [`FEATURES`].
//!
//! Counts are taken by their logarithm, so that twice as much is as far from normal at night as by day.

mod dns;
mod http;
mod modbus;
mod mqtt;
mod traffic;

use std::sync::LazyLock;

use fieldward_shared::features::FeatureSchema;

use crate::window::Bucket;

/// Every feature, by subject.
pub const FEATURES: &[&[Feature]] =
    &[traffic::FEATURES, modbus::FEATURES, mqtt::FEATURES, dns::FEATURES, http::FEATURES];

/// A feature.
pub struct Feature {
    /// Its name, as people read it in evidence.
    pub name: &'static str,
    /// Its value.
    pub of: fn(&Bucket) -> f32,
}

/// Names and order of all features.
pub static SCHEMA: LazyLock<FeatureSchema> =
    LazyLock::new(|| FeatureSchema::new(FEATURES.iter().copied().flatten().map(|feature| feature.name)));

/// How many there are.
pub const COUNT: usize = {
    let mut count = 0;
    let mut subject = 0;
    while subject < FEATURES.len() {
        count += FEATURES[subject].len();
        subject += 1;
    }
    count
};

/// The features of a bucket.
pub fn of(bucket: &Bucket) -> [f32; COUNT] {
    let mut values = [0.0; COUNT];
    for (value, feature) in values.iter_mut().zip(FEATURES.iter().copied().flatten()) {
        *value = (feature.of)(bucket);
    }
    values
}

/// The logarithm of a count.
fn log(count: impl Into<f64>) -> f32 {
    count.into().ln_1p() as f32
}

/// One count as a share of another.
fn share(part: u32, whole: u32) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

/// The logarithm of a mean.
fn mean(sum: u64, count: u32) -> f32 {
    if count == 0 { 0.0 } else { log(sum as f64 / f64::from(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_has_a_name_of_its_own() {
        let mut names = SCHEMA.names().to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), COUNT);
    }

    #[test]
    fn every_feature_is_finite_whatever_was_counted() {
        let mut full = Bucket::default();
        full.traffic.packets = u32::MAX;
        full.traffic.bytes = u64::MAX;
        full.modbus.functions = u128::MAX;
        full.modbus.waited = u64::MAX;
        full.http.body = u64::MAX;
        for bucket in [Bucket::default(), full] {
            for (value, name) in of(&bucket).iter().zip(SCHEMA.names()) {
                assert!(value.is_finite(), "{name}: {value}");
            }
        }
    }
}
