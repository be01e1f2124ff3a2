//! Connections of which only that they are there matters: probes, floods, copies of large files, pings.

use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;

use super::{Fault, Line, Net, Node};
use crate::record::{Door, Side};

/// An open connection.
pub struct Raw {
    node: Node,
    link: Link,
}

enum Link {
    Recorded(Line),
}

impl Node {
    /// Connects to any port.
    pub async fn connect(&self, to: Ipv4Addr, port: u16) -> Result<Raw, Fault> {
        let link = match &self.world.net {
            Net::Recorded(net) => Link::Recorded(self.line(net, to, port).await?),
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
            match &self.link {
                Link::Recorded(line) => {
                    if !line.stands() {
                        return Err(Fault::Broken);
                    }
                    line.send(Side::Client, self.node.now().as_micros(), &piece[..count as usize]);
                }
            }
            left -= count;
            self.node.pause(count as f64 / rate).await;
        }
        Ok(())
    }

    /// Sends `bytes` and looks away.
    pub async fn say(&mut self, bytes: &[u8]) {
        match &self.link {
            Link::Recorded(line) => drop(line.send(Side::Client, self.node.now().as_micros(), bytes)),
        }
    }
}

/// So much goes out at once.
const CHUNK: usize = 29_200;
