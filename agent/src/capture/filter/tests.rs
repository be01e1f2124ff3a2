use super::*;

/// 10.0.0.1:12345 → 10.0.0.2:502, TCP, without anything before it.
const IP: [u8; 40] = [
    0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 1, 0xf6, 0, 0, 0, 0, 0, 0,
    0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0,
];

fn behind(header: &[u8]) -> Vec<u8> {
    [header, &IP].concat()
}

#[test]
fn one_filter_fits_every_link_type() {
    let cooked = [&[0; 14][..], &[8, 0]].concat();
    let cooked2 = [&[8, 0][..], &[0; 18]].concat();
    let ethernet = [&[0; 12][..], &[8, 0]].concat();
    let packets = [
        (LinkType::Ethernet, behind(&ethernet)),
        (LinkType::LinuxCooked, behind(&cooked)),
        (LinkType::LinuxCooked2, behind(&cooked2)),
        (LinkType::RawIp, behind(&[])),
        (LinkType::BsdLoopback, behind(&[2, 0, 0, 0])),
        (LinkType::BsdLoopback, behind(&[0, 0, 0, 2])),
    ];
    let yes = Filter::new("tcp port 502 and host 10.0.0.2").unwrap();
    let no = Filter::new("tcp port 503").unwrap();
    for (link, data) in packets {
        assert!(yes.passes(link, &data).unwrap(), "{link:?}");
        assert!(!no.passes(link, &data).unwrap(), "{link:?}");
        for cut in 0..data.len() {
            yes.passes(link, &data[..cut]).unwrap();
        }
    }
    assert!(Filter::new("").unwrap().passes(LinkType::Ethernet, &[]).unwrap());
}

#[test]
fn a_bad_filter_is_named_with_what_libpcap_says() {
    let error = Filter::new("tcp prot 502").map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("filter `tcp prot 502`: "), "{error}");
    assert!(error.contains("syntax error") && !error.contains('\n'), "{error}");
    assert!(Filter::new("tcp\0").is_err());
}

#[test]
fn a_filter_that_makes_no_sense_for_a_link_type_says_so_at_its_first_packet() {
    let filter = Filter::new("vlan 7").unwrap();
    assert!(!filter.passes(LinkType::Ethernet, &[0; 60]).unwrap());
    let error = filter.passes(LinkType::RawIp, &IP).unwrap_err().to_string();
    assert!(error.starts_with("filter `vlan 7`: no VLAN support for"), "{error}");
}
