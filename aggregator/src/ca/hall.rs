//! The authority as the service runs it: reloaded when `ca` commands have changed it, the revoked known
//! within a second, the aggregator's own certificate always fresh.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use fieldward_shared::clock::Clock;
use fieldward_shared::identity::Kind;
use fieldward_shared::pki::{Files, Stamp};
use fieldward_shared::time::Timestamp;
use rustls::server::ResolvesServerCert;
use tokio::sync::Mutex;

use super::CaError;
use super::authority::{Authority, DAY};
use super::book::{Book, Entry};
use super::door::Doors;
use super::expiry::{self, Alarm};
use super::operator::{Operator, Source};
use super::revoked::{Revocations, Revoked};
use super::shown::Shown;
use super::state::State;
use super::verifier::{RENEWABLE, Verifier};
use crate::store::certificates::RevokedRows;
use crate::store::doubt::Doubt;
use crate::store::recall::Recalled;
use crate::store::{Store, StoreError};

/// What the doors did, for metrics.
#[derive(Debug, Default)]
pub struct Counts {
    /// Certificates issued at the enrol door.
    pub enrolled: AtomicU64,
    /// Certificates issued at the renew door.
    pub renewed: AtomicU64,
    /// Of them to agents whose certificate had expired, or whose root was rotated out.
    pub renewed_late: AtomicU64,
    /// Agents told to wait for approval.
    pub pending: AtomicU64,
    /// Refused at a door.
    pub refused: AtomicU64,
}

/// The authority and what surrounds it. Shared by everyone through an `Arc`.
pub struct Hall {
    folder: PathBuf,
    key: Option<PathBuf>,
    source: Option<Source>,
    operator: ArcSwapOption<(Stamp, Operator)>,
    authority: ArcSwap<Authority>,
    shown: Arc<Shown>,
    revoked: Revoked,
    verifier: Arc<Verifier>,
    clock: Arc<Clock>,
    store: Store,
    begun: Instant,
    forgetting: Mutex<Forgetting>,
    pub(super) book: Book,
    pub(super) doors: Doors,
    /// What the doors did.
    pub counts: Counts,
}

/// Where the authority lives and how it is reached.
pub struct Settings<'a> {
    /// The folder that `ca init` made.
    pub folder: &'a Path,
    /// The intermediate's key, when it lies elsewhere (a credential of systemd).
    pub key: Option<&'a Path>,
    /// Names and addresses of the aggregator, beside the one that agents expect.
    pub names: &'a [String],
    /// An operator's own authority.
    pub operator: Option<Source>,
    /// The aggregator's certificate of that authority.
    pub certificate: Option<Files>,
}

impl Hall {
    /// Opens the authority and learns who is revoked: before that, nobody is let in.
    pub async fn open(settings: Settings<'_>, store: Store, clock: Arc<Clock>) -> Result<Self, HallError> {
        let authority = Authority::open(settings.folder, settings.key)?;
        let revoked = Revoked::default();
        let verifier = Arc::new(Verifier::new(revoked.clone(), clock.clone()));
        let source = settings.operator;
        let operator = source.as_ref().map(|source| Ok::<_, CaError>((source.stamp(), source.open()?)));
        let operator = operator.transpose()?;
        verifier.trust(Some(authority.state()), operator.as_ref().map(|(_, operator)| operator.clone()))?;
        let (book, done) = Book::open(settings.folder)?;
        let shown = Shown::new(&authority, settings.names, settings.certificate, clock.now())?;
        let hall = Self {
            folder: settings.folder.to_owned(),
            key: settings.key.map(Path::to_owned),
            source,
            operator: ArcSwapOption::from_pointee(operator),
            authority: ArcSwap::from_pointee(authority),
            shown: Arc::new(shown),
            revoked,
            verifier,
            clock,
            store,
            begun: Instant::now(),
            forgetting: Mutex::new(Forgetting { next: Duration::ZERO, doubt: Doubt::of("certificates") }),
            book,
            doors: Doors::default(),
            counts: Counts::default(),
        };
        hall.recall(&done).await?;
        hall.learn_revoked().await?;
        Ok(hall)
    }

    /// A database that was set back learns what was done since.
    async fn recall(&self, done: &[Entry]) -> Result<(), StoreError> {
        let now = Timestamp::from_micros(self.clock.now().saturating_mul(1_000_000));
        let Recalled { issued, revoked } = self.store.recall(&Book::done(done), now).await?;
        if issued + revoked > 0 {
            tracing::warn!(issued, revoked, "the database did not know what was done; it was told");
        }
        Ok(())
    }

    /// To be called once a second. What fails is said and tried again; what was known before stays. Gives
    /// whether all went well.
    pub async fn tick(&self) -> bool {
        let mut went_well = true;
        if let Err(error) = self.learn_revoked().await {
            went_well = false;
            tracing::warn!(%error, "the revoked could not be read; those known before stay refused");
        }
        if let Err(error) = self.reload() {
            went_well = false;
            tracing::error!(%error, "the authority's changes are not taken over");
        }
        if let Err(error) = self.forget().await {
            tracing::warn!(%error, "certificates that ended long ago could not be forgotten");
        }
        went_well
    }

