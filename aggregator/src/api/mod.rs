//! The API: everything that people, pages and programs ask, answered from the store and the fleet.
//!
//! One file per resource; each gives its [`route::Routes`] and stands in [`RESOURCES`] with one line. A route
//! comes in only together with its policy. `door.rs` is before all of them, `serve.rs` before the door.

mod activities;
pub mod alerts;
mod analytics;
pub mod auth;
pub mod business;
pub mod cache;
mod charts;
pub mod config;
mod context;
mod dashboard;
pub mod demo;
pub mod door;
mod drift;
mod endpoints;
pub mod error;
pub mod exports;
mod extract;
pub mod feed;
pub mod fl;
mod fleet;
mod health;
mod idempotency;
mod incidents;
pub mod jobs;
pub mod limits;
pub mod live;
mod measure;
mod metrics;
mod mitre;
mod models;
mod open;
pub mod openapi;
pub mod outputs;
pub mod page;
mod parameters;
pub mod predictions;
pub mod principal;
mod privacy;
mod prometheus;
pub mod replicas;
pub mod route;
pub mod security;
mod series;
pub mod serve;
mod system;
mod threats;
mod time;
pub mod traces;
mod traffic;
mod trail;
mod training;
mod trends;
pub mod users;
mod versions;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::attack::{Predictor, watch};
use crate::bus::Bus;
use crate::demo::Demo;
use crate::fleet::Fleet;
use crate::hub::Hub;
use crate::intake::Asker;
use crate::store::{Store, now};
use crate::vitals::Vitals;
use auth::Auth;
use config::Scrapers;
use error::ApiError;
use limits::Limits;
use live::sockets::Sockets;
use route::Entry;
use traces::Traces;

pub use open::{OpenError, open};

/// Every resource. A new one is a file beside this one, and a line here.
pub const RESOURCES: &[fn() -> route::Routes] = &[
    activities::routes,
    alerts::routes,
    analytics::routes,
    auth::routes,
    business::routes,
    charts::routes,
    context::routes,
    demo::routes,
    drift::routes,
    endpoints::routes,
    exports::routes,
    fl::routes,
    fleet::routes,
    health::routes,
    incidents::routes,
    jobs::routes,
    live::routes,
    metrics::routes,
    mitre::routes,
    models::routes,
    openapi::routes,
    outputs::routes,
    predictions::routes,
    prometheus::routes,
    privacy::routes,
    security::routes,
    system::routes,
    threats::routes,
    traffic::routes,
    trail::routes,
    training::routes,
    users::routes,
    versions::routes,
];

/// What all resources work with.
pub struct Api {
    /// What is kept.
    pub store: Store,
    /// Who is connected.
    pub fleet: Fleet,
    /// Asks agents; none where no agents arrive.
    pub asker: Option<Asker>,
    /// Simulators, and what they play.
    pub demo: Demo,
    /// Answers that are kept for a moment.
    pub cache: cache::Cache,
    /// The other replicas; none where this is the only one.
    pub bus: Option<Bus>,
    /// Where traces go, when they do.
    pub traces: Option<Traces>,
    /// Those who listen.
    pub hub: Hub,
    /// Told when a round was planned.
    pub rounds: Arc<tokio::sync::Notify>,
    /// Signing in.
    pub auth: Auth,
    /// How often one may ask.
    pub limits: Limits,
    /// Other pages that may ask.
    pub origins: Vec<String>,
    /// Where files of ours lie.
    pub folder: Option<PathBuf>,
    /// How the parts are that work by themselves.
    pub vitals: Vitals,
    /// Says what comes next.
    pub predictor: Arc<Predictor>,
    /// Who may read the figures.
    pub scrapers: Scrapers,
    /// Who listens.
    pub sockets: Sockets,
    /// What was counted at the listener.
    pub arrivals: Arc<serve::Arrivals>,
    /// The parts that do not do all that they should, with commas between them.
    degraded: ArcSwap<String>,
    /// What security checks know besides.
    pub security: security::Ledger,
    /// Places for exports.
    exports: exports::Places,
    /// Says that there is a new job.
    jobs: tokio::sync::Notify,
    /// How long answers take.
    measures: measure::Measures,
    /// What the process uses.
    host: measure::Host,
    /// Writes places in lists.
    cursors: page::Cursors,
    /// What those who listen were told.
    told: feed::Heralds,
    /// What was counted of rounds that ended.
    ended: fl::feed::Counted,
}

/// What an [`Api`] is made of.
pub struct Parts {
    /// What is kept.
    pub store: Store,
    /// Who is connected.
    pub fleet: Fleet,
    /// Asks agents.
    pub asker: Option<Asker>,
    /// The other replicas.
    pub bus: Option<Bus>,
    /// Where traces go.
    pub traces: Option<Traces>,
    /// Signs tokens.
    pub signing: auth::tokens::Signing,
    /// Requests a minute of each principal.
    pub requests_per_minute: u32,
    /// Other pages that may ask.
    pub origins: Vec<String>,
    /// Where files of ours lie.
    pub folder: Option<PathBuf>,
    /// How the parts are that work by themselves.
    pub vitals: Vitals,
    /// Who may read the figures.
    pub scrapers: Scrapers,
    /// Whether answers that add up are kept for a moment.
    pub keeps_answers: bool,
}

impl Api {
    /// Of its parts.
    pub fn new(parts: Parts) -> Result<Self, ApiError> {
        Ok(Self {
            measures: measure::Measures::new(now()),
            host: measure::Host::new(now()),
            cursors: parts.signing.cursors(),
            cache: cache::Cache::new(parts.keeps_answers),
            predictor: watch::shared(parts.folder.as_deref()).map_err(ApiError::internal)?,
            store: parts.store,
            fleet: parts.fleet,
            demo: parts.asker.as_ref().map_or_else(Demo::default, Asker::demo),
            asker: parts.asker,
            hub: Hub::default(),
            rounds: Arc::default(),
            auth: Auth::new(parts.signing)?,
            limits: Limits::new(parts.requests_per_minute, parts.bus.is_some()),
            bus: parts.bus,
            traces: parts.traces,
            told: feed::Heralds::default(),
            ended: fl::feed::Counted::default(),
            origins: parts.origins,
            folder: parts.folder,
            vitals: parts.vitals,
            scrapers: parts.scrapers,
            sockets: Sockets::default(),
            arrivals: Arc::default(),
            degraded: ArcSwap::default(),
            security: security::Ledger::default(),
            exports: exports::Places::default(),
            jobs: tokio::sync::Notify::new(),
        })
    }

    /// The router of all resources, and what it routes.
    pub fn router(self: &Arc<Self>) -> (Router, Vec<Entry>) {
        let built = route::build(RESOURCES, self);
        let origins = self.origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
            .allow_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, idempotency::KEY])
            .expose_headers([
                axum::http::header::ETAG,
                HeaderName::from_static("x-request-id"),
                HeaderName::from_static("x-degraded"),
            ]);
        let router = built
            .router
            .fallback(dashboard::answer)
            .layer(cors)
            .layer(DefaultBodyLimit::max(door::BODY_BYTES as usize))
            .layer(CatchPanicLayer::custom(panicked))
            .with_state(self.clone());
        (router, built.entries)
    }
}

/// A handler panicked: that is a fault of ours, and no reason for others not to be answered.
fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    axum::response::IntoResponse::into_response(ApiError::internal("a handler panicked; see the line above"))
}
