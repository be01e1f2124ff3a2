//! Requests become counts, and nothing of a value stays.

use super::*;
use crate::flow::{Direction, Endpoint, FlowInfo};
use crate::protocol::Fields;

/// A connection with a web server.
fn flow(id: u64) -> FlowInfo {
    let end = |last, port| Endpoint { addr: Addr::v4([10, 0, 0, last]), port };
    FlowInfo { id, client: end(9, 4000), server: end(1, 80), transport: Transport::Tcp }
}

fn tell(requests: &mut Requests, at: u64, flow: &FlowInfo, direction: Direction, fields: &Fields<'_>) {
    let (ts, proto) = (Timestamp::from_micros(at), "http");
    requests.pass(ts.as_secs());
    requests.event(&ProtocolEvent { ts, proto, flow, direction, fields: fields.as_slice(), malformed: None });
}

fn ask(requests: &mut Requests, at: u64, flow: &FlowInfo, method: &str, uri: &str) {
    let mut fields = Fields::new();
    fields.str("kind", "request");
    fields.text("method", method.as_bytes());
    fields.text("uri", uri.as_bytes());
    fields.number("body_len", 5_u64);
    tell(requests, at, flow, Direction::ToServer, &fields);
}

fn answer(requests: &mut Requests, at: u64, flow: &FlowInfo, status: u64, took: u64) {
    let mut fields = Fields::new();
    fields.str("kind", "response");
    fields.number("status", status);
    fields.number("body_len", 100_u64);
    fields.push("rtt", Value::Span(took));
    tell(requests, at, flow, Direction::ToClient, &fields);
}

fn end(requests: &mut Requests, at: u64, flow: &FlowInfo) {
    let (ts, direction) = (Timestamp::from_micros(at), Direction::ToServer);
    requests.pass(ts.as_secs());
    requests.event(&ProtocolEvent { ts, proto: "conn", flow, direction, fields: &[], malformed: None });
}

#[test]
fn requests_count_with_their_answers_in_the_minute_of_these() {
    let (mut requests, flow) = (Requests::default(), flow(1));
    for (nth, status) in [200, 204, 404].into_iter().enumerate() {
        let at = 120_000_000 + nth as u64 * 1_000_000;
        ask(&mut requests, at, &flow, "GET", &format!("/tanks/{nth}?user=jane"));
        answer(&mut requests, at + 1000 * (nth as u64 + 1), &flow, status, 1000 * (nth as u64 + 1));
    }
    ask(&mut requests, 179_000_000, &flow, "BREW", "/tanks/17/level");
    assert_eq!(requests.take("north"), None);
    end(&mut requests, 180_000_000, &flow);
    let minute = requests.take("north").expect("a minute");
    assert_eq!((minute.timestamp.as_secs(), minute.facility_id.as_str()), (120, "north"));
    let told: Vec<_> = minute
        .endpoints
        .iter()
        .map(|one| (one.method, one.path.as_str(), one.status, one.requests, one.errors, one.bytes))
        .collect();
    assert_eq!(told, [("GET", "/tanks/{}", 2, 2, 0, 210), ("GET", "/tanks/{}", 4, 1, 1, 105)]);
    let first = &minute.endpoints[0];
    assert_eq!((first.answered, first.micros, first.most_micros), (2, 3000, 2000));
    assert_eq!(first.server.to_string(), "10.0.0.1");
    requests.finish();
    let minute = requests.take("north").expect("the last minute");
    let told: Vec<_> = minute
        .endpoints
        .iter()
        .map(|one| (one.method, one.path.as_str(), one.status, one.answered))
        .collect();
    assert_eq!(told, [("OTHER", "/tanks/{}/level", UNANSWERED, 0)]);
    assert_eq!(requests.take("north"), None, "a minute is told once");
}

#[test]
fn a_minute_without_requests_is_told_too() {
    let mut requests = Requests::default();
    requests.pass(60);
    requests.pass(120);
    assert_eq!(requests.take("north").expect("a minute").endpoints, []);
}

#[test]
fn what_does_not_fit_is_one_endpoint_of_all_others() {
    let (mut requests, flow) = (Requests::default(), flow(1));
    let letter = |nth: usize| char::from(b'a' + (nth % 26) as u8);
    for nth in 0..1000_usize {
        let at = 60_000_000 + nth as u64 * 1000;
        ask(&mut requests, at, &flow, "GET", &format!("/{}/{}x", letter(nth / 26), letter(nth)));
        // Each endpoint is asked as often as its last letter comes round.
        answer(&mut requests, at + 10, &flow, 200, 10);
    }
    requests.finish();
    let minute = requests.take("north").expect("a minute");
    assert_eq!(minute.endpoints.len(), ENDPOINTS + 1);
    assert_eq!(minute.endpoints.iter().map(|one| one.requests).sum::<u64>(), 1000, "none is missing");
    let others: Vec<_> = minute.endpoints.iter().filter(|one| one.path == Pattern::OTHER).collect();
    assert_eq!((others.len(), others[0].server.to_string()), (1, "::".to_owned()));
    // The first of them came twice.
    assert_eq!(others[0].requests, 1000 - 2 * ENDPOINTS as u64);
}

#[test]
fn an_answer_that_was_lost_is_not_that_of_the_next() {
    let (mut requests, flow) = (Requests::default(), flow(1));
    ask(&mut requests, 60_000_000, &flow, "GET", "/lost");
    ask(&mut requests, 61_000_000, &flow, "GET", "/found");
    answer(&mut requests, 61_000_500, &flow, 200, 500);
    // Two at once are answered in their order.
    ask(&mut requests, 62_000_000, &flow, "GET", "/one");
    ask(&mut requests, 62_000_000, &flow, "GET", "/two");
    answer(&mut requests, 62_000_100, &flow, 200, 100);
    answer(&mut requests, 62_000_200, &flow, 500, 200);
    requests.finish();
    let told: Vec<_> = requests.take("north").expect("a minute").endpoints;
    let told: Vec<_> = told.iter().map(|one| (one.path.as_str(), one.status)).collect();
    assert_eq!(told, [("/found", 2), ("/lost", UNANSWERED), ("/one", 2), ("/two", 5)]);
}

#[test]
fn whoever_finds_no_place_counts_all_the_same() {
    let mut requests = Requests::default();
    for nth in 0..10_000_u64 {
        ask(&mut requests, 60_000_000 + nth, &flow(nth / 100), "GET", "/status");
    }
    for nth in 0..100_u64 {
        for one in 0..100 {
            answer(&mut requests, 61_000_000, &flow(nth), 200, 1_000_000 - nth * 100 - one);
        }
        end(&mut requests, 61_000_001, &flow(nth));
    }
    requests.finish();
    let told = requests.take("north").expect("a minute").endpoints;
    assert_eq!(told.iter().map(|one| one.requests).sum::<u64>(), 10_000);
    assert_eq!(told.iter().find(|one| one.status == 2).expect("answered").requests, 2048);
    assert_eq!(told.iter().find(|one| one.status == OTHERWISE).expect("no place").requests, 10_000 - 2048);
}
