//! Traps of frames: the same few messages, each time in other clothes.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::super::Capture;
use super::super::file::{ETHERNET, Form};
use super::super::message::{dns, http, modbus, mqtt};
use super::super::tcp::{CLIENT, SERVER, Side, Tcp};
use super::Trap;
use super::envelope as wrap;

/// Every one of them.
pub static TRAPS: &[Trap] = traps![
    frame_plain,
    frame_ipv6,
    frame_vlan,
    frame_vlan_differs_by_direction,
    frame_vlan_priority_only,
    frame_qinq,
    frame_mpls,
    frame_mpls_ethernet,
    frame_pppoe,
    frame_pbb,
    frame_gre,
    frame_gre_in_gre,
    frame_gre_key_and_sequence,
    frame_erspan_1,
    frame_erspan_2,
    frame_erspan_3,
    frame_vxlan,
    frame_geneve,
    frame_ip_in_ip,
    frame_6in4,
    frame_ipv4_options,
    frame_ipv4_fragments,
    frame_ipv4_fragments_reversed,
    frame_ipv4_fragments_in_vlan,
    frame_ipv4_fragments_in_gre,
    frame_ipv6_fragments,
    frame_ipv6_atomic_fragment,
    frame_ipv6_extension_headers,
    frame_sll,
    frame_sll2,
    frame_raw_ip,
    frame_raw_ip_bsd,
    frame_null,
    frame_loop,
    frame_pcapng_two_interfaces,
    frame_nanoseconds,
    frame_big_endian,
    frame_big_endian_nanoseconds,
    frame_snaplen,
    frame_mirrored,
    frame_mirrored_with_vlan,
    frame_checksum_offload,
    frame_total_length_zero,
    frame_padding,
    frame_trailer,
];

/// Modbus, MQTT, DNS and HTTP, a few messages of each; the longest packets have 900 bytes of data.
fn everyday(capture: &mut Capture) {
    everyday_between(capture, CLIENT, SERVER);
}

fn everyday_between(capture: &mut Capture, client: IpAddr, server: IpAddr) {
    let open = |capture: &mut Capture, port: u16, talk: &dyn Fn(&mut Tcp<'_>)| {
        let (now, own) = (capture.after(), capture.next_port());
        let mut tcp = Tcp::new(capture, SocketAddr::new(client, own), SocketAddr::new(server, port)).at(now);
        talk(tcp.handshake());
        tcp.close();
    };
    open(capture, 502, &|tcp| {
        for tid in 1..3 {
            tcp.client(modbus::adu(tid, 1, modbus::two(3, 0, 2)));
            tcp.server(modbus::adu(tid, 1, modbus::data(3, [0, 1, 0, 2])));
        }
    });
    open(capture, 1883, &|tcp| {
        tcp.client(mqtt::connect(mqtt::V311, 2, "pump-7", &[])).server(mqtt::connack(mqtt::V311, 0));
        tcp.client(mqtt::publish(mqtt::V311, 0, "plant/a", 0, "m".repeat(900)));
    });
    open(capture, 80, &|tcp| {
        tcp.client(http::request("GET", "/", "")).server(http::sized(200, "h".repeat(800)));
    });
    let (now, own) = (capture.after(), capture.next_port());
    let (asker, resolver) = (SocketAddr::new(client, own), SocketAddr::new(server, 53));
    capture.udp(now, asker, resolver, &dns::query(7, "plc.example", 16));
    let text = [&[250_u8][..], &[b't'; 250]].concat();
    capture.udp(now + 900, resolver, asker, &dns::reply(7, "plc.example", 16, &[&text, &text, &text]));
    for (protocol, messages) in [("modbus", 4), ("mqtt", 3), ("http", 2), ("dns", 2)] {
        capture.truth.add(protocol, messages);
    }
    capture.truth.list("modbus.tid", [1, 1, 2, 2]);
    capture.truth.list("mqtt.topic", ["plant/a"]);
    capture.truth.list("http.status", [200]);
    capture.truth.list("dns.qname", ["plc.example", "plc.example"]);
}

