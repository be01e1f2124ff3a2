//! Rates: how much each address does within ten seconds, and with how many different things. What a known
//! address may do was learnt; an unknown one is measured by the busiest of the known.

use fieldward_shared::time::Timestamp;
use hashbrown::HashMap;

use super::{Told, hash, key, number, text, word};
use crate::detect::baseline::{Aspect, Fact, Unknown};
use crate::flow::{Addr, Direction};
use crate::frame::{Arp, Frame, Payload};
use crate::protocol::ProtocolEvent;
use crate::window::Sketch;

const fn rate(name: &'static str, protocol: &'static str, sentence: &'static str, slack: f64) -> Aspect {
    Aspect {
        name,
        protocol,
        confidence: 0.75,
        consequence: 0.4,
        sentence,
        unknown: Unknown::Most,
        margin: 1.0,
        slack,
        is_volume: true,
        ..Aspect::USUAL
    }
}

/// With how many different things, or how often in vain: a sweep is another thing than what was before it.
const fn breadth(name: &'static str, protocol: &'static str, sentence: &'static str, slack: f64) -> Aspect {
    Aspect { is_volume: false, ..rate(name, protocol, sentence, slack) }
}

pub static CONNECTS: Aspect = rate("connect rate", "tcp", "tries in 10 s connections:", 8.0);
pub static CALLED: Aspect = rate("called rate", "tcp", "is asked in 10 s for connections:", 12.0);
pub static RESETS: Aspect = rate("reset rate", "tcp", "breaks off in 10 s connections:", 6.0);
pub static HOSTS: Aspect = breadth("host rate", "ip", "turns in 10 s to different hosts:", 4.0);
pub static PORTS: Aspect = breadth("port rate", "tcp", "tries in 10 s different ports:", 6.0);
pub static ASKED: Aspect = breadth("arp rate", "arp", "looks in 10 s for different addresses:", 6.0);
pub static REQUESTS: Aspect = rate("modbus rate", "modbus", "sends in 10 s requests:", 40.0);
pub static WRITES: Aspect = rate("modbus write rate", "modbus", "sends in 10 s writes:", 4.0);
pub static EXCEPTIONS: Aspect = breadth("modbus exception rate", "modbus", "gets in 10 s exceptions:", 4.0);
pub static UNITS: Aspect = breadth("modbus unit rate", "modbus", "asks in 10 s different units:", 4.0);
pub static PLACES: Aspect = breadth("modbus place rate", "modbus", "reaches in 10 s different places:", 12.0);
pub static SAME: Aspect = Aspect {
    consequence: 0.8,
    margin: 0.5,
    ..rate("modbus point rate", "modbus", "writes one point in 5 minutes so often:", 3.0)
};
pub static LOGINS: Aspect = rate("mqtt connect rate", "mqtt", "connects in 10 s to brokers:", 4.0);
pub static MESSAGES: Aspect = rate("mqtt publish rate", "mqtt", "publishes in 10 s messages:", 20.0);
pub static QUERIES: Aspect = rate("dns rate", "dns", "asks in 10 s for names:", 8.0);
pub static NAMES: Aspect = breadth("dns name rate", "dns", "asks in 10 s for different names:", 5.0);
pub static PAGES: Aspect = rate("http rate", "http", "asks in 10 s for pages:", 10.0);
pub static REFUSALS: Aspect = breadth("http refusal rate", "http", "is turned away in 10 s:", 4.0);

/// What is counted, in the order of [`Counts::plain`] and then [`Counts::different`].
static PLAIN: [&Aspect; 10] =
    [&CONNECTS, &CALLED, &RESETS, &REQUESTS, &WRITES, &EXCEPTIONS, &LOGINS, &MESSAGES, &QUERIES, &PAGES];
static DIFFERENT: [&Aspect; 6] = [&HOSTS, &PORTS, &ASKED, &UNITS, &PLACES, &NAMES];

/// The counts of each address. When there are too many, all begin anew.
#[derive(Default)]
pub struct State {
    actors: HashMap<Addr, Counts, foldhash::fast::FixedState>,
    /// How often each point was written lately.
    points: HashMap<u64, (u64, u32), foldhash::fast::FixedState>,
}

#[derive(Default)]
struct Counts {
    slot: u64,
    refusals: u32,
    plain: [u32; PLAIN.len()],
    different: [Sketch; DIFFERENT.len()],
    /// The most of each that was told and usual.
    usual: [u32; PLAIN.len() + DIFFERENT.len() + 2],
}

impl State {
    pub fn frame(&mut self, ts: Timestamp, frame: &Frame<'_>, told: &mut Told<'_>) {
        let Payload::Tcp(segment) = &frame.payload else { return };
        match segment.flags & (SYN | RST | ACK) {
            SYN => {
                let target = hash(frame.dst.bytes());
                self.plain(ts, frame.src, Some(frame.dst), &CONNECTS, told);
                self.plain(ts, frame.dst, None, &CALLED, told);
                self.different(ts, frame.src, None, &HOSTS, target, told);
                let port = target ^ u64::from(segment.dport);
                self.different(ts, frame.src, Some(frame.dst), &PORTS, port, told);
            }
            flags if flags & RST != 0 => self.plain(ts, frame.src, Some(frame.dst), &RESETS, told),
            _ => {}
        }
    }

    pub fn arp(&mut self, ts: Timestamp, arp: &Arp, told: &mut Told<'_>) {
        if !arp.is_reply {
            self.different(ts, arp.claimed, None, &ASKED, hash(arp.target.bytes()), told);
        }
    }

