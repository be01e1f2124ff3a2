//! Certificates of an operator's own authority. A rule says where in them the facility stands; the agent's
//! id is made from the whole name, so it stays the same when the certificate is renewed.

use std::path::PathBuf;
use std::sync::Arc;

use fieldward_shared::identity::{AgentName, IdentityError, Leaf};
use fieldward_shared::pki::{self, Stamp};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use uuid::Uuid;

use super::CaError;
use super::verifier::chains;

/// Where in a certificate the facility stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    from: From,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Uri,
    CommonName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Facility,
    Agent,
}

/// What is wrong with a rule.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{rule}\": {what}; write it like uri:spiffe://example.org/plant/{{facility}}/{{agent}} or cn:{{facility}}.agents.example.org"
)]
pub struct RuleError {
    rule: String,
    what: &'static str,
}

impl std::str::FromStr for Rule {
    type Err = RuleError;

    fn from_str(rule: &str) -> Result<Self, RuleError> {
        let wrong = |what| RuleError { rule: rule.to_owned(), what };
        let (from, pattern) = match rule.split_once(':') {
            Some(("uri", pattern)) => (From::Uri, pattern),
            Some(("cn", pattern)) => (From::CommonName, pattern),
            _ => return Err(wrong("it begins with neither uri: nor cn:")),
        };
        let mut pieces = Vec::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(wrong("a brace is not closed"))?;
            if before.is_empty() && !pieces.is_empty() {
                return Err(wrong("something must stand between two names"));
            }
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(match name {
                "facility" => Piece::Facility,
                "agent" => Piece::Agent,
                _ => return Err(wrong("only {facility} and {agent} may stand in braces")),
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        let count = |piece: &Piece| pieces.iter().filter(|other| *other == piece).count();
        if count(&Piece::Facility) != 1 || count(&Piece::Agent) > 1 {
            return Err(wrong("{facility} stands in it once, {agent} at most once"));
        }
        Ok(Self { from, pieces })
    }
}

impl Rule {
    /// The agent of a certificate.
    pub fn name(&self, leaf: &Leaf) -> Result<AgentName, IdentityError> {
        let candidates: Vec<&str> = match self.from {
            From::Uri => leaf.uris.iter().map(String::as_str).collect(),
            From::CommonName => leaf.common_name.iter().map(String::as_str).collect(),
        };
        let mut fitting = candidates.iter().filter_map(|text| Some((text, self.facility(text)?)));
        match (fitting.next(), fitting.next()) {
            (Some((text, facility)), None) => {
                AgentName::new(facility, Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes()))
            }
            _ => Err(IdentityError::Name(candidates.join(" "))),
        }
    }

    /// The facility in a name that fits.
    fn facility<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut rest = text;
        let mut facility = None;
        for (at, piece) in self.pieces.iter().enumerate() {
            if let Piece::Text(text) = piece {
                rest = rest.strip_prefix(text.as_str())?;
                continue;
            }
            let end = match self.pieces.get(at.saturating_add(1)) {
                Some(Piece::Text(next)) => rest.find(next.as_str())?,
                _ => rest.len(),
            };
            let (value, after) = rest.split_at(end);
            if value.is_empty() || value.contains('/') {
                return None;
            }
            if *piece == Piece::Facility {
                facility = Some(value);
            }
            rest = after;
        }
        facility.filter(|_| rest.is_empty())
    }
}

/// Where an operator's authority is described.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its roots, in PEM.
    pub roots: PathBuf,
    /// Its lists of revoked certificates, in PEM, when it has any.
    pub revoked: Option<PathBuf>,
    /// Where in its certificates the facility stands.
    pub rule: Rule,
}

/// An operator's authority.
#[derive(Clone)]
pub struct Operator {
    chains: Arc<dyn ClientCertVerifier>,
    rule: Rule,
}

impl Source {
    /// Reads it. Whoever gives lists of revoked certificates gives one of each authority that issues to
    /// agents: a certificate of which no list speaks is refused.
    pub fn open(&self) -> Result<Operator, CaError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let revoked = self.revoked.as_deref().map(pki::revocations).transpose()?;
        let chains = chains(pki::certificates(&self.roots)?, revoked.unwrap_or_default(), &provider)?;
        // There is at least one root in such a file.
        let chains = chains.ok_or(IdentityError::Certificate("there is none"))?;
        Ok(Operator { chains, rule: self.rule.clone() })
    }

    /// By which it is noticed that it has changed.
    pub fn stamp(&self) -> Stamp {
        Stamp::of([Some(self.roots.as_path()), self.revoked.as_deref()].into_iter().flatten())
    }
}

impl Operator {
    /// Whether its roots vouch for a certificate, now.
    pub fn vouch(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        self.chains.verify_client_cert(certificate, intermediates, now).map(drop)
    }

    /// The agent of a certificate.
    pub fn name(&self, leaf: &Leaf) -> Result<AgentName, IdentityError> {
        self.rule.name(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(rule: &str, uris: &[&str], common_name: &str) -> Option<String> {
        let leaf = Leaf {
            uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
            common_name: Some(common_name.to_owned()),
            ..Leaf::default()
        };
        rule.parse::<Rule>().unwrap().name(&leaf).ok().map(|name| name.facility)
    }

    #[test]
    fn the_facility_stands_where_the_rule_says() {
        let uri = "uri:spiffe://example.org/plant/{facility}/agent/{agent}";
        assert_eq!(name(uri, &["spiffe://example.org/plant/north/agent/7"], "").as_deref(), Some("north"));
        for wrong in [
            "spiffe://example.org/plant/north/agent/",
            "spiffe://example.org/plant//agent/7",
            "spiffe://example.org/plant/north/agent/7/x",
            "spiffe://example.org/plant/North/agent/7",
            "spiffe://elsewhere.org/plant/north/agent/7",
            "x spiffe://example.org/plant/north/agent/7",
        ] {
            assert_eq!(name(uri, &[wrong], ""), None, "{wrong}");
        }
        let both = ["spiffe://example.org/plant/a/agent/7", "spiffe://example.org/plant/b/agent/7"];
        assert_eq!(name(uri, &both, ""), None, "which of the two?");
        let cn = "cn:{facility}.agents.example.org";
        assert_eq!(name(cn, &[], "west.agents.example.org").as_deref(), Some("west"));
        assert_eq!(name(cn, &[], "west.agents.example.org.evil"), None);
        assert_eq!(name(cn, &["west.agents.example.org"], ""), None);
    }

    #[test]
    fn two_agents_of_one_facility_differ_and_stay_who_they_are() {
        let rule: Rule = "uri:x://{facility}/{agent}".parse().unwrap();
        let of = |uri: &str| rule.name(&Leaf { uris: vec![uri.into()], ..Leaf::default() }).unwrap();
        assert_ne!(of("x://a/1").agent, of("x://a/2").agent);
        assert_ne!(of("x://a/1").agent, of("x://b/1").agent);
        assert_eq!(of("x://a/1"), of("x://a/1"));
    }

    #[test]
    fn rules_that_say_nothing_are_refused() {
        for wrong in [
            "",
            "uri:",
            "cn:x",
            "dns:{facility}",
            "cn:{facility",
            "cn:{plant}",
            "cn:{facility}{agent}",
            "cn:{facility}.{facility}",
        ] {
            assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
        }
    }
}
