//! Modbus: which master uses which function of which unit, where it reads and writes, what it writes, and
//! which exceptions it gets.

use super::{Told, key};
use crate::detect::baseline::{Aspect, Fact};
use crate::flow::Direction;
use crate::protocol::{ProtocolEvent, Value};

pub static FUNCTION: Aspect = Aspect {
    name: "modbus function",
    protocol: "modbus",
    confidence: 0.8,
    consequence: 0.5,
    sentence: "uses",
    margin: 0.0,
};

pub static PLACE: Aspect = Aspect {
    name: "modbus place",
    protocol: "modbus",
    confidence: 0.8,
    consequence: 0.5,
    sentence: "reaches",
    margin: 0.0,
};

pub static VALUE: Aspect = Aspect {
    name: "modbus value",
    protocol: "modbus",
    confidence: 0.9,
    consequence: 0.9,
    sentence: "wrote",
    margin: 0.1,
};

pub static EXCEPTION: Aspect = Aspect {
    name: "modbus exception",
    protocol: "modbus",
    confidence: 0.6,
    consequence: 0.2,
    sentence: "got",
    margin: 0.0,
};

pub fn event(event: &ProtocolEvent<'_>, told: &mut Told<'_>) {
    let number = |name| event.get(name).and_then(Value::number);
    let (Some(unit), Some(function)) = (number("unit"), number("func")) else { return };
    let asks = event.direction == Direction::ToServer;
    let (master, server) =
        if asks { (event.src().addr, event.dst().addr) } else { (event.dst().addr, event.src().addr) };
    let here = super::hash(server.bytes()) ^ unit << 48;
    let name = match event.get("name") {
        Some(Value::Str(name)) => name,
        _ => "unnamed",
    };
    if !asks {
        if let Some(code) = number("exception") {
            told(&Fact {
                aspect: &EXCEPTION,
                actor: master,
                target: Some(server),
                key: key(&EXCEPTION, master.bytes(), &[here, function, code]),
                what: &format_args!("exception {code} for {name} ({function}) from unit {unit} of {server}"),
                value: None,
            });
        }
        return;
    }
    told(&Fact {
        aspect: &FUNCTION,
        actor: master,
        target: Some(server),
        key: key(&FUNCTION, master.bytes(), &[here, function]),
        what: &format_args!("{name} ({function}) on unit {unit} of {server}"),
        value: None,
    });
    let Some(at) = number("addr") else { return };
    let count = number("qty").unwrap_or(1);
    let writes = matches!(function, 5 | 6 | 15 | 16 | 22 | 23);
    if !writes {
        told(&Fact {
            aspect: &PLACE,
            actor: master,
            target: Some(server),
            key: key(&PLACE, master.bytes(), &[here, function, at << 16 | count]),
            what: &format_args!("{count} from {at} by {name} on unit {unit} of {server}"),
            value: None,
        });
        return;
    }
    let mut wrote = |offset: u64, value: u64| {
        let at = at + offset;
        told(&Fact {
            aspect: &VALUE,
            actor: master,
            target: Some(server),
            key: key(
                &VALUE,
                master.bytes(),
                &[here, function & 1 ^ u64::from(function == 5 || function == 15), at],
            ),
            what: &format_args!(
                "{} {at} of unit {unit} of {server}",
                if matches!(function, 5 | 15) { "coil" } else { "register" }
            ),
            value: Some(value as f64),
        });
    };
    match event.get("values") {
        Some(Value::Registers(bytes)) => {
            for (offset, word) in (0..).zip(bytes.chunks_exact(2)) {
                wrote(offset, u64::from(word[0]) << 8 | u64::from(word[1]));
            }
        }
        Some(Value::Bits { bytes, count }) => {
            for offset in 0..u64::from(*count) {
                let byte = bytes.get(offset as usize / 8).copied().unwrap_or_default();
                wrote(offset, u64::from(byte >> (offset % 8) & 1));
            }
        }
        _ => {}
    }
}
