//! The aspects: each file turns what is seen into the facts of its subject. A new aspect is a `static`
//! in the file of its subject and its line in [`ASPECTS`].

mod assets;
mod modbus;
mod mqtt;
mod names;
mod pages;

use std::fmt;

use super::{Aspect, Fact};
use crate::frame::{Arp, Frame};
use crate::protocol::ProtocolEvent;
use crate::window::hash;

/// Every aspect.
pub static ASPECTS: &[&Aspect] = &[
    &assets::ASSET,
    &assets::CARD,
    &assets::LINK,
    &modbus::FUNCTION,
    &modbus::PLACE,
    &modbus::VALUE,
    &modbus::EXCEPTION,
    &mqtt::CLIENT,
    &mqtt::PUBLISH,
    &mqtt::SUBSCRIBE,
    &names::NAME,
    &names::LENGTH,
    &pages::PAGE,
    &pages::PROGRAM,
    &pages::REFUSAL,
];

/// What aspects keep between packets.
#[derive(Default)]
pub struct State {
    assets: assets::State,
    scratch: Vec<u8>,
}

/// Takes facts.
pub type Told<'a> = dyn FnMut(&Fact<'_>) + 'a;

/// The facts of a frame.
pub fn frame(state: &mut State, frame: &Frame<'_>, told: &mut Told<'_>) {
    state.assets.frame(frame, told);
}

/// The facts of an ARP packet.
pub fn arp(state: &mut State, arp: &Arp, told: &mut Told<'_>) {
    state.assets.arp(arp, told);
}

/// The facts of an event.
pub fn event(state: &mut State, event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
    match event.proto {
        "modbus" => modbus::event(event, told),
        "mqtt" => mqtt::event(event, told),
        "dns" => names::event(event, &mut state.scratch, told),
        "http" => pages::event(event, told),
        _ => {}
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

/// Text from the wire as it may stand in a book: no separators, no control characters, not too long.
struct Clean<'a>(&'a [u8]);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(MOST_TEXT) {
            let shown = if byte.is_ascii_graphic() && *byte != b'|' { char::from(*byte) } else { '?' };
            fmt::Write::write_char(f, shown)?;
        }
        Ok(())
    }
}

const MOST_TEXT: usize = 120;
