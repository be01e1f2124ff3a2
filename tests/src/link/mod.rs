//! An aggregator and agents in one process, with a network between them, and an oracle that judges what
//! became of the alerts.

pub mod flood;
pub mod office;
pub mod oracle;
pub mod pki;
pub mod works;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Result;
use fieldward_agent::learn::labels::Labels;
use fieldward_agent::spool::{self, LANES, Spool};
use fieldward_agent::uplink::{Credentials, Pace, Settings, Trust, Uplink};
use fieldward_aggregator::intake::{Gate, Intake, Limits, Parts};
use fieldward_aggregator::store::Store;
use fieldward_shared::alert::{Alert, AlertId, Severity, Status};
use fieldward_shared::telemetry::{NetworkData, RequestMinute};
use fieldward_shared::time::Timestamp;
use tokio::sync::mpsc;
use uuid::Uuid;

use pki::Pki;

/// Any port of this machine.
pub const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An aggregator with its database in a folder.
pub struct Aggregator {
    /// Where agents arrive.
    pub intake: Intake,
    /// What it keeps.
    pub store: Store,
    /// Seconds of traffic that came.
    pub seconds: mpsc::Receiver<NetworkData>,
    /// Minutes of web requests that came.
    pub requests: mpsc::Receiver<RequestMinute>,
}

/// An address that is free for UDP and for TCP, for a process that is started again and again.
pub fn free() -> SocketAddr {
    loop {
        let free = std::net::TcpListener::bind(HERE).and_then(|tcp| tcp.local_addr());
        if let Ok(at) = free
            && std::net::UdpSocket::bind(at).is_ok()
        {
            return at;
        }
    }
}

/// Limits for many agents at one address.
pub fn limits() -> Limits {
    Limits {
        per_address: 100_000,
        per_second: 100_000,
        sweep: Duration::from_millis(50),
        ping: Duration::from_millis(500),
        ..Limits::default()
    }
}

impl Aggregator {
    /// Starts with what is in a folder.
    pub async fn start(folder: &Path, at: SocketAddr, pki: &Pki, limits: Limits) -> Result<Self> {
        Self::with(Store::open(&url(folder)).await?, at, (pki.server()?, pki.gate()), limits).await
    }

    /// The same at an address that was one's own before: it may be taken for a moment longer.
    pub async fn again(folder: &Path, at: SocketAddr, pki: &Pki, limits: Limits) -> Result<Self> {
        for _ in 0..500 {
            // Before the database is opened, which costs much.
            let is_free = std::net::TcpListener::bind(at).is_ok() && std::net::UdpSocket::bind(at).is_ok();
            if is_free && let Ok(aggregator) = Self::start(folder, at, pki, limits.clone()).await {
                return Ok(aggregator);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self::start(folder, at, pki, limits).await
    }

    /// The same with a database, with TLS and with whoever decides over certificates.
    pub async fn with(
        store: Store,
        at: SocketAddr,
        (tls, gate): (Arc<rustls::ServerConfig>, Arc<dyn Gate>),
        limits: Limits,
    ) -> Result<Self> {
        let (seconds, arriving) = mpsc::channel(4096);
        let (requests, counted) = mpsc::channel(64);
        let parts = Parts { tls, reset_key: [7; 64], gate, store: store.clone(), seconds, requests, limits };
        let intake = Intake::bind(at, parts).await?;
        Ok(Self { intake, store, seconds: arriving, requests: counted })
    }

    /// Ends in order.
    pub async fn stop(self) {
        self.intake.close().await;
        self.store.close().await;
    }
}

/// The database of a folder.
pub fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("fieldward.db").display())
}

/// An agent's spool and uplink, and what it was given to report.
pub struct Agent {
    /// Its plant.
    pub facility: String,
    /// Its name.
    pub id: Uuid,
    /// What it keeps.
    pub spool: Arc<Spool>,
    /// What carries it.
    pub uplink: Option<Uplink>,
    /// How many alerts it was given.
    pub issued: u64,
    settings: Settings,
}

/// Impatient, so that a test need not wait.
pub fn pace() -> Pace {
    Pace {
        base: Duration::from_millis(20),
        cap: Duration::from_millis(200),
        late_cap: Duration::from_millis(200),
        stable: Duration::from_secs(1),
        dial: Duration::from_millis(1500),
        probe: Duration::from_millis(300),
        look: Duration::from_millis(100),
    }
}

impl Agent {
    /// An agent of a facility, that reports to an address.
    pub fn start(folder: &Path, facility: &str, pki: &Pki, to: SocketAddr, pace: Pace) -> Result<Self> {
        let (id, trust) = pki.agent(facility)?;
        Self::start_as(folder, facility, (id, trust), to, pace)
    }

