//! Finding MQTT in bytes: is this flow MQTT, and where does the next packet begin.
//!
//! A beginning is believed when the packet there is sound in every part and, where bytes follow,
//! a packet follows too. Two-byte packets are weak proof, so what follows them must be sound.

use super::header::{Header, Kind, Start};
use super::message::{Head, Message, publish_head};
use crate::bytes::Reader;
use crate::protocol::{Probe, Search, Sender, Verdict};

/// How a packet at the front of some bytes looks.
enum Look {
    /// So far like one.
    Begun,
    No,
    /// Sound; of a PUBLISH, its part before the payload.
    Sound(Header),
}

/// Whether a packet begins with some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::protocol) enum Begins {
    No,
    /// It may, but too few bytes are there.
    Perhaps,
    Yes,
}

/// A message other than a PUBLISH that is longer is not looked for: waiting for its end could hide
/// the true next packet for long.
const LONGEST_SOUGHT: u64 = 16 * 1024;
/// A PUBLISH whose topic is longer is not looked for.
const LONGEST_TOPIC: usize = 1024;
/// Pings, acknowledgements and the like are so long.
const WEAK: usize = 4;
/// Packets in a row that must be sound, as far as the bytes go.
const CHAIN: usize = 3;

/// The next packet in `bytes` of a connection of this version (0: unknown).
pub(super) fn find(bytes: &[u8], version: u8) -> Search {
    let mut begun = None;
    for (at, first) in bytes.iter().enumerate() {
        if !may_begin(*first) {
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        match chain(rest, version) {
            // The end of a payload easily looks like one: with something before it and nothing after
            // it, it must wait for what follows.
            Look::Sound(_) if at > 0 && rest.len() <= WEAK => begun = begun.or(Some(at)),
            Look::Sound(_) => return Search::At(at),
            Look::Begun => begun = begun.or(Some(at)),
            Look::No => {}
        }
    }
    Search::Nothing { discard: begun.unwrap_or(bytes.len()) }
}

/// Whether a packet of this version begins with `bytes`.
pub(super) fn begins(bytes: &[u8], version: u8) -> Begins {
    match chain(bytes, version) {
        Look::Begun => Begins::Perhaps,
        Look::No => Begins::No,
        Look::Sound(_) => Begins::Yes,
    }
}

/// Is this MQTT?
pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    match greeting(probe.bytes) {
        Verdict::No if probe.usual_port => {}
        verdict => return verdict,
    }
    match chain(probe.bytes, 0) {
        Look::Sound(header) => return Verdict::Yes(sender(header.kind)),
        Look::Begun => return Verdict::More,
        Look::No => {}
    }
    if probe.start {
        return lone(probe.bytes);
    }
    if other_protocol(probe.bytes) || probe.bytes.len() > LONGEST_SOUGHT as usize {
        return Verdict::No;
    }
    match find(probe.bytes, 0) {
        Search::At(at) => Verdict::Yes(match Header::read(probe.bytes.get(at..).unwrap_or_default()) {
            Start::Header(header) => sender(header.kind),
            _ => Sender::Unknown,
        }),
        Search::Nothing { .. } => Verdict::More,
    }
}

/// CONNECT names the protocol, which is proof on any port.
pub(in crate::protocol) fn greeting(bytes: &[u8]) -> Verdict {
    if bytes.first().is_some_and(|first| *first != 0x10) {
        return Verdict::No;
    }
    let header = match Header::read(bytes) {
        Start::Header(header) => header,
        Start::Short => return Verdict::More,
        Start::Broken(..) => return Verdict::No,
    };
    let body = bytes.get(usize::from(header.len)..).unwrap_or_default();
    let named = |name: &[u8]| {
        let both = body.len().min(name.len());
        (body.get(..both) == name.get(..both)).then_some(both == name.len())
    };
    match named(b"\x00\x04MQTT").or_else(|| named(b"\x00\x06MQIsdp")) {
        Some(true) => Verdict::Yes(Sender::Client),
        Some(false) if header.remaining as usize >= 10 => Verdict::More,
        _ => Verdict::No,
    }
}

/// The first packet of a connection may be broken inside and is still MQTT on its port when it ends
/// where the bytes end.
fn lone(bytes: &[u8]) -> Verdict {
    match Header::read(bytes) {
        Start::Header(header)
            if header.kind != Kind::Unassigned
                && header.flags_fit(0)
                && header.total() == bytes.len() as u64 =>
        {
            Verdict::Yes(sender(header.kind))
        }
        _ => Verdict::No,
    }
}

/// TLS records and HTTP heads, which also come to this port.
fn other_protocol(bytes: &[u8]) -> bool {
    const HEADS: [&[u8]; 5] = [b"GET ", b"POST ", b"PUT ", b"HEAD ", b"HTTP/1."];
    matches!(bytes, [0x14..=0x17, 3, 0..=4, ..]) || HEADS.iter().any(|head| bytes.starts_with(head))
}

const fn sender(kind: Kind) -> Sender {
    match kind {
        Kind::Connect | Kind::Subscribe | Kind::Unsubscribe | Kind::Pingreq => Sender::Client,
        Kind::Connack | Kind::Suback | Kind::Unsuback | Kind::Pingresp => Sender::Server,
        _ => Sender::Unknown,
    }
}

