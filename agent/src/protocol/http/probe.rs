//! Whether the first bytes of a flow are HTTP: on its own ports a method is enough, elsewhere the
//! whole first line must be right.

use super::search::{self, Follow};
use crate::flow::Transport;
use crate::protocol::{Probe, Search, Sender, Verdict};

pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.transport == Transport::Udp {
        // A datagram is all there is: its first line must fit.
        let verdict = first_line(probe.bytes, false);
        return if verdict == Verdict::More { Verdict::No } else { verdict };
    }
    let empty = probe.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let bytes = probe.bytes.get(empty..).unwrap_or_default();
    let verdict = first_line(bytes, probe.usual_port);
    if probe.start || verdict != Verdict::No {
        return verdict;
    }
    // In the middle of a message: the next one may be in sight.
    match (search::request(bytes), search::response(bytes)) {
        (Search::At(_), _) => Verdict::Yes(Sender::Client),
        (_, Search::At(_)) => Verdict::Yes(Sender::Server),
        _ if probe.usual_port => Verdict::More,
        _ => Verdict::No,
    }
}

fn first_line(bytes: &[u8], usual_port: bool) -> Verdict {
    if bytes.is_empty() || b"HTTP/".starts_with(bytes) {
        return Verdict::More;
    }
    if bytes.starts_with(b"HTTP/") {
        let pattern: &[u8] = if usual_port { b"HTTP/#" } else { b"HTTP/#.# ###" };
        return match search::follow(bytes, pattern) {
            Follow::No => Verdict::No,
            Follow::Part => Verdict::More,
            Follow::Rest(_) => Verdict::Yes(Sender::Server),
        };
    }
    let method = bytes.iter().take_while(|byte| matches!(byte, b'A'..=b'Z' | b'-' | b'_')).count();
    let (method, rest) = bytes.split_at_checked(method).unwrap_or_default();
    match rest {
        _ if method.is_empty() || method.len() > search::LONGEST_METHOD => Verdict::No,
        [] => Verdict::More,
        [b' ', ..] if usual_port && search::is_method(method) => Verdict::Yes(Sender::Client),
        [b' ', rest @ ..] => rest_of_request_line(rest),
        _ => Verdict::No,
    }
}

/// `target SP HTTP/1.x` and the end of the line. Spaces in the target are no reason to doubt.
fn rest_of_request_line(bytes: &[u8]) -> Verdict {
    let window = bytes.get(..search::LONGEST_LINE).unwrap_or(bytes);
    let Some(end) = window.iter().position(|byte| *byte < b' ') else {
        return if window.len() < search::LONGEST_LINE { Verdict::More } else { Verdict::No };
    };
    let (line, rest) = window.split_at_checked(end).unwrap_or_default();
    let version = line.last_chunk::<9>().filter(|_| line.len() > 9);
    match (version, rest) {
        (Some([b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'0'..=b'9']), rest) => match rest {
            [b'\n', ..] | [b'\r', b'\n', ..] => Verdict::Yes(Sender::Client),
            [b'\r'] => Verdict::More,
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}
