//! DNS over sockets: the plant's server, and questions to it.

use std::io;
use std::net::{SocketAddrV4, UdpSocket};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Live, allowed, fault};
use crate::net::{Fault, Node, Service};
use crate::world::World;

/// Answers questions.
pub async fn serve(world: Rc<World>, socket: UdpSocket) -> io::Result<()> {
    let socket = tokio::net::UdpSocket::from_std(socket)?;
    let mut question = [0; LONGEST];
    loop {
        let (length, from) = socket.recv_from(&mut question).await?;
        if let Some(answer) = question.get(..length).and_then(|question| world.answer(question)) {
            // A client that has gone by now is told by the next receive; that is no reason to stop.
            drop(socket.send_to(&answer, from).await);
        }
    }
}

impl Live {
    /// Asks the server at `to`.
    pub async fn question(
        &self,
        node: &Node,
        to: std::net::Ipv4Addr,
        question: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        node.world.met(node, to);
        self.saw(node.tag, node.now().as_micros());
        let answer = self.exchange(node, SocketAddrV4::new(to, self.port(Service::Names.port())), question);
        let answer = timeout(PATIENCE, answer).await;
        self.saw(node.tag, node.now().as_micros());
        answer.map_err(|_| Fault::Silent)?.map_err(|error| fault(&error))
    }

    async fn exchange(&self, node: &Node, to: SocketAddrV4, question: &[u8]) -> io::Result<Vec<u8>> {
        for ip in [node.ip(), *to.ip()] {
            allowed(ip).map_err(io::Error::other)?;
        }
        let socket = tokio::net::UdpSocket::bind(SocketAddrV4::new(node.ip(), 0)).await?;
        socket.connect(to).await?;
        socket.send(question).await?;
        let mut answer = vec![0; LONGEST];
        let length = socket.recv(&mut answer).await?;
        answer.truncate(length);
        Ok(answer)
    }
}

/// The longest message.
const LONGEST: usize = 4096;
/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(2);
