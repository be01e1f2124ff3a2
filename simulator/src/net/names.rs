//! Names: questions to the plant's DNS server, and what it answers.

use std::net::Ipv4Addr;

use fieldward_shared::time::Timestamp;
use simple_dns::rdata::{A, NULL, PTR, RData, TXT};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, TYPE};

use super::{Fault, Net, Node, Service};
use crate::plant::Role;
use crate::world::World;

impl Node {
    /// Asks the plant's server for `name`; gives the addresses, none if the name does not exist.
    pub async fn resolve(&self, name: &str, kind: TYPE) -> Result<Vec<Ipv4Addr>, Fault> {
        let server = self.world.plant.borrow().host(Role::Names);
        let id = self.world.chance.borrow_mut().word();
        let question = question(id, name, kind);
        let answer = match &self.world.net {
            Net::Recorded(net) => {
                let (here, there) = (self.peer(), self.world.peer(server));
                let port = self.port();
                let now = self.now().as_micros();
                self.world.met(self, there.ip);
                let sent = net.recorder.borrow_mut().datagram(
                    here,
                    port,
                    there,
                    Service::Names.port(),
                    now,
                    &question,
                    self.tag,
                );
                let think = 150 + self.world.chance.borrow_mut().below(600);
                let answer = self.world.answer(&question).unwrap_or_default();
                let arrival = net.recorder.borrow_mut().datagram(
                    there,
                    Service::Names.port(),
                    here,
                    port,
                    sent + think,
                    &answer,
                    self.tag,
                );
                self.world.play.until(Timestamp::from_micros(arrival)).await;
                answer
            }
            Net::Live(live) => live.question(self, self.world.ip(server), &question).await?,
        };
        Ok(addresses(&answer))
    }
}

impl World {
    /// What the plant's server answers to the bytes of a question; nothing to what is none.
    pub fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let query = Packet::parse(question).ok()?;
        let asked = query.questions.first()?.clone();
        let mut reply = Packet::new_reply(query.id());
        reply.set_flags(PacketFlag::RECURSION_DESIRED | PacketFlag::RECURSION_AVAILABLE);
        let name = asked.qname.to_string();
        match (self.zone(&name), asked.qtype) {
            (Some(ip), QTYPE::TYPE(TYPE::A)) => {
                let data = RData::A(A { address: ip.to_bits() });
                reply.answers.push(ResourceRecord::new(asked.qname.clone(), CLASS::IN, 300, data));
            }
            (Some(_), QTYPE::TYPE(_)) => {}
            (None, QTYPE::TYPE(TYPE::PTR)) => match self.reverse(&name) {
                Some(host) => {
                    let data = RData::PTR(PTR(Name::new(&host).ok()?.into_owned()));
                    reply.answers.push(ResourceRecord::new(asked.qname.clone(), CLASS::IN, 300, data));
                }
                None => *reply.rcode_mut() = RCODE::NameError,
            },
            // A domain outside whose server someone else runs answers what he likes.
            (None, QTYPE::TYPE(kind)) if name.ends_with(TUNNEL) => {
                let text = tunnelled(&name);
                let data = match kind {
                    TYPE::TXT => RData::TXT(TXT::new().with_string(&text).ok()?.into_owned()),
                    TYPE::NULL => {
                        RData::NULL(TYPE::NULL.into(), NULL::new(text.as_bytes()).ok()?.into_owned())
                    }
                    _ => RData::A(A { address: self.chance.borrow_mut().bits() as u32 | 0x0100_0000 }),
                };
                reply.answers.push(ResourceRecord::new(asked.qname.clone(), CLASS::IN, 1, data));
            }
            _ => *reply.rcode_mut() = RCODE::NameError,
        }
        reply.questions.push(asked);
        reply.build_bytes_vec_compressed().ok()
    }

    fn zone(&self, name: &str) -> Option<Ipv4Addr> {
        let plant = self.plant.borrow();
        let outside = OUTSIDE.iter().find(|(known, _)| name == *known).map(|(_, ip)| *ip);
        let inside = || {
            let host = name.strip_suffix(plant.kind.domain)?.strip_suffix('.')?;
            plant.hosts.iter().find(|known| known.name == host).map(|known| known.ip)
        };
        outside.or_else(inside)
    }

    fn reverse(&self, name: &str) -> Option<String> {
        let mut octets = name.strip_suffix(".in-addr.arpa")?.split('.').map(str::parse::<u8>);
        let (d, c, b, a) =
            (octets.next()?.ok()?, octets.next()?.ok()?, octets.next()?.ok()?, octets.next()?.ok()?);
        let plant = self.plant.borrow();
        let host = plant.hosts.iter().find(|host| host.ip == Ipv4Addr::new(a, b, c, d))?;
        Some(format!("{}.{}", host.name, plant.kind.domain))
    }
}

/// The bytes of a question.
pub fn question(id: u16, name: &str, kind: TYPE) -> Vec<u8> {
    let mut query = Packet::new_query(id);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    query.questions.push(Question::new(
        Name::new_unchecked(name),
        QTYPE::TYPE(kind),
        QCLASS::CLASS(CLASS::IN),
        false,
    ));
    query.build_bytes_vec().unwrap_or_default()
}

/// The addresses in the bytes of an answer.
pub fn addresses(answer: &[u8]) -> Vec<Ipv4Addr> {
    let Ok(packet) = Packet::parse(answer) else { return Vec::new() };
    let records = packet.answers.iter();
    records
        .filter_map(|record| match &record.rdata {
            RData::A(a) => Some(Ipv4Addr::from_bits(a.address)),
            _ => None,
        })
        .collect()
}

/// What the far end of a tunnel says: as much nonsense as the question had.
fn tunnelled(name: &str) -> String {
    name.bytes().filter(u8::is_ascii_alphanumeric).rev().map(char::from).take(120).collect()
}

/// The domain of which tunnels are made.
pub const TUNNEL: &str = "t.cdn-metrics.example";

/// Names outside the plant that its hosts ask for.
pub const OUTSIDE: &[(&str, Ipv4Addr)] = &[
    ("mqtt.fleet.example", Ipv4Addr::new(198, 51, 100, 21)),
    ("updates.nordwerk.example", Ipv4Addr::new(198, 51, 100, 40)),
    ("updates.halden.example", Ipv4Addr::new(198, 51, 100, 41)),
    ("ntp.example", Ipv4Addr::new(203, 0, 113, 5)),
];
