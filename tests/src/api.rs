//! The API as those who ask meet it: a real store, a real listener on a free port, and a client that sends
//! whatever bytes a story wants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fieldward_aggregator::api::auth::passwords;
use fieldward_aggregator::api::auth::tokens::{self, Signing};
use fieldward_aggregator::api::config::{ApiConfig, Scrapers, Tls};
use fieldward_aggregator::api::door::Door;
use fieldward_aggregator::api::route::Entry;
use fieldward_aggregator::api::serve::Server;
use fieldward_aggregator::api::{Api, Parts, cache, demo, feed, replicas};
use fieldward_aggregator::bus::server::RedisConfig;
use fieldward_aggregator::bus::{self, Bus, Ends, Inbox};
use fieldward_aggregator::fleet::Fleet;
use fieldward_aggregator::intake::{Asker, Heard, Intake, Told};
use fieldward_aggregator::store::keys::Key;
use fieldward_aggregator::store::users::NewUser;
use fieldward_aggregator::store::{Store, now};
use fieldward_aggregator::vitals::Vitals;
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// An API that answers.
pub struct Service {
    /// Where.
    pub at: SocketAddr,
    /// What answers.
    pub api: Arc<Api>,
    /// What it routes.
    pub entries: Vec<Entry>,
    stop: oneshot::Sender<()>,
    runs: JoinHandle<()>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: hyper::HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

/// Who asks, and how.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    headers: Vec<(String, String)>,
}

impl Service {
    /// Starts on a store.
    pub async fn start(store: Store) -> Result<Self> {
        Self::start_with(store, Fleet::default(), None, 1_000_000).await
    }

    /// Starts with a fleet, with agents that can be asked, with a limit.
    pub async fn start_with(store: Store, fleet: Fleet, asker: Option<Asker>, a_minute: u32) -> Result<Self> {
        let parts = Self::parts(store, fleet, asker);
        Self::of(Parts { requests_per_minute: a_minute, ..parts }, None, (None, None)).await
    }

    /// Starts one of several: it is told what an intake commits, and by Redis what the others do.
    pub async fn replica(store: Store, intake: &Intake, redis: &RedisConfig, a_minute: u32) -> Result<Self> {
        let (bus, ends, inbox) = Bus::open(redis, Signing::of(&[7; 32]).bus())?.context("an address")?;
        let parts = Self::parts(store, intake.fleet(), Some(intake.asker()));
        let parts = Parts { bus: Some(bus), requests_per_minute: a_minute, keeps_answers: true, ..parts };
        let (told, heard) = Told::new(1024);
        intake.tell(told);
        Self::of(parts, Some(heard), (Some(ends), Some(inbox))).await
    }

    /// What an API of a story is made of.
    pub fn parts(store: Store, fleet: Fleet, asker: Option<Asker>) -> Parts {
        Parts {
            store,
            fleet,
            asker,
            bus: None,
            traces: None,
            signing: Signing::of(&[7; 32]),
            requests_per_minute: 1_000_000,
            origins: vec!["https://soc.example".into()],
            folder: None,
            vitals: Vitals::default(),
            scrapers: Scrapers::Key,
            keeps_answers: false,
        }
    }

    /// Starts with its parts, told by an intake, beside other replicas.
    pub async fn of(
        parts: Parts,
        heard: Option<Heard>,
        (ends, inbox): (Option<Ends>, Option<Inbox>),
    ) -> Result<Self> {
        let api = Arc::new(Api::new(parts).map_err(|error| anyhow::anyhow!("{error:?}"))?);
        let (router, entries) = api.router();
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = ApiConfig { listen, tls: Tls::Off, ..ApiConfig::default() };
        let server = Server::bind(&config, None, Door::new(api.clone(), router, Vec::new(), false)).await?;
        let at = server.address()?;
        let mut supervisor = Supervisor::new(Notify::default(), Duration::from_secs(20));
        supervisor.spawn("api", |stop| server.run(stop));
        supervisor.spawn("cache", |stop| cache::run(api.clone(), stop));
        supervisor.spawn("demo", |stop| demo::run(api.clone(), stop));
        if let Some(heard) = heard {
            supervisor.spawn("live", |stop| feed::run(api.clone(), heard, stop));
        }
        if let Some(ends) = ends {
            supervisor.spawn("bus", |stop| bus::run(ends, stop));
            supervisor.spawn("replicas", |stop| replicas::run(api.clone(), inbox, stop));
        }
        let (stop, asked) = oneshot::channel();
        let runs = tokio::spawn(async move {
            let asked = async { drop(asked.await) };
            supervisor.run_until(asked, None).await.expect("it ends in order");
        });
        Ok(Self { at, api, entries, stop, runs })
    }

