use super::*;

#[test]
fn padding_is_not_data() {
    let padded = cat(&[&plain(b""), &[0; 6]]);
    assert_eq!(padded.len(), 60);
    assert_eq!(clean(&padded).data, b"");
    assert_eq!(clean(&cat(&[&ether(0x0800, &UDP4.around(&udp(b"ab"))), &[9; 16]])).data, b"ab");
    assert_eq!(clean(&ether(0x0800, &UDP4.around(&cat(&[&udp(b"ab"), b"behind"])))).data, b"ab");
}

#[test]
fn a_cut_packet_says_what_it_lacks() {
    let whole = plain(&[5; 200]);
    for (keep, data, cut) in [(254, 200, 0), (154, 100, 100), (54, 0, 200)] {
        let mut lab = Lab::default();
        let packet = Packet { wire_len: 254, ..packet(LinkType::Ethernet, 0, &whole[..keep]) };
        let seen = lab.frames.frame(&packet).map(|frame| seen(&frame)).expect("a frame");
        assert_eq!((seen.data.len(), seen.cut, seen.ip_len), (data, cut, 240));
        assert_eq!(lab.of(Reason::CutPacket), u64::from(cut > 0));
        assert_eq!(lab.of(Reason::BadTcpChecksum), 0, "what is not there cannot be summed");
    }
    let mut lab = Lab::default();
    let cut = Packet { wire_len: 254, ..packet(LinkType::Ethernet, 0, &whole[..53]) };
    assert!(lab.frames.frame(&cut).is_none());
    assert_eq!(lab.counted(), [("truncated_transport", 1)]);
}

#[test]
fn a_capture_may_end_within_the_options() {
    let mut segment = cat(&[&tcp(b"")[..20], &[1; 12], b"data"]);
    segment[12] = 0x80;
    let whole = ether(0x0800, &TCP4.around(&segment));
    let packet = Packet { wire_len: 70, ..packet(LinkType::Ethernet, 0, &whole[..60]) };
    let seen = Frames::default().frame(&packet).map(|frame| seen(&frame)).expect("a frame");
    assert_eq!((seen.data.len(), seen.cut), (0, 4));
}

#[test]
fn a_cut_datagram_says_what_it_lacks() {
    let whole = ether(0x0800, &UDP4.around(&udp(&[5; 200])));
    let packet = Packet { wire_len: 242, ..packet(LinkType::Ethernet, 0, &whole[..92]) };
    let seen = Frames::default().frame(&packet).map(|frame| seen(&frame)).expect("a frame");
    assert_eq!((seen.data.len(), seen.cut), (50, 150));
}

#[test]
fn a_length_that_the_wire_never_had_makes_no_hole() {
    let mut ip = TCP4.around(&tcp(b"data"));
    ip[2..4].copy_from_slice(&30_000_u16.to_be_bytes());
    ip[10..12].fill(0);
    let sum = !checksum::fold(checksum::sum(&ip[..20]));
    ip[10..12].copy_from_slice(&sum.to_ne_bytes());
    let mut lab = Lab::default();
    let seen = lab.ethernet(&ether(0x0800, &ip)).expect("a frame");
    assert_eq!((seen.data.as_slice(), seen.cut, seen.ip_len), (b"data".as_slice(), 0, 44));
    assert_eq!(lab.counted(), [("bad_ip_length", 1)]);
}

#[test]
fn segments_yet_to_be_cut_by_the_card_have_no_length() {
    let mut ip = TCP4.around(&tcp(&[1; 3000]));
    ip[2..4].fill(0);
    ip[10..12].fill(0);
    let mut lab = Lab::default();
    let seen = lab.ethernet(&ether(0x0800, &ip)).expect("a frame");
    assert_eq!((seen.data.len(), seen.cut, seen.ip_len), (3000, 0, 3040));
    assert_eq!(lab.counted(), [("offloaded_ip_checksum", 1)]);
    let mut ip = ip6(6, &tcp(b"six"));
    ip[4..6].fill(0);
    assert_eq!(Lab::default().ethernet(&ether(0x86dd, &ip)).expect("a frame").data, b"six");
}

