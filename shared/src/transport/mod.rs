//! A link between an agent and the aggregator, whichever way the packets go: QUIC with a stream per
//! channel, or TLS over TCP with a tag before each frame. Whoever uses a [`Link`] does not know which.
//!
//! A channel is a row of messages in one or both directions. More urgent channels go first. Whoever sends
//! waits while the other end does not read; nothing is held in memory for long.

mod frames;
mod pinned;
mod quic;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;

use rustls::pki_types::CertificateDer;

use crate::wire::{Message, WireError};
use frames::{Frames, Piece};

pub use frames::WHOLE_WITHIN;
pub use quic::{QuicClient, endpoint_config, quic_client, quic_server, reset_key};
pub use tcp::{TcpClient, accept_tcp};
pub use tls::{
    ClientIdentity, ServerIdentity, TlsError, client, client_by, client_pinned, server, server_showing,
};

/// What messages are about. The number of an ask or a task is drawn by its opener and used once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// Hello, acknowledgements, pings: both directions, opened by the agent.
    Control,
    /// Alerts, to the aggregator.
    Reports,
    /// Seconds of traffic and health, to the aggregator.
    Telemetry,
    /// A question and its answer, opened by the aggregator.
    Ask(u32),
    /// An agent's part in a round, opened by the aggregator; whatever else there is goes first.
    Task(u32),
}

impl Channel {
    /// The most urgent has the highest.
    const fn priority(self) -> i32 {
        match self {
            Self::Control => 40,
            Self::Reports => 30,
            Self::Ask(_) => 20,
            Self::Telemetry => 10,
            Self::Task(_) => 5,
        }
    }

    /// Whether both ends send.
    const fn is_mutual(self) -> bool {
        matches!(self, Self::Control | Self::Ask(_) | Self::Task(_))
    }

    /// Whether the agent, or else the aggregator, opens it.
    const fn is_agents(self) -> bool {
        !matches!(self, Self::Ask(_) | Self::Task(_))
    }

    const fn tag(self) -> [u8; 5] {
        let (tag, number) = match self {
            Self::Control => (0, 0),
            Self::Reports => (1, 0),
            Self::Telemetry => (2, 0),
            Self::Ask(number) => (3, number),
            Self::Task(number) => (4, number),
        };
        let [a, b, c, d] = u32::to_be_bytes(number);
        [tag, a, b, c, d]
    }

    /// The channel before a frame, and the rest.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let ([tag, number @ ..], rest) = bytes.split_first_chunk::<5>()?;
        let channel = match (tag, u32::from_be_bytes(*number)) {
            (0, 0) => Self::Control,
            (1, 0) => Self::Reports,
            (2, 0) => Self::Telemetry,
            (3, number) => Self::Ask(number),
            (4, number) => Self::Task(number),
            _ => return None,
        };
        Some((channel, rest))
    }
}

/// Why a session was ended on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// This end stops; come again.
    Stopping,
    /// The same agent has connected anew.
    Replaced,
    /// The certificate was revoked.
    Revoked,
    /// The session, or its certificate, is too old: come again.
    TooOld,
    /// A message claims to be of another facility.
    Facility,
    /// No wire version in common.
    Version,
    /// Something that no agent of ours sends.
    Protocol,
    /// No certificate, or none for this.
    Certificate,
    /// Too much to do: come again later.
    Busy,
    /// All was said.
    Done,
    /// Of a later version.
    Other(u32),
}

impl Code {
    const ALL: [Self; 10] = [
        Self::Stopping,
        Self::Replaced,
        Self::Revoked,
        Self::TooOld,
        Self::Facility,
        Self::Version,
        Self::Protocol,
        Self::Certificate,
        Self::Busy,
        Self::Done,
    ];

    /// On the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::Other(number) => number,
            _ => Self::ALL.iter().position(|code| *code == self).map_or(0, |at| at as u32),
        }
    }

    /// From the wire.
    pub fn of(number: u32) -> Self {
        let known = usize::try_from(number).ok().and_then(|at| Self::ALL.get(at).copied());
        known.unwrap_or(Self::Other(number))
    }

    /// Coming again at once would change nothing.
    pub const fn is_refusal(self) -> bool {
        !matches!(self, Self::Stopping | Self::Replaced | Self::TooOld | Self::Busy | Self::Done)
    }
}

/// Why a link does not carry any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The other end has closed it.
    #[error("the other end closed the link: {1} ({0:?})")]
    Closed(Code, String),
    /// This end has.
    #[error("the link was closed")]
    Here,
    /// The network, or the other process, is gone.
    #[error("the link is lost: {0}")]
    Lost(String),
    /// Certificates or clocks do not agree.
    #[error("TLS does not come about: {0}; look at certificates, roots and clocks of both ends")]
    Trust(String),
    /// Something that is no message.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A frame did not become whole in time.
    #[error("a frame was not whole within {} seconds", WHOLE_WITHIN.as_secs())]
    Slow,
    /// A stream ended within a frame.
    #[error("a stream ended within a frame")]
    Cut,
    /// A channel that is none, or that the other end may not open.
    #[error("a channel that the other end may not open, or too many")]
    Channel,
}

