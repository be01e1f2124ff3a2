//! One test per trap.

use super::PROTOCOL;
use super::sample::sample;
use crate::flow::Direction::{self, ToClient, ToServer};
use crate::flow::{Outcome, Transport};
use crate::protocol::harness::{Player, play, play_cut, without_rtt};
use crate::protocol::{Probe, Sender, Verdict};

fn talk(pieces: &[(Direction, &str)]) -> Vec<String> {
    let pieces: Vec<_> = pieces.iter().map(|(from, text)| (*from, text.as_bytes().to_vec())).collect();
    play(&PROTOCOL, &pieces).into_iter().map(without_rtt).collect()
}

fn probed(bytes: &[u8], usual_port: bool, start: bool) -> Verdict {
    let transport = Transport::Tcp;
    super::probe::probe(&Probe { bytes, sport: 40_000, dport: 80, transport, usual_port, start })
}

#[test]
fn a_request_and_its_response_tell_all_fields() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(
        ToServer,
        b"POST /a?b=1 HTTP/1.1\r\nHost: plc\r\nUser-Agent: ua\r\nContent-Type: text/x\r\nReferer: /r\r\n\
          X-Forwarded-For: 10.0.0.9\r\nAuthorization: Basic c2VjcmV0\r\nContent-Length: 4\r\n\r\nbody",
    );
    player.bytes(ToClient, b"HTTP/1.1 500 Not Good\r\nServer: s\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(
        player.lines(),
        [
            "http client {\"kind\":\"request\",\"method\":\"POST\",\"host\":\"plc\",\"uri\":\"/a?b=1\",\
         \"version\":\"1.1\",\"user_agent\":\"ua\",\"content_type\":\"text/x\",\"content_length\":4,\
         \"referrer\":\"/r\",\"auth\":\"Basic\",\"xff\":\"10.0.0.9\",\"body_len\":4}",
            "http server {\"kind\":\"response\",\"version\":\"1.1\",\"status\":500,\"reason\":\"Not Good\",\
         \"content_length\":0,\"server\":\"s\",\"body_len\":0,\"rtt\":0.001000}",
        ]
    );
}

#[test]
fn bodies_are_measured_and_not_taken_for_messages() {
    let lines = play(&PROTOCOL, &sample());
    let part = |line: &String, name: &str| {
        let rest = line.split(&format!("\"{name}\":")).nth(1)?;
        rest.split([',', '}']).next().map(str::to_owned)
    };
    let told: Vec<_> = lines.iter().map(|line| part(line, "body_len").expect("a length")).collect();
    assert_eq!(told, ["0", "12", "0", "0", "9", "0", "0", "0", "11", "0", "0", "0", "2", "0", "27"]);
    assert!(lines.iter().all(|line| !line.contains("amFuZ")), "credentials were shown");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let lines = talk(&[
        (ToServer, "HEAD /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"),
        (
            ToClient,
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx",
        ),
    ]);
    assert_eq!(lines.len(), 4);
    assert!(lines[3].contains("404"));
}

#[test]
fn two_lengths_are_a_fault_and_chunks_win() {
    let lines = talk(&[
        (
            ToServer,
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
        ),
        (
            ToServer,
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcGET /2 HTTP/1.1\r\n\r\n",
        ),
    ]);
    assert!(
        lines[0].contains("\"body_len\":5}")
            && lines[0].ends_with("both Content-Length and Transfer-Encoding")
    );
    assert!(lines[1].ends_with("Content-Length twice and different"));
    assert!(lines[2].contains("/2"));
}

#[test]
fn a_bad_length_is_a_fault() {
    for bad in ["-1", "99999999999999999999", "0x10", "+5", ""] {
        let lines = talk(&[(ToServer, &format!("GET / HTTP/1.1\r\nContent-Length: {bad}\r\n\r\n"))]);
        assert!(lines[0].ends_with("bad Content-Length"), "{lines:?}");
    }
}

#[test]
fn a_bad_chunk_size_is_told_and_the_next_message_found() {
    let lines = talk(&[
        (ToServer, "GET /1 HTTP/1.1\r\n\r\n"),
        (
            ToClient,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc HTTP/1.1 206 Part\r\n\r\n",
        ),
    ]);
    assert!(lines[1].ends_with("bad chunk size"));
    assert!(lines[2].contains("206"));
}

#[test]
fn odd_header_lines_cost_nothing_else() {
    let lines = talk(&[(
        ToServer,
        "GET / HTTP/1.1\r\nno colon here\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost : b\r\n\r\n",
    )]);
    assert!(lines[0].contains("\"host\":\"a\"") && lines[0].ends_with("header line without a colon"));
    assert!(lines[1].contains("\"host\":\"b\"") && lines[1].ends_with("space before a colon"));
}

