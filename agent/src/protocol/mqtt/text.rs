//! Strings on the wire, and what topics may look like.

use super::message::{CUT_SHORT, Fault};
use crate::bytes::Reader;

/// A string or binary field: two bytes of length, then so many bytes. Not checked yet, so that
/// broken text can still be shown.
pub(super) fn field<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let mut ahead = *reader;
    let len = ahead.u16().ok_or(CUT_SHORT)?;
    let bytes = ahead.take(usize::from(len)).ok_or(CUT_SHORT)?;
    *reader = ahead;
    Ok(bytes)
}

/// Text is UTF-8 without the null character (MQTT 5.0, 1.5.4).
pub(super) fn check(text: &[u8]) -> Result<(), Fault> {
    if std::str::from_utf8(text).is_err() {
        return Err("text is no UTF-8");
    }
    if text.contains(&0) {
        return Err("null character in text");
    }
    Ok(())
}

/// The topic of a message: text without wildcards (MQTT 5.0, 4.7.1).
pub(super) fn check_topic(topic: &[u8]) -> Result<(), Fault> {
    check(topic)?;
    if topic.iter().any(|byte| matches!(byte, b'+' | b'#')) {
        return Err("wildcard in a topic name");
    }
    Ok(())
}

/// What is subscribed to: `#` only as the whole last level, `+` only as a whole level.
pub(super) fn check_filter(filter: &[u8]) -> Result<(), Fault> {
    check(filter)?;
    if filter.is_empty() {
        return Err("empty topic filter");
    }
    let mut before = b'/';
    let mut levels = filter.iter().copied().peekable();
    while let Some(byte) = levels.next() {
        let after = levels.peek().copied();
        let whole_level = before == b'/' && matches!(after, None | Some(b'/'));
        let fits = match byte {
            b'#' => before == b'/' && after.is_none(),
            b'+' => whole_level,
            _ => true,
        };
        if !fits {
            return Err("misplaced wildcard in a topic filter");
        }
        before = byte;
    }
    Ok(())
}
