//! How fast the aggregator commits alerts: callers at the same time, each waiting for its own batch, on
//! SQLite and PostgreSQL; beside it a plain loop that inserts the same bytes in transactions of the same size.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use fieldward_aggregator::store::{Body, Report, Store};
use fieldward_tests::cpu;
use fieldward_tests::postgres::Postgres;
use fieldward_tests::reports::Reporter;
use sqlx::Connection as _;

/// Times the store.
#[derive(Parser)]
struct Arguments {
    /// An empty folder on the disk in question
    folder: PathBuf,
    /// Callers at the same time
    #[arg(long, default_value = "50")]
    callers: u64,
    /// Reports in a call
    #[arg(long, default_value = "100")]
    batch: u64,
    /// Calls of each caller
    #[arg(long, default_value = "16")]
    calls: u64,
    /// Techniques that a plant's alerts name: counts are kept of each
    #[arg(long, default_value = "6")]
    techniques: u64,
    /// Only this database (sqlite, postgres)
    #[arg(long)]
    only: Option<String>,
    /// Without the plain loop beside it
    #[arg(long)]
    alone: bool,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    let sample = serde_json::to_string(&Reporter::new(0).alert(5, 3))?;
    let total = arguments.callers * arguments.batch * arguments.calls;
    println!(
        "{total} alerts of {} bytes of JSON, {} callers, {} reports a call",
        sample.len(),
        arguments.callers,
        arguments.batch
    );
    if wanted("sqlite") {
        let url = format!("sqlite://{}", arguments.folder.join("bench.db").display());
        let store = measure("SQLite", &url, &arguments, None).await?;
        if arguments.alone {
            return Ok(());
        }
        let plain = plain_sqlite(&arguments.folder.join("plain.db"), &sample, total).await?;
        println!("SQLite, a plain loop of the same bytes: {plain:.0}/s; ratio {:.2}", store / plain);
    }
    if wanted("postgres") {
        let server = Postgres::with(&[]).context("PostgreSQL is not installed")??;
        let store = measure("PostgreSQL", &server.database()?, &arguments, Some(server.pid())).await?;
        if arguments.alone {
            return Ok(());
        }
        let plain = plain_postgres(&server.database()?, &sample, total).await?;
        println!("PostgreSQL, a plain loop of the same bytes: {plain:.0}/s; ratio {:.2}", store / plain);
    }
    Ok(())
}

/// Alerts committed in a second.
async fn measure(name: &str, url: &str, arguments: &Arguments, server: Option<u32>) -> Result<f64> {
    let spent = || (cpu::seconds_of(std::process::id()), server.map_or(0.0, cpu::seconds_of));
    let store = Store::open(url).await?;
    let &Arguments { callers, batch, calls, techniques, .. } = arguments;
    // Made before the clock starts: agents make alerts, not the aggregator.
    let mut work: Vec<Vec<Vec<Report>>> = Vec::new();
    for caller in 0..callers {
        let reporter = Reporter::new(caller);
        let of = |nth| named(reporter.nth(nth), nth % techniques.max(1));
        let call = |call: u64| (call * batch..(call + 1) * batch).map(of).collect();
        work.push((0..calls).map(call).collect());
    }
    let (start, before) = (Instant::now(), spent());
    let tasks: Vec<_> = work
        .into_iter()
        .map(|calls| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                for reports in calls {
                    let asked = Instant::now();
                    store.commit(reports).await?;
                    times.push(asked.elapsed());
                }
                anyhow::Ok(times)
            })
        })
        .collect();
    let mut times: Vec<Duration> = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let seconds = start.elapsed().as_secs_f64();
    let after = spent();
    let each = |seconds: f64| seconds / (callers * batch * calls) as f64 * 1e6;
    let (here, there) = (each(after.0 - before.0), each(after.1 - before.1));
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize - 1].as_secs_f64() * 1e3;
    let rate = (callers * batch * calls) as f64 / seconds;
    println!(
        "{name}: {rate:.0} alerts/s committed; a call p50 {:.0} ms, p99 {:.0} ms; {here:.0} µs of a core each, \
         and {there:.0} of the server",
        at(0.5),
        at(0.99)
    );
    store.close().await;
    Ok(rate)
}

/// The report of an alert, if it names a technique, of this one.
fn named(mut report: Report, technique: u64) -> Report {
    if let Body::Alert(alert) = &mut report.body
        && let Some(name) = &mut alert.attack_type
    {
        *name = format!("T08{technique:02}");
    }
    report
}

async fn plain_sqlite(file: &std::path::Path, document: &str, total: u64) -> Result<f64> {
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Full);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
    sqlx::query("CREATE TABLE plain (id INTEGER PRIMARY KEY, document TEXT)")
        .execute(&mut connection)
        .await?;
    let start = Instant::now();
    for first in (0..total).step_by(512) {
        let mut transaction = connection.begin().await?;
        for id in first..(first + 512).min(total) {
            sqlx::query("INSERT INTO plain (id, document) VALUES ($1, $2)")
                .bind(id.cast_signed())
                .bind(document)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
    Ok(total as f64 / start.elapsed().as_secs_f64())
}

async fn plain_postgres(url: &str, document: &str, total: u64) -> Result<f64> {
    let mut connection = sqlx::PgConnection::connect(url).await?;
    sqlx::query("CREATE TABLE plain (id BIGINT PRIMARY KEY, document JSONB)")
        .execute(&mut connection)
        .await?;
    let start = Instant::now();
    for first in (0..total).step_by(512) {
        let ids: Vec<i64> = (first..(first + 512).min(total)).map(u64::cast_signed).collect();
        let documents = vec![document; ids.len()];
        sqlx::query("INSERT INTO plain SELECT id, document::jsonb FROM unnest($1::bigint[], $2::text[]) AS t (id, document)")
            .bind(ids)
            .bind(documents)
            .execute(&mut connection)
            .await?;
    }
    Ok(total as f64 / start.elapsed().as_secs_f64())
}