impl LinkError {
    /// What a socket or a TLS session says of itself.
    pub(crate) fn lost(error: &std::io::Error) -> Self {
        let inner = error.get_ref();
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Self::Trust(tls.to_string());
        }
        Self::Lost(error.to_string())
    }

    /// Trying again at once would change nothing: certificates, clocks or versions do not agree.
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Closed(code, _) => code.is_refusal(),
            Self::Trust(_) => true,
            _ => false,
        }
    }

    /// The other end does what no end of ours does.
    pub const fn is_hostile(&self) -> bool {
        matches!(self, Self::Wire(_) | Self::Slow | Self::Channel | Self::Cut)
    }
}

/// A link. Clones are the same link.
#[derive(Clone)]
pub struct Link(Way);

#[derive(Clone)]
enum Way {
    Quic(quic::Quic),
    Tcp(tcp::Tcp),
}

/// One channel's way out.
pub struct Sender(Out);

enum Out {
    Quic(quic::Quic, quinn::SendStream),
    Tcp(tcp::Queue),
}

/// One channel's way in.
pub struct Receiver(In);

enum In {
    Quic(quic::Quic, Frames<quinn::RecvStream>),
    Tcp(tcp::Arrivals),
}

impl Link {
    /// Opens a channel. Of one that goes one way there is no receiver.
    pub async fn open(&self, channel: Channel) -> Result<(Sender, Option<Receiver>), LinkError> {
        match &self.0 {
            Way::Quic(quic) => quic.open(channel).await,
            Way::Tcp(tcp) => tcp.open(channel),
        }
    }

    /// The next channel that the other end opens. Of one that goes one way there is no sender.
    pub async fn accept(&self) -> Result<(Channel, Option<Sender>, Receiver), LinkError> {
        match &self.0 {
            Way::Quic(quic) => quic.accept().await,
            Way::Tcp(tcp) => tcp.accept().await,
        }
    }

    /// Ends it, with a reason for the other end.
    pub fn close(&self, code: Code, words: &str) {
        match &self.0 {
            Way::Quic(quic) => quic.close(code, words),
            Way::Tcp(tcp) => tcp.close(code, words),
        }
    }

    /// Waits until it is closed, and tells why.
    pub async fn closed(&self) -> LinkError {
        match &self.0 {
            Way::Quic(quic) => quic.closed().await,
            Way::Tcp(tcp) => tcp.closed().await,
        }
    }

    /// After it was closed here: waits until the other end was told.
    pub async fn gone(&self) {
        match &self.0 {
            Way::Quic(quic) => quic.gone().await,
            Way::Tcp(tcp) => tcp.gone().await,
        }
    }

    /// The protocol that TLS agreed on.
    pub fn alpn(&self) -> Vec<u8> {
        match &self.0 {
            Way::Quic(quic) => quic.alpn(),
            Way::Tcp(tcp) => tcp.alpn(),
        }
    }

    /// The certificates of the other end, its own first; none when it showed none.
    pub fn peer(&self) -> Vec<CertificateDer<'static>> {
        match &self.0 {
            Way::Quic(quic) => quic.peer(),
            Way::Tcp(tcp) => tcp.peer(),
        }
    }

    /// Where the other end is now.
    pub fn remote(&self) -> SocketAddr {
        match &self.0 {
            Way::Quic(quic) => quic.remote(),
            Way::Tcp(tcp) => tcp.remote(),
        }
    }

    /// How it goes: `quic` or `tcp`.
    pub const fn way(&self) -> &'static str {
        match &self.0 {
            Way::Quic(_) => "quic",
            Way::Tcp(_) => "tcp",
        }
    }
}

impl Sender {
    /// Sends a message; waits while the other end does not read. A message that was cut off by dropping
    /// this future ends the channel.
    pub async fn send(&mut self, message: impl Into<Message>) -> Result<(), LinkError> {
        let message = message.into();
        match &mut self.0 {
            Out::Quic(quic, stream) => {
                let frame = message.frame()?;
                match stream.write_all(&frame).await {
                    Ok(()) => Ok(()),
                    Err(error) => Err(quic.why(&error.into())),
                }
            }
            Out::Tcp(queue) => queue.send(&message).await,
        }
    }

    /// Says that nothing more comes.
    pub async fn finish(self) -> Result<(), LinkError> {
        match self.0 {
            Out::Quic(_, mut stream) => stream.finish().map_err(|_| LinkError::Here),
            Out::Tcp(queue) => queue.finish().await,
        }
    }
}

impl Receiver {
    /// The next message; none when the other end has finished. May be dropped and asked again.
    pub async fn next(&mut self) -> Result<Option<Message>, LinkError> {
        match &mut self.0 {
            In::Quic(quic, frames) => match frames.next().await {
                Ok(Some(Piece::Message(_, message))) => Ok(Some(message)),
                Ok(Some(Piece::End(_)) | None) => Ok(None),
                Err(LinkError::Lost(words)) => Err(quic.why(&std::io::Error::other(words))),
                Err(error) => Err(error),
            },
            In::Tcp(arrivals) => arrivals.next().await,
        }
    }
}