/// Every frame goes through a function of [`wrap`].
macro_rules! wrapped {
    ($($name:ident: $wrap:expr;)*) => {$(
        fn $name(capture: &mut Capture) {
            capture.wrap = Some($wrap);
            everyday(capture);
        }
    )*};
}

wrapped! {
    frame_vlan: |frame| vec![wrap::tagged(frame, 0x8100, 7)];
    frame_vlan_priority_only: |frame| vec![wrap::tagged(frame, 0x8100, 0xe000)];
    frame_qinq: |frame| vec![wrap::tagged(&wrap::tagged(frame, 0x8100, 7), 0x88a8, 100)];
    frame_mpls: |frame| vec![wrap::mpls(frame)];
    frame_mpls_ethernet: |frame| vec![wrap::mpls_ethernet(frame)];
    frame_pppoe: |frame| vec![wrap::pppoe(frame)];
    frame_pbb: |frame| vec![wrap::pbb(frame)];
    frame_gre: |frame| vec![wrap::gre(frame)];
    frame_gre_in_gre: |frame| vec![wrap::gre(&wrap::gre(frame))];
    frame_gre_key_and_sequence: |frame| vec![wrap::gre_full(frame)];
    frame_erspan_1: |frame| vec![wrap::erspan_1(frame)];
    frame_erspan_2: |frame| vec![wrap::erspan_2(frame)];
    frame_erspan_3: |frame| vec![wrap::erspan_3(frame)];
    frame_vxlan: |frame| vec![wrap::vxlan(frame)];
    frame_geneve: |frame| vec![wrap::geneve(frame)];
    frame_ip_in_ip: |frame| vec![wrap::ip_in_ip(frame)];
    frame_ipv4_options: |frame| vec![wrap::ipv4_options(frame)];
    frame_ipv4_fragments: wrap::fragments;
    frame_ipv4_fragments_reversed: |frame| wrap::fragments(frame).into_iter().rev().collect();
    frame_ipv4_fragments_in_vlan:
        |frame| wrap::fragments(frame).iter().map(|piece| wrap::tagged(piece, 0x8100, 7)).collect();
    frame_ipv4_fragments_in_gre: |frame| wrap::fragments(frame).iter().map(|piece| wrap::gre(piece)).collect();
    frame_total_length_zero: |frame| vec![wrap::total_length_zero(frame)];
    frame_checksum_offload: |frame| vec![wrap::checksum_offload(frame)];
    frame_padding: |frame| vec![wrap::tagged(&[frame, &[0x55; 6]].concat(), 0x8100, 7)];
    frame_trailer: |frame| vec![[frame, &[0xa5; 40]].concat()];
}

fn frame_plain(capture: &mut Capture) {
    everyday(capture);
}

/// The usual two in IPv6.
const SIX: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2)),
];

fn six(capture: &mut Capture) {
    everyday_between(capture, SIX[0], SIX[1]);
}

fn frame_ipv6(capture: &mut Capture) {
    six(capture);
}

fn frame_6in4(capture: &mut Capture) {
    capture.wrap = Some(|frame| vec![wrap::ip_in_ip(frame)]);
    six(capture);
}

fn frame_ipv6_fragments(capture: &mut Capture) {
    capture.wrap = Some(wrap::fragments_6);
    six(capture);
}

fn frame_ipv6_atomic_fragment(capture: &mut Capture) {
    capture.wrap = Some(|frame| vec![wrap::atomic_fragment(frame)]);
    six(capture);
}

fn frame_ipv6_extension_headers(capture: &mut Capture) {
    capture.wrap = Some(|frame| vec![wrap::extension_headers(frame)]);
    six(capture);
}

/// A mirror port that tags by the VLAN of the port a packet came from: both directions are one flow.
fn frame_vlan_differs_by_direction(capture: &mut Capture) {
    // The last byte of the receiver's address tells the direction.
    capture.wrap = Some(|frame| vec![wrap::tagged(frame, 0x8100, 10 + u16::from(frame[5]))]);
    everyday(capture);
}

