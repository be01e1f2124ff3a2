//! Traps of HTTP.

use super::super::message::http::{chunked, post, request, response, sized};
use super::super::message::wire;
use super::super::tcp::{Side, Tcp};
use super::super::{Capture, Rng};
use super::Trap;

/// Every one of them.
pub static TRAPS: &[Trap] = traps![
    http_pipelining,
    http_100_continue,
    http_no_body,
    http_connect,
    http_upgrade,
    http_length_and_chunked,
    http_obs_fold,
    http_bare_lf,
    http_hole_in_body,
    http_chunked_trailers,
    http_chunk_cut,
    http_until_close,
    http_head_of_64k,
    http_10,
    http_byte_by_byte,
    http_other_port,
    http_head_in_body,
    http_midstream,
    http_odd_status_lines,
    http_small_controller,
];

/// Counts a request for `target` and a response of `status`.
fn count(capture: &mut Capture, method: &str, target: &str, status: u16) {
    capture.truth.add("http", 2);
    capture.truth.list("http.method", [method]);
    capture.truth.list("http.uri", [target]);
    capture.truth.list("http.status", [status]);
}

/// An exchange, counted.
fn exchange(tcp: &mut Tcp<'_>, method: &str, target: &str, status: u16, response: impl AsRef<[u8]>) {
    tcp.client(request(method, target, "")).server(response);
    count(tcp.capture, method, target, status);
}

/// One that nothing is wrong with.
pub(super) fn fetch(tcp: &mut Tcp<'_>, target: &str) {
    exchange(tcp, "GET", target, 200, sized(200, "<html>ok</html>"));
}

fn http_pipelining(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let (mut requests, mut responses) = (Vec::new(), Vec::new());
    for (target, length) in [("/a", 0), ("/b", 4000), ("/c", 1), ("/d", 20)] {
        requests.extend(request("GET", target, ""));
        responses.extend(sized(200, vec![b'x'; length]));
        count(tcp.capture, "GET", target, 200);
    }
    // A body does not hide the request behind it.
    requests.extend(wire![post("/e", "GET /not HTTP/1.1\r\n\r\n"), request("GET", "/f", "")]);
    responses.extend(wire![sized(201, ""), sized(200, "f")]);
    count(tcp.capture, "POST", "/e", 201);
    count(tcp.capture, "GET", "/f", 200);
    tcp.client(requests).server(responses).close();
}

fn http_100_continue(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    tcp.client(request("PUT", "/program", "Content-Length: 5000\r\nExpect: 100-continue\r\n"));
    tcp.server("HTTP/1.1 100 Continue\r\n\r\n").client(vec![b'p'; 5000]).server(sized(201, "done"));
    tcp.capture.truth.add("http", 3);
    tcp.capture.truth.list("http.method", ["PUT"]);
    tcp.capture.truth.list("http.uri", ["/program"]);
    tcp.capture.truth.list("http.status", [100, 201]);
    fetch(&mut tcp, "/after");
    tcp.close();
}

/// Responses that have no body whatever their headers say.
fn http_no_body(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    exchange(&mut tcp, "HEAD", "/a", 200, response(200, "Content-Length: 5000\r\n", ""));
    exchange(&mut tcp, "HEAD", "/b", 200, response(200, "Transfer-Encoding: chunked\r\n", ""));
    exchange(&mut tcp, "GET", "/c", 204, response(204, "", ""));
    exchange(&mut tcp, "GET", "/d", 304, response(304, "Content-Length: 5000\r\n", ""));
    fetch(&mut tcp, "/e");
    tcp.close();
}

/// Behind a tunnel's head there is no HTTP, not even what looks like it.
fn http_connect(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 8080);
    // Refused first: then it is no tunnel.
    exchange(&mut tcp, "CONNECT", "plc.example:443", 401, sized(401, "no"));
    exchange(&mut tcp, "CONNECT", "plc.example:443", 200, response(200, "", ""));
    let mut rng = Rng::new(9);
    for length in [200, 1500, 90] {
        tcp.client(wire![[0x17, 3, 3], length as u16, rng.bytes(length)]);
        tcp.server(wire![[0x17, 3, 3], length as u16, rng.bytes(length)]);
    }
    tcp.close();
}

