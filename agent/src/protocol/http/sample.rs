//! A conversation with every kind of body once.

use crate::flow::Direction::{self, ToClient, ToServer};

pub(super) fn sample() -> Vec<(Direction, Vec<u8>)> {
    CONVERSATION.iter().map(|(from, text)| (*from, text.as_bytes().to_vec())).collect()
}

const CONVERSATION: &[(Direction, &str)] = &[
    (
        ToServer,
        "GET /status?unit=7 HTTP/1.1\r\nHost: plc.example\r\nUser-Agent: panel/2.1\r\nAccept: */*\r\n\
         Authorization: Basic b3BlcmF0b3I6c2VjcmV0\r\nReferer: http://plc.example/\r\n\r\n",
    ),
    (
        ToClient,
        "HTTP/1.1 200 OK\r\nServer: plc-web/1.0\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n\
         {\"pressure\": 81}",
    ),
    (ToServer, "HEAD /firmware.bin HTTP/1.1\r\nHost: plc.example\r\n\r\n"),
    (ToClient, "HTTP/1.1 200 OK\r\nContent-Length: 524288\r\n\r\n"),
    (
        ToServer,
        "POST /setpoint HTTP/1.1\r\nHost: plc.example\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: 12\r\nExpect: 100-continue\r\n\r\n",
    ),
    (ToClient, "HTTP/1.1 100 Continue\r\n\r\n"),
    (ToServer, "value=GET+42"),
    (
        ToClient,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         8;note=\"x\"\r\naccepted\r\n1a\r\nline one\nHTTP/1.1 is text\n\r\n0\r\nX-Sum: 9\r\n\r\n",
    ),
    (
        ToServer,
        "GET /logo.png HTTP/1.1\r\nHost: plc.example\r\n\r\nGET /old HTTP/1.1\r\nHost: plc.example\r\n\r\n",
    ),
    (
        ToClient,
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n\
         HTTP/1.1 301 Moved\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        ToServer,
        "PUT /config HTTP/1.1\nHost: plc.example\nTransfer-Encoding: chunked\nUser-Agent: tool/1\n\n\
         3\nabc\n0\n\n",
    ),
    (ToClient, "HTTP/1.1 204 No Content\n\n"),
    (ToServer, "GET /last HTTP/1.0\r\nX-Forwarded-For: 10.1.1.1\r\n\r\n"),
    (ToClient, "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n<html>until the end</html>"),
];
