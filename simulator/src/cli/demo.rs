//! `demo`: the plants live, and one attack after another on them.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, timeout_at};

use super::stopped;
use crate::attack::{self, ATTACKS, Attack, Needs};
use crate::config::Config;
use crate::live::{self, Site};
use crate::plant::PLANTS;
use crate::rng::Rng;
use crate::stage::Intensity;

/// Run small plants of every kind and play attacks on them, one after another
#[derive(Args)]
#[command(after_help = "Example:
  fieldward-sim demo --seconds 60")]
pub struct Demo {
    /// How long
    #[arg(long, default_value = "60")]
    seconds: u64,
}

impl Demo {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            (10..=86_400).contains(&self.seconds),
            "--seconds: {} is no length for a demonstration; choose a number from 10 to 86400",
            self.seconds
        );
        live::run(async {
            tokio::select! {
                shown = self.play() => shown,
                stop = stopped() => stop,
            }
        })?
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

/// How large the plants are.
const DEVICES: usize = 20;
/// How long nothing is attacked.
const QUIET: Duration = Duration::from_secs(3);
/// Between one attack and the next.
const BETWEEN: Duration = Duration::from_secs(1);
