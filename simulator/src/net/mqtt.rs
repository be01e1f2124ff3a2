//! A client of the plant's broker.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::rc::Rc;

use fieldward_shared::time::Timestamp;

use super::broker::Session;
use super::modbus::Fate;
use super::packet::{Packet, encode};
use super::{Fault, Line, Net, Node, Service};
use crate::live::mqtt::{Answer, Client};
use crate::record::{On, Side};

/// A version of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1.
    V311,
    /// 5.
    V5,
}

/// How a client introduces itself.
#[derive(Clone, Debug)]
pub struct Options {
    /// Version.
    pub version: Version,
    /// Its name.
    pub client_id: String,
    /// The longest silence that it allows itself: seconds.
    pub keep_alive: u16,
    /// It wants nothing kept for it while it is away.
    pub clean: bool,
    /// User and password.
    pub login: Option<(String, String)>,
    /// The topic on which the broker tells that it is lost.
    pub will: Option<String>,
}

impl Options {
    /// Introduces itself by this name, with nothing special.
    pub fn new(version: Version, client_id: impl Into<String>) -> Self {
        Self { version, client_id: client_id.into(), keep_alive: 60, clean: true, login: None, will: None }
    }
}

/// Messages that have come for a client: topic and content.
pub type Inbox = Rc<RefCell<VecDeque<(String, Vec<u8>)>>>;

/// A client.
pub struct Mqtt {
    node: Node,
    options: Options,
    link: Link,
    id: u16,
    inbox: Inbox,
    /// When it last sent something: microseconds.
    spoke: u64,
}

enum Link {
    Recorded(Line),
    Live(Client),
}

impl Node {
    /// Connects to the broker of the plant.
    pub async fn mqtt(&self, options: Options) -> Result<Mqtt, Fault> {
        let to = self.world.broker();
        let inbox = Inbox::default();
        let link = match &self.world.net {
            Net::Recorded(net) => {
                let line = self.line(net, to, Service::Mqtt.port()).await?;
                let now = self.now().as_micros();
                let hello = encode(options.version, &Packet::Connect(&options));
                let arrival = line.send(Side::Client, now, &hello);
                let code = self.world.admits(&options);
                let welcome = encode(options.version, &Packet::ConnAck(code));
                let at = line.send(Side::Server, arrival + 400, &welcome);
                self.world.play.until(Timestamp::from_micros(at)).await;
                if code != 0 {
                    return Err(Fault::Denied(code));
                }
                let session = Session::new(&options, line.index, self.tag, inbox.clone());
                net.broker.borrow_mut().joins(&mut net.recorder.borrow_mut(), session, at);
                Link::Recorded(line)
            }
            Net::Live(live) => Link::Live(Client::connect(live, self, &options, inbox.clone()).await?),
        };
        let spoke = self.now().as_micros();
        Ok(Mqtt { node: self.clone(), options, link, id: 0, inbox, spoke })
    }
}

impl Mqtt {
    /// Asks for the messages of these topics.
    pub async fn subscribe(&mut self, filters: &[(String, u8)]) -> Result<(), Fault> {
        let id = self.next();
        let granted = Packet::SubAck(id, filters.iter().map(|filter| filter.1).collect());
        self.exchange(&Packet::Subscribe(id, filters), &granted, Answer::Subscribed(id)).await?;
        if let (Link::Recorded(line), Net::Recorded(net)) = (&self.link, &self.node.world.net) {
            let at = self.node.now().as_micros();
            net.broker.borrow_mut().subscribes(
                &mut net.recorder.borrow_mut(),
                &self.options.client_id,
                line.index,
                filters,
                at,
            );
        }
        Ok(())
    }

    /// Publishes a message.
    pub async fn publish(&mut self, topic: &str, payload: &[u8], qos: u8, retain: bool) -> Result<(), Fault> {
        let id = if qos == 0 { 0 } else { self.next() };
        let publish = Packet::Publish { topic, payload, qos, retain, id };
        self.spoke = self.node.now().as_micros();
        match (&mut self.link, &self.node.world.net) {
            (Link::Recorded(line), Net::Recorded(net)) => {
                if !line.stands() {
                    return Err(Fault::Broken);
                }
                let version = self.options.version;
                let path = self.node.world.path(self.node.ip(), self.node.world.broker());
                if path.is_some_and(|path| path.tamper.borrow_mut().publish(topic) == Fate::Vanishes) {
                    let on = On { vanishes: true, ..On::default() };
                    let bytes = encode(version, &publish);
                    net.recorder.borrow_mut().send_on(line.index, Side::Client, self.spoke, &bytes, on);
                    // Nothing can be sent behind what is not acknowledged; the silence is noticed late.
                    self.node.pause(f64::from(self.options.keep_alive) * 1.5).await;
                    return Err(Fault::Silent);
                }
                let mut at = line.send(Side::Client, self.spoke, &encode(version, &publish));
                for (side, packet) in steps(qos, id) {
                    at = line.send(side, at + 150, &encode(version, &packet));
                }
                net.broker.borrow_mut().passes_on(
                    &mut net.recorder.borrow_mut(),
                    topic,
                    payload,
                    qos,
                    retain,
                    at + 200,
                    self.node.tag,
                );
                self.node.world.play.until(Timestamp::from_micros(at)).await;
                Ok(())
            }
            (Link::Live(client), _) => match qos {
                0 => client.send(&publish).await,
                1 => client.exchange(&publish, Answer::Acknowledged(id)).await,
                _ => {
                    client.exchange(&publish, Answer::Received(id)).await?;
                    client.exchange(&Packet::PubRel(id), Answer::Completed(id)).await
                }
            },
            (Link::Recorded(_), Net::Live(_)) => Err(Fault::Broken),
        }
    }

