//! WebSocket on the wire (RFC 6455), with messages compressed (RFC 7692) for whoever wants that. Heads of frames are
//! tungstenite's, which knows no compression, and so refuses frames that say so.
//!
//! Both ends begin each message anew (`no_context_takeover`): nothing of the compressor stays with a socket, and
//! what is told to many is compressed once for all of them.

use std::io::Cursor;

use axum::http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// A socket.
pub struct Wire<S = TokioIo<hyper::upgrade::Upgraded>> {
    io: S,
    /// Bytes that came and are no frame yet.
    arrived: Vec<u8>,
    /// The message whose frames arrive.
    message: Option<Message>,
    /// Whether messages may be compressed.
    deflates: bool,
    largest: usize,
}

struct Message {
    is_text: bool,
    is_deflated: bool,
    bytes: Vec<u8>,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A whole text.
    Text(String),
    /// A whole message that is no text.
    Binary,
    /// To be answered with the same.
    Ping(Vec<u8>),
    /// An answer.
    Pong,
    /// The other end closes.
    Close,
}

/// Why nothing comes any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is gone.
    Gone,
    /// What came is not to be taken: the code and the words of a close.
    Wrong(u16, &'static str),
}

impl From<std::io::Error> for Fault {
    fn from(_: std::io::Error) -> Self {
        Self::Gone
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Over a connection whose handshake is done.
    pub const fn new(io: S, deflates: bool, largest: usize) -> Self {
        Self { io, arrived: Vec::new(), message: None, deflates, largest }
    }

    /// Whether the other end takes compressed messages.
    pub const fn deflates(&self) -> bool {
        self.deflates
    }

    /// What comes next. May be dropped and asked again.
    pub async fn hear(&mut self) -> Result<Heard, Fault> {
        loop {
            while let Some((head, payload)) = self.frame()? {
                if let Some(heard) = self.take(&head, payload)? {
                    return Ok(heard);
                }
            }
            let mut some = [0; READ];
            match self.io.read(&mut some).await? {
                0 => return Err(Fault::Gone),
                count => self.arrived.extend_from_slice(some.get(..count).unwrap_or_default()),
            }
        }
    }

    /// Sends a text as it is.
    pub async fn text(&mut self, text: &str) -> Result<(), Fault> {
        self.send(OpCode::Data(Data::Text), false, text.as_bytes()).await
    }

    /// Sends a text that was [`deflated`].
    pub async fn packed(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.send(OpCode::Data(Data::Text), true, bytes).await
    }

    /// Asks whether anybody is there.
    pub async fn ping(&mut self) -> Result<(), Fault> {
        self.send(OpCode::Control(Control::Ping), false, &[]).await
    }

    /// Answers who asks so.
    pub async fn pong(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.send(OpCode::Control(Control::Pong), false, bytes).await
    }

    /// Ends it, with a code and words.
    pub async fn close(&mut self, code: u16, words: &str) -> Result<(), Fault> {
        let mut bytes = code.to_be_bytes().to_vec();
        bytes.extend(words.bytes().take(MOST_CONTROL - 2));
        self.send(OpCode::Control(Control::Close), false, &bytes).await?;
        Ok(self.io.shutdown().await?)
    }

    async fn send(&mut self, opcode: OpCode, rsv1: bool, payload: &[u8]) -> Result<(), Fault> {
        let head = FrameHeader { is_final: true, rsv1, rsv2: false, rsv3: false, opcode, mask: None };
        let length = payload.len() as u64;
        let mut frame = Vec::with_capacity(head.len(length) + payload.len());
        head.format(length, &mut frame).map_err(|_| Fault::Gone)?;
        frame.extend_from_slice(payload);
        self.io.write_all(&frame).await?;
        Ok(self.io.flush().await?)
    }

    /// The next whole frame of what has arrived, without its mask.
    fn frame(&mut self) -> Result<Option<(FrameHeader, Vec<u8>)>, Fault> {
        let mut cursor = Cursor::new(&self.arrived);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| PROTOCOL)?;
        let Some((head, length)) = parsed else { return Ok(None) };
        let begin = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        let Some(mask) = head.mask else { return Err(PROTOCOL) };
        let so_far = match head.opcode {
            OpCode::Data(_) => self.message.as_ref().map_or(0, |message| message.bytes.len()),
            OpCode::Control(_) => 0,
        };
        let length = usize::try_from(length).ok();
        let length = length.filter(|length| so_far.saturating_add(*length) <= self.largest);
        // Before any of it is waited for.
        let length = length.ok_or(TOO_LARGE)?;
        let end = begin.saturating_add(length);
        let Some(masked) = self.arrived.get(begin..end) else { return Ok(None) };
        let payload = masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        self.arrived.drain(..end);
        Ok(Some((head, payload)))
    }

