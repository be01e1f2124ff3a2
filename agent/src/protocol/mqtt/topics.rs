//! The list of a SUBSCRIBE or UNSUBSCRIBE: checked once, walked again only when it is shown.

use super::message::{CUT_SHORT, Fault};
use super::text;
use crate::bytes::Reader;
use crate::protocol::{Fields, Rows};

/// Topic filters, with their options in a SUBSCRIBE.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Topics<'a> {
    /// The entries that are whole.
    whole: &'a [u8],
    options: bool,
    version: u8,
}

struct Entry<'a> {
    filter: &'a [u8],
    options: u8,
}

impl<'a> Topics<'a> {
    /// Reads a list; what was whole before a fault is kept.
    pub(super) fn read(list: &'a [u8], options: bool, version: u8) -> (Self, Result<(), Fault>) {
        let mut topics = Self { whole: list, options, version };
        let mut reader = Reader::new(list);
        let mut found = if list.is_empty() { Err("no topic filter") } else { Ok(()) };
        while reader.left() > 0 {
            let before = reader.position();
            let Some(entry) = topics.next(&mut reader) else {
                topics.whole = list.get(..before).unwrap_or_default();
                return (topics, Err(CUT_SHORT));
            };
            found = found.and(text::check_filter(entry.filter)).and(check_options(entry.options, version));
        }
        (topics, found)
    }

    /// The first filter.
    pub(super) fn first(&self) -> Option<&'a [u8]> {
        Some(self.next(&mut Reader::new(self.whole))?.filter)
    }

    pub(super) const fn any(&self) -> bool {
        !self.whole.is_empty()
    }

    fn next(&self, reader: &mut Reader<'a>) -> Option<Entry<'a>> {
        let filter = text::field(reader).ok()?;
        let options = if self.options { reader.u8()? } else { 0 };
        Some(Entry { filter, options })
    }
}

/// MQTT 5.0, 3.8.3.1: QoS, no-local, retain-as-published, retain handling; before version 5 the QoS
/// alone.
fn check_options(options: u8, version: u8) -> Result<(), Fault> {
    if options & 3 == 3 {
        return Err("requested QoS 3");
    }
    let reserved = if version == 5 { 0xc0 } else { 0xfc };
    if options & reserved != 0 {
        return Err("reserved bits of a subscription are set");
    }
    if options & 0x30 == 0x30 {
        return Err("retain handling 3");
    }
    Ok(())
}

impl Rows for Topics<'_> {
    fn each(&self, row: &mut dyn FnMut(&[crate::protocol::Field<'_>])) {
        let mut reader = Reader::new(self.whole);
        while let Some(entry) = self.next(&mut reader) {
            let mut fields = Fields::new();
            fields.text("topic", entry.filter);
            if self.options {
                fields.number("qos", entry.options & 3);
            }
            if self.options && self.version == 5 {
                fields.bool("no_local", entry.options & 4 != 0);
                fields.bool("retain_as_published", entry.options & 8 != 0);
                fields.number("retain_handling", entry.options >> 4 & 3);
            }
            row(fields.as_slice());
        }
    }
}
