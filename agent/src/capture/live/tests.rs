use std::net::UdpSocket;
use std::time::Instant;

use super::*;
use crate::capture::drop_capabilities;

/// Where the tests may not capture they say so, loudly, and pass.
fn may_capture() -> bool {
    let may = caps::has_cap(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap_or(false);
    if !may {
        eprintln!("SKIPPED: capturing needs CAP_NET_RAW");
    }
    may
}

/// Sends datagrams to a free port of the loopback interface until `count` of them were captured
/// on `interface`, and returns what was; `before` runs once the capture is open.
fn capture(interface: &str, count: usize, before: impl FnOnce()) -> Vec<(LinkType, u32, Vec<u8>, u64)> {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = receiver.local_addr().unwrap().port();
    let mut config = LiveConfig::new(interface);
    config.filter = Some(format!("udp dst port {port}"));
    config.snaplen = 60;
    config.buffer_bytes = 2 << 20;
    let mut source = open_live(&config).unwrap();
    before();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(&[0x5a; 100], ("127.0.0.1", port)).unwrap();
    let (begun, mut captured, mut idle) = (Instant::now(), Vec::new(), 0);
    while captured.len() < count && begun.elapsed() < Duration::from_secs(5) {
        match source.next_packet().unwrap() {
            Next::Packet(packet) => {
                captured.push((packet.link, packet.wire_len, packet.data.to_vec(), packet.ts.as_secs()));
            }
            Next::Idle => {
                idle += 1;
                sender.send_to(&[0x5a; 100], ("127.0.0.1", port)).unwrap();
            }
            Next::End => break,
        }
    }
    assert!(captured.len() >= count, "{} captured, idle {idle} times", captured.len());
    assert_eq!(source.drops(), Drops::default());
    assert_eq!((source.position(), source.size()), (0, None));
    captured
}

#[test]
fn what_is_sent_on_the_loopback_interface_is_captured() {
    if !may_capture() {
        return;
    }
    for (link, wire_len, data, seconds) in capture("lo", 5, || ()) {
        // Ethernet 14, IP 20, UDP 8, cut at 60.
        assert_eq!((link, wire_len, data.len()), (LinkType::Ethernet, 142, 60));
        assert_eq!(data[42..], [0x5a; 18]);
        assert!(seconds > 1_600_000_000, "{seconds}");
    }
}

#[test]
fn any_captures_on_all_interfaces() {
    if !may_capture() {
        return;
    }
    for (link, _, data, _) in capture("any", 2, || ()) {
        assert!(matches!(link, LinkType::LinuxCooked | LinkType::LinuxCooked2), "{link:?}");
        assert_eq!(data.last(), Some(&0x5a));
    }
}

#[test]
fn capturing_goes_on_after_the_capabilities_are_gone_and_cannot_begin_again() {
    if !may_capture() {
        return;
    }
    let unprivileged = thread::spawn(|| {
        capture("lo", 5, || drop_capabilities().unwrap());
        open_live(&LiveConfig::new("lo")).map(|_| ()).unwrap_err().to_string()
    });
    assert_eq!(
        unprivileged.join().unwrap(),
        "lo: capturing needs the capability CAP_NET_RAW: run the agent as its service, give it the \
         capability (setcap cap_net_raw+ep fieldward-agent), or run it as root"
    );
}

#[test]
fn a_quiet_interface_is_idle_and_does_not_block() {
    if !may_capture() {
        return;
    }
    let mut config = LiveConfig::new("lo");
    config.filter = Some("ip proto 253".into());
    config.buffer_bytes = 2 << 20;
    let mut source = open_live(&config).unwrap();
    let begun = Instant::now();
    for _ in 0..5 {
        assert!(matches!(source.next_packet(), Ok(Next::Idle)));
    }
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_wrong_interface_is_told_with_those_there_are() {
    let error = open_live(&LiveConfig::new("mirror0")).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("no interface is called mirror0: there "), "{error}");
    assert!(error.contains("lo"), "{error}");
}

#[test]
fn a_wrong_filter_is_told_before_anything_is_opened() {
    let config = LiveConfig { filter: Some("tcp prot 502".into()), ..LiveConfig::new("mirror0") };
    let error = open_live(&config).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("filter `tcp prot 502`: "), "{error}");
}
