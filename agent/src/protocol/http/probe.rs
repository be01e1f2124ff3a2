//! Whether a flow speaks HTTP: a method or a version at the front; away from the usual ports the whole
//! first line must fit.

use super::head::{self, Start};
use super::search;
use crate::flow::Transport;
use crate::protocol::{Probe, Search, Sender, Verdict};

pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    let bytes = probe.bytes.trim_ascii_start();
    if probe.transport == Transport::Udp {
        // A datagram is all there is: its first line must fit.
        return if memchr::memchr(b'\n', bytes).is_some() { first_line(bytes, false) } else { Verdict::No };
    }
    if bytes.is_empty() {
        return if probe.bytes.is_empty() { Verdict::More } else { Verdict::No };
    }
    if head::may_begin(bytes) {
        // A capture that begins in the middle proves nothing by a few letters.
        let verdict = first_line(bytes, probe.usual_port && probe.start);
        if verdict != Verdict::No {
            return verdict;
        }
    }
    // In the middle of a connection a message may begin behind the rest of another.
    if !probe.start && probe.usual_port {
        if matches!(search::response(probe.bytes), Search::At(_)) {
            return Verdict::Yes(Sender::Server);
        }
        if matches!(search::request(probe.bytes), Search::At(_)) {
            return Verdict::Yes(Sender::Client);
        }
    }
    Verdict::No
}

fn first_line(bytes: &[u8], usual_port: bool) -> Verdict {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return match bytes.len() < LONGEST_FIRST_LINE {
            _ if usual_port && bytes.starts_with(b"HTTP/1.") => Verdict::Yes(Sender::Server),
            _ if usual_port && known_method(bytes) => Verdict::Yes(Sender::Client),
            true => Verdict::More,
            false => Verdict::No,
        };
    };
    let line = bytes.get(..end).unwrap_or_default();
    match head::start_line(line.strip_suffix(b"\r").unwrap_or(line)) {
        Some(Start::Request { version: Some(version), .. }) if version.starts_with(b"1.") || usual_port => {
            Verdict::Yes(Sender::Client)
        }
        Some(Start::Request { version: None, .. }) if usual_port => Verdict::Yes(Sender::Client),
        Some(Start::Response { version, status, .. })
            if version.starts_with(b"1.") && (status.is_some() || usual_port) =>
        {
            Verdict::Yes(Sender::Server)
        }
        _ => Verdict::No,
    }
}

fn known_method(bytes: &[u8]) -> bool {
    memchr::memchr(b' ', bytes).and_then(|space| bytes.get(..space)).is_some_and(search::is_method)
}

/// A first line is waited for so long: longer targets are known by their method on usual ports.
const LONGEST_FIRST_LINE: usize = 2048;
