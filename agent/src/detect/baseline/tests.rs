//! What holds for every aspect and every book.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::flow::Addr;

static TOLD: Aspect =
    Aspect { name: "modbus value", sentence: "wrote", margin: 0.5, both_sides: true, ..Aspect::USUAL };

static COUNTED: Aspect =
    Aspect { name: "arp rate", sentence: "looks for", unknown: Unknown::Most, slack: 6.0, ..Aspect::USUAL };

fn at(second: u64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn addr(last: u8) -> Addr {
    Addr::v4([10, 0, 0, last])
}

fn fact<'a>(actor: u8, what: &'a str, value: Option<f64>) -> Fact<'a> {
    let key = crate::window::hash(what.as_bytes()) ^ u64::from(actor) << 32;
    Fact {
        aspect: &TOLD,
        actor: addr(actor),
        target: None,
        key,
        sort: "",
        what: &*Box::leak(Box::new(what.to_owned())),
        value,
    }
}

#[test]
fn every_aspect_has_a_name_of_its_own_and_sane_numbers() {
    let mut names = BTreeSet::new();
    for aspect in ASPECTS {
        assert!(names.insert(aspect.name), "{} stands there twice", aspect.name);
        assert!(!aspect.name.contains('|') && aspect.name.trim() == aspect.name, "{}", aspect.name);
        assert!(!aspect.sentence.is_empty() && !aspect.protocol.is_empty(), "{}", aspect.name);
        for share in [aspect.confidence, aspect.consequence] {
            assert!(share > 0.0 && share <= 1.0, "{}", aspect.name);
        }
        for factor in [aspect.others, aspect.kin, aspect.elsewhere, aspect.far, aspect.there] {
            assert!((0.3..=1.5).contains(&factor), "{}", aspect.name);
        }
        assert!(aspect.margin >= 0.0 && aspect.few >= 0.0 && aspect.slack >= 0.0, "{}", aspect.name);
    }
}

#[test]
fn what_was_learnt_is_no_finding_and_what_was_not_is_one() {
    let mut learner = Baseline::new(Book::default(), Mode::Learn);
    let mut found = Vec::new();
    for value in [10.0, 20.0] {
        assert!(learner.judge.take(at(1), &fact(1, "register 4 @ a", Some(value)), &mut found));
    }
    let mut watcher = Baseline::new(learner.into_book(), Mode::Watch);
    assert!(watcher.judge.take(at(2), &fact(1, "register 4 @ a", Some(24.0)), &mut found));
    assert!(found.is_empty());
    assert!(!watcher.judge.take(at(3), &fact(1, "register 4 @ a", Some(60.0)), &mut found));
    assert!(!watcher.judge.take(at(3), &fact(2, "register 4 @ a", Some(15.0)), &mut found));
    let said: Vec<_> = found.iter().map(|finding| finding.evidence.as_str()).collect();
    assert!(said[0].contains("wrote register 4 of a: 60; learnt: 10 to 20"), "{said:?}");
    assert!(said[1].contains("until now only 10.0.0.1"), "{said:?}");
}

#[test]
fn what_goes_on_is_said_once_and_again_after_a_pause() {
    let mut watcher = Baseline::new(Book::default(), Mode::Watch);
    let mut found = Vec::new();
    for second in [0, 1, 60, 61, 500] {
        watcher.judge.take(at(second), &fact(1, "register 4 @ a", None), &mut found);
    }
    let times: Vec<_> = found.iter().map(|finding| finding.at.as_secs()).collect();
    assert_eq!(times, [0, 500]);
}

#[test]
fn of_many_alike_only_some_are_said_and_the_rest_counted() {
    let mut watcher = Baseline::new(Book::default(), Mode::Watch);
    let mut found = Vec::new();
    for nth in 0..100 {
        watcher.judge.take(at(1), &fact(1, &format!("register {nth} @ a"), None), &mut found);
    }
    assert_eq!(found.len(), 12);
    watcher.judge.take(at(100), &fact(1, "register 101 @ a", None), &mut found);
    assert!(found[12].evidence.contains("88 more like this"), "{}", found[12].evidence);
}

#[test]
fn a_damaged_line_is_told_with_its_number() {
    for (damaged, why) in [
        ("card | 10.0.0.1", "fewer than four parts"),
        ("cart | 10.0.0.1 | x | | seen 1 times", "no aspect is called"),
        ("card | 10.0.0.1 | x | 3..1 | seen 1 times", "no range"),
        ("card | 10.0.0.1 | x | | seen often", "no count"),
        ("card | 10.0.0.1 | x | | seen 1 times | ", "more than five parts"),
        ("asset | 10.0.0.1 | | | seen 1 times", "twice"),
    ] {
        let text = format!("# head\n\nasset | 10.0.0.1 | | | seen 1 times\n{damaged}\n");
        let error = Book::read(&text).unwrap_err().to_string();
        assert!(error.starts_with("line 4: ") && error.contains(why), "{error}");
    }
}

#[test]
fn what_was_not_seen_in_seconds_says_less_than_what_was_not_seen_in_days() {
    let confidence = |seconds: u64| {
        let mut book = Book::default();
        (0..=seconds / 30).for_each(|step| book.learn(at(1 + 30 * step), &fact(1, "register 4 @ a", None)));
        let read = Book::read(&book.write()).unwrap();
        assert_eq!(read.seconds(), Some(seconds));
        let mut found = Vec::new();
        Baseline::new(read, Mode::Watch).judge.take(at(2), &fact(1, "coil 9 @ b", None), &mut found);
        found[0].confidence
    };
    let (short, long) = (confidence(30), confidence(86_400));
    assert!(short < long * 0.4, "{short} {long}");
}

#[test]
fn what_nobody_did_in_learning_is_measured_by_nothing() {
    let mut book = Book::default();
    let counted = |value| Fact { aspect: &COUNTED, ..fact(2, "", Some(value)) };
    assert_eq!(judge::broken(&mut book, &counted(100.0)), None);
    book.learn(at(1), &fact(1, "register 4 @ a", None));
    assert_eq!(judge::broken(&mut book, &counted(5.0)), None);
    assert!(matches!(judge::broken(&mut book, &counted(100.0)), Some(Broken::Beyond(times)) if times > 4.0));
}

proptest! {
    #[test]
    fn a_book_that_is_written_and_read_is_the_same(
        facts in prop::collection::vec((1_u8..5, "[a-z]{1,6} @ [a-z]{1,3}", prop::option::of(-1e9..1e9_f64)), 0..40)
    ) {
        let mut book = Book::default();
        for (actor, what, value) in &facts {
            book.learn(at(1), &fact(*actor, what, *value));
        }
        let text = book.write();
        let read = Book::read(&text).unwrap();
        prop_assert_eq!(read.write(), text);
        prop_assert_eq!(read.len(), book.len());
    }
}
