//! Who is who on the link: names of agents, what a certificate says of its holder, and the fingerprint of a
//! key as people compare it. Only certificates name an agent; nothing in a message does.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

/// The name by which agents know the aggregator, whatever its address is.
pub const AGGREGATOR: &str = "aggregator.fieldward.internal";

/// Longest certificate that is looked at.
pub const LONGEST_CERTIFICATE: usize = 16 << 10;

/// How an agent's URI begins.
const PREFIX: &str = "spiffe://fieldward/facility/";

/// What is wrong with a name, a fingerprint or a certificate.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// Not the URI of an agent.
    #[error("\"{}\" names no agent; it is {PREFIX}<facility>/agent/<uuid>", shown(.0))]
    Name(String),
    /// Not the URI of anybody who has a certificate of ours.
    #[error("\"{}\" names nobody; it is {PREFIX}<facility>/agent/<uuid>, or /simulator/<uuid>", shown(.0))]
    Holder(String),
    /// Not a facility's name.
    #[error("\"{}\" is no facility; use up to 64 of a-z, 0-9, - and _", shown(.0))]
    Facility(String),
    /// Not the fingerprint of a key.
    #[error("\"{}\" is no fingerprint; it is sha256: and 64 hexadecimal digits", shown(.0))]
    Pin(String),
    /// Not a certificate.
    #[error("this is no certificate: {0}")]
    Certificate(&'static str),
}

/// Text from outside, short enough to be shown.
fn shown(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// An agent, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentName {
    /// The plant.
    pub facility: String,
    /// Given by the aggregator at enrolment.
    pub agent: Uuid,
}

impl AgentName {
    /// The agent of a facility.
    pub fn new(facility: &str, agent: Uuid) -> Result<Self, IdentityError> {
        check_facility(facility)?;
        Ok(Self { facility: facility.to_owned(), agent })
    }
}

/// Whether a text may be the name of a facility.
pub fn check_facility(facility: &str) -> Result<(), IdentityError> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    if (1..=64).contains(&facility.len()) && facility.bytes().all(plain) {
        return Ok(());
    }
    Err(IdentityError::Facility(facility.to_owned()))
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Kind::Agent.uri(self))
    }
}

impl FromStr for AgentName {
    type Err = IdentityError;

    fn from_str(uri: &str) -> Result<Self, IdentityError> {
        Kind::Agent.read(uri).ok_or_else(|| IdentityError::Name(uri.to_owned()))
    }
}

/// What somebody with a certificate of ours is. Whoever is one is never the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// Watches a plant and reports.
    #[default]
    Agent,
    /// Plays a plant for demonstrations, and reports nothing.
    Simulator,
}

impl Kind {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Simulator => "simulator",
        }
    }

    /// The kind that is written so.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Agent, Self::Simulator].into_iter().find(|kind| kind.name() == name)
    }

    /// How a certificate names one of this kind.
    pub fn uri(self, name: &AgentName) -> String {
        format!("{PREFIX}{}/{}/{}", name.facility, self.name(), name.agent)
    }

    fn read(self, uri: &str) -> Option<AgentName> {
        let rest = uri.strip_prefix(PREFIX)?;
        let (facility, id) = rest.split_once(&format!("/{}/", self.name()))?;
        // One spelling only: the name is compared as text elsewhere.
        let agent = Uuid::try_parse(id).ok().filter(|agent| agent.to_string() == id)?;
        AgentName::new(facility, agent).ok()
    }
}

/// SHA-256 of a public key (its SubjectPublicKeyInfo).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Pin(pub [u8; 32]);

impl Pin {
    /// Of a key in DER.
    pub fn of_key(info: &[u8]) -> Self {
        Self(sha256(info))
    }

    /// Of the key in a certificate.
    pub fn of_certificate(der: &[u8]) -> Result<Self, IdentityError> {
        Leaf::read(der).map(|leaf| leaf.key)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        hex(&self.0, f)
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let bytes = unhex(digits).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| IdentityError::Pin(text.to_owned()))
    }
}

