//! HTTP/1.1 messages (RFC 9112).

use super::wire;

/// A request without a body.
pub fn request(method: &str, target: &str, headers: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: plc.example\r\n{headers}\r\n").into_bytes()
}

/// A request with a body of known length.
pub fn post(target: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    wire![request("POST", target, &format!("Content-Length: {}\r\n", body.len())), body]
}

/// A response whose headers say what there is to say of its body.
pub fn response(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let reason = REASONS.iter().find(|known| known.0 == status).map_or("Other", |known| known.1);
    wire![format!("HTTP/1.1 {status} {reason}\r\nServer: plc\r\n{headers}\r\n"), body.as_ref()]
}

/// A response with a body of known length.
pub fn sized(status: u16, body: impl AsRef<[u8]>) -> Vec<u8> {
    response(status, &format!("Content-Length: {}\r\n", body.as_ref().len()), body)
}

/// A body in chunks of at most `most` bytes, with `trailers` (RFC 9112 §7.1).
pub fn chunked(body: &[u8], most: usize, trailers: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(body.len() + 64);
    for chunk in body.chunks(most) {
        wire.extend(wire![format!("{:x}\r\n", chunk.len()), chunk, "\r\n"]);
    }
    wire![wire, "0\r\n", trailers, "\r\n"]
}

const REASONS: [(u16, &str); 12] = [
    (100, "Continue"),
    (101, "Switching Protocols"),
    (200, "OK"),
    (201, "Created"),
    (204, "No Content"),
    (301, "Moved Permanently"),
    (304, "Not Modified"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (404, "Not Found"),
    (431, "Request Header Fields Too Large"),
    (500, "Internal Server Error"),
];
