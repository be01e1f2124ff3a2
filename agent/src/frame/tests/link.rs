use super::*;

fn ip4() -> Vec<u8> {
    TCP4.around(&tcp(b"data"))
}

#[test]
fn the_innermost_vlan_is_reported() {
    assert_eq!(clean(&ether(0x8100, &vlan(7, 0x0800, &ip4()))).vlan, Some(7));
    for outer in [0x88a8, 0x9100, 0x9200] {
        let seen = clean(&ether(outer, &vlan(100, 0x8100, &vlan(8, 0x0800, &ip4()))));
        assert_eq!((seen.vlan, seen.data.as_slice()), (Some(8), b"data".as_slice()));
    }
}

#[test]
fn a_priority_tag_is_no_vlan() {
    assert_eq!(clean(&ether(0x8100, &vlan(0xe000, 0x0800, &ip4()))).vlan, None);
    assert_eq!(clean(&ether(0x88a8, &vlan(9, 0x8100, &vlan(0, 0x0800, &ip4())))).vlan, Some(9));
}

#[test]
fn backbone_bridges_carry_whole_frames() {
    let inner = ether(0x8100, &vlan(3, 0x0800, &ip4()));
    let seen = clean(&ether(0x88a8, &vlan(200, 0x88e7, &cat(&[&[0, 0, 1, 2], &inner]))));
    assert_eq!((seen.vlan, seen.macs), (Some(3), Some([MAC_A, MAC_B])));
}

#[test]
fn tags_of_vendors_and_rings_are_passed_over() {
    for (ether_type, tag) in [(0x8909, 6), (0x893f, 6), (0x8926, 4), (0x892f, 4)] {
        let seen = clean(&ether(ether_type, &cat(&[&vec![1; tag], &[8, 0], &ip4()])));
        assert_eq!(seen.data, b"data");
    }
}

#[test]
fn ip_is_found_in_llc_and_snap() {
    let snap = cat(&[&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ip4()]);
    assert_eq!(clean(&ether(snap.len() as u16, &snap)).data, b"data");
    let llc = cat(&[&[6, 6, 3], &ip4()]);
    assert_eq!(clean(&ether(llc.len() as u16, &llc)).data, b"data");
}

#[test]
fn what_is_not_ip_is_named() {
    assert_eq!(dropped(&ether(0x0806, &[0; 28])), "arp");
    // GOOSE, PROFINET, LLDP, and spanning tree in 802.3.
    for ether_type in [0x88b8, 0x8892, 0x88cc] {
        assert_eq!(dropped(&ether(ether_type, &[0; 46])), "non_ip");
    }
    assert_eq!(dropped(&ether(38, &cat(&[&[0x42, 0x42, 3], &[0; 43]]))), "non_ip");
    assert_eq!(dropped(&ether(60, &cat(&[&[0xaa, 0xaa, 3, 0, 0, 0xc, 0x20, 0], &[0; 60]]))), "non_ip");
    assert_eq!(dropped(&ether(0x1234, &[0; 46])), "unknown_ethertype");
    assert_eq!(dropped(&[0; 13]), "truncated_link");
    assert_eq!(dropped(&ether(0x8100, &[0, 1])), "truncated_link");
}

#[test]
fn protocols_besides_tcp_and_udp_are_named() {
    assert_eq!(dropped(&ether(0x0800, &V4 { protocol: 1, ..TCP4 }.around(&[8; 8]))), "icmp");
    assert_eq!(dropped(&ether(0x86dd, &ip6(58, &[8; 8]))), "icmp");
    assert_eq!(dropped(&ether(0x0800, &V4 { protocol: 132, ..TCP4 }.around(&[0; 12]))), "other_ip_protocol");
    assert_eq!(dropped(&ether(0x0800, &V4 { protocol: 50, ..TCP4 }.around(&[0; 12]))), "other_ip_protocol");
}