    /// What a frame means; nothing when its message goes on.
    fn take(&mut self, head: &FrameHeader, payload: Vec<u8>) -> Result<Option<Heard>, Fault> {
        if head.rsv2 || head.rsv3 {
            return Err(PROTOCOL);
        }
        let data = match head.opcode {
            OpCode::Control(control) => {
                if !head.is_final || head.rsv1 || payload.len() > MOST_CONTROL {
                    return Err(PROTOCOL);
                }
                return match control {
                    Control::Close => Ok(Some(Heard::Close)),
                    Control::Ping => Ok(Some(Heard::Ping(payload))),
                    Control::Pong => Ok(Some(Heard::Pong)),
                    Control::Reserved(_) => Err(PROTOCOL),
                };
            }
            OpCode::Data(data) => data,
        };
        let mut message = match (data, self.message.take()) {
            (Data::Continue, Some(message)) if !head.rsv1 => message,
            (Data::Text | Data::Binary, None) if !head.rsv1 || self.deflates => {
                Message { is_text: data == Data::Text, is_deflated: head.rsv1, bytes: Vec::new() }
            }
            _ => return Err(PROTOCOL),
        };
        message.bytes.extend(payload);
        if !head.is_final {
            self.message = Some(message);
            return Ok(None);
        }
        let bytes = if message.is_deflated { inflated(message.bytes, self.largest)? } else { message.bytes };
        match (message.is_text, String::from_utf8(bytes)) {
            (false, _) => Ok(Some(Heard::Binary)),
            (true, Ok(text)) => Ok(Some(Heard::Text(text))),
            (true, Err(_)) => Err(Fault::Wrong(1007, "that is no UTF-8")),
        }
    }
}

