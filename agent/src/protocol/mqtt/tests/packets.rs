//! Packets whole and in order: the sample, the traps of each kind, the versions.

use super::*;
use crate::protocol::harness::play;

#[test]
fn the_sample_says_what_every_packet_of_version_5_says() {
    let lines = play(&PROTOCOL, &sample::conversation());
    let expected = [
        r#"mqtt client {"version":5,"type":"connect","flags":0,"client_id":"pump1","keep_alive":60,"clean_start":true,"username":true,"password":true,"will":true,"will_topic":"plant/alarm","will_qos":1,"will_retain":false,"will_payload_len":4,"session_expiry":60,"will_delay":5}"#,
        r#"mqtt server {"version":5,"type":"auth","flags":0,"client_id":"pump1","reason":24,"auth_method":"SCRA"}"#,
        r#"mqtt client {"version":5,"type":"auth","flags":0,"client_id":"pump1","reason":24,"auth_method":"SCRA"}"#,
        r#"mqtt server {"version":5,"type":"connack","flags":0,"client_id":"pump1","session_present":false,"reason":0,"receive_maximum":20,"topic_alias_maximum":10}"#,
        r#"mqtt client {"version":5,"type":"subscribe","flags":2,"client_id":"pump1","topic":"plant/+/t1","topics":[{"topic":"plant/+/t1","qos":1,"no_local":false,"retain_as_published":false,"retain_handling":0},{"topic":"alarm/#","qos":2,"no_local":false,"retain_as_published":true,"retain_handling":2}],"packet_id":10,"subscription_id":7}"#,
        r#"mqtt server {"version":5,"type":"suback","flags":0,"client_id":"pump1","packet_id":10,"reason":1,"reasons":[1,128]}"#,
        r#"mqtt client {"version":5,"type":"publish","flags":0,"client_id":"pump1","topic":"plant/a/t1","topic_alias":1,"qos":0,"retain":false,"dup":false,"payload_len":4}"#,
        r#"mqtt client {"version":5,"type":"publish","flags":0,"client_id":"pump1","topic":"plant/a/t1","topic_alias":1,"qos":0,"retain":false,"dup":false,"payload_len":4}"#,
        r#"mqtt client {"version":5,"type":"publish","flags":2,"client_id":"pump1","topic":"alarm/x","qos":1,"retain":false,"dup":false,"packet_id":11,"payload_len":11}"#,
        r#"mqtt client {"version":5,"type":"publish","flags":10,"client_id":"pump1","topic":"alarm/x","qos":1,"retain":false,"dup":true,"packet_id":11,"payload_len":11}"#,
        r#"mqtt server {"version":5,"type":"puback","flags":0,"client_id":"pump1","packet_id":11,"reason":16}"#,
        r#"mqtt server {"version":5,"type":"publish","flags":4,"client_id":"pump1","topic":"plant/b/t1","qos":2,"retain":false,"dup":false,"packet_id":11,"payload_len":4,"payload_format":1,"user_properties":1}"#,
        r#"mqtt client {"version":5,"type":"pubrec","flags":0,"client_id":"pump1","packet_id":11}"#,
        r#"mqtt server {"version":5,"type":"pubrel","flags":2,"client_id":"pump1","packet_id":11}"#,
        r#"mqtt client {"version":5,"type":"pubcomp","flags":0,"client_id":"pump1","packet_id":11,"reason":0}"#,
        r#"mqtt client {"version":5,"type":"publish","flags":1,"client_id":"pump1","topic":"plant/a/t1","qos":0,"retain":true,"dup":false,"payload_len":0}"#,
        r#"mqtt client {"version":5,"type":"unsubscribe","flags":2,"client_id":"pump1","topic":"alarm/#","topics":[{"topic":"alarm/#"}],"packet_id":12}"#,
        r#"mqtt server {"version":5,"type":"unsuback","flags":0,"client_id":"pump1","packet_id":12,"reason":0}"#,
        r#"mqtt client {"version":5,"type":"pingreq","flags":0,"client_id":"pump1"}"#,
        r#"mqtt server {"version":5,"type":"pingresp","flags":0,"client_id":"pump1"}"#,
        r#"mqtt server {"version":5,"type":"disconnect","flags":0,"client_id":"pump1","reason":142}"#,
    ];
    for (line, expected) in lines.iter().zip(expected) {
        assert_eq!(line, expected);
    }
    assert_eq!(lines.len(), expected.len());
}

