//! Modbus/TCP over sockets, both ends by tokio-modbus.
//!
//! Its servers want to be moved between threads and the plant cannot be, so requests go to the plant's
//! own thread through a bounded channel. A device takes as long for an answer as the model says.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::time::Timestamp;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_modbus::client::{Client as _, Context, tcp};
use tokio_modbus::server::{Service, tcp::Server};
use tokio_modbus::slave::SlaveContext as _;
use tokio_modbus::{
    Error, ExceptionCode, ExceptionResponse, ProtocolError, Request, Response, Slave, SlaveRequest,
};

use super::Live;
use super::doors::{MOST_CONNECTIONS, reset};
use crate::net::{Fault, Node, Service as Kind};
use crate::plant::device::Reply;
use crate::world::World;

/// A request on its way to the plant.
pub struct Order {
    device: usize,
    unit: u8,
    request: Request<'static>,
    reply: oneshot::Sender<Reply>,
}

/// Takes requests to the plant, each in a task of its own: a device that is slow holds up no other.
pub async fn answer(world: Rc<World>, mut orders: mpsc::Receiver<Order>) {
    while let Some(order) = orders.recv().await {
        let world = world.clone();
        world.play.clone().spawn(async move {
            let arrival = world.play.now().as_micros();
            let Some(done) = world.occupy(order.device, arrival) else { return };
            world.play.until(Timestamp::from_micros(done)).await;
            let reply = world.plant.borrow_mut().answer(order.device, done, order.unit, &order.request);
            // Whoever asked may have gone.
            drop(order.reply.send(reply));
        });
    }
}

/// Serves a device.
pub async fn serve(
    world: Rc<World>,
    device: usize,
    orders: mpsc::Sender<Order>,
    socket: TcpListener,
) -> io::Result<()> {
    let desk = Desk { device, orders, open: Arc::new(()) };
    let host = world.plant.borrow().devices[device].host;
    let connected = |stream: TcpStream, _| {
        let full = Arc::strong_count(&desk.open) > MOST_CONNECTIONS;
        let taken = if full || !world.reachable(host) {
            reset(stream);
            Ok(None)
        } else {
            stream.set_nodelay(true).map(|()| Some((desk.clone(), stream)))
        };
        async move { taken }
    };
    let server = Server::new(tokio::net::TcpListener::from_std(socket)?);
    server
        .serve(
            &connected,
            |error| tracing::debug!(%error, "a Modbus connection ended in the middle of a message"),
        )
        .await
}

/// One connection of a device's server.
#[derive(Clone)]
struct Desk {
    device: usize,
    orders: mpsc::Sender<Order>,
    /// Counts the connections.
    open: Arc<()>,
}

impl Service for Desk {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Pin<Box<dyn Future<Output = Result<Option<Response>, ExceptionCode>> + Send>>;

    fn call(&self, asked: SlaveRequest<'static>) -> Self::Future {
        let (reply, answered) = oneshot::channel();
        let order = Order { device: self.device, unit: asked.slave, request: asked.request, reply };
        let orders = self.orders.clone();
        Box::pin(async move {
            if orders.send(order).await.is_err() {
                // The plant stops; so will this connection.
                return pending().await;
            }
            answered.await.unwrap_or_default().transpose().map(|reply| reply.map(sendable))
        })
    }
}

/// The response as tokio-modbus 0.17 sends it right: for a server id it writes a length into the header
/// that is one too small, so that goes out as bytes of its function.
pub fn sendable(response: Response) -> Response {
    match response {
        Response::ReportServerId(id, running, more) => {
            let mut data = vec![more.len() as u8 + 2, id, if running { 0xff } else { 0 }];
            data.extend_from_slice(&more);
            Response::Custom(17, data.into())
        }
        other => other,
    }
}

/// A master's connection.
pub struct Master {
    context: Context,
    /// The same connection, for what is no message.
    bare: Option<TcpStream>,
}

impl Master {
    /// Connects to the server at `to`.
    pub async fn connect(live: &Live, node: &Node, to: Ipv4Addr) -> Result<Self, Fault> {
        let mut stream = live.dial(node, to, Kind::Modbus.port()).await?;
        let mut bare = None;
        // Nobody else sends garbage, and a second handle costs a file.
        if node.tag != 0 {
            let twice = stream.into_std().and_then(|one| Ok((one.try_clone()?, one)));
            let both = twice.and_then(|(a, b)| Ok((TcpStream::from_std(a)?, TcpStream::from_std(b)?)));
            let (one, other) = both.map_err(|error| super::fault(&error))?;
            (stream, bare) = (one, Some(other));
        }
        Ok(Self { context: tcp::attach(stream), bare })
    }

    /// Asks, and waits for the answer so many seconds.
    pub async fn ask(
        &mut self,
        unit: u8,
        request: Request<'static>,
        longest: f64,
    ) -> Result<Response, Fault> {
        self.context.set_slave(Slave(unit));
        let answer = timeout(Duration::from_secs_f64(longest), self.context.call(request)).await;
        match answer.map_err(|_| Fault::Silent)? {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(exception)) => Err(Fault::Denied(exception.into())),
            // What was asked by number and is answered by name counts as another function there.
            Err(Error::Protocol(ProtocolError::FunctionCodeMismatch { request, result })) => match result {
                Ok(response) if response.function_code().value() == request.value() => Ok(response),
                Err(ExceptionResponse { function, exception }) if function.value() == request.value() => {
                    Err(Fault::Denied(exception.into()))
                }
                _ => Err(Fault::Broken),
            },
            // An answer that comes after its time is met here by the next request: the connection is out
            // of step, and masters then begin a new one.
            Err(_) => Err(Fault::Broken),
        }
    }

    /// Sends bytes that are no message.
    pub async fn garbage(&mut self, bytes: &[u8]) {
        if let Some(bare) = &mut self.bare {
            drop(bare.write_all(bytes).await);
        }
    }
}
