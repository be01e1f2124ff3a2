//! How soon an alert reaches everybody who listens, and what somebody costs who does not read: a real agent,
//! intake, store and API in this process, those who listen in another.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use fieldward_aggregator::api::auth::tokens;
use fieldward_aggregator::intake::Told;
use fieldward_aggregator::store::keys::Key;
use fieldward_aggregator::store::now;
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::Service;
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, Aggregator, HERE, limits, pace};
use fieldward_tests::socket::Socket;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{Barrier, mpsc};
use tokio::time::sleep;
use uuid::Uuid;

/// Times messages to many sockets.
#[derive(Parser)]
struct Arguments {
    /// An empty folder on the disk in question
    folder: PathBuf,
    /// Who listens
    #[arg(long, default_value = "2000")]
    clients: usize,
    /// Alerts, one after the other
    #[arg(long, default_value = "50")]
    alerts: u64,
    /// Who does not read
    #[arg(long, default_value = "100")]
    silent: usize,
    /// Alerts that they do not read
    #[arg(long, default_value = "8000")]
    unread: u64,
    /// Listens at an address; keys come by standard input
    #[arg(long, hide = true)]
    listen_at: Option<SocketAddr>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    match arguments.listen_at {
        Some(at) => listen(at, arguments.clients, arguments.silent).await,
        None => serve(&arguments).await,
    }
}

async fn serve(arguments: &Arguments) -> Result<()> {
    let pki = Pki::new()?;
    let aggregator = Aggregator::start(&arguments.folder, HERE, &pki, limits()).await?;
    let parts =
        Service::parts(aggregator.store.clone(), aggregator.intake.fleet(), Some(aggregator.intake.asker()));
    let (told, heard) = Told::new(1024);
    aggregator.intake.tell(told);
    let service = Service::of(parts, Some(heard), (None, None)).await?;
    let mut agent = Agent::start(&arguments.folder, "north", &pki, aggregator.intake.address(), pace())?;
    let empty = memory()?;

    let mut many = Listeners::start(&service, arguments.clients, 0).await?;
    let full = memory()?;
    println!(
        "{} sockets: {} KiB of memory each",
        arguments.clients,
        (full.saturating_sub(empty)) / arguments.clients as u64 / 1024
    );
    let mut all = Vec::new();
    for _ in 0..arguments.alerts {
        let issued = now();
        agent.issue(1);
        let reached = many.next()?;
        all.push((reached.last.since(issued), reached));
        // Each is measured by itself.
        sleep(Duration::from_millis(100)).await;
    }
    drop(many);
    let spread = |what: &str, mut times: Vec<u64>| {
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100] as f64 / 1000.0;
        println!("{what}: p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms", at(50), at(99), at(100));
    };
    spread("from the spool of the agent to the last socket", all.iter().map(|one| one.0).collect());
    spread("from told to a socket, median of each alert", all.iter().map(|one| one.1.p50).collect());
    spread("from told to a socket, p99 of each alert", all.iter().map(|one| one.1.p99).collect());
    spread("from told to the last socket", all.iter().map(|one| one.1.most).collect());
    spread(
        "from its arrival, before the commit, to a socket: median",
        all.iter().map(|one| one.1.whole[0]).collect(),
    );
    spread(
        "from its arrival, before the commit, to a socket: p99",
        all.iter().map(|one| one.1.whole[1]).collect(),
    );

    silent(arguments, &service, &mut agent).await?;
    drop(agent);
    service.stop().await?;
    aggregator.stop().await;
    Ok(())
}

/// What those cost who do not read, and whether anybody notices.
async fn silent(arguments: &Arguments, service: &Service, agent: &mut Agent) -> Result<()> {
    // Memory that earlier sockets left is used again.
    let (before, kernel) = (memory()?, kernel()?);
    let mut one = Listeners::start(service, 1, arguments.silent).await?;
    let (mut most, mut most_kernel) = (0, 0);
    let mut slowest = 0;
    for _ in 0..arguments.unread / 100 {
        agent.issue(100);
        for _ in 0..100 {
            slowest = slowest.max(one.next()?.most);
        }
        most = most.max(memory()?.saturating_sub(before));
        most_kernel = most_kernel.max(self::kernel()?.saturating_sub(kernel));
    }
    let each = |bytes: u64| bytes as f64 / arguments.silent.max(1) as f64 / 1024.0;
    println!(
        "{} that do not read, {} alerts: {:.0} KiB of memory and {:.0} KiB of the system's each at most; who \
         reads waited {:.1} ms at most",
        arguments.silent,
        arguments.unread,
        each(most),
        each(most_kernel),
        slowest as f64 / 1000.0
    );
    while service.api.sockets.open() > 1 {
        sleep(Duration::from_millis(100)).await;
    }
    println!("closed by code: {:?}", service.api.sockets.closed());
    Ok(())
}

