//! What Modbus messages have in common, whatever carries them: how long a message of a function is,
//! what the function is called, and how much may be asked for.
//!
//! Lengths count the unit id and the function code, as the MBAP header does, so that they can be
//! compared with its length field directly.

use crate::flow::Direction;

/// Most bytes from the unit id to the end that the standard allows (MBAP, 4.1: 253 of PDU and the unit).
pub(in crate::protocol) const MOST_LENGTH: usize = 254;

/// What the function and the first bytes after it tell about the length of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Length {
    /// The function does not say.
    Any,
    /// So many bytes, or the message contradicts itself.
    Exactly(usize),
    /// The byte that says it is not among those at hand; it is there when so many bytes are.
    Unseen(usize),
}

/// The length of a message of function `func` that goes on with `body`.
#[inline]
pub(in crate::protocol) fn length(from: Direction, func: u8, body: &[u8]) -> Length {
    match (func, from) {
        (1..=6, Direction::ToServer) => Length::Exactly(6),
        (1..=4, Direction::ToClient) => counted(3, body, 0),
        (5 | 6 | 11 | 15 | 16, Direction::ToClient) => Length::Exactly(6),
        (7 | 11 | 12 | 17, Direction::ToServer) => Length::Exactly(2),
        (7, Direction::ToClient) => Length::Exactly(3),
        (8, _) => diagnostics(body),
        (15 | 16, Direction::ToServer) => counted(7, body, 4),
        (12 | 17 | 20 | 21 | 23, Direction::ToClient) | (20 | 21, Direction::ToServer) => counted(3, body, 0),
        (22, _) => Length::Exactly(8),
        (23, Direction::ToServer) => counted(11, body, 8),
        (24, Direction::ToServer) => Length::Exactly(4),
        (24, Direction::ToClient) => match body.first_chunk::<2>() {
            Some(count) => Length::Exactly(usize::from(u16::from_be_bytes(*count)).saturating_add(4)),
            None => Length::Unseen(4),
        },
        (43, Direction::ToServer) => match body.first() {
            Some(&READ_DEVICE_IDENTIFICATION) => Length::Exactly(5),
            Some(_) => Length::Any,
            None => Length::Unseen(3),
        },
        (0x80.., Direction::ToClient) => Length::Exactly(3),
        _ => Length::Any,
    }
}

/// A length of `fixed` bytes and as many more as the byte at `place` counts.
#[inline]
fn counted(fixed: usize, body: &[u8], place: usize) -> Length {
    match body.get(place) {
        Some(count) => Length::Exactly(fixed.saturating_add(usize::from(*count))),
        None => Length::Unseen(place.saturating_add(3)),
    }
}

/// Only the echo of subfunction 0 may carry more than one word (Application Protocol, 6.8.1).
fn diagnostics(body: &[u8]) -> Length {
    match body.first_chunk::<2>() {
        Some([0, 0]) => Length::Any,
        Some(_) => Length::Exactly(6),
        None => Length::Unseen(4),
    }
}

/// The function has a place in the standard, so that its messages can be told from other bytes.
pub(in crate::protocol) const fn is_public(func: u8) -> bool {
    matches!(func, 1..=8 | 11 | 12 | 15..=17 | 20..=24 | 43)
}

/// The name of a function; the high bit, which marks exceptions, is cleared.
#[inline]
pub(in crate::protocol) const fn name(func: u8) -> &'static str {
    match func {
        0 => "invalid",
        1 => "read_coils",
        2 => "read_discrete_inputs",
        3 => "read_holding_registers",
        4 => "read_input_registers",
        5 => "write_single_coil",
        6 => "write_single_register",
        7 => "read_exception_status",
        8 => "diagnostics",
        11 => "get_comm_event_counter",
        12 => "get_comm_event_log",
        15 => "write_multiple_coils",
        16 => "write_multiple_registers",
        17 => "report_server_id",
        20 => "read_file_record",
        21 => "write_file_record",
        22 => "mask_write_register",
        23 => "read_write_multiple_registers",
        24 => "read_fifo_queue",
        43 => "encapsulated_interface_transport",
        65..=72 | 100..=110 => "user_defined",
        UMAS => "umas",
        // Used by some companies for older products and not open to others (Annex A).
        9 | 10 | 13 | 14 | 41 | 42 | 91 | 125..=127 => "vendor",
        _ => "unassigned",
    }
}

/// The most coils or registers that one message of a function may carry (Application Protocol, 6).
#[inline]
pub(super) const fn most(func: u8) -> u16 {
    match func {
        1 | 2 => 2000,
        15 => 1968,
        16 => 123,
        // The half of 23 that is written carries 121; it is checked where it is read.
        _ => 125,
    }
}

/// Bytes that `bits` coils take.
#[inline]
pub(super) const fn packed(bits: u16) -> usize {
    bits.div_ceil(8) as usize
}

/// The function that Schneider's controllers use for everything else; its messages may be longer.
pub(super) const UMAS: u8 = 90;

/// MEI type of CANopen references (Application Protocol, 6.20).
pub(super) const CANOPEN: u8 = 13;

/// MEI type of the device identification (Application Protocol, 6.21).
pub(super) const READ_DEVICE_IDENTIFICATION: u8 = 14;

/// What is wrong with a message that ends before its function's fields do.
pub(super) const SHORT: Option<&str> = Some("shorter than its function needs");
