//! Tells somebody which alerts were committed, without ever waiting for him.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fieldward_shared::alert::AlertId;
use tokio::sync::mpsc;

use crate::store::{Body, Report};

/// Where it is told.
#[derive(Clone, Debug)]
pub struct Told {
    alerts: mpsc::Sender<Vec<AlertId>>,
    /// Some could not be told.
    missed: Arc<AtomicBool>,
}

/// Where it is heard.
#[derive(Debug)]
pub struct Heard {
    /// Alerts that were committed.
    pub alerts: mpsc::Receiver<Vec<AlertId>>,
    missed: Arc<AtomicBool>,
}

impl Told {
    /// Both ends; so many batches may wait.
    pub fn new(most: usize) -> (Self, Heard) {
        let ((sender, receiver), missed) = (mpsc::channel(most), Arc::new(AtomicBool::new(false)));
        (Self { alerts: sender, missed: missed.clone() }, Heard { alerts: receiver, missed })
    }

    /// These were committed.
    pub(super) fn committed(&self, alerts: Vec<AlertId>) {
        if !alerts.is_empty() && self.alerts.try_send(alerts).is_err() {
            self.missed.store(true, Ordering::Relaxed);
        }
    }
}

impl Heard {
    /// Whether some could not be told since this was asked before.
    pub fn has_missed(&self) -> bool {
        self.missed.swap(false, Ordering::Relaxed)
    }
}

/// The alerts among reports.
pub(super) fn alerts(reports: &[Report]) -> Vec<AlertId> {
    let alert = |report: &Report| match &report.body {
        Body::Alert(alert) => Some(alert.id),
        _ => None,
    };
    reports.iter().filter_map(alert).collect()
}
