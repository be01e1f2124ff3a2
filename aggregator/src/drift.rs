//! Drift begins a round: where the traffic of enough plants has moved from what was learnt, they learn anew together.
//! Off unless it is configured; the third starter of rounds beside the timer and whoever asks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fieldward_shared::supervisor::Stop;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::Health;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::fleet::{Fleet, Standing};
use crate::round::RoundsConfig;
use crate::store::rounds::{Cause, Wanted};
use crate::store::{Store, StoreError, now};

/// When drift begins a round.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct DriftConfig {
    /// Plants whose traffic must have moved; 0: drift begins no round.
    pub plants: usize,
}

/// Looks after drift.
pub struct Drift {
    /// How agents are.
    pub fleet: Fleet,
    /// Where rounds are planned.
    pub store: Store,
    /// When.
    pub config: DriftConfig,
    /// Which.
    pub rounds: RoundsConfig,
    /// Wakes the driver.
    pub planned: Arc<Notify>,
}

impl Drift {
    /// Looks until `stop`.
    pub async fn run(self, mut stop: Stop) {
        let looks = async {
            loop {
                if let Err(error) = self.look(now()).await {
                    tracing::warn!(%error, "whether drift begins a round is not known; it is looked at again");
                }
                sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = stop.asked() => {}
            () = looks => {}
        }
    }

    /// Plans a round of each network when enough plants have moved, unless one was planned within a day, whoever
    /// wanted it: what has moved today is no other tomorrow, and each round costs a budget. Gives how many it planned.
    pub async fn look(&self, now: Timestamp) -> Result<usize, StoreError> {
        let standing = self.fleet.snapshot(now);
        let plants = moved(&standing).len();
        if self.config.plants == 0 || plants < self.config.plants {
            return Ok(0);
        }
        let mut begun = 0;
        for network in &self.rounds.networks {
            let last = self.store.last_round(network).await?;
            if last.is_some_and(|(_, planned)| now.since(planned) < DAY) {
                continue;
            }
            let wanted = Wanted {
                network: network.clone(),
                strategy: self.rounds.strategy.clone(),
                requested_by: "drift".to_owned(),
                cause: Cause::Drift,
                settings: serde_json::Value::Null,
            };
            if let Some(round) = self.store.plan_round(&wanted, now).await? {
                tracing::info!(round = round.number, network, plants, "drift begins a round");
                begun += 1;
                self.planned.notify_one();
            }
        }
        Ok(begun)
    }
}

/// Plants whose traffic has moved.
fn moved(standing: &[Standing]) -> BTreeSet<&str> {
    let has = |one: &&Standing| one.health.as_ref().is_some_and(has_moved);
    standing.iter().filter(has).map(|one| one.facility.as_str()).collect()
}

/// Whether a feature has: by its index, and a test of two samples agrees.
fn has_moved(health: &Health) -> bool {
    health.drift.iter().any(|one| one.index.is_finite() && f64::from(one.index) > MOVED && one.differs)
}

/// Above this population stability index a feature has moved.
pub const MOVED: f64 = 0.25;
const LOOK: Duration = Duration::from_secs(60);
const DAY: u64 = 86_400_000_000;
