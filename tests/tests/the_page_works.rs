//! The page in a browser, on a real aggregator: every page and action, both themes, loading, empty and broken; the
//! server away and the session ended; 10,000 alerts at once. What the browser does stands in
//! `aggregator/dashboard/e2e`; this plays the aggregator, and an agent that reports when it is told to.
//!
//! `FIELDWARD_PAGE_ALERTS=100000 FIELDWARD_PAGE_MEASURE=1` measures what BENCHMARKS.md says of it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use fieldward_aggregator::api::{jobs, predictions};
use fieldward_aggregator::attack::watch;
use fieldward_aggregator::intake::Told;
use fieldward_aggregator::store::{Body, Store, now};
use fieldward_shared::alert::{Alert, AlertId, Severity};
use fieldward_shared::service::Notify;
use fieldward_shared::supervisor::Supervisor;
use fieldward_shared::time::Timestamp;
use fieldward_tests::api::Service;
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{self, Agent, Aggregator, HERE, limits, pace};
use fieldward_tests::reports::{Reporter, START, second};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../aggregator/dashboard");
    if let Err(wrong) = play(folder.path(), &page).await {
        panic!("{wrong:#}");
    }
}

async fn play(folder: &Path, page: &Path) -> Result<()> {
    needs(page)?;
    let (pki, store) = (Pki::new()?, Store::open(&link::url(folder)).await?);
    fill(&store).await?;
    let aggregator = Aggregator::with(store, HERE, (pki.server()?, pki.gate()), limits()).await?;
    let parts =
        Service::parts(aggregator.store.clone(), aggregator.intake.fleet(), Some(aggregator.intake.asker()));
    let (told, heard) = Told::new(1024);
    aggregator.intake.tell(told);
    let service = Service::of(parts, Some(heard), (None, None)).await?;
    for role in ["viewer", "analyst", "engineer", "admin"] {
        service.user(role, role, &["*"], &password(role)).await?;
    }
    let agent = Agent::start(folder, LIVE, &pki, aggregator.intake.address(), pace())?;
    let (stop, asked) = tokio::sync::oneshot::channel::<()>();
    let mut works = Supervisor::new(Notify::default(), Duration::from_secs(20));
    let api = service.api.clone();
    let (predictor, seen, told) = (api.predictor.clone(), api.store.clone(), api.clone());
    // What is there is put together before somebody looks; what comes meanwhile, meanwhile.
    while watch::look(&seen, &predictor).await? {}
    works.spawn("jobs", |stop| jobs::run::run(api, stop));
    works.spawn("predictions", |stop| watch::run(seen, predictor, stop));
    works.spawn("predictions-told", |stop| predictions::feed::run(told, stop));
    let jobs = tokio::spawn(async move { works.run_until(async { drop(asked.await) }, None).await });
    let mut browser = Browser::start(page, &service).await?;
    let done = browser.serve(&agent).await;
    drop(stop);
    jobs.await??;
    drop(agent);
    service.stop().await?;
    aggregator.stop().await;
    done
}

/// What `make setup` installs: said at once, and not by a browser that does not start.
fn needs(page: &Path) -> Result<()> {
    for (what, is_there) in [
        ("the page's packages", page.join("node_modules/playwright-core").is_dir()),
        ("the built page", page.join("dist/index.html").is_file()),
        ("Chromium", PathBuf::from("/usr/bin/chromium").is_file()),
    ] {
        ensure!(is_there, "{what} is missing: run `make setup`, then build again");
    }
    Ok(())
}

/// The script that drives the browser. It writes what it finds, and lines that begin with `@`: what it wants done.
struct Browser {
    runs: Child,
    wants: Lines<BufReader<ChildStdout>>,
    told: ChildStdin,
}

impl Browser {
    async fn start(page: &Path, service: &Service) -> Result<Self> {
        let mut runs = Command::new("node")
            .arg("e2e/run.mjs")
            .current_dir(page)
            .env("FIELDWARD_AT", format!("http://{}", service.at))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node does not start: run `make setup`")?;
        let wants = BufReader::new(runs.stdout.take().context("a pipe")?).lines();
        let told = runs.stdin.take().context("a pipe")?;
        Ok(Self { runs, wants, told })
    }

