use super::*;

/// The frame inside: a VLAN, IPv4, TCP.
fn inside() -> Vec<u8> {
    ether(0x8100, &vlan(30, 0x0800, &V4 { id: 5, ..TCP4 }.around(&tcp(b"inner"))))
}

fn gre(flags: u16, protocol: u16, rest: &[&[u8]]) -> Vec<u8> {
    let bytes = cat(&[&flags.to_be_bytes(), &protocol.to_be_bytes(), &rest.concat()]);
    ether(0x0800, &V4 { protocol: 47, ..TCP4 }.around(&bytes))
}

fn in_udp(port: u16, header: &[u8], inside: &[u8]) -> Vec<u8> {
    ether(0x0800, &UDP4.around(&udp_to(port, &cat(&[header, inside]))))
}

fn ip4() -> Vec<u8> {
    V4 { id: 5, ..TCP4 }.around(&tcp(b"inner"))
}

#[track_caller]
fn finds_inner(data: &[u8]) -> Seen {
    let seen = clean(data);
    assert_eq!((seen.data.as_slice(), seen.ports), (b"inner".as_slice(), (0xc001, 502)));
    seen
}

#[test]
fn mpls_leads_to_ip_or_to_ethernet() {
    let bottom = [0, 1, 1, 64];
    let two = [0, 2, 0, 64, 0, 1, 1, 64];
    finds_inner(&ether(0x8847, &cat(&[&bottom, &ip4()])));
    finds_inner(&ether(0x8848, &cat(&[&two, &ip6(6, &tcp(b"inner"))])));
    let wire = finds_inner(&ether(0x8847, &cat(&[&two, &[0, 0, 0, 9], &inside()])));
    assert_eq!(wire.vlan, Some(30));
    assert_eq!(dropped(&ether(0x8847, &cat(&[&bottom, &[0x10, 0, 0, 0]]))), "non_ip");
    assert_eq!(dropped(&ether(0x8847, &[0, 1, 0, 64].repeat(17))), "too_many_layers");
    assert_eq!(dropped(&ether(0x8847, &[0, 1, 1])), "truncated_tunnel");
}

#[test]
fn pppoe_sessions_carry_ip() {
    let session = |protocol: u16, inside: &[u8]| {
        let len = (inside.len() as u16 + 2).to_be_bytes();
        ether(0x8864, &cat(&[&[0x11, 0, 0, 1], &len, &protocol.to_be_bytes(), inside, &[0; 9]]))
    };
    finds_inner(&session(0x21, &ip4()));
    finds_inner(&session(0x57, &ip6(6, &tcp(b"inner"))));
    assert_eq!(dropped(&session(0xc021, &[1; 8])), "non_ip");
    assert_eq!(dropped(&ether(0x8864, &[0x22; 40])), "unknown_tunnel");
}

#[test]
fn ip_in_ip_of_both_versions() {
    let four = finds_inner(&ether(0x0800, &V4 { protocol: 4, ..TCP4 }.around(&ip4())));
    assert_eq!(four.macs, None, "the MACs belong to the tunnel");
    let six = finds_inner(&ether(0x0800, &V4 { protocol: 41, ..TCP4 }.around(&ip6(6, &tcp(b"inner")))));
    assert_eq!(six.src, "fd00::cff:1");
    let four = finds_inner(&ether(0x86dd, &ip6(4, &ip4())));
    assert_eq!(four.src, "10.0.0.1");
}

#[test]
fn gre_with_any_of_its_fields() {
    finds_inner(&gre(0, 0x0800, &[&ip4()]));
    finds_inner(&gre(0x8000, 0x0800, &[&[0; 4], &ip4()]));
    finds_inner(&gre(0xb000, 0x86dd, &[&[0; 12], &ip6(6, &tcp(b"inner"))]));
    finds_inner(&gre(0x2000, 0x6558, &[&[0; 4], &inside()]));
    let twice = cat(&[&[0, 0, 8, 0], &ip4()]);
    finds_inner(&gre(0, 0x0800, &[&V4 { protocol: 47, ..TCP4 }.around(&twice)]));
    assert_eq!(dropped(&gre(0x4000, 0x0800, &[&[0; 4], &ip4()])), "unknown_tunnel");
    assert_eq!(dropped(&gre(0, 0, &[])), "unknown_tunnel");
    assert_eq!(dropped(&gre(0x2000, 0x0800, &[&[0; 3]])), "truncated_tunnel");
}

