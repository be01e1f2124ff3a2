//! What analysts said of this plant's alerts: to where the classifier learns from it.

use std::sync::{Mutex, PoisonError};

use fieldward_shared::wire::{Said, Verdicts};

use crate::learn::labels::{Labels, Verdict};

/// Up to which moment all verdicts have come.
pub fn heard(labels: &Mutex<Labels>) -> u64 {
    labels.lock().unwrap_or_else(PoisonError::into_inner).heard()
}

/// Takes verdicts, in their order; what a later aggregator may say besides is passed over.
pub fn hear(labels: &Mutex<Labels>, said: Verdicts) {
    let verdicts = said.verdicts.into_iter().filter_map(|one| {
        let verdict = match Said::try_from(one.said).ok()? {
            Said::Nothing => None,
            Said::Right => Some(Verdict::Right),
            Said::FalsePositive => Some(Verdict::Nothing),
            Said::Other => Some(Verdict::Other(one.technique)),
        };
        Some((one.alert, verdict))
    });
    // Nothing is left half done under it; the writer of windows puts it on the disk.
    labels.lock().unwrap_or_else(PoisonError::into_inner).hear(said.until, verdicts);
}