fn http_upgrade(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let headers = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    tcp.client(request("GET", "/live", &format!("{headers}{key}")));
    tcp.server(response(
        101,
        &format!("{headers}Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
        "",
    ));
    count(tcp.capture, "GET", "/live", 101);
    tcp.server(wire![[0x81, 5], "hello"]).client([0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2]).close();
}

/// Both lengths: chunked counts (RFC 9112 §6.3), and somebody may be smuggling.
fn http_length_and_chunked(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let headers = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
    let body = chunked(b"0123456789", 4, "");
    tcp.client(wire![request("POST", "/smuggle", headers), body]).server(response(200, headers, &body));
    count(tcp.capture, "POST", "/smuggle", 200);
    fetch(&mut tcp, "/after");
    tcp.close();
}

fn http_obs_fold(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let folded = "X-Note: one\r\n two\r\n\tContent-Length: 900\r\nContent-Length: 2\r\n";
    tcp.client(request("GET", "/fold", "X-A: 1\r\n  Host: other\r\n")).server(response(200, folded, "ok"));
    count(tcp.capture, "GET", "/fold", 200);
    fetch(&mut tcp, "/after");
    tcp.close();
}

fn http_bare_lf(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    for target in ["/a", "/b"] {
        tcp.client(format!("GET {target} HTTP/1.1\nHost: plc.example\n\n"));
        tcp.server("HTTP/1.1 200 OK\nContent-Length: 2\n\nok");
        count(tcp.capture, "GET", target, 200);
    }
    // Mixed ends of lines.
    tcp.client("GET /c HTTP/1.1\r\nHost: plc.example\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 2\n\nok");
    count(tcp.capture, "GET", "/c", 200);
    tcp.close();
}

/// Part of a response's and of a request's body is lost; what follows must be read.
fn http_hole_in_body(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let page = sized(200, vec![b'x'; 6000]);
    tcp.client(request("GET", "/big", "")).server(&page[..2000]).lose(Side::Server, &page[2000..4000]);
    tcp.server(&page[4000..]).wait(2_000_000);
    count(tcp.capture, "GET", "/big", 200);
    fetch(&mut tcp, "/between");
    let upload = post("/upload", vec![b'y'; 6000]);
    tcp.client(&upload[..2000]).lose(Side::Client, &upload[2000..4000]).client(&upload[4000..]);
    tcp.wait(2_000_000).server(sized(201, "done"));
    count(tcp.capture, "POST", "/upload", 201);
    fetch(&mut tcp, "/after");
    tcp.close();
    capture.truth.add("tcp.lost", 2);
}

fn http_chunked_trailers(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let headers = "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n";
    let body = chunked(&[b'z'; 5000], 700, "X-Sum: 17\r\nX-More: 1\r\n");
    exchange(&mut tcp, "GET", "/chunks", 200, response(200, headers, body));
    // Extensions, upper case, leading zeroes.
    let odd = "000A;name=\"a;b\"\r\n0123456789\r\n0a ; x\r\n0123456789\r\n00000\r\n\r\n";
    exchange(&mut tcp, "GET", "/odd", 200, response(200, headers, odd));
    fetch(&mut tcp, "/after");
    tcp.close();
}

/// The segment ends after each byte of a chunked response once.
fn http_chunk_cut(capture: &mut Capture) {
    let whole = response(200, "Transfer-Encoding: chunked\r\n", chunked(b"0123456789", 6, "X-T: 1\r\n"));
    for cut in 1..whole.len() {
        let mut tcp = Tcp::open(capture, 80);
        tcp.client(request("GET", "/cut", "")).cut(Side::Server, &whole, &[cut]);
        count(tcp.capture, "GET", "/cut", 200);
        fetch(&mut tcp, "/after");
        tcp.close();
    }
}

fn http_until_close(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let body = wire![[b'x'; 3000], "HTTP/1.1 404 Not Found\r\n\r\n", [b'x'; 3000]];
    exchange(&mut tcp, "GET", "/log", 200, response(200, "Connection: close\r\n", body));
    tcp.close_by(Side::Server);
}

fn http_head_of_64k(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let cookies: String = (0..64).map(|n| format!("Cookie: c{n}={}\r\n", "v".repeat(1000))).collect();
    tcp.client(request("GET", "/heavy", &cookies)).server(sized(431, "too much"));
    count(tcp.capture, "GET", "/heavy", 431);
    fetch(&mut tcp, "/after");
    tcp.close();
}

fn http_10(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    tcp.client("GET /old HTTP/1.0\r\n\r\n").server("HTTP/1.0 200 OK\r\nServer: plc\r\n\r\nuntil the end");
    count(tcp.capture, "GET", "/old", 200);
    tcp.close_by(Side::Server);
}

fn http_byte_by_byte(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let parts = [(Side::Client, post("/slow", "0123456789")), (Side::Server, sized(200, "9876543210"))];
    for (side, bytes) in parts {
        tcp.cut(side, &bytes, &(1..bytes.len()).collect::<Vec<_>>());
    }
    count(tcp.capture, "POST", "/slow", 200);
    tcp.close();
}

fn http_other_port(capture: &mut Capture) {
    for port in [8081, 9090, 40404] {
        let mut tcp = Tcp::open(capture, port);
        fetch(&mut tcp, "/");
        tcp.close();
    }
}

/// Messages inside bodies are not messages.
fn http_head_in_body(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    let inner = wire!["GET /inner HTTP/1.1\r\nHost: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"];
    tcp.client(post("/outer", &inner)).server(sized(200, &inner));
    count(tcp.capture, "POST", "/outer", 200);
    fetch(&mut tcp, "/after");
    tcp.close();
}

/// The capture begins in a body.
fn http_midstream(capture: &mut Capture) {
    let mut tcp = Tcp::midstream(capture, 80);
    tcp.server(vec![b'x'; 4000]);
    fetch(&mut tcp, "/a");
    fetch(&mut tcp, "/b");
    tcp.close();
}

/// Reasons that are missing, empty, long or no ASCII.
fn http_odd_status_lines(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    for line in ["200", "200 ", "200 all is well with this device", "200 \u{e9}t\u{e9}"] {
        let answer = format!("HTTP/1.1 {line}\r\nContent-Length: 2\r\n\r\nok");
        exchange(&mut tcp, "GET", "/x", 200, answer);
    }
    exchange(&mut tcp, "GET", "/y", 999, "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n");
    tcp.close();
}

/// What small controllers send: names in lower case, blanks, lengths with zeroes, empty lines before
/// the request.
fn http_small_controller(capture: &mut Capture) {
    let mut tcp = Tcp::open(capture, 80);
    tcp.client("\r\nGET /io.cgi?r1=on&r2=off HTTP/1.1\r\nhost:plc.example\r\naccept:*/*\r\n\r\n");
    tcp.server("HTTP/1.1 200 OK\r\ncontent-length:   0003  \r\ncontent-type:text/plain\r\n\r\non\n");
    count(tcp.capture, "GET", "/io.cgi?r1=on&r2=off", 200);
    fetch(&mut tcp, "/after");
    tcp.close();
}
