//! Packet time: microseconds since the Unix epoch, the only time that detection knows.
//!
//! From packet to alert nothing reads a clock, so one capture gives the same answers live,
//! replayed, slow or fast. Arithmetic saturates: a packet whose time stands still or runs
//! backwards must not stop anything.

use std::fmt;

/// A moment in packet time, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `micros` microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Microseconds from `earlier` until now; 0 when time went backwards between them.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `micros` microseconds later.
    pub const fn plus(self, micros: u64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backwards_time_counts_as_none() {
        let early = Timestamp::from_micros(5);
        let late = Timestamp::from_micros(9);
        assert_eq!(late.since(early), 4);
        assert_eq!(early.since(late), 0);
    }

    #[test]
    fn prints_six_digits_of_fraction() {
        assert_eq!(Timestamp::from_micros(1_700_000_000_000_042).to_string(), "1700000000.000042");
    }
}
