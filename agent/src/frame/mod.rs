//! From a captured packet to one TCP segment or UDP datagram: link layers, VLAN tags, tunnels as
//! mirror ports deliver them, IP fragments, copies of packets. A bad frame is a counter.

use crate::flow::Addr;

/// The innermost TCP segment or UDP datagram of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Who sent it.
    pub src: Addr,
    /// Who it was sent to.
    pub dst: Addr,
    /// MAC addresses of sender and receiver beside the innermost IP packet, where there are any.
    pub macs: Option<[[u8; 6]; 2]>,
    /// Innermost VLAN id.
    pub vlan: Option<u16>,
    /// Length of the IP packet on the wire, header included.
    pub ip_len: u32,
    /// What is in it.
    pub payload: Payload<'a>,
}

/// What an IP packet carries.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A UDP datagram.
    Udp(Datagram<'a>),
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
    /// Sequence number of the first byte of `data` (of the SYN when there is one).
    pub seq: u32,
    /// Acknowledgement number; counts when the ACK flag stands.
    pub ack: u32,
    /// CWR ECE URG ACK PSH RST SYN FIN, as in byte 13 of the header.
    pub flags: u8,
    /// What was captured of its data.
    pub data: &'a [u8],
    /// Bytes of its data on the wire that the capture cut off.
    pub cut: u32,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Port of the sender.
    pub sport: u16,
    /// Port of the receiver.
    pub dport: u16,
    /// What was captured of its data.
    pub data: &'a [u8],
    /// Bytes of its data on the wire that the capture cut off.
    pub cut: u32,
}
