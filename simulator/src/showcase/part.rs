//! One plant of the demonstration: what it learns from, its sockets or its pipe, its agent.

use std::cell::RefCell;
use std::fs;
use std::io::{self, BufWriter, PipeWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::aggregator::Aggregator;
use super::program::{Programs, last_words};
use super::way::Way;
use super::{Trouble, until};
use crate::config::Config;
use crate::demo;
use crate::live::Site;
use crate::record::PcapFile;
use crate::recording;

/// A plant and its agent.
pub struct Part {
    /// As the aggregator knows it.
    pub facility: &'static str,
    config: Config,
    way: Way,
    home: PathBuf,
    log: PathBuf,
    programs: Rc<Programs>,
    /// The plant's end of the pipe, until this goes.
    tap: Tap,
}

impl Part {
    /// Of a plant, in the demonstration's folder.
    pub fn new(config: Config, way: Way, folder: &TempDir, programs: Rc<Programs>) -> Self {
        let facility = super::facility(config.kind.name);
        let (home, log) = (folder.path().join(facility), folder.path().join(format!("{facility}.log")));
        Self { facility, config, way, home, log, programs, tap: Tap::default() }
    }

    /// Records the plant without attacks, and learns from that.
    pub async fn learn(&self, minutes: u32) -> Result<(), Trouble> {
        fs::create_dir(&self.home).map_err(|error| self.failed(error))?;
        let capture = self.home.join("calm.pcap");
        // A recording for another day of the same plant.
        let config = Config { seed: self.config.seed + 1, ..self.config.clone() };
        // Dropped with this when the demonstration ends before: the recording then ends, too.
        let ends = Ends(Arc::new(AtomicBool::new(false)));
        let (place, stop) = (capture.clone(), ends.0.clone());
        let recorded = tokio::task::spawn_blocking(move || record(&config, minutes, &place, &stop));
        let said = |error: String| Trouble::Record(self.facility, error);
        recorded.await.map_err(|error| said(error.to_string()))?.map_err(|error| said(error.to_string()))?;
        let [capture, model, state] = [&capture, &self.home.join("model"), &self.home].map(|path| text(path));
        let words = ["learn", &capture, "--model", &model, "--state", &state];
        self.programs.run(AGENT, &words, "").await?;
        // It is large, and serves no more.
        fs::remove_file(capture).map_err(|error| self.failed(error))
    }

    /// Lets the plant live, and its agent watch it.
    pub async fn begin(&self, aggregator: &Aggregator) -> Result<Site, Trouble> {
        let state = text(&self.home);
        let (token, pin) = aggregator.token(self.facility, false).await?;
        let (at, pin) = (aggregator.agents.to_string(), pin.to_string());
        let words = ["enroll", "--aggregator", &at, "--token-file", "-", "--ca-pin", &pin, "--state", &state];
        self.programs.run(AGENT, &[&words[..], &["--facility", self.facility]].concat(), &token).await?;
        let config = self.home.join("agent.toml");
        fs::write(&config, self.agent(&at)).map_err(|error| self.failed(error))?;
        let (site, input) = self.open().await?;
        site.begin();
        self.programs.start(AGENT, &["run", "--config", &text(&config)], input, &self.log)?;
        Ok(site)
    }

    /// The plant, and what its agent reads.
    async fn open(&self) -> Result<(Site, Stdio), Trouble> {
        if self.way == Way::Loopback {
            return Ok((Site::open(&self.config).await?, Stdio::null()));
        }
        let (reader, writer) = io::pipe().map_err(|error| self.failed(error))?;
        *self.tap.0.borrow_mut() = Some(writer);
        let site = Site::piped(&self.config, self.tap.clone());
        Ok((site.map_err(|error| self.failed(error))?, reader.into()))
    }

    /// As whom the plant is played.
    pub async fn player(&self, aggregator: &Aggregator) -> Result<demo::Settings, Trouble> {
        let token = aggregator.token(self.facility, true).await?;
        let folder = self.home.join("simulator");
        Ok(demo::Settings { aggregator: aggregator.agents.to_string(), folder, token: Some(token) })
    }

    /// Waits until its agent watches, and tells the aggregator.
    pub async fn watches(&self) -> Result<(), Trouble> {
        let look = || match self.programs.one_ended() {
            Some(ended) => Err(ended.into()),
            None => Ok(self.status().filter(is_watching).map(drop)),
        };
        until(format!("an agent that watches {}", self.facility), look, || last_words(&self.log)).await
    }

    fn status(&self) -> Option<Value> {
        serde_json::from_slice(&fs::read(self.home.join("status.json")).ok()?).ok()
    }

    /// The configuration of its agent.
    fn agent(&self, aggregator: &str) -> String {
        let [a, b] = self.config.network.unwrap_or_default();
        let (interface, filter) = match self.way {
            Way::Loopback => ("lo", format!("net {a}.{b}.0.0/16")),
            Way::Pipe(_) => ("-", String::new()),
        };
        CONFIG
            .replace("FACILITY", self.facility)
            .replace("INTERFACE", interface)
            .replace("FILTER", &filter)
            .replace("AGGREGATOR", aggregator)
            .replace("FOLDER", &text(&self.home))
    }

    fn failed(&self, error: io::Error) -> Trouble {
        Trouble::Folder { place: text(&self.home), error }
    }
}

fn is_watching(status: &Value) -> bool {
    status["state"] == "watching"
        && status["packets"].as_u64().is_some_and(|packets| packets > 0)
        && status["uplink"]["connected"].is_string()
}

fn record(config: &Config, minutes: u32, place: &Path, stop: &AtomicBool) -> io::Result<()> {
    let file = BufWriter::with_capacity(1 << 18, fs::File::create(place)?);
    let sink = Box::new(PcapFile::new(file, SNAPLEN)?);
    recording::record(config, f64::from(minutes), "calm", sink, |_| !stop.load(Ordering::Relaxed)).map(drop)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The end of a pipe that can be closed from elsewhere than where it is written to.
#[derive(Clone, Default)]
struct Tap(Rc<RefCell<Option<PipeWriter>>>);

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().as_mut().ok_or(io::ErrorKind::BrokenPipe)?.flush()
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Whoever reads sees the end of the capture, and ends in order.
        drop(self.tap.0.take());
    }
}

/// Ends what looks at it when it goes.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

const AGENT: &str = "fieldward-agent";
const SNAPLEN: usize = 65_535;
const CONFIG: &str = "facility_id = \"FACILITY\"
interface = \"INTERFACE\"
filter = \"FILTER\"
buffer_mib = 8
model = \"FOLDER/model\"
spool = \"FOLDER/spool\"
spool_mib = 64
spool_free_percent = 0
state = \"FOLDER\"
aggregator = \"AGGREGATOR\"

[learn]
cpu_share = 1
";
