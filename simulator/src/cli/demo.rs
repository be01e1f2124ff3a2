//! `demo`: the plants live, and one attack after another on them; or one plant, on which an aggregator has scenarios
//! played.

use std::io::{self, Read as _, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use fieldward_shared::identity::Pin;
use tokio::time::{Instant, timeout_at};

use super::stopped;
use crate::attack::{self, ATTACKS, Attack, Needs};
use crate::config::{self, Config};
use crate::demo::{self, Settings};
use crate::live::{self, Site};
use crate::plant::PLANTS;
use crate::rng::Rng;
use crate::stage::Intensity;

/// Run small plants of every kind and play attacks on them, one after another; or, for an aggregator, one plant and
/// the scenarios that it asks for
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-sim demo --seconds 60
  fieldward-sim demo --aggregator 127.0.0.1:4433 --plant water --state ~/.fieldward-sim \\
      --token-file token --ca-pin sha256:1f0c…

`fieldward-aggregator ca token --facility ID --simulator` prints token and pin; they are needed once. The aggregator
must run with DEMO_MODE=true; `POST /api/demo/scenarios/port-scan` there has this plant attacked. What is played
stays on this machine's loopback addresses.")]
pub struct Demo {
    /// How long
    #[arg(long, default_value = "60", conflicts_with = "aggregator")]
    seconds: u64,
    /// Play what this aggregator asks for, until Ctrl-C or SIGTERM
    #[arg(long, value_name = "HOST:PORT", requires = "state")]
    aggregator: Option<String>,
    /// Where this simulator's identity is kept
    #[arg(long, value_name = "DIR", requires = "aggregator")]
    state: Option<PathBuf>,
    /// File that holds the token; - reads standard input
    #[arg(long, value_name = "FILE", requires_all = ["aggregator", "ca_pin"])]
    token_file: Option<PathBuf>,
    /// Fingerprint of the aggregator's root
    #[arg(long, value_name = "PIN", requires = "token_file")]
    ca_pin: Option<Pin>,
    /// The plant: water, gas, substation, or its configuration file
    #[arg(long, value_name = "KIND", default_value = "water", requires = "aggregator")]
    plant: String,
    /// How many devices it has (5 to 500)
    #[arg(long, default_value_t = DEVICES)]
    devices: usize,
}

impl Demo {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (10..=86_400).contains(&self.seconds),
            "--seconds: {} is no length for a demonstration; choose a number from 10 to 86400",
            self.seconds
        );
        if let (Some(aggregator), Some(state)) = (&self.aggregator, &self.state) {
            return self.serve(aggregator, state.clone());
        }
        live::run(async {
            tokio::select! {
                shown = self.play() => shown,
                stop = stopped() => stop,
            }
        })?
    }

    /// Plays for an aggregator.
    fn serve(&self, aggregator: &str, folder: PathBuf) -> anyhow::Result<()> {
        let token = self.token()?.zip(self.ca_pin);
        let settings = Settings { aggregator: aggregator.to_owned(), folder, token };
        let mut config = Config::find(&self.plant)?;
        config::check_size(self.devices)
            .map_err(|(what, remedy)| anyhow::anyhow!("--devices: {what}; {remedy}"))?;
        config.devices = self.devices;
        live::run(async {
            let site = Site::open(&config).await?;
            eprint!("{}", site.table());
            site.begin();
            tokio::select! {
                ended = demo::serve(&settings, &site) => match ended? {},
                stop = stopped() => stop,
            }
        })?
    }

    fn token(&self) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.token_file else { return Ok(None) };
        let mut text = String::new();
        if file.as_os_str() == "-" {
            io::stdin().take(LONGEST_TOKEN).read_to_string(&mut text).context("standard input")?;
        } else {
            let place = file.display().to_string();
            let open = std::fs::File::open(file).with_context(|| place.clone())?;
            open.take(LONGEST_TOKEN).read_to_string(&mut text).context(place)?;
        }
        Ok(Some(text.trim().to_owned()))
    }

    async fn play(&self) -> anyhow::Result<()> {
        let end = Instant::now() + Duration::from_secs(self.seconds);
        let mut sites = Vec::new();
        for kind in PLANTS {
            let site = Site::open(&Config::new(kind, DEVICES)).await?;
            eprint!("{}", site.table());
            site.begin();
            sites.push(site);
        }
        // First, for a while, nothing but everyday life.
        tokio::time::sleep(QUIET).await;
        // None may take so long that nothing else is seen.
        let longest = (self.seconds / 6).max(12);
        let mut scenes = Vec::new();
        for site in sites.iter().cycle() {
            if scenes.is_empty() {
                scenes = live_attacks();
            }
            let left = end.saturating_duration_since(Instant::now()).as_secs().min(longest);
            let fits = |attack: &&Attack| u64::from(attack.seconds[2]) <= left;
            let Some(next) = scenes.iter().position(fits) else { break };
            let attack = scenes.remove(next);
            let name = site.world.plant.borrow().kind.name;
            let mut out = io::stdout().lock();
            writeln!(
                out,
                "{} {name:<11}{:<12}{:<24}{}",
                time_of_day(),
                attack.technique.id,
                attack.name,
                attack.about
            )?;
            out.flush()?;
            drop(out);
            let variant = attack.variants.first().copied().unwrap_or_default();
            let play = attack::perform(site.world.clone(), attack, variant, Intensity::Fast, None);
            drop(timeout_at(end, play).await);
            tokio::time::sleep(BETWEEN).await;
        }
        tokio::time::sleep_until(end).await;
        Ok(())
    }
}

/// Every attack that plays live, in an order of chance that is always the same.
fn live_attacks() -> Vec<&'static Attack> {
    let mut rng = Rng::named(1, "demo");
    let mut attacks: Vec<_> =
        ATTACKS.iter().copied().filter(|attack| attack.needs == Needs::Sockets).collect();
    for place in (1..attacks.len()).rev() {
        attacks.swap(place, rng.below(place as u64 + 1) as usize);
    }
    attacks
}

/// The time of day, as UTC has it.
fn time_of_day() -> String {
    let now = live::clock() as u64 % 86_400;
    format!("{:02}:{:02}:{:02}", now / 3600, now / 60 % 60, now % 60)
}

/// Longest token file.
const LONGEST_TOKEN: u64 = 4096;
/// How large the plants are.
const DEVICES: usize = 20;
/// How long nothing is attacked.
const QUIET: Duration = Duration::from_secs(3);
/// Between one attack and the next.
const BETWEEN: Duration = Duration::from_secs(1);
