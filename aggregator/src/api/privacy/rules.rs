//! Replaces what leads to hosts and people in a text by names that mean nothing outside it: the same thing by the
//! same name, so that a text can still be followed.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::hmac;
use fieldward_shared::identity::to_hex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PrivacyRule)]
pub enum Rule {
    /// Addresses of IPv4.
    Ipv4,
    /// Addresses of IPv6.
    Ipv6,
    /// Addresses of network cards.
    Mac,
    /// Addresses of people.
    Email,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ipv4, Self::Ipv6, Self::Mac, Self::Email];

    /// As names of it begin.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Mac => "mac",
            Self::Email => "email",
        }
    }
}

/// A text without what was in it, and how much of what that was.
pub fn pseudonymise(text: &str, rules: &[Rule], key: &[u8]) -> (String, BTreeMap<&'static str, u64>) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut counts: BTreeMap<&'static str, u64> = rules.iter().map(|rule| (rule.name(), 0)).collect();
    let mut out = String::with_capacity(text.len());
    let is_part = |letter: char| letter.is_alphanumeric() || ".:@_-+%".contains(letter);
    for piece in text.split_inclusive(|letter| !is_part(letter)) {
        let word = piece.trim_end_matches(|letter| !is_part(letter));
        // A sentence may end with it.
        let core = word.trim_end_matches(['.', ':', '-']);
        match named(core).filter(|(rule, _)| rules.contains(rule)) {
            Some((rule, rest)) => {
                *counts.entry(rule.name()).or_default() += 1;
                let (known, behind) = core.split_at(core.len() - rest);
                let tag = hmac::sign(&key, format!("{} {}", rule.name(), known.to_lowercase()).as_bytes());
                out.push_str(&format!("{}-{}", rule.name(), to_hex(&tag.as_ref()[..6])));
                out.push_str(behind);
                out.push_str(&piece[core.len()..]);
            }
            None => out.push_str(piece),
        }
    }
    (out, counts)
}

/// What a word is, and how many bytes at its end do not belong to it: a port.
fn named(word: &str) -> Option<(Rule, usize)> {
    let of = |address: IpAddr| if address.is_ipv4() { Rule::Ipv4 } else { Rule::Ipv6 };
    if is_card(word) {
        return Some((Rule::Mac, 0));
    }
    if let Ok(address) = word.parse::<IpAddr>() {
        return Some((of(address), 0));
    }
    if let Ok(SocketAddr::V4(_)) = word.parse::<SocketAddr>() {
        let port = word.rsplit(':').next().map_or(0, |port| port.len() + 1);
        return Some((Rule::Ipv4, port));
    }
    let (name, host) = word.split_once('@')?;
    let is_mail = !name.is_empty() && host.contains('.') && !host.contains('@') && !host.starts_with('.');
    is_mail.then_some((Rule::Email, 0))
}

/// `00:1d:9c:c0:ff:ee`, or with dashes.
fn is_card(word: &str) -> bool {
    ['-', ':'].iter().any(|between| {
        let parts: Vec<&str> = word.split(*between).collect();
        parts.len() == 6
            && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|c| c.is_ascii_hexdigit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_hosts_and_people_is_gone_and_the_rest_stays() {
        let text = "10.0.0.9 wrote to 10.0.0.1:502, then 10.0.0.9. Card 00:1D:9C:C0:FF:EE, ask kim@plant.example; \
                    fe80::1 (T0846) at 12:30:00, version 1.2.3, 10.0.0.999";
        let (out, counts) = pseudonymise(text, &Rule::ALL, b"key");
        assert_eq!(counts, BTreeMap::from([("email", 1), ("ipv4", 3), ("ipv6", 1), ("mac", 1)]));
        for gone in ["10.0.0.9 ", "10.0.0.1:", "00:1D", "kim", "fe80"] {
            assert!(!out.contains(gone), "{gone} in {out}");
        }
        for stays in [
            "wrote to ipv4-",
            ":502, then ipv4-",
            ". Card mac-",
            "(T0846) at 12:30:00, version 1.2.3, 10.0.0.999",
        ] {
            assert!(out.contains(stays), "{stays} not in {out}");
        }
        let words: Vec<&str> = out.split_whitespace().collect();
        assert_eq!(format!("{}.", words[0]), words[5], "the same has the same name");
        let (other, _) = pseudonymise(text, &Rule::ALL, b"other");
        assert_ne!(out, other, "and another one elsewhere");
        let (some, counts) = pseudonymise(text, &[Rule::Mac], b"key");
        assert!(some.contains("10.0.0.9 wrote") && !some.contains("00:1D") && counts.len() == 1);
        for odd in ["", " ", "@", "a@b", ":::", "ä.ö", "....", "1.2.3.4..."] {
            let (out, _) = pseudonymise(odd, &Rule::ALL, b"key");
            assert_eq!(out.contains("ipv4-"), odd.starts_with('1'), "{odd}: {out}");
        }
    }
}
