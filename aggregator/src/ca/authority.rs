//! The authority as it runs: the intermediate's key, and what it issues.

use std::path::Path;

use fieldward_shared::identity::{AGGREGATOR, AgentName, Kind, Leaf, Pin, Serial};
use fieldward_shared::keyfile;
use fieldward_shared::roots::Roots;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::OffsetDateTime;

use super::CaError;
use super::request::Request;
use super::state::{self, Root, Standing, State};

/// Seconds of a day.
pub const DAY: u64 = 86_400;
/// How long an agent's certificate lasts.
pub const AGENT_LIFETIME: u64 = 7 * DAY;
/// How long the aggregator's own lasts; it makes itself a new one when half of it is over.
pub const SERVER_LIFETIME: u64 = 30 * DAY;
/// How long an intermediate lasts.
pub const INTERMEDIATE_LIFETIME: u64 = 365 * DAY;
/// How long a root lasts.
pub const ROOT_LIFETIME: u64 = 3650 * DAY;
/// Certificates begin so long ago, for machines whose clock is behind.
pub const BACKDATED: u64 = 3600;

/// What was issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The certificate, the intermediate, and roots vouched for by older ones.
    pub chain: Vec<CertificateDer<'static>>,
    /// What the certificate says.
    pub leaf: Leaf,
}

/// Chain and key of the aggregator itself.
pub struct ServerIdentity {
    /// The certificate first.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its key, which is never written to disk.
    pub key: PrivateKeyDer<'static>,
    /// When it ends.
    pub not_after: u64,
}

/// The authority with its issuing key.
pub struct Authority {
    /// What stands on disk.
    pub(super) state: State,
    issuer: Issuer<'static, KeyPair>,
    intermediate: CertificateDer<'static>,
    cross: Vec<CertificateDer<'static>>,
    not_after: u64,
}

impl Authority {
    /// Makes a new authority in a folder; gives back the root's fingerprint.
    pub fn init(folder: &Path, now: u64) -> Result<Pin, CaError> {
        if State::exists(folder) {
            return Err(CaError::Exists(folder.to_owned()));
        }
        keyfile::folder(folder)?;
        let (root, root_key) = new_root(folder, now)?;
        let pin = root.pin()?;
        let intermediate = new_intermediate(folder, &root, &root_key, now)?;
        let mut state = State {
            generation: 1,
            roots: vec![Root { standing: Standing::Active, ..root }],
            intermediate,
            vouched_by: pin.to_string(),
            cross: Vec::new(),
            announcements: Vec::new(),
        };
        super::rotation::announce(&mut state, pin, &root_key)?;
        state.save(folder)?;
        Ok(pin)
    }

    /// Opens the authority of a folder. The intermediate's key lies there too, unless it is brought by
    /// another way (a credential of systemd).
    pub fn open(folder: &Path, key: Option<&Path>) -> Result<Self, CaError> {
        let state = State::load(folder)?;
        let intermediate = state::der(&state.intermediate)?;
        let leaf = Leaf::read(&intermediate)?;
        let inside = state::key_file(folder, "intermediate", leaf.key);
        let key = state::key(key.unwrap_or(&inside), leaf.key)?;
        let issuer = Issuer::from_ca_cert_der(&intermediate, key)?;
        let cross = state.cross.iter().map(|pem| state::der(pem)).collect::<Result<_, _>>()?;
        Ok(Self { state, issuer, intermediate, cross, not_after: leaf.not_after })
    }

    /// What stands on disk.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Fingerprint of the root under which is issued: what an enrolling agent is told beforehand.
    pub fn pin(&self) -> Result<Pin, CaError> {
        Ok(self.state.vouched_by.parse()?)
    }

    /// The list of roots that agents are to have.
    pub fn roots(&self) -> Result<Roots, CaError> {
        super::rotation::listed(&self.state)
    }

    /// Gives a key a certificate as an agent of this name.
    pub fn issue(
        &self,
        request: &Request,
        name: &AgentName,
        lifetime: u64,
        now: u64,
    ) -> Result<Issued, CaError> {
        self.issue_as(Kind::Agent, request, name, lifetime, now)
    }

    /// Gives a key a certificate of a kind with this name. Nothing else of the request counts.
    pub fn issue_as(
        &self,
        kind: Kind,
        request: &Request,
        name: &AgentName,
        lifetime: u64,
        now: u64,
    ) -> Result<Issued, CaError> {
        let mut params = self.params(now, lifetime)?;
        params.subject_alt_names = vec![SanType::URI(kind.uri(name).try_into()?)];
        params.distinguished_name.push(DnType::CommonName, name.agent.to_string());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = SubjectPublicKeyInfo::from_der(&request.info)?;
        self.sign(&params, &key)
    }