/// Every frame in another link layer.
fn on_link(capture: &mut Capture, link: u16, wrap: super::super::Wrap) {
    capture.form = Form::link(link);
    capture.wrap = Some(wrap);
    everyday(capture);
    capture.wrap = Some(wrap);
    six(capture);
}

fn frame_sll(capture: &mut Capture) {
    on_link(capture, 113, |frame| vec![wrap::sll(frame)]);
}

fn frame_sll2(capture: &mut Capture) {
    on_link(capture, 276, |frame| vec![wrap::sll2(frame)]);
}

fn frame_raw_ip(capture: &mut Capture) {
    on_link(capture, 101, |frame| vec![wrap::bare(frame)]);
}

/// The number that raw IP has on some systems.
fn frame_raw_ip_bsd(capture: &mut Capture) {
    on_link(capture, 12, |frame| vec![wrap::bare(frame)]);
}

/// The address family in the byte order of the machine that captured.
fn frame_null(capture: &mut Capture) {
    on_link(capture, 0, |frame| {
        vec![wrap::family(frame).to_le_bytes().into_iter().chain(wrap::bare(frame)).collect()]
    });
}

fn frame_loop(capture: &mut Capture) {
    on_link(capture, 108, |frame| {
        vec![wrap::family(frame).to_be_bytes().into_iter().chain(wrap::bare(frame)).collect()]
    });
}

/// Ethernet in microseconds, raw IP in nanoseconds.
fn frame_pcapng_two_interfaces(capture: &mut Capture) {
    capture.form = Form::Pcapng(vec![(ETHERNET, 6), (101, 9)]);
    everyday(capture);
    capture.interface = 1;
    capture.wrap = Some(|frame| vec![wrap::bare(frame)]);
    six(capture);
}

fn in_form(capture: &mut Capture, nanos: bool, big_endian: bool) {
    capture.form = Form::Pcap { link: ETHERNET, nanos, big_endian, snaplen: 65535 };
    everyday(capture);
}

fn frame_nanoseconds(capture: &mut Capture) {
    in_form(capture, true, false);
}

fn frame_big_endian(capture: &mut Capture) {
    in_form(capture, false, true);
}

fn frame_big_endian_nanoseconds(capture: &mut Capture) {
    in_form(capture, true, true);
}

/// Bodies are cut, heads are whole; each message is still seen, the next one too.
fn frame_snaplen(capture: &mut Capture) {
    capture.form = Form::Pcap { link: ETHERNET, nanos: false, big_endian: false, snaplen: 200 };
    everyday(capture);
    let mut tcp = Tcp::open(capture, 80);
    for status in [200, 404] {
        tcp.client(http::request("GET", "/", "")).server(http::sized(status, "h".repeat(900)));
        tcp.capture.truth.add("http", 2);
        tcp.capture.truth.list("http.status", [status]);
    }
    tcp.close();
}

/// Each packet twice, as ports mirrored on both sides of a switch give it.
fn frame_mirrored(capture: &mut Capture) {
    capture.wrap = Some(|frame| vec![frame.to_vec(), frame.to_vec()]);
    everyday(capture);
}

fn frame_mirrored_with_vlan(capture: &mut Capture) {
    capture.mirror = Some(20);
    everyday(capture);
    capture.mirror = None;
    // A segment that is really sent twice has another IP id, and is no copy.
    let mut tcp = Tcp::open(capture, 502);
    let request = modbus::adu(9, 1, modbus::two(3, 0, 2));
    tcp.client(&request).repeat(Side::Client, request.len() as u32, &request);
    tcp.server(modbus::adu(9, 1, modbus::data(3, [0, 1, 0, 2]))).close();
    capture.truth.add("modbus", 2);
    capture.truth.list("modbus.tid", [9, 9]);
    // Nor are two questions of the same words.
    let (asker, resolver) = (SocketAddr::new(CLIENT, 40000), SocketAddr::new(SERVER, 53));
    let now = capture.after();
    for later in [0, 1_000_000] {
        capture.udp(now + later, asker, resolver, &dns::query(7, "plc.example", 1));
        capture.truth.one("dns");
        capture.truth.list("dns.qname", ["plc.example"]);
    }
}
