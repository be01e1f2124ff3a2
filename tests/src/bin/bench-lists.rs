//! How long pages of alerts take to read from a database that holds many, while agents report: on SQLite and
//! PostgreSQL, filled through the store.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use fieldward_aggregator::store::alerts::{Cursor, Filter};
use fieldward_aggregator::store::board::Change;
use fieldward_aggregator::store::{Body, Report, Store, now};
use fieldward_shared::alert::{AlertId, Severity, Status};
use fieldward_shared::time::Timestamp;
use fieldward_tests::postgres::Postgres;
use fieldward_tests::reports::{Reporter, START};

/// Times the lists of the store.
#[derive(Parser)]
struct Arguments {
    /// An empty folder on the disk in question
    folder: PathBuf,
    /// Alerts in the database
    #[arg(long, default_value = "1000000")]
    alerts: u64,
    /// Plants that they are of
    #[arg(long, default_value = "100")]
    plants: u64,
    /// Alerts committed in a second meanwhile
    #[arg(long, default_value = "200")]
    rate: u64,
    /// How often each list is read
    #[arg(long, default_value = "300")]
    times: u64,
    /// Only this database (sqlite, postgres)
    #[arg(long)]
    only: Option<String>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    if wanted("sqlite") {
        let url = format!("sqlite://{}", arguments.folder.join("lists.db").display());
        measure("SQLite", &url, &arguments).await?;
    }
    if wanted("postgres") {
        let server = Postgres::with(&[]).context("PostgreSQL is not installed")??;
        measure("PostgreSQL", &server.database()?, &arguments).await?;
    }
    Ok(())
}

async fn measure(name: &str, url: &str, arguments: &Arguments) -> Result<()> {
    let store = Store::open(url).await?;
    let start = Instant::now();
    fill(&store, arguments).await?;
    let rate = arguments.alerts as f64 / start.elapsed().as_secs_f64();
    println!("{name}: {} alerts of {} plants, filled at {rate:.0}/s", arguments.alerts, arguments.plants);
    decide(&store, arguments).await?;
    let committed = Arc::new(AtomicU64::new(0));
    let reporting = tokio::spawn(report(store.clone(), arguments.rate, committed.clone()));
    let (start, mut reads) = (Instant::now(), 0_u64);
    for (what, list) in LISTS {
        let mut times = Vec::new();
        let mut rows = 0;
        for nth in 0..arguments.times {
            let (filter, after) = list(nth, arguments);
            let asked = Instant::now();
            rows += store.alerts(&filter, after, PAGE).await?.len();
            times.push(asked.elapsed());
        }
        reads += arguments.times;
        tell(what, &mut times, rows as u64 / arguments.times);
    }
    let mut times = Vec::new();
    for nth in 0..arguments.times {
        let id = id(nth, arguments);
        let asked = Instant::now();
        store.alert(id).await?.context("an alert")?;
        times.push(asked.elapsed());
    }
    tell("one alert", &mut times, 1);
    reporting.abort();
    let seconds = start.elapsed().as_secs_f64();
    let meanwhile = committed.load(Ordering::Relaxed) as f64 / seconds;
    println!("  meanwhile {meanwhile:.0} alerts/s were committed; {reads} lists in {seconds:.0} s");
    store.close().await;
    Ok(())
}

fn tell(what: &str, times: &mut [Duration], rows: u64) {
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize - 1].as_secs_f64() * 1e3;
    println!("  {what:<42} {rows:>3} rows, p50 {:>6.1} ms, p99 {:>6.1} ms", at(0.5), at(0.99));
}

/// A list: the filter of its `nth` reading, and what it is read after.
type List = fn(u64, &Arguments) -> (Filter, Option<Cursor>);

