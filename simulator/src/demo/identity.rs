//! Who this simulator is: a key with its certificate, and the roots that it trusts, in a folder of its own. A
//! token brings the first certificate; each brings the next when half of its life is over.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::clock::Clock;
use fieldward_shared::identity::{AGGREGATOR, AgentName, IdentityError, Kind, Leaf, Pin};
use fieldward_shared::keyfile::{self, KeyFileError};
use fieldward_shared::roots::Roots;
use fieldward_shared::transport::{
    Channel, ClientIdentity, Code, Link, LinkError, TcpClient, TlsError, client_by, client_pinned,
    quic_client,
};
use fieldward_shared::wire::{Certificate, DEMO, EnrollRequest, Message, RENEW, RenewRequest};
use pem::Pem;
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::time::{sleep, timeout};

/// Why this simulator is nobody, or reaches nobody.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// It has no certificate, and no token.
    #[error(
        "{}: this simulator has no certificate; give --token-file and --ca-pin, as `fieldward-aggregator ca token \
         --simulator` prints them", .0.display()
    )]
    Missing(PathBuf),
    /// A file is not what it should be.
    #[error("{}: {what}; remove it, and enrol the simulator with a new token", place.display())]
    Damaged {
        /// Which.
        place: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The certificate is an agent's.
    #[error("the token was an agent's; make one with `fieldward-aggregator ca token --simulator`")]
    Kind,
    /// The aggregator's answer is not to be believed.
    #[error("the aggregator's answer: {0}")]
    Answer(String),
    /// It is refused.
    #[error("the aggregator refuses ({0}): {1}")]
    Refused(String, String),
    /// Nobody is there.
    #[error("{0}: nobody answers, neither by QUIC nor by TCP: {1}")]
    Silent(String, String),
    /// The other end does not accept us, or we do not accept it.
    #[error("{0}: {1}")]
    Distrust(String, LinkError),
    /// The link broke.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A file.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// A certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A request could not be made.
    #[error("a request for a certificate could not be made: {0}")]
    Making(#[from] rcgen::Error),
}

/// The folder of a simulator, and its aggregator.
pub struct Home {
    folder: PathBuf,
    aggregator: String,
    clock: Arc<Clock>,
}

struct Held {
    shown: ClientIdentity,
    leaf: Leaf,
    name: AgentName,
    roots: Vec<CertificateDer<'static>>,
}

impl Home {
    /// A folder; it is made when something is put in it.
    pub fn new(folder: &Path, aggregator: &str) -> Self {
        Self { folder: folder.to_owned(), aggregator: aggregator.to_owned(), clock: Arc::default() }
    }

    /// The plant of its certificate, when it has one.
    pub fn facility(&self) -> Result<Option<String>, Trouble> {
        Ok(self.held()?.map(|held| held.name.facility))
    }

    /// Asks for the first certificate, unless there is one. Waits for whoever has to approve it.
    pub async fn enroll(&self, token: &str, pin: Pin) -> Result<(), Trouble> {
        if self.held()?.is_some() {
            return Ok(());
        }
        let key = self.request_key()?;
        let csr = request(&key)?;
        loop {
            let question =
                EnrollRequest { token: token.to_owned(), csr: csr.clone(), facility: String::new() };
            let link = self.dial(client_pinned(self.clock.clone(), pin)?).await?;
            match ask(&link, question).await? {
                Message::Certificate(answer) => {
                    let roots = Roots { generation: answer.generation, roots: answer.roots.clone() };
                    if !roots.holds(pin) {
                        return Err(Trouble::Answer("the root of the pin is not among the roots".into()));
                    }
                    self.take(&key, &answer)?;
                    return Ok(keyfile::remove(&self.folder.join(REQUEST))?);
                }
                Message::Pending(pending) => {
                    tracing::warn!(fingerprint = pending.fingerprint, "waiting for `ca approve`");
                    sleep(Duration::from_secs(u64::from(pending.retry_seconds.clamp(1, 300)))).await;
                }
                Message::Refused(refused) => return Err(Trouble::Refused(refused.code, refused.message)),
                _ => return Err(Trouble::Answer("it says something else".into())),
            }
        }
    }

    /// A link for sessions; when half of its life is over the certificate is renewed before.
    pub async fn connect(&self) -> Result<Link, Trouble> {
        let mut held = self.held()?.ok_or_else(|| Trouble::Missing(self.file()))?;
        let (now, leaf) = (self.clock.now(), &held.leaf);
        if now > leaf.not_before.midpoint(leaf.not_after) {
            match self.renew(&held).await {
                Ok(()) => held = self.held()?.ok_or_else(|| Trouble::Missing(self.file()))?,
                Err(error) if now > leaf.not_after => return Err(error),
                Err(error) => tracing::warn!(%error, "the certificate is not renewed"),
            }
        }
        self.dial(self.tls(&held, DEMO)?).await
    }

    async fn renew(&self, held: &Held) -> Result<(), Trouble> {
        let key = KeyPair::generate()?;
        let link = self.dial(self.tls(held, RENEW)?).await?;
        match ask(&link, RenewRequest { csr: request(&key)? }).await? {
            Message::Certificate(answer) => self.take(&key, &answer),
            Message::Refused(refused) => Err(Trouble::Refused(refused.code, refused.message)),
            _ => Err(Trouble::Answer("it says something else".into())),
        }
    }

    /// Keeps what was answered: key, chain and roots are one file, so that they cannot fall apart.
    fn take(&self, key: &KeyPair, answer: &Certificate) -> Result<(), Trouble> {
        let first = answer.chain.first().ok_or_else(|| Trouble::Answer("there is no certificate".into()))?;
        let leaf = Leaf::read(first)?;
        match leaf.holder()? {
            (Kind::Simulator, _)
                if leaf.key == Pin::of_key(&rcgen::PublicKeyData::subject_public_key_info(key)) => {}
            (Kind::Simulator, _) => return Err(Trouble::Answer("it is for another key".into())),
            (Kind::Agent, _) => return Err(Trouble::Kind),
        }
        let mut text = key.serialize_pem();
        for der in &answer.chain {
            text.push_str(&pem::encode(&Pem::new(CERTIFICATE, der.clone())));
        }
        for der in &answer.roots {
            text.push_str(&pem::encode(&Pem::new(ROOT, der.clone())));
        }
        keyfile::folder(&self.folder)?;
        Ok(keyfile::write(&self.file(), text.as_bytes())?)
    }

    fn held(&self) -> Result<Option<Held>, Trouble> {
        let Some(bytes) = self.read(&self.file())? else { return Ok(None) };
        let damaged = |what: &str| Trouble::Damaged { place: self.file(), what: what.to_owned() };
        let blocks = pem::parse_many(&bytes).map_err(|error| damaged(&error.to_string()))?;
        let of = |tag: &str| -> Vec<CertificateDer<'static>> {
            let found = blocks.iter().filter(|block| block.tag() == tag);
            found.map(|block| CertificateDer::from(block.contents().to_vec())).collect()
        };
        let (chain, roots) = (of(CERTIFICATE), of(ROOT));
        let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| damaged("there is no key in it"))?;
        let leaf = Leaf::read(chain.first().ok_or_else(|| damaged("there is no certificate in it"))?)?;
        let (Kind::Simulator, name) = leaf.holder()? else { return Err(Trouble::Kind) };
        Ok(Some(Held { shown: ClientIdentity { chain, key }, leaf, name, roots }))
    }

    /// The key of a request that was not answered yet: whoever waits for approval must come again with the same.
    fn request_key(&self) -> Result<KeyPair, Trouble> {
        let place = self.folder.join(REQUEST);
        if let Some(bytes) = self.read(&place)? {
            let key = KeyPair::from_pem(&String::from_utf8_lossy(&bytes));
            return key.map_err(|_| Trouble::Damaged { place, what: "there is no key in it".to_owned() });
        }
        let key = KeyPair::generate()?;
        keyfile::folder(&self.folder)?;
        keyfile::write(&place, key.serialize_pem().as_bytes())?;
        Ok(key)
    }

    fn read(&self, place: &Path) -> Result<Option<Vec<u8>>, Trouble> {
        match keyfile::read(place) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    fn tls(&self, held: &Held, alpn: &[u8]) -> Result<Arc<ClientConfig>, Trouble> {
        Ok(client_by(self.clock.clone(), Some(held.shown.clone()), &held.roots, alpn)?)
    }

    /// QUIC, and TLS over TCP where UDP is blocked.
    async fn dial(&self, tls: Arc<ClientConfig>) -> Result<Link, Trouble> {
        let silent = |why: String| Trouble::Silent(self.aggregator.clone(), why);
        let found = tokio::net::lookup_host(&self.aggregator).await;
        let to = found.map_err(|error| silent(error.to_string()))?.next();
        let to = to.ok_or_else(|| silent("it has no address".to_owned()))?;
        let distrust = |error| Trouble::Distrust(self.aggregator.clone(), error);
        match timeout(DIAL, quic_client(tls.clone())?.dial(to, AGGREGATOR)).await {
            Ok(Ok(link)) => return Ok(link),
            Ok(Err(error)) if error.is_refusal() => return Err(distrust(error)),
            Ok(Err(error)) => tracing::debug!(%error, "QUIC does not come about"),
            Err(_) => tracing::debug!("nobody answers by QUIC"),
        }
        match timeout(DIAL, TcpClient::new(tls).dial(to, AGGREGATOR)).await {
            Ok(Ok(link)) => Ok(link),
            Ok(Err(error)) if error.is_refusal() => Err(distrust(error)),
            Ok(Err(error)) => Err(silent(error.to_string())),
            Err(_) => Err(silent("no answer in time".to_owned())),
        }
    }
}

fn request(key: &KeyPair) -> Result<Vec<u8>, Trouble> {
    let mut params = CertificateParams::default();
    // Names come from the aggregator; what stands here nobody reads.
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key)?.der().to_vec())
}

/// One question at a door, one answer.
async fn ask(link: &Link, question: impl Into<Message>) -> Result<Message, Trouble> {
    let exchange = async {
        let (mut sender, receiver) = link.open(Channel::Control).await?;
        let mut receiver = receiver.ok_or(LinkError::Channel)?;
        sender.send(question).await?;
        receiver.next().await?.ok_or(LinkError::Cut)
    };
    let answer = timeout(ANSWER, exchange).await;
    link.close(Code::Done, "");
    drop(timeout(FAREWELL, link.gone()).await);
    answer.map_err(|_| Trouble::Answer("none came in time".into()))?.map_err(Trouble::Link)
}

const FILE: &str = "simulator.pem";
const REQUEST: &str = "request.key";
const CERTIFICATE: &str = "CERTIFICATE";
/// The roots, beside the chain.
const ROOT: &str = "FIELDWARD ROOT";
const DIAL: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(30);
const FAREWELL: Duration = Duration::from_secs(1);
