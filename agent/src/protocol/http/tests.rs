use super::*;
use crate::flow::Direction::{ToClient, ToServer};
use crate::flow::Outcome;
use crate::protocol::harness::{Player, play, play_cut, without_rtt};
use crate::protocol::{Probe, Sender, Verdict};
use proptest::prelude::*;

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";

fn talk(conversation: &[(Direction, &str)]) -> Vec<String> {
    let pieces: Vec<_> = conversation.iter().map(|(from, text)| (*from, text.as_bytes().to_vec())).collect();
    let whole: Vec<_> = play(&PROTOCOL, &pieces).into_iter().map(without_rtt).collect();
    for size in [1, 2, 7] {
        assert_eq!(play_cut(&PROTOCOL, &pieces, size), whole, "in pieces of {size}");
    }
    whole
}

/// What a response says when a request came before it.
fn answer(response: &str) -> Vec<String> {
    talk(&[(ToServer, GET), (ToClient, response)]).split_off(1)
}

fn ask(request: &str) -> Vec<String> {
    talk(&[(ToServer, request)])
}

/// Whether a line is the request for this target.
fn is_for(line: &str, uri: &str) -> bool {
    line.contains(&format!("\"uri\":\"{uri}\""))
}

#[test]
fn the_sample_is_decoded() {
    let lines: Vec<_> = play(&PROTOCOL, &sample::sample()).into_iter().map(without_rtt).collect();
    let expected = [
        r#"http client {"kind":"request","method":"GET","host":"plc.example","uri":"/status?unit=7","version":"1.1","user_agent":"panel/2.1","referrer":"http://plc.example/","auth":"Basic","body_len":0}"#,
        r#"http server {"kind":"response","version":"1.1","status":200,"reason":"OK","content_type":"application/json","content_length":16,"server":"plc-web/1.0","body_len":16}"#,
        r#"http client {"kind":"request","method":"HEAD","host":"plc.example","uri":"/firmware.bin","version":"1.1","body_len":0}"#,
        r#"http server {"kind":"response","version":"1.1","status":200,"reason":"OK","content_length":524288,"body_len":0}"#,
        r#"http client {"kind":"request","method":"POST","host":"plc.example","uri":"/setpoint","version":"1.1","content_type":"application/x-www-form-urlencoded","content_length":12,"body_len":12}"#,
        r#"http server {"kind":"response","version":"1.1","status":100,"reason":"Continue","body_len":0}"#,
        r#"http server {"kind":"response","version":"1.1","status":200,"reason":"OK","transfer":"chunked","body_len":34}"#,
        r#"http client {"kind":"request","method":"GET","host":"plc.example","uri":"/logo.png","version":"1.1","body_len":0}"#,
        r#"http client {"kind":"request","method":"GET","host":"plc.example","uri":"/old","version":"1.1","body_len":0}"#,
        r#"http server {"kind":"response","version":"1.1","status":304,"reason":"Not Modified","content_length":900,"body_len":0}"#,
        r#"http server {"kind":"response","version":"1.1","status":301,"reason":"Moved","content_length":0,"body_len":0}"#,
        r#"http client {"kind":"request","method":"PUT","host":"plc.example","uri":"/config","version":"1.1","user_agent":"tool/1","transfer":"chunked","body_len":3}"#,
        r#"http server {"kind":"response","version":"1.1","status":204,"reason":"No Content","body_len":0}"#,
        r#"http client {"kind":"request","method":"GET","uri":"/last","version":"1.0","xff":"10.1.1.1","body_len":0}"#,
        r#"http server {"kind":"response","version":"1.0","status":200,"reason":"OK","content_type":"text/html","body_len":26}"#,
    ];
    assert_eq!(lines, expected);
}

#[test]
fn any_cut_gives_the_same_events() {
    let sample = sample::sample();
    let whole: Vec<_> = play(&PROTOCOL, &sample).into_iter().map(without_rtt).collect();
    for size in 1..=40 {
        assert_eq!(play_cut(&PROTOCOL, &sample, size), whole, "in pieces of {size}");
    }
}

