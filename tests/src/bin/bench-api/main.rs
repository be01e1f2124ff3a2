//! How long the API takes to answer from a database that holds many alerts and a month of traffic, while agents
//! report: every GET endpoint over HTTP, on SQLite and PostgreSQL. Questions come at their times, whether or not
//! those before are answered, and the time of each counts from when it was to be asked.

mod fill;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use fieldward_aggregator::store::Store;
use fieldward_tests::api::{Caller, Service};
use fieldward_tests::postgres::Postgres;
use fill::Filling;

/// Times the API.
#[derive(Parser)]
struct Arguments {
    /// An empty folder on the disk in question, for at most 4 GB; emptied again at the end
    #[arg(long)]
    dir: PathBuf,
    /// Alerts in the database
    #[arg(long, default_value = "1000000")]
    alerts: u64,
    /// Plants that they are of
    #[arg(long, default_value = "100")]
    plants: u64,
    /// Days that they were raised in
    #[arg(long, default_value = "90")]
    days: u64,
    /// Days of minutes and hours of traffic
    #[arg(long, default_value = "30")]
    traffic_days: u64,
    /// Requests in a second
    #[arg(long, default_value = "50")]
    rate: u64,
    /// Alerts committed in a second meanwhile
    #[arg(long, default_value = "200")]
    ingest: u64,
    /// Seconds that are measured
    #[arg(long, default_value = "300")]
    seconds: u64,
    /// Leave the database of SQLite where it is, and use the one that is there
    #[arg(long)]
    keep: bool,
    /// Only this database (sqlite, postgres)
    #[arg(long)]
    only: Option<String>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    if wanted("sqlite") {
        let folder = Emptied::new(arguments.dir.join("sqlite"), arguments.keep)?;
        measure("SQLite", &format!("sqlite://{}", folder.0.join("api.db").display()), &folder.0, &arguments)
            .await?;
    }
    if wanted("postgres") {
        let folder = Emptied::new(arguments.dir.join("postgres"), false)?;
        let server = Postgres::within(&folder.0).context("PostgreSQL is not installed")??;
        measure("PostgreSQL", &server.database()?, &folder.0, &arguments).await?;
    }
    Ok(())
}

/// A folder that is removed whatever happens, unless it is to be kept.
struct Emptied(PathBuf, bool);

impl Emptied {
    fn new(folder: PathBuf, is_kept: bool) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self(folder, is_kept))
    }
}

