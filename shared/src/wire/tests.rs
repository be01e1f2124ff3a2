//! Frames come back as they were, and any bytes are read or refused.

use proptest::prelude::*;

use super::*;
use crate::pattern::Pattern;
use crate::telemetry::{ENDPOINTS, EndpointCounts, RequestMinute};
use crate::time::Timestamp;

fn reports(records: usize, bytes: usize) -> Message {
    let record = |seq| Record { seq, flags: 0, payload: vec![7; bytes] };
    let records = (1..=records as u64).map(record).collect();
    Reports { batch: 3, incarnation: vec![1; 16], lane: 2, records }.into()
}

fn read(frame: &[u8]) -> Result<Message, WireError> {
    let (kind, length) = head(frame[..HEAD].try_into().unwrap())?;
    let message = &frame[HEAD..];
    assert_eq!(length, message.len());
    Message::read(kind, message)
}

#[test]
fn a_frame_comes_back() {
    for message in [
        Hello { versions: vec![1], incarnation: vec![9; 16], ..Hello::default() }.into(),
        Ack { batch: 1, lane: 3, committed: 1 << 40, credit: 8 }.into(),
        reports(500, 400),
        verdicts(VERDICTS).into(),
        Answer { done: true, seconds: vec![Second::default(); 60], ..Answer::default() }.into(),
        Requests::of(&full(u64::MAX)).into(),
        Refused { code: "used".to_owned(), message: "the token was used".to_owned() }.into(),
    ] {
        assert_eq!(read(&message.frame().unwrap()).unwrap(), message);
    }
}

#[test]
fn what_is_too_long_is_refused_before_it_is_read_and_never_written() {
    assert_eq!(head([0, 0, 0, 0, 1]), Err(WireError::Empty));
    assert_eq!(head([0, 0, 0, 1, 99]), Err(WireError::Unknown(99)));
    assert!(matches!(head([0xff, 0xff, 0xff, 0xff, 16]), Err(WireError::TooLong { kind: 16, .. })));
    assert!(matches!(head([0, 0, 2, 0, 3]), Err(WireError::TooLong { kind: 3, length: 511, limit: 256 })));
    assert!(matches!(reports(9, 64 << 10).frame(), Err(WireError::TooLong { kind: 16, .. })));
}

/// As many as a message may have, each as long as it can be.
fn verdicts(count: usize) -> Verdicts {
    let verdict = Verdict { alert: "f".repeat(36), said: Said::Other as i32, technique: "T0836".to_owned() };
    Verdicts { until: u64::MAX, verdicts: vec![verdict; count] }
}

/// A minute with as much in it as there may be.
fn full(most: u64) -> RequestMinute {
    let counts = |nth: usize| EndpointCounts {
        server: "2001:db8::1".parse().unwrap(),
        method: "PROPPATCH",
        path: Pattern::of(format!("/{}", "abcdefghijklmnopqrst/".repeat(nth % 8)).as_bytes()),
        status: (nth % 7) as u8,
        requests: most,
        errors: most,
        bytes: most,
        answered: most,
        micros: most,
        most_micros: most,
    };
    let endpoints = (0..=ENDPOINTS).map(counts).collect();
    RequestMinute {
        timestamp: Timestamp::from_micros(60_000_000),
        facility_id: "north".to_owned(),
        endpoints,
    }
}

#[test]
fn a_full_minute_of_requests_fits_and_what_no_agent_says_is_refused() {
    let full = full(1 << 38);
    let Ok(Message::Requests(came)) = read(&Message::from(Requests::of(&full)).frame().unwrap()) else {
        panic!("requests");
    };
    assert_eq!(came.data("north"), Ok(full));
    let with = |change: fn(&mut RequestRow)| {
        let mut wrong = came.clone();
        change(&mut wrong.rows[3]);
        wrong.data("north")
    };
    for wrong in [
        with(|row| row.path = "/tank/17".to_owned()),
        with(|row| row.path = "/users/jane".to_owned()),
        with(|row| row.method = "get".to_owned()),
        with(|row| row.status = 7),
        with(|row| row.server = vec![1; 5]),
        Requests { rows: [came.rows.clone(), came.rows.clone()].concat(), ..came.clone() }.data("north"),
        Requests { time: 61_000_000, ..came.clone() }.data("north"),
    ] {
        assert!(wrong.is_err(), "{wrong:?}");
    }
}

#[test]
fn a_token_is_not_shown() {
    let request = EnrollRequest { token: "secret".to_owned(), csr: vec![0; 3], facility: String::new() };
    assert_eq!(format!("{request:?}"), "EnrollRequest { token: …, csr: 3 bytes }");
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let mut frame = Message::from(Credit { credit: 4 }).frame().unwrap().to_vec();
    // Field 200, a number.
    frame.extend_from_slice(&[0xc0, 0x0c, 5]);
    frame[3] += 3;
    assert_eq!(read(&frame), Ok(Credit { credit: 4 }.into()));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(kind: u8, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(message) = Message::read(kind, &bytes) {
            let frame = message.frame().unwrap();
            prop_assert_eq!(read(&frame).map(|message| message.frame()), Ok(Ok(frame.clone())));
        }
    }
}
