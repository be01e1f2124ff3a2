//! A client of the real broker. rumqttc reads and writes its packets; its own client is not used, since
//! that cannot connect from a given address.
//!
//! A task owns the connection: it sends what the client asks it to, answers messages of quality 1 and 2,
//! and fills the inbox. Both channels are bounded.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::{self, v4};
use rumqttc::v5::mqttbytes::{self as mqttbytes5, v5};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::Live;
use crate::net::mqtt::{Inbox, Options, Version, deliver};
use crate::net::packet::{Packet, encode};
use crate::net::{Fault, Node, Service};

/// A connection to the broker.
pub struct Client {
    version: Version,
    orders: mpsc::Sender<Vec<u8>>,
    answers: mpsc::Receiver<Answer>,
    stands: Rc<Cell<bool>>,
}

/// What the broker answers to a client's packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To its introduction: a code, 0 is welcome.
    Welcome(u8),
    /// To a subscription.
    Subscribed(u16),
    /// To a message of quality 1.
    Acknowledged(u16),
    /// To a message of quality 2.
    Received(u16),
    /// To its release.
    Completed(u16),
    /// To a sign of life.
    Alive,
}

/// What a packet from the broker is to its client.
enum Heard {
    Answer(Answer),
    Message { topic: String, payload: Vec<u8>, qos: u8, id: u16 },
    Release(u16),
    Goodbye,
    Nothing,
}

impl Client {
    /// Connects to the plant's broker and introduces itself.
    pub async fn connect(live: &Live, node: &Node, options: &Options, inbox: Inbox) -> Result<Self, Fault> {
        let stream = live.dial(node, node.world.broker(), Service::Mqtt.port()).await?;
        let (orders, wanted) = mpsc::channel(MOST_ORDERS);
        let (heard, answers) = mpsc::channel(MOST_ANSWERS);
        let stands = Rc::new(Cell::new(true));
        let mut client = Self { version: options.version, orders, answers, stands: stands.clone() };
        let task = Carrier { version: options.version, stream, node: node.clone(), inbox, heard };
        node.world.play.spawn(async move {
            task.carry(wanted).await;
            stands.set(false);
        });
        client.send(&Packet::Connect(options)).await?;
        match client.hear(|answer| matches!(answer, Answer::Welcome(_))).await? {
            Answer::Welcome(0) => Ok(client),
            Answer::Welcome(code) => Err(Fault::Denied(code)),
            _ => Err(Fault::Broken),
        }
    }

    /// Sends a packet.
    pub async fn send(&mut self, packet: &Packet<'_>) -> Result<(), Fault> {
        // Answers that came too late are nobody's.
        while self.answers.try_recv().is_ok() {}
        self.orders.send(encode(self.version, packet)).await.map_err(|_| Fault::Broken)
    }

    /// Sends a packet and waits for its answer.
    pub async fn exchange(&mut self, packet: &Packet<'_>, answer: Answer) -> Result<(), Fault> {
        self.send(packet).await?;
        self.hear(|heard| *heard == answer).await.map(drop)
    }

    /// Whether the connection stands.
    pub fn stands(&self) -> bool {
        self.stands.get()
    }

    async fn hear(&mut self, wanted: impl Fn(&Answer) -> bool) -> Result<Answer, Fault> {
        let late = Instant::now() + PATIENCE;
        loop {
            let heard = timeout_at(late, self.answers.recv()).await.map_err(|_| Fault::Silent)?;
            let answer = heard.ok_or(Fault::Broken)?;
            if wanted(&answer) {
                return Ok(answer);
            }
        }
    }
}

/// The owner of a connection.
struct Carrier {
    version: Version,
    stream: TcpStream,
    node: Node,
    inbox: Inbox,
    heard: mpsc::Sender<Answer>,
}

impl Carrier {
    /// Carries packets until either side has enough.
    async fn carry(mut self, mut orders: mpsc::Receiver<Vec<u8>>) {
        let mut bytes = BytesMut::with_capacity(4096);
        loop {
            tokio::select! {
                order = orders.recv() => {
                    let Some(order) = order else { return };
                    self.node.saw();
                    if self.stream.write_all(&order).await.is_err() {
                        return;
                    }
                }
                read = self.stream.read_buf(&mut bytes) => {
                    if !matches!(read, Ok(1..)) || self.take(&mut bytes).await.is_none() {
                        return;
                    }
                }
            }
        }
    }

