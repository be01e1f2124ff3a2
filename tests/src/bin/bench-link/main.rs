//! How fast the link is: alerts committed in a second from many agents, how long one alert takes under loss,
//! and what connected agents cost in memory. Agents whose memory would be counted with the aggregator's run
//! in a process of their own.

mod long;

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use fieldward_agent::spool::LANES;
use fieldward_agent::uplink::{Credentials, Pace, Trust};
use fieldward_aggregator::intake::Limits;
use fieldward_aggregator::store::Store;
use fieldward_shared::alert::Severity;
use fieldward_shared::identity::AGGREGATOR;
use fieldward_shared::transport::{Channel, ClientIdentity, Link, client, quic_client};
use fieldward_shared::wire::{self, Hello, LaneStart, Message, Pong, SESSION};
use fieldward_tests::faults::{Faults, Proxy};
use fieldward_tests::link::flood::{Done, Flood};
use fieldward_tests::link::office::{self, Office};
use fieldward_tests::link::pki::{NAME, Pki};
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, oracle, url};
use fieldward_tests::postgres::Postgres;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use uuid::Uuid;

/// Times the link.
#[derive(Parser)]
struct Arguments {
    /// An empty folder on the disk in question
    folder: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Alerts committed in a second
    Rate {
        /// Agents
        #[arg(long, default_value = "50")]
        agents: usize,
        /// Alerts of each
        #[arg(long, default_value = "10000")]
        alerts: u64,
        /// Into PostgreSQL instead of SQLite
        #[arg(long)]
        postgres: bool,
    },
    /// From an alert to its acknowledgement
    Latency {
        /// Percent of datagrams that are lost, each way
        #[arg(long, default_value = "0")]
        loss: u32,
        /// Milliseconds that each takes, each way
        #[arg(long, default_value = "10")]
        delay: u64,
        /// Alerts, one after the other
        #[arg(long, default_value = "500")]
        alerts: u64,
    },
    /// What connected agents cost
    Memory {
        /// Agents
        #[arg(long, default_value = "500")]
        agents: usize,
    },
    /// From an alert to its acknowledgement while strangers leave handshakes half open, and what they cost
    Hostile {
        /// Handshakes a second that are begun from addresses that never answer
        #[arg(long, default_value = "5000")]
        first: u32,
        /// Handshakes a second that are left when their address is proven
        #[arg(long, default_value = "60")]
        half: u32,
        /// Connections a second by TCP that never speak
        #[arg(long, default_value = "100")]
        silent: u32,
        /// Healthy agents
        #[arg(long, default_value = "20")]
        agents: usize,
        /// Alerts of each, one after the other
        #[arg(long, default_value = "1000")]
        alerts: u64,
    },
    /// The aggregator starts again while everybody is connected: how long until all are back
    Storm {
        /// Agents
        #[arg(long, default_value = "500")]
        agents: usize,
    },
    /// A link that was away for hours: what is kept costs, and how fast it comes
    Outage {
        /// Hours at fifty alerts a minute
        #[arg(long, default_value = "24")]
        hours: u64,
    },
    /// Faults of all kinds, one after the other, for minutes or hours: what is lost, and what grows
    Soak {
        /// For so long
        #[arg(long, default_value = "10")]
        minutes: u64,
        /// Agents
        #[arg(long, default_value = "20")]
        agents: usize,
    },
    /// The aggregator in a process of its own, until its input ends: for `hostile`
    #[command(hide = true)]
    Serve,
    /// Strangers, until their input ends: for `hostile`
    #[command(hide = true)]
    Strangers {
        /// Where to
        address: SocketAddr,
        /// First packets a second
        first: u32,
        /// Handshakes left half open a second
        half: u32,
        /// Connections by TCP a second
        silent: u32,
    },
    /// Agents that only stay connected: for `memory`
    #[command(hide = true)]
    Visitors {
        /// Where to
        address: SocketAddr,
        /// How many
        agents: usize,
    },
    /// One real agent without models: for `memory`
    #[command(hide = true)]
    Idle {
        /// Where to
        address: SocketAddr,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { folder, what } = Arguments::parse();
    std::fs::create_dir_all(&folder)?;
    match what {
        What::Rate { agents, alerts, postgres } => rate(&folder, agents, alerts, postgres).await,
        What::Latency { loss, delay, alerts } => latency(&folder, loss, delay, alerts).await,
        What::Memory { agents } => memory(&folder, agents).await,
        What::Hostile { first, half, silent, agents, alerts } => {
            hostile(&folder, Flood { first, half, silent }, agents, alerts).await
        }
        What::Storm { agents } => long::storm(&folder, agents).await,
        What::Outage { hours } => long::outage(&folder, hours).await,
        What::Soak { minutes, agents } => long::soak(&folder, minutes, agents).await,
        What::Serve => serve(&folder).await,
        What::Strangers { address, first, half, silent } => {
            strangers(address, Flood { first, half, silent }).await
        }
        What::Visitors { address, agents } => visitors(&folder, address, agents).await,
        What::Idle { address } => idle(&folder, address).await,
    }
}

async fn rate(folder: &Path, agents: usize, alerts: u64, postgres: bool) -> Result<()> {
    let pki = Pki::new()?;
    let server = postgres.then(|| Postgres::with(&[]).context("PostgreSQL is not installed")?).transpose()?;
    let url = server.as_ref().map_or_else(|| Ok(url(folder)), Postgres::database)?;
    let store = Store::open(&url).await?;
    let aggregator = Aggregator::with(store, HERE, (pki.server()?, pki.gate()), calm()).await?;
    let address = aggregator.intake.address();
    let mut all = Vec::new();
    for nth in 0..agents {
        let mut agent = Agent::prepare(folder, &format!("plant{nth}"), &pki, Pace::default())?;
        for _ in 0..alerts.div_ceil(1000) {
            agent.issue(alerts.min(1000));
            agent.spool.sync();
        }
        all.push(agent);
    }
    let issued: u64 = all.iter().map(|agent| agent.issued).sum();
    let (start, cpu) = (Instant::now(), fieldward_tests::cpu::seconds_of(std::process::id()));
    for agent in &mut all {
        agent.connect(address)?;
    }
    while !all.iter().all(Agent::is_done) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        ensure!(
            start.elapsed() < STUCK,
            "stuck: {:?}; {:?}",
            aggregator.intake.counters().all(),
            all[0].status()
        );
    }
    let (seconds, cpu) =
        (start.elapsed().as_secs_f64(), fieldward_tests::cpu::seconds_of(std::process::id()) - cpu);
    println!(
        "{issued} alerts of {agents} agents committed to {} in {seconds:.2} s: {:.0}/s; {cpu:.2} s of processor time, \
         agents included; {} MiB",
        if postgres { "PostgreSQL" } else { "SQLite" },
        issued as f64 / seconds,
        resident() >> 20
    );
    drop(all.iter_mut().map(Agent::disconnect).collect::<Vec<_>>());
    aggregator.stop().await;
    oracle::judge_at(&url, &all.iter().collect::<Vec<_>>()).await?;
    Ok(())
}