#[test]
fn pipelined_responses_meet_their_requests_in_order() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, format!("HEAD /1 HTTP/1.1\r\n\r\n{GET}").as_bytes());
    player.bytes(ToServer, GET.as_bytes());
    let one = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    player.bytes(ToClient, format!("{one}{one}abc{one}abc").as_bytes());
    let rtts: Vec<_> = player
        .lines()
        .iter()
        .filter_map(|line| line.split_once("\"rtt\":").map(|(_, t)| t.to_owned()))
        .collect();
    assert_eq!(rtts, ["0.002000}", "0.002000}", "0.001000}"]);
}

#[test]
fn more_than_a_hundred_open_requests_are_counted_and_not_matched_wrongly() {
    let mut player = Player::new(&PROTOCOL);
    for _ in 0..102 {
        player.bytes(ToServer, GET.as_bytes());
    }
    player.lines();
    for _ in 0..102 {
        player.bytes(ToClient, b"HTTP/1.1 204 Fine\r\n\r\n");
    }
    assert_eq!(player.lines().iter().filter(|line| line.contains("rtt")).count(), 100);
    player.bytes(ToServer, GET.as_bytes()).bytes(ToClient, b"HTTP/1.1 204 Fine\r\n\r\n");
    assert!(player.lines().last().expect("a response").contains("\"rtt\":0.001000"));
}

#[test]
fn an_interim_response_leaves_the_request_open() {
    let lines = answer(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(lines.len(), 3);
    let mut player = Player::new(&PROTOCOL);
    player
        .bytes(ToServer, GET.as_bytes())
        .bytes(ToClient, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n");
    let lines = player.lines();
    assert!(!lines[1].contains("rtt") && lines[2].contains("rtt"), "{lines:?}");
}

#[test]
fn a_connect_that_succeeds_is_a_tunnel() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, b"CONNECT plc:502 HTTP/1.1\r\nHost: plc:502\r\n\r\n");
    player.bytes(ToClient, b"HTTP/1.0 200 Connection established\r\n\r\n\x16\x03");
    assert_eq!(player.outcome, Outcome::Change(None));
    assert!(is_for(&player.lines()[0], "plc:502"));
}

#[test]
fn a_connect_that_fails_is_followed_by_requests() {
    let connect = "CONNECT plc:502 HTTP/1.1\r\n\r\n";
    let lines = talk(&[
        (ToServer, connect),
        (ToClient, "HTTP/1.1 407 Who are you\r\nContent-Length: 2\r\n\r\nno"),
        (ToServer, connect),
    ]);
    assert_eq!(lines.len(), 3);
}

#[test]
fn the_tunnel_is_seen_without_the_answer_to_connect() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, b"CONNECT plc:443 HTTP/1.1\r\n\r\n").bytes(ToServer, b"\x16\x03\x01\x00\x10");
    assert_eq!(player.outcome, Outcome::Change(None));
}

#[test]
fn an_upgrade_changes_the_protocol() {
    for (upgrade, next) in
        [("WebSocket", Some("websocket")), ("tcp", None), ("h2c, websocket", Some("websocket"))]
    {
        let mut player = Player::new(&PROTOCOL);
        player.bytes(ToServer, GET.as_bytes());
        let response =
            format!("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n\x01\x02");
        player.bytes(ToClient, response.as_bytes());
        assert_eq!(player.outcome, Outcome::Change(next));
        assert!(player.lines()[1].contains(&format!("\"upgrade\":\"{upgrade}\"")));
    }
}

#[test]
fn length_and_chunks_together_are_told_and_the_chunks_win() {
    let request =
        "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nZ\r\n0\r\n\r\n";
    let lines = ask(&format!("{request}{GET}"));
    assert!(
        lines[0].ends_with("\"body_len\":1} malformed: both content-length and transfer-encoding"),
        "{lines:?}"
    );
    assert!(is_for(&lines[1], "/a"));
}

