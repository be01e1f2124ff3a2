//! A controller or gateway as its masters see it: units with tables, an identity, a program, and the
//! states into which commands (and attacks) can bring it. It answers requests; it knows no network.

use bytes::Bytes;
use tokio_modbus::prelude::{ConformityLevel, DeviceIdObject, ReadCode, ReadDeviceIdentificationResponse};
use tokio_modbus::{ExceptionCode, Request, Response};

use super::points::{Point, Table};

#[cfg(test)]
mod tests;

/// What a device is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Controls and answers.
    Running,
    /// Answers, but its program is halted and its outputs hold.
    Stopped,
    /// Hears everything and says nothing (Modbus diagnostics, sub-function 4).
    ListenOnly,
    /// Restarting: deaf until this moment (microseconds).
    Restarting(u64),
    /// Broken, or taken off the wall.
    Dead,
}

/// A Modbus unit: a controller itself, or a remote I/O block behind a gateway.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its unit id.
    pub id: u8,
    /// The cell of the process that it reads and moves.
    pub cell: usize,
    /// What its tables hold.
    pub points: &'static [Point],
    /// Words that belong to no point: recipes, texts, spare.
    pub spare: Vec<u16>,
}

/// What a device says of itself.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Who made it.
    pub vendor: &'static str,
    /// What it is called in the catalogue.
    pub product: &'static str,
    /// Version of its firmware.
    pub revision: String,
}

/// A Modbus server.
#[derive(Clone, Debug)]
pub struct Device {
    /// Which host it is.
    pub host: usize,
    /// Its units. A controller has one and answers to any id; a gateway answers for its units only.
    pub units: Vec<Unit>,
    /// Serial lines behind it: units answer slowly, one after the other.
    pub gateway: bool,
    /// What it says of itself.
    pub identity: Identity,
    /// What it is doing.
    pub state: State,
    /// Microseconds that an answer takes, and how much that varies.
    pub service: (u64, u64),
    /// It answers one request at a time: until when it is at work.
    pub busy: u64,
    /// The user program, as functions 20, 21 and 90 move it.
    pub program: Vec<u8>,
    /// Whether it knows the diagnostic, file and vendor functions.
    pub talkative: bool,
}

/// The words and bits of the process, as a device reaches them.
pub trait Image {
    /// The variable `var` of `cell`.
    fn get(&self, cell: usize, var: usize) -> f64;
    /// Changes it.
    fn set(&mut self, cell: usize, var: usize, value: f64);
}

/// What a device does with a request.
pub type Reply = Option<Result<Response, ExceptionCode>>;

impl Device {
    /// Whether a connection to it is accepted.
    pub const fn reachable(&self, now: u64) -> bool {
        match self.state {
            State::Dead => false,
            State::Restarting(until) => now >= until,
            State::Running | State::Stopped | State::ListenOnly => true,
        }
    }

