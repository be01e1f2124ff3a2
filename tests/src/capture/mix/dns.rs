//! Hosts that ask for names, mostly over UDP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::super::message::{dns, wire};
use super::super::plant::ip;
use super::super::tcp::{Side, Tcp};
use super::super::{Capture, Rng};
use super::{SPAN, six};

/// About `packets` packets: 400 hosts, 5000 names, three resolvers.
pub fn resolve(capture: &mut Capture, rng: &mut Rng, packets: usize) {
    let end = capture.packets() + packets;
    let names: Vec<String> = (0..5000).map(|_| domain(rng)).collect();
    let resolvers = [ip(0, 0, 53), ip(0, 1, 53), IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9))];
    while capture.packets() < end {
        let now = rng.below(SPAN);
        let host = rng.below(400) as u16;
        let (mut client, mut server) = (ip(30, host / 200, 1 + host % 200), rng.pick(&resolvers));
        let lookup = Lookup::any(rng, &names);
        let rtt = rng.pick(&[300, 800, 5000, 30000]);
        if rng.chance(0.1) {
            (client, server) = (six(0x80, client), six(0x53, server));
        }
        let client = SocketAddr::new(client, rng.between(20000, 65000) as u16);
        let server = SocketAddr::new(server, 53);
        if rng.chance(0.01) {
            let mut tcp = Tcp::new(capture, client, server).at(now).rtt(rtt);
            tcp.handshake().client(dns::framed(&lookup.query)).server(dns::framed(&lookup.reply));
            tcp.ack(Side::Client).wait(50).close();
            capture.truth.one("dns.tcp.query");
            lookup.count(capture, true);
            continue;
        }
        capture.udp(now, client, server, &lookup.query);
        let answered = !rng.chance(0.01);
        if answered {
            capture.udp(now + rtt, server, client, &lookup.reply);
        }
        lookup.count(capture, answered);
    }
}

/// A query and its reply.
pub(crate) struct Lookup {
    kind: u16,
    code: u16,
    /// As sent over UDP.
    pub query: Vec<u8>,
    /// As sent over UDP.
    pub reply: Vec<u8>,
}

impl Lookup {
    /// For one of `names`, with the types and the errors that are met.
    pub fn any(rng: &mut Rng, names: &[String]) -> Self {
        let kind = rng.weighted(&TYPES);
        let reverse = rng.bits().to_be_bytes();
        let host = match kind {
            12 => format!("{}.{}.{}.{}.in-addr.arpa", reverse[0], reverse[1], reverse[2], reverse[3]),
            _ => names[rng.below(names.len() as u64) as usize].clone(),
        };
        let id = rng.word();
        let question = dns::question(dns::name(&host), kind);
        let extra = if rng.chance(0.5) { dns::edns(1232, 0) } else { Vec::new() };
        let additionals = u16::from(!extra.is_empty());
        let query = dns::message(id, dns::QUERY, [1, 0, 0, additionals], wire![&question[..], &extra[..]]);
        let code = rng.weighted(&[(0, 92), (3, 6), (2, 1), (5, 1)]);
        let (count, answers) = match code {
            0 => answers(rng, kind, 12 + question.len(), names),
            _ => (0, Vec::new()),
        };
        let sections = wire![question, answers, extra];
        let reply = dns::message(id, dns::REPLY | code, [1, count, 0, additionals], sections);
        Self { kind, code, query, reply }
    }

    /// Counts the query, and the reply if there is one.
    pub fn count(&self, capture: &mut Capture, answered: bool) {
        capture.truth.message("dns.query", format_args!("type{}", self.kind));
        if answered {
            capture.truth.message("dns.response", format_args!("rcode{}", self.code));
        }
    }
}

/// How many answers and their bytes, which begin `offset` into the message.
fn answers(rng: &mut Rng, kind: u16, offset: usize, names: &[String]) -> (u16, Vec<u8>) {
    let (mut bytes, mut owner) = (Vec::new(), dns::pointer(12));
    let address = matches!(kind, 1 | 28);
    let alias = address && rng.chance(0.3);
    if alias {
        let target = dns::name(&format!("edge{}.cdn.example", rng.below(99)));
        bytes.extend(dns::record(&owner, 5, 300, target));
        // What follows is owned by the target: behind pointer, type, class, lifetime and length.
        owner = dns::pointer(offset as u16 + 12);
    }
    let count = if address { rng.pick(&[1, 1, 1, 2, 4]) } else { 1 };
    for _ in 0..count {
        let data = match kind {
            1 => rng.bytes(4),
            28 => rng.bytes(16),
            15 => wire![10_u16, dns::name(&format!("mx.{}", names[0]))],
            33 => wire![0_u16, 5_u16, 1883_u16, dns::name(&format!("broker.{}", names[0]))],
            16 => wire![30_u8, "v=spf1 include:_spf.example.co"],
            65 => wire![1_u16, 0_u8, 1_u16, 3_u16, 2_u8, "h2"],
            6 => {
                let people =
                    [format!("ns.{}", names[1]), format!("root.{}", names[1])].map(|n| dns::name(&n));
                wire![people.concat(), 1_u32, 7200_u32, 900_u32, 86400_u32, 300_u32]
            }
            _ => dns::name(&names[2]),
        };
        bytes.extend(dns::record(&owner, kind, rng.pick(&[30, 300, 3600]), data));
    }
    (count + u16::from(alias), bytes)
}

fn domain(rng: &mut Rng) -> String {
    let host = rng.pick(&HOSTS);
    let number = rng.below(50);
    let letters = rng.between(4, 14);
    let company: String = (0..letters).map(|_| char::from(b'a' + rng.below(26) as u8)).collect();
    format!("{host}{number}.{company}.{}", rng.pick(&ENDINGS))
}

const HOSTS: [&str; 17] = [
    "mail", "www", "api", "cdn", "img", "static", "app", "login", "plc", "scada", "hist", "ntp", "time",
    "edge", "node", "db", "auth",
];
const ENDINGS: [&str; 7] = ["com", "net", "org", "io", "de", "example", "local"];
/// Record types and how often they are asked for.
const TYPES: [(u16, u32); 10] =
    [(1, 50), (28, 22), (5, 3), (12, 8), (15, 3), (16, 4), (33, 3), (65, 5), (2, 1), (6, 1)];