impl Drop for Emptied {
    fn drop(&mut self) {
        if !self.1 {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

async fn measure(name: &str, url: &str, folder: &Path, arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    let store = Store::open(url).await?;
    let filling = Filling {
        url: url.to_owned(),
        alerts: arguments.alerts,
        plants: arguments.plants,
        days: arguments.days,
        traffic_days: arguments.traffic_days,
    };
    if store.facilities().await?.is_empty() {
        filling.fill(&store).await?;
    }
    println!(
        "{name}: {} alerts of {} plants in {} days, {} days of traffic; filled in {:.0} s, {} MB on disk",
        arguments.alerts,
        arguments.plants,
        arguments.days,
        arguments.traffic_days,
        start.elapsed().as_secs_f64(),
        bytes(folder) / 1_000_000
    );
    let service = Arc::new(Service::start(store.clone()).await?);
    let asked = questions(&service).await?;
    let committed = Arc::new(AtomicU64::new(0));
    let reporting = tokio::spawn(fill::report(store, arguments.ingest, arguments.plants, committed.clone()));
    let start = Instant::now();
    let taken = ask(&service, &asked, arguments).await?;
    let seconds = start.elapsed().as_secs_f64();
    let meanwhile = committed.load(Ordering::Relaxed) as f64 / seconds;
    reporting.abort();
    tell(&taken, &asked);
    let all: usize = taken.values().map(Vec::len).sum();
    let busy = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!(
        "{name}: {:.0} requests/s while {meanwhile:.0} alerts/s were committed, {seconds:.0} s; load {}",
        all as f64 / seconds,
        busy.split(' ').take(3).collect::<Vec<_>>().join(" ")
    );
    let service = Arc::into_inner(service).context("all questions are answered")?;
    service.api.store.clone().close().await;
    service.stop().await?;
    Ok(())
}

/// A question: what it is called, its path, and who asks.
struct Question {
    name: String,
    path: String,
    caller: Caller,
}

/// Every GET endpoint, with the questions that a page asks of it.
async fn questions(service: &Service) -> Result<Vec<Question>> {
    let all = service.key("admin", &["*"]).await?;
    let names: Vec<String> = (0..5).map(|nth| format!("plant-{}", nth * 7)).collect();
    let some = service.key("viewer", &names.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let newest = service.get(&all, "/api/alerts?limit=1").await?;
    let alert = newest["alerts"][0]["id"].as_str().context("an alert")?.to_owned();
    let agents = service.get(&all, "/api/fleet/agents").await?;
    let agent = agents["agents"][0]["id"].as_str().context("an agent")?.to_owned();
    let cursor = service.get(&all, "/api/alerts?limit=500&page=20").await?;
    let cursor = cursor["next_cursor"].as_str().context("a cursor")?.to_owned();
    let mut questions = Vec::new();
    for entry in service.entries.iter().filter(|entry| entry.method == "GET") {
        let path = entry.path.replace("{alert_id}", &alert).replace("{agent_id}", &agent);
        let is_asked = !APART.iter().any(|apart| path.starts_with(apart));
        let Some(path) = with_parameters(&path).filter(|_| is_asked) else {
            println!("not asked: {}", entry.path);
            continue;
        };
        let further = FURTHER.iter().filter(|(of, _)| *of == entry.path).map(|(_, query)| *query);
        for query in std::iter::once("").chain(further) {
            let query = query.replace("{cursor}", &cursor);
            let shown = if query.contains("cursor=") { "?limit=500&cursor=…" } else { &query };
            questions.push(Question {
                name: format!("{}{shown}", entry.path),
                path: format!("{path}{query}"),
                caller: all.clone(),
            });
        }
    }
    for path in ["/api/alerts", "/api/alerts/active", "/api/alerts/stats", "/api/threats/stats?range=30d"] {
        questions.push(Question {
            name: format!("{path} (five plants)"),
            path: path.to_owned(),
            caller: some.clone(),
        });
    }
    Ok(questions)
}

/// The path with something in the place of each parameter; none when it cannot be asked here: a socket, or a
/// window that an agent is asked for.
fn with_parameters(path: &str) -> Option<String> {
    let path = path.replace("{type}", "T0846").replace("{metric}", "alerts");
    (!path.contains('{') && path != "/ws").then_some(path)
}

/// What is no figure of its own: an export is as long as it is, and there is no issuer and no simulator here.
const APART: &[&str] = &["/api/alerts/export", "/api/auth/oidc", "/api/demo"];
/// What else is asked of an endpoint.
const FURTHER: &[(&str, &str)] = &[
    ("/api/alerts", "?search=nobody%20says%20this"),
    ("/api/alerts", "?search=10.1.2"),
    ("/api/alerts", "?severity=gte:high&status=new"),
    ("/api/alerts", "?facility=plant-3&range=7d"),
    ("/api/alerts", "?technique=T0846"),
    ("/api/alerts", "?limit=500&cursor={cursor}"),
    ("/api/alerts", "?page=200"),
    ("/api/alerts/active", "?range=24h"),
    ("/api/charts/threats", "?range=1h"),
    ("/api/charts/threats", "?range=7d"),
    ("/api/charts/threats", "?range=30d"),
    ("/api/charts/threats", "?range=90d"),
    ("/api/charts/requests", "?range=30d"),
    ("/api/metrics/historical", "?range=5m"),
    ("/api/metrics/historical", "?range=30d"),
    ("/api/threats", "?range=30d"),
    ("/api/threats/stats", "?range=30d"),
    ("/api/analytics/overview", "?range=30d"),
    ("/api/analytics/summary", "?range=90d"),
    ("/api/analytics/trends/{metric}", "?range=30d"),
];

type Taken = BTreeMap<usize, Vec<Duration>>;

async fn ask(service: &Arc<Service>, asked: &[Question], arguments: &Arguments) -> Result<Taken> {
    let mut tasks = tokio::task::JoinSet::new();
    let mut taken = Taken::new();
    // Each is asked once before, as a page that has been open does.
    let mut order = Vec::new();
    for (nth, question) in asked.iter().enumerate() {
        let answer = service.ask(&question.caller, "GET", &question.path, None).await?;
        if answer.status == 404 {
            // There is no round, so there is none to tell of.
            println!("not there: {}", question.path);
            continue;
        }
        anyhow::ensure!(answer.status.is_success(), "{}: {}", question.path, answer.status);
        order.push(nth);
    }
    let mut chance = fastrand::Rng::with_seed(1);
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / arguments.rate as f64));
    for nth in 0..arguments.rate * arguments.seconds {
        let place = nth as usize % order.len();
        if place == 0 {
            chance.shuffle(&mut order);
        }
        let at = ticks.tick().await;
        let question = order[place];
        let (service, caller, path) =
            (service.clone(), asked[question].caller.clone(), asked[question].path.clone());
        tasks.spawn(async move {
            let answer = service.ask(&caller, "GET", &path, None).await?;
            anyhow::Ok((question, at.elapsed(), answer.status.is_success()))
        });
        while let Some(done) = tasks.try_join_next() {
            note(done?, &mut taken);
        }
    }
    while let Some(done) = tasks.join_next().await {
        note(done?, &mut taken);
    }
    Ok(taken)
}

/// What was not answered as it should be is told, and has no time.
fn note(done: Result<(usize, Duration, bool)>, taken: &mut Taken) {
    match done {
        Ok((question, took, true)) => taken.entry(question).or_default().push(took),
        Ok((question, took, false)) => println!("question {question} failed after {took:?}"),
        Err(error) => println!("no answer: {error:#}"),
    }
}

fn tell(taken: &Taken, asked: &[Question]) {
    println!("| GET | times | p50 | p95 | p99 | max, ms |\n|---|---|---|---|---|---|");
    let line = |name: &str, times: &mut Vec<Duration>| {
        times.sort_unstable();
        let at = |share: f64| {
            let place = ((times.len() as f64 * share).ceil() as usize).max(1) - 1;
            times[place].as_secs_f64() * 1e3
        };
        println!(
            "| `{name}` | {} | {:.1} | {:.1} | {:.1} | {:.1} |",
            times.len(),
            at(0.5),
            at(0.95),
            at(0.99),
            at(1.0)
        );
    };
    let mut all = Vec::new();
    for (question, times) in taken {
        let mut times = times.clone();
        all.extend(times.iter().copied());
        line(&asked[*question].name, &mut times);
    }
    line("all", &mut all);
}

/// Of all files in a folder.
fn bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(known) if known.is_dir() => bytes(&entry.path()),
            Ok(known) => known.len(),
            Err(_) => 0,
        })
        .sum()
}