#[test]
fn odd_content_lengths_are_told() {
    for (length, shown, reason) in [
        ("3\r\nContent-Length: 5", Some(3), Some("two content-lengths")),
        ("3, 5", Some(3), Some("two content-lengths")),
        ("3, 3", Some(3), None),
        ("-1", None, Some("bad content-length")),
        ("+3", None, Some("bad content-length")),
        ("3A", None, Some("bad content-length")),
        ("", None, Some("bad content-length")),
        ("18446744073709551615", None, Some("bad content-length")),
        ("99999999999999999999", None, Some("bad content-length")),
        ("  003\t", Some(3), None),
    ] {
        let body = if shown.is_some() { "abc" } else { "" };
        let lines = ask(&format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}{GET}"));
        let number = shown.map(|number: u64| format!("\"content_length\":{number},")).unwrap_or_default();
        let malformed = reason.map(|reason| format!(" malformed: {reason}")).unwrap_or_default();
        let body = body.len();
        assert!(
            lines[0].ends_with(&format!("\"version\":\"1.1\",{number}\"body_len\":{body}}}{malformed}")),
            "{lines:?}"
        );
        assert_eq!(lines.len(), 2, "{length}");
    }
}

#[test]
fn a_folded_value_is_one_value() {
    let lines = ask(
        "POST / HTTP/1.1\r\nTransfer-Encoding\r\n :\r\n\tchunked\r\nUser-Agent: a\r\n  b\r\n \r\n\r\n2\r\nok\r\n0\r\n\r\n",
    );
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("\"user_agent\":\"a b\",\"transfer\":\"chunked\",\"body_len\":2"), "{lines:?}");
}

#[test]
fn odd_header_lines_are_told_and_the_rest_is_read() {
    for (line, reason) in [
        ("no colon here", "header line without a colon"),
        ("Accept : x", "space before a colon"),
        ("Host: other", "two hosts"),
    ] {
        let lines = ask(&format!("GET /x HTTP/1.1\r\nHost: h\r\n{line}\r\nUser-Agent: u\r\n\r\n"));
        assert!(lines[0].contains("\"user_agent\":\"u\"") && lines[0].ends_with(reason), "{lines:?}");
    }
    let lines = ask("POST /x HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc");
    assert!(lines[0].contains("\"content_length\":3"), "{lines:?}");
    let lines = ask("GET /x HTTP/1.1\r\n Host: h\r\n\r\n");
    assert!(!lines[0].contains("host") && lines[0].ends_with("folded header line"), "{lines:?}");
}

#[test]
fn lines_may_end_with_a_line_feed_alone() {
    let lines = talk(&[
        (ToServer, "GET /a HTTP/1.0\nHost: h\n\n"),
        (ToClient, "HTTP/1.0 200 OK\nContent-Length: 2\n\nok"),
        (ToServer, "GET /b HTTP/1.0\r\nHost: h\n\r\nGET /c HTTP/1.0\r\r\nHost: h\r\r\n\r\r\n"),
    ]);
    assert_eq!(lines.len(), 4);
    assert!(lines[0].contains("\"host\":\"h\""));
}

#[test]
fn a_carriage_return_alone_ends_no_line() {
    let lines = ask("GET /a HTTP/1.1\r\nX: a\rHost: h\r\n\r\n");
    assert!(!lines[0].contains("host"), "{lines:?}");
}

#[test]
fn empty_lines_before_a_message_are_passed_over() {
    assert_eq!(ask(&format!("\r\n\r\n\n{GET}\r\n{GET}")).len(), 2);
    assert_eq!(answer("\r\nHTTP/1.1 204 No\r\n\r\n").len(), 1);
}

#[test]
fn any_form_of_target_is_shown_as_it_came() {
    for target in ["*", "http://plc:8080/a?b#c", "plc:443", "/%41%00?x=\"y\"", "HTTP/1.1"] {
        let lines = ask(&format!("OPTIONS {target} HTTP/1.1\r\n\r\n"));
        assert!(is_for(&lines[0], &target.replace('"', "\\\"")), "{lines:?}");
        assert!(!lines[0].contains("malformed"));
    }
    let lines = ask("CONNECT mail:25 / HTTP/1.0\r\n\r\n");
    assert!(is_for(&lines[0], "mail:25") && lines[0].ends_with("space in the target"));
}

