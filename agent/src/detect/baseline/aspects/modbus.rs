//! Modbus: which master uses which function of which unit, where it reads and writes, what it writes, and
//! which exceptions it gets.

use hashbrown::HashMap;

use super::{Told, key, number, word};
use crate::detect::baseline::{Aspect, Book, Fact};
use crate::flow::{Addr, Direction};
use crate::protocol::{ProtocolEvent, Value};

const MODBUS: Aspect = Aspect { protocol: "modbus", ..Aspect::USUAL };

pub static FUNCTION: Aspect =
    Aspect { name: "modbus function", confidence: 0.6, consequence: 0.3, sentence: "uses", ..MODBUS };

pub static WRITE: Aspect = Aspect {
    name: "modbus write",
    confidence: 0.8,
    consequence: 0.8,
    sentence: "writes by",
    others: 0.9,
    ..MODBUS
};

/// Programs, files, restarts, silence: what changes a controller rather than the process.
pub static SERVICE: Aspect = Aspect {
    name: "modbus service",
    confidence: 0.85,
    consequence: 0.95,
    sentence: "uses",
    others: 0.9,
    elsewhere: 0.8,
    ..MODBUS
};

pub static PLACE: Aspect =
    Aspect { name: "modbus place", confidence: 0.4, consequence: 0.3, sentence: "reads", ..MODBUS };

pub static VALUE: Aspect = Aspect {
    name: "modbus value",
    confidence: 0.9,
    consequence: 0.9,
    sentence: "wrote",
    margin: 1.0,
    few: 24.0,
    both_sides: true,
    others: 0.7,
    elsewhere: 0.6,
    far: 0.9,
    there: 0.75,
    ..MODBUS
};

pub static EXCEPTION: Aspect =
    Aspect { name: "modbus exception", confidence: 0.5, consequence: 0.2, sentence: "got", ..MODBUS };

/// In which order the words of a written number come, by point; all is forgotten when there are too many.
#[derive(Default)]
pub struct State {
    swapped: HashMap<u64, bool, foldhash::fast::FixedState>,
}

pub fn event(event: &ProtocolEvent<'_>, state: &mut State, told: &mut Told<'_>) {
    let (Some(unit), Some(function)) = (number(event, "unit"), number(event, "func")) else { return };
    let asks = event.direction == Direction::ToServer;
    let (master, server) =
        if asks { (event.src().addr, event.dst().addr) } else { (event.dst().addr, event.src().addr) };
    let here = super::hash(server.bytes()) ^ unit << 48;
    let name = match word(event, "name") {
        "" => "unnamed",
        name => name,
    };
    let mut tell = |aspect: &'static Aspect, parts: &[u64], sort, what: &dyn std::fmt::Display| {
        told(&Fact {
            aspect,
            actor: master,
            target: Some(server),
            key: key(aspect, master.bytes(), parts),
            sort,
            what,
            value: None,
        });
    };
    if !asks {
        let length = number(event, "len").unwrap_or_default();
        if is_vendors(function) && length >= BLOCK {
            let what = format_args!("{name} to be given blocks ({function}) @ unit {unit} of {server}");
            tell(&SERVICE, &[here, function, u64::MAX], "vendor read", &what);
        }
        if let Some(code) = number(event, "exception") {
            let what = format_args!("exception {code} for {name} ({function}) @ unit {unit} of {server}");
            tell(&EXCEPTION, &[here, function, code], complaint(code), &what);
        }
        return;
    }
    let detail = number(event, "sub").filter(|_| function == 8);
    let (aspect, mut sort) = sort(function, detail);
    let gives = is_vendors(function) && number(event, "len").is_some_and(|length| length >= BLOCK);
    if gives {
        sort = "vendor write";
    }
    match detail {
        Some(detail) => tell(
            aspect,
            &[here, function, detail + 1],
            sort,
            &format_args!("{name} ({function}/{detail}) @ unit {unit} of {server}"),
        ),
        None if gives => tell(
            aspect,
            &[here, function, u64::MAX - 1],
            sort,
            &format_args!("{name} to give blocks ({function}) @ unit {unit} of {server}"),
        ),
        None => tell(
            aspect,
            &[here, function, 0],
            sort,
            &format_args!("{name} ({function}) @ unit {unit} of {server}"),
        ),
    }
    let Some(at) = number(event, "addr") else { return };
    if !matches!(function, 5 | 6 | 15 | 16 | 22 | 23) {
        let count = number(event, "qty").unwrap_or(1);
        tell(
            &PLACE,
            &[here, function, at << 16 | count],
            "",
            &format_args!("{count} from {at} by {name} @ unit {unit} of {server}"),
        );
        return;
    }
    let at = number(event, "write_addr").unwrap_or(at);
    let mut to = Point { master, server, unit, here, told };
    match event.get("values").or_else(|| event.get("write_values")) {
        Some(&Value::Registers(&[a, b, c, d])) => {
            let words = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
            match state.float(here ^ at, words) {
                Some((kind, value)) => to.wrote(kind, at, value),
                None => (at..).zip(words).for_each(|(at, word)| to.wrote("register", at, f64::from(word))),
            }
        }
        Some(Value::Registers(bytes)) => {
            for (at, word) in (at..).zip(bytes.as_chunks::<2>().0) {
                to.wrote("register", at, f64::from(u16::from_be_bytes(*word)));
            }
        }
        Some(Value::Bits { bytes, count }) => {
            for offset in 0..u64::from(*count) {
                let byte = bytes.get(offset as usize / 8).copied().unwrap_or_default();
                to.wrote(COIL, at + offset, f64::from(byte >> (offset % 8) & 1));
            }
        }
        // A mask: what becomes of the register is not said.
        _ => to.wrote("register", at, None),
    }
}