    /// Once a day: certificates that nothing lets in any more, revoked or not, are forgotten by database and book,
    /// and either learns what it lacks. While the time of day is doubted nothing is forgotten.
    async fn forget(&self) -> Result<(), StoreError> {
        let (now, ran) = (self.clock.now(), self.begun.elapsed());
        let mut forgetting = self.forgetting.lock().await;
        if ran < forgetting.next {
            return Ok(());
        }
        forgetting.next = ran + LATER;
        let seconds = |seconds: u64| Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        let mut until = 0;
        if forgetting.doubt.believes(&self.store, seconds(now), ran).await? {
            until = now.saturating_sub(RENEWABLE).saturating_sub(DAY);
            let gone = self.store.forget_certificates(seconds(until)).await?;
            tracing::debug!(gone, "certificates that ended long ago were forgotten");
            forgetting.doubt.done(&self.store, seconds(now)).await?;
            forgetting.next = ran + Duration::from_secs(DAY);
        } else {
            tracing::warn!(
                "the time of day has leapt; no certificate is forgotten until it has stayed so for a day"
            );
        }
        let rows = self.store.revoked(seconds(now.saturating_sub(RENEWABLE))).await?;
        self.keep(self.book.note_revoked(revoked(&rows)));
        // A server's database may have been set back while we run.
        match self.book.tidy(until) {
            Ok(done) => self.recall(&done).await,
            Err(error) => {
                tracing::error!(%error, "the book of what was issued cannot be read");
                Ok(())
            }
        }
    }

    /// Reads who is revoked; gives back whether that has changed.
    pub async fn learn_revoked(&self) -> Result<bool, StoreError> {
        let since =
            Timestamp::from_micros(self.clock.now().saturating_sub(RENEWABLE).saturating_mul(1_000_000));
        let rows = self.store.revoked(since).await?;
        let serials = rows.serials.iter().filter_map(|serial| serial.parse().ok()).collect();
        let agents = rows.agents.iter().map(|name| name.agent).collect();
        let changed = self.revoked.replace(Revocations { serials, agents });
        if changed {
            tracing::info!("the list of the revoked has changed");
            self.keep(self.book.note_revoked(revoked(&rows)));
        }
        Ok(changed)
    }

    /// Without the book all goes on; what it lacks is missed only by a database that is set back.
    pub(super) fn keep(&self, noted: Result<(), CaError>) {
        if let Err(error) = noted {
            tracing::error!(%error, "the book lacks what was done just now; make a backup soon");
        }
    }

    /// Takes over what `ca` commands have changed, and makes the aggregator a new certificate in time.
    pub fn reload(&self) -> Result<(), CaError> {
        let now = self.clock.now();
        let followed = self.follow();
        let changed = State::load(&self.folder)? != *self.authority.load().state();
        if changed {
            let authority = Authority::open(&self.folder, self.key.as_deref())?;
            self.verifier.trust(Some(authority.state()), self.operator())?;
            self.authority.store(Arc::new(authority));
            tracing::info!("the authority was changed; its new state is in use");
        }
        if changed || self.shown.is_due(now) {
            self.shown.renew(&self.authority.load(), now)?;
        }
        self.shown.follow(now)?;
        followed
    }

    /// Takes over what an operator's PKI has put in its files since; what cannot be used leaves what was
    /// there before in its place, and is told once.
    fn follow(&self) -> Result<(), CaError> {
        let (Some(source), Some(before)) = (&self.source, self.operator.load_full()) else { return Ok(()) };
        let stamp = source.stamp();
        if before.0 == stamp {
            return Ok(());
        }
        let opened = source.open();
        let operator = opened.as_ref().map_or_else(|_| before.1.clone(), Clone::clone);
        self.operator.store(Some(Arc::new((stamp, operator))));
        opened?;
        self.verifier.trust(Some(self.authority.load().state()), self.operator())?;
        tracing::info!("the operator's roots or lists were changed; they are in use");
        Ok(())
    }

    fn operator(&self) -> Option<Operator> {
        self.operator.load().as_ref().map(|operator| operator.1.clone())
    }

    /// For the TLS of the aggregator's end.
    pub fn verifier(&self) -> Arc<Verifier> {
        self.verifier.clone()
    }

    /// For the TLS of the aggregator's end: what it shows.
    pub fn server(&self) -> Arc<dyn ResolvesServerCert> {
        self.shown.clone()
    }

    /// The time by which certificates are judged.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The database.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The authority as it is now.
    pub fn authority(&self) -> Arc<Authority> {
        self.authority.load_full()
    }

    /// The lists of roots that a session tells its agent.
    pub fn announcements(&self) -> Vec<Vec<u8>> {
        self.authority.load().state().announced()
    }

    /// What ends soon: roots, intermediate, the aggregator's own certificate, agents.
    pub async fn alarms(&self) -> Result<Vec<Alarm>, HallError> {
        let now = self.clock.now();
        let mut alarms = expiry::authority(&self.authority.load(), now)?;
        alarms.extend(self.shown.alarms(now));
        for certificate in self.store.certificates(false).await? {
            // A simulator that lapses harms nobody.
            let counts = certificate.kind == Kind::Agent.name() && certificate.agent_status == "active";
            if certificate.revoked.is_none() && counts {
                let (begin, end) = (certificate.not_before.as_secs(), certificate.not_after.as_secs());
                alarms.extend(expiry::alarm(&format!("agent {}", certificate.name), begin, end, now));
            }
        }
        Ok(alarms)
    }

    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// When certificates are forgotten next, by how long the process has run.
struct Forgetting {
    next: Duration,
    doubt: Doubt,
}

/// The lines of the revoked in the book.
fn revoked(rows: &RevokedRows) -> impl Iterator<Item = Entry> + '_ {
    let agents =
        rows.agents.iter().map(|name| Entry::Agent { facility: name.facility.clone(), id: name.agent });
    agents.chain(rows.serials.iter().cloned().map(Entry::Serial))
}

/// After a failure, or while the time of day is doubted.
const LATER: Duration = Duration::from_secs(3600);

/// What goes wrong when the authority is opened.
#[derive(Debug, thiserror::Error)]
pub enum HallError {
    /// The authority.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