/// The number of a certificate, unique to its issuer: big-endian without leading zeros.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// From the bytes in a certificate.
    pub fn new(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Self(bytes.get(zeros..).unwrap_or_default().to_vec())
    }

    /// Its bytes, without zeros before them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Serial {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let plain: String = text.chars().filter(|c| *c != ':').collect();
        let bytes = unhex(&plain).filter(|bytes| bytes.len() <= 20);
        bytes.map(|bytes| Self::new(&bytes)).ok_or_else(|| IdentityError::Pin(text.to_owned()))
    }
}

/// What a certificate says of its holder. It is read, not verified: whether an issuer that we trust said so
/// is for the verifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaf {
    /// Its number.
    pub serial: Serial,
    /// Valid from here on, seconds since the epoch.
    pub not_before: u64,
    /// Valid up to and with this second.
    pub not_after: u64,
    /// Fingerprint of its key.
    pub key: Pin,
    /// Names of the form of a URI.
    pub uris: Vec<String>,
    /// Names of every other form.
    pub other_names: usize,
    /// The common name of the subject, when there is one.
    pub common_name: Option<String>,
    /// May be used by clients, by name and not as "any".
    pub is_client: bool,
    /// May be used by servers, by name and not as "any".
    pub is_server: bool,
    /// May issue certificates.
    pub is_ca: bool,
    /// Its key may sign handshakes (no key usage, or one with digitalSignature).
    pub signs: bool,
}

impl Leaf {
    /// Reads a certificate in DER.
    pub fn read(der: &[u8]) -> Result<Self, IdentityError> {
        let wrong = IdentityError::Certificate;
        if der.len() > LONGEST_CERTIFICATE {
            return Err(wrong("it is longer than 16 KiB"));
        }
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| wrong("not X.509 in DER"))?;
        if !rest.is_empty() {
            return Err(wrong("bytes follow it"));
        }
        let twice = |_| wrong("an extension is there twice or cannot be read");
        let usage = certificate.key_usage().map_err(twice)?.map(|usage| usage.value.digital_signature());
        let purposes = certificate.extended_key_usage().map_err(twice)?.map(|purposes| purposes.value);
        let limits = certificate.basic_constraints().map_err(twice)?.map(|limits| limits.value);
        let names = certificate.subject_alternative_name().map_err(twice)?.map(|names| names.value);
        let names = names.map(|names| names.general_names.as_slice()).unwrap_or_default();
        let uris = names.iter().filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        });
        let uris: Vec<String> = uris.collect();
        let common_name = certificate.subject().iter_common_name().next();
        let validity = certificate.validity();
        Ok(Self {
            serial: Serial::new(certificate.raw_serial()),
            not_before: u64::try_from(validity.not_before.timestamp()).unwrap_or(0),
            not_after: u64::try_from(validity.not_after.timestamp()).unwrap_or(0),
            key: Pin::of_key(certificate.public_key().raw),
            other_names: names.len().saturating_sub(uris.len()),
            uris,
            common_name: common_name.and_then(|name| name.as_str().ok()).map(str::to_owned),
            is_client: purposes.is_some_and(|purposes| purposes.client_auth),
            is_server: purposes.is_some_and(|purposes| purposes.server_auth),
            is_ca: limits.is_some_and(|limits| limits.ca),
            signs: usage.unwrap_or(true),
        })
    }

    /// The agent that it names: exactly one name, of that form.
    pub fn agent(&self) -> Result<AgentName, IdentityError> {
        match (self.uris.as_slice(), self.other_names) {
            ([one], 0) => one.parse(),
            (several, _) => Err(IdentityError::Name(several.join(" "))),
        }
    }

    /// Whoever it names: exactly one name, an agent's or a simulator's.
    pub fn holder(&self) -> Result<(Kind, AgentName), IdentityError> {
        let wrong = || IdentityError::Holder(self.uris.join(" "));
        let [one] = self.uris.as_slice() else { return Err(wrong()) };
        let found = [Kind::Agent, Kind::Simulator].into_iter().find_map(|kind| Some((kind, kind.read(one)?)));
        found.filter(|_| self.other_names == 0).ok_or_else(wrong)
    }

    /// Whether `at` lies in its time.
    pub const fn is_valid(&self, at: u64) -> bool {
        self.not_before <= at && at <= self.not_after
    }
}