    /// Answers `request` to `unit`; `None` is silence.
    pub fn answer(&mut self, image: &mut dyn Image, now: u64, unit: u8, request: &Request<'_>) -> Reply {
        match self.state {
            State::Dead => return None,
            State::Restarting(until) if now < until => return None,
            State::Restarting(_) => self.state = State::Running,
            State::ListenOnly => {
                if matches!(request, Request::Custom(8, data) if data.starts_with(&[0, 1])) {
                    self.restart(now);
                }
                return None;
            }
            State::Running | State::Stopped => {}
        }
        let Some(index) = self.unit(unit) else {
            return Some(Err(ExceptionCode::GatewayTargetDevice));
        };
        let mut words = Words { unit: &mut self.units[index], image };
        match request {
            Request::ReadCoils(at, n) => words.bits(Table::Coil, *at, *n).map(Response::ReadCoils),
            Request::ReadDiscreteInputs(at, n) => {
                words.bits(Table::Discrete, *at, *n).map(Response::ReadDiscreteInputs)
            }
            Request::ReadInputRegisters(at, n) => {
                words.read(Table::Input, *at, *n).map(Response::ReadInputRegisters)
            }
            Request::ReadHoldingRegisters(at, n) => {
                words.read(Table::Holding, *at, *n).map(Response::ReadHoldingRegisters)
            }
            Request::WriteSingleCoil(at, on) => {
                words.write(Table::Coil, *at, &[u16::from(*on)]).map(|()| Response::WriteSingleCoil(*at, *on))
            }
            Request::WriteSingleRegister(at, word) => {
                words.write(Table::Holding, *at, &[*word]).map(|()| Response::WriteSingleRegister(*at, *word))
            }
            Request::WriteMultipleCoils(at, coils) => {
                let bits: Vec<u16> = coils.iter().map(|on| u16::from(*on)).collect();
                words
                    .write(Table::Coil, *at, &bits)
                    .map(|()| Response::WriteMultipleCoils(*at, bits.len() as u16))
            }
            Request::WriteMultipleRegisters(at, data) => words
                .write(Table::Holding, *at, data)
                .map(|()| Response::WriteMultipleRegisters(*at, data.len() as u16)),
            Request::MaskWriteRegister(at, and, or) => words.read(Table::Holding, *at, 1).and_then(|old| {
                let word = (old[0] & and) | (or & !and);
                words.write(Table::Holding, *at, &[word])?;
                Ok(Response::MaskWriteRegister(*at, *and, *or))
            }),
            Request::ReadWriteMultipleRegisters(at, n, to, data) => words
                // What cannot be read is not written either; then the write comes first.
                .read(Table::Holding, *at, *n)
                .and_then(|_| words.allow(data.len(), MOST_EXCHANGED))
                .and_then(|()| words.write(Table::Holding, *to, data))
                .and_then(|()| words.read(Table::Holding, *at, *n))
                .map(Response::ReadWriteMultipleRegisters),
            Request::ReportServerId => {
                let running = self.state == State::Running;
                Ok(Response::ReportServerId(unit, running, self.identity.product.as_bytes().to_vec()))
            }
            Request::ReadDeviceIdentification(code, object) => self.identify(*code, *object),
            Request::Custom(code, data) if self.talkative => return self.special(now, *code, data),
            Request::Custom(..) => Err(ExceptionCode::IllegalFunction),
        }
        .into()
    }

    /// Starts anew: deaf for a while, then running.
    pub const fn restart(&mut self, now: u64) {
        self.state = State::Restarting(now + RESTART);
    }

    /// A controller answers to every id, a gateway for the units behind it.
    fn unit(&self, id: u8) -> Option<usize> {
        match self.units.iter().position(|unit| unit.id == id) {
            None if !self.gateway => Some(0),
            found => found,
        }
    }

