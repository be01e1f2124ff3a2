//! The demonstration, as somebody starts it: it comes up, an attack that is asked for shows up as an alert, plants learn
//! together, what is played can be ended, and at the end nothing is left. Once with captured packets where this user may capture, once through pipes.
//!
//! `FIELDWARD_DEMO_RUNS=10` runs it so often, and says how long each took.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn the_demo_runs() {
    let runs: u32 =
        std::env::var("FIELDWARD_DEMO_RUNS").ok().map_or(1, |text| text.parse().expect("a number"));
    let programs = programs().expect("the programs");
    for nth in 1..=runs {
        for (words, end) in
            [(&["--calm", "0"][..], End::Typed), (&["--calm", "0", "--pipe"], End::Interrupted)]
        {
            let played = timeout(LONGEST, run(programs.path(), words, end)).await;
            let said = played.unwrap_or_else(|_| panic!("run {nth}, {words:?}: it takes too long"));
            let said = said.unwrap_or_else(|wrong| panic!("run {nth}, {words:?}: {wrong:#}"));
            println!("run {nth} of {runs}: {said}");
        }
    }
}

/// How somebody ends it.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Typed,
    Interrupted,
}

/// Plays once; gives when what was there.
async fn run(programs: &Path, words: &[&str], end: End) -> Result<String> {
    let began = Instant::now();
    let since = || format!("{:.1} s", began.elapsed().as_secs_f64());
    let mut demo = Demo::start(programs, words)?;
    let folder = demo.line("everything is in ").await?;
    let folder = folder.split("everything is in ").nth(1).and_then(|rest| rest.split(';').next());
    let folder = PathBuf::from(folder.context("a folder")?);
    let page = demo.line("THE PAGE: ").await?;
    let up = since();
    ensure!(page.contains("password: "), "nobody can sign in: {page}");
    ensure!(shows_the_page(&page).await?, "there is no page: {page}");
    demo.line("choose a number").await?;
    demo.type_in("1 gas").await?;
    demo.line("port-scan has begun at gas-station").await?;
    let alert = demo.line("ALERT ").await?;
    let found = since();
    ensure!(alert.contains("gas-station"), "another plant raised it: {alert}");
    demo.type_in("4").await?;
    demo.line("3 plants are there; ").await?;
    demo.line("port-scan at gas-station completed").await?;
    // They have learnt from recorded minutes: a round need not wait for an hour of their own.
    demo.type_in("3").await?;
    demo.line("fl-round at all plants completed").await?;
    demo.type_in("2 substation").await?;
    demo.line("multi-stage has begun at substation").await?;
    demo.type_in("5").await?;
    demo.line("reset: 1 scenarios ended").await?;
    match end {
        End::Typed => demo.type_in("q").await?,
        End::Interrupted => demo.interrupt()?,
    }
    demo.line("nothing is left").await?;
    ensure!(demo.runs.wait().await?.success(), "it failed at the end");
    ensure!(!folder.exists(), "{} is left", folder.display());
    let left = processes_of(&folder)?;
    ensure!(left.is_empty(), "processes are left: {left:?}");
    Ok(format!("{words:?}: the page after {up}, the first alert after {found}, all over after {}", since()))
}

struct Demo {
    runs: Child,
    told: ChildStdin,
    said: Lines<BufReader<ChildStdout>>,
    heard: Vec<String>,
}

impl Demo {
    fn start(programs: &Path, words: &[&str]) -> Result<Self> {
        let mut runs = Command::new(programs.join("fieldward-sim"))
            .args(["showcase", "--minutes", "90", "--no-browser", "--programs"])
            .arg(programs)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let told = runs.stdin.take().context("a pipe")?;
        let said = BufReader::new(runs.stdout.take().context("a pipe")?).lines();
        Ok(Self { runs, told, said, heard: Vec::new() })
    }

    /// Waits for a line with these words.
    async fn line(&mut self, words: &str) -> Result<String> {
        while let Some(line) = self.said.next_line().await? {
            self.heard.push(line.clone());
            if line.contains(words) {
                return Ok(line);
            }
        }
        anyhow::bail!("it never said \"{words}\":\n{}", self.heard.join("\n"))
    }

    async fn type_in(&mut self, words: &str) -> Result<()> {
        Ok(self.told.write_all(format!("{words}\n").as_bytes()).await?)
    }

    /// Ctrl-C.
    fn interrupt(&self) -> Result<()> {
        let id = self.runs.id().and_then(|id| Pid::from_raw(id as i32)).context("it has ended")?;
        Ok(kill_process(id, Signal::INT)?)
    }
}

/// Whether the address that was said answers with the page.
async fn shows_the_page(line: &str) -> Result<bool> {
    let at = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).context("an address")?;
    let mut stream = TcpStream::connect(at).await?;
    stream.write_all(format!("GET / HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer.starts_with(b"HTTP/1.1 200"))
}

/// What runs with something of a folder.
fn processes_of(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.display().to_string();
    let command = |entry: std::fs::DirEntry| std::fs::read(entry.path().join("cmdline")).ok();
    let commands = std::fs::read_dir("/proc")?.flatten().filter_map(command);
    let texts = commands.map(|bytes| String::from_utf8_lossy(&bytes).replace('\0', " "));
    Ok(texts.filter(|text| text.contains(&folder)).collect())
}

/// A folder with the three programs.
fn programs() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for name in ["fieldward-agent", "fieldward-aggregator", "fieldward-sim"] {
        symlink(env!("CARGO_BIN_EXE_every-program"), folder.path().join(name))?;
    }
    Ok(folder)
}

/// Nothing is measured by it: it ends what hangs.
const LONGEST: Duration = Duration::from_secs(300);
