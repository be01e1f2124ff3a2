//! What somebody sees of a prediction. What was seen at other plants of a campaign is part of the question, so the whole
//! answer is only for who sees all of them; the others get the answer that the alerts of this plant alone give.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::principal::Scope;
use crate::store::predictions::{Expected, Prediction};

/// The other plants that had a part in a prediction.
pub(super) fn others(one: &Prediction) -> Vec<String> {
    let plants = one.detail.get("plants").and_then(Value::as_array);
    plants.into_iter().flatten().filter_map(|plant| plant.as_str().map(str::to_owned)).collect()
}

/// A prediction as somebody sees it.
pub fn seen_by(mut one: Prediction, scope: &Scope) -> Prediction {
    let sees_them = || is_known(&one) && others(&one).iter().all(|plant| scope.holds(plant));
    if *scope == Scope::All || sees_them() {
        return one;
    }
    let alone = one.detail.get("alone").cloned().and_then(|alone| serde_json::from_value(alone).ok());
    match alone {
        Some(Alone { expected, detail }) => {
            (one.techniques, one.detail) = (expected, detail);
            let is_expected = |came: &String| one.techniques.iter().any(|expected| expected.id == *came);
            // What it did not expect did not bear it out.
            if !one.came.as_ref().is_some_and(is_expected) {
                (one.came, one.validated) = (None, None);
            }
        }
        None => hide(&mut one),
    }
    one
}

/// Whether it is kept with the prediction which plants had a part in it.
fn is_known(one: &Prediction) -> bool {
    one.detail.get("plants").is_some_and(Value::is_array)
}

/// A prediction of an older version does not say what was seen where: of what was seen only this plant's last is shown,
/// and not why.
fn hide(one: &mut Prediction) {
    let techniques: BTreeSet<String> = one.techniques.iter().map(|expected| expected.id.clone()).collect();
    let kept =
        |why: &&Value| why["technique_id"].as_str().is_some_and(|technique| techniques.contains(technique));
    let why: Vec<Value> = one
        .detail
        .get("techniques")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter(kept)
        .map(|why| {
            json!({
                "technique_id": why["technique_id"], "tactic": why["tactic"], "watch": why["watch"], "act": why["act"],
            })
        })
        .collect();
    one.detail = json!({
        "history": [one.current], "techniques": why, "mitigations": one.detail["mitigations"],
        "expected_in": one.detail["expected_in"],
    });
}

/// What this plant's alerts alone give.
#[derive(Deserialize)]
struct Alone {
    expected: Vec<Expected>,
    detail: Value,
}