    fn identify(&self, code: ReadCode, object: u8) -> Result<Response, ExceptionCode> {
        let texts = [self.identity.vendor, self.identity.product, self.identity.revision.as_str()];
        let all = texts
            .iter()
            .zip(0_u8..)
            .map(|(text, id)| DeviceIdObject { id, value: Bytes::copy_from_slice(text.as_bytes()) });
        let objects: Vec<DeviceIdObject> = match code {
            ReadCode::Specific => all.filter(|one| one.id == object).collect(),
            // A stream from an object that there is not begins anew (section 6.21).
            _ if usize::from(object) >= texts.len() => all.collect(),
            _ => all.filter(|one| one.id >= object).collect(),
        };
        if objects.is_empty() {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        Ok(Response::ReadDeviceIdentification(ReadDeviceIdentificationResponse {
            read_code: code,
            conformity_level: ConformityLevel::BasicIdentification,
            more_follows: false,
            next_object_id: 0,
            device_id_objects: objects,
        }))
    }

    /// Functions beyond data access: exception status (7), diagnostics (8), event counters (11, 12), file
    /// records (20, 21) and the vendor's programming function (90).
    fn special(&mut self, now: u64, code: u8, data: &[u8]) -> Reply {
        let answer = |data: Vec<u8>| Some(Ok(Response::Custom(code, data.into())));
        match (code, data) {
            (7, []) => answer(vec![0]),
            // The query comes back, and so does the order to clear what was counted.
            (8, [0, 0 | 0x0a | 0x14, ..]) => answer(data.to_vec()),
            (8, [0, 1, ..]) => {
                self.restart(now);
                answer(data.to_vec())
            }
            (8, [0, 4, ..]) => {
                self.state = State::ListenOnly;
                None
            }
            (8, [0, sub @ 0x0b..=0x12, ..]) => answer(vec![0, *sub, 0, (now >> 20) as u8]),
            (8, [0, 2, ..]) => answer(vec![0, 2, 0, u8::from(self.state == State::Stopped)]),
            (11, []) => answer(vec![0, 0, (now >> 28) as u8, (now >> 20) as u8]),
            (12, []) => answer(vec![6, 0, 0, 0, 9, 0, (now >> 20) as u8]),
            (20, [7, 6, _, _, at @ .., high, low]) if at.len() == 2 => {
                let count = usize::from(u16::from_be_bytes([*high, *low])) * 2;
                if count == 0 || count > MOST_RECORD {
                    return Some(Err(ExceptionCode::IllegalDataValue));
                }
                let start = usize::from(u16::from_be_bytes([at[0], at[1]])) * 2;
                let Some(bytes) = self.program.get(start..start + count) else {
                    return Some(Err(ExceptionCode::IllegalDataAddress));
                };
                let mut reply = vec![count as u8 + 2, count as u8 + 1, 6];
                reply.extend_from_slice(bytes);
                answer(reply)
            }
            (21, [length, 6, _, _, high, low, many, few, bytes @ ..]) => {
                let count = usize::from(u16::from_be_bytes([*many, *few])) * 2;
                if count == 0 || bytes.len() != count || usize::from(*length) != count + 7 {
                    return Some(Err(ExceptionCode::IllegalDataValue));
                }
                let start = usize::from(u16::from_be_bytes([*high, *low])) * 2;
                let Some(place) = self.program.get_mut(start..start + count) else {
                    return Some(Err(ExceptionCode::IllegalDataAddress));
                };
                place.copy_from_slice(bytes);
                answer(data.to_vec())
            }
            (20 | 21, _) => Some(Err(ExceptionCode::IllegalDataValue)),
            (90, [session, 0x40, ..]) => {
                self.state = State::Running;
                answer(vec![*session, 0xfe])
            }
            (90, [session, 0x41, ..]) => {
                self.state = State::Stopped;
                answer(vec![*session, 0xfe])
            }
            (90, [session, 0x31, _, _, low, high, _, _, bytes @ ..]) => {
                let start = usize::from(u16::from_le_bytes([*low, *high])) * VENDOR_BLOCK;
                for (place, byte) in self.program.iter_mut().skip(start).zip(bytes) {
                    *place = *byte;
                }
                answer(vec![*session, 0xfe])
            }
            (90, [session, 0x34, _, _, low, high, ..]) => {
                let start = usize::from(u16::from_le_bytes([*low, *high])) * VENDOR_BLOCK;
                let Some(rest) = self.program.get(start..).filter(|rest| !rest.is_empty()) else {
                    return answer(vec![*session, 0xfd, 0, 0]);
                };
                let block = &rest[..rest.len().min(VENDOR_BLOCK)];
                answer([&[*session, 0xfe, *low, *high, block.len() as u8, 0], block].concat())
            }
            (90, [session, ..]) => answer(vec![*session, 0xfe, 0, 0]),
            _ => Some(Err(ExceptionCode::IllegalFunction)),
        }
    }
}

/// The tables of a unit over the image of the process.
struct Words<'a> {
    unit: &'a mut Unit,
    image: &'a mut dyn Image,
}