/// The aspect of a function, and what sort of that it is.
const fn sort(function: u64, detail: Option<u64>) -> (&'static Aspect, &'static str) {
    match (function, detail) {
        (1..=4, _) => (&FUNCTION, "read"),
        (5 | 15, _) => (&WRITE, COIL),
        (6 | 16 | 22 | 23, _) => (&WRITE, "register"),
        (8, Some(1)) => (&SERVICE, "restart"),
        (8, Some(4)) => (&SERVICE, "silence"),
        (8, Some(10)) => (&SERVICE, "clear"),
        (7 | 8 | 11 | 12, _) => (&FUNCTION, "diagnose"),
        (17 | 43, _) => (&FUNCTION, "identify"),
        (20, _) => (&SERVICE, "file read"),
        (21, _) => (&SERVICE, "file write"),
        (65..=127, _) => (&SERVICE, "vendor"),
        _ => (&FUNCTION, "other"),
    }
}

const fn is_vendors(function: u64) -> bool {
    matches!(function, 65..=127)
}

/// What an exception complains of.
const fn complaint(code: u64) -> &'static str {
    match code {
        1 => "function",
        2 => "place",
        3 => "value",
        10 | 11 => "unit",
        _ => "other",
    }
}

/// Where somebody writes.
struct Point<'a, 'b> {
    master: Addr,
    server: Addr,
    unit: u64,
    here: u64,
    told: &'a mut Told<'b>,
}

impl Point<'_, '_> {
    fn wrote(&mut self, kind: &'static str, at: u64, value: impl Into<Option<f64>>) {
        let Self { master, server, unit, here, told } = self;
        let value = value.into();
        told(&Fact {
            aspect: &VALUE,
            actor: *master,
            target: Some(*server),
            key: key(&VALUE, master.bytes(), &[*here, kind.len() as u64, at]),
            sort: match value {
                _ if kind == COIL => COIL,
                Some(0.0) => "zero",
                _ => "",
            },
            what: &format_args!("{kind} {at} @ unit {unit} of {server}"),
            value,
        });
    }
}

