//! Everything on one machine, to be looked at: an aggregator with its page, three plants with their agents, and
//! scenarios when they are asked for. All of it is one folder and a handful of processes, and gone at the end.

mod aggregator;
mod api;
mod menu;
mod part;
mod program;
mod way;

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::config::Config;
use crate::plant::PLANTS;
use aggregator::Aggregator;
use part::Part;
use program::Programs;
use way::Way;

pub use api::AskError;
pub use program::ProgramError;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the programs of agent and aggregator are.
    pub programs: PathBuf,
    /// Packets go through pipes, also where they could be captured.
    pub pipe: bool,
    /// So long nothing is attacked.
    pub calm: Duration,
    /// Minutes of each plant that are recorded and learnt.
    pub minutes: u32,
    /// A browser is opened, where there is a screen.
    pub open: bool,
}

/// Why there is nothing to be seen.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The folder.
    #[error("{place}: {error}; make room there, or set TMPDIR to another folder")]
    Folder {
        /// Where.
        place: String,
        /// What the system said.
        error: io::Error,
    },
    /// A program.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// A live plant.
    #[error(transparent)]
    Site(#[from] crate::live::Trouble),
    /// A simulator and its aggregator.
    #[error("the plant {0} cannot be played: {1}")]
    Play(&'static str, crate::demo::Trouble),
    /// The aggregator's answers.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A recording.
    #[error("the plant {0} cannot be recorded: {1}")]
    Record(&'static str, String),
    /// Something does not come about.
    #[error("{what} has not come about after {seconds} s; the last that was said:\n{said}")]
    Late {
        /// What.
        what: String,
        /// How long it was waited for.
        seconds: u64,
        /// The end of a log.
        said: String,
    },
}

/// Plays until somebody says that it is enough, or `stop` comes; then everything is ended and removed.
pub async fn play(settings: &Settings, stop: impl Future<Output = ()>) -> Result<(), Trouble> {
    let folder = tempfile::Builder::new().prefix(FOLDER).tempdir();
    let folder = folder
        .map_err(|error| Trouble::Folder { place: std::env::temp_dir().display().to_string(), error })?;
    let stage = Stage {
        told: Told(Instant::now()),
        programs: Rc::new(Programs::new(&settings.programs)),
        folder,
        settings,
        players: RefCell::default(),
    };
    let ended = tokio::select! {
        ended = stage.play() => ended,
        () = stop => Ok(()),
    };
    stage.told.step("ending: agents, plants, the aggregator");
    stage.players.take().iter().for_each(JoinHandle::abort);
    stage.programs.end().await;
    let place = stage.folder.path().display().to_string();
    stage.folder.close().map_err(|error| Trouble::Folder { place, error })?;
    stage.told.step("all has ended; nothing is left");
    ended
}

/// Lines that say how far it is, and since when.
#[derive(Clone, Copy)]
struct Told(Instant);

impl Told {
    #[expect(clippy::print_stdout, reason = "it is what the command is for")]
    fn step(&self, words: &str) {
        println!("{:7.1} s  {words}", self.0.elapsed().as_secs_f64());
    }
}

struct Stage<'a> {
    told: Told,
    programs: Rc<Programs>,
    folder: TempDir,
    settings: &'a Settings,
    /// Those who play; each goes with its plant.
    players: RefCell<Vec<JoinHandle<()>>>,
}

impl Stage<'_> {
    async fn play(&self) -> Result<(), Trouble> {
        self.told
            .step(&format!("everything is in {}; Ctrl-C ends and removes it", self.folder.path().display()));
        let (way, configs) = way::choose(self.settings.pipe);
        self.told.step(&way.words());
        let parts: Vec<Rc<Part>> =
            configs.into_iter().map(|config| Rc::new(self.part(config, &way))).collect();
        let minutes = self.settings.minutes;
        self.told.step(&format!("recording {minutes} calm minutes of each plant, and learning from them"));
        let learning: Vec<_> = parts.iter().cloned().map(|part| self.learn(part)).collect();
        let aggregator = Aggregator::start(&self.programs, self.folder.path()).await?;
        self.told.step(&format!("the aggregator runs; the page is at {}", aggregator.page()));
        for task in learning {
            join(task).await??;
        }
        let (failed, mut failures) = mpsc::channel(1);
        for part in &parts {
            self.begin(part, &aggregator, failed.clone()).await?;
        }
        self.told.step("plants play, agents are enrolled and begin");
        for part in &parts {
            part.watches().await?;
            self.told.step(&format!("{} is watched", part.facility));
        }
        self.told.step(&aggregator.sign_in());
        if self.settings.open {
            aggregator.open_page();
        }
        let shown = menu::serve(self.told, &aggregator, self.settings.calm, self.folder.path());
        tokio::select! {
            shown = shown => shown,
            ended = self.programs.ended() => Err(ended.into()),
            Some(trouble) = failures.recv() => Err(trouble),
        }
    }

    fn part(&self, config: Config, way: &Way) -> Part {
        Part::new(config, way.clone(), &self.folder, self.programs.clone())
    }

    fn learn(&self, part: Rc<Part>) -> JoinHandle<Result<(), Trouble>> {
        let (told, minutes) = (self.told, self.settings.minutes);
        tokio::task::spawn_local(async move {
            part.learn(minutes).await?;
            told.step(&format!("{} has learnt", part.facility));
            Ok(())
        })
    }

    /// A plant begins to play, and its agent to watch it.
    async fn begin(
        &self,
        part: &Rc<Part>,
        aggregator: &Aggregator,
        failed: mpsc::Sender<Trouble>,
    ) -> Result<(), Trouble> {
        let site = part.begin(aggregator).await?;
        let player = part.player(aggregator).await?;
        let facility = part.facility;
        let plays = tokio::task::spawn_local(async move {
            let Err(why) = crate::demo::serve(&player, &site).await;
            drop(failed.send(Trouble::Play(facility, why)).await);
        });
        self.players.borrow_mut().push(plays);
        Ok(())
    }
}

async fn join<T>(task: JoinHandle<T>) -> Result<T, Trouble> {
    task.await.map_err(|error| Trouble::Record("", error.to_string()))
}

/// Looks until something is there.
async fn until<T>(
    what: impl Into<String>,
    look: impl Fn() -> Result<Option<T>, Trouble>,
    said: impl Fn() -> String,
) -> Result<T, Trouble> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = look()? {
            return Ok(found);
        }
        sleep(LOOK).await;
    }
    Err(Trouble::Late { what: what.into(), seconds: PATIENCE.as_secs(), said: said() })
}

/// How plants are called, in the order of their kinds.
fn facility(kind: &str) -> &'static str {
    let at = PLANTS.iter().position(|one| one.name == kind).unwrap_or_default();
    FACILITIES[at % FACILITIES.len()]
}

const FACILITIES: [&str; 3] = ["water-works", "gas-station", "substation"];
/// How the folder begins.
const FOLDER: &str = "fieldward-demo-";
/// How large plants are.
const DEVICES: usize = 20;
/// How often something is looked for, and for how long.
const LOOK: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(120);
