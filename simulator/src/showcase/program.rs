//! Programs that belong to the demonstration. None outlives it: each is ended at the end, and by the kernel when this
//! process is killed.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use crate::live;

/// What is wrong with a program.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not there.
    #[error(
        "{0} is missing; `cargo build -p fieldward-agent -p fieldward-aggregator` makes it beside this program"
    )]
    Missing(String),
    /// It does not start.
    #[error("{0} does not start: {1}")]
    Start(String, io::Error),
    /// It failed.
    #[error("`{0}` failed: {1}")]
    Failed(String, String),
    /// One that was to run ended.
    #[error("{0} has ended by itself; the last it said:\n{1}")]
    Ended(String, String),
}

/// All of them.
pub struct Programs {
    folder: PathBuf,
    /// In the order in which they were started.
    running: RefCell<Vec<Running>>,
}

struct Running {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Programs {
    /// Those of a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), running: RefCell::default() }
    }

    /// Runs one to its end; gives what it wrote.
    pub async fn run(&self, program: &str, args: &[&str], input: &str) -> Result<String, ProgramError> {
        let mut command = self.command(program)?;
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = |error| ProgramError::Start(program.to_owned(), error);
        let mut child = command.spawn().map_err(start)?;
        if let Some(mut told) = child.stdin.take() {
            // One that reads nothing has closed it.
            drop(told.write_all(input.as_bytes()).await);
        }
        let output = child.wait_with_output().await.map_err(start)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(ProgramError::Failed(format!("{program} {}", args.join(" ")), said));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts one that runs until the end; what it says goes into a log.
    pub fn start(&self, program: &str, args: &[&str], input: Stdio, log: &Path) -> Result<(), ProgramError> {
        let start = |error| ProgramError::Start(program.to_owned(), error);
        let said = File::create(log).map_err(start)?;
        let mut command = self.command(program)?;
        command.args(args).stdin(input).stdout(said.try_clone().map_err(start)?).stderr(said);
        let child = command.spawn().map_err(start)?;
        let name = log.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        self.running.borrow_mut().push(Running { name, log: log.to_owned(), child });
        Ok(())
    }

    fn command(&self, program: &str) -> Result<Command, ProgramError> {
        let file = self.folder.join(program);
        if !file.is_file() {
            return Err(ProgramError::Missing(file.display().to_string()));
        }
        let mut command = match live::program("setpriv") {
            Ok(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(file);
                command
            }
            Err(_) => Command::new(file),
        };
        // Nothing of this shell's environment stands over what they are told; and Ctrl-C is for this process.
        command.env_clear().process_group(0).kill_on_drop(true);
        for name in ["PATH", "TMPDIR", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        Ok(command)
    }

    /// One that has ended although it was to run.
    pub fn one_ended(&self) -> Option<ProgramError> {
        let mut running = self.running.borrow_mut();
        let ended =
            running.iter_mut().find_map(|one| (!matches!(one.child.try_wait(), Ok(None))).then_some(one))?;
        Some(ProgramError::Ended(ended.name.clone(), last_words(&ended.log)))
    }

    /// Waits for one to end.
    pub async fn ended(&self) -> ProgramError {
        loop {
            if let Some(ended) = self.one_ended() {
                return ended;
            }
            sleep(LOOK).await;
        }
    }

    /// Ends all of them, the last one first.
    pub async fn end(&self) {
        let mut running = self.running.take();
        running.reverse();
        // Agents at once, then the aggregator that they tell.
        for same in running.chunk_by_mut(|one, other| is_agent(one) == is_agent(other)) {
            for one in same.iter() {
                one.child
                    .id()
                    .and_then(|id| Pid::from_raw(id as i32))
                    .map(|id| kill_process(id, Signal::TERM));
            }
            for one in same {
                if timeout(GRACE, one.child.wait()).await.is_err() {
                    tracing::debug!(name = one.name, "it is killed");
                    drop(one.child.kill().await);
                }
            }
        }
    }
}

fn is_agent(one: &Running) -> bool {
    one.name != super::aggregator::NAME
}

/// The end of a log.
pub fn last_words(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// How often a program is looked at, and for how long one may take to end.
const LOOK: Duration = Duration::from_millis(250);
const GRACE: Duration = Duration::from_secs(5);
/// Lines of a log that are shown.
const LINES: usize = 8;
