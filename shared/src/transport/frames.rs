//! Reads frames from a stream of bytes, whichever carries them. Safe to be dropped in the middle of a
//! frame and asked again: what has come is kept.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::{Instant, timeout_at};

use super::{Channel, LinkError};
use crate::wire::{HEAD, Message, head};

/// A frame that has begun must be whole within this time.
pub const WHOLE_WITHIN: Duration = Duration::from_secs(10);

/// What stands before a frame where several channels share a connection.
const TAG: usize = 5;
/// Memory for a frame grows with what has come, in such steps.
const STEP: usize = 16 << 10;

/// What came.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(super) enum Piece {
    /// A message.
    Message(Channel, Message),
    /// A channel ends.
    End(Channel),
}

/// The frames of a stream.
pub(super) struct Frames<R> {
    from: R,
    /// The channel, when the stream has only one.
    channel: Option<Channel>,
    buffer: BytesMut,
    /// What the head said, once it is whole.
    wanted: Option<(Channel, u8, usize)>,
    /// By when the frame must be whole.
    until: Option<Instant>,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// Of a stream that has one channel.
    pub fn of(channel: Channel, from: R) -> Self {
        Self { from, channel: Some(channel), buffer: BytesMut::new(), wanted: None, until: None }
    }

    /// Of a stream in which each frame says to which channel it belongs.
    pub fn tagged(from: R) -> Self {
        Self { from, channel: None, buffer: BytesMut::new(), wanted: None, until: None }
    }

    /// The next piece; none when the stream ends between two.
    pub async fn next(&mut self) -> Result<Option<Piece>, LinkError> {
        loop {
            if let Some(piece) = self.take()? {
                self.until = None;
                return Ok(Some(piece));
            }
            let missing = self.missing();
            self.buffer.reserve(missing.min(STEP));
            let mut limited = (&mut self.from).take(missing as u64);
            let reading = limited.read_buf(&mut self.buffer);
            let read = match self.until {
                Some(until) => timeout_at(until, reading).await.map_err(|_| LinkError::Slow)?,
                None => reading.await,
            };
            match read.map_err(|error| LinkError::lost(&error))? {
                0 if self.buffer.is_empty() && self.wanted.is_none() => return Ok(None),
                0 => return Err(LinkError::Cut),
                _ => {
                    let from = Instant::now();
                    self.until.get_or_insert(from.checked_add(WHOLE_WITHIN).unwrap_or(from));
                }
            }
        }
    }

    /// Bytes until the head, or the message behind it, is whole.
    fn missing(&self) -> usize {
        let whole = match self.wanted {
            Some((_, _, length)) => length,
            None => self.head(),
        };
        whole.saturating_sub(self.buffer.len())
    }

    fn head(&self) -> usize {
        if self.channel.is_some() { HEAD } else { HEAD.saturating_add(TAG) }
    }

    /// What is whole.
    fn take(&mut self) -> Result<Option<Piece>, LinkError> {
        if self.missing() > 0 {
            return Ok(None);
        }
        if self.wanted.is_none() {
            let bytes = self.buffer.split_to(self.head());
            let (channel, rest) = match self.channel {
                Some(channel) => (channel, bytes.as_ref()),
                None => Channel::read(&bytes).ok_or(LinkError::Channel)?,
            };
            let Ok(rest) = <[u8; HEAD]>::try_from(rest) else { return Err(LinkError::Channel) };
            if self.channel.is_none() && rest == END {
                return Ok(Some(Piece::End(channel)));
            }
            let (kind, length) = head(rest)?;
            self.wanted = Some((channel, kind, length));
            if length > 0 {
                return Ok(None);
            }
        }
        let Some((channel, kind, length)) = self.wanted.take() else { return Ok(None) };
        let bytes = self.buffer.split_to(length.min(self.buffer.len()));
        if self.buffer.is_empty() {
            // An idle channel holds no memory.
            self.buffer = BytesMut::new();
        }
        Ok(Some(Piece::Message(channel, Message::read(kind, &bytes)?)))
    }
}

/// In place of a head: the channel ends.
pub(super) const END: [u8; HEAD] = [0; HEAD];
