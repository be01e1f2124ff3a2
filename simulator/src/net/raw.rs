//! Connections of which only that they are there matters: probes, floods, copies of large files, pings.

use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Fault, Line, Net, Node};
use crate::record::{Door, Side};

/// An open connection.
pub struct Raw {
    node: Node,
    link: Link,
}

enum Link {
    Recorded(Line),
    Live(TcpStream),
}

impl Node {
    /// Connects to any port.
    pub async fn connect(&self, to: Ipv4Addr, port: u16) -> Result<Raw, Fault> {
        let link = match &self.world.net {
            Net::Recorded(net) => Link::Recorded(self.line(net, to, port).await?),
            Net::Live(live) => Link::Live(live.dial(self, to, port).await?),
        };
        Ok(Raw { node: self.clone(), link })
    }

    /// Sends a SYN and looks what comes back, without opening the connection; live, the connection is
    /// opened and broken off, since half of one takes privileges.
    pub async fn knock(&self, to: Ipv4Addr, port: u16) -> Door {
        match &self.world.net {
            Net::Recorded(net) => {
                let (peer, door) = self.world.door(to, port);
                let own = self.port();
                let now = self.now().as_micros();
                self.world.met(self, to);
                net.recorder.borrow_mut().knock(self.peer(), own, peer, port, door, now, self.tag);
                door
            }
            Net::Live(live) => match live.dial(self, to, port).await {
                Ok(stream) => {
                    // Closing then resets, which takes no time and leaves nothing behind.
                    drop(stream.set_zero_linger());
                    Door::Open
                }
                Err(Fault::Silent) => Door::Silent,
                Err(_) => Door::Closed,
            },
        }
    }

    /// Whether `to` answers a ping. Live, nothing is sent: that takes privileges.
    pub async fn ping(&self, to: Ipv4Addr) -> bool {
        match &self.world.net {
            Net::Recorded(net) => {
                let (peer, _) = self.world.door(to, 0);
                let alive = peer.mac != [0; 6];
                let now = self.now().as_micros();
                self.world.met(self, to);
                let at = net.recorder.borrow_mut().ping(self.peer(), peer, now, alive, self.tag);
                self.world.play.until(Timestamp::from_micros(at)).await;
                alive
            }
            Net::Live(_) => {
                self.world.met(self, to);
                self.world.door(to, 0).0.mac != [0; 6]
            }
        }
    }
}

impl Raw {
    /// Sends `bytes` bytes of no meaning at about `rate` bytes a second.
    pub async fn upload(&mut self, bytes: u64, rate: f64) -> Result<(), Fault> {
        let piece = vec![0x5a; CHUNK];
        let mut left = bytes;
        while left > 0 {
            let count = left.min(CHUNK as u64);
            match &mut self.link {
                Link::Recorded(line) => {
                    if !line.stands() {
                        return Err(Fault::Broken);
                    }
                    line.send(Side::Client, self.node.now().as_micros(), &piece[..count as usize]);
                }
                Link::Live(stream) => {
                    self.node.saw();
                    stream.write_all(&piece[..count as usize]).await.map_err(|_| Fault::Broken)?;
                }
            }
            left -= count;
            self.node.pause(count as f64 / rate).await;
        }
        Ok(())
    }

    /// Sends `bytes` and looks away.
    pub async fn say(&mut self, bytes: &[u8]) {
        match &mut self.link {
            Link::Recorded(line) => drop(line.send(Side::Client, self.node.now().as_micros(), bytes)),
            Link::Live(stream) => {
                self.node.saw();
                drop(stream.write_all(bytes).await);
            }
        }
    }
}

/// So much goes out at once.
const CHUNK: usize = 29_200;