const LISTS: &[(&str, List)] = &[
    ("all", |_, _| (Filter::default(), None)),
    ("one plant", |nth, all| (Filter { facilities: plants(nth, 1, all), ..Filter::default() }, None)),
    ("ten plants", |nth, all| (Filter { facilities: plants(nth, 10, all), ..Filter::default() }, None)),
    ("every plant by name", |_, all| {
        (Filter { facilities: plants(0, all.plants, all), ..Filter::default() }, None)
    }),
    ("critical", |_, _| (Filter { severities: vec![Severity::Critical], ..Filter::default() }, None)),
    ("high and critical", |_, _| {
        (Filter { severities: vec![Severity::High, Severity::Critical], ..Filter::default() }, None)
    }),
    ("new", |_, _| (Filter { statuses: vec![Status::New], ..Filter::default() }, None)),
    ("resolved (few)", |_, _| (Filter { statuses: vec![Status::Resolved], ..Filter::default() }, None)),
    ("critical and resolved (few)", |_, _| {
        let (severities, statuses) = (vec![Severity::Critical], vec![Status::Resolved]);
        (Filter { severities, statuses, ..Filter::default() }, None)
    }),
    ("one plant, critical and new", |nth, all| {
        let (severities, statuses) = (vec![Severity::Critical], vec![Status::New]);
        (Filter { facilities: plants(nth, 1, all), severities, statuses, ..Filter::default() }, None)
    }),
    ("one plant, false positives (none)", |nth, all| {
        let statuses = vec![Status::FalsePositive];
        (Filter { facilities: plants(nth, 1, all), statuses, ..Filter::default() }, None)
    }),
    ("a technique", |nth, _| {
        (Filter { techniques: vec![format!("T08{:02}", nth % 80)], ..Filter::default() }, None)
    }),
    ("a technique at a plant", |nth, all| {
        let techniques = vec![format!("T08{:02}", nth % 80)];
        (Filter { facilities: plants(nth, 1, all), techniques, ..Filter::default() }, None)
    }),
    ("an hour", |nth, all| {
        let since = START + nth * 7_919_000_000 % (all.alerts / all.plants * 1_000_000);
        let until = Some(Timestamp::from_micros(since + 3_600_000_000));
        (Filter { since: Some(Timestamp::from_micros(since)), until, ..Filter::default() }, None)
    }),
    ("an hour of a plant, critical", |nth, all| {
        let since = START + nth * 7_919_000_000 % (all.alerts / all.plants * 1_000_000);
        let (since, until) = (Timestamp::from_micros(since), Timestamp::from_micros(since + 3_600_000_000));
        let severities = vec![Severity::Critical];
        let facilities = plants(nth, 1, all);
        (Filter { facilities, severities, since: Some(since), until: Some(until), ..Filter::default() }, None)
    }),
    ("a page far down", |nth, all| {
        let timestamp =
            Timestamp::from_micros(START + nth * 7_919_000_000 % (all.alerts / all.plants * 1_000_000));
        (Filter::default(), Some(Cursor { timestamp, id: AlertId::from_u128(u128::MAX) }))
    }),
];

fn plants(from: u64, how_many: u64, arguments: &Arguments) -> Vec<String> {
    (from..from + how_many).map(|nth| Reporter::new(nth % arguments.plants).facility).collect()
}

fn id(nth: u64, arguments: &Arguments) -> AlertId {
    Reporter::new(nth % arguments.plants).alert(nth * 7919 % (arguments.alerts / arguments.plants), 1).id
}

/// Fills it. What lists begin with is as large as agents make it, the rest smaller, for the sake of the disk.
async fn fill(store: &Store, arguments: &Arguments) -> Result<()> {
    let each = arguments.alerts / arguments.plants;
    let (mut tasks, callers) = (tokio::task::JoinSet::new(), 8);
    for caller in 0..callers {
        let (store, plants) = (store.clone(), arguments.plants);
        tasks.spawn(async move {
            // Piece by piece of time, as it would come in.
            for first in (0..each).step_by(BATCH) {
                for plant in (0..plants).skip(caller).step_by(callers) {
                    let reporter = Reporter::new(plant);
                    let until = each.min(first + BATCH as u64);
                    let reports = (first..until).map(|nth| report_of(&reporter, nth, nth < each / 10 * 9));
                    store.commit(reports.collect()).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

fn report_of(reporter: &Reporter, nth: u64, is_small: bool) -> Report {
    let mut alert = reporter.alert(nth, 1);
    if is_small {
        alert.context_analysis = None;
        alert.sources.truncate(2);
    }
    reporter.report(Severity::High, nth + 1, Body::Alert(Box::new(alert)))
}

/// People have dealt with some.
async fn decide(store: &Store, arguments: &Arguments) -> Result<()> {
    for nth in 0..500 {
        let status = [Status::Acknowledged, Status::Resolved][nth as usize % 2];
        let change = Change { status, seen: None, reason: "", actor: "bench", is_undo: false };
        store.act_on_alert(id(nth * 3, arguments), &change, now()).await?;
    }
    Ok(())
}

/// Reports of another plant, so many in a second, for ever.
async fn report(store: Store, rate: u64, committed: Arc<AtomicU64>) -> Result<()> {
    let mut tenths = tokio::time::interval(Duration::from_millis(100));
    let reporter = Reporter::new(1 << 20);
    for first in (0..).step_by(rate.div_ceil(10) as usize) {
        tenths.tick().await;
        let reports: Vec<Report> = (first..first + rate.div_ceil(10)).map(|nth| reporter.nth(nth)).collect();
        let many = reports.len() as u64;
        store.commit(reports).await?;
        committed.fetch_add(many, Ordering::Relaxed);
    }
    Ok(())
}

/// Alerts of a page.
const PAGE: u32 = 50;
/// Reports of a call while it is filled.
const BATCH: usize = 250;
