//! A link over TLS on TCP, for plants where UDP is blocked: one connection, the same frames with the tag of
//! their channel before each. One task reads, one writes and takes the most urgent first.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::frames::{END, Frames, Piece};
use super::{Channel, Code, In, Link, LinkError, Out, Receiver, Sender, Way};
use crate::wire::{Goodbye, Message};

type Stream = TlsStream<TcpStream>;

/// Dials by TCP.
#[derive(Clone)]
pub struct TcpClient(TlsConnector);

impl TcpClient {
    /// With these settings.
    pub fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        Self(TlsConnector::from(tls))
    }

    /// A link to an address whose certificate bears a name.
    pub async fn dial(&self, to: SocketAddr, name: &str) -> Result<Link, LinkError> {
        let name =
            ServerName::try_from(name.to_owned()).map_err(|error| LinkError::Trust(error.to_string()))?;
        let stream = TcpStream::connect(to).await.map_err(|error| LinkError::lost(&error))?;
        // Small frames must not wait for each other.
        stream.set_nodelay(true).map_err(|error| LinkError::lost(&error))?;
        let stream = self.0.connect(name, stream).await.map_err(|error| LinkError::lost(&error))?;
        Ok(link(TlsStream::Client(stream), to, true))
    }
}

/// The link of a connection that the aggregator has accepted.
pub async fn accept_tcp(tls: Arc<rustls::ServerConfig>, stream: TcpStream) -> Result<Link, LinkError> {
    let lost = |error: std::io::Error| LinkError::lost(&error);
    let remote = stream.peer_addr().map_err(lost)?;
    stream.set_nodelay(true).map_err(lost)?;
    let stream = TlsAcceptor::from(tls).accept(stream).await.map_err(lost)?;
    Ok(link(TlsStream::Server(stream), remote, false))
}

/// A connection. Its tasks end when it is closed or the last clone and channel is gone.
#[derive(Clone)]
pub(super) struct Tcp(Arc<Shared>);

struct Shared {
    alpn: Vec<u8>,
    peer: Vec<CertificateDer<'static>>,
    remote: SocketAddr,
    is_agents: bool,
    /// The highest number of an ask or a task that was opened here.
    asked: AtomicU32,
    queues: [mpsc::Sender<Bytes>; 5],
    /// Where what comes goes, by channel.
    channels: Mutex<HashMap<Channel, mpsc::Sender<Message>>>,
    arrived: tokio::sync::Mutex<mpsc::Receiver<(Channel, Arrivals)>>,
    /// The last word: it needs no place in a queue, which may be full.
    farewell: Arc<OnceLock<Bytes>>,
    /// Why it is over.
    end: watch::Sender<Option<LinkError>>,
}

/// A channel's way out.
pub(super) struct Queue {
    channel: Channel,
    shared: Arc<Shared>,
}

/// A channel's way in.
pub(super) struct Arrivals {
    messages: mpsc::Receiver<Message>,
    end: watch::Receiver<Option<LinkError>>,
}

fn link(stream: Stream, remote: SocketAddr, is_agents: bool) -> Link {
    let (alpn, peer) = {
        let (_, tls) = stream.get_ref();
        let peer = tls.peer_certificates().unwrap_or_default();
        (tls.alpn_protocol().unwrap_or_default().to_vec(), peer.to_vec())
    };
    let (reading, writing) = tokio::io::split(stream);
    let mut outgoing = Vec::new();
    let queues = std::array::from_fn(|_| {
        let (queue, frames) = mpsc::channel(QUEUE);
        outgoing.push(frames);
        queue
    });
    let (arriving, arrived) = mpsc::channel(MOST_CHANNELS);
    let farewell = Arc::<OnceLock<Bytes>>::default();
    let shared = Arc::new(Shared {
        farewell: farewell.clone(),
        alpn,
        peer,
        remote,
        is_agents,
        asked: AtomicU32::new(0),
        queues,
        channels: Mutex::default(),
        arrived: tokio::sync::Mutex::new(arrived),
        end: watch::channel(None).0,
    });
    tokio::spawn(write(writing, outgoing, farewell, shared.end.subscribe()));
    tokio::spawn(read(Frames::tagged(reading), Arc::downgrade(&shared), arriving, shared.end.clone()));
    Link(Way::Tcp(Tcp(shared)))
}

