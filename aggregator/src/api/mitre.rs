//! ATT&CK: techniques with what Fieldward says of them, the graph of what was seen and is expected, and the same as a
//! layer for the ATT&CK Navigator.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;

use super::Api;
use super::error::ApiError;
use super::extract::{Path, Query};
use super::predictions::seen_by;
use super::principal::{Principal, Role};
use super::route::{Policy, Routes};
use super::series::facilities;
use super::time::Time;
use crate::attack::catalogue::hints::{Hint, Visible, hint};
use crate::attack::catalogue::{Domain, Found, Kind, Tactic};
use crate::store::now;
use crate::store::predictions::Prediction;

/// The resource.
pub fn routes() -> Routes {
    let look = Policy::Scoped(Role::Viewer);
    Routes::of("mitre", "Techniques of ATT&CK: what was seen, what is expected, what can be seen at all")
        .add(look, routes!(graph))
        .add(look, routes!(layer))
        .add(look, routes!(technique))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct GraphQuery {
    /// Of these plants, with commas; plants out of scope are passed over.
    facility: Option<String>,
}

/// What was seen, and what is expected.
#[derive(Serialize, ToSchema)]
struct AttackGraphData {
    /// Techniques.
    nodes: Vec<AttackGraphNode>,
    /// From what was seen to what is expected, and from what was seen to what was seen next.
    links: Vec<AttackGraphLink>,
    /// The whole matrix: tactics in their order, with all their techniques.
    matrix: Vec<MatrixTactic>,
    /// Of ATT&CK for ICS.
    #[schema(example = "18.1")]
    version: String,
    /// When this was read.
    as_of: Time,
}

/// A technique.
#[derive(Serialize, ToSchema)]
struct AttackGraphNode {
    /// Its id.
    #[schema(example = "T0846")]
    id: String,
    /// Its name.
    name: String,
    /// `current` for what was seen, `predicted` for what is expected.
    #[serde(rename = "type")]
    kind: NodeKind,
    /// How likely it is; 1 for what was seen.
    probability: f64,
    /// The tactic that it serves.
    tactic: String,
}

/// What a node is.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum NodeKind {
    /// It was seen.
    Current,
    /// It is expected.
    Predicted,
}

/// What leads where.
#[derive(Serialize, ToSchema)]
struct AttackGraphLink {
    /// What was seen.
    source: String,
    /// What comes then.
    target: String,
    /// How likely that is; 1 where it was seen.
    probability: f64,
}

/// A column of the matrix.
#[derive(Serialize, ToSchema)]
struct MatrixTactic {
    /// Its short name.
    #[schema(example = "discovery")]
    id: String,
    /// Its name.
    name: String,
    /// Its techniques; one that serves several tactics stands under each.
    techniques: Vec<MatrixTechnique>,
}

/// A technique of the matrix.
#[derive(Serialize, ToSchema)]
struct MatrixTechnique {
    /// Its id.
    #[schema(example = "T0846")]
    id: String,
    /// Its name.
    name: String,
    /// How much of it a mirror port shows: `named`, `traces` or `unseen`.
    #[schema(example = "named")]
    visible: &'static str,
}

/// What was seen and what is expected
///
/// Of the newest predictions that have not come true, one of each incident.
#[utoipa::path(get, path = "/api/mitre/graph", operation_id = "get_attack_graph", params(GraphQuery),
    responses((status = 200, body = AttackGraphData)))]
async fn graph(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<GraphQuery>,
) -> Result<axum::Json<AttackGraphData>, ApiError> {
    let as_of = Time(now());
    let newest = newest(&api, query.facility.as_deref(), &principal).await?;
    let mut nodes: BTreeMap<String, (NodeKind, f64)> = BTreeMap::new();
    let mut links: BTreeMap<(String, String), f64> = BTreeMap::new();
    for one in &newest {
        let seen = history(one);
        for pair in seen.windows(2) {
            links.insert((pair[0].clone(), pair[1].clone()), 1.0);
        }
        for id in seen.into_iter().chain([one.current.clone()]) {
            nodes.insert(id, (NodeKind::Current, 1.0));
        }
        for expected in &one.techniques {
            let node = nodes.entry(expected.id.clone()).or_insert((NodeKind::Predicted, 0.0));
            if node.0 == NodeKind::Predicted {
                node.1 = node.1.max(expected.probability);
            }
            let link = links.entry((one.current.clone(), expected.id.clone())).or_default();
            *link = link.max(expected.probability);
        }
    }
    let nodes = nodes.into_iter().map(|(id, (kind, probability))| {
        let (name, tactic) = words(&api, &id);
        AttackGraphNode { id, name, kind, probability, tactic }
    });
    let links = links.into_iter().map(|((source, target), probability)| AttackGraphLink {
        source,
        target,
        probability,
    });
    let version = api.predictor.catalogue().ics.version.clone();
    let (nodes, links) = (nodes.collect(), links.collect());
    Ok(axum::Json(AttackGraphData { nodes, links, matrix: matrix(&api), version, as_of }))
}

