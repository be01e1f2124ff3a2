//! The clock of a pcapng interface: what its ticks are in microseconds.
//!
//! An interface may count in any power of ten or two of a second, from any second on. Arithmetic
//! saturates; fractions of a microsecond are cut off.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

use fieldward_shared::time::Timestamp;

use crate::capture::order::Record;

/// How an interface tells the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    unit: Unit,
    /// Microseconds from the epoch to tick 0.
    offset: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A tick has this many microseconds.
    Micros(u64),
    /// A microsecond has this many ticks.
    PerMicro(u64),
    /// A second has this power of two ticks.
    PowerOfTwo(u32),
}

impl Clock {
    /// The clock that the options at the end of an interface block describe; microseconds when
    /// they do not. Options that run past the block are none.
    pub(super) fn from_options(options: &mut Record<'_>) -> Self {
        let mut clock = Self { unit: Unit::Micros(1), offset: 0 };
        while let (Some(code), Some(length)) = (options.u16(), options.u16()) {
            let Some(value) = options.take(length.into()) else { break };
            let mut value = Record { order: options.order, rest: value };
            match (code, length) {
                (END, _) => break,
                (RESOLUTION, 1..) => {
                    clock.unit = value.rest.first().map_or(clock.unit, |byte| Unit::of(*byte));
                }
                (OFFSET, 8) => {
                    if let Some(seconds) = value.i64() {
                        clock.offset = seconds.saturating_mul(1_000_000);
                    }
                }
                _ => {}
            }
            let padding = usize::from(length).wrapping_neg() & 3;
            if options.take(padding).is_none() {
                break;
            }
        }
        clock
    }

    /// The time at `ticks`.
    pub(super) fn time(self, ticks: u64) -> Timestamp {
        let micros = match self.unit {
            Unit::Micros(factor) => ticks.saturating_mul(factor),
            Unit::PerMicro(divisor) => ticks.checked_div(divisor).unwrap_or(0),
            Unit::PowerOfTwo(power) => {
                let scaled = u128::from(ticks).saturating_mul(1_000_000);
                u64::try_from(scaled.checked_shr(power).unwrap_or(0)).unwrap_or(u64::MAX)
            }
        };
        Timestamp::from_micros(micros.saturating_add_signed(self.offset))
    }
}

impl Unit {
    /// What the option if_tsresol says: a negative power of ten, or of two when the highest bit is set.
    fn of(byte: u8) -> Self {
        let power = u32::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            return Self::PowerOfTwo(power);
        }
        match power.checked_sub(6) {
            None => Self::Micros(10_u64.saturating_pow(6_u32.saturating_sub(power))),
            // A power that is too large for the number means that no microsecond ever passes.
            Some(finer) => Self::PerMicro(10_u64.checked_pow(finer).unwrap_or(u64::MAX)),
        }
    }
}

const END: u16 = 0;
const RESOLUTION: u16 = 9;
const OFFSET: u16 = 14;
