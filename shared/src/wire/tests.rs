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

mod rounds {
    use uuid::Uuid;

    use super::*;
    use crate::privacy::attempt::{Request, Reveal};
    use crate::privacy::keys::SEALED_BYTES;
    use crate::privacy::roster::{Advertise, Attempted};
    use crate::privacy::shamir::Share;

    fn attempted() -> Attempted {
        let federation = Uuid::from_u128(9);
        Attempted { federation, epoch: 3, round: 8, attempt: 2, model: [4; 32] }
    }

    fn keys(agent: u128) -> (Uuid, RoundKeys) {
        let agent = Uuid::from_u128(agent);
        let advertise = Advertise {
            attempted: attempted(),
            agent,
            seal_key: [1; 32],
            mask_key: [2; 32],
            blind_hash: [3; 32],
            signature: vec![4; 72],
        };
        let keys = RoundKeys::of(&advertise, vec![vec![agent.as_bytes()[15]; 700], vec![7; 600]], vec![]);
        assert_eq!(keys.advertise(agent), Some(advertise));
        (agent, keys)
    }

    fn comes_back(message: impl Into<Message>) -> Message {
        let message = message.into();
        let came = read(&message.frame().unwrap()).unwrap();
        assert_eq!(came, message);
        came
    }

    #[test]
    fn what_is_said_comes_back_as_it_was_meant() {
        let about = About::of(&attempted());
        assert_eq!(about.attempted(), Some(attempted()));
        let all: Vec<_> = (1..=128).map(keys).collect();
        let pairs: Vec<_> = all.iter().map(|(agent, keys)| (*agent, keys)).collect();
        let roster = RoundRoster::of(about.clone(), 86, &pairs, [vec![5; 48], vec![6; 48]]);
        let Message::RoundRoster(came) = comes_back(roster) else { panic!("a roster") };
        let members = came.members().unwrap();
        assert_eq!((members.len(), came.issuers.len()), (128, 1), "issuers are sent once");
        assert_eq!(Some(&members[5]), all[5].1.advertise(all[5].0).as_ref());
        assert_eq!(came.chain(&came.members[5]), Some(all[5].1.chain.clone()));
        let mut wrong = came.clone();
        wrong.members[5].issuers = vec![1];
        assert_eq!(wrong.chain(&wrong.members[5]), None);

        let agents: Vec<Uuid> = all.iter().map(|(agent, _)| *agent).collect();
        let shares = RoundShares::of(about.clone(), agents.iter().map(|agent| (*agent, [6; SEALED_BYTES])));
        let Message::RoundShares(came) = comes_back(shares) else { panic!("shares") };
        let made = came.made(agents[0]).unwrap();
        assert_eq!((made.len(), made[3].from, made[3].to), (128, agents[0], agents[3]));
        assert_eq!(came.came(agents[0]).unwrap()[3].from, agents[3]);

        let signatures = agents.iter().map(|agent| (*agent, vec![9; 72])).collect();
        let request = Request { live: agents.clone(), dead: vec![Uuid::nil()], signatures };
        let Message::RoundUnmask(came) = comes_back(RoundUnmask::of(about.clone(), &request)) else {
            panic!("a request")
        };
        assert_eq!(came.request(), Some(request));

        let share = Share::from_bytes(4, &[0; crate::privacy::shamir::SHARE_BYTES]).unwrap();
        let reveal =
            Reveal { from: agents[3], shares: agents.iter().map(|agent| (*agent, share.clone())).collect() };
        let Message::RoundReveal(came) = comes_back(RoundReveal::new(about, &reveal)) else {
            panic!("shares")
        };
        assert_eq!(came.reveal(agents[3]), Some(reveal));
        assert!(!format!("{came:?}").contains("0, 0"), "a share is shown");
    }

    #[test]
    fn a_full_cohort_fits_and_names_come_once_and_in_order() {
        let names: Vec<Uuid> = (0..MOST_PLANTS as u128).map(Uuid::from_u128).collect();
        let bytes = pack_pairs(names.iter().map(|name| (name, &[1; 32])));
        let (about, digest) = (About::of(&attempted()), vec![7; 32]);
        comes_back(RoundCohort { about: about.clone(), digest, plants: MOST_PLANTS as u32 });
        comes_back(RoundRoster::of(about, 3, &[], [bytes.clone(), Vec::new()]));
        assert_eq!(unpack_pairs(&bytes).map(|pairs| pairs.len()), Some(MOST_PLANTS));
        assert_eq!(unpack_pairs(&bytes[..47]), None);
        assert_eq!(unpack_pairs(&[&bytes[48..96], &bytes[..48]].concat()), None, "out of order");
        assert_eq!(unpack_pairs(&bytes[..48].repeat(2)), None, "twice");
        assert_eq!(unpack(&pack(&names[..3])), Some(names[..3].to_vec()));
        assert_eq!(unpack(&[0; 17]), None);
    }

    #[test]
    fn a_chunk_fits_and_no_more() {
        let chunk = |bytes| Message::from(Weights { before: u64::MAX, bytes: vec![0; bytes].into() });
        assert!(chunk(CHUNK).frame().is_ok() && chunk(CHUNK + 64).frame().is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_mean_something_or_nothing(kind in 40_u8..61, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let agent = Uuid::nil();
            match Message::read(kind, &bytes) {
                Ok(Message::RoundKeys(keys)) => drop(keys.advertise(agent)),
                Ok(Message::RoundRoster(roster)) => {
                    drop((roster.members(), unpack_pairs(&roster.nonces), unpack_pairs(&roster.silent)));
                    roster.members.iter().for_each(|member| drop(roster.chain(member)));
                }
                Ok(Message::RoundShares(shares)) => drop((shares.made(agent), shares.came(agent))),
                Ok(Message::RoundUnmask(request)) => drop(request.request()),
                Ok(Message::RoundReveal(reveal)) => drop(reveal.reveal(agent)),
                _ => {}
            }
        }
    }
}
