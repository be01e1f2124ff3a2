//! A plant that speaks Modbus alone: masters that poll slaves, two to each, for as long as it takes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::message::{modbus, wire};
use super::tcp::{Side, Tcp};
use super::{Capture, Rng};

/// Up to twenty masters and two hundred slaves; each pair talks four times. About `packets` packets.
pub fn plant(seed: u64, packets: usize) -> Capture {
    let mut rng = Rng::new(seed);
    let mut capture = Capture::new();
    let slaves = (packets / PACKETS_PER_SLAVE).clamp(1, 200) as u16;
    let per_talk = packets as f64 / PACKETS_PER_EXCHANGE / f64::from(slaves) / 2.0 / f64::from(TALKS);
    let exchanges = (per_talk as u64).saturating_sub(2).max(1);
    let mut ports = [49151_u16; MASTERS as usize];
    for slave in 0..slaves {
        for master in [slave % MASTERS, (slave * 7 + 3) % MASTERS] {
            let mut now = rng.below(2_000_000);
            let period = rng.pick(&[100_000, 200_000, 250_000, 500_000, 500_000, 1_000_000]);
            for _ in 0..TALKS {
                let port = &mut ports[usize::from(master)];
                *port += 1;
                let client = SocketAddr::new(ip(10, 0, 10 + master), *port);
                let server = SocketAddr::new(ip(20, slave / 100, 1 + slave % 100), 502);
                let rtt = rng.pick(&[200, 400, 900, 2500]);
                let mut tcp = Tcp::new(&mut capture, client, server).at(now).rtt(rtt);
                let polling = Polling { slave: slave as u8, exchanges, period };
                now = polling.talk(&mut tcp, &mut rng) + rng.between(1_000_000, 5_000_000);
            }
        }
    }
    capture
}

/// `10.net.c.d`.
pub(super) fn ip(net: u8, c: u16, d: u16) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, net, c as u8, d as u8))
}

/// A master's way of asking one slave.
pub(super) struct Polling {
    /// Number of the slave.
    pub slave: u8,
    /// How often it is asked.
    pub exchanges: u64,
    /// Microseconds from one question to the next.
    pub period: u64,
}

impl Polling {
    /// Opens the connection, polls, ends it; gives the time of the end.
    pub(super) fn talk(&self, tcp: &mut Tcp<'_>, rng: &mut Rng) -> u64 {
        tcp.handshake().wait(200);
        let mut tid = rng.word();
        let unit = rng.pick(&[1, 1, 255, self.slave]);
        let mut done = 0;
        while done < self.exchanges {
            let start = tcp.now;
            // Some masters send more than one request in a segment.
            let together = if rng.chance(0.01) { rng.between(2, 4) } else { 1 };
            let exchanges: Vec<Exchange> = (0..together).map(|_| Exchange::any(rng, self.slave)).collect();
            let (mut requests, mut replies) = (Vec::new(), Vec::new());
            for exchange in &exchanges {
                tid = tid.wrapping_add(1);
                requests.extend(modbus::adu(tid, unit, &exchange.request));
                replies.extend(modbus::adu(tid, unit, &exchange.reply));
                exchange.count_request(tcp.capture);
            }
            tcp.cut(Side::Client, &requests, &cut_sometimes(rng, requests.len(), 0.003));
            tcp.wait(rng.between(300, 3000));
            done += together;
            if rng.chance(0.001) {
                // No answer: the master runs into its time limit.
                tcp.ack(Side::Server).wait(self.period * 2);
                continue;
            }
            let again = rng.chance(0.002);
            tcp.cut(Side::Server, &replies, &cut_sometimes(rng, replies.len(), 0.01));
            exchanges.iter().for_each(|exchange| exchange.count_reply(tcp.capture));
            if again {
                tcp.repeat(Side::Server, replies.len() as u32, &replies);
            }
            tcp.wait(rng.below(100)).ack(Side::Client);
            let jitter = self.period / 20;
            tcp.now = tcp.now.max(start + self.period - jitter + rng.below(2 * jitter + 1));
        }
        match rng.chance(0.9) {
            true => tcp.close(),
            false => tcp.reset(Side::Client),
        };
        tcp.now
    }
}

fn cut_sometimes(rng: &mut Rng, length: usize, probability: f64) -> Vec<usize> {
    if rng.chance(probability) { vec![rng.between(1, length as u64) as usize] } else { Vec::new() }
}

/// A request and its reply.
pub(super) struct Exchange {
    function: u8,
    request: Vec<u8>,
    reply: Vec<u8>,
    exception: Option<u8>,
}

