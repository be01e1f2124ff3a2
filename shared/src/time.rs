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

impl Timestamp {
    /// As RFC 3339 writes it, in UTC with microseconds.
    pub fn rfc3339(self) -> String {
        let (days, second) = (self.0 / DAY, self.0 % DAY / 1_000_000);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:06}Z", self.0 % 1_000_000)
    }

    /// Reads what [`Self::rfc3339`] writes; an offset other than Z is refused.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let mut date = date.splitn(3, '-').map(str::parse::<u64>);
        let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut time = time.splitn(3, ':').map(str::parse::<u64>);
        let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next()?.ok()?);
        let digits = fraction.get(..fraction.len().min(6))?;
        let micros = digits.parse::<u64>().ok()? * 10_u64.pow(6 - digits.len() as u32);
        if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Self(seconds * 1_000_000 + micros))
    }
}

/// Year, month and day of a day since 1970 (Gregorian; eras of 400 years that begin in March).
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day) = (shifted / 146_097, shifted % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (month, day) = (if month < 10 { month + 3 } else { month - 9 }, day - (153 * month + 2) / 5 + 1);
    (year + era * 400 + (month <= 2) as u64, month, day)
}

/// The day since 1970 of a date.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - (month <= 2) as u64;
    let (era, year) = (year / 400, year % 400);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day = (153 * month + 2) / 5 + day - 1 + 365 * year + year / 4 - year / 100;
    (era * 146_097 + day).saturating_sub(719_468)
}

/// Timestamps in JSON.
pub mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Timestamp;

    /// Writes a timestamp.
    pub fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&at.rfc3339())
    }

    /// Reads a timestamp.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(from)?;
        Timestamp::parse_rfc3339(&text)
            .ok_or_else(|| D::Error::custom(format!("\"{text}\" is no time in UTC")))
    }
}

/// Microseconds of a day.
const DAY: u64 = 86_400_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_and_read_as_rfc_3339_says() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399_000_001, "2000-02-28T23:59:59.000001Z"),
            (951_868_799_000_000, "2000-02-29T23:59:59.000000Z"),
            (1_741_000_000_123_456, "2025-03-03T11:06:40.123456Z"),
            (4_102_444_800_000_000, "2100-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).rfc3339(), text);
            assert_eq!(Timestamp::parse_rfc3339(text), Some(Timestamp::from_micros(micros)));
        }
        for days_on in 0..80_000 {
            let (year, month, day) = civil(days_on);
            assert_eq!(days(year, month, day), days_on);
        }
        for wrong in
            ["", "2025-03-03", "2025-13-03T00:00:00Z", "2025-03-03T25:00:00Z", "2025-03-03T00:00:00+01:00"]
        {
            assert_eq!(Timestamp::parse_rfc3339(wrong), None, "{wrong}");
        }
    }

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