/// The public key of a certificate as verifiers take it: a point, or what stands for one.
pub fn public_key(der: &[u8]) -> Result<Vec<u8>, IdentityError> {
    let wrong = IdentityError::Certificate;
    if der.len() > LONGEST_CERTIFICATE {
        return Err(wrong("it is longer than 16 KiB"));
    }
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| wrong("not X.509 in DER"))?;
    Ok(certificate.public_key().subject_public_key.data.to_vec())
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// Bytes in hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hexadecimal digits.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    unhex(text)
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_named_in_one_way_only() {
        let name = AgentName::new("facility_a", Uuid::from_u128(7)).unwrap();
        let uri = "spiffe://fieldward/facility/facility_a/agent/00000000-0000-0000-0000-000000000007";
        assert_eq!(name.to_string(), uri);
        assert_eq!(uri.parse::<AgentName>().unwrap(), name);
        for wrong in [
            "",
            "spiffe://elsewhere/facility/a/agent/00000000-0000-0000-0000-000000000007",
            "spiffe://fieldward/facility//agent/00000000-0000-0000-0000-000000000007",
            "spiffe://fieldward/facility/a/b/agent/00000000-0000-0000-0000-000000000007",
            "spiffe://fieldward/facility/A/agent/00000000-0000-0000-0000-000000000007",
            "spiffe://fieldward/facility/a/agent/00000000000000000000000000000007",
            "spiffe://fieldward/facility/a/agent/{00000000-0000-0000-0000-000000000007}",
            "spiffe://fieldward/facility/a/agent/00000000-0000-0000-0000-00000000000A",
            "spiffe://fieldward/facility/a/agent/00000000-0000-0000-0000-000000000007/x",
        ] {
            assert!(wrong.parse::<AgentName>().is_err(), "{wrong}");
        }
        assert!(AgentName::new(&"a".repeat(65), Uuid::nil()).is_err());
    }

    #[test]
    fn an_agent_is_no_simulator_nor_the_other_way_round() {
        let name = AgentName::new("north", Uuid::from_u128(7)).unwrap();
        for kind in [Kind::Agent, Kind::Simulator] {
            assert_eq!(Kind::named(kind.name()), Some(kind));
            let leaf = Leaf { uris: vec![kind.uri(&name)], ..Leaf::default() };
            assert_eq!(leaf.holder().unwrap(), (kind, name.clone()));
            assert_eq!(leaf.agent().is_ok(), kind == Kind::Agent);
            assert!(Leaf { other_names: 1, ..leaf.clone() }.holder().is_err());
            assert!(
                Leaf { uris: [leaf.uris.clone(), leaf.uris].concat(), ..Leaf::default() }.holder().is_err()
            );
        }
        let other = "spiffe://fieldward/facility/north/other/00000000-0000-0000-0000-000000000007";
        assert!(Leaf { uris: vec![other.to_owned()], ..Leaf::default() }.holder().is_err());
    }

    #[test]
    fn fingerprints_and_numbers_are_written_and_read() {
        let pin = Pin::of_key(b"a key");
        assert_eq!(pin.to_string().parse::<Pin>().unwrap(), pin);
        assert_eq!(pin.to_string()[7..].to_uppercase().parse::<Pin>().unwrap(), pin);
        for wrong in ["", "sha256:", "sha256:12", "zz", &"+1".repeat(32)] {
            assert!(wrong.parse::<Pin>().is_err(), "{wrong}");
        }
        assert_eq!(Serial::new(&[0, 0, 1, 2]), "01:02".parse().unwrap());
        assert_eq!(Serial::new(&[0x0a, 0xff]).to_string(), "0aff");
        assert!("0aff0".parse::<Serial>().is_err());
    }

    #[test]
    fn hostile_text_is_shown_short_and_plain() {
        let text = format!("\u{1b}[2J{}", "x".repeat(1000));
        let error = text.parse::<AgentName>().unwrap_err().to_string();
        assert!(error.len() < 250 && !error.contains('\u{1b}'), "{error}");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for wrong in [&b""[..], b"\x30\x80", &[0x30; 100], &[0; LONGEST_CERTIFICATE + 1]] {
            assert!(Leaf::read(wrong).is_err());
        }
    }
}
