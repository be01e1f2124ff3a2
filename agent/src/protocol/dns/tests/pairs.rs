//! Queries with their responses.

use super::*;

#[test]
fn a_response_without_a_query_is_not_matched() {
    let line = udp(RESPONSE, &response(7));
    assert!(line.contains("\"matched\":false") && !line.contains("rtt"), "{line}");
}

#[test]
fn letters_of_the_other_case_are_the_same_question() {
    let mut player = Player::new(&UDP);
    let mut answer = response(7);
    answer[13..22].make_ascii_uppercase();
    player.datagram(QUERY, &query(7)).datagram(RESPONSE, &answer);
    let line = &player.lines()[1];
    assert!(line.contains("\"qname\":\"A.EXAMPLE\""), "{line}");
    assert!(line.contains("\"matched\":true"), "{line}");
}

#[test]
fn another_question_or_another_id_is_not_matched() {
    let mut player = Player::new(&UDP);
    let other = [header(7, 0x8180, [1, 0, 0, 0]), question(NAME_A, 28)].concat();
    player.datagram(QUERY, &query(7)).datagram(RESPONSE, &other).datagram(RESPONSE, &response(8));
    assert!(player.lines()[1..].iter().all(|line| line.contains("\"matched\":false")));
}

#[test]
fn a_response_that_does_not_repeat_the_question_goes_by_the_id() {
    let mut player = Player::new(&UDP);
    player.datagram(QUERY, &query(7)).datagram(RESPONSE, &header(7, 0x8001, [0; 4]));
    assert!(player.lines()[1].contains("\"matched\":true,\"rtt\":0.001000"));
}

#[test]
fn an_inverse_query_has_no_question_and_its_response_has() {
    let mut player = Player::new(&UDP);
    let asked = [header(7, 0x0980, [0, 1, 0, 0]), record(b"\0", 1, &[1, 2, 3, 4])].concat();
    let mut told = response(7);
    told[2] = 0x89;
    player.datagram(QUERY, &asked).datagram(RESPONSE, &told);
    assert!(player.lines()[1].contains("\"matched\":true,\"rtt\":0.001000"));
}

#[test]
fn a_repeated_query_is_a_retransmission_and_the_time_runs_from_the_first() {
    let mut player = Player::new(&UDP);
    player.datagram(QUERY, &query(7)).datagram(QUERY, &query(7));
    player.datagram(RESPONSE, &response(7)).datagram(RESPONSE, &response(7));
    let lines = player.lines();
    assert!(!lines[0].contains("retransmission"), "{}", lines[0]);
    assert!(lines[1].contains("\"retransmission\":true"), "{}", lines[1]);
    assert!(lines[2].contains("\"matched\":true,\"rtt\":0.002000"), "{}", lines[2]);
    assert!(lines[3].ends_with("\"retransmission\":true,\"matched\":true}"), "{}", lines[3]);
}

#[test]
fn an_id_used_again_begins_anew() {
    let mut player = Player::new(&UDP);
    for _ in 0..3 {
        player.datagram(QUERY, &query(0)).datagram(RESPONSE, &response(0));
    }
    // Also for another question while the first is open.
    let other = [header(0, 0x0100, [1, 0, 0, 0]), question(NAME_A, 28)].concat();
    player.datagram(QUERY, &query(0)).datagram(QUERY, &other).datagram(RESPONSE, &response(0));
    let lines = player.lines();
    assert!(lines.iter().all(|line| !line.contains("retransmission")), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("\"matched\":true,\"rtt\"")).count(), 4);
    assert!(lines[8].contains("\"rtt\":0.002000"), "{}", lines[8]);
}

#[test]
fn queries_wait_ten_seconds_and_no_longer() {
    for (micros, matched) in [(9_999_000, "\"matched\":true"), (9_999_001, "\"matched\":false")] {
        let mut player = Player::new(&UDP);
        player.datagram(QUERY, &query(7)).wait(micros).datagram(RESPONSE, &response(7));
        let lines = player.lines();
        assert!(lines[1].contains(matched), "{}", lines[1]);
    }
}

#[test]
fn both_ends_may_ask() {
    let mut player = Player::new(&UDP);
    player.datagram(QUERY, &query(7)).datagram(RESPONSE, &query(7));
    player.datagram(QUERY, &response(7)).datagram(RESPONSE, &response(7));
    let lines = player.lines();
    assert!(lines.iter().all(|line| !line.contains("retransmission")), "{lines:?}");
    assert!(lines[2].contains("\"matched\":true") && lines[3].contains("\"matched\":true"), "{lines:?}");
}

#[test]
fn a_used_decoder_is_as_new_after_a_reset() {
    let mut decoder = Dns::default();
    for id in 0..70 {
        decoder.pending.ask(QUERY, id, Some(1), fieldward_shared::time::Timestamp::from_micros(1));
    }
    decoder.reset();
    let late = fieldward_shared::time::Timestamp::from_micros(2);
    assert_eq!(decoder.pending.answer(RESPONSE, 3, Some(1), late), Answer::Unasked);
}
