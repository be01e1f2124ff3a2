//! Who is there, with which network card, who turns to whom for what, and who talks with whom over
//! connections that were opened before. A known address that shows another card is somebody else, or
//! somebody between; one that always answered and now asks does what others tell it to.

use std::net::IpAddr;

use fieldward_shared::time::Timestamp;
use hashbrown::{HashMap, HashSet};

use super::{Told, is_everyone, key};
use crate::detect::baseline::{Aspect, Book, Fact};
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

/// What is said to everyone is how devices find each other; it shows that somebody is there.
pub static CALL: Aspect =
    Aspect { name: "broadcast", confidence: 0.1, consequence: 0.1, sentence: "calls everyone at", ..LINK };

/// Two that exchange data; told where the beginning of their connection was not seen.
pub static TALK: Aspect = Aspect { name: "talk", sentence: "exchanges", ..LINK };

/// A device that only ever answered.
pub static ASKS: Aspect = Aspect {
    name: "asks",
    confidence: 0.9,
    consequence: 0.5,
    sentence: "opens connections, though until now it only answered",
    ..LINK
};

/// Two devices that only ever answered, and now have something to say to each other.
pub static PEERS: Aspect = Aspect {
    name: "peers",
    confidence: 0.9,
    consequence: 0.5,
    sentence: "exchanges data with another that, like it, until now only answered:",
    others: 1.0,
    elsewhere: 1.0,
    far: 1.0,
    ..LINK
};

/// What was told lately, so that it is not told with every packet. When there is too much, all begins
/// anew.
#[derive(Default)]
pub struct State {
    cards: HashMap<Addr, Seen, foldhash::fast::FixedState>,
    /// When data last went from one to the other.
    talks: HashMap<(Addr, Addr), u64, foldhash::fast::FixedState>,
    /// Who asks, of those who are known. A book without any says nothing of who asks and who answers.
    asking: Option<HashSet<Addr, foldhash::fast::FixedState>>,
    /// What is told is compared with a book.
    watches: bool,
}

struct Seen {
    mac: [u8; 6],
    second: u64,
    known: bool,
}

impl State {
    /// With what only a book tells.
    pub fn of(book: &Book) -> Self {
        let facts = book.facts().filter(|known| known.aspect == ASKS.name);
        let asking: HashSet<Addr, _> =
            facts.filter_map(|known| known.actor.parse::<IpAddr>().ok()).map(Addr::from).collect();
        Self { asking: (!asking.is_empty()).then_some(asking), watches: !book.is_empty(), ..Self::default() }
    }

    pub fn frame(&mut self, ts: Timestamp, frame: &Frame<'_>, told: &mut Told<'_>) {
        let source = frame.macs.map_or(NO_CARD, |[source, _]| source);
        let known = self.card(ts, frame.src, source, told);
        let (from, to) = (frame.src, frame.dst);
        match &frame.payload {
            Payload::Tcp(segment) if segment.flags & (SYN | ACK) == SYN => {
                if !link(&LINK, frame, "tcp", segment.dport, told) {
                    // Who is new to the other is not told of twice.
                    self.talked(ts, from, to);
                }
                if known {
                    self.asks(from, to, told);
                }
            }
            Payload::Tcp(segment) if !segment.data.is_empty() => {
                self.talk(ts, from, to, (known, segment.dport < SERVED), told);
            }
            Payload::Udp(datagram) if datagram.dport < datagram.sport => {
                let aspect = if is_everyone(to) { &CALL } else { &LINK };
                link(aspect, frame, "udp", datagram.dport, told);
            }
            _ => {}
        }
    }

    pub fn arp(&mut self, ts: Timestamp, arp: &Arp, told: &mut Told<'_>) {
        if arp.claimed != NOBODY {
            self.card(ts, arp.claimed, arp.mac, told);
        }
    }

    fn asks(&self, from: Addr, to: Addr, told: &mut Told<'_>) {
        if !self.watches || self.asking.is_some() {
            simple(&ASKS, from, Some(to), told);
        }
    }

    /// Data goes by: from somebody known or not, to a port at which servers are or not.
    fn talk(
        &mut self,
        ts: Timestamp,
        from: Addr,
        to: Addr,
        (known, served): (bool, bool),
        told: &mut Told<'_>,
    ) {
        let second = ts.as_secs();
        if let Some(last) = self.talks.get_mut(&(from, to))
            && second.saturating_sub(*last) < PAUSE
        {
            *last = second;
            return;
        }
        let pair = |aspect: &'static Aspect, what: &dyn std::fmt::Display, told: &mut Told<'_>| {
            let key = key(aspect, from.bytes(), &[super::hash(to.bytes())]);
            told(&Fact { aspect, actor: from, target: Some(to), key, sort: "", what, value: None })
        };
        if known && served {
            self.asks(from, to, told);
        }
        if pair(&TALK, &format_args!("data @ {to}"), told) {
            self.talks.insert((from, to), second);
            return;
        }
        self.talked(ts, from, to);
        let answers = |who| self.asking.as_ref().is_some_and(|asking| !asking.contains(who));
        let other = self.cards.get(&to).is_some_and(|seen| seen.known);
        if known && other && answers(&from) && answers(&to) {
            pair(&PEERS, &to, told);
        }
    }

