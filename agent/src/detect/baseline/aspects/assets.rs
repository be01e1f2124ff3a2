//! Who is there, with which network card, and who turns to whom for what.

use hashbrown::HashMap;

use super::{Told, key};
use crate::detect::baseline::{Aspect, Fact};
use crate::flow::Addr;
use crate::frame::{Arp, Frame, Payload};

pub static ASSET: Aspect = Aspect {
    name: "asset",
    protocol: "ip",
    confidence: 0.5,
    consequence: 0.2,
    sentence: "is on the network:",
    margin: 0.0,
};

pub static CARD: Aspect = Aspect {
    name: "card",
    protocol: "ethernet",
    confidence: 0.6,
    consequence: 0.5,
    sentence: "has the network card",
    margin: 0.0,
};

pub static LINK: Aspect = Aspect {
    name: "link",
    protocol: "ip",
    confidence: 0.5,
    consequence: 0.3,
    sentence: "turns to",
    margin: 0.0,
};

/// What was told lately, so that it is not told with every packet.
#[derive(Default)]
pub struct State {
    cards: HashMap<Addr, [u8; 6], foldhash::fast::FixedState>,
}

impl State {
    pub fn frame(&mut self, frame: &Frame<'_>, told: &mut Told<'_>) {
        if let Some([source, _]) = frame.macs {
            self.card(frame.src, source, told);
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

    pub fn arp(&mut self, arp: &Arp, told: &mut Told<'_>) {
        self.card(arp.claimed, arp.mac, told);
    }

    fn card(&mut self, addr: Addr, mac: [u8; 6], told: &mut Told<'_>) {
        match self.cards.get(&addr) {
            Some(known) if *known == mac => return,
            None if self.cards.len() >= MOST_CARDS => self.cards.clear(),
            _ => {}
        }
        self.cards.insert(addr, mac);
        let number = mac.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let actor = addr.bytes();
        told(&Fact {
            aspect: &ASSET,
            actor: addr,
            target: None,
            key: key(&ASSET, actor, &[]),
            what: &"",
            value: None,
        });
        let [a, b, c, d, e, f] = mac;
        told(&Fact {
            aspect: &CARD,
            actor: addr,
            target: None,
            key: key(&CARD, actor, &[number]),
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
        what: &format_args!("{} {transport} {port}", frame.dst),
        value: None,
    });
}

const SYN: u8 = 2;
const ACK: u8 = 16;
/// More than this many addresses are forgotten and told anew.
const MOST_CARDS: usize = 65_536;