/// A message compressed, as all sockets take it that take compressed ones. None when that does not make it shorter.
pub fn deflated(text: &str) -> Option<Vec<u8>> {
    if text.len() < WORTH {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    let mut deflater = Compress::new(Compression::fast(), false);
    // In room for the text itself: what would be longer is sent as it is.
    let status = deflater.compress_vec(text.as_bytes(), &mut out, FlushCompress::Sync).ok()?;
    let is_whole = status == Status::Ok && deflater.total_in() == text.len() as u64;
    (is_whole && out.ends_with(&TAIL)).then(|| {
        out.truncate(out.len() - TAIL.len());
        out
    })
}

/// A message that came compressed. It may become so large, whatever it promises.
fn inflated(mut bytes: Vec<u8>, largest: usize) -> Result<Vec<u8>, Fault> {
    const DAMAGED: Fault = Fault::Wrong(1007, "that was not compressed as it should be");
    bytes.extend(TAIL);
    let mut inflater = Decompress::new(false);
    let mut out = Vec::with_capacity((bytes.len() * 4).min(largest));
    loop {
        let read = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let left = bytes.get(read..).unwrap_or_default();
        if out.len() == out.capacity() {
            if out.len() >= largest {
                // Room for one more shows whether there is one more.
                let mut more = Vec::with_capacity(1);
                inflater.decompress_vec(left, &mut more, FlushDecompress::Sync).map_err(|_| DAMAGED)?;
                return if more.is_empty() { Ok(out) } else { Err(TOO_LARGE) };
            }
            out.reserve_exact(out.len().max(WORTH).min(largest - out.len()));
        }
        let before = (out.len(), inflater.total_in());
        let status = inflater.decompress_vec(left, &mut out, FlushDecompress::Sync).map_err(|_| DAMAGED)?;
        let is_over = status == Status::StreamEnd
            || (out.len() < out.capacity() && inflater.total_in() == bytes.len() as u64);
        if is_over {
            return Ok(out);
        }
        if (out.len(), inflater.total_in()) == before && out.len() < out.capacity() {
            return Err(DAMAGED);
        }
    }
}

/// What is answered to a request for a socket: its headers, and whether messages may be compressed.
pub fn handshake(asked: &HeaderMap, protocol: &'static str) -> Option<(HeaderMap, bool)> {
    let holds = |name: HeaderName, word: &str| {
        let mut all = asked.get_all(name).iter().filter_map(|value| value.to_str().ok());
        all.any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let version = asked.get(SEC_WEBSOCKET_VERSION).is_some_and(|version| version == "13");
    if !version || !holds(CONNECTION, "upgrade") || !holds(UPGRADE, "websocket") {
        return None;
    }
    let key = asked.get(SEC_WEBSOCKET_KEY)?;
    let accepted = HeaderValue::from_str(&tungstenite::handshake::derive_accept_key(key.as_bytes())).ok()?;
    let mut headers = HeaderMap::new();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(axum::http::header::SEC_WEBSOCKET_ACCEPT, accepted);
    if holds(axum::http::header::SEC_WEBSOCKET_PROTOCOL, protocol) {
        headers.insert(axum::http::header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    let offers = asked.get_all(SEC_WEBSOCKET_EXTENSIONS).iter().filter_map(|value| value.to_str().ok());
    let deflates = offers.flat_map(|offers| offers.split(',')).take(MOST_OFFERS).any(is_taken);
    if deflates {
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(AGREED));
    }
    Some((headers, deflates))
}

/// Whether an offer of compression is one that we can keep. Whoever wants a smaller window of us gets none, and
/// what we do not know we decline, as section 7.1 says.
fn is_taken(offer: &str) -> bool {
    let mut parts = offer.split(';').map(str::trim);
    let mut seen: Vec<&str> = Vec::new();
    parts.next() == Some("permessage-deflate")
        && parts.all(|part| {
            let (name, value) = part
                .split_once('=')
                .map_or((part, None), |(name, value)| (name.trim(), Some(value.trim().trim_matches('"'))));
            let is_new = !seen.contains(&name);
            seen.push(name);
            is_new
                && match (name, value) {
                    (
                        "server_no_context_takeover"
                        | "client_no_context_takeover"
                        | "client_max_window_bits",
                        None,
                    ) => true,
                    ("client_max_window_bits", Some(bits)) => is_window(bits),
                    ("server_max_window_bits", Some(bits)) => bits == "15",
                    _ => false,
                }
        })
}

fn is_window(bits: &str) -> bool {
    bits.parse::<u8>().is_ok_and(|number| (8..=15).contains(&number) && number.to_string() == bits)
}

const AGREED: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const PROTOCOL: Fault = Fault::Wrong(1002, "that is not how WebSocket goes");
const TOO_LARGE: Fault = Fault::Wrong(1009, "that is too large");
/// With what each compressed message ends, which is left out.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];
/// Shorter texts are not compressed.
const WORTH: usize = 256;
/// Bytes of what a control frame says.
const MOST_CONTROL: usize = 125;
/// Offers that are looked at.
const MOST_OFFERS: usize = 16;
/// Bytes that are read at once: clients say little.
const READ: usize = 1 << 10;

#[cfg(test)]
mod tests;