/// Takes frames apart until there are no more, or nobody wants them.
async fn read(
    mut frames: Frames<ReadHalf<Stream>>,
    shared: std::sync::Weak<Shared>,
    arriving: mpsc::Sender<(Channel, Arrivals)>,
    end: watch::Sender<Option<LinkError>>,
) {
    let mut ended = end.subscribe();
    loop {
        let next = tokio::select! {
            next = timeout(IDLE, frames.next()) => next,
            _ = ended.wait_for(Option::is_some) => break,
        };
        let done = match next {
            Ok(Ok(Some(piece))) => {
                let Some(shared) = shared.upgrade() else { return };
                shared.arrive(piece, &arriving).await
            }
            Ok(Ok(None)) => Err(LinkError::Lost("the other end hung up".to_owned())),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(LinkError::Lost(format!("nothing was heard for {} s", IDLE.as_secs()))),
        };
        if let Err(error) = done {
            if let (true, Some(shared)) = (error.is_hostile(), shared.upgrade()) {
                // Whoever uses the link learns of it too late to say why.
                shared.say(Code::Protocol, &error.to_string());
            }
            finish(&end, error);
            break;
        }
    }
    // A socket that is closed before all was read takes back what it said last.
    let rest = async { while let Ok(Some(_)) = frames.next().await {} };
    drop(timeout(FAREWELL, rest).await);
}

/// Waits until the link is over.
async fn over(end: &mut watch::Receiver<Option<LinkError>>) {
    drop(end.wait_for(Option::is_some).await);
}

/// Only the first reason counts.
fn finish(end: &watch::Sender<Option<LinkError>>, why: LinkError) {
    end.send_if_modified(|end| {
        let first = end.is_none();
        if first {
            *end = Some(why);
        }
        first
    });
}

/// Writes frames, the most urgent first, until the link ends; then the last word.
async fn write(
    mut to: WriteHalf<Stream>,
    mut frames: Vec<mpsc::Receiver<Bytes>>,
    last: Arc<OnceLock<Bytes>>,
    mut end: watch::Receiver<Option<LinkError>>,
) {
    let [control, reports, asks, telemetry, tasks] = frames.as_mut_slice() else { return };
    loop {
        let frame = tokio::select! {
            biased;
            Some(frame) = control.recv() => frame,
            Some(frame) = reports.recv() => frame,
            Some(frame) = asks.recv() => frame,
            Some(frame) = telemetry.recv() => frame,
            Some(frame) = tasks.recv() => frame,
            _ = end.wait_for(Option::is_some) => break,
            else => break,
        };
        let mut writing = std::pin::pin!(async {
            to.write_all(&frame).await?;
            to.flush().await?;
            Ok::<(), std::io::Error>(())
        });
        let written = tokio::select! {
            written = timeout(IDLE, &mut writing) => Some(written),
            () = over(&mut end) => None,
        };
        let written = match written {
            Some(written) => written,
            // What is half written is finished: it may be the last word.
            None => timeout(FAREWELL, &mut writing).await,
        };
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
    // What was said last may still be in the queue.
    let farewell = async {
        while let Ok(frame) = control.try_recv() {
            to.write_all(&frame).await?;
        }
        if let Some(frame) = last.get() {
            to.write_all(frame).await?;
        }
        to.shutdown().await
    };
    drop(timeout(FAREWELL, farewell).await);
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<Channel, mpsc::Sender<Message>>> {
        // A map of senders: nothing is half done in it.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn arrive(
        &self,
        piece: Piece,
        arriving: &mpsc::Sender<(Channel, Arrivals)>,
    ) -> Result<(), LinkError> {
        let (channel, message) = match piece {
            Piece::Message(_, Message::Goodbye(goodbye)) => {
                return Err(LinkError::Closed(Code::of(goodbye.code), goodbye.words));
            }
            Piece::Message(channel, message) => (channel, message),
            Piece::End(channel) => {
                self.lock().remove(&channel);
                return Ok(());
            }
        };
        let known = self.lock().get(&channel).cloned();
        let queue = match known {
            Some(queue) => queue,
            None => {
                if channel.is_agents() == self.is_agents {
                    // An answer may come when nobody waits for it any more.
                    let late = matches!(channel, Channel::Ask(number) | Channel::Task(number) if number <= self.asked.load(Ordering::Relaxed));
                    return if late { Ok(()) } else { Err(LinkError::Channel) };
                }
                let arrivals = self.receive(channel)?;
                arriving.try_send((channel, arrivals)).map_err(|_| LinkError::Channel)?;
                self.lock().get(&channel).cloned().ok_or(LinkError::Channel)?
            }
        };
        if queue.send(message).await.is_err() {
            self.lock().remove(&channel);
        }
        Ok(())
    }

    fn receive(&self, channel: Channel) -> Result<Arrivals, LinkError> {
        let (queue, messages) = mpsc::channel(ARRIVALS);
        let mut channels = self.lock();
        channels.retain(|_, queue| !queue.is_closed());
        if channels.len() >= MOST_CHANNELS {
            return Err(LinkError::Channel);
        }
        channels.insert(channel, queue);
        Ok(Arrivals { messages, end: self.end.subscribe() })
    }

    fn queue(&self, channel: Channel) -> &mpsc::Sender<Bytes> {
        let [control, reports, asks, telemetry, tasks] = &self.queues;
        match channel {
            Channel::Control => control,
            Channel::Reports => reports,
            Channel::Ask(_) => asks,
            Channel::Telemetry => telemetry,
            Channel::Task(_) => tasks,
        }
    }

    /// The last word, said when the link ends.
    fn say(&self, code: Code, words: &str) {
        let goodbye = Goodbye { code: code.number(), words: words.chars().take(200).collect() };
        if let Ok(frame) = tagged(Channel::Control, &goodbye.into()) {
            // Only the first counts.
            let _ = self.farewell.set(frame);
        }
    }

    /// Why it is over.
    fn why(&self) -> LinkError {
        self.end.borrow().clone().unwrap_or_else(|| LinkError::Lost("its tasks have ended".to_owned()))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        finish(&self.end, LinkError::Here);
    }
}

impl Tcp {
    pub fn open(&self, channel: Channel) -> Result<(Sender, Option<Receiver>), LinkError> {
        if let Channel::Ask(number) | Channel::Task(number) = channel {
            self.0.asked.fetch_max(number, Ordering::Relaxed);
        }
        let receiver = channel.is_mutual().then(|| self.0.receive(channel)).transpose()?;
        Ok((self.sender(channel), receiver.map(|arrivals| Receiver(In::Tcp(arrivals)))))
    }

    pub async fn accept(&self) -> Result<(Channel, Option<Sender>, Receiver), LinkError> {
        let mut end = self.0.end.subscribe();
        let mut arrived = self.0.arrived.lock().await;
        tokio::select! {
            biased;
            Some((channel, arrivals)) = arrived.recv() => {
                let sender = channel.is_mutual().then(|| self.sender(channel));
                Ok((channel, sender, Receiver(In::Tcp(arrivals))))
            }
            _ = end.wait_for(Option::is_some) => Err(self.0.why()),
            else => Err(self.0.why()),
        }
    }

    fn sender(&self, channel: Channel) -> Sender {
        Sender(Out::Tcp(Queue { channel, shared: self.0.clone() }))
    }

    pub fn close(&self, code: Code, words: &str) {
        self.0.say(code, words);
        finish(&self.0.end, LinkError::Here);
    }

    pub async fn closed(&self) -> LinkError {
        let mut end = self.0.end.subscribe();
        let why = end.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
        why.unwrap_or(LinkError::Here)
    }

    pub async fn gone(&self) {
        // Whoever writes takes it with him when he has ended.
        self.0.queue(Channel::Control).closed().await;
    }

    pub fn alpn(&self) -> Vec<u8> {
        self.0.alpn.clone()
    }

    pub fn peer(&self) -> Vec<CertificateDer<'static>> {
        self.0.peer.clone()
    }

    pub fn remote(&self) -> SocketAddr {
        self.0.remote
    }
}