impl Exchange {
    /// What plants send, as often as they do: mostly reads of registers.
    pub(super) fn any(rng: &mut Rng, slave: u8) -> Self {
        let function = rng.weighted(&FUNCTIONS);
        let address = rng.pick(&[0, 10, 100, 1000, 40000, rng.clone().below(60000) as u16]);
        let mut exchange = Self::of(rng, function, address, slave);
        if rng.chance(0.01) {
            let code = rng.pick(&[1, 2, 2, 2, 3, 4, 6]);
            exchange.exception = Some(code);
            exchange.reply = modbus::exception(function, code);
        }
        exchange
    }

    fn of(rng: &mut Rng, function: u8, address: u16, slave: u8) -> Self {
        let (request, reply) = match function {
            1 | 2 => {
                let quantity = rng.pick(&[1_u16, 8, 16, 64, 256, 2000]);
                let reply = rng.bytes(quantity.div_ceil(8).into());
                (modbus::two(function, address, quantity), modbus::data(function, reply))
            }
            3 | 4 => {
                let quantity = rng.pick(&[1_u16, 2, 4, 8, 10, 16, 32, 64, 100, 125]);
                let reply = rng.bytes(usize::from(quantity) * 2);
                (modbus::two(function, address, quantity), modbus::data(function, reply))
            }
            5 => same(modbus::two(5, address, rng.pick(&[0, 0xff00]))),
            6 => same(modbus::two(6, address, rng.word())),
            7 => (vec![7], vec![7, rng.word() as u8]),
            8 => same(modbus::two(8, 0, rng.word())),
            15 => {
                let quantity = rng.pick(&[8_u16, 16, 100]);
                let coils = rng.bytes(quantity.div_ceil(8).into());
                (modbus::write(15, address, quantity, coils), modbus::two(15, address, quantity))
            }
            16 => {
                let quantity = rng.pick(&[1_u16, 2, 8, 32, 123]);
                let registers = rng.bytes(usize::from(quantity) * 2);
                (modbus::write(16, address, quantity, registers), modbus::two(16, address, quantity))
            }
            23 => {
                let (read, written) = (rng.pick(&[1_u16, 4, 16]), rng.pick(&[1, 4]));
                let request = modbus::read_write((address, read), address, rng.bytes(written * 2));
                (request, modbus::data(23, rng.bytes(usize::from(read) * 2)))
            }
            _ => {
                let product = format!("PLC-{slave:03}");
                let objects = [(0, "Acme Automation"), (1, product.as_str()), (2, "V2.31")];
                (wire![[43, 14, 1, 0]], modbus::identification(1, None, &objects))
            }
        };
        Self { function, request, reply, exception: None }
    }

    /// One that is not left to chance.
    pub(super) fn new(request: Vec<u8>, reply: Vec<u8>) -> Self {
        let exception = (reply[0] & 0x80 != 0).then(|| reply[1]);
        Self { function: request[0], request, reply, exception }
    }

    /// Sends both and counts them.
    pub(super) fn send(&self, tcp: &mut Tcp<'_>, tid: u16, unit: u8) {
        tcp.client(modbus::adu(tid, unit, &self.request)).server(modbus::adu(tid, unit, &self.reply));
        self.count_request(tcp.capture);
        self.count_reply(tcp.capture);
        tcp.ack(Side::Client);
    }

    fn count_request(&self, capture: &mut Capture) {
        capture.truth.message("modbus.request", format_args!("fc{}", self.function));
    }

    fn count_reply(&self, capture: &mut Capture) {
        capture.truth.one("modbus.response");
        if let Some(code) = self.exception {
            capture.truth.message("modbus.exception", code);
        }
    }
}

fn same(pdu: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    (pdu.clone(), pdu)
}

/// Function codes and how often they are met, in quarters of a percent.
const FUNCTIONS: [(u8, u32); 12] = [
    (3, 240),
    (4, 60),
    (1, 20),
    (2, 20),
    (6, 20),
    (16, 20),
    (5, 8),
    (15, 4),
    (23, 4),
    (43, 2),
    (8, 1),
    (7, 1),
];
const MASTERS: u16 = 20;
/// How often a pair opens a connection.
const TALKS: u32 = 4;
/// Request, reply, acknowledgement, and now and then one more.
const PACKETS_PER_EXCHANGE: f64 = 3.02;
/// Small captures have fewer slaves, so that each is still polled a while.
const PACKETS_PER_SLAVE: usize = 500;