#[test]
fn wrong_checksums_are_counted_and_nothing_more() {
    let mut bytes = plain(b"data");
    bytes[24] ^= 1;
    bytes[57] ^= 1;
    let mut lab = Lab::default();
    assert!(lab.ethernet(&bytes).is_some());
    assert_eq!(lab.counted(), [("bad_ip_checksum", 1), ("bad_tcp_checksum", 1)]);

    let mut bytes = ether(0x0800, &UDP4.around(&udp(b"data")));
    bytes[45] ^= 1;
    let mut lab = Lab::default();
    assert!(lab.ethernet(&bytes).is_some());
    assert_eq!(lab.counted(), [("bad_udp_checksum", 1)]);
}

#[test]
fn udp_over_ipv4_may_go_without_a_checksum() {
    let mut bytes = udp(b"data");
    bytes[6..8].fill(0);
    clean(&ether(0x0800, &UDP4.around(&bytes)));
    let mut lab = Lab::default();
    assert!(lab.ethernet(&ether(0x86dd, &ip6(17, &bytes))).is_some());
    assert_eq!(lab.of(Reason::BadUdpChecksum), 1, "over IPv6 it may not");
}

#[test]
fn checksums_left_to_the_card_are_told_from_wrong_ones() {
    let pseudo = checksum::pseudo_header(&Addr::v4(A), &Addr::v4(B), ip::TCP);
    for length in [0, 24] {
        let mut segment = tcp(b"data");
        let partial = checksum::fold(pseudo + checksum::length(length));
        segment[16..18].copy_from_slice(&partial.to_ne_bytes());
        let mut lab = Lab::default();
        assert!(lab.ethernet(&ether(0x0800, &TCP4.around(&segment))).is_some());
        assert_eq!(lab.counted(), [("offloaded_checksum", 1)]);
    }
}

#[test]
fn ipv6_checksums_are_checked_with_its_own_addresses() {
    let mut bytes = ether(0x86dd, &ip6(6, &tcp(b"data")));
    clean(&bytes);
    bytes[29] ^= 1;
    let mut lab = Lab::default();
    assert!(lab.ethernet(&bytes).is_some());
    assert_eq!(lab.counted(), [("bad_tcp_checksum", 1)]);
    // With a route still to go, the receiver in the sum is another.
    let mut lab = Lab::default();
    let routed = cat(&[&[6, 2, 0, 1, 0, 0, 0, 0], &addr6(9), &tcp(b"data")]);
    assert!(lab.ethernet(&ether(0x86dd, &ip6(43, &routed))).is_some());
    assert_eq!(lab.counted(), []);
}

#[test]
fn headers_that_contradict_themselves_are_dropped() {
    let mut segment = tcp(b"data");
    segment[12] = 0x40;
    assert_eq!(dropped(&ether(0x0800, &TCP4.around(&segment))), "bad_tcp_header");
    segment[12] = 0xf0;
    assert_eq!(dropped(&ether(0x0800, &TCP4.around(&segment))), "bad_tcp_header");
    assert_eq!(dropped(&ether(0x0800, &TCP4.around(&segment[..19]))), "truncated_transport");
    let mut datagram = udp(b"data");
    datagram[5] = 7;
    assert_eq!(dropped(&ether(0x0800, &UDP4.around(&datagram))), "bad_udp_header");
    assert_eq!(dropped(&ether(0x0800, &UDP4.around(&datagram[..7]))), "truncated_transport");
}

#[test]
fn a_datagram_longer_than_its_packet_is_taken_as_it_is() {
    let mut datagram = udp(b"data");
    datagram[5] = 200;
    let mut lab = Lab::default();
    let seen = lab.ethernet(&ether(0x0800, &UDP4.around(&datagram))).expect("a frame");
    assert_eq!((seen.data.as_slice(), seen.cut), (b"data".as_slice(), 0));
    assert_eq!(lab.counted(), [("bad_udp_length", 1)]);
}
