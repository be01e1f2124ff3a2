//! The aspects: each file turns what is seen into the facts of its subject. A new aspect is a `static`
//! in the file of its subject and its line in [`ASPECTS`].

mod assets;
mod modbus;
mod mqtt;
mod names;
mod pages;
mod rates;
mod readings;
mod silence;
mod streams;

use std::fmt;
use std::net::IpAddr;

use fieldward_shared::time::Timestamp;

use super::{Aspect, Book, Fact};
use crate::flow::Addr;
use crate::frame::{Arp, Frame};
use crate::protocol::{ProtocolEvent, Value};
use crate::window::quick as hash;

/// Every aspect.
pub static ASPECTS: &[&Aspect] = &[
    &assets::ASSET,
    &assets::CARD,
    &assets::LINK,
    &assets::CALL,
    &assets::TALK,
    &assets::ASKS,
    &assets::PEERS,
    &streams::FORGED,
    &streams::MALFORMED,
    &modbus::FUNCTION,
    &modbus::WRITE,
    &modbus::SERVICE,
    &modbus::PLACE,
    &modbus::VALUE,
    &modbus::EXCEPTION,
    &readings::STEP,
    &readings::RANGE,
    &readings::REPEAT,
    &mqtt::CLIENT,
    &mqtt::REFUSED,
    &mqtt::PUBLISH,
    &mqtt::ERASE,
    &mqtt::SUBSCRIBE,
    &mqtt::EVERYTHING,
    &names::NAME,
    &names::LENGTH,
    &pages::PAGE,
    &pages::CHANGE,
    &pages::LOGIN,
    &pages::PROGRAM,
    &pages::REFUSAL,
    &silence::GAP,
    &silence::BACK,
    &rates::CONNECTS,
    &rates::CALLED,
    &rates::RESETS,
    &rates::HOSTS,
    &rates::PORTS,
    &rates::ASKED,
    &rates::REQUESTS,
    &rates::WRITES,
    &rates::EXCEPTIONS,
    &rates::UNITS,
    &rates::PLACES,
    &rates::SAME,
    &rates::LOGINS,
    &rates::MESSAGES,
    &rates::QUERIES,
    &rates::NAMES,
    &rates::PAGES,
    &rates::REFUSALS,
];

/// What aspects keep between packets.
#[derive(Default)]
pub struct State {
    assets: assets::State,
    rates: rates::State,
    readings: readings::State,
    silence: silence::State,
    points: modbus::State,
    scratch: Vec<u8>,
}

impl State {
    /// With what only a book tells.
    pub fn of(book: &Book) -> Self {
        Self { assets: assets::State::of(book), points: modbus::State::of(book), ..Self::default() }
    }
}

/// Takes facts, and says whether they are as they should be.
pub type Told<'a> = dyn FnMut(&Fact<'_>) -> bool + 'a;

/// The facts of a frame.
pub fn frame(state: &mut State, ts: Timestamp, frame: &Frame<'_>, told: &mut Told<'_>) {
    state.assets.frame(ts, frame, told);
    state.rates.frame(ts, frame, told);
}

/// The facts of an ARP packet.
pub fn arp(state: &mut State, ts: Timestamp, arp: &Arp, told: &mut Told<'_>) {
    state.assets.arp(ts, arp, told);
    state.rates.arp(ts, arp, told);
}

/// The facts of an event.
pub fn event(state: &mut State, event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
    streams::malformed(event, told);
    match event.proto {
        "modbus" => {
            modbus::event(event, &mut state.points, told);
            state.readings.event(event, told);
        }
        "mqtt" => mqtt::event(event, &mut state.scratch, told),
        "dns" => {
            if !names::event(event, &mut state.scratch, told) {
                return;
            }
        }
        "http" => pages::event(event, &mut state.scratch, told),
        "tcp" => streams::event(event, told),
        _ => return,
    }
    state.silence.event(event);
    state.rates.event(event, &state.scratch, told);
}

/// The facts of a second that is over; `heard` is whether anything came by at all.
pub fn second(state: &mut State, heard: bool, told: &mut Told<'_>) {
    if heard {
        state.silence.second(told);
    }
}

/// The number of a fact, from what makes it.
fn key(aspect: &Aspect, actor: &[u8], parts: &[u64]) -> u64 {
    let mut key = hash(aspect.name.as_bytes()) ^ hash(actor);
    for part in parts {
        key = (key.rotate_left(23) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    key ^ key >> 29
}

/// Whether an address is that of many: multicast, or the last of a network as nearly all are cut.
pub(super) fn is_everyone(addr: Addr) -> bool {
    match addr.ip() {
        IpAddr::V4(ip) => ip.is_multicast() || ip.octets()[3] == 255,
        IpAddr::V6(ip) => ip.is_multicast(),
    }
}

fn text<'a>(event: &ProtocolEvent<'a>, name: &str) -> &'a [u8] {
    match event.get(name) {
        Some(Value::Text(text)) => text,
        _ => &[],
    }
}

fn number(event: &ProtocolEvent<'_>, name: &str) -> Option<u64> {
    event.get(name).and_then(Value::number)
}

fn word(event: &ProtocolEvent<'_>, name: &str) -> &'static str {
    match event.get(name) {
        Some(Value::Str(word)) => word,
        _ => "",
    }
}

/// Text from the wire as it may stand in a book: no separators, no control characters, not too long.
struct Clean<'a>(&'a [u8]);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(MOST_TEXT) {
            let shown =
                if byte.is_ascii_graphic() && !b"|@".contains(byte) { char::from(*byte) } else { '?' };
            fmt::Write::write_char(f, shown)?;
        }
        Ok(())
    }
}

/// The same text with `#` for what is made anew each time: long numbers and serials.
fn without_serials(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut rest = &text[..text.len().min(MOST_TEXT)];
    while let Some((first, _)) = rest.split_first() {
        let run = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let digits = rest[..run].iter().filter(|byte| byte.is_ascii_digit()).count();
        if run >= SERIAL && digits > 0 || digits == run && run > SERIAL - 2 {
            out.push(b'#');
        } else {
            out.extend_from_slice(if run > 0 { &rest[..run] } else { std::slice::from_ref(first) });
        }
        rest = &rest[run.max(1)..];
    }
}

const MOST_TEXT: usize = 120;
/// Hexadecimal digits that are taken for a serial number.
const SERIAL: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_all_the_same() {
        let mut out = Vec::new();
        for (text, expected) in [
            ("water-sensor2", "water-sensor2"),
            ("py-0a3f1", "py-#"),
            ("station-1234", "station-#"),
            ("/firmware/PLC-300", "/firmware/PLC-300"),
            ("/report/20260101", "/report/#"),
            ("decade", "decade"),
            ("", ""),
        ] {
            without_serials(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn clean_text_has_no_separators() {
        assert_eq!(Clean("a|b @ c\n\u{e9}".as_bytes()).to_string(), "a?b???c???");
    }
}