#[test]
fn nothing_of_a_password_is_ever_shown() {
    let lines = play(&PROTOCOL, &sample::conversation()).concat();
    assert!(!lines.contains("secret") && !lines.contains("operator") && !lines.contains("6162"));
}

#[test]
fn the_older_versions_read_without_properties() {
    for version in [3, 4] {
        let lines = client_says(version, &packet(0x32, b"\x00\x03a/b\x00\x07\x00rest"));
        assert_eq!(
            lines,
            [format!(
                r#"mqtt client {{"version":{version},"type":"publish","flags":2,"client_id":"c","topic":"a/b","qos":1,"retain":false,"dup":false,"packet_id":7,"payload_len":5}}"#
            )]
        );
        assert_fine(&client_says(version, &packet(0x82, b"\x00\x01\x00\x03a/b\x00\x00\x01c\x02")));
        assert_fine(&client_says(version, &packet(0xa2, b"\x00\x01\x00\x03a/b")));
        assert_fine(&client_says(version, &packet(0xe0, b"")));
        assert_fine(&server_says(version, &packet(0x20, b"\x00\x05")));
        assert_fine(&server_says(version, &packet(0xb0, b"\x00\x01")));
        for ack in [0x40, 0x50, 0x62, 0x70] {
            assert_fine(&server_says(version, &packet(ack, b"\x12\x34")));
        }
    }
}

