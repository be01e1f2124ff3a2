//! Connections played to the flow layer, judged by the events that come out.

use fieldward_shared::time::Timestamp;

use super::{Addr, FlowLimits, Flows};
use crate::frame::{Datagram, Frame, Payload, Segment};
use crate::json;
use crate::protocol::{ProtocolEvent, Sink};

const S: u8 = 0x02;
const A: u8 = 0x10;
const SA: u8 = 0x12;
const PA: u8 = 0x18;
const FA: u8 = 0x11;
const R: u8 = 0x04;

#[derive(Default)]
struct Events(Vec<serde_json::Value>);

impl Sink for Events {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        let mut line = Vec::new();
        json::event(&mut line, event);
        self.0.push(serde_json::from_slice(&line).expect("an event is JSON"));
    }
}

/// Two hosts: `c` sends from 10.0.0.1, `s` from 10.0.0.2.
struct Lab {
    flows: Flows,
    events: Events,
    now: Timestamp,
    ports: (u16, u16),
}

impl Lab {
    fn new(limits: FlowLimits) -> Self {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        Self { flows: Flows::new(limits), events: Events::default(), now, ports: (40_000, 4_000) }
    }

    fn tcp(&mut self, from_client: bool, flags: u8, seq: u32, data: &[u8]) -> &mut Self {
        self.acked(from_client, flags, seq, 0, data)
    }

    fn acked(&mut self, from_client: bool, flags: u8, seq: u32, ack: u32, data: &[u8]) -> &mut Self {
        self.now = self.now.plus(1_000);
        let (sport, dport) = if from_client { self.ports } else { (self.ports.1, self.ports.0) };
        let payload = Payload::Tcp(Segment { sport, dport, seq, ack, flags, data, cut: 0 });
        self.frame(from_client, payload, 40 + data.len() as u32)
    }

    fn udp(&mut self, from_client: bool, data: &[u8]) -> &mut Self {
        self.now = self.now.plus(1_000);
        let (sport, dport) = if from_client { self.ports } else { (self.ports.1, self.ports.0) };
        let payload = Payload::Udp(Datagram { sport, dport, data, cut: 0 });
        self.frame(from_client, payload, 28 + data.len() as u32)
    }

    fn frame(&mut self, from_client: bool, payload: Payload<'_>, ip_len: u32) -> &mut Self {
        let (client, server) = (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 2]));
        let (src, dst) = if from_client { (client, server) } else { (server, client) };
        let frame = Frame { src, dst, macs: None, vlan: None, ip_len, payload };
        self.flows.frame(self.now, &frame, &mut self.events);
        self
    }

    fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.plus(seconds * 1_000_000);
        self
    }

    fn open(&mut self) -> &mut Self {
        self.tcp(true, S, 99, b"").acked(false, SA, 499, 100, b"").acked(true, A, 100, 500, b"")
    }

    fn end(&mut self) -> Vec<serde_json::Value> {
        self.flows.finish(&mut self.events);
        assert_eq!(self.flows.alive(), 0);
        std::mem::take(&mut self.events.0)
    }

    /// Ends the capture; the only `conn` record.
    fn conn(&mut self) -> serde_json::Value {
        let mut conns: Vec<_> = self.end().into_iter().filter(|event| event["proto"] == "conn").collect();
        assert_eq!(conns.len(), 1, "{conns:?}");
        conns.remove(0)
    }
}

fn lab() -> Lab {
    Lab::new(FlowLimits::default())
}