#[test]
fn an_upgrade_changes_the_protocol() {
    for (upgrade, next) in [("websocket", Some("websocket")), ("h2c", None)] {
        let mut player = Player::new(&PROTOCOL);
        player.bytes(ToServer, b"GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n\r\n");
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: {upgrade}\r\n\r\n\x02");
        player.bytes(ToClient, answer.as_bytes());
        assert_eq!(player.outcome, Outcome::Change(next));
    }
}

#[test]
fn a_tunnel_is_looked_at_anew() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, b"CONNECT plc:502 HTTP/1.1\r\n\r\n");
    player.bytes(ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    assert_eq!(player.outcome, Outcome::Change(None));
}

#[test]
fn a_hole_in_a_body_harms_nothing() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    player.bytes(ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").gap(ToClient, 90);
    player.bytes(ToClient, b"1234567HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    let lines = player.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[3].contains("404") && !lines[2].contains("malformed"));
}

#[test]
fn after_a_hole_the_next_message_is_found() {
    let sample = sample();
    for message in (0..sample.len()).step_by(2).filter(|message| *message > 0) {
        let (from, bytes) = &sample[message];
        for lost in 1..bytes.len() {
            let mut player = Player::new(&PROTOCOL);
            player.bytes(*from, bytes.get(..bytes.len() - lost).expect("a part")).gap(*from, lost as u64);
            player.lines();
            player.bytes(*from, b"GET /found HTTP/1.1\r\n\r\n");
            assert!(player.lines().iter().any(|line| line.contains("/found")), "{message} {lost}");
        }
    }
}

#[test]
fn a_head_without_end_is_told() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, b"GET /long HTTP/1.1\r\nHost: plc\r\n");
    for _ in 0..80 {
        player.bytes(ToServer, format!("X: {}\r\n", "y".repeat(1000)).as_bytes());
    }
    player.bytes(ToServer, b"\r\nGET /next HTTP/1.1\r\n\r\n");
    let lines = player.lines();
    assert!(lines[0].contains("/long") && lines[0].ends_with("head too long"), "{lines:?}");
    assert!(lines[1].contains("/next"));
}

#[test]
fn any_cut_gives_the_same_events() {
    let whole: Vec<_> = play(&PROTOCOL, &sample()).into_iter().map(without_rtt).collect();
    for size in 1..=40 {
        assert_eq!(play_cut(&PROTOCOL, &sample(), size), whole, "in pieces of {size}");
    }
}

#[test]
fn responses_alone_are_read() {
    let lines = talk(&[(
        ToClient,
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n\
         HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    )]);
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[test]
fn http_is_known_from_its_first_line() {
    assert_eq!(probed(b"GET / HTTP/1.1\r\n", false, true), Verdict::Yes(Sender::Client));
    assert_eq!(probed(b"HTTP/1.0 200 OK\r\n", false, true), Verdict::Yes(Sender::Server));
    assert_eq!(probed(b"GET / HT", false, true), Verdict::More);
    assert_eq!(probed(b"GET /", true, true), Verdict::Yes(Sender::Client));
    assert_eq!(probed(b"GE", true, true), Verdict::More);
    assert_eq!(probed(b"\x16\x03\x01\x02\x00", true, true), Verdict::No);
    assert_eq!(probed(b"GET / RTSP/1.0\r\n", false, true), Verdict::No);
    assert_eq!(probed(b"SSH-2.0-OpenSSH\r\n", false, true), Verdict::No);
    let middle = b"rest of a body HTTP/1.1 200 OK\r\n";
    assert_eq!(probed(middle, true, false), Verdict::Yes(Sender::Server));
    assert_eq!(probed(middle, false, false), Verdict::No);
}

#[test]
fn http_0_9_is_one_line() {
    let lines = talk(&[(ToServer, "GET /old\r\n")]);
    assert_eq!(
        lines,
        ["http client {\"kind\":\"request\",\"method\":\"GET\",\"uri\":\"/old\",\"body_len\":0}"]
    );
}

#[test]
fn ssdp_is_read_from_datagrams() {
    let search = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: upnp:rootdevice\r\n\r\n";
    let probe = |bytes| {
        let transport = Transport::Udp;
        super::probe::probe(&Probe {
            bytes,
            sport: 40_000,
            dport: 1900,
            transport,
            usual_port: true,
            start: true,
        })
    };
    assert_eq!(probe(search), Verdict::Yes(Sender::Client));
    assert_eq!(probe(b"HTTP/1.1 200 OK\r\n\r\n"), Verdict::Yes(Sender::Server));
    assert_eq!(probe(b"GET "), Verdict::No);
    let mut player = Player::new(&PROTOCOL);
    let lines = player.datagram(ToServer, search).lines();
    assert!(lines[0].contains("\"method\":\"M-SEARCH\"") && lines[0].contains("\"uri\":\"*\""), "{lines:?}");
}
