//! Training beside the capture: each model is made, written and sent to watch as soon as it is done. A
//! thread of its own with low priority; packets never wait for it.

use std::path::Path;
use std::sync::mpsc::Sender;

use super::Order;
use crate::detect::Detector;
use crate::model;

/// Makes models of what was learnt, in the order of the detectors; the baseline is first and there at once.
pub fn train(learners: Vec<Box<dyn Detector>>, models: &Path, orders: &Sender<Order>) {
    // Without the right to a low priority it goes on with the usual one.
    let _ = rustix::process::nice(NICE);
    let mut whole = true;
    for learner in learners {
        let settled = model::settle(models, learner.as_ref());
        let (name, said) = (settled.detector, settled.said);
        let said = if said.is_empty() { "too little traffic" } else { &said };
        let watcher = match settled.outcome {
            Ok(Some(watcher)) => {
                tracing::info!("{name}: learnt, and watches: {said}");
                Ok(watcher)
            }
            Ok(None) => {
                tracing::warn!("{name}: not learnt: {said}");
                Err(format!("{name}: not learnt: {said}"))
            }
            Err(error) => {
                whole = false;
                tracing::error!("{name}: {error}");
                Err(format!("{name}: {error}"))
            }
        };
        // The service may have stopped meanwhile: what was kept of learning is trained then.
        if orders.send(Order::Join(watcher)).is_err() {
            return;
        }
    }
    drop(orders.send(Order::Trained(whole)));
}

const NICE: i32 = 10;