/// These are long and exact enough to be proof without what follows.
pub(super) const fn stands_alone(kind: Kind) -> bool {
    matches!(kind, Kind::Connect | Kind::Subscribe | Kind::Unsubscribe)
}

/// Packets in a row; gives the first.
fn chain(bytes: &[u8], version: u8) -> Look {
    let first = match look(bytes, version) {
        Look::Sound(header) => header,
        other => return other,
    };
    if stands_alone(first.kind) {
        return Look::Sound(first);
    }
    let mut last = first;
    let mut rest = bytes;
    for _ in 1..CHAIN {
        let total = usize::try_from(last.total()).unwrap_or(usize::MAX);
        rest = rest.get(total..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        // Nothing follows a DISCONNECT.
        last = match look(rest, version) {
            Look::Sound(next) if last.kind != Kind::Disconnect => next,
            Look::Begun if last.kind != Kind::Disconnect => break,
            _ => return Look::No,
        };
    }
    Look::Sound(first)
}

fn look(bytes: &[u8], version: u8) -> Look {
    if !bytes.first().is_some_and(|first| may_begin(*first)) {
        return Look::No;
    }
    let header = match Header::read(bytes) {
        Start::Header(header) => header,
        Start::Short => return Look::Begun,
        Start::Broken(..) => return Look::No,
    };
    if !header.minimal || !length_fits(&header, version) {
        return Look::No;
    }
    let body = bytes.get(usize::from(header.len)..).unwrap_or_default();
    let body = body.get(..header.remaining as usize).unwrap_or(body);
    if header.kind == Kind::Publish {
        return look_publish(&header, body, version);
    }
    if body.len() < header.remaining as usize {
        let impossible = match header.kind {
            Kind::Connect => greeting(bytes) == Verdict::No,
            Kind::Subscribe | Kind::Unsubscribe | Kind::Suback => body.starts_with(&[0, 0]),
            _ => false,
        };
        return if impossible { Look::No } else { Look::Begun };
    }
    // A CONNECT names the protocol; what is wrong behind the name does not unsay it.
    let named = header.kind == Kind::Connect && greeting(bytes) != Verdict::No;
    if named || reads(&header, body, version) { Look::Sound(header) } else { Look::No }
}

fn look_publish(header: &Header, body: &[u8], version: u8) -> Look {
    let Some(topic) = Reader::new(body).u16() else { return Look::Begun };
    let topic = usize::from(topic);
    let text = body.get(2..).unwrap_or_default();
    let text = text.get(..topic).unwrap_or(text);
    let fits = topic <= LONGEST_TOPIC
        && topic.saturating_add(2) <= header.remaining as usize
        && !text.iter().any(|byte| *byte < 0x20 || matches!(byte, b'+' | b'#'));
    if !fits || topic == 0 && version == 4 {
        return Look::No;
    }
    let (Head::Known(head) | Head::AtLeast(head)) = publish_head(header, body, version);
    if head > header.remaining as usize || head > LONGEST_SOUGHT as usize {
        return Look::No;
    }
    if body.len() < head {
        return Look::Begun;
    }
    // A short topic in front of a long payload would pass over much on little proof.
    let unseen = (header.remaining as usize).saturating_sub(body.len());
    if unseen > LONGEST_SOUGHT as usize && topic < 3 {
        return Look::No;
    }
    if reads(header, body, version) { Look::Sound(*header) } else { Look::No }
}

/// Sound under its version, or under any while that is unknown.
fn reads(header: &Header, body: &[u8], version: u8) -> bool {
    let sound = |version| Message::default().read(header, body, version).is_ok();
    if version == 0 { sound(4) || sound(5) } else { sound(version) }
}

/// First bytes with an assigned type and right flags.
const fn may_begin(first: u8) -> bool {
    match first {
        0x10 | 0x20 | 0x40 | 0x50 | 0x62 | 0x70 | 0x82 | 0x90 | 0xa2 | 0xb0 | 0xc0 | 0xd0 | 0xe0 | 0xf0 => {
            true
        }
        // A PUBLISH of QoS 0 to 2, and no DUP with QoS 0.
        0x30..=0x35 | 0x3a..=0x3d => true,
        _ => false,
    }
}

const fn length_fits(header: &Header, version: u8) -> bool {
    let (least, most) = match (header.kind, version) {
        (Kind::Publish, _) => (2, u32::MAX),
        (Kind::Pingreq | Kind::Pingresp, _) => (0, 0),
        (Kind::Disconnect, 3 | 4) => (0, 0),
        (Kind::Auth, 3 | 4) => return false,
        (Kind::Disconnect | Kind::Auth, _) => (0, LONGEST_SOUGHT as u32),
        (
            Kind::Connack | Kind::Puback | Kind::Pubrec | Kind::Pubrel | Kind::Pubcomp | Kind::Unsuback,
            3 | 4,
        ) => (2, 2),
        (Kind::Connect, _) => (10, LONGEST_SOUGHT as u32),
        (Kind::Suback, _) => (3, LONGEST_SOUGHT as u32),
        (Kind::Subscribe | Kind::Unsubscribe, _) => (5, LONGEST_SOUGHT as u32),
        _ => (2, LONGEST_SOUGHT as u32),
    };
    header.remaining >= least && header.remaining <= most
}
