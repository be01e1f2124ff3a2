//! A WebSocket spoken by hand: what a client of ours could not send is sent too.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::api::{Caller, Service};

/// A socket.
pub struct Socket(pub BufReader<TcpStream>);

impl Socket {
    /// Opens one; or gives the head that refused it.
    pub async fn open(at: SocketAddr, headers: &[(&str, &str)]) -> Result<Self, String> {
        let mut stream = BufReader::new(TcpStream::connect(at).await.map_err(|error| error.to_string())?);
        let mut head = format!(
            "GET /ws HTTP/1.1\r\nhost: {at}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(stream.read_u8().await.map_err(|error| error.to_string())?);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        if answer.starts_with("HTTP/1.1 101") { Ok(Self(stream)) } else { Err(answer) }
    }

    /// Opens one with a ticket, as pages do.
    pub async fn with_key(service: &Service, caller: &Caller) -> Self {
        let protocols = Self::ticket(service, caller).await;
        Self::open(service.at, &[("sec-websocket-protocol", &protocols)]).await.expect("a socket")
    }

    /// The subprotocols that hold a ticket.
    pub async fn ticket(service: &Service, caller: &Caller) -> String {
        let ticket = service.ask(caller, "POST", "/api/auth/ws-ticket", None).await.expect("a ticket");
        let ticket = ticket.json().expect("JSON")["ticket"].as_str().expect("a ticket").to_owned();
        format!("fieldward.v1, ticket.{ticket}")
    }

    /// Says something.
    pub async fn say(&mut self, words: &Value) {
        self.send(0x81, words.to_string().as_bytes()).await;
    }

    /// Sends a frame.
    pub async fn send(&mut self, kind: u8, bytes: &[u8]) {
        let mut frame = vec![kind];
        match u8::try_from(bytes.len()).ok().filter(|length| *length < 126) {
            Some(length) => frame.push(0x80 | length),
            None => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(bytes.len()).expect("not much").to_be_bytes());
            }
        }
        // A mask of zeros is one.
        frame.extend([0; 4]);
        frame.extend(bytes);
        self.0.write_all(&frame).await.expect("sent");
    }

    /// The next text; or the code of the close.
    pub async fn hear(&mut self) -> Result<Value, u16> {
        loop {
            let frame = timeout(PATIENCE, self.frame()).await.expect("something is said");
            let (kind, bytes) = frame.expect("a frame");
            match kind {
                1 => return Ok(serde_json::from_slice(&bytes).expect("JSON")),
                8 => return Err(u16::from_be_bytes([bytes[0], bytes[1]])),
                // Whoever does not answer is thought to be gone.
                9 => self.send(0x8a, &bytes).await,
                _ => {}
            }
        }
    }

    /// The next text of a channel.
    pub async fn hear_of(&mut self, channel: &str) -> Value {
        loop {
            let heard = self.hear().await.expect("it stays open");
            if heard["channel"] == channel {
                return heard;
            }
        }
    }

    /// The next frame: its kind and what it holds.
    pub async fn frame(&mut self) -> std::io::Result<(u8, Vec<u8>)> {
        let kind = self.0.read_u8().await? & 0xf;
        let length = match self.0.read_u8().await? {
            126 => u64::from(self.0.read_u16().await?),
            127 => self.0.read_u64().await?,
            short => short.into(),
        };
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.0.read_exact(&mut bytes).await?;
        Ok((kind, bytes))
    }
}

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(60);