fn matrix(api: &Api) -> Vec<MatrixTactic> {
    let ics = &api.predictor.catalogue().ics;
    let techniques = |at: usize| {
        let own = ics.techniques.iter().filter(move |one| one.tactics.contains(&at));
        own.map(|one| MatrixTechnique {
            id: api.predictor.id(&one.id).unwrap_or_else(|| one.id.clone()),
            name: one.name.clone(),
            visible: seen_on_the_wire(api, &one.id).name(),
        })
    };
    let column = |(at, tactic): (usize, &Tactic)| MatrixTactic {
        id: tactic.short.clone(),
        name: tactic.name.clone(),
        techniques: techniques(at).collect(),
    };
    ics.tactics.iter().enumerate().map(column).collect()
}

/// How much of a technique a mirror port shows. An imported catalogue may call it otherwise than what is kept.
fn seen_on_the_wire(api: &Api, id: &str) -> Visible {
    let kept = api.predictor.id(id).unwrap_or_else(|| id.to_owned());
    hint(&kept).map_or(Visible::Unseen, |hint| hint.visible)
}

/// What was seen and is expected, for the ATT&CK Navigator
///
/// A layer of version 4.5: techniques that were seen (score 100), that are expected (their probability in percent), and
/// those of which a mirror port shows something, which are enabled.
#[utoipa::path(get, path = "/api/mitre/layer", operation_id = "get_attack_layer", params(GraphQuery),
    responses((status = 200, body = serde_json::Value)))]
async fn layer(
    State(api): State<Arc<Api>>,
    principal: Principal,
    Query(query): Query<GraphQuery>,
) -> Result<axum::Json<serde_json::Value>, ApiError> {
    let newest = newest(&api, query.facility.as_deref(), &principal).await?;
    let mut expected: BTreeMap<String, f64> = BTreeMap::new();
    for one in newest.iter().flat_map(|one| &one.techniques) {
        let most = expected.entry(one.id.clone()).or_default();
        *most = most.max(one.probability);
    }
    let seen: std::collections::BTreeSet<String> = newest.iter().flat_map(history).collect();
    let techniques = api.predictor.catalogue().ics.techniques.iter().map(|one| {
        // An imported catalogue may call it otherwise than what is kept.
        let kept = api.predictor.id(&one.id).unwrap_or_else(|| one.id.clone());
        let visible = seen_on_the_wire(&api, &one.id);
        let (score, color, said) = if seen.contains(&kept) {
            (Some(100.0), "#d73027", "seen")
        } else if let Some(probability) = expected.get(&kept) {
            (Some((probability * 100.0).round()), "#fdae61", "expected")
        } else {
            (None, if visible == Visible::Unseen { "" } else { "#d9ef8b" }, "neither seen nor expected")
        };
        json!({
            "techniqueID": one.id, "score": score, "color": color, "enabled": visible != Visible::Unseen,
            "comment": format!("{said}; on the wire: {}", visible.name()),
            "metadata": [{ "name": "visible", "value": visible.name() }],
        })
    });
    let legend = [("seen", "#d73027"), ("expected", "#fdae61"), ("can be seen", "#d9ef8b")];
    Ok(axum::Json(json!({
        "name": "Fieldward: seen and expected", "domain": Domain::Ics.name(),
        "versions": { "attack": major(&api), "navigator": "5.1.0", "layer": "4.5" }, "sorting": 3,
        "description": format!("What was seen in incidents, what is expected next, and what a mirror port shows; {}", now().rfc3339()),
        "techniques": techniques.collect::<Vec<_>>(),
        "gradient": { "colors": ["#ffffff", "#d73027"], "minValue": 0, "maxValue": 100 },
        "legendItems": legend.map(|(label, color)| json!({ "label": label, "color": color })),
    })))
}

/// A technique with all that is known of it.
#[derive(Serialize, ToSchema)]
struct TechniqueDetails {
    /// Its id in the version that is used here.
    #[schema(example = "T0855")]
    id: String,
    /// Its name.
    name: String,
    /// What it is.
    description: String,
    /// Names of its tactics, with commas.
    #[schema(example = "Impair Process Control")]
    tactics: String,
    /// What to watch.
    detection: String,
    /// What helps, in a sentence.
    mitigation: String,
    /// On what it works, with commas; empty where the catalogue does not say.
    platforms: String,
    /// What can be attacked by it.
    affected_assets: Vec<String>,
    /// `ics-attack` or `enterprise-attack`.
    domain: &'static str,
    /// The version of the catalogue.
    version: String,
    /// What a later version calls it; null where it is called the same.
    moved_to: Option<MovedTo>,
    /// How much of it a mirror port shows: `named`, `traces` or `unseen`; null for the office.
    visible: Option<&'static str>,
    /// Mitigations of the catalogue.
    mitigations: Vec<Linked>,
    /// Campaigns, groups and programs that used it.
    used_by: Vec<Linked>,
}

