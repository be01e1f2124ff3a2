//! A master's connection to a Modbus server.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;
use tokio_modbus::{Request, Response};

use super::{Fault, Line, Net, Node, Service, wire};
use crate::live::modbus::Master;
use crate::plant::device::Reply;
use crate::record::{On, Side};
use crate::world::Path;

/// A connection to a Modbus server.
pub struct Modbus {
    node: Node,
    to: Ipv4Addr,
    device: Option<usize>,
    tid: u16,
    link: Link,
    /// How long it waits for an answer: seconds.
    pub timeout: f64,
}

enum Link {
    Recorded(Line),
    Live(Master),
}

/// Someone on the path between a master and a server, who sees every message before it arrives.
pub trait Tamper {
    /// A request passes by.
    fn request(&mut self, _unit: u8, _request: &mut Request<'static>) -> Fate {
        Fate::Passes
    }

    /// Its answer passes by.
    fn reply(&mut self, _unit: u8, _request: &Request<'static>, _reply: &mut Response) -> Fate {
        Fate::Passes
    }

    /// A message for the broker passes by.
    fn publish(&mut self, _topic: &str) -> Fate {
        Fate::Passes
    }
}

/// What becomes of a message on the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, changed or not.
    Passes,
    /// It does not.
    Vanishes,
}

impl Node {
    /// Connects to the Modbus server at `to`.
    pub async fn modbus(&self, to: Ipv4Addr) -> Result<Modbus, Fault> {
        let link = match &self.world.net {
            Net::Recorded(net) => Link::Recorded(self.line(net, to, Service::Modbus.port()).await?),
            Net::Live(live) => Link::Live(Master::connect(live, self, to).await?),
        };
        let device = self.world.device_at(to);
        // Masters begin their numbers where they like.
        let tid = (self.now().as_micros() >> 7) as u16;
        Ok(Modbus { node: self.clone(), to, device, tid, link, timeout: 1.0 })
    }
}

impl Modbus {
    /// Sends a request and waits for its answer.
    pub async fn ask(&mut self, unit: u8, request: Request<'static>) -> Result<Response, Fault> {
        self.tid = self.tid.wrapping_add(1);
        match &mut self.link {
            Link::Recorded(_) => self.recorded(unit, request).await,
            Link::Live(master) => {
                self.node.saw();
                let answer = master.ask(unit, request, self.timeout).await;
                self.node.saw();
                answer
            }
        }
    }

    /// Reads registers of the holding table.
    pub async fn holding(&mut self, unit: u8, at: u16, count: u16) -> Result<Vec<u16>, Fault> {
        match self.ask(unit, Request::ReadHoldingRegisters(at, count)).await? {
            Response::ReadHoldingRegisters(words) => Ok(words),
            _ => Err(Fault::Broken),
        }
    }

    /// Writes one register of the holding table.
    pub async fn write(&mut self, unit: u8, at: u16, word: u16) -> Result<(), Fault> {
        self.ask(unit, Request::WriteSingleRegister(at, word)).await.map(drop)
    }

    /// Sends a request of a function that has no name here.
    pub async fn special(&mut self, unit: u8, code: u8, data: &[u8]) -> Result<Vec<u8>, Fault> {
        match self.ask(unit, Request::Custom(code, Cow::Owned(data.to_vec()))).await? {
            Response::Custom(_, data) => Ok(data.to_vec()),
            _ => Ok(Vec::new()),
        }
    }

    /// Sends bytes that are no message, and waits for nothing.
    pub async fn garbage(&mut self, bytes: &[u8]) {
        match &mut self.link {
            Link::Recorded(line) => drop(line.send(Side::Client, line.node.now().as_micros(), bytes)),
            Link::Live(master) => {
                self.node.saw();
                master.garbage(bytes).await;
            }
        }
    }

    async fn recorded(&mut self, unit: u8, mut request: Request<'static>) -> Result<Response, Fault> {
        let world = &self.node.world;
        let line = match &self.link {
            Link::Recorded(line) if line.stands() => line,
            _ => return Err(Fault::Broken),
        };
        let now = self.node.now().as_micros();
        let sent = wire::request(self.tid, unit, &request);
        let path = world.path(self.node.ip(), self.to);
        let own = (self.node.tag != 0).then_some(self.node.tag);
        let late = now + (self.timeout * 1e6) as u64;
        if world.is_deaf(self.device) {
            if let Some(net) = world.net.recorded() {
                net.recorder.borrow_mut().send_in_vain(line.index, now, &sent, own);
            }
            world.play.until(Timestamp::from_micros(late)).await;
            return Err(Fault::Silent);
        }
        let fate =
            path.as_ref().map_or(Fate::Passes, |path| path.tamper.borrow_mut().request(unit, &mut request));
        let forged = path.is_some().then(|| wire::request(self.tid, unit, &request));
        let arrival = self.pass(line, Side::Client, now, &sent, forged, fate, path.as_ref(), own);
        let reply = if fate == Fate::Vanishes { None } else { self.serve(arrival, unit, &request) };
        let Some((at, mut reply)) = reply else {
            world.play.until(Timestamp::from_micros(late)).await;
            return Err(Fault::Silent);
        };
        let code = wire::code(&request);
        let bytes = wire::response(self.tid, unit, code, &reply);
        let fate = match (&path, &mut reply) {
            (Some(path), Ok(reply)) => path.tamper.borrow_mut().reply(unit, &request, reply),
            _ => Fate::Passes,
        };
        let forged = path.is_some().then(|| wire::response(self.tid, unit, code, &reply));
        let arrival = self.pass(line, Side::Server, at, &bytes, forged, fate, path.as_ref(), own);
        if fate == Fate::Vanishes || arrival > late {
            world.play.until(Timestamp::from_micros(late)).await;
            return Err(Fault::Silent);
        }
        world.play.until(Timestamp::from_micros(arrival)).await;
        reply.map_err(|exception| Fault::Denied(exception.into()))
    }

    /// Sends a message along a path; tells when it arrives.
    #[expect(clippy::too_many_arguments, reason = "a message and what becomes of it")]
    fn pass(
        &self,
        line: &Line,
        side: Side,
        at: u64,
        bytes: &[u8],
        forged: Option<Vec<u8>>,
        fate: Fate,
        path: Option<&Path>,
        own: Option<u16>,
    ) -> u64 {
        let changed = forged.as_deref().filter(|forged| *forged != bytes);
        let touched = changed.is_some() || fate == Fate::Vanishes;
        let tag = own.or_else(|| path.filter(|_| touched).map(|path| path.tag));
        let on = On { changed, vanishes: fate == Fate::Vanishes, tag };
        let Some(net) = self.node.world.net.recorded() else { return at };
        net.recorder.borrow_mut().send_on(line.index, side, at, bytes, on)
    }

    /// What the server answers to a request that arrives then, and when.
    fn serve(
        &self,
        arrival: u64,
        unit: u8,
        request: &Request<'_>,
    ) -> Option<(u64, Result<Response, tokio_modbus::ExceptionCode>)> {
        let device = self.device?;
        let after = self.node.world.occupy(device, arrival)?;
        let reply: Reply = self.node.world.plant.borrow_mut().answer(device, arrival, unit, request);
        reply.map(|reply| (after, reply))
    }
}
