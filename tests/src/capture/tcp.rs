//! One TCP connection as a capture sees it: sends in order by default, and on request loses, swaps,
//! repeats or hides segments.
//!
//! It carries its own clock; each turn of the talk takes one round trip.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::packet::Segment;
use super::{Capture, Rng};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one who opens the connection.
    Client,
    /// The other.
    Server,
}

impl Side {
    /// The one who receives.
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// A connection.
pub struct Tcp<'a> {
    /// Where its packets go.
    pub capture: &'a mut Capture,
    /// Microseconds since the start of the capture.
    pub now: u64,
    /// Round trip in microseconds.
    pub rtt: u64,
    /// Most data bytes in a segment.
    pub mss: usize,
    /// VLAN of its packets.
    pub vlan: Option<u16>,
    /// How often a segment is sent twice, and how often it is overtaken by the next.
    pub trouble: Option<Trouble>,
    /// Packets of this side are not seen.
    pub hidden: Option<Side>,
    ends: [SocketAddr; 2],
    next: [u32; 2],
}

/// What goes wrong by chance on the way.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// Share of segments that are sent twice.
    pub again: f64,
    /// Share of segments that are overtaken by the next.
    pub late: f64,
    /// Chance.
    pub rng: Rng,
}

impl<'a> Tcp<'a> {
    /// A connection whose opening is not in the capture (yet).
    pub fn new(capture: &'a mut Capture, client: SocketAddr, server: SocketAddr) -> Self {
        // Any numbers will do that differ between connections.
        let mut rng = Rng::new(u64::from(client.port()) << 16 | u64::from(server.port()));
        let next = [rng.bits() as u32, rng.bits() as u32];
        let ends = [client, server];
        Self { capture, now: 0, rtt: 400, mss: 1460, vlan: None, trouble: None, hidden: None, ends, next }
    }

    /// A connection, opened, from a usual client to `port` of a usual server. Each gets a client port
    /// of its own and begins when the last packet of the capture is past.
    pub fn open(capture: &'a mut Capture, port: u16) -> Self {
        let mut tcp = Self::midstream(capture, port);
        tcp.handshake();
        tcp
    }

    /// The same without its opening: the capture began later.
    pub fn midstream(capture: &'a mut Capture, port: u16) -> Self {
        let (start, sequel) = (capture.after(), capture.next_port());
        let mut tcp = Self::new(capture, SocketAddr::new(CLIENT, sequel), SocketAddr::new(SERVER, port));
        tcp.now = start;
        tcp
    }

    /// Begins at this time.
    pub const fn at(mut self, now: u64) -> Self {
        self.now = now;
        self
    }

    /// Has this round trip.
    pub const fn rtt(mut self, rtt: u64) -> Self {
        self.rtt = rtt;
        self
    }

    /// The next byte of `side` has this sequence number.
    pub const fn sequence(mut self, side: Side, next: u32) -> Self {
        self.next[side as usize] = next;
        self
    }

    /// SYN, SYN-ACK, ACK.
    pub fn handshake(&mut self) -> &mut Self {
        self.handshake_with(&[])
    }

    /// The same with data on the SYN (RFC 7413).
    pub fn handshake_with(&mut self, data: &[u8]) -> &mut Self {
        let mss = (self.mss as u16).to_be_bytes();
        let options = [2, 4, mss[0], mss[1], 1, 3, 3, 7, 4, 2, 1, 1];
        self.raw(Side::Client, 0, SYN, &options, data);
        self.skip(Side::Client, 1 + data.len() as u32);
        self.wait(self.rtt);
        self.raw(Side::Server, 0, SYN | ACK, &options, &[]);
        self.skip(Side::Server, 1);
        self.wait(30);
        self.raw(Side::Client, 0, ACK, &[], &[]);
        self.capture.truth.one("tcp.conn");
        self.wait(10)
    }

    /// The client sends `data`, in as few segments as it takes.
    pub fn client(&mut self, data: impl AsRef<[u8]>) -> &mut Self {
        self.send(Side::Client, data.as_ref())
    }

    /// The server sends `data`, in as few segments as it takes.
    pub fn server(&mut self, data: impl AsRef<[u8]>) -> &mut Self {
        self.send(Side::Server, data.as_ref())
    }

    /// `from` sends `data`, in as few segments as it takes.
    pub fn send(&mut self, from: Side, data: &[u8]) -> &mut Self {
        let pieces = data.len().div_ceil(self.mss);
        let mut unacknowledged = 0;
        for (at, piece) in data.chunks(self.mss).enumerate() {
            let last = at + 1 == pieces;
            self.piece(from, piece, last);
            unacknowledged += 1;
            if unacknowledged == 2 && !last {
                self.later(70, |tcp| tcp.ack(from.other()));
                unacknowledged = 0;
            }
            self.wait(20);
        }
        self.wait(self.rtt)
    }

