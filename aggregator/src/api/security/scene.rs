//! What checks look at: read once for all of them, so that a check is a plain function of it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use fieldward_shared::identity::Kind;
use fieldward_shared::time::Timestamp;

use super::super::Api;
use super::super::alerts::OPEN;
use super::super::error::ApiError;
use crate::ca::expiry::Alarm;
use crate::ca::hall::Hall;
use crate::config::Config;
use crate::fleet::Standing;
use crate::store::alerts::Filter;
use crate::store::audit::Head;
use crate::store::certificates::Certificate;
use crate::store::keys::Key;
use crate::store::outputs;
use crate::store::security::{Missing, Overdue};
use crate::store::users::User;
use crate::store::{Agent, AgentStatus, StoreError, now};

/// What the program was started with.
pub struct Deployment {
    /// Its configuration.
    pub config: Config,
    /// Its authority; none where it has none.
    pub hall: Option<Arc<Hall>>,
}

/// What checks know beside the database.
#[derive(Default)]
pub struct Ledger {
    deployment: OnceLock<Deployment>,
    slow: RwLock<Option<Arc<Slow>>>,
}

impl Ledger {
    /// Tells with what the program was started; the first time counts.
    pub fn know(&self, deployment: Deployment) {
        let _ = self.deployment.set(deployment);
    }

    /// With what it was started, when that was told.
    pub fn deployment(&self) -> Option<&Deployment> {
        self.deployment.get()
    }

    fn slow(&self) -> Option<Arc<Slow>> {
        self.slow.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What takes long to find out: it is done once an hour, and when a check that needs it is run.
#[derive(Clone, Debug)]
pub struct Slow {
    /// The end of the audit trail, or where it is broken.
    pub audit: Result<Head, String>,
    /// Settings of the database, and whether each is as it has to be.
    pub durability: Vec<(&'static str, String, bool)>,
    /// What retention should have forgotten; none where its days are not known.
    pub overdue: Option<Overdue>,
    /// What was lost in the last day.
    pub missing: Missing,
}

/// All that checks look at.
pub struct Scene<'a> {
    /// Now.
    pub now: Timestamp,
    /// Agents as the database knows them.
    pub agents: Vec<Agent>,
    /// Agents as they are seen.
    pub standing: Vec<Standing>,
    /// The newest certificate of each.
    pub certificates: Vec<Certificate>,
    /// Keys for programs.
    pub keys: Vec<Key>,
    /// People, and when each signed in last.
    pub people: Vec<(User, Option<Timestamp>)>,
    /// Whether whoever has the set-up link may make himself an administrator.
    pub is_setup_open: bool,
    /// Open alerts of the last 30 days that tell of default credentials in a plant.
    pub default_credentials: u64,
    /// Other pages that may ask.
    pub origins: &'a [String],
    /// How it goes with whoever else is told of alerts.
    pub outputs: Vec<outputs::Standing>,
    /// With what the program was started; none where that was not told.
    pub deployment: Option<&'a Deployment>,
    /// What of the authority ends soon; none where there is none.
    pub alarms: Option<Vec<Alarm>>,
    /// What takes long; none before it was done.
    pub slow: Option<Arc<Slow>>,
}

impl<'a> Scene<'a> {
    /// Reads it.
    pub async fn of(api: &'a Api) -> Result<Self, ApiError> {
        let (now, store) = (now(), &api.store);
        let deployment = api.security.deployment();
        let alarms = match deployment.and_then(|known| known.hall.as_ref()) {
            Some(hall) => Some(hall.alarms().await.map_err(|error| ApiError::internal(error.to_string()))?),
            None => None,
        };
        let since = Some(Timestamp::from_micros(now.as_micros().saturating_sub(30 * DAY)));
        let defaults = Filter {
            techniques: vec![DEFAULT_CREDENTIALS.to_owned()],
            statuses: OPEN.to_vec(),
            since,
            ..Filter::default()
        };
        Ok(Self {
            now,
            agents: store.agents().await?,
            standing: api.fleet.snapshot(now),
            // A simulator that lapses harms nobody.
            certificates: {
                let mut all = store.certificates(false).await?;
                all.retain(|one| one.kind == Kind::Agent.name());
                all
            },
            keys: store.keys().await?,
            people: store.sign_ins().await?,
            is_setup_open: api.auth.setup.is_open(),
            default_credentials: store.count_alerts(&defaults, 1000).await?.value,
            origins: &api.origins,
            outputs: store.outputs().await?,
            deployment,
            alarms,
            slow: api.security.slow(),
        })
    }

    /// Agents that may report.
    pub fn active(&self) -> impl Iterator<Item = &Agent> {
        self.agents.iter().filter(|agent| agent.status == AgentStatus::Active)
    }

    /// Agents that may report and have told how they are.
    pub fn healthy(&self) -> impl Iterator<Item = (&Standing, &fieldward_shared::wire::Health)> {
        let told = self.standing.iter().filter_map(|one| one.health.as_ref().map(|health| (one, health)));
        told.filter(|(one, _)| self.active().any(|agent| agent.id == one.agent))
    }

    /// The folder of the authority.
    pub fn folder(&self) -> Option<&'a Path> {
        self.deployment.map(|known| known.config.ca.folder.as_path())
    }

    /// The file of the database, where it is one.
    pub fn database_file(&self) -> Option<PathBuf> {
        let url = self.deployment?.config.database_url.reveal();
        match crate::store::db::place(url) {
            Ok(crate::store::db::Place::File(path)) => Some(path.to_owned()),
            _ => None,
        }
    }
}

impl Api {
    /// Finds out anew what takes long.
    pub async fn look_closely(&self) -> Result<(), ApiError> {
        let (now, store) = (now(), &self.store);
        let audit = match store.verify_audit().await {
            Ok(head) => Ok(head),
            Err(StoreError::Damaged { detail, .. }) => {
                tracing::error!(security = true, detail, "the audit trail is broken");
                Err(detail)
            }
            Err(error) => return Err(error.into()),
        };
        let overdue = match self.security.deployment().map(|known| known.config.retention) {
            Some(kept) => {
                // It works once an hour, in pieces.
                let before = |days: u32| {
                    Timestamp::from_micros(now.as_micros().saturating_sub((u64::from(days) + 1) * DAY))
                };
                let moments = [kept.alerts_days, kept.metrics_days, kept.traffic_days].map(before);
                Some(store.overdue(moments).await?)
            }
            None => None,
        };
        let day = Timestamp::from_micros(now.as_micros().saturating_sub(DAY));
        let (durability, missing) = (store.durability().await?, store.missing(day).await?);
        let slow = Slow { audit, durability, overdue, missing };
        *self.security.slow.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(slow));
        Ok(())
    }
}

/// Microseconds.
pub const DAY: u64 = 86_400_000_000;
/// ATT&CK for ICS: Default Credentials.
const DEFAULT_CREDENTIALS: &str = "T0812";
