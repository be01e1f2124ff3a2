//! A master that keeps at it: when its connection breaks or falls silent it connects again, a bounded
//! number of times. Intruders' tools do so; without it one restart would end most scenarios.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use tokio_modbus::{Request, Response};

use super::modbus::Modbus;
use super::{Fault, Node};
use crate::plant::Target;
use crate::plant::points::Table;

/// A master that keeps at it.
pub struct Reach {
    node: Node,
    to: Ipv4Addr,
    link: Option<Modbus>,
    /// Requests since the last answer.
    misses: u32,
    /// How long it waits for an answer: seconds.
    pub timeout: f64,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// An answer.
    Answer(Response),
    /// An exception, with its code.
    Exception(u8),
    /// Nothing in time, or the connection broke.
    Nothing,
}

impl Node {
    /// A master for the Modbus server at `to`; it connects when it first asks.
    pub fn reach(&self, to: Ipv4Addr) -> Reach {
        let gateway =
            self.world.device_at(to).is_some_and(|device| self.world.plant.borrow().devices[device].gateway);
        Reach { node: self.clone(), to, link: None, misses: 0, timeout: if gateway { 3.0 } else { 1.0 } }
    }
}

impl Reach {
    /// Sends a request and waits for its answer; a fault says that the server cannot be reached any more.
    pub async fn ask(&mut self, unit: u8, request: Request<'static>) -> Result<Said, Fault> {
        let mut link = match self.link.take() {
            Some(link) => link,
            None => self.connect().await?,
        };
        let said = link.ask(unit, request).await;
        let (said, keep) = match said {
            Ok(response) => (Said::Answer(response), true),
            Err(Fault::Denied(code)) => (Said::Exception(code), true),
            Err(fault) => {
                self.misses += 1;
                if self.misses >= MOST_MISSES {
                    return Err(fault);
                }
                (Said::Nothing, fault == Fault::Silent && !self.misses.is_multiple_of(PATIENCE))
            }
        };
        if said != Said::Nothing {
            self.misses = 0;
        }
        self.link = keep.then_some(link);
        Ok(said)
    }

    /// Closes the connection; the next request opens another.
    pub fn hang_up(&mut self) {
        self.link = None;
    }

    /// The words that stand at a place, bits as 0 and 1.
    pub async fn words(
        &mut self,
        unit: u8,
        table: Table,
        at: u16,
        count: u16,
    ) -> Result<Option<Vec<u16>>, Fault> {
        let request = match table {
            Table::Coil => Request::ReadCoils(at, count),
            Table::Discrete => Request::ReadDiscreteInputs(at, count),
            Table::Input => Request::ReadInputRegisters(at, count),
            Table::Holding => Request::ReadHoldingRegisters(at, count),
        };
        Ok(match self.ask(unit, request).await? {
            Said::Answer(Response::ReadCoils(bits) | Response::ReadDiscreteInputs(bits)) => {
                Some(bits.into_iter().take(usize::from(count)).map(u16::from).collect())
            }
            Said::Answer(Response::ReadInputRegisters(words) | Response::ReadHoldingRegisters(words)) => {
                Some(words)
            }
            _ => None,
        })
    }

    /// Writes words to a place, by the function that fits table and number.
    pub async fn put_words(&mut self, unit: u8, table: Table, at: u16, words: &[u16]) -> Result<Said, Fault> {
        let bit = |word: &u16| *word != 0;
        let request = match (table, words) {
            (Table::Coil | Table::Discrete, [one]) => Request::WriteSingleCoil(at, bit(one)),
            (Table::Coil | Table::Discrete, _) => {
                Request::WriteMultipleCoils(at, words.iter().map(bit).collect())
            }
            (_, [one]) => Request::WriteSingleRegister(at, *one),
            _ => Request::WriteMultipleRegisters(at, words.to_vec().into()),
        };
        self.ask(unit, request).await
    }

    /// What a target holds.
    pub async fn value(&mut self, target: &Target) -> Result<Option<f64>, Fault> {
        let point = target.point;
        let words = self.words(target.unit, point.table, point.addr, point.width()).await?;
        Ok(words.and_then(|words| match words[..] {
            [one] => Some(point.decode([one, 0])),
            [one, other] => Some(point.decode([one, other])),
            _ => None,
        }))
    }

    /// Writes a target.
    pub async fn put(&mut self, target: &Target, value: f64) -> Result<Said, Fault> {
        let point = target.point;
        let words = point.encode(value);
        self.put_words(target.unit, point.table, point.addr, &words[..usize::from(point.width())]).await
    }

    /// Sends a request of a function that has no name here.
    pub async fn special(&mut self, unit: u8, code: u8, data: &[u8]) -> Result<Said, Fault> {
        self.ask(unit, Request::Custom(code, Cow::Owned(data.to_vec()))).await
    }

    /// Sends a request of the vendor's programming function (90): a session, what to do, and with what.
    pub async fn vendor(&mut self, session: u8, order: u8, data: &[u8]) -> Result<Said, Fault> {
        self.special(UNIT, vendor::FUNCTION, &[&[session, order], data].concat()).await
    }

    /// Tells a controller to restart its communications, which restarts it.
    pub async fn restart(&mut self) -> Result<Said, Fault> {
        self.special(UNIT, DIAGNOSTICS, &[0, 1, 0, 0]).await
    }

    async fn connect(&self) -> Result<Modbus, Fault> {
        let mut last = Fault::Silent;
        for wait in WAITS {
            match self.node.modbus(self.to).await {
                Ok(mut link) => {
                    link.timeout = self.timeout;
                    return Ok(link);
                }
                Err(fault) => last = fault,
            }
            self.node.pause(wait).await;
        }
        Err(last)
    }
}

/// The vendor's programming function, and its orders as engineering software gives them.
pub mod vendor {
    /// Its code.
    pub const FUNCTION: u8 = 90;
    /// Begins a conversation.
    pub const HELLO: u8 = 0x01;
    /// Asks what the controller is and whether it runs.
    pub const ABOUT: u8 = 0x04;
    /// Takes the controller for oneself.
    pub const RESERVE: u8 = 0x10;
    /// Gives it back.
    pub const RELEASE: u8 = 0x11;
    /// Begins to send a program to the controller.
    pub const DOWNLOAD: u8 = 0x30;
    /// A block of it.
    pub const DOWNLOAD_BLOCK: u8 = 0x31;
    /// Its end.
    pub const DOWNLOAD_END: u8 = 0x32;
    /// Begins to fetch the program.
    pub const UPLOAD: u8 = 0x33;
    /// A block of it.
    pub const UPLOAD_BLOCK: u8 = 0x34;
    /// Its end.
    pub const UPLOAD_END: u8 = 0x35;
    /// Runs the program.
    pub const START: u8 = 0x40;
    /// Halts it.
    pub const STOP: u8 = 0x41;
    /// What `RESERVE` carries: a number and who asks.
    pub const WHO: &[u8] = b"\x3b\x0e\x00\x00\x0aENGINEER01";
    /// What `START` and `STOP` carry.
    pub const NOW: &[u8] = &[0xff, 0];
}

/// Controllers answer to any unit; everyone asks for this one.
pub const UNIT: u8 = 1;
/// Function 8.
pub const DIAGNOSTICS: u8 = 8;
/// Seconds between attempts to connect: together longer than a restart.
const WAITS: [f64; 5] = [1.0, 2.0, 4.0, 8.0, 8.0];
/// After so many requests without an answer another connection is tried.
const PATIENCE: u32 = 3;
/// And after so many it is given up.
const MOST_MISSES: u32 = 9;
