//! What is claimed and what is not.

use super::*;
use crate::protocol::{Probe, Sender, Verdict};

fn probe(bytes: &[u8], transport: Transport, dport: u16, start: bool) -> Verdict {
    let usual_port = PROTOCOL.ports.contains(&dport);
    (PROTOCOL.probe)(&Probe { bytes, sport: 40_000, dport, transport, usual_port, start })
}

const CLIENT: Verdict = Verdict::Yes(Sender::Client);
const SERVER: Verdict = Verdict::Yes(Sender::Server);

#[test]
fn datagrams_are_known_by_their_content_on_any_port() {
    for port in [53, 5353, 5355, 9999] {
        assert_eq!(probe(&query(1), Transport::Udp, port, true), CLIENT, "{port}");
        assert_eq!(probe(&response(1), Transport::Udp, port, true), SERVER, "{port}");
    }
    assert_eq!(probe(&query(1), Transport::Udp, 137, true), Verdict::No);
}

#[test]
fn faulty_datagrams_are_claimed_on_the_usual_ports_only() {
    let looping = [header(9, 0x0100, [1, 0, 0, 0]), question(b"\xc0\x0c", 1)].concat();
    let counts = [header(9, 0x0100, [1, 0, 0, 0xffff]), question(NAME_A, 1)].concat();
    let more = [query(1), vec![0]].concat();
    for message in [looping, counts, more] {
        assert_eq!(probe(&message, Transport::Udp, 53, true), CLIENT);
        assert_eq!(probe(&message, Transport::Udp, 9999, true), Verdict::No);
    }
}

#[test]
fn datagrams_cut_within_the_header_are_claimed_on_the_usual_ports_only() {
    for end in 6..12 {
        assert_eq!(probe(&response(1)[..end], Transport::Udp, 53, true), SERVER, "{end}");
        assert_eq!(probe(&response(1)[..end], Transport::Udp, 9999, true), Verdict::No, "{end}");
    }
    assert_eq!(probe(&response(1)[..5], Transport::Udp, 53, true), Verdict::No);
}

#[test]
fn other_bytes_are_refused() {
    for bytes in [
        &b"hello"[..],
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &[&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[0x61; 300]].concat(),
        b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a",
        b"\x10\x0f\0\x04MQTT\x04\x02\0\x3c\0\x03abc",
        &[0xff; 60],
    ] {
        assert_eq!(probe(bytes, Transport::Udp, 53, true), Verdict::No, "{bytes:?}");
        for port in [53, 9999] {
            let verdict = probe(bytes, Transport::Tcp, port, true);
            // Two letters are a length; the header may still come.
            let few = bytes.is_empty() || bytes == b"hello";
            assert_eq!(verdict, if few { Verdict::More } else { Verdict::No }, "{bytes:?} {port}");
        }
    }
}

#[test]
fn a_stream_is_known_from_its_first_bytes_and_not_refused_before() {
    for (message, verdict) in [(query(1), CLIENT), (response(1), SERVER)] {
        let bytes = framed(&message);
        for port in [53, 9999] {
            for start in [true, false] {
                for end in 0..bytes.len() {
                    let early = probe(&bytes[..end], Transport::Tcp, port, start);
                    assert!(early == Verdict::More || early == verdict, "{end} {port} {start}: {early:?}");
                }
                assert_eq!(probe(&bytes, Transport::Tcp, port, start), verdict);
            }
        }
    }
}

#[test]
fn the_middle_of_a_stream_is_searched_on_the_usual_ports() {
    let bytes = [&framed(&response(1))[9..], &framed(&response(2))].concat();
    assert_eq!(probe(&bytes, Transport::Tcp, 53, false), SERVER);
    assert_eq!(probe(&[0x5a; 4096], Transport::Tcp, 53, false), Verdict::No);
}