    /// `from` sends `data` in segments that end at each of `cuts`.
    pub fn cut(&mut self, from: Side, data: &[u8], cuts: &[usize]) -> &mut Self {
        let mut start = 0;
        for end in cuts.iter().copied().chain([data.len()]) {
            self.piece(from, &data[start..end], end == data.len());
            self.wait(20);
            start = end;
        }
        self.wait(self.rtt)
    }

    /// `from` sends `data` cut at `cuts`; the segments come in this `order`, missing ones not at all.
    pub fn shuffled(&mut self, from: Side, data: &[u8], cuts: &[usize], order: &[usize]) -> &mut Self {
        let ends: Vec<usize> = [0].into_iter().chain(cuts.iter().copied()).chain([data.len()]).collect();
        self.skip(from, data.len() as u32);
        for &piece in order {
            let (start, end) = (ends[piece], ends[piece + 1]);
            self.repeat(from, (data.len() - start) as u32, &data[start..end]);
        }
        self.wait(self.rtt)
    }

    /// `from` sends `data` that begins `back` bytes before the next new byte: a retransmission.
    pub fn repeat(&mut self, from: Side, back: u32, data: &[u8]) -> &mut Self {
        self.raw(from, back, PSH | ACK, &[], data);
        self.wait(20)
    }

    /// `from` sends `data`, but the capture misses it.
    pub fn lose(&mut self, from: Side, data: &[u8]) -> &mut Self {
        self.skip(from, data.len() as u32);
        self.wait(self.rtt)
    }

    /// A segment without data.
    pub fn ack(&mut self, from: Side) -> &mut Self {
        self.raw(from, 0, ACK, &[], &[]);
        self
    }

    /// `from` ends its half, the other follows.
    pub fn close_by(&mut self, from: Side) -> &mut Self {
        for side in [from, from.other()] {
            self.raw(side, 0, FIN | ACK, &[], &[]);
            self.skip(side, 1);
            self.wait(self.rtt / 2);
        }
        self.ack(from)
    }

    /// `from` sends `data` and, in the same segment, the end of its half.
    pub fn last(&mut self, from: Side, data: &[u8]) -> &mut Self {
        self.raw(from, 0, FIN | PSH | ACK, &[], data);
        self.skip(from, data.len() as u32 + 1);
        self.wait(self.rtt)
    }

    /// The client ends the connection.
    pub fn close(&mut self) -> &mut Self {
        self.close_by(Side::Client)
    }

    /// `from` breaks the connection off.
    pub fn reset(&mut self, from: Side) -> &mut Self {
        self.raw(from, 0, RST | ACK, &[], &[]);
        self
    }

    /// Time passes.
    pub const fn wait(&mut self, micros: u64) -> &mut Self {
        self.now += micros;
        self
    }

    /// Does something `micros` later without staying there.
    pub fn later(&mut self, micros: u64, what: impl FnOnce(&mut Self) -> &mut Self) -> &mut Self {
        let now = self.now;
        self.now += micros;
        what(self);
        self.now = now;
        self
    }

    /// One segment of `data`, with the trouble that chance brings.
    fn piece(&mut self, from: Side, data: &[u8], last: bool) {
        let flags = if last { PSH | ACK } else { ACK };
        let (mut late, mut again) = (false, false);
        if let Some(trouble) = &mut self.trouble {
            late = !last && trouble.rng.chance(trouble.late);
            again = trouble.rng.chance(trouble.again);
        }
        let send = |tcp: &mut Self| tcp.raw(from, 0, flags, &[], data);
        // The next segment comes 20 microseconds from now.
        self.now += if late { 45 } else { 0 };
        send(self);
        self.now -= if late { 45 } else { 0 };
        if again {
            self.now += 60;
            send(self);
            self.now -= 60;
        }
        self.skip(from, data.len() as u32);
    }

    fn raw(&mut self, from: Side, back: u32, flags: u8, options: &[u8], data: &[u8]) {
        if self.hidden == Some(from) {
            return;
        }
        let (here, there) = (from as usize, from.other() as usize);
        let ack = if flags & ACK != 0 { self.next[there] } else { 0 };
        let segment =
            Segment { seq: self.next[here].wrapping_sub(back), ack, flags, window: 64240, options, data };
        self.capture.segment(self.now, self.ends[here], self.ends[there], self.vlan, &segment);
    }

    const fn skip(&mut self, side: Side, bytes: u32) {
        self.next[side as usize] = self.next[side as usize].wrapping_add(bytes);
    }
}

impl Capture {
    /// A time when every packet so far is past.
    pub(super) fn after(&self) -> u64 {
        self.index.iter().map(|entry| entry.at + 10_000).max().unwrap_or_default()
    }

    /// A client port that was not used before.
    pub(super) fn next_port(&mut self) -> u16 {
        self.connections += 1;
        49151 + self.connections
    }
}

/// The usual client.
pub const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
/// The usual server.
pub const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;
