//! The part of the configuration that says what time people are to take, and what things cost. What is not said
//! is not made up: figures of it are null.

use fieldward_shared::alert::Severity;
use serde::Deserialize;

/// Goals and prices.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct BusinessConfig {
    /// Within so many minutes somebody is to be at a critical alert, …
    pub acknowledge_critical: Option<u32>,
    /// at a high one, …
    pub acknowledge_high: Option<u32>,
    /// at a medium one, …
    pub acknowledge_medium: Option<u32>,
    /// at a low one.
    pub acknowledge_low: Option<u32>,
    /// Within so many minutes a critical alert is to be closed, …
    pub resolve_critical: Option<u32>,
    /// a high one, …
    pub resolve_high: Option<u32>,
    /// a medium one, …
    pub resolve_medium: Option<u32>,
    /// a low one.
    pub resolve_low: Option<u32>,
    /// In what prices are.
    pub currency: Option<String>,
    /// Of a GiB of the database for 30 days.
    pub price_stored: Option<f64>,
    /// Of a GiB of traffic that agents watched.
    pub price_watched: Option<f64>,
}

impl BusinessConfig {
    /// Minutes until somebody is to be at an alert.
    pub const fn acknowledge(&self, severity: Severity) -> Option<u32> {
        match severity {
            Severity::Critical => self.acknowledge_critical,
            Severity::High => self.acknowledge_high,
            Severity::Medium => self.acknowledge_medium,
            Severity::Low => self.acknowledge_low,
        }
    }

    /// Minutes until an alert is to be closed.
    pub const fn resolve(&self, severity: Severity) -> Option<u32> {
        match severity {
            Severity::Critical => self.resolve_critical,
            Severity::High => self.resolve_high,
            Severity::Medium => self.resolve_medium,
            Severity::Low => self.resolve_low,
        }
    }

    /// What is wrong with it: which key, and what.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, price) in
            [("business.price_stored", self.price_stored), ("business.price_watched", self.price_watched)]
        {
            if price.is_some_and(|price| !(0.0..1e9).contains(&price)) {
                return Err((key, "no price from 0 to a billion".to_owned()));
            }
        }
        let has_price = self.price_stored.or(self.price_watched).is_some();
        match &self.currency {
            None if has_price => {
                Err(("business.currency", "there are prices, and nobody says in what".to_owned()))
            }
            Some(text) if !(1..=8).contains(&text.chars().count()) => {
                Err(("business.currency", format!("\"{text}\" is no currency like EUR")))
            }
            _ => Ok(()),
        }
    }
}
