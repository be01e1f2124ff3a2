//! The aggregator of the demonstration: its authority, its user, and where it can be reached.

use std::fs;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;

use fieldward_shared::identity::Pin;
use serde_json::{Value, json};

use super::api::Api;
use super::program::{Programs, last_words};
use super::{Trouble, until};

/// An aggregator that runs.
pub struct Aggregator {
    programs: Rc<Programs>,
    config: PathBuf,
    /// Where agents and simulators go.
    pub agents: SocketAddr,
    /// Where people go.
    pub people: SocketAddr,
    password: String,
    /// For what is done from the terminal.
    pub api: Api,
}

impl Aggregator {
    /// Makes one in a folder, and waits until it answers.
    pub async fn start(programs: &Rc<Programs>, folder: &Path) -> Result<Self, Trouble> {
        let home = folder.join(NAME);
        let file = |error| Trouble::Folder { place: home.display().to_string(), error };
        fs::create_dir(&home).map_err(file)?;
        let config = home.join("aggregator.toml");
        fs::write(&config, CONFIG.replace("FOLDER", &home.display().to_string())).map_err(file)?;
        let path = config.display().to_string();
        let run = async |words: &[&str], input: &str| programs.run(PROGRAM, words, input).await;
        run(&["ca", "--config", &path, "init"], "").await?;
        let password = secret().map_err(file)?;
        run(&["user", "--config", &path, "add", USER, "--role", "admin", "--all"], &password).await?;
        for network in ["autoencoder", "classifier"] {
            let first = programs.run("fieldward-agent", &["network", network], "").await?;
            let place = home.join(format!("{network}.json"));
            fs::write(&place, first).map_err(file)?;
            run(&["model", "--config", &path, "import", &place.display().to_string()], "").await?;
        }
        let log = folder.join(format!("{NAME}.log"));
        programs.start(PROGRAM, &["--log", "json", "run", "--config", &path], Stdio::null(), &log)?;
        let look = || match programs.one_ended() {
            Some(ended) => Err(ended.into()),
            None => Ok(said(&log, "agents may come").zip(said(&log, "people and programs may ask"))),
        };
        let (agents, people) = until("an aggregator that answers", look, || last_words(&log)).await?;
        let api = Api::enter(people, USER, &password).await?;
        Ok(Self { programs: programs.clone(), config, agents, people, password, api })
    }

    /// A token for one agent or simulator, and the pin of the authority.
    pub async fn token(&self, facility: &str, simulator: bool) -> Result<(String, Pin), Trouble> {
        let config = self.config.display().to_string();
        let mut words = vec!["ca", "--config", &config, "token", "--facility", facility, "--auto-approve"];
        if simulator {
            words.push("--simulator");
        }
        let answer = self.programs.run(PROGRAM, &words, "").await?;
        let mut lines = answer.lines();
        let both = lines.next().map(str::to_owned).zip(lines.next().and_then(|pin| pin.parse().ok()));
        both.ok_or_else(|| {
            let said = "it gave no token and no pin; is it of another release?".to_owned();
            super::ProgramError::Failed("fieldward-aggregator ca token".to_owned(), said).into()
        })
    }

    /// Where the page is.
    pub fn page(&self) -> String {
        format!("http://{}/", self.people)
    }

    /// What somebody needs to come in.
    pub fn sign_in(&self) -> String {
        format!("THE PAGE: {}   name: {USER}   password: {}", self.page(), self.password)
    }

    /// Opens the page where somebody can see it.
    pub fn open_page(&self) {
        let is_shown = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        if is_shown {
            let mut opener = Command::new("xdg-open");
            opener.arg(self.page()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            // Where there is none, the address stands on the terminal.
            drop(opener.spawn());
        }
    }

    /// Puts what curl needs to be let in into a file, and tells which.
    pub fn write_header(&self, folder: &Path) -> Result<PathBuf, Trouble> {
        let place = folder.join("api-key");
        let failed = |error: fieldward_shared::keyfile::KeyFileError| Trouble::Folder {
            place: place.display().to_string(),
            error: std::io::Error::other(error),
        };
        let text = format!("X-API-Key: {}\n", self.api.key());
        fieldward_shared::keyfile::write(&place, text.as_bytes()).map_err(failed)?;
        Ok(place)
    }
}

/// An address that the log tells.
fn said(log: &Path, message: &str) -> Option<SocketAddr> {
    let text = fs::read_to_string(log).ok()?;
    text.lines().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let fields = line.get("fields").filter(|fields| fields["message"] == json!(message))?;
        fields["address"].as_str()?.parse().ok()
    })
}

/// What nobody can guess.
fn secret() -> std::io::Result<String> {
    let mut bytes = [0; 12];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()])).iter().collect())
}

/// No two that are taken for each other; 32, so that each is as likely.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// How its log and its folder are called.
pub const NAME: &str = "aggregator";
const PROGRAM: &str = "fieldward-aggregator";
const USER: &str = "demo";
/// Rounds spend little of the budget, so that several can be shown.
const CONFIG: &str = "database_url = \"sqlite://FOLDER/fieldward.db\"
listen = \"127.0.0.1:0\"
demo_mode = true

[ca]
folder = \"FOLDER/ca\"

[api]
listen = \"127.0.0.1:0\"
tls = \"off\"

[rounds]
networks = [\"autoencoder\"]

[rounds.terms]
epochs = 1
batch = 32
noise = 2
";