async fn latency(folder: &Path, loss: u32, delay: u64, alerts: u64) -> Result<()> {
    let pki = Pki::new()?;
    let aggregator = Aggregator::start(folder, HERE, &pki, calm()).await?;
    let network = Proxy::start(aggregator.intake.address(), 1).await?;
    network.set(Faults { delay: Duration::from_millis(delay), ..Faults::losing(loss) });
    let mut agent = Agent::start(folder, "plant", &pki, network.address(), Pace::default())?;
    while agent.status().connected.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = timed(&mut agent, alerts).await?;
    println!(
        "{loss} % lost, {delay} ms each way, by {}: {}; {} sessions",
        agent.status().connected.unwrap_or_default(),
        shares(took),
        agent.status().sessions
    );
    agent.disconnect();
    aggregator.stop().await;
    oracle::judge(folder, &[&agent]).await?;
    Ok(())
}

/// Alerts one after the other: milliseconds until each is acknowledged.
async fn timed(agent: &mut Agent, alerts: u64) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    for _ in 0..alerts {
        let start = Instant::now();
        agent.issue(1);
        let (lane, seq) = (LANES[usize::try_from(agent.issued % 4)?], agent.issued.div_ceil(4));
        let seq = if lane == Severity::Low { agent.issued / 4 } else { seq };
        while agent.spool.acknowledged(lane) < seq {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(start.elapsed().as_secs_f64() * 1e3);
        // A second has a few alerts, not all at once.
        tokio::time::sleep(Duration::from_millis(fastrand::u64(5..30))).await;
    }
    Ok(took)
}

/// The same of many agents beside each other.
async fn together(agents: Vec<Agent>, alerts: u64) -> Result<(Vec<Agent>, Vec<f64>)> {
    let mut tasks = tokio::task::JoinSet::new();
    for mut agent in agents {
        tasks.spawn(async move { timed(&mut agent, alerts).await.map(|took| (agent, took)) });
    }
    let (mut agents, mut all) = (Vec::new(), Vec::new());
    while let Some(done) = tasks.join_next().await {
        let (agent, took) = done??;
        agents.push(agent);
        all.extend(took);
    }
    Ok((agents, all))
}

