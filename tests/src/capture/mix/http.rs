//! Browsers and programs that fetch from web servers, several requests a connection.

use std::net::SocketAddr;

use super::super::message::{http, wire};
use super::super::plant::ip;
use super::super::tcp::{Side, Tcp, Trouble};
use super::super::{Capture, Rng};
use super::{SPAN, six};

/// About `packets` packets: 600 clients, 50 servers, some segments late or sent twice.
pub fn browse(capture: &mut Capture, rng: &mut Rng, packets: usize) {
    let end = capture.packets() + packets;
    let filling = rng.bytes(1 << 18);
    let mut port = 10000;
    while capture.packets() < end {
        port = if port < 64000 { port + 1 } else { 10001 };
        let (host, guest) = (rng.below(50) as u16, rng.below(600) as u16);
        let (mut client, mut server) = (ip(40, guest / 200, 1 + guest % 200), ip(50, 0, 1 + host));
        let v6 = rng.chance(0.15);
        if v6 {
            (client, server) = (six(0x40, client), six(0x50, server));
        }
        let client = SocketAddr::new(client, port);
        let server = SocketAddr::new(server, if host < 40 { 80 } else { 8080 });
        let (start, rtt) = (rng.below(SPAN), rng.pick(&[300, 1000, 8000, 40000]));
        let mut tcp = Tcp::new(capture, client, server).at(start).rtt(rtt);
        tcp.mss = if v6 { 1440 } else { 1460 };
        tcp.vlan = rng.chance(0.1).then_some(100);
        tcp.trouble = Some(Trouble { again: 0.002, late: 0.01, rng: Rng::new(rng.bits()) });
        tcp.handshake();
        for _ in 0..rng.pick(&[1, 1, 1, 2, 3, 5, 10]) {
            exchange(&mut tcp, rng, host, &filling);
        }
        tcp.close();
    }
}

fn exchange(tcp: &mut Tcp<'_>, rng: &mut Rng, host: u16, filling: &[u8]) {
    let method = rng.weighted(&METHODS);
    let status = rng.weighted(&STATUSES);
    tcp.client(request(rng, method, host, filling)).wait(rng.between(100, 5000));
    tcp.capture.truth.message("http.request", method);

    let empty = matches!(status, 204 | 304) || method == "HEAD";
    let length = if empty { 0 } else { rng.size(8.0, 1.3, 200_000) };
    let start = rng.below(1 << 16) as usize;
    let body = filling.get(start..start + length).unwrap_or(&filling[..length]);
    let common = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Type: application/octet-stream\r\n";
    let response = if length > 0 && rng.chance(0.15) {
        tcp.capture.truth.one("http.response.chunked");
        let most = rng.pick(&[512, 4096, 8192]);
        let headers = format!("{common}Transfer-Encoding: chunked\r\n");
        http::response(status, &headers, http::chunked(body, most, ""))
    } else if matches!(status, 204 | 304) {
        http::response(status, common, "")
    } else {
        // HEAD is told how long the body would have been.
        let told = if method == "HEAD" { rng.below(9999) as usize } else { length };
        http::response(status, &format!("{common}Content-Length: {told}\r\n"), body)
    };
    tcp.server(response).ack(Side::Client);
    tcp.capture.truth.message("http.response", status);
    tcp.wait(rng.between(1000, 500_000));
}

fn request(rng: &mut Rng, method: &str, host: u16, filling: &[u8]) -> Vec<u8> {
    let mut target = String::new();
    for _ in 0..rng.between(1, 5) {
        target.push('/');
        target.push_str(rng.pick(&PATHS));
    }
    if rng.chance(0.3) {
        target.push_str(&format!("?q={}&p={}", rng.below(1_000_000), rng.below(100)));
    }
    let body = match method {
        "POST" | "PUT" => &filling[..rng.size(6.0, 1.0, 20_000)],
        _ => &[],
    };
    let length = match body {
        [] => String::new(),
        _ => format!("Content-Type: application/octet-stream\r\nContent-Length: {}\r\n", body.len()),
    };
    let (agent, cookie) = (rng.pick(&AGENTS), (u128::from(rng.bits()) << 64) | u128::from(rng.bits()));
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: srv{host}.example.com\r\nUser-Agent: {agent}\r\n\
         Accept: */*\r\nAccept-Encoding: identity\r\nCookie: sid={cookie:032x}\r\n{length}\r\n"
    );
    wire![head, body]
}

const METHODS: [(&str, u32); 6] =
    [("GET", 80), ("POST", 10), ("HEAD", 3), ("PUT", 3), ("DELETE", 2), ("OPTIONS", 2)];
const STATUSES: [(u16, u32); 7] = [(200, 78), (304, 8), (404, 6), (301, 3), (500, 2), (204, 1), (201, 2)];
const PATHS: [&str; 11] =
    ["api", "v1", "v2", "img", "static", "items", "users", "index.html", "data.json", "tags", "history"];
const AGENTS: [&str; 4] = [
    "curl/8.5.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "python-requests/2.32.3",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0",
];
