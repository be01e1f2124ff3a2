//! A conversation with every kind of body once.

use crate::flow::Direction::{self, ToClient, ToServer};

pub(super) fn sample() -> Vec<(Direction, Vec<u8>)> {
    let pieces: &[(Direction, &[u8])] = &[
        (ToServer, b"GET /status HTTP/1.1\r\nHost: plc-7\r\nUser-Agent: panel/2.1\r\nAccept: */*\r\n\r\n"),
        (ToClient, b"HTTP/1.1 200 OK\r\nServer: plc\r\nContent-Type: text/html\r\nContent-Length: 12\r\n\r\n<p>run</p>\r\n"),
        (ToServer, b"HEAD /firmware.bin HTTP/1.1\r\nHost: plc-7\r\n\r\n"),
        (ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"),
        (ToServer, b"POST /login HTTP/1.1\r\nHost: plc-7\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"),
        (ToClient, b"HTTP/1.1 100 Continue\r\n\r\n"),
        (ToServer, b"user=jane"),
        (ToClient, b"HTTP/1.1 204 No Content\r\n\r\n"),
        (ToServer, b"GET /log HTTP/1.1\r\nHost: plc-7\r\nAuthorization: Basic amFuZTpzZWNyZXQ=\r\n\r\n"),
        (ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=1\r\n world\r\n0\r\nDigest: 1\r\n\r\n"),
        (ToServer, b"GET /a HTTP/1.1\r\nHost: plc-7\r\n\r\nGET /b HTTP/1.1\r\nHost: plc-7\r\n\r\n"),
        (ToClient, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"),
        (ToServer, b"GET /lf HTTP/1.0\nHost: plc-7\nX-Folded: one\n two\n\n"),
        (ToClient, b"HTTP/1.0 200 OK\nContent-Type: text/plain\n\nuntil the connection closes"),
    ];
    pieces.iter().map(|(from, bytes)| (*from, bytes.to_vec())).collect()
}