    /// A certificate for the aggregator itself, under the name that agents expect and those given.
    pub fn server(&self, names: &[String], now: u64) -> Result<ServerIdentity, CaError> {
        let mut params = self.params(now, SERVER_LIFETIME)?;
        let all: Vec<_> = std::iter::once(AGGREGATOR.to_owned()).chain(names.iter().cloned()).collect();
        params.subject_alt_names = CertificateParams::new(all)?.subject_alt_names;
        params.distinguished_name.push(DnType::CommonName, AGGREGATOR);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let Issued { mut chain, leaf } = self.sign(&params, &key)?;
        // Last, the root itself: an agent that enrols knows nothing but its fingerprint.
        chain.extend(self.vouching_root()?);
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Ok(ServerIdentity { chain, key, not_after: leaf.not_after })
    }

    fn vouching_root(&self) -> Result<Option<CertificateDer<'static>>, CaError> {
        let pin = self.pin()?;
        for root in &self.state.roots {
            if root.pin()? == pin {
                return Ok(Some(state::der(&root.certificate)?));
            }
        }
        Ok(None)
    }

    fn params(&self, now: u64, lifetime: u64) -> Result<CertificateParams, CaError> {
        if now >= self.not_after {
            return Err(CaError::Expired);
        }
        // Never longer than who vouches for it: what has expired must have ended by itself.
        let mut params = params(now, now.saturating_add(lifetime).min(self.not_after))?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Ok(params)
    }

    fn sign(&self, params: &CertificateParams, key: &impl PublicKeyData) -> Result<Issued, CaError> {
        let certificate = params.signed_by(key, &self.issuer)?;
        let leaf = Leaf::read(certificate.der())?;
        let mut chain = vec![certificate.der().clone(), self.intermediate.clone()];
        chain.extend(self.cross.iter().cloned());
        Ok(Issued { chain, leaf })
    }
}

/// What every certificate has: a number of its own, its time, the key of who vouches for it.
fn params(now: u64, until: u64) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.not_before = date(now.saturating_sub(BACKDATED));
    params.not_after = date(until);
    params.serial_number = Some(SerialNumber::from_slice(&number()?));
    params.distinguished_name = DistinguishedName::new();
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// 128 bits, positive and without leading zeros, as it is compared by its bytes.
fn number() -> Result<[u8; 16], CaError> {
    let mut number = [0; 16];
    aws_lc_rs::rand::fill(&mut number).map_err(|_| rcgen::Error::RingUnspecified)?;
    number[0] = number[0] & 0x7f | 0x40;
    Ok(number)
}

fn date(at: u64) -> OffsetDateTime {
    let at = i64::try_from(at).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A root with its key, which is put into the folder.
pub(super) fn new_root(folder: &Path, now: u64) -> Result<(Root, KeyPair), CaError> {
    let key = KeyPair::generate()?;
    let certificate = root_params(&key, now)?.self_signed(&key)?.pem();
    let root = Root { certificate, standing: Standing::Prepared, revoked: None };
    state::keep(&state::key_file(folder, "root", root.pin()?), &key)?;
    Ok((root, key))
}

/// What a root says. Its name bears its fingerprint: two roots of the same name would be mixed up.
pub(super) fn root_params(key: &impl PublicKeyData, now: u64) -> Result<CertificateParams, CaError> {
    let mut params = params(now, now.saturating_add(ROOT_LIFETIME))?;
    let pin = Pin::of_key(&key.subject_public_key_info()).to_string();
    params.distinguished_name.push(DnType::CommonName, format!("Fieldward root {}", &pin[7..23]));
    // Unconstrained: between an old root and an agent's certificate lie as many roots as were missed.
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// An intermediate under a root, in PEM; its key is put into the folder.
pub(super) fn new_intermediate(
    folder: &Path,
    root: &Root,
    root_key: &KeyPair,
    now: u64,
) -> Result<String, CaError> {
    let vouching = state::der(&root.certificate)?;
    let ends = Leaf::read(&vouching)?.not_after;
    let mut params = params(now, now.saturating_add(INTERMEDIATE_LIFETIME).min(ends))?;
    let key = KeyPair::generate()?;
    let pin = Pin::of_key(&key.subject_public_key_info());
    let name = format!("Fieldward intermediate {}", &pin.to_string()[7..23]);
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.signed_by(&key, &Issuer::from_ca_cert_der(&vouching, root_key)?)?;
    state::keep(&state::key_file(folder, "intermediate", pin), &key)?;
    Ok(certificate.pem())
}

/// The number of a certificate, for lists and logs.
pub fn serial_of(chain: &[CertificateDer<'_>]) -> Option<Serial> {
    chain.first().and_then(|leaf| Leaf::read(leaf).ok()).map(|leaf| leaf.serial)
}