impl Words<'_> {
    fn bits(&self, table: Table, at: u16, count: u16) -> Result<Vec<bool>, ExceptionCode> {
        self.allow(usize::from(count), MOST_BITS)?;
        self.within(table, at, count)?;
        let mut bits = vec![false; usize::from(count)];
        self.each(table, at, count, |place, word| bits[place] = word != 0);
        Ok(bits)
    }

    fn read(&self, table: Table, at: u16, count: u16) -> Result<Vec<u16>, ExceptionCode> {
        self.allow(usize::from(count), MOST_WORDS)?;
        self.within(table, at, count)?;
        let mut read = vec![0; usize::from(count)];
        if table == Table::Holding {
            for (word, place) in read.iter_mut().zip(usize::from(at)..) {
                *word = self.unit.spare.get(place).copied().unwrap_or(0);
            }
        }
        self.each(table, at, count, |place, word| read[place] = word);
        Ok(read)
    }

    fn write(&mut self, table: Table, at: u16, data: &[u16]) -> Result<(), ExceptionCode> {
        self.allow(data.len(), if table == Table::Coil { MOST_COILS } else { MOST_WRITTEN })?;
        self.within(table, at, data.len() as u16)?;
        if table == Table::Holding {
            // A word that belongs to no point keeps what is written to it.
            let start = usize::from(at);
            let end = start + data.len();
            if self.unit.spare.len() < end {
                self.unit.spare.resize(end, 0);
            }
            self.unit.spare[start..end].copy_from_slice(data);
        }
        let points = self.unit.points;
        for point in points.iter().filter(|point| point.table == table) {
            let mut words = point.encode(self.image.get(self.unit.cell, point.var));
            // Half of a number leaves its other half as it was.
            let mut touched = false;
            for (word, place) in words.iter_mut().zip(point.addr..point.addr + point.width()) {
                let sent = place.checked_sub(at).and_then(|offset| data.get(usize::from(offset)));
                touched |= sent.is_some();
                *word = sent.copied().unwrap_or(*word);
            }
            if touched {
                self.image.set(self.unit.cell, point.var, point.decode(words));
            }
        }
        Ok(())
    }

    /// Calls `what` with each word of a point that lies between `at` and `at + count`.
    fn each(&self, table: Table, at: u16, count: u16, mut what: impl FnMut(usize, u16)) {
        for point in self.unit.points.iter().filter(|point| point.table == table) {
            let words = point.encode(self.image.get(self.unit.cell, point.var));
            for (word, place) in words.into_iter().zip(point.addr..point.addr + point.width()) {
                if let Some(offset) = place.checked_sub(at).filter(|offset| *offset < count) {
                    what(usize::from(offset), word);
                }
            }
        }
    }

    /// A quantity of nothing, or more than a message holds, is refused before the address is looked at.
    const fn allow(&self, count: usize, most: usize) -> Result<(), ExceptionCode> {
        if count == 0 || count > most {
            return Err(ExceptionCode::IllegalDataValue);
        }
        Ok(())
    }

    fn within(&self, table: Table, at: u16, count: u16) -> Result<(), ExceptionCode> {
        if u32::from(at) + u32::from(count) > u32::from(self.unit.size(table)) {
            return Err(ExceptionCode::IllegalDataAddress);
        }
        Ok(())
    }
}

impl Unit {
    /// How many places `table` has: the points, rounded up to a block.
    pub fn size(&self, table: Table) -> u16 {
        let of = |point: &Point| point.addr + point.width();
        let points = self.points.iter().filter(|point| point.table == table).map(of).max().unwrap_or(0);
        let spare = if table == Table::Holding { self.spare.len() as u16 } else { 0 };
        points.max(spare).next_multiple_of(BLOCK)
    }
}

/// Quantities of the Modbus application protocol 1.1b3, sections 6.1 to 6.17.
const MOST_BITS: usize = 2000;
const MOST_COILS: usize = 1968;
const MOST_WORDS: usize = 125;
const MOST_WRITTEN: usize = 123;
const MOST_EXCHANGED: usize = 121;
/// Bytes of a file record that fit into an answer.
const MOST_RECORD: usize = 248;
/// Tables end at a multiple of this.
const BLOCK: u16 = 16;
/// Bytes of a program that one message of function 90 moves.
pub const VENDOR_BLOCK: usize = 224;
/// How long a restart takes: microseconds.
const RESTART: u64 = 8_000_000;
