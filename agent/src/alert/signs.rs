//! Signs: what the findings of an incident show, as counts of different things, and how fast it went.
//! From them the technique is named and the title written. A sign is a variant and its lines in
//! [`READ`].

use super::weigh::about;
use crate::detect::Finding;
use crate::flow::Addr;
use crate::window::{ASSET_SECONDS, Window, hash};

/// Something that findings show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Link,
    Impersonation,
    Function,
    Read,
    Place,
    Write,
    CoilWrite,
    Zero,
    Identify,
    Diagnose,
    FileRead,
    FileWrite,
    Vendor,
    NoFunction,
    NoPlace,
    NoUnit,
    MqttClient,
    TakenName,
    Publish,
    ForeignTopic,
    Subscribe,
    WideSubscribe,
    Domain,
    LongName,
    Page,
    FirmwarePage,
    OddPage,
    Refusal,
    Locked,
    Program,
}

/// A finding of this kind whose sentence holds one of these texts (any, if none is given) shows the sign.
struct Reading(Sign, &'static str, &'static [&'static str]);

const READ: &[Reading] = &[
    Reading(Sign::Link, "link", &[]),
    Reading(Sign::Impersonation, "impersonation", &[]),
    Reading(Sign::Function, "modbus function", &[]),
    Reading(Sign::Read, "modbus function", &["(1)", "(2)", "(3)", "(4)"]),
    Reading(Sign::Identify, "modbus function", &["(43)", "(17)"]),
    Reading(Sign::Diagnose, "modbus function", &["(8)"]),
    Reading(Sign::FileRead, "modbus function", &["(20)"]),
    Reading(Sign::FileWrite, "modbus function", &["(21)"]),
    Reading(Sign::Vendor, "modbus function", &["(90)", "unassigned", "user_defined", "user-defined"]),
    Reading(Sign::Place, "modbus place", &[]),
    Reading(Sign::Write, "modbus value", &[]),
    Reading(Sign::CoilWrite, "modbus value", &["wrote coil"]),
    Reading(Sign::Zero, "modbus value", &[" = 0;"]),
    Reading(Sign::NoFunction, "modbus exception", &["exception 1 "]),
    Reading(Sign::NoPlace, "modbus exception", &["exception 2 "]),
    Reading(Sign::NoUnit, "modbus exception", &["exception 10 ", "exception 11 "]),
    Reading(Sign::MqttClient, "mqtt client", &[]),
    Reading(Sign::TakenName, "mqtt client", &["until now only"]),
    Reading(Sign::Publish, "mqtt publish", &[]),
    Reading(Sign::ForeignTopic, "mqtt publish", &["until now only"]),
    Reading(Sign::Subscribe, "mqtt subscribe", &[]),
    Reading(Sign::WideSubscribe, "mqtt subscribe", &["#", "+"]),
    Reading(Sign::Domain, "dns domain", &[]),
    Reading(Sign::LongName, "dns name length", &[]),
    Reading(Sign::Page, "http page", &[]),
    Reading(Sign::FirmwarePage, "http page", &["/firmware", "/upgrade", "/update"]),
    Reading(Sign::OddPage, "http page", &["..", "%2e", "%27", "'", "%3c", "<", "/etc/", "passwd"]),
    Reading(Sign::Refusal, "http refusal", &[]),
    Reading(Sign::Locked, "http refusal", &["status 401", "status 403"]),
    Reading(Sign::Program, "http program", &[]),
];

const COUNT: usize = Sign::Program as usize + 1;

/// The signs of an incident.
#[derive(Debug, Default)]
pub struct Signs {
    counts: [u32; COUNT],
    /// What was counted, so that the same thing is not counted twice.
    seen: hashbrown::HashSet<u64, foldhash::fast::FixedState>,
    /// The most in one second, of whoever did it.
    pub peak: Peak,
}

/// How fast it went: messages a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peak {
    pub attempts: u32,
    pub requests: u32,
    pub writes: u32,
    pub connects: u32,
    pub publishes: u32,
    pub pages: u32,
}

impl Signs {
    /// How many different things show this sign.
    pub const fn of(&self, sign: Sign) -> u32 {
        self.counts[sign as usize]
    }

    /// Whether one function after the other was tried.
    pub const fn is_sweep(&self) -> bool {
        self.of(Sign::Function) >= 15 && self.of(Sign::NoFunction) >= 8
    }

    /// A finding; whether it tells something that was not told before.
    pub fn read(&mut self, finding: &Finding) -> bool {
        let about = hash(about(&finding.evidence).as_bytes()) ^ hash(finding.kind.as_bytes());
        if self.seen.contains(&about) {
            return false;
        }
        if self.seen.len() < MOST_SEEN {
            self.seen.insert(about);
        }
        let lower = finding.evidence.to_ascii_lowercase();
        for Reading(sign, kind, words) in READ {
            if finding.kind == *kind && (words.is_empty() || words.iter().any(|word| lower.contains(word))) {
                self.counts[*sign as usize] += 1;
            }
        }
        true
    }

    /// How fast someone goes in the seconds around this one.
    pub fn measure(&mut self, actor: Addr, second: u64, window: &Window) {
        let bucket = window.of(actor, second);
        let rate = |count: u32| count.div_ceil(ASSET_SECONDS as u32);
        let peak = &mut self.peak;
        for (most, count) in [
            (&mut peak.attempts, bucket.traffic.syn),
            (&mut peak.requests, bucket.modbus.requests),
            (&mut peak.writes, bucket.modbus.writes),
            (&mut peak.connects, bucket.mqtt.connects),
            (&mut peak.publishes, bucket.mqtt.publishes),
            (&mut peak.pages, bucket.http.requests),
        ] {
            *most = (*most).max(rate(count));
        }
    }
}

/// Different things that are counted exactly in one incident; beyond, repetitions are counted too.
const MOST_SEEN: usize = 2048;