    /// Waits, and shows now and then that it is there.
    pub async fn rest(&mut self, seconds: f64) -> Result<(), Fault> {
        let until = self.node.now().plus((seconds * 1e6) as u64);
        let keep = u64::from(self.options.keep_alive) * 900_000;
        while keep > 0 && self.spoke + keep < until.as_micros() {
            self.node.world.play.until(Timestamp::from_micros(self.spoke + keep)).await;
            self.spoke = self.node.now().as_micros();
            self.exchange(&Packet::PingReq, &Packet::PingResp, Answer::Alive).await?;
        }
        self.node.world.play.until(until).await;
        if self.stands() { Ok(()) } else { Err(Fault::Broken) }
    }

    /// Takes the oldest message that has come.
    pub fn received(&self) -> Option<(String, Vec<u8>)> {
        self.inbox.borrow_mut().pop_front()
    }

    /// Says goodbye.
    pub async fn leave(mut self) {
        match &mut self.link {
            Link::Recorded(line) if line.stands() => {
                let bye = encode(self.options.version, &Packet::Disconnect(0));
                line.send(Side::Client, self.node.now().as_micros(), &bye);
            }
            Link::Recorded(_) => {}
            Link::Live(client) => drop(client.send(&Packet::Disconnect(0)).await),
        }
    }

    /// Whether the broker still holds it connected.
    pub fn stands(&self) -> bool {
        match &self.link {
            Link::Recorded(line) => line.stands(),
            Link::Live(client) => client.stands(),
        }
    }

    /// Sends a packet and waits for its answer, which a recorded broker gives as described.
    async fn exchange(
        &mut self,
        packet: &Packet<'_>,
        answer: &Packet<'_>,
        heard: Answer,
    ) -> Result<(), Fault> {
        let now = self.node.now().as_micros();
        self.spoke = now;
        match &mut self.link {
            Link::Recorded(line) => {
                if !line.stands() {
                    return Err(Fault::Broken);
                }
                let arrival = line.send(Side::Client, now, &encode(self.options.version, packet));
                let at = line.send(Side::Server, arrival + 200, &encode(self.options.version, answer));
                self.node.world.play.until(Timestamp::from_micros(at)).await;
                Ok(())
            }
            Link::Live(client) => client.exchange(packet, heard).await,
        }
    }

    const fn next(&mut self) -> u16 {
        self.id = if self.id == u16::MAX { 1 } else { self.id + 1 };
        self.id
    }
}

impl Drop for Mqtt {
    fn drop(&mut self) {
        if let (Link::Recorded(line), Net::Recorded(net)) = (&self.link, &self.node.world.net) {
            net.broker.borrow_mut().leaves(&self.options.client_id, line.index);
        }
    }
}

/// Puts a message into an inbox; whoever never looks loses the oldest.
pub fn deliver(inbox: &Inbox, topic: &str, payload: &[u8]) {
    let mut inbox = inbox.borrow_mut();
    if inbox.len() == MOST_WAITING {
        inbox.pop_front();
    }
    inbox.push_back((topic.to_owned(), payload.to_vec()));
}

/// What follows a message of this quality.
fn steps(qos: u8, id: u16) -> Vec<(Side, Packet<'static>)> {
    match qos {
        0 => Vec::new(),
        1 => vec![(Side::Server, Packet::PubAck(id))],
        _ => vec![
            (Side::Server, Packet::PubRec(id)),
            (Side::Client, Packet::PubRel(id)),
            (Side::Server, Packet::PubComp(id)),
        ],
    }
}

/// The address of the broker and whom it lets in.
impl crate::world::World {
    /// Where the broker is.
    pub fn broker(&self) -> Ipv4Addr {
        let plant = self.plant.borrow();
        plant.hosts[plant.host(crate::plant::Role::Broker)].ip
    }

    /// The code with which the broker answers an introduction: the field's broker asks for no password,
    /// but a wrong one is refused.
    pub fn admits(&self, options: &Options) -> u8 {
        match &options.login {
            Some((_, password)) if password != PASSWORD => 4,
            _ => 0,
        }
    }
}

/// The most messages that wait for a client to look at them.
const MOST_WAITING: usize = 64;
/// The clients that have a password.
pub const USERS: [&str; 2] = ["field", "cloud"];
/// That password.
pub const PASSWORD: &str = "field-7f3a";