    /// Does what is wanted until the script ends.
    async fn serve(&mut self, agent: &Agent) -> Result<()> {
        let mut nth = 0;
        while let Some(line) = self.wants.next_line().await? {
            let Some(wanted) = line.strip_prefix("@raise ") else {
                println!("{line}");
                continue;
            };
            let (count, title) = wanted.split_once(' ').context("@raise COUNT TITLE")?;
            for _ in 0..count.parse::<u64>()? {
                nth += 1;
                let alert = live(agent, nth, title);
                agent.spool.put(alert.severity, link::record(&alert));
            }
            agent.spool.sync();
            link::within(Duration::from_secs(120), "the aggregator has all of them", || agent.is_done())
                .await;
            self.told.write_all(b"done\n").await?;
        }
        let status = self.runs.wait().await?;
        if !status.success() {
            bail!("the browser found something: see above");
        }
        Ok(())
    }
}

/// An alert of this moment.
fn live(agent: &Agent, nth: u64, title: &str) -> Alert {
    let at = now();
    let severity = if title.contains("critical") { Severity::Critical } else { Severity::High };
    let mut alert = link::alert(LIVE, agent.id, severity, nth);
    alert.id = AlertId::new(LIVE, "live", &nth.to_string(), at);
    (alert.timestamp, alert.first_seen, alert.last_seen) = (at, at, at);
    alert.title = format!("{title} {nth}");
    if title.contains('<') {
        alert.description = title.into();
        alert.attack_name = Some(title.into());
        alert.src_assets = vec![title.into()];
    }
    alert
}

/// Two plants and their last hours: alerts with their minutes, and traffic.
async fn fill(store: &Store) -> Result<()> {
    let at = now();
    for plant in 0..2 {
        let reporter = Reporter::new(plant);
        let alerts = (0..SEEDED).map(|nth| {
            let alert = shifted(reporter.alert(nth, 1 + nth % 5), &reporter.facility, at);
            reporter.report(Severity::High, nth + 1, Body::Alert(Box::new(alert)))
        });
        store.commit(alerts.collect()).await?;
        store.telemetry((1..=600).map(|ago| second(&reporter.facility, ago, at)).collect()).await?;
    }
    // Many, for the list alone: all older than those.
    let many: u64 = std::env::var("FIELDWARD_PAGE_ALERTS").ok().map_or(Ok(5_000), |text| text.parse())?;
    let reporter = Reporter::new(7);
    for from in (0..many).step_by(500) {
        let alerts = (from..many.min(from + 500)).map(|nth| {
            let mut alert = link::alert(&reporter.facility, reporter.agent, Severity::Low, nth);
            let when = at.as_micros() - 7_200_000_000 - (many - nth) * 10_000;
            alert.timestamp = Timestamp::from_micros(when);
            (alert.first_seen, alert.last_seen) = (alert.timestamp, alert.timestamp);
            reporter.report(Severity::Low, nth + 1, Body::Alert(Box::new(alert)))
        });
        store.commit(alerts.collect()).await?;
    }
    Ok(())
}

/// As if it had been raised within the last hour, and by one attacker.
fn shifted(mut alert: Alert, facility: &str, at: Timestamp) -> Alert {
    let shift = at.as_micros() - START - (SEEDED + 600) * 1_000_000;
    let moved = |time: Timestamp| time.plus(shift);
    alert.timestamp = moved(alert.timestamp);
    alert.first_seen = moved(alert.first_seen);
    alert.last_seen = moved(alert.last_seen);
    alert.id = AlertId::new(facility, "page", ATTACKER, alert.timestamp);
    alert.title = alert.src_assets.iter().fold(alert.title, |title, one| title.replacen(one, ATTACKER, 1));
    alert.src_assets = vec![ATTACKER.into()];
    for source in &mut alert.sources {
        source.detection_time = moved(source.detection_time).plus(30_000_000);
    }
    for point in alert.context_analysis.iter_mut().flat_map(|context| &mut context.timeline) {
        point.time = moved(point.time);
    }
    alert
}

/// The page's types are those of the API as it is.
#[test]
fn the_client_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../aggregator/dashboard");
    needs(&page).unwrap_or_else(|wrong| panic!("{wrong:#}"));
    let document = tempfile::NamedTempFile::new().expect("a file");
    let text = fieldward_aggregator::api::openapi::text();
    std::fs::write(document.path(), text).expect("written");
    let done = std::process::Command::new("node")
        .args(["scripts/api.mjs", &document.path().display().to_string(), "--check"])
        .current_dir(page)
        .output()
        .expect("node");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// As `e2e/run.mjs` signs in.
fn password(role: &str) -> String {
    format!("a password of {role}")
}

/// Who is behind all of it.
const ATTACKER: &str = "10.0.0.9";
/// The plant whose agent reports while somebody looks.
const LIVE: &str = "live-plant";
/// Alerts of each of the other plants.
const SEEDED: u64 = 120;