#[test]
fn linux_cooked_captures_are_read() {
    let v1 = cat(&[&[0, 0, 0, 1, 0, 6], &MAC_A, &[0, 0, 8, 0], &ip4()]);
    let seen = Lab::default().see(LinkType::LinuxCooked, &v1).expect("a frame");
    assert_eq!((seen.data.as_slice(), seen.macs), (b"data".as_slice(), None));
    let v2 = cat(&[&[0x81, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6], &MAC_A, &[0, 0], &vlan(12, 0x0800, &ip4())]);
    let seen = Lab::default().see(LinkType::LinuxCooked2, &v2).expect("a frame");
    assert_eq!((seen.data.as_slice(), seen.vlan), (b"data".as_slice(), Some(12)));
}

#[test]
fn bsd_loopback_is_read_in_both_byte_orders() {
    let six = ip6(6, &tcp(b"data"));
    for family in [2_u32, 10, 24, 28, 30] {
        let inside = if family == 2 { ip4() } else { six.clone() };
        for header in [family.to_le_bytes(), family.to_be_bytes()] {
            let seen = Lab::default().see(LinkType::BsdLoopback, &cat(&[&header, &inside]));
            assert_eq!(seen.expect("a frame").data, b"data");
        }
    }
    let mut lab = Lab::default();
    assert_eq!(lab.see(LinkType::BsdLoopback, &[7, 0, 0, 0, 0x45]), None);
    assert_eq!(lab.of(Reason::NonIp), 1);
}

#[test]
fn raw_ip_of_either_version_is_read() {
    assert_eq!(Lab::default().see(LinkType::RawIp, &ip4()).expect("a frame").macs, None);
    let seen = Lab::default().see(LinkType::RawIp, &ip6(6, &tcp(b"six"))).expect("a frame");
    assert_eq!((seen.src.as_str(), seen.data.as_slice()), ("fd00::cff:1", b"six".as_slice()));
    let mut lab = Lab::default();
    assert_eq!(lab.see(LinkType::RawIp, &[0x50; 40]), None);
    assert_eq!(lab.of(Reason::BadIpHeader), 1);
}

#[test]
fn bad_ip_headers_are_counted() {
    assert_eq!(dropped(&ether(0x0800, &ip6(6, &tcp(b"")))), "bad_ip_header");
    assert_eq!(dropped(&ether(0x86dd, &ip4())), "bad_ip_header");
    assert_eq!(dropped(&ether(0x0800, &ip4()[..19])), "truncated_ip");
    let mut short = ip4();
    short[2..4].copy_from_slice(&19_u16.to_be_bytes());
    assert_eq!(dropped(&ether(0x0800, &short)), "bad_ip_header");
}

#[test]
fn ip_options_and_extension_headers_are_passed_over() {
    let mut header = TCP4.around(&[])[..20].to_vec();
    header[0] = 0x46;
    header[3] = 24 + 24;
    header[10..12].fill(0);
    header.extend([1, 1, 1, 0]);
    let sum = !checksum::fold(checksum::sum(&header));
    header[10..12].copy_from_slice(&sum.to_ne_bytes());
    assert_eq!(clean(&ether(0x0800, &cat(&[&header, &tcp(b"data")]))).data, b"data");

    let hop = [43, 0, 1, 4, 0, 0, 0, 0];
    let route = [60, 0, 0, 0, 0, 0, 0, 0];
    let options = [51, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let authentication = [44, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9];
    let atomic = [6, 0, 0, 0, 0, 0, 0, 5];
    let chain = cat(&[&hop, &route, &options, &authentication, &atomic, &tcp(b"data")]);
    let mut lab = Lab::default();
    assert_eq!(lab.ethernet(&ether(0x86dd, &ip6(0, &chain))).expect("a frame").data, b"data");
    assert_eq!(lab.counted(), []);
    assert_eq!(dropped(&ether(0x86dd, &ip6(0, &[0; 8].repeat(17)))), "too_many_layers");
}

#[test]
fn layers_are_followed_to_a_depth_and_no_further() {
    let tagged = |depth: usize| {
        let tags = [0, 1, 0x81, 0].repeat(depth - 1);
        ether(0x8100, &cat(&[&tags, &[0, 1, 8, 0], &ip4()]))
    };
    assert_eq!(clean(&tagged(13)).data, b"data");
    assert_eq!(dropped(&tagged(14)), "too_many_layers");
}

#[test]
fn the_list_of_protocols_without_ip_is_in_order() {
    assert!(super::super::link::NON_IP.is_sorted());
}