/// What a later version calls a technique.
#[derive(Serialize, ToSchema)]
struct MovedTo {
    /// Its id there.
    id: String,
    /// Its name there.
    name: String,
    /// Since which version.
    version: String,
}

/// Something that is linked to a technique.
#[derive(Serialize, ToSchema)]
struct Linked {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// What it is.
    kind: &'static str,
}

/// A technique
///
/// Ids of several versions work; what is answered is the one of the catalogue in force.
#[utoipa::path(get, path = "/api/mitre/technique/{technique_id}", operation_id = "get_technique",
    params(("technique_id" = String, Path, description = "such as T0846 or T1692.001")),
    responses((status = 200, body = TechniqueDetails),
        (status = 404, description = "no version knows such a technique")))]
async fn technique(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
) -> Result<axum::Json<TechniqueDetails>, ApiError> {
    let found = api.predictor.catalogue().find(&id).ok_or_else(|| ApiError::not_found("technique"))?;
    let kept = api.predictor.id(&id);
    Ok(axum::Json(details(found, kept.as_deref().and_then(hint))))
}

fn details(found: Found<'_>, hint: Option<&Hint>) -> TechniqueDetails {
    let (part, one) = (found.part, found.technique());
    let texts = one.texts.clone().unwrap_or_default();
    let or = |text: String, ours: Option<&str>| {
        if text.is_empty() { ours.unwrap_or_default().to_owned() } else { text }
    };
    let linked = |kind: Kind| {
        part.linked(found.place, kind)
            .map(|entry| Linked { id: entry.id.clone(), name: entry.name.clone(), kind: entry.kind.name() })
            .collect::<Vec<_>>()
    };
    let used = [Kind::Campaign, Kind::Group, Kind::Malware, Kind::Tool].map(linked).into_iter().flatten();
    let tactics: Vec<&str> = one.tactics.iter().map(|at| part.tactics[*at].name.as_str()).collect();
    TechniqueDetails {
        id: one.id.clone(),
        name: one.name.clone(),
        description: or(texts.description, hint.map(|hint| hint.about)),
        tactics: tactics.join(", "),
        detection: or(texts.detection, hint.map(|hint| hint.watch)),
        mitigation: hint.map_or_else(String::new, |hint| hint.act.to_owned()),
        platforms: texts.platforms.join(", "),
        affected_assets: linked(Kind::Asset).into_iter().map(|one| one.name).collect(),
        domain: part.domain.name(),
        version: part.version.clone(),
        moved_to: found.moved.map(|moved| MovedTo {
            id: moved.to.clone(),
            name: moved.name.clone(),
            version: moved.version.clone(),
        }),
        visible: hint.map(|hint| hint.visible.name()),
        mitigations: linked(Kind::Mitigation),
        used_by: used.take(MOST_USERS).collect(),
    }
}

/// The newest open prediction of each incident.
async fn newest(
    api: &Api,
    facility: Option<&str>,
    principal: &Principal,
) -> Result<Vec<Prediction>, ApiError> {
    let Some(plants) = facilities(facility, principal)? else { return Ok(Vec::new()) };
    let newest = api.store.predictions(&plants, None, Some(false), MOST, 0).await?;
    let mut newest: Vec<Prediction> = newest.into_iter().map(|one| seen_by(one, &principal.scope)).collect();
    let mut told = std::collections::BTreeSet::new();
    newest.retain(|one| told.insert(one.incident));
    Ok(newest)
}

fn history(one: &Prediction) -> Vec<String> {
    let history = one.detail.get("history").and_then(|value| value.as_array());
    history.into_iter().flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn words(api: &Api, id: &str) -> (String, String) {
    let Some(found) = api.predictor.catalogue().find(id) else { return (id.to_owned(), String::new()) };
    let tactic = found.part.tactic(found.technique()).map(|tactic| tactic.name.clone());
    (found.technique().name.clone(), tactic.unwrap_or_default())
}

fn major(api: &Api) -> String {
    let version = &api.predictor.catalogue().ics.version;
    version.split('.').next().unwrap_or_default().to_owned()
}

/// Predictions that are looked at.
const MOST: u32 = 200;
const MOST_USERS: usize = 200;