impl State {
    /// Knows the order of the points that a book has; where it has both, the one seen more often.
    pub fn of(book: &Book) -> Self {
        let mut orders = HashMap::<u64, (u64, bool), foldhash::fast::FixedState>::default();
        for known in book.facts().filter(|known| known.aspect == VALUE.name) {
            let Some((point, swapped)) = written(&known.what) else { continue };
            let best = orders.entry(point).or_insert((0, swapped));
            *best = (*best).max((known.count, swapped));
        }
        Self { swapped: orders.into_iter().map(|(point, (_, swapped))| (point, swapped)).collect() }
    }

    /// Two words as a number of IEEE 754, if that makes sense in one order or the other.
    fn float(&mut self, point: u64, [first, second]: [u16; 2]) -> Option<(&'static str, f64)> {
        let as_float = |high: u16, low: u16| {
            let value = f64::from(f32::from_bits(u32::from(high) << 16 | u32::from(low)));
            (value == 0.0 || (LEAST..MOST).contains(&value.abs())).then_some(value)
        };
        let (plain, swapped) = (as_float(first, second), as_float(second, first));
        let known = self.swapped.get(&point).copied();
        let is_swapped = match (plain, swapped) {
            (None, None) => return None,
            (Some(_), Some(_)) => known.unwrap_or(false),
            (plain, _) => {
                if self.swapped.len() >= MOST_POINTS {
                    self.swapped.clear();
                }
                self.swapped.insert(point, plain.is_none());
                plain.is_none()
            }
        };
        if is_swapped { swapped.map(|value| (SWAPPED, value)) } else { plain.map(|value| (PLAIN, value)) }
    }
}

/// The point in the text of a fact, and whether its words are swapped: "number 4 @ unit 1 of 10.0.0.1".
fn written(what: &str) -> Option<(u64, bool)> {
    let (deed, place) = what.split_once(" @ unit ")?;
    let (kind, at) = deed.rsplit_once(' ')?;
    let (unit, server) = place.split_once(" of ")?;
    let server = Addr::from(server.parse::<std::net::IpAddr>().ok()?);
    let here = super::hash(server.bytes()) ^ unit.parse::<u64>().ok()? << 48;
    [PLAIN, SWAPPED].contains(&kind).then_some((here ^ at.parse::<u64>().ok()?, kind == SWAPPED))
}

const COIL: &str = "coil";
const PLAIN: &str = "number";
const SWAPPED: &str = "number (low word first)";

/// A longer message of a vendor's function carries part of a program or of data: bytes.
const BLOCK: u64 = 64;
/// Numbers that a process has: smaller and larger ones are words that only look like a number.
const LEAST: f64 = 1e-3;
const MOST: f64 = 1e7;
const MOST_POINTS: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(value: f32) -> [u16; 2] {
        [(value.to_bits() >> 16) as u16, value.to_bits() as u16]
    }

    #[test]
    fn numbers_of_two_words_are_read_in_either_order() {
        let mut state = State::default();
        let [high, low] = words(55.28);
        assert!(matches!(state.float(1, [high, low]), Some((PLAIN, value)) if (value - 55.28).abs() < 1e-5));
        assert!(matches!(state.float(2, [low, high]), Some((SWAPPED, _))));
        assert_eq!(state.float(3, [1, 2]), None);
        // Both orders make sense: the order is that of before.
        let both = [words(44.5)[0], 0x4100];
        assert!(matches!(state.float(1, both), Some((PLAIN, _))));
        assert!(matches!(state.float(2, both), Some((SWAPPED, _))));
    }

    #[test]
    fn the_order_of_a_point_stands_in_the_book() {
        let line = "modbus value | 10.0.0.1 | number (low word first) 100 @ unit 3 of 10.0.0.9 | 1..2 | seen 4 times";
        let mut state = State::of(&Book::read(line).unwrap());
        let here = super::super::hash(Addr::v4([10, 0, 0, 9]).bytes()) ^ 3 << 48;
        assert!(matches!(state.float(here ^ 100, [words(44.5)[0], 0x4100]), Some((SWAPPED, _))));
    }
}