    /// Takes every packet that is complete; nothing when the connection is over.
    async fn take(&mut self, bytes: &mut BytesMut) -> Option<()> {
        while let Some(heard) = read(self.version, bytes)? {
            self.node.saw();
            match heard {
                // Nobody waits for more answers than fit; what is left over is late.
                Heard::Answer(answer) => drop(self.heard.try_send(answer)),
                Heard::Message { topic, payload, qos, id } => {
                    deliver(&self.inbox, &topic, &payload);
                    match qos {
                        0 => {}
                        1 => self.reply(&Packet::PubAck(id)).await?,
                        _ => self.reply(&Packet::PubRec(id)).await?,
                    }
                }
                Heard::Release(id) => self.reply(&Packet::PubComp(id)).await?,
                Heard::Goodbye => return None,
                Heard::Nothing => {}
            }
        }
        Some(())
    }

    async fn reply(&mut self, packet: &Packet<'_>) -> Option<()> {
        self.stream.write_all(&encode(self.version, packet)).await.ok()
    }
}

/// The next packet in `bytes`, if it is complete; nothing at all if there can be none.
fn read(version: Version, bytes: &mut BytesMut) -> Option<Option<Heard>> {
    match version {
        Version::V311 => match v4::Packet::read(bytes, MOST_BYTES) {
            Ok(packet) => Some(Some(four(packet))),
            Err(mqttbytes::Error::InsufficientBytes(_)) => Some(None),
            Err(_) => None,
        },
        Version::V5 => match v5::Packet::read(bytes, u32::try_from(MOST_BYTES).ok()) {
            Ok(packet) => Some(Some(five(packet))),
            Err(mqttbytes5::Error::InsufficientBytes(_)) => Some(None),
            Err(_) => None,
        },
    }
}

fn four(packet: v4::Packet) -> Heard {
    use v4::Packet::*;
    match packet {
        ConnAck(ack) => Heard::Answer(Answer::Welcome(ack.code as u8)),
        SubAck(ack) => Heard::Answer(Answer::Subscribed(ack.pkid)),
        PubAck(ack) => Heard::Answer(Answer::Acknowledged(ack.pkid)),
        PubRec(ack) => Heard::Answer(Answer::Received(ack.pkid)),
        PubComp(ack) => Heard::Answer(Answer::Completed(ack.pkid)),
        PingResp => Heard::Answer(Answer::Alive),
        PubRel(release) => Heard::Release(release.pkid),
        Publish(message) => Heard::Message {
            topic: message.topic,
            payload: message.payload.to_vec(),
            qos: message.qos as u8,
            id: message.pkid,
        },
        Disconnect => Heard::Goodbye,
        _ => Heard::Nothing,
    }
}

fn five(packet: v5::Packet) -> Heard {
    use v5::Packet::*;
    match packet {
        ConnAck(ack) if ack.code == v5::ConnectReturnCode::Success => Heard::Answer(Answer::Welcome(0)),
        // The same codes as before, as far as anybody here tells them apart.
        ConnAck(ack) if ack.code == v5::ConnectReturnCode::BadUserNamePassword => {
            Heard::Answer(Answer::Welcome(4))
        }
        ConnAck(_) => Heard::Answer(Answer::Welcome(5)),
        SubAck(ack) => Heard::Answer(Answer::Subscribed(ack.pkid)),
        PubAck(ack) => Heard::Answer(Answer::Acknowledged(ack.pkid)),
        PubRec(ack) => Heard::Answer(Answer::Received(ack.pkid)),
        PubComp(ack) => Heard::Answer(Answer::Completed(ack.pkid)),
        PingResp(_) => Heard::Answer(Answer::Alive),
        PubRel(release) => Heard::Release(release.pkid),
        Publish(message) => Heard::Message {
            topic: String::from_utf8_lossy(&message.topic).into_owned(),
            payload: message.payload.to_vec(),
            qos: message.qos as u8,
            id: message.pkid,
        },
        Disconnect(_) => Heard::Goodbye,
        _ => Heard::Nothing,
    }
}

/// Packets that wait to be sent.
const MOST_ORDERS: usize = 32;
/// Answers that wait to be looked at.
const MOST_ANSWERS: usize = 32;
/// The longest packet.
const MOST_BYTES: usize = 1 << 20;
/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);