#[test]
fn request_lines_of_old_and_broken_clients_are_read() {
    let lines = ask("GET /old\r\n\r\n");
    assert!(is_for(&lines[0], "/old") && lines[0].ends_with("request line without a version"));
    let lines = ask("GET HTTP/1.1\r\n\r\n");
    assert!(is_for(&lines[0], "HTTP/1.1"));
    // HTTP/0.9 has neither header nor empty line.
    assert!(is_for(&ask("GET /older\r\n")[0], "/older"));
    // A head that was never finished is no message.
    assert!(ask("GET /a HTTP/1.1\r\nHost: h\r\n").is_empty());
}

#[test]
fn unknown_methods_count_when_the_line_is_right() {
    assert!(ask("QUERY /q HTTP/1.1\r\n\r\n")[0].contains("\"method\":\"QUERY\""));
    assert!(ask("get /q HTTP/1.1\r\n\r\n")[0].contains("\"method\":\"get\""));
    assert!(ask("QUERY /q\r\n\r\n").is_empty());
    assert!(ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").is_empty());
}

#[test]
fn a_head_beyond_all_measure_is_told_and_the_next_message_found() {
    for size in [1_000_000, 60_000, 1460] {
        let mut long = b"POST /long HTTP/1.1\r\nHost: h\r\n".to_vec();
        while long.len() < 200_000 {
            long.extend_from_slice(b"Cookie: abcdefghijklmnopqrstuvwxyz\r\n");
        }
        long.extend_from_slice(b"\r\n");
        long.extend_from_slice(GET.as_bytes());
        let lines = play_cut(&PROTOCOL, &[(ToServer, long)], size);
        assert_eq!(lines.len(), 2, "in pieces of {size}");
        assert!(is_for(&lines[0], "/long") && lines[0].contains("\"host\":\"h\""));
        assert!(lines[0].ends_with("head too long") && is_for(&lines[1], "/a"));
    }
}

#[test]
fn a_first_line_beyond_all_measure_is_told() {
    let line = format!("GET /{} HTTP/1.1\r\n\r\n{GET}", "x".repeat(100_000));
    for size in [1_000_000, 1460] {
        let lines = play_cut(&PROTOCOL, &[(ToServer, line.clone().into_bytes())], size);
        assert!(lines[0].contains("head too long"));
        assert!(is_for(lines.last().expect("the next"), "/a"));
    }
}

#[test]
fn a_head_byte_by_byte_is_looked_through_once() {
    let mut head = b"GET / HTTP/1.1\r\n".to_vec();
    while head.len() < 60_000 {
        head.extend_from_slice(b"X-Filler: 0123456789\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let mut seen = head::Seen::default();
    let steps =
        (1..=head.len()).filter(|end| matches!(head::read(&head[..*end], &mut seen), Parsed::Part)).count();
    assert_eq!(steps, head.len() - 1);
    // Sixty thousand calls of up to 60 KB: seconds when each looked at everything.
}

#[test]
fn a_body_until_close_ends_with_the_connection() {
    let lines = answer("HTTP/1.1 200 OK\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("\"body_len\":22"), "{lines:?}");
}

#[test]
fn a_connection_that_goes_on_ends_a_body_until_close() {
    let response = "HTTP/1.1 200 OK\r\n\r\n{}";
    let lines = talk(&[(ToServer, GET), (ToClient, response), (ToServer, GET), (ToClient, response)]);
    assert_eq!(lines.iter().filter(|line| line.contains("\"body_len\":2}")).count(), 2, "{lines:?}");
}

#[test]
fn responses_without_requests_are_read() {
    let length = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
    // Two answers to HEAD, then two to GET, then one without a length, in a capture of one side.
    let lines = talk(&[(
        ToClient,
        &format!("{length}{length}{length}123456789{length}HTTP/1.9 HTTP/1.1 200 OK\r\n\r\nabc{length}"),
    )]);
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[4].contains("\"body_len\":3"));
}

#[test]
fn requests_without_responses_are_read() {
    assert_eq!(ask(&GET.repeat(500)).len(), 500);
}

#[test]
fn chunks_may_have_extensions_and_trailers() {
    let next = "HTTP/1.1 204 No\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n";
    let conversation = |body: &str| {
        let response = format!("{chunked}{body}{next}");
        let lines = talk(&[(ToServer, GET), (ToServer, GET), (ToClient, &response)]).split_off(2);
        assert_eq!(lines.len(), 2, "{body}: {lines:?}");
        lines[0].clone()
    };
    assert!(
        conversation("5 ; a=\"b\"\r\nab\r\nc\r\n0;x\r\nSum: 1\r\nOther: 2\r\n more\r\n\r\n")
            .ends_with("\"body_len\":5}")
    );
    assert!(conversation("00A\n0123456789\n0\n\n").ends_with("\"body_len\":10}"));
    assert!(
        conversation("2,\r\nab\r\n0\r\n\r\n").ends_with("\"body_len\":2} malformed: junk after a chunk size")
    );
    assert!(conversation("2\r\nab\r\n0\r\n").ends_with("\"body_len\":2} malformed: chunks without an end"));
    assert!(conversation("2\r\nab\r\nxyz\r\n").ends_with("\"body_len\":2} malformed: bad chunk size"));
    assert!(conversation(&format!("2{}\r\nab\r\n", ";".repeat(5000))).ends_with("malformed: bad chunk size"));
    assert!(
        conversation(&format!("0\r\nX: {}\r\n\r\n", "y".repeat(5000)))
            .ends_with("malformed: trailer too long")
    );
}

#[test]
fn chunks_without_their_end_are_told() {
    let lines = answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nab");
    assert!(lines[0].ends_with("\"body_len\":10} malformed: body ended early"), "{lines:?}");
}

#[test]
fn odd_status_lines_are_read() {
    for (line, status, reason) in [
        ("HTTP/1.1 200", Some(200), ""),
        ("HTTP/2.0  404  Not here ", Some(404), "Not here"),
        ("HTTP/1.1\t 200 ok", Some(200), "ok"),
        ("HTTP/1.1 0200 ok", Some(20), "0 ok"),
        ("HTTP/1.1 20 ok", None, "20 ok"),
        ("HTTP/1.1", None, ""),
    ] {
        let lines = answer(&format!("{line}\r\nContent-Length: 1\r\n\r\nx"));
        let number = status.map(|status| format!("\"status\":{status},")).unwrap_or_default();
        assert!(lines[0].contains(&format!("{number}\"reason\":\"{reason}\"")), "{lines:?}");
    }
}

#[test]
fn a_connection_may_last_for_days() {
    let mut player = Player::new(&PROTOCOL);
    for _ in 0..3 {
        player
            .bytes(ToServer, GET.as_bytes())
            .bytes(ToClient, b"HTTP/1.1 204 No\r\n\r\n")
            .wait(86_400_000_000);
    }
    assert_eq!(player.lines().iter().filter(|line| line.contains("\"rtt\":0.001000")).count(), 3);
}

#[test]
fn a_hole_in_a_counted_body_harms_nothing() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, GET.as_bytes()).bytes(ToServer, GET.as_bytes());
    player.bytes(ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc").gap(ToClient, 97);
    player
        .bytes(ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nabc")
        .gap(ToClient, 97);
    player.bytes(ToClient, b"\r\n0\r\n\r\n");
    let lines = player.lines();
    assert!(lines[3].contains("\"body_len\":100,\"rtt\""), "{lines:?}");
    assert!(!lines[3].contains("malformed"));
}

#[test]
fn a_hole_in_a_body_until_close_is_counted() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, GET.as_bytes()).bytes(ToClient, b"HTTP/1.0 200 OK\r\n\r\nabc").gap(ToClient, 10);
    player.bytes(ToClient, b"xyz").end(ToClient);
    assert!(player.lines()[1].contains("\"body_len\":16"));
}