#[test]
fn a_whole_connection_is_summed_up() {
    let conn = lab()
        .open()
        .acked(true, PA, 100, 500, b"hello")
        .acked(false, PA, 500, 105, b"hi")
        .acked(true, FA, 105, 502, b"")
        .acked(false, FA, 502, 106, b"")
        .acked(true, A, 106, 503, b"")
        .conn();
    assert_eq!(conn["state"], "closed");
    assert_eq!(conn["history"], "ShADdFf");
    assert_eq!((conn["orig_pkts"].as_u64(), conn["resp_pkts"].as_u64()), (Some(5), Some(3)));
    assert_eq!((conn["orig_payload"].as_u64(), conn["resp_payload"].as_u64()), (Some(5), Some(2)));
    assert_eq!((conn["orig_bytes"].as_u64(), conn["resp_bytes"].as_u64()), (Some(205), Some(122)));
    assert_eq!(conn["src"], "10.0.0.1");
    assert_eq!(conn["duration"], 0.007);
}

#[test]
fn states_say_how_a_connection_went() {
    let state = |lab: &mut Lab| lab.conn()["state"].as_str().map(str::to_owned).expect("a state");
    assert_eq!(state(lab().open()), "established");
    assert_eq!(state(lab().tcp(true, S, 99, b"")), "half-open");
    assert_eq!(state(lab().tcp(true, S, 99, b"").tcp(false, SA, 499, b"")), "half-open");
    assert_eq!(state(lab().tcp(true, S, 99, b"").tcp(false, R | A, 0, b"")), "refused");
    assert_eq!(state(lab().open().tcp(true, R, 100, b"")), "reset");
    assert_eq!(state(lab().tcp(true, PA, 100, b"x").tcp(false, PA, 500, b"y")), "midstream");
    assert_eq!(state(lab().tcp(true, PA, 100, b"x").tcp(true, PA, 101, b"y")), "one-sided");
    assert_eq!(state(lab().udp(true, b"x")), "unanswered");
    assert_eq!(state(lab().udp(true, b"x").udp(false, b"y")), "established");
}

#[test]
fn who_opened_is_known_from_an_answer_alone() {
    let conn = lab().tcp(false, SA, 499, b"").tcp(true, A, 100, b"").conn();
    assert_eq!((conn["src"].as_str(), conn["orig_pkts"].as_u64()), (Some("10.0.0.1"), Some(1)));
}

#[test]
fn a_lost_segment_is_told_after_its_patience() {
    let mut lab = lab();
    lab.open().tcp(true, PA, 100, b"aaaa").tcp(true, PA, 110, b"bbbb");
    assert!(lab.events.0.is_empty(), "the hole may still be filled");
    lab.wait(4).tcp(true, A, 114, b"");
    assert_eq!(lab.events.0[0]["kind"], "gap");
    assert_eq!(lab.events.0[0]["missed_bytes"], 6);
    let conn = lab.conn();
    assert_eq!(conn["missed_bytes"], 6);
    assert_eq!(conn["history"], "ShADG");
}

#[test]
fn an_acknowledged_hole_is_given_up_sooner() {
    let mut lab = lab();
    lab.open().tcp(true, PA, 110, b"bbbb").acked(false, A, 500, 114, b"");
    lab.now = lab.now.plus(200_000);
    lab.acked(false, A, 500, 114, b"");
    assert_eq!(lab.events.0[0]["kind"], "gap");
}

#[test]
fn late_and_repeated_segments_lose_nothing() {
    let mut lab = lab();
    lab.open().tcp(true, PA, 104, b"bbbb").tcp(true, PA, 100, b"aaaa").tcp(true, PA, 100, b"aaaa");
    let conn = lab.conn();
    assert_eq!((conn["missed_bytes"].as_u64(), conn["retransmissions"].as_u64()), (Some(0), Some(1)));
}

#[test]
fn other_bytes_in_the_same_place_are_an_event() {
    let events = lab().open().tcp(true, PA, 100, b"aaaa").tcp(true, PA, 100, b"aaXa").end();
    assert_eq!(events[0]["kind"], "overlap");
    assert_eq!(events[0]["overlap_bytes"], 4);
    assert_ne!(events[0]["first_digest"], events[0]["second_digest"]);
    let early = lab().open().tcp(true, PA, 104, b"bbbb").tcp(true, PA, 104, b"bXbb").end();
    assert_eq!(early[0]["kind"], "overlap");
}