fn shares(mut took: Vec<f64>) -> String {
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    format!(
        "from the alert to its acknowledgement p50 {:.0} ms, p90 {:.0} ms, p99 {:.0} ms, most {:.0} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0)
    )
}

async fn hostile(folder: &Path, flood: Flood, agents: usize, alerts: u64) -> Result<()> {
    let (aggregator, address) = Other::start(folder, &["serve"]).await?;
    let served = aggregator.process.id().context("the aggregator has ended")?;
    let to: SocketAddr = address.parse()?;
    let come = |facility: &str| -> Result<Agent> {
        let (id, trust) = office::issued(&office::ca(folder), facility)?;
        let own = (id, Credentials::Given(trust));
        Agent::showing(folder, facility, own, (to, AGGREGATOR), Pace::default())
    };
    let all = (0..agents).map(|nth| come(&format!("plant{nth}"))).collect::<Result<Vec<_>>>()?;
    while !all.iter().all(|agent| agent.status().connected.is_some()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (all, calm) = together(all, alerts).await?;
    println!("{agents} agents and nobody else: {}", shares(calm));
    let before = resident_of(served);
    let most = Arc::new(AtomicU64::new(before));
    let watched = most.clone();
    let watching = tokio::spawn(async move {
        loop {
            watched.fetch_max(resident_of(served), Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let rates = [flood.first, flood.half, flood.silent].map(|rate| rate.to_string());
    let rates = ["strangers", &address, &rates[0], &rates[1], &rates[2]];
    let (strangers, _) = Other::start(folder, &rates).await?;
    let begun = Instant::now();
    let (mut all, took) = together(all, alerts).await?;
    let sessions: u64 = all.iter().map(|agent| agent.status().sessions).sum();
    let seconds = begun.elapsed().as_secs_f64();
    println!("{agents} agents and {flood}, for {seconds:.0} s: {}; {sessions} sessions", shares(took));
    let (start, late) = (Instant::now(), come("late")?);
    while late.status().connected.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        ensure!(start.elapsed() < STUCK, "an agent does not get in meanwhile: {:?}", late.status());
    }
    println!("an agent that comes meanwhile is connected after {:.2} s", start.elapsed().as_secs_f64());
    watching.abort();
    println!("done by the strangers: {}", strangers.end().await?);
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (before, most) = (mib(before), mib(most.load(Ordering::Relaxed)));
    println!("the aggregator takes {before:.1} MiB before, {most:.1} MiB at most: {:+.1} MiB", most - before);
    all.push(late);
    all.iter_mut().for_each(Agent::disconnect);
    println!("counted by the aggregator: {}", aggregator.end().await?);
    oracle::judge(folder, &all.iter().collect::<Vec<_>>()).await?;
    Ok(())
}

/// With an authority of its own, and the limits of production but for many agents at one address.
async fn serve(folder: &Path) -> Result<()> {
    let limits = Limits { per_address: limits().per_address, ..Limits::default() };
    let office = Office::open(folder, HERE, limits).await?;
    println!("{}", office.address());
    until_input_ends().await?;
    let counted = office.aggregator.intake.counters().all();
    println!("{:?}", counted.iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>());
    office.close().await;
    Ok(())
}

/// The process that started this one asks it to end so.
async fn until_input_ends() -> Result<()> {
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn strangers(address: SocketAddr, flood: Flood) -> Result<()> {
    let done = Arc::new(Done::default());
    let flooding = tokio::spawn(flood.run(address, done.clone(), || println!("they come")));
    until_input_ends().await?;
    ensure!(!flooding.is_finished(), "{:?}", flooding.await);
    flooding.abort();
    println!("{done:?}");
    Ok(())
}

async fn memory(folder: &Path, agents: usize) -> Result<()> {
    let pki = Pki::new()?;
    for nth in 0..=agents {
        let (id, trust) = pki.agent(&format!("plant{nth}"))?;
        write(&folder.join(format!("{nth}.trust")), id, &trust)?;
    }
    let aggregator = Aggregator::start(folder, HERE, &pki, calm()).await?;
    let (address, before) = (aggregator.intake.address().to_string(), resident());
    let said = Other::start(folder, &["visitors", &address, &agents.to_string()]).await?;
    let fleet = aggregator.intake.fleet();
    let connected = fleet.snapshot(fieldward_shared::time::Timestamp::default()).len();
    ensure!(connected == agents, "{connected} of {agents} agents are connected: {}", said.1);
    println!(
        "{agents} agents connected: the aggregator takes {} MiB, {} MiB without them",
        resident() >> 20,
        before >> 20
    );
    drop(said);
    let (_other, said) = Other::start(folder, &["idle", &address]).await?;
    println!("{said}");
    aggregator.stop().await;
    Ok(())
}

/// This program, started anew. It ends when it is dropped.
struct Other {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Other {
    /// Starts it and waits for its first line.
    async fn start(folder: &Path, arguments: &[&str]) -> Result<(Self, String)> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(folder)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take().context("no output")?);
        let mut other = Self { process, input, output: BufReader::new(output) };
        let line = other.line().await?;
        ensure!(!line.is_empty(), "{arguments:?} has said nothing and ended");
        Ok((other, line))
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line).await?;
        Ok(line.trim().to_owned())
    }

    /// Asks it to end; gives what it says last.
    async fn end(mut self) -> Result<String> {
        drop(self.input.take());
        let line = self.line().await?;
        self.process.wait().await?;
        Ok(line)
    }
}

async fn visitors(folder: &Path, address: SocketAddr, agents: usize) -> Result<()> {
    let mut links = Vec::new();
    for nth in 0..agents {
        let (_, trust) = read(&folder.join(format!("{nth}.trust")))?;
        let tls = client(Some(trust.identity), &trust.roots, SESSION)?;
        let link = quic_client(tls)?.dial(address, NAME).await?;
        let (mut control, receiver) = link.open(Channel::Control).await?;
        let hello = Hello {
            versions: vec![wire::VERSION],
            incarnation: vec![1; 16],
            instance: vec![2; 16],
            features: fieldward_agent::features::SCHEMA
                .names()
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            lanes: vec![LaneStart::default(); 4],
            ..Hello::default()
        };
        control.send(hello).await?;
        let mut receiver = receiver.context("no way back")?;
        ensure!(matches!(receiver.next().await?, Some(Message::Welcome(_))), "no welcome");
        links.push(link.clone());
        tokio::spawn(async move {
            while let Ok(Some(message)) = receiver.next().await {
                if let Message::Ping(ping) = message {
                    control.send(Pong { sent: ping.sent, time: ping.sent }).await?;
                }
            }
            Ok::<(), fieldward_shared::transport::LinkError>(())
        });
    }
    println!("{agents} are there");
    links.first().map(Link::closed).context("nobody")?.await;
    Ok(())
}

async fn idle(folder: &Path, address: SocketAddr) -> Result<()> {
    let count = std::fs::read_dir(folder)?
        .flatten()
        .filter(|one| one.path().extension().is_some_and(|e| e == "trust"));
    let own = read(&folder.join(format!("{}.trust", count.count() - 1)))?;
    let agent = Agent::start_as(folder, "idle", own, address, Pace::default())?;
    while agent.status().connected.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // So long that pings and health have gone.
    tokio::time::sleep(Duration::from_secs(12)).await;
    println!(
        "an idle agent without capture and models takes {:.1} MiB",
        resident() as f64 / f64::from(1 << 20)
    );
    Ok(())
}

/// An agent's name, certificate, key and root, one after the other.
fn write(path: &Path, id: Uuid, trust: &Trust) -> Result<()> {
    let mut bytes = id.as_bytes().to_vec();
    let root = trust.roots.first().context("no root")?;
    let leaf = trust.identity.chain.first().context("no certificate")?;
    for part in [leaf.as_ref(), trust.identity.key.secret_der(), root.as_ref()] {
        bytes.extend_from_slice(&u32::try_from(part.len())?.to_be_bytes());
        bytes.extend_from_slice(part);
    }
    Ok(std::fs::write(path, bytes)?)
}

fn read(path: &Path) -> Result<(Uuid, Trust)> {
    let bytes = std::fs::read(path)?;
    let (id, mut rest) = bytes.split_at_checked(16).context("too short")?;
    let mut parts = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (part, after) =
            after.split_at_checked(u32::from_be_bytes(*length) as usize).context("too short")?;
        parts.push(part.to_vec());
        rest = after;
    }
    let [leaf, key, root] = <[Vec<u8>; 3]>::try_from(parts).ok().context("not three parts")?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let identity = ClientIdentity { chain: vec![CertificateDer::from(leaf)], key };
    Ok((
        Uuid::from_slice(id)?,
        Trust { identity, roots: vec![CertificateDer::from(root)], clock: Arc::default() },
    ))
}

/// As in production, but for many agents at one address.
fn calm() -> Limits {
    Limits { per_address: limits().per_address, per_second: limits().per_second, ..Limits::default() }
}

/// Longer than any rate takes that is worth to be told.
const STUCK: Duration = Duration::from_secs(120);

/// Resident memory of this process.
fn resident() -> u64 {
    resident_of(std::process::id())
}

/// Resident memory of a process.
fn resident_of(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0)
        << 10
}