    /// Asks it to stop; gives what ends when it has.
    pub fn stop(self) -> JoinHandle<()> {
        let _ = self.stop.send(());
        self.runs
    }

    /// A key of a role for facilities.
    pub async fn key(&self, role: &str, facilities: &[&str]) -> Result<Caller> {
        let secret = key_of(&self.api.store, &format!("story-{role}"), role, facilities).await?;
        Ok(Caller::default().with("x-api-key", &secret))
    }

    /// A user with a password.
    pub async fn user(&self, name: &str, role: &str, facilities: &[&str], password: &str) -> Result<()> {
        let password = passwords::hash(password.as_bytes()).map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let facilities: Vec<String> = facilities.iter().map(|one| (*one).to_owned()).collect();
        let user = NewUser { name, role, facilities: &facilities, password: &password };
        self.api.store.add_user(&user, "story", now()).await?.context("a new name")?;
        Ok(())
    }

    /// Asks.
    pub async fn ask(
        &self,
        caller: &Caller,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer> {
        let bytes = body.map(|body| body.to_string().into_bytes());
        let caller = match bytes {
            Some(_) => caller.clone().with("content-type", "application/json"),
            None => caller.clone(),
        };
        self.send(&caller, method, path, bytes.unwrap_or_default()).await
    }

    /// Asks for something that is there.
    pub async fn get(&self, caller: &Caller, path: &str) -> Result<Value> {
        let answer = self.ask(caller, "GET", path, None).await?;
        anyhow::ensure!(answer.status == StatusCode::OK, "GET {path}: {answer:?}");
        answer.json()
    }

    /// Sends any body.
    pub async fn send(&self, caller: &Caller, method: &str, path: &str, body: Vec<u8>) -> Result<Answer> {
        let stream = TcpStream::connect(self.at).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let runs = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", self.at.to_string());
        for (name, value) in &caller.headers {
            request = request.header(name, value);
        }
        let response = sender.send_request(request.body(Full::new(Bytes::from(body)))?).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        drop(sender);
        drop(runs.await);
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}

/// Makes a key of a role for facilities in a store; what it says.
pub async fn key_of(store: &Store, name: &str, role: &str, facilities: &[&str]) -> Result<String> {
    let (secret, digest) = tokens::secret().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let at = now();
    let key = Key {
        id: Uuid::new_v4(),
        name: name.into(),
        role: role.into(),
        facilities: facilities.iter().map(|one| (*one).to_owned()).collect(),
        created: at,
        created_by: "story".into(),
        expires: at.plus(DAY),
        last_used: None,
        revoked: None,
    };
    store.add_key(&key, digest, at).await?;
    Ok(tokens::key(key.id, &secret))
}

impl Answer {
    /// Its body.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| String::from_utf8_lossy(&self.body).into_owned())
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Holds that it is an error in the one form that errors have, of this status and code.
    pub fn is_problem(&self, status: u16, code: &str) {
        let body = self.json().expect("a problem");
        assert_eq!(self.header("content-type"), "application/problem+json", "{body}");
        assert_eq!((self.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
        for field in [
            "type",
            "title",
            "status",
            "detail",
            "instance",
            "code",
            "request_id",
            "errors",
            "error",
            "status_code",
            "message",
            "path",
            "timestamp",
            "details",
        ] {
            assert!(body.get(field).is_some(), "{field} is missing in {body}");
        }
        assert_eq!(body["status"], body["status_code"]);
        assert_eq!(body["error"], true);
        assert_eq!(body["request_id"].as_str(), Some(self.header("x-request-id")));
    }
}

impl Caller {
    /// With a header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With an access token.
    pub fn bearer(token: &str) -> Self {
        Self::default().with("authorization", &format!("Bearer {token}"))
    }
}

/// How long a key of a story is good, in microseconds.
const DAY: u64 = 24 * 3_600_000_000;