#[test]
fn a_hole_between_chunks_ends_the_message() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, GET.as_bytes());
    player
        .bytes(ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5")
        .gap(ToClient, 10);
    player.bytes(ToClient, b"the rest\r\n0\r\n\r\nHTTP/1.1 204 No\r\n\r\n");
    let lines = player.lines();
    assert!(lines[1].ends_with("malformed: body cut by a capture loss"), "{lines:?}");
    assert!(lines[2].contains("\"status\":204"));
}

#[test]
fn a_hole_where_a_body_is_doubted_keeps_its_length() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n").gap(ToClient, 18);
    player.bytes(ToClient, b"yzHTTP/1.1 204 No\r\n\r\n");
    assert!(player.lines()[1].contains("\"status\":204"));
}

#[test]
fn a_doubted_body_ends_the_same_however_it_is_cut() {
    // A body shorter than the word it looks like the beginning of.
    let conversation =
        [(ToClient, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 No\r\n\r\n".to_vec())];
    let whole: Vec<_> = play(&PROTOCOL, &conversation).into_iter().map(without_rtt).collect();
    for size in 1..60 {
        assert_eq!(play_cut(&PROTOCOL, &conversation, size), whole, "{size}");
    }
}

/// How messages of the sample begin, and how their event is told from the others.
const BEGINNINGS: &[(Direction, &str, &str)] = &[
    (ToServer, "HEAD /firmware", "/firmware"),
    (ToServer, "POST /setpoint", "/setpoint"),
    (ToServer, "GET /logo", "/logo"),
    (ToServer, "GET /old", "/old"),
    (ToServer, "PUT /config", "/config"),
    (ToServer, "GET /last", "/last"),
    (ToClient, "HTTP/1.1 200 OK\r\nContent-Length: 5", "524288"),
    (ToClient, "HTTP/1.1 100", "Continue"),
    (ToClient, "HTTP/1.1 200 OK\r\nTransfer", "chunked"),
    (ToClient, "HTTP/1.1 304", "Not Modified"),
    (ToClient, "HTTP/1.1 301", "Moved"),
    (ToClient, "HTTP/1.1 204", "No Content"),
];

#[test]
fn every_message_behind_a_hole_is_decoded() {
    let mut sample = sample::sample();
    // It has no end, so nothing can follow it.
    sample.pop();
    for from in [ToServer, ToClient] {
        let own: Vec<u8> =
            sample.iter().filter(|(side, _)| *side == from).flat_map(|(_, bytes)| bytes.clone()).collect();
        for (hole, missing) in (0..own.len()).flat_map(|hole| [1, 5, 60].map(|missing| (hole, missing))) {
            let mut player = Player::new(&PROTOCOL);
            let mut at = 0;
            for (side, bytes) in &sample {
                if *side != from {
                    player.bytes(*side, bytes);
                    continue;
                }
                let begin = hole.saturating_sub(at).min(bytes.len());
                let end = (hole + missing).saturating_sub(at).min(bytes.len());
                player.bytes(from, &bytes[..begin]);
                if begin < end {
                    player.gap(from, (end - begin) as u64);
                }
                player.bytes(from, &bytes[end..]);
                at += bytes.len();
            }
            player.bytes(ToServer, GET.as_bytes()).bytes(ToClient, b"HTTP/1.1 204 Last\r\n\r\n");
            let lines = player.lines();
            assert!(
                lines.iter().any(|line| line.contains("Last")) && lines.iter().any(|line| is_for(line, "/a"))
            );
            for (_, beginning, word) in BEGINNINGS.iter().filter(|(side, ..)| *side == from) {
                let place = memchr::memmem::find(&own, beginning.as_bytes()).expect("it is in the sample");
                assert!(
                    place < hole + missing || lines.iter().any(|line| line.contains(word)),
                    "{from:?}: {missing} bytes lost at {hole}, and so was {beginning}"
                );
            }
        }
    }
}

#[test]
fn a_capture_from_the_middle_finds_the_first_message() {
    let mut player = Player::new(&PROTOCOL).midstream();
    player.bytes(ToServer, b"&value=1 GET it HTTP/1.1x\r\nsee \"GET /log HTTP/1.1\" 200\r\nbody=");
    player.bytes(ToServer, GET.as_bytes());
    player.bytes(ToClient, b"HTTP/1.1 is a protocol HTTP/1.1 200").bytes(ToClient, b" OK\r\n\r\n");
    let lines = player.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(is_for(&lines[0], "/a"));
    player.end(ToClient);
    assert!(player.lines()[0].contains("\"status\":200"));
}

#[test]
fn a_search_gives_the_same_in_any_cut() {
    let before = "PROPPATCH x GET HTTP/1.1 junk POST /y HTTP/1.";
    for size in 1..30 {
        let mut player = Player::new(&PROTOCOL).midstream();
        for piece in format!("{before}{GET}BASELINE-CONTROL /b HTTP/1.0\r\n\r\n").as_bytes().chunks(size) {
            player.bytes(ToServer, piece);
        }
        assert_eq!(player.lines().len(), 2, "in pieces of {size}");
    }
}

#[test]
fn no_credential_is_in_any_event() {
    let secret = "b3BlcmF0b3I6aHVudGVyMg==";
    for value in [
        format!("Authorization: Basic {secret}"),
        format!("authorization:\r\n Bearer\r\n {secret}"),
        format!("AUTHORIZATION: {secret}"),
        format!("Authorization: {secret} more"),
        format!("Proxy-Authorization : Digest username=\"{secret}\""),
        format!("Cookie: sid={secret}"),
        format!("Referer: http://user:{secret}@plc/x"),
        format!("Referer: http://u\r\n {secret}@plc/x"),
        format!("Host: user:{secret}@plc"),
    ] {
        for more in ["", "Transfer-Encoding: chunked\r\n"] {
            let lines = ask(&format!("POST /x HTTP/1.1\r\n{value}\r\n{more}\r\n"));
            assert_eq!(lines.len(), 1);
            assert!(!lines[0].contains(secret), "{lines:?}");
        }
    }
    let lines =
        ask("GET /x HTTP/1.1\r\nReferer: http://user:pw@plc/x?to=a@b\r\nAuthorization: bEARER abc\r\n\r\n");
    assert!(lines[0].contains("\"referrer\":\"http://plc/x?to=a@b\",\"auth\":\"Bearer\""), "{lines:?}");
}

fn probed(bytes: &[u8], usual_port: bool, start: bool) -> Verdict {
    let transport = Transport::Tcp;
    probe::probe(&Probe { bytes, sport: 40_000, dport: 80, transport, usual_port, start })
}

#[test]
fn the_probe_believes_a_method_on_its_ports_and_a_whole_line_elsewhere() {
    let client = Verdict::Yes(Sender::Client);
    let server = Verdict::Yes(Sender::Server);
    for (bytes, usual, elsewhere) in [
        ("GET /", client, Verdict::More),
        ("GET / HTTP/1.1\r\n", client, client),
        ("\r\nGET / HTTP/1.1\n", client, client),
        ("GET / HTTP/1.1", client, Verdict::More),
        ("GET / HTTP/1.1\r", client, Verdict::More),
        ("GET /\r\n", client, Verdict::No),
        ("QUERY /", Verdict::More, Verdict::More),
        ("QUERY / HTTP/1.1\r\n", client, client),
        ("PRI * HTTP/2.0\r\n", Verdict::No, Verdict::No),
        ("SETUP rtsp://x RTSP/1.0\r\n", Verdict::No, Verdict::No),
        ("GE", Verdict::More, Verdict::More),
        ("", Verdict::More, Verdict::More),
        ("SSH-2.0-x", Verdict::No, Verdict::No),
        ("\u{16}\u{3}\u{1}", Verdict::No, Verdict::No),
        ("HT", Verdict::More, Verdict::More),
        ("HTTP/1.1 2", server, Verdict::More),
        ("HTTP/1.1 200", server, server),
        ("HTTP/1.1 ok", server, Verdict::No),
        ("HTTPS\r\n", Verdict::No, Verdict::No),
    ] {
        assert_eq!(probed(bytes.as_bytes(), true, true), usual, "{bytes} on a usual port");
        assert_eq!(probed(bytes.as_bytes(), false, true), elsewhere, "{bytes} elsewhere");
    }
    let datagram = Probe {
        bytes: b"M-SEARCH * HTTP/1.1\r\n",
        sport: 40_000,
        dport: 1900,
        transport: Transport::Udp,
        usual_port: true,
        start: true,
    };
    assert_eq!(probe::probe(&datagram), Verdict::Yes(Sender::Client));
}

#[test]
fn the_probe_looks_further_when_the_capture_began_in_the_middle() {
    assert_eq!(probed(b"rest of a body HTTP/1.1 200 OK\r\n", false, false), Verdict::Yes(Sender::Server));
    assert_eq!(probed(b"a=b GET /x HTTP/1.1\r\n", false, false), Verdict::Yes(Sender::Client));
    assert_eq!(probed(b"rest of a body", true, false), Verdict::More);
    assert_eq!(probed(b"rest of a body", false, false), Verdict::No);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        pieces in prop::collection::vec((any::<bool>(), 0..4_u8, prop::collection::vec(any::<u8>(), 0..60)), 0..30),
    ) {
        let mut player = Player::new(&PROTOCOL);
        for (client, what, bytes) in pieces {
            let from = if client { ToServer } else { ToClient };
            match what {
                0 => player.gap(from, bytes.len() as u64),
                _ => player.bytes(from, &bytes),
            };
        }
        player.end(ToServer).end(ToClient);
    }

    #[test]
    fn anything_like_a_conversation_is_survived(
        pieces in prop::collection::vec((any::<bool>(), 0..WORDS.len()), 0..60), size in 1_usize..50,
    ) {
        let conversation: Vec<_> = pieces
            .iter()
            .map(|(client, word)| (if *client { ToServer } else { ToClient }, WORDS[*word].as_bytes().to_vec()))
            .collect();
        let mut player = Player::new(&PROTOCOL);
        for (from, bytes) in &conversation {
            player.bytes(*from, bytes);
            if player.outcome != Outcome::Going {
                return Ok(());
            }
        }
        player.end(ToServer).end(ToClient);
        let whole: Vec<_> = player.lines().into_iter().map(without_rtt).collect();
        prop_assert_eq!(play_cut(&PROTOCOL, &conversation, size), whole);
    }
}

const WORDS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /x HTTP/1.0\n",
    "HEAD ",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 304 \r\n",
    "\r\n",
    "\n",
    "\r",
    "Content-Length: 5\r\n",
    "Content-Length: 99\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Host: h\r\n",
    " folded\r\n",
    "5\r\nabcde\r\n",
    "0\r\n\r\n",
    "0\r\nA: b\r\n",
    "ffffffffffff\r\n",
    "hello",
    "HTTP/1.",
    "\u{0}\u{1}",
    ": ",
    "/ HTTP/1.1\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\n\r\n",
];

#[test]
fn ssdp_is_read_from_datagrams() {
    let search = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nST: upnp:rootdevice\r\n\r\n";
    let probe = |bytes| {
        let transport = Transport::Udp;
        probe::probe(&Probe { bytes, sport: 40_000, dport: 1900, transport, usual_port: true, start: true })
    };
    assert_eq!(probe(search), Verdict::Yes(Sender::Client));
    assert_eq!(probe(b"HTTP/1.1 200 OK\r\n\r\n"), Verdict::Yes(Sender::Server));
    assert_eq!(probe(b"GET "), Verdict::No);
    let mut player = Player::new(&PROTOCOL);
    let lines = player.datagram(ToServer, search).lines();
    assert!(lines[0].contains("\"method\":\"M-SEARCH\"") && lines[0].contains("\"uri\":\"*\""), "{lines:?}");
    let announcement = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n";
    assert!(player.datagram(ToServer, announcement).lines().is_empty(), "nobody asked for it");
}
