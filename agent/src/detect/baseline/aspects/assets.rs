//! Who is there, with which network card, and who turns to whom for what. A known address that shows
//! another card is somebody else, or somebody between.

use fieldward_shared::time::Timestamp;
use hashbrown::HashMap;

use super::{Told, key};
use crate::detect::baseline::{Aspect, Fact};
use crate::flow::Addr;
use crate::frame::{Arp, Frame, Payload};

pub static ASSET: Aspect = Aspect {
    name: "asset",
    confidence: 0.5,
    consequence: 0.2,
    sentence: "is on the network",
    ..Aspect::USUAL
};

pub static CARD: Aspect = Aspect {
    name: "card",
    protocol: "ethernet",
    confidence: 0.8,
    consequence: 0.7,
    sentence: "has the network card",
    others: 1.1,
    ..Aspect::USUAL
};

pub static LINK: Aspect = Aspect { name: "link", confidence: 0.5, sentence: "turns to", ..Aspect::USUAL };

/// What was told lately, so that it is not told with every packet.
#[derive(Default)]
pub struct State {
    cards: HashMap<Addr, Seen, foldhash::fast::FixedState>,
}

struct Seen {
    mac: [u8; 6],
    second: u64,
}

impl State {
    pub fn frame(&mut self, ts: Timestamp, frame: &Frame<'_>, told: &mut Told<'_>) {
        if let Some([source, _]) = frame.macs {
            self.card(ts, frame.src, source, told);
        }
        match &frame.payload {
            Payload::Tcp(segment) if segment.flags & (SYN | ACK) == SYN => {
                link(frame, "tcp", segment.dport, told);
            }
            Payload::Udp(datagram) if datagram.dport < datagram.sport => {
                link(frame, "udp", datagram.dport, told);
            }
            _ => {}
        }
    }

    pub fn arp(&mut self, ts: Timestamp, arp: &Arp, told: &mut Told<'_>) {
        if arp.claimed != NOBODY {
            self.card(ts, arp.claimed, arp.mac, told);
        }
    }

    fn card(&mut self, ts: Timestamp, addr: Addr, mac: [u8; 6], told: &mut Told<'_>) {
        let second = ts.as_secs();
        match self.cards.get_mut(&addr) {
            Some(seen) => {
                let pause = second.saturating_sub(seen.second);
                seen.second = second;
                if seen.mac == mac && pause < PAUSE {
                    return;
                }
                seen.mac = mac;
            }
            None => {
                if self.cards.len() >= MOST_CARDS {
                    self.cards.clear();
                }
                self.cards.insert(addr, Seen { mac, second });
            }
        }
        let number = mac.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let actor = addr.bytes();
        let known = told(&Fact {
            aspect: &ASSET,
            actor: addr,
            target: None,
            key: key(&ASSET, actor, &[]),
            sort: "",
            what: &"",
            value: None,
        });
        if !known {
            // The card of somebody new is new too.
            return;
        }
        let [a, b, c, d, e, f] = mac;
        told(&Fact {
            aspect: &CARD,
            actor: addr,
            target: None,
            key: key(&CARD, actor, &[number]),
            sort: "",
            what: &format_args!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}"),
            value: None,
        });
    }
}

fn link(frame: &Frame<'_>, transport: &str, port: u16, told: &mut Told<'_>) {
    let target = super::hash(frame.dst.bytes());
    told(&Fact {
        aspect: &LINK,
        actor: frame.src,
        target: Some(frame.dst),
        key: key(&LINK, frame.src.bytes(), &[target, u64::from(port), u64::from(transport == "tcp")]),
        sort: service(port),
        what: &format_args!("{transport} {port} @ {}", frame.dst),
        value: None,
    });
}

/// What is usually behind a port.
const fn service(port: u16) -> &'static str {
    match port {
        502 => "modbus",
        1883 | 8883 => "mqtt",
        53 => "dns",
        80 | 443 | 8000..=8443 => "web",
        22 | 23 | 445 | 3389 | 5900 => "remote",
        _ => "",
    }
}

/// Who asks by ARP before he has an address.
const NOBODY: Addr = Addr::v4([0; 4]);
const SYN: u8 = 2;
const ACK: u8 = 16;
/// Seconds after which somebody comes back.
const PAUSE: u64 = 120;
/// More than this many addresses are forgotten and told anew.
const MOST_CARDS: usize = 65_536;