#[test]
fn several_codes_of_a_suback_are_all_shown() {
    let lines = server_says(4, &packet(0x90, b"\x00\x01\x02\x80\x00"));
    assert!(lines[0].ends_with(r#""packet_id":1,"reason":2,"reasons":[2,128,0]}"#), "{lines:?}");
}

#[test]
fn version_3_1_may_mark_a_repeated_subscribe_and_later_ones_may_not() {
    let again = packet(0x8a, b"\x00\x01\x00\x03a/b\x00");
    assert_fine(&client_says(3, &again));
    assert_fault(&client_says(4, &again), "reserved flag bits are wrong");
}

#[test]
fn an_empty_client_id_is_shown_and_the_one_assigned_takes_its_place() {
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, &packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00"));
    player.bytes(ToClient, &packet(0x20, b"\x00\x00\x07\x12\x00\x04auto"));
    player.bytes(ToServer, &packet(0xc0, b""));
    let lines = player.lines();
    assert!(lines[0].contains(r#""client_id":"","keep_alive""#), "{lines:#?}");
    assert!(lines[1].contains(r#""assigned_client_id":"auto""#), "{lines:#?}");
    assert!(lines[2].contains(r#""client_id":"auto""#), "{lines:#?}");
    assert_fine(&lines);
}

#[test]
fn a_long_client_id_is_kept_in_part_and_not_cut_inside_a_character() {
    let id = "ü".repeat(100);
    let mut body = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\xc8".to_vec();
    body.extend_from_slice(id.as_bytes());
    let mut player = Player::new(&PROTOCOL);
    player.bytes(ToServer, &packet(0x10, &body)).bytes(ToServer, &[0xc0, 0]);
    let lines = player.lines();
    assert!(lines[0].contains(&id));
    assert!(lines[1].contains(&format!("\"client_id\":\"{}\"", "ü".repeat(64))), "{}", lines[1]);
}

#[test]
fn a_bridge_sets_the_top_bit_of_its_level() {
    let lines = Player::new(&PROTOCOL)
        .bytes(ToServer, &packet(0x10, b"\x00\x04MQTT\x84\x02\x00\x3c\x00\x01b"))
        .bytes(ToServer, &packet(0x30, b"\x00\x01tx"))
        .lines();
    assert!(lines[0].contains(r#""version":4"#) && lines[0].contains(r#""bridge":true"#), "{lines:?}");
    assert!(lines[1].contains(r#""version":4"#), "{lines:?}");
    assert_fine(&lines);
}

#[test]
fn a_wrong_connect_says_what_is_wrong() {
    let said = |body: &[u8]| Player::new(&PROTOCOL).bytes(ToServer, &packet(0x10, body)).lines();
    assert_fault(&said(b"\x00\x04MQTT\x04\x1e\x00\x3c\x00\x01c\x00\x01t\x00\x00"), "will QoS 3");
    assert_fault(&said(b"\x00\x04MQTT\x04\x03\x00\x3c\x00\x01c"), "reserved connect flag is set");
    assert_fault(&said(b"\x00\x04MQTT\x04\x22\x00\x3c\x00\x01c"), "will flags without a will");
    assert_fault(&said(b"\x00\x04MQTT\x04\x42\x00\x3c\x00\x01c\x00\x01p"), "password without a user name");
    assert_fine(&said(b"\x00\x04MQTT\x05\x42\x00\x3c\x00\x00\x01c\x00\x01p"));
    assert_fault(&said(b"\x00\x04MQTT\x03\x02\x00\x3c\x00\x01c"), "protocol name and level do not fit");
    assert_fault(&said(b"\x00\x04MQTT\x09\x02\x00\x3c\x00\x00\x01c"), "unknown protocol level");
    assert_fault(&said(b"\x00\x04NOPE\x04\x02\x00\x3c\x00\x01c"), "unknown protocol name");
    assert_fault(&said(b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x02\xff\xfe"), "text is no UTF-8");
    assert_fault(
        &said(b"\x00\x04MQTT\x04\x06\x00\x3c\x00\x01c\x00\x01#\x00\x00"),
        "wildcard in a topic name",
    );
    assert_fault(&said(b"\x00\x04MQTT\x04\x82\x00\x3c\x00\x01c"), CUT);
    assert_fault(&said(b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x01cX"), BEYOND);
}

#[test]
fn a_length_of_properties_beyond_the_packet_keeps_what_came_before() {
    let body = b"\x00\x04MQTT\x05\x02\x00\x3c\xff\x7f\x00\x01c";
    let lines = Player::new(&PROTOCOL).bytes(ToServer, &packet(0x10, body)).lines();
    assert_fault(&lines, CUT);
    assert!(lines[0].contains(r#""version":5"#) && lines[0].contains(r#""keep_alive":60"#), "{lines:?}");
}

#[test]
fn a_second_connect_is_named_and_changes_nothing() {
    let mut player = connected(4);
    let other = packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01x");
    let lines = player.bytes(ToServer, &other).bytes(ToServer, &[0xc0, 0]).lines();
    assert_fault(&lines[..1], "second CONNECT");
    assert!(lines[0].contains(r#""client_id":"x""#), "{lines:?}");
    assert!(lines[1].contains(r#""version":4"#) && lines[1].contains(r#""client_id":"c""#), "{lines:?}");
}

#[test]
fn a_wrong_publish_says_what_is_wrong() {
    assert_fault(&client_says(4, &packet(0x36, b"\x00\x01t\x00\x01x")), "QoS 3");
    assert_fault(&client_says(4, &packet(0x38, b"\x00\x01tx")), "DUP with QoS 0");
    assert_fault(&client_says(4, &packet(0x32, b"\x00\x01t\x00\x00x")), "packet id 0");
    assert_fault(&client_says(4, &packet(0x30, b"\x00\x00x")), "empty topic");
    assert_fault(&client_says(5, &packet(0x30, b"\x00\x00\x00x")), "empty topic");
    assert_fault(&client_says(4, &packet(0x30, b"\x00\x02a#x")), "wildcard in a topic name");
    assert_fault(&client_says(4, &packet(0x30, b"\x00\x02a+x")), "wildcard in a topic name");
    assert_fault(&client_says(4, &packet(0x30, b"\x00\x02a\xffx")), "text is no UTF-8");
    assert_fault(&client_says(4, &packet(0x30, b"\x00\x02a\x00x")), "null character in text");
    assert_fault(&client_says(4, &packet(0x30, b"\x00\x09a")), CUT);
    assert_fault(&client_says(4, &packet(0x32, b"\x00\x01t\x00")), CUT);
    assert_fault(&client_says(4, &packet(0x30, b"")), CUT);
}

#[test]
fn wrong_packets_of_other_kinds_say_what_is_wrong() {
    let flags = "reserved flag bits are wrong";
    for first in [0x21, 0x41, 0x58, 0x60, 0x72, 0x80, 0x94, 0xa0, 0xb1, 0xc1, 0xd2, 0xe8, 0xf1] {
        let lines = connected(5).bytes(ToServer, &[first, 0]).lines();
        assert!(lines[0].contains("malformed"), "{first:#x}: {lines:?}");
    }
    assert_fault(&client_says(4, &packet(0xc1, b"")), flags);
    assert_fault(&client_says(4, &packet(0x60, b"\x00\x01")), flags);
    assert_fault(&client_says(4, &packet(0x00, b"\x00\x01")), "unassigned packet type");
    assert_fault(&client_says(4, &packet(0xf0, b"")), "AUTH before MQTT 5");
    assert_fault(&client_says(4, &packet(0xc0, b"x")), BEYOND);
    assert_fault(&client_says(4, &packet(0xe0, b"x")), BEYOND);
    assert_fault(&client_says(4, &packet(0x40, b"\x00\x01\x00")), BEYOND);
    assert_fault(&client_says(4, &packet(0x40, b"\x00")), CUT);
    assert_fault(&client_says(5, &packet(0x40, b"\x00\x01\x01")), "unassigned reason code");
    assert_fault(&client_says(4, &packet(0x40, b"\x00\x00")), "packet id 0");
    assert_fault(&client_says(4, &packet(0x82, b"\x00\x01")), "no topic filter");
    assert_fault(&client_says(4, &packet(0x82, b"\x00\x01\x00\x01a\x03")), "requested QoS 3");
    assert_fault(
        &client_says(4, &packet(0x82, b"\x00\x01\x00\x01a\x04")),
        "reserved bits of a subscription are set",
    );
    assert_fault(&client_says(5, &packet(0x82, b"\x00\x01\x00\x00\x01a\x30")), "retain handling 3");
    assert_fault(&client_says(4, &packet(0x82, b"\x00\x01\x00\x00\x00")), "empty topic filter");
    assert_fault(&client_says(4, &packet(0x82, b"\x00\x01\x00\x03a/b")), CUT);
    for filter in [b"a#", b"+a", b"a+", b"#a", b"##"] {
        let body = [b"\x00\x01\x00\x02", &filter[..], b"\x00"].concat();
        assert_fault(&client_says(4, &packet(0x82, &body)), "misplaced wildcard in a topic filter");
    }
    assert_fault(&server_says(4, &packet(0x90, b"\x00\x01")), "no reason code");
    assert_fault(&server_says(4, &packet(0x90, b"\x00\x01\x03")), "unassigned reason code");
    assert_fault(&server_says(4, &packet(0x20, b"\x02\x00")), "reserved acknowledge flags are set");
    assert_fault(&server_says(4, &packet(0x20, b"\x01\x02")), "session present in a refusal");
    assert_fault(&server_says(4, &packet(0x20, b"\x00\x06")), "unassigned reason code");
}

#[test]
fn wrong_properties_say_what_is_wrong() {
    let said = |block: &[u8]| {
        let body = [b"\x00\x01t", &[block.len() as u8][..], block, b"payload"].concat();
        client_says(5, &packet(0x30, &body))
    };
    assert_fine(&said(b"\x02\x00\x00\x00\x09\x03\x00\x01c\x08\x00\x01r\x09\x00\x01\xff\x0b\x01\x0b\x02"));
    assert_fault(&said(b"\x04"), "unknown property");
    assert_fault(&said(b"\x21\x00\x01"), "property in a packet that may not carry it");
    assert_fault(&said(b"\x01\x01\x01\x01"), "property given twice");
    assert_fault(&said(b"\x01\x02"), "property with a value that it may not have");
    assert_fault(&said(b"\x23\x00\x00"), "property is zero");
    assert_fault(&said(b"\x0b\x00"), "property is zero");
    assert_fault(&said(b"\x23\x00"), "properties end inside a property");
    assert_fault(&said(b"\x03\x00\x05c"), "properties end inside a property");
    assert_fault(&said(b"\x03\x00\x01\xff"), "text is no UTF-8");
    assert_fault(&said(b"\x08\x00\x01#"), "wildcard in a topic name");
    assert_fault(&said(b"\x26\x00\x01k\x00\x01\x00"), "null character in text");
}

#[test]
fn topic_aliases_are_kept_per_direction() {
    let mut player = connected(5);
    player.bytes(ToServer, &packet(0x30, b"\x00\x04mine\x03\x23\x00\x01."));
    player.bytes(ToClient, &packet(0x30, b"\x00\x06theirs\x03\x23\x00\x01."));
    player.lines();
    let by_alias = packet(0x30, b"\x00\x00\x03\x23\x00\x01.");
    let lines = player.bytes(ToServer, &by_alias).bytes(ToClient, &by_alias).lines();
    assert!(lines[0].contains(r#""topic":"mine","topic_alias":1"#), "{lines:?}");
    assert!(lines[1].contains(r#""topic":"theirs","topic_alias":1"#), "{lines:?}");
    let unknown = packet(0x30, b"\x00\x00\x03\x23\x00\x02.");
    let lines = player.bytes(ToServer, &unknown).lines();
    assert!(lines[0].contains(r#""topic_unresolved":true,"topic_alias":2"#), "{lines:?}");
    assert_fine(&lines);
}

#[test]
fn after_a_wrong_packet_the_next_one_is_read() {
    let mut player = connected(4);
    for wrong in [&[0x00, 2, 1, 2][..], &[0x36, 3, 0, 9, 9], &[0x63, 0], &[0x82, 1, 0], &[0xf0, 1, 0]] {
        let bytes = [wrong, &packet(0x30, b"\x00\x04next!")].concat();
        let lines = player.bytes(ToServer, &bytes).lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("malformed"), "{lines:?}");
        assert!(lines[1].contains(r#""topic":"next""#), "{lines:?}");
    }
}

#[test]
fn a_decoder_used_again_knows_nothing_of_the_flow_before() {
    let mut decoder = Mqtt::default();
    let mut text = String::new();
    for _ in 0..2 {
        let mut read = |first, body: &[u8]| {
            let header = head(first, body.len() as u8);
            decoder.session.read(ToServer, &header, body, &mut Message::default())
        };
        assert_eq!(read(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01c"), None);
        assert_eq!(read(0x30, b"\x00\x01t\x03\x23\x00\x01."), None);
        assert!(decoder.session.topic_of(ToServer, 1).is_some());
        decoder.reset();
        assert!(decoder.session.topic_of(ToServer, 1).is_none());
        text.push_str(&format!("{:?}{:?}", decoder.session.version(), decoder.session.client_id()));
    }
    assert_eq!(text, "0None0None");
}

fn head(first: u8, remaining: u8) -> Header {
    match Header::read(&[first, remaining]) {
        Start::Header(header) => header,
        other => panic!("{other:?}"),
    }
}

const CUT: &str = "packet is too short for what it announces";
const BEYOND: &str = "bytes after the end of the packet's content";