#[test]
fn a_keep_alive_is_no_retransmission() {
    let conn = lab().open().tcp(true, PA, 100, b"aaaa").tcp(true, A, 103, b"a").conn();
    assert_eq!(conn["retransmissions"], 0);
}

#[test]
fn a_forged_far_segment_does_not_move_the_stream() {
    let far = 100 + (64 << 20);
    let conn =
        lab().open().tcp(true, PA, 100, b"aa").tcp(true, PA, far, b"zz").tcp(true, PA, 102, b"bb").conn();
    assert_eq!((conn["missed_bytes"].as_u64(), conn["history"].as_str()), (Some(0), Some("ShAD")));
}

#[test]
fn a_long_loss_is_followed_once_two_segments_agree() {
    let far = 100 + (64 << 20);
    let conn =
        lab().open().tcp(true, PA, 100, b"aa").tcp(true, PA, far, b"zz").tcp(true, PA, far + 2, b"yy").conn();
    assert_eq!(conn["missed_bytes"], far as u64 - 102 + 2);
}

#[test]
fn the_same_ports_again_are_a_new_flow() {
    let mut lab = lab();
    lab.open().tcp(true, R, 100, b"").tcp(true, S, 77_000, b"").tcp(false, R | A, 0, b"");
    let states: Vec<_> = lab.end().iter().map(|event| event["state"].clone()).collect();
    assert_eq!(states, ["reset", "refused"]);
    let mut lab = self::lab();
    lab.open().tcp(true, S, 99, b"");
    assert_eq!(lab.conn()["retransmissions"], 1);
}

#[test]
fn a_full_table_lets_half_open_flows_go_first() {
    let mut lab = Lab::new(FlowLimits { flows: 3, ..FlowLimits::default() });
    lab.open();
    for port in 1..=20 {
        lab.ports = (50_000, port);
        lab.tcp(true, S, 0, b"");
        assert!(lab.flows.alive() <= 3);
    }
    lab.ports = (40_000, 4_000);
    lab.tcp(true, PA, 100, b"still here");
    assert_eq!(lab.flows.counts().evicted_flows, 18);
    let events = lab.end();
    let open: Vec<_> = events.iter().filter(|event| event["state"] == "established").collect();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["orig_payload"], 10);
}

#[test]
fn idle_flows_end_in_packet_time() {
    let mut lab = lab();
    lab.udp(true, b"x").wait(30).udp(true, b"x").wait(45);
    lab.ports.0 = 40_001;
    lab.udp(true, b"x");
    assert_eq!(lab.flows.alive(), 2, "it was active 45 seconds ago");
    lab.wait(30).udp(true, b"x");
    assert_eq!(lab.flows.alive(), 1);
    assert_eq!(lab.events.0[0]["orig_pkts"], 2);
}

#[test]
fn a_clock_that_is_set_back_ends_nothing() {
    let mut lab = lab();
    lab.open();
    lab.now = Timestamp::from_micros(1_000_000);
    lab.tcp(true, PA, 100, b"x");
    assert_eq!((lab.flows.alive(), lab.flows.counts().clock_set_back), (1, 1));
    assert_eq!(lab.conn()["orig_payload"], 1);
}

#[test]
fn what_waits_behind_holes_is_bounded() {
    let mut lab = Lab::new(FlowLimits { reorder_bytes: 1000, ..FlowLimits::default() });
    lab.open();
    for piece in 0..100_u32 {
        lab.tcp(true, PA, 200 + piece * 200, &[0; 100]);
    }
    assert!(lab.flows.counts().reorder_full > 0);
    assert_eq!(lab.conn()["orig_payload"], 10_000);
}

#[test]
fn flow_ids_are_the_same_in_every_replay() {
    let id = || lab().open().conn()["conn"].clone();
    assert_eq!(id(), id());
}