    /// They talk, and no more need be said of it.
    fn talked(&mut self, ts: Timestamp, one: Addr, other: Addr) {
        if self.talks.len() >= MOST_CARDS {
            self.talks.clear();
        }
        self.talks.insert((one, other), ts.as_secs());
        self.talks.insert((other, one), ts.as_secs());
    }

    /// Whether it is somebody known.
    fn card(&mut self, ts: Timestamp, addr: Addr, mac: [u8; 6], told: &mut Told<'_>) -> bool {
        let second = ts.as_secs();
        match self.cards.get_mut(&addr) {
            Some(seen) => {
                let pause = second.saturating_sub(seen.second);
                seen.second = second;
                if seen.mac == mac && pause < PAUSE {
                    return seen.known;
                }
                seen.mac = mac;
            }
            None => {
                if self.cards.len() >= MOST_CARDS {
                    self.cards.clear();
                }
                self.cards.insert(addr, Seen { mac, second, known: false });
            }
        }
        let known = simple(&ASSET, addr, None, told);
        if let Some(seen) = self.cards.get_mut(&addr) {
            seen.known = known;
        }
        if !known || mac == NO_CARD {
            // The card of somebody new is new too.
            return known;
        }
        let number = mac.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let actor = addr.bytes();
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
        known
    }
}

fn link(aspect: &'static Aspect, frame: &Frame<'_>, transport: &str, port: u16, told: &mut Told<'_>) -> bool {
    let target = super::hash(frame.dst.bytes());
    told(&Fact {
        aspect,
        actor: frame.src,
        target: Some(frame.dst),
        key: key(aspect, frame.src.bytes(), &[target, u64::from(port), u64::from(transport == "tcp")]),
        sort: service(port),
        what: &format_args!("{transport} {port} @ {}", frame.dst),
        value: None,
    })
}

/// A fact that needs no more words than its actor.
fn simple(aspect: &'static Aspect, actor: Addr, target: Option<Addr>, told: &mut Told<'_>) -> bool {
    told(&Fact {
        aspect,
        actor,
        target,
        key: key(aspect, actor.bytes(), &[]),
        sort: "",
        what: &"",
        value: None,
    })
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
/// Where frames have no network card in them.
const NO_CARD: [u8; 6] = [0; 6];
/// Ports of servers, as far as a number says so.
const SERVED: u16 = 1024;
const SYN: u8 = 2;
const ACK: u8 = 16;
/// Seconds after which somebody comes back.
const PAUSE: u64 = 120;
/// More than this many addresses are forgotten and told anew.
const MOST_CARDS: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Segment;

    #[test]
    fn devices_that_only_answered_are_told_when_they_ask_or_talk_to_each_other() {
        let known = (1..4).map(|last| format!("asset | 10.0.0.{last} | | | seen 1 times\n"));
        let lines = known.collect::<String>() + "asks | 10.0.0.1 | | | seen 9 times\n";
        let mut book = Book::read(&lines).unwrap();
        let mut state = State::of(&book);
        let mut new = |from, to, flags, data: &[u8]| {
            let segment = Segment { sport: 2000, dport: 3000, seq: 1, ack: 1, flags, data, cut: 0 };
            let [src, dst] = [from, to].map(|last| Addr::v4([10, 0, 0, last]));
            let payload = Payload::Tcp(segment);
            let frame = Frame { src, dst, macs: None, vlan: None, ip_len: 40, payload };
            let mut names = Vec::new();
            state.frame(Timestamp::from_micros(1), &frame, &mut |fact| {
                let known = book.find(fact).is_some();
                if !known {
                    names.push(fact.aspect.name);
                }
                known
            });
            names
        };
        assert_eq!(new(1, 2, SYN, b""), ["link"]);
        // Who is new to each other is told once.
        assert_eq!(new(1, 2, ACK, b"data"), [""; 0]);
        assert_eq!(new(3, 1, ACK, b"data"), ["talk"]);
        assert_eq!(new(2, 3, ACK, b"data"), ["talk", "peers"]);
        assert_eq!(new(3, 2, ACK, b"data"), [""; 0]);
        assert_eq!(new(3, 1, SYN, b""), ["link", "asks"]);
    }
}