fn tagged(channel: Channel, message: &Message) -> Result<Bytes, LinkError> {
    let mut frame = BytesMut::from(&channel.tag()[..]);
    message.frame_into(&mut frame)?;
    Ok(frame.freeze())
}

impl Queue {
    pub async fn send(&self, message: &Message) -> Result<(), LinkError> {
        self.put(tagged(self.channel, message)?).await
    }

    async fn put(&self, frame: Bytes) -> Result<(), LinkError> {
        if self.shared.end.borrow().is_some() {
            return Err(self.shared.why());
        }
        let mut end = self.shared.end.subscribe();
        tokio::select! {
            sent = self.shared.queue(self.channel).send(frame) => sent.map_err(|_| self.shared.why()),
            _ = end.wait_for(Option::is_some) => Err(self.shared.why()),
        }
    }

    pub async fn finish(self) -> Result<(), LinkError> {
        let mut frame = BytesMut::from(&self.channel.tag()[..]);
        frame.extend_from_slice(&END);
        self.put(frame.freeze()).await
    }
}

impl Arrivals {
    pub async fn next(&mut self) -> Result<Option<Message>, LinkError> {
        tokio::select! {
            // What came before the end is read before it.
            biased;
            message = self.messages.recv() => if let Some(message) = message {
                return Ok(Some(message));
            },
            _ = self.end.wait_for(Option::is_some) => {}
        }
        // The channel has ended, or the link has.
        self.end.borrow().clone().map_or(Ok(None), Err)
    }
}

/// Frames that wait to be written, per kind of channel.
const QUEUE: usize = 2;
/// Messages of a channel that wait to be taken.
const ARRIVALS: usize = 2;
/// Channels at once.
const MOST_CHANNELS: usize = 12;
/// Nothing is heard, or nothing can be written, for so long: the connection is over.
const IDLE: Duration = Duration::from_secs(30);
/// For the last words.
const FAREWELL: Duration = Duration::from_secs(1);