#[test]
fn gre_of_pptp_carries_ppp() {
    let ppp = cat(&[&[0xff, 3, 0x21], &ip4()]);
    let len = (ppp.len() as u16).to_be_bytes();
    finds_inner(&gre(0x3081, 0x880b, &[&len, &[0, 1], &[0; 8], &ppp]));
    assert_eq!(dropped(&gre(0x2081, 0x880b, &[&[0, 0, 0, 1], &[0; 4]])), "non_ip");
}

#[test]
fn erspan_of_three_types() {
    let one = finds_inner(&gre(0, 0x88be, &[&inside()]));
    assert_eq!((one.vlan, one.macs), (Some(30), Some([MAC_A, MAC_B])));
    let untagged = ether(0x0800, &ip4());
    let two = finds_inner(&gre(0x1000, 0x88be, &[&[0; 4], &[0x10, 42, 0, 1, 0, 0, 0, 0], &untagged]));
    assert_eq!(two.vlan, Some(42), "the tag that the switch took off");
    let three = |last: u8| [0x20, 43, 0, 1, 1, 2, 3, 4, 0, 0, 0, last];
    let seen = finds_inner(&gre(0x1000, 0x22eb, &[&[0; 4], &three(0), &untagged]));
    assert_eq!(seen.vlan, Some(43));
    finds_inner(&gre(0x1000, 0x22eb, &[&[0; 4], &three(1), &[9; 8], &inside()]));
    let mut of_ip = three(0);
    of_ip[10] = 2 << 2;
    finds_inner(&gre(0x1000, 0x22eb, &[&[0; 4], &of_ip, &ip4()]));
}

#[test]
fn a_mirrored_frame_cut_by_the_switch_is_cut() {
    let whole = ether(0x0800, &V4 { id: 5, ..TCP4 }.around(&tcp(&[7; 400])));
    let mut lab = Lab::default();
    let seen = lab.ethernet(&gre(0x1000, 0x88be, &[&[0; 12], &whole[..154]])).expect("a frame");
    assert_eq!((seen.data.len(), seen.cut, seen.ip_len), (100, 300, 440));
    assert_eq!(lab.counted(), [("bad_ip_length", 1), ("cut_packet", 1)]);
}

#[test]
fn vxlan_on_both_of_its_ports() {
    for port in [4789, 8472] {
        let seen = finds_inner(&in_udp(port, &[8, 0, 0, 0, 0, 1, 0, 0], &inside()));
        assert_eq!(seen.vlan, Some(30));
    }
}

#[test]
fn geneve_with_options_carries_ethernet_or_ip() {
    let seen = finds_inner(&in_udp(6081, &[2, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 1, 1, 1, 2, 2, 2, 2], &inside()));
    assert_eq!(seen.macs, Some([MAC_A, MAC_B]));
    finds_inner(&in_udp(6081, &[0, 0, 8, 0, 0, 0, 1, 0], &ip4()));
    finds_inner(&in_udp(6081, &[0, 0, 0x86, 0xdd, 0, 0, 1, 0], &ip6(6, &tcp(b"inner"))));
}

#[test]
fn what_is_no_tunnel_inside_stays_a_datagram() {
    for (port, data) in [
        (4789, b"\x00not a tunnel".to_vec()),
        (4789, b"\x08flag by chance, and then words".to_vec()),
        (8472, b"short".to_vec()),
        (6081, b"\xff\xff another version".to_vec()),
        (6081, cat(&[&[0, 0, 8, 0, 0, 0, 1, 0], b"not IP"])),
        (6081, vec![63, 0, 8, 0, 0, 0, 1, 0]),
    ] {
        let seen = clean(&in_udp(port, &[], &data));
        assert_eq!((seen.data, seen.ports.1), (data, port));
    }
}

#[test]
fn a_tunnel_with_arp_inside_is_no_datagram() {
    assert_eq!(dropped(&in_udp(4789, &[8, 0, 0, 0, 0, 1, 0, 0], &ether(0x0806, &[0; 28]))), "arp");
}

#[test]
fn tunnels_within_tunnels() {
    let vxlan = UDP4.around(&udp_to(4789, &cat(&[&[8, 0, 0, 0, 0, 1, 0, 0], &inside()])));
    finds_inner(&gre(0x1000, 0x88be, &[&[0; 4], &[0x10, 9, 0, 1, 0, 0, 0, 0], &ether(0x0800, &vxlan)]));
}