    /// The same with a certificate that there is already.
    pub fn start_as(
        folder: &Path,
        facility: &str,
        (id, trust): (Uuid, Trust),
        to: SocketAddr,
        pace: Pace,
    ) -> Result<Self> {
        Self::showing(folder, facility, (id, Credentials::Given(trust)), (to, pki::NAME), pace)
    }

    /// The same with an identity that may change, and the name of whom it reports to.
    pub fn showing(
        folder: &Path,
        facility: &str,
        (id, credentials): (Uuid, Credentials),
        (to, name): (SocketAddr, &str),
        pace: Pace,
    ) -> Result<Self> {
        let folder = folder.join(format!("{facility}-{id}"));
        let (spool, _) = Spool::open(&folder, spool::Limits::to_the_brim())?;
        let spool = Arc::new(spool);
        let settings = Settings {
            address: to.to_string(),
            tcp_port: None,
            name: name.to_owned(),
            spool_folder: folder,
            credentials,
            pace,
            labels: None,
        };
        let uplink = Some(Uplink::start(settings.clone(), spool.clone())?);
        Ok(Self { facility: facility.to_owned(), id, spool, uplink, issued: 0, settings })
    }

    /// An agent that is not connected yet.
    pub fn prepare(folder: &Path, facility: &str, pki: &Pki, pace: Pace) -> Result<Self> {
        // Nobody listens there: it is told where to go when it is connected.
        let mut agent = Self::start(folder, facility, pki, SocketAddr::new(HERE.ip(), 9), pace)?;
        agent.disconnect();
        Ok(agent)
    }

    /// Where verdicts of analysts go, from the next time on that it is connected.
    pub fn hear(&mut self, labels: Arc<Mutex<Labels>>) {
        self.settings.labels = Some(labels);
    }

    /// Puts so many alerts of all severities.
    pub fn issue(&mut self, count: u64) {
        for _ in 0..count {
            self.issued += 1;
            let severity = LANES[usize::try_from(self.issued % 4).unwrap_or_default()];
            self.put(severity, self.issued);
        }
    }

    fn put(&self, severity: Severity, nth: u64) {
        let alert = alert(&self.facility, self.id, severity, nth);
        self.spool.put(severity, record(&alert));
    }

    /// Stops its uplink; what is in the spool stays.
    pub fn disconnect(&mut self) {
        drop(self.uplink.take());
    }

    /// Where its spool lies.
    pub fn spool_folder(&self) -> &Path {
        &self.settings.spool_folder
    }

    /// Starts it again, to another address perhaps.
    pub fn connect(&mut self, to: SocketAddr) -> Result<()> {
        self.disconnect();
        self.settings.address = to.to_string();
        self.uplink = Some(Uplink::start(self.settings.clone(), self.spool.clone())?);
        Ok(())
    }

    /// Whether the aggregator is known to have everything.
    pub fn is_done(&self) -> bool {
        let counts = self.spool.counts();
        counts.waiting == 0 && counts.unacknowledged == 0
    }

    /// How its uplink is.
    pub fn status(&self) -> fieldward_agent::uplink::Status {
        self.uplink.as_ref().map(Uplink::status).unwrap_or_default()
    }
}

/// What the service puts for an alert.
pub fn record(alert: &Alert) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({ "told": "raised", "alert": alert })).unwrap_or_default()
}

/// An alert like those of the service.
pub fn alert(facility: &str, agent: Uuid, severity: Severity, nth: u64) -> Alert {
    // Fifty agents that raise them so raise 20,000 a second together.
    let time = Timestamp::from_micros(1_700_000_000_000_000 + nth * 2_500);
    Alert {
        id: AlertId::new(facility, "test", &format!("{agent} {nth}"), time),
        timestamp: time,
        facility_id: facility.to_owned(),
        severity,
        title: format!("alert {nth}"),
        description: "A host wrote registers that it never wrote before.".to_owned(),
        status: Status::New,
        attack_type: Some("T0836".to_owned()),
        attack_name: Some("Modify Parameter".to_owned()),
        correlation_confidence: 0.9,
        correlation_summary: "one detector".to_owned(),
        sources: Vec::new(),
        context_analysis: None,
        first_seen: time,
        last_seen: time,
        count: 1,
        src_assets: vec!["10.0.0.9".to_owned()],
        dst_assets: vec!["10.0.0.1".to_owned()],
        protocol: "modbus".to_owned(),
        tactic: None,
        candidates: Vec::new(),
        maintenance: None,
    }
}

/// Waits until something is so; whoever waits in vain is told what he waited for.
pub async fn until(what: &str, is_so: impl FnMut() -> bool) {
    within(PATIENCE, what, is_so).await;
}

/// The same with a patience of its own, when something slower would do the same later.
pub async fn within(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let done = tokio::time::timeout(patience, waiting).await;
    assert!(done.is_ok(), "in vain: {what}");
}

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(60);
