//! Each type of record as it is printed.

use super::*;

/// The `data` of an answer about `a.example` with these bytes.
#[track_caller]
fn assert_data(kind: u16, data: &[u8], word: &str, shown: &str) {
    let message =
        [header(5, 0x8180, [1, 1, 0, 0]), question(NAME_A, kind), record(BACK, kind, data)].concat();
    let line = udp(RESPONSE, &message);
    let row = format!(
        "\"answers\":[{{\"name\":\"a.example\",\"type\":\"{word}\",\"ttl\":60,\"data\":\"{shown}\"}}],"
    );
    assert!(line.contains(&row), "{line}\n{row}");
    assert!(!line.contains("malformed"), "{line}");
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

#[test]
fn addresses_and_names() {
    assert_data(1, &[192, 0, 2, 1], "A", "192.0.2.1");
    assert_data(28, &bytes("20010db8 00000000 00000000 00000001"), "AAAA", "2001:db8::1");
    assert_data(2, b"\x02ns\xc0\x0e", "NS", "ns.example");
    assert_data(5, BACK, "CNAME", "a.example");
    assert_data(12, b"\x04host\x03net\0", "PTR", "host.net");
    assert_data(39, b"\0", "DNAME", ".");
    let soa = [&b"\x02ns\xc0\x0e\x02hm\xc0\x0e"[..], &bytes("78485a4d 00000e10 00000258 00093a80 0000003c")];
    assert_data(6, &soa.concat(), "SOA", "ns.example hm.example 2018007629 3600 600 604800 60");
    assert_data(15, b"\0\x0a\x04mail\xc0\x0e", "MX", "10 mail.example");
    assert_data(33, b"\0\x01\0\x02\x13\xc4\x03sip\xc0\x0e", "SRV", "1 2 5060 sip.example");
    assert_data(17, b"\xc0\x0c\0", "RP", "a.example .");
    assert_data(18, b"\0\x01\xc0\x0c", "AFSDB", "1 a.example");
}

#[test]
fn strings() {
    assert_data(16, b"\x0bv=spf1 -all", "TXT", "v=spf1 -all");
    assert_data(16, b"\x03one\x00\x03two", "TXT", "onetwo");
    assert_data(99, b"\x05a\"b\\c", "SPF", "a\\\"b\\\\c");
    assert_data(16, b"\x03\xff\x00z", "TXT", "\u{fffd}\\u0000z");
    assert_data(13, b"\x03PLC\x04RTOS", "HINFO", "\\\"PLC\\\" \\\"RTOS\\\"");
    assert_data(20, b"\x03150", "ISDN", "\\\"150\\\"");
    let naptr = b"\0\x64\0\x0a\x01u\x07E2U+sip\x04!x!!\0";
    assert_data(35, naptr, "NAPTR", "100 10 \\\"u\\\" \\\"E2U+sip\\\" \\\"!x!!\\\" .");
    assert_data(257, b"\x80\x05issueca.example", "CAA", "128 issue \\\"ca.example\\\"");
    assert_data(256, b"\0\x0a\0\x01ftp://x", "URI", "10 1 \\\"ftp://x\\\"");
}

/// The examples of RFC 4034, sections 2.3, 3.3, 4.3 and 5.4, and RFC 5155.
#[test]
fn signed_zones() {
    let key = bytes("0100 03 05 d2a6 ff");
    assert_data(48, &key, "DNSKEY", "256 3 5 0qb/");
    assert_data(60, &bytes("0000 03 00 00"), "CDNSKEY", "0 3 0 AA==");
    let digest = "2bb183af5f22588179a53b0a98631fad1a292118";
    assert_data(43, &bytes(&format!("ec45 05 01 {digest}")), "DS", &format!("60485 5 1 {digest}"));
    let signature =
        [&bytes("0001 05 03 00015180 3e7c9dd7 3e5510d7 0a52")[..], b"\x07example\0", &[0xa0, 0x90]];
    assert_data(
        46,
        &signature.concat(),
        "RRSIG",
        "A 5 3 86400 20030322173103 20030220173103 2642 example oJA=",
    );
    let next = [&b"\x04host\x07example\0"[..], &bytes("0006 400100000003 041b"), &[0; 26], &[0x20]];
    assert_data(47, &next.concat(), "NSEC", "host.example A MX RRSIG NSEC TYPE1234");
    let next =
        bytes("01 01 000c 04 aabbccdd 14 174eb2409fe28bcb4887a1836f957f0a8425e27b 0007 2200 0000 0002 90");
    let hashed = "2t7b4g4vsa5smi47k61mv5bv1a22bojr";
    let shown = format!("1 1 12 aabbccdd {hashed} NS SOA RRSIG DNSKEY NSEC3PARAM");
    assert_data(50, &next, "NSEC3", &shown);
    assert_data(51, &bytes("01 00 000c 00"), "NSEC3PARAM", "1 0 12 -");
    assert_data(52, &bytes("03 01 01 d2ab"), "TLSA", "3 1 1 d2ab");
    assert_data(44, &bytes("04 02 beef"), "SSHFP", "4 2 beef");
}

/// RFC 9460, appendix D.
#[test]
fn services() {
    let name = b"\x03foo\x07example\0";
    let alias = [&[0, 0], &name[..]].concat();
    assert_data(65, &alias, "HTTPS", "0 foo.example");
    let port = [&bytes("0010")[..], name, &bytes("0003 0002 0035")].concat();
    assert_data(64, &port, "SVCB", "16 foo.example port=53");
    let many = [
        &bytes("0001 00 0000 0004 0001 0004")[..],
        b"\0\x01\0\x06\x02h2\x02h3\0\x02\0\0\0\x04\0\x08\xc0\0\x02\x01\xc0\0\x02\x02",
        &bytes("0005 0003 010203 0006 0010 20010db8000000000000000000000001 029b 0002 6869"),
    ];
    assert_data(
        65,
        &many.concat(),
        "HTTPS",
        "1 . mandatory=alpn,ipv4hint alpn=h2,h3 no-default-alpn ipv4hint=192.0.2.1,192.0.2.2 ech=AQID \
         ipv6hint=2001:db8::1 key667=6869",
    );
}

#[test]
fn odd_ones() {
    // RFC 1876, section 4: the MIT Computer Science lab's neighbour, 42 21 54 N 71 06 18 W -24m 30m.
    let place = bytes("00 33 16 13 89172dd0 70be15f0 00988d20");
    assert_data(29, &place, "LOC", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m");
    assert_data(11, &bytes("0a000001 06 00000040 00000000 00000080"), "WKS", "10.0.0.1 TCP 25 88");
    assert_data(10, &bytes("deadbeef"), "NULL", "deadbeef");
    assert_data(10, b"", "NULL", "");
    assert_data(65280, &bytes("0102"), "TYPE65280", "0102");
    assert_data(250, &bytes("00"), "TSIG", "00");
    assert_data(108, &bytes("00005ef00053"), "EUI48", "00-00-5e-f0-00-53");
    assert_data(41, &bytes("000a 0008 0102030405060708"), "OPT", "10=0102030405060708");
    assert_data(37, &bytes("0001 0002 03 ffff"), "CERT", "1 2 3 //8=");
    assert_data(62, &bytes("00000042 0003 0001 60"), "CSYNC", "66 3 A NS");
}

#[test]
fn a_class_of_its_own_is_told() {
    let chaos = b"\x07version\x04bind\0\0\x10\0\x03";
    let answer = b"\xc0\x0c\0\x10\0\x03\0\0\0\0\0\x04\x039.9\xc0\x0c\0\x01\0\x03\0\0\0\0\0\x02\xab\xcd";
    let line = udp(RESPONSE, &[header(1, 0x8400, [1, 2, 0, 0]), chaos.to_vec(), answer.to_vec()].concat());
    assert!(line.contains("\"qtype\":\"TXT\",\"qclass\":\"CH\""), "{line}");
    assert!(line.contains("\"ttl\":0,\"data\":\"9.9\",\"class\":\"CH\"}"), "{line}");
    assert!(line.contains("\"data\":\"abcd\",\"class\":\"CH\"}") && !line.contains("malformed"), "{line}");
}
