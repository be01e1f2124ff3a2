//! A whole aggregator to be asked anything: the service as `fieldward-aggregator run` starts it, on a database
//! of its own with plants, alerts, traffic, users and a key for each role and scope. Ends with SIGTERM.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};
use fieldward_aggregator::api::auth::passwords;
use fieldward_aggregator::app;
use fieldward_aggregator::ca::authority::Authority;
use fieldward_aggregator::config::Config;
use fieldward_aggregator::store::users::NewUser;
use fieldward_aggregator::store::{Body, Store, now};
use fieldward_shared::alert::{Alert, AlertId, Severity};
use fieldward_shared::loss::{Loss, Reason};
use fieldward_shared::service::Notify;
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::key_of;
use fieldward_tests::postgres::Postgres;
use fieldward_tests::reports::{Reporter, START, second};

/// Plays an aggregator; `keys.json` in its folder says who may ask, its log on standard error says where.
#[derive(Parser)]
struct Arguments {
    /// An empty folder
    folder: PathBuf,
    /// Where it keeps what it knows
    #[arg(long, value_enum, default_value = "sqlite")]
    database: Database,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Database {
    Sqlite,
    Postgres,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).with_target(false).init();
    let folder = &arguments.folder;
    let server = match arguments.database {
        Database::Sqlite => None,
        Database::Postgres => Some(Postgres::with(&[]).context("PostgreSQL is not installed")??),
    };
    let url = match &server {
        Some(server) => server.database()?,
        None => format!("sqlite://{}", folder.join("fieldward.db").display()),
    };
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let text = format!(
        "database_url = \"{url}\"\nlisten = \"{any}\"\n[ca]\nfolder = \"{}\"\n\
         [api]\nlisten = \"{any}\"\ntls = \"off\"\nproxies = [\"127.0.0.1\"]\nrequests_per_minute = 1000000\n",
        folder.join("ca").display()
    );
    let config = Config::parse("play-api", &text, std::iter::empty())?;
    Authority::init(&folder.join("ca"), now().as_micros() / 1_000_000)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let store = Store::open(&url).await?;
        fill(&store).await?;
        people(&store, folder).await?;
        store.close().await;
        app::run(config, Notify::default()).await
    })
}

/// Three plants: what their agents reported within the last minutes.
async fn fill(store: &Store) -> Result<()> {
    let at = now();
    for plant in 0..PLANTS {
        let reporter = Reporter::new(plant);
        let mut reports = Vec::new();
        for nth in 0..ALERTS {
            let alert = fresh(reporter.alert(nth, 1 + nth % 5), &reporter.facility, nth, at);
            reports.push(reporter.report(Severity::High, nth + 1, Body::Alert(Box::new(alert))));
        }
        let (lane, reason, range) = (Severity::Critical, Reason::Damaged, Some((4, 6)));
        let loss = Loss { lane, range, count: 3, reason, since: at, until: at };
        reports.push(reporter.report(Severity::Critical, 1, Body::Loss(loss)));
        store.commit(reports).await?;
        store.telemetry((1..=SECONDS).map(|ago| second(&reporter.facility, ago, at)).collect()).await?;
    }
    Ok(())
}

/// The alert as if it had been raised a while ago; some of them tell of an attack on a web server.
fn fresh(mut alert: Alert, facility: &str, nth: u64, at: Timestamp) -> Alert {
    let shift = at.as_micros() - START - (ALERTS + 60) * 1_000_000;
    alert.timestamp = alert.timestamp.plus(shift);
    alert.first_seen = alert.first_seen.plus(shift);
    alert.last_seen = alert.last_seen.plus(shift);
    alert.id = AlertId::new(facility, "play", "10.0.0.9", alert.timestamp);
    for source in &mut alert.sources {
        source.detection_time = source.detection_time.plus(shift);
    }
    for point in alert.context_analysis.iter_mut().flat_map(|context| &mut context.timeline) {
        point.time = point.time.plus(shift);
    }
    if let (0, Some(source)) = (nth % 7, alert.sources.first_mut()) {
        source.model_name = "web".into();
        source.context_evidence = serde_json::json!({ "kind": "web injection" });
    }
    alert
}

/// A key for each role, of all plants and of one, and people who could sign in.
async fn people(store: &Store, folder: &Path) -> Result<()> {
    let one = Reporter::new(0).facility;
    let mut keys = serde_json::Map::new();
    for role in ["viewer", "analyst", "engineer", "admin"] {
        for (scope, facilities) in [("all", ["*"]), ("one", [one.as_str()])] {
            let name = format!("{role}-{scope}");
            let key = key_of(store, &name, role, &facilities).await?;
            keys.insert(name, key.into());
        }
        let password = passwords::hash(format!("a password of {role}").as_bytes());
        let password = password.map_err(|error| anyhow::anyhow!("{error:?}"))?;
        let user = NewUser { name: role, role, facilities: &["*".to_owned()], password: &password };
        store.add_user(&user, "play-api", now()).await?.context("a new name")?;
    }
    fieldward_shared::keyfile::write(&folder.join("keys.json"), &serde_json::to_vec(&keys)?)?;
    Ok(())
}

const PLANTS: u64 = 3;
/// Of each plant.
const ALERTS: u64 = 120;
/// Of traffic of each plant.
const SECONDS: u64 = 600;
