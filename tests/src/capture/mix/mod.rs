//! A site network: four tenths of the packets HTTP, two tenths each DNS, MQTT and Modbus.

pub(super) mod dns;
pub(super) mod http;
pub(super) mod mqtt;

use std::net::{IpAddr, SocketAddr};

use super::plant::{Polling, ip};
use super::tcp::Tcp;
use super::{Capture, Rng};

/// About `packets` packets that begin within five minutes.
pub fn mix(seed: u64, packets: usize) -> Capture {
    let mut rng = Rng::new(seed);
    let mut capture = Capture::new();
    let tenth = packets / 10;
    http::browse(&mut capture, &mut rng, tenth * 4);
    dns::resolve(&mut capture, &mut rng, tenth * 2);
    mqtt::publish(&mut capture, &mut rng, tenth * 2);
    poll(&mut capture, &mut rng, tenth * 2);
    capture
}

fn poll(capture: &mut Capture, rng: &mut Rng, packets: usize) {
    let end = capture.packets() + packets;
    let mut port = 40000;
    while capture.packets() < end {
        let slave = rng.below(100) as u16;
        port = if port < 60999 { port + 1 } else { 40000 };
        let client = SocketAddr::new(ip(10, 0, 10 + slave % 10), port);
        let server = SocketAddr::new(ip(20, 0, 1 + slave), 502);
        let (start, rtt) = (rng.below(SPAN), rng.pick(&[200, 400, 900, 2500]));
        let mut tcp = Tcp::new(capture, client, server).at(start).rtt(rtt);
        let period = rng.pick(&[100_000, 500_000, 1_000_000]);
        Polling { slave: slave as u8, exchanges: 100, period }.talk(&mut tcp, rng);
    }
}

/// The same host in IPv6: `2001:db8:net::` and the last bytes of its IPv4 address.
fn six(net: u16, ip: IpAddr) -> IpAddr {
    let IpAddr::V4(ip) = ip else { return ip };
    let [_, _, c, d] = ip.octets();
    IpAddr::from([0x2001, 0xdb8, net, 0, 0, 0, 0, u16::from_be_bytes([c, d])])
}

/// Conversations begin within so many microseconds.
const SPAN: u64 = 300_000_000;
