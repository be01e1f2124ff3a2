//! Frames come back as they were, and any bytes are read or refused.

use proptest::prelude::*;

use super::*;

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
        Answer { done: true, seconds: vec![Second::default(); 60], ..Answer::default() }.into(),
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