    pub fn event(&mut self, event: &ProtocolEvent<'_>, name: &[u8], told: &mut Told<'_>) {
        let (ts, from, to) = (event.ts, event.src().addr, event.dst().addr);
        let asks = event.direction == Direction::ToServer;
        match event.proto {
            "modbus" if asks => self.request(event, told),
            "modbus" if event.get("exception").is_some() => self.plain(ts, to, Some(from), &EXCEPTIONS, told),
            "mqtt" if asks => match word(event, "type") {
                "connect" => self.plain(ts, from, Some(to), &LOGINS, told),
                "publish" => self.plain(ts, from, Some(to), &MESSAGES, told),
                _ => {}
            },
            "dns" if word(event, "kind") == "query" => {
                self.plain(ts, from, Some(to), &QUERIES, told);
                self.different(ts, from, Some(to), &NAMES, hash(name), told);
            }
            "http" if !text(event, "method").is_empty() => self.plain(ts, from, Some(to), &PAGES, told),
            "http" if matches!(number(event, "status"), Some(401 | 403)) => self.refused(ts, to, from, told),
            _ => {}
        }
    }

    fn request(&mut self, event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
        let (ts, from, to) = (event.ts, event.src().addr, event.dst().addr);
        let of = |name| number(event, name).unwrap_or_default();
        let unit = hash(to.bytes()) ^ of("unit") << 48;
        let (function, at) = (of("func"), of("addr"));
        self.plain(ts, from, Some(to), &REQUESTS, told);
        self.different(ts, from, Some(to), &UNITS, unit, told);
        self.different(ts, from, Some(to), &PLACES, unit ^ function << 32 ^ at, told);
        if matches!(function, 5 | 6 | 15 | 16 | 22 | 23) {
            self.plain(ts, from, Some(to), &WRITES, told);
            let point = key(&SAME, from.bytes(), &[unit, at, u64::from(matches!(function, 5 | 15))]);
            self.same(ts, from, to, point, told);
        }
    }

    /// A point is written again.
    fn same(&mut self, ts: Timestamp, from: Addr, to: Addr, point: u64, told: &mut Told<'_>) {
        if self.points.len() >= MOST_POINTS && !self.points.contains_key(&point) {
            self.points.clear();
        }
        let slot = ts.as_secs() / POINT_SECONDS;
        let (last, count) = self.points.entry(point).or_insert((slot, 0));
        if *last != slot {
            (*last, *count) = (slot, 0);
        }
        *count += 1;
        let count = *count;
        let usual = &mut self.of(ts, from).usual[PLAIN.len() + DIFFERENT.len() + 1];
        if count > *usual && tell(&SAME, from, Some(to), count, told) {
            *usual = count;
        }
    }

    fn refused(&mut self, ts: Timestamp, actor: Addr, target: Addr, told: &mut Told<'_>) {
        let counts = self.of(ts, actor);
        counts.refusals += 1;
        let usual = &mut counts.usual[PLAIN.len() + DIFFERENT.len()];
        if counts.refusals > *usual && tell(&REFUSALS, actor, Some(target), counts.refusals, told) {
            *usual = counts.refusals;
        }
    }

    fn plain(
        &mut self,
        ts: Timestamp,
        actor: Addr,
        target: Option<Addr>,
        aspect: &'static Aspect,
        told: &mut Told<'_>,
    ) {
        let Some(at) = PLAIN.iter().position(|known| std::ptr::eq(*known, aspect)) else { return };
        let counts = self.of(ts, actor);
        counts.plain[at] = counts.plain[at].saturating_add(1);
        let count = counts.plain[at];
        if count > counts.usual[at] && tell(aspect, actor, target, count, told) {
            counts.usual[at] = count;
        }
    }

    fn different(
        &mut self,
        ts: Timestamp,
        actor: Addr,
        target: Option<Addr>,
        aspect: &'static Aspect,
        thing: u64,
        told: &mut Told<'_>,
    ) {
        let Some(at) = DIFFERENT.iter().position(|known| std::ptr::eq(*known, aspect)) else { return };
        let counts = self.of(ts, actor);
        if !counts.different[at].see(thing) {
            return;
        }
        let count = counts.different[at].count().round() as u32;
        let usual = &mut counts.usual[PLAIN.len() + at];
        if count > *usual && tell(aspect, actor, target, count, told) {
            *usual = count;
        }
    }

    fn of(&mut self, ts: Timestamp, actor: Addr) -> &mut Counts {
        if self.actors.len() >= MOST_ACTORS && !self.actors.contains_key(&actor) {
            self.actors.clear();
        }
        let slot = ts.as_secs() / SECONDS;
        let counts = self.actors.entry(actor).or_default();
        if counts.slot != slot {
            *counts = Counts { slot, usual: counts.usual, ..Counts::default() };
        }
        counts
    }
}

fn tell(aspect: &'static Aspect, actor: Addr, target: Option<Addr>, count: u32, told: &mut Told<'_>) -> bool {
    let (what, key) = (&"", key(aspect, actor.bytes(), &[]));
    told(&Fact { aspect, actor, target, key, sort: "", what, value: Some(f64::from(count)) })
}

const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
/// Seconds of a count.
const SECONDS: u64 = 10;
/// Seconds in which writes to one point are counted.
const POINT_SECONDS: u64 = 300;
const MOST_ACTORS: usize = 16_384;
const MOST_POINTS: usize = 65_536;
