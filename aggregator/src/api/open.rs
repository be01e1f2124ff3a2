//! Puts the API together as the configuration says, and listens.

use std::sync::Arc;

use fieldward_shared::keyfile::KeyFileError;
use rustls::server::ResolvesServerCert;

use super::auth::{setup, tokens::Signing};
use super::door::Door;
use super::serve::{ServeError, Server};
use super::traces::{self, Traces};
use super::{Api, Parts};
use crate::bus::{Bus, Ends, Inbox};
use crate::config::Config;
use crate::intake::{Heard, Intake, Told};
use crate::store::Store;
use crate::vitals::{Part, Vitals};

/// Why there is no API.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody can arrive.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The key that signs tokens, or the link for the first user.
    #[error("the API: {0}")]
    Key(#[from] KeyFileError),
    /// Something else.
    #[error("the API: {0}")]
    Other(String),
}

/// An API that works when its parts are run.
pub struct Opened {
    /// Answers.
    pub server: Server,
    /// What answers.
    pub api: Arc<Api>,
    /// For [`super::feed::run`].
    pub heard: Heard,
    /// For [`crate::bus::run`], where there are other replicas.
    pub bus: Option<Ends>,
    /// For [`super::replicas::run`].
    pub inbox: Option<Inbox>,
    /// For [`traces::run`], where a collector is.
    pub traces: Option<traces::Ends>,
}

/// Listens; requests are answered when it is run. Tells the way in when there is nobody yet.
pub async fn open(
    config: &Config,
    store: Store,
    intake: &Intake,
    certificate: Arc<dyn ResolvesServerCert>,
    vitals: Vitals,
) -> Result<Opened, OpenError> {
    let (api_config, folder) = (&config.api, &config.ca.folder);
    let signing = Signing::open(&api_config.key(folder))?;
    let bus = Bus::open(&config.redis, signing.bus());
    let (bus, ends, inbox) = match bus.map_err(|error| OpenError::Other(error.to_string()))? {
        Some((bus, ends, inbox)) => (Some(bus), Some(ends), Some(inbox)),
        None => (None, None, None),
    };
    let opened = config.traces.endpoint.as_deref().map(Traces::open).transpose();
    let (traces, collected) = opened.map_err(OpenError::Other)?.unzip();
    let parts = Parts {
        store: store.clone(),
        fleet: intake.fleet(),
        asker: Some(intake.asker()),
        bus,
        traces,
        signing,
        requests_per_minute: api_config.requests_per_minute,
        origins: api_config.origins.clone(),
        folder: Some(folder.clone()),
        vitals,
        scrapers: api_config.metrics,
        keeps_answers: true,
    };
    let other = |error: super::error::ApiError| OpenError::Other(error.words());
    let api = Arc::new(Api::new(parts).map_err(other)?);
    let secret = api.auth.setup.open(&store).await.map_err(other)?;
    let (router, _) = api.router();
    let is_tls = api_config.tls == super::config::Tls::Own;
    let door = Door::new(api.clone(), router, api_config.proxies.clone(), is_tls);
    let server = Server::bind(api_config, Some(certificate), door).await?;
    let address = server.address().map_err(|error| OpenError::Other(error.to_string()))?;
    tracing::info!(%address, tls = server.is_tls(), "people and programs may ask");
    match secret {
        Some(secret) => {
            let scheme = if server.is_tls() { "https" } else { "http" };
            let host = config.ca.names.first().map_or_else(|| "localhost".to_owned(), Clone::clone);
            setup::tell(&format!("{scheme}://{host}:{}/setup#{secret}", address.port()), folder)?;
        }
        None => setup::forget(folder),
    }
    // It is there from now on, although it works when it is run.
    api.vitals.start(Part::Live, super::feed::PATIENCE);
    let (told, heard) = Told::new(COMMITTED);
    intake.tell(told);
    Ok(Opened { server, api, heard, bus: ends, inbox, traces: collected })
}

/// Batches of alerts that wait to be told to those who listen.
const COMMITTED: usize = 1024;