/// What became of an alert.
struct Reached {
    /// When the last heard of it.
    last: Timestamp,
    /// Microseconds from told to heard.
    p50: u64,
    p99: u64,
    most: u64,
    /// Median and p99 from its arrival at the aggregator, before it was committed.
    whole: [u64; 2],
}

/// Those who listen, in a process of their own.
struct Listeners {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Listeners {
    async fn start(service: &Service, clients: usize, silent: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--listen-at", &service.at.to_string(), "--clients", &clients.to_string()])
            .args(["--silent", &silent.to_string(), "."])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut keys = child.stdin.take().context("its input")?;
        for nth in 0..(clients + silent).div_ceil(EACH) {
            writeln!(keys, "{}", key(service, nth).await?)?;
        }
        drop(keys);
        let mut said = BufReader::new(child.stdout.take().context("its output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        if line.trim() != "ready" {
            bail!("those who listen said {line:?}");
        }
        Ok(Self { child, said })
    }

    /// What became of the next alert.
    fn next(&mut self) -> Result<Reached> {
        let mut line = String::new();
        tokio::task::block_in_place(|| self.said.read_line(&mut line))?;
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        match numbers[..] {
            [last, p50, p99, most, middle, whole] => {
                Ok(Reached { last: Timestamp::from_micros(last), p50, p99, most, whole: [middle, whole] })
            }
            _ => bail!("those who listen said {line:?}"),
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn key(service: &Service, nth: usize) -> Result<String> {
    let (secret, digest) = tokens::secret().map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let at = now();
    let key = Key {
        id: Uuid::new_v4(),
        name: format!("listener {nth}"),
        role: "viewer".into(),
        facilities: vec!["*".into()],
        created: at,
        created_by: "bench".into(),
        expires: at.plus(3_600_000_000),
        last_used: None,
        revoked: None,
    };
    service.api.store.add_key(&key, digest, at).await?;
    Ok(tokens::key(key.id, &secret))
}

/// Listens: tells of each alert when all have heard of it.
async fn listen(at: SocketAddr, clients: usize, silent: usize) -> Result<()> {
    let keys: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    let mut quiet = Vec::new();
    for nth in 0..silent {
        quiet.push(open(at, &keys[nth / EACH]).await?);
    }
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let ready = Arc::new(Barrier::new(clients + 1));
    for nth in 0..clients {
        let mut socket = open(at, &keys[(silent + nth) / EACH]).await?;
        let (heard, ready) = (heard.clone(), ready.clone());
        tokio::spawn(async move {
            let mut is_ready = false;
            while let Ok((kind, bytes)) = socket.frame().await {
                let at = now();
                let text = String::from_utf8_lossy(&bytes);
                if kind == 9 {
                    socket.send(0x8a, &bytes).await;
                } else if !is_ready {
                    is_ready = true;
                    ready.wait().await;
                } else if text.contains("\"channel\":\"alerts\"") {
                    let time = |name: &str| {
                        let said = text.split(&format!("\"{name}\":\"")).nth(1)?.split('"').next()?;
                        Timestamp::parse_rfc3339(said)
                    };
                    let since = |name: &str| time(name).map_or(u64::MAX, |before| at.since(before));
                    let _ = heard.send((at, since("ts"), since("received_at")));
                }
            }
        });
    }
    ready.wait().await;
    println!("ready");
    std::io::stdout().flush()?;
    loop {
        let (mut times, mut whole) = (Vec::with_capacity(clients), Vec::with_capacity(clients));
        let mut last = Timestamp::from_micros(0);
        while times.len() < clients {
            let Some((at, took, all)) = hearing.recv().await else { return Ok(()) };
            last = last.max(at);
            times.push(took);
            whole.push(all);
        }
        times.sort_unstable();
        whole.sort_unstable();
        let at = |times: &[u64], share: usize| times[(times.len() - 1) * share / 100];
        println!(
            "{} {} {} {} {} {}",
            last.as_micros(),
            at(&times, 50),
            at(&times, 99),
            at(&times, 100),
            at(&whole, 50),
            at(&whole, 99)
        );
        std::io::stdout().flush()?;
    }
}

async fn open(at: SocketAddr, key: &str) -> Result<Socket> {
    Socket::open(at, &[("x-api-key", key)]).await.map_err(|error| anyhow::anyhow!("{error}"))
}

/// Resident memory of this process.
fn memory() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
    Ok(line.split_whitespace().nth(1).context("a number")?.parse::<u64>()? * 1024)
}

/// What the system holds for TCP on the whole machine: both ends of it.
fn kernel() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/net/sockstat")?;
    let line = text.lines().find(|line| line.starts_with("TCP:")).context("TCP")?;
    let pages = line.split_whitespace().skip_while(|word| *word != "mem").nth(1).context("mem")?;
    Ok(pages.parse::<u64>()? * 4096)
}

/// Sockets of a key.
const EACH: usize = 200;
