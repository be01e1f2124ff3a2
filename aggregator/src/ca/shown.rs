//! What the aggregator shows: a certificate of its own authority, always fresh, to agents that know it by
//! [`AGGREGATOR`]; and to whoever asks for another name that of an operator's PKI, when there is one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use fieldward_shared::identity::AGGREGATOR;
use fieldward_shared::pki::{Files, Stamp};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::CaError;
use super::authority::{Authority, SERVER_LIFETIME};
use super::expiry::{Alarm, alarm};

/// The certificates.
#[derive(Debug)]
pub struct Shown {
    names: Vec<String>,
    own: ArcSwapOption<CertifiedKey>,
    own_not_after: AtomicU64,
    operators: Option<Operators>,
}

/// One of an operator's PKI.
#[derive(Debug)]
struct Operators {
    files: Files,
    seen: ArcSwap<Stamp>,
    key: ArcSwapOption<CertifiedKey>,
    /// From when and until when it is valid.
    span: ArcSwap<[u64; 2]>,
}

impl Shown {
    /// A first one of each. `names` stand in our own beside the name that agents expect.
    pub fn new(
        authority: &Authority,
        names: &[String],
        operators: Option<Files>,
        now: u64,
    ) -> Result<Self, CaError> {
        let operators = operators.map(|files| Operators {
            files,
            seen: ArcSwap::default(),
            key: ArcSwapOption::empty(),
            span: ArcSwap::default(),
        });
        let shown =
            Self { names: names.to_vec(), own: ArcSwapOption::empty(), own_not_after: 0.into(), operators };
        shown.renew(authority, now)?;
        shown.follow(now)?;
        Ok(shown)
    }

    /// Makes a new one of ours. Its key lives in memory alone.
    pub fn renew(&self, authority: &Authority, now: u64) -> Result<(), CaError> {
        let identity = authority.server(&self.names, now)?;
        let key = any_supported_type(&identity.key)?;
        self.own.store(Some(Arc::new(CertifiedKey::new(identity.chain, key))));
        self.own_not_after.store(identity.not_after, Ordering::Relaxed);
        Ok(())
    }

    /// Half of the life of ours is over.
    pub fn is_due(&self, now: u64) -> bool {
        self.own_not_after.load(Ordering::Relaxed).saturating_sub(now) < SERVER_LIFETIME / 2
    }

    /// Takes over what the operator's PKI has put in its files since; what cannot be used leaves the one
    /// before in its place, and is told once.
    pub fn follow(&self, now: u64) -> Result<(), CaError> {
        let Some(operators) = &self.operators else { return Ok(()) };
        let stamp = operators.files.stamp();
        if stamp == **operators.seen.load() {
            return Ok(());
        }
        operators.seen.store(Arc::new(stamp));
        let held = operators.files.read(now)?;
        let key = CertifiedKey::new(held.chain, any_supported_type(&held.key)?);
        key.keys_match()?;
        operators.key.store(Some(Arc::new(key)));
        operators.span.store(Arc::new([held.leaf.not_before, held.leaf.not_after]));
        tracing::info!(file = %operators.files.certificate.display(), "the operator's certificate is shown");
        Ok(())
    }

    /// What of it ends soon.
    pub fn alarms(&self, now: u64) -> Vec<Alarm> {
        let end = self.own_not_after.load(Ordering::Relaxed);
        let own = alarm("server", end.saturating_sub(SERVER_LIFETIME), end, now);
        let [begin, end] =
            self.operators.as_ref().map(|operators| **operators.span.load()).unwrap_or_default();
        let operators = self.operators.as_ref().and_then(|_| alarm("server (operator)", begin, end, now));
        own.into_iter().chain(operators).collect()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let operators = self.operators.as_ref().filter(|_| hello.server_name() != Some(AGGREGATOR));
        operators.and_then(|operators| operators.key.load_full()).or_else(|| self.own.load_full())
    }
}
