//! `attack`: the catalogue, what comes next, and how well that is known.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::wait_for;
use crate::attack::evaluate::{Report, evaluate};
use crate::attack::gnn::train::{Training, train};
use crate::attack::predict::{Model, Predictor, Taught};
use crate::attack::sequences::{Flows, SIMULATED};
use crate::attack::timing::Timing;
use crate::attack::{import, versions, watch};
use crate::config::Config;
use crate::store::Store;

/// Load ATT&CK, ask what comes next, and measure how well that is known
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-aggregator attack import ics-attack.json
  fieldward-aggregator attack predict T0846 --after T0883 --top 5
  fieldward-aggregator attack evaluate
  fieldward-aggregator attack train --own
  fieldward-aggregator attack rollback")]
pub struct Attack {
    /// The aggregator's configuration: it names the database and the folder
    #[arg(long, global = true, value_name = "FILE", default_value = "/etc/fieldward/aggregator.toml")]
    config: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Load an official bundle of ATT&CK (STIX 2.1, ICS or enterprise), with its texts; the service takes it when it
    /// starts anew
    Import {
        /// The bundle
        file: PathBuf,
    },
    /// Say what comes next
    Predict {
        /// What was seen last
        technique: String,
        /// What was seen before, in order
        #[arg(long, value_name = "T1,T2,…", value_delimiter = ',')]
        after: Vec<String>,
        /// So many
        #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=50))]
        top: u8,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Hold incidents out one by one, and print how well the next technique is named, beside plain answers
    Evaluate {
        /// Sequences of your own instead, one JSON object a line: {"name", "techniques": []}; the network at work is
        /// asked before each of their techniques
        file: Option<PathBuf>,
        #[command(flatten)]
        how: How,
    },
    /// Teach the networks anew, the same each time, and write them
    Train {
        /// Where to; without it they are kept as the next version in the aggregator's folder, which the service takes
        /// when it starts
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// With the incidents of this aggregator on which people have decided: no alert of theirs is open, and those
        /// that were no false alarms tell the order
        #[arg(long)]
        own: bool,
        /// Hold nothing out: what probabilities mean is taken from the network that is shipped
        #[arg(long)]
        quick: bool,
        #[command(flatten)]
        how: How,
    },
    /// List the networks that were taught here
    Versions,
    /// Put another network to work; the service takes it when it starts anew
    Rollback {
        /// Which, 0 for the shipped one; the one before, if none is named
        #[arg(long, value_name = "N")]
        to: Option<u32>,
    },
}

/// How training is done.
#[derive(Args)]
struct How {
    /// Networks that begin differently, whose mean is the answer
    #[arg(long, value_name = "N")]
    members: Option<usize>,
    /// Where chance comes from
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Incidents that are held out at the same time
    #[arg(long, value_name = "N", default_value_t = 2)]
    threads: usize,
}

impl How {
    fn training(&self, usual: Training) -> Training {
        Training {
            members: self.members.unwrap_or(usual.members).clamp(1, 64),
            seed: self.seed.unwrap_or(usual.seed),
            ..usual
        }
    }
}

impl Attack {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        match &self.what {
            What::Import { file } => {
                let folder = self.folder()?;
                let part = import::import(file, &folder)?;
                let said = json!({
                    "domain": part.domain.name(), "version": part.version, "techniques": part.techniques.len(),
                    "tactics": part.tactics.len(), "entries": part.entries.len(), "links": part.links.len(),
                });
                println!("{said}");
                Ok(())
            }
            What::Predict { technique, after, top, json } => self.predict(technique, after, *top, *json),
            What::Evaluate { file: Some(file), .. } => self.judge(file),
            What::Evaluate { file: None, how } => {
                for (name, report) in reports(how)? {
                    print(name, &report);
                }
                let (share, count) = Timing::new(&Flows::shipped(), &[]).coverage();
                println!(
                    "time ranges (80 %): {share:.2} of {count} public intervals lie in the range of the others"
                );
                Ok(())
            }
            What::Train { out, own, quick, how } => {
                let own = if *own { self.own()? } else { Vec::new() };
                let scales =
                    if *quick { Model::scales_shipped() } else { reports(how)?.map(|(_, one)| one.scale) };
                let taught = Taught::new()?.with_own(&own);
                let mut ics =
                    train(&taught.plant, &taught.plant_states, &[], &how.training(Training::default()))?;
                let mut enterprise =
                    train(&taught.office, &taught.office_states, &[], &how.training(Training::office()))?;
                [ics.scale, enterprise.scale] = scales;
                let model = Model { ics, enterprise, own: own.len() };
                let Some(out) = out else { return self.keep(&model) };
                fs::write(out, model.save()?).with_context(|| out.display().to_string())?;
                println!("{}", json!({ "written": out, "own": own.len() }));
                Ok(())
            }
            What::Versions => {
                let folder = self.folder()?;
                let versions = versions::list(&folder)?;
                let is_known = versions.iter().any(|one| one.is_at_work);
                match (is_known, versions::at_work(&folder)) {
                    (true, _) => println!("version 0: shipped"),
                    (false, path) if path.exists() => {
                        println!("version 0: shipped\n{}: at work, put there by hand", path.display());
                    }
                    (false, _) => println!("version 0: shipped, at work"),
                }
                for one in versions {
                    let own = one.own.map_or_else(|| "damaged".to_owned(), sequences);
                    println!(
                        "version {}: {own}{}",
                        one.number,
                        if one.is_at_work { ", at work" } else { "" }
                    );
                }
                Ok(())
            }
            What::Rollback { to } => {
                let folder = self.folder()?;
                let number = to.map_or_else(|| versions::before(&folder), Ok)?;
                versions::put(&folder, number)?;
                println!("version {number} is put to work; the service takes it when it starts anew");
                Ok(())
            }
        }
    }

    fn folder(&self) -> anyhow::Result<PathBuf> {
        Ok(watch::folder(&Config::load(&self.config)?.ca.folder))
    }

    fn keep(&self, model: &Model) -> anyhow::Result<()> {
        let number = versions::keep(&self.folder()?, model)?;
        println!(
            "version {number}: {}; the service takes it when it starts anew, and `attack rollback` goes back",
            sequences(model.own)
        );
        Ok(())
    }

    /// The answers at work: those of the folder where the configuration can be read, else what is shipped.
    fn predictor(&self) -> anyhow::Result<Predictor> {
        match Config::load(&self.config) {
            Ok(config) => Ok(watch::predictor(Some(&config.ca.folder))?),
            Err(_) => Ok(Predictor::shipped()?),
        }
    }

    fn predict(&self, technique: &str, after: &[String], top: u8, as_json: bool) -> anyhow::Result<()> {
        let predictor = self.predictor()?;
        let mut seen = after.to_vec();
        seen.push(technique.to_owned());
        if let Some(unknown) = seen.iter().find(|id| predictor.id(id).is_none()) {
            anyhow::bail!("{unknown} is no technique of any version that is known here");
        }
        let answer = predictor.predict(&seen, usize::from(top));
        if as_json {
            println!("{}", serde_json::to_string(&watch::detail(&answer))?);
            return Ok(());
        }
        println!("after {}: {}", answer.history.join(", "), answer.when.words());
        for (rank, next) in answer.next.iter().enumerate() {
            let who: Vec<&str> = next.precedents.iter().map(|one| one.name.as_str()).collect();
            let who = if who.is_empty() { String::new() } else { format!("  as {}", who.join(", ")) };
            let (probability, markov) = (next.probability * 100.0, next.markov * 100.0);
            println!(
                "{:2} {:<10} {:<40} {probability:5.1} %  (counts {markov:.1} %){who}",
                rank + 1,
                next.id,
                next.name
            );
        }
        Ok(())
    }

    /// Sequences of others: what is at work is asked before each technique that was not there yet.
    fn judge(&self, file: &PathBuf) -> anyhow::Result<()> {
        let predictor = self.predictor()?;
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let (mut asked, mut first, mut third, mut markov, mut reciprocal) = (0_u32, 0_u32, 0_u32, 0_u32, 0.0);
        for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let one: Sequence = serde_json::from_str(line).with_context(|| format!("line {}", at + 1))?;
            let ids: Vec<String> =
                one.techniques.iter().map(|id| predictor.id(id).unwrap_or_else(|| id.clone())).collect();
            for next in 1..ids.len() {
                if ids[..next].contains(&ids[next]) {
                    continue;
                }
                let answer = predictor.predict(&ids[..next], 50);
                let rank = answer.next.iter().position(|one| one.id == ids[next]);
                asked += 1;
                first += u32::from(rank == Some(0));
                third += u32::from(rank.is_some_and(|rank| rank < 3));
                markov += u32::from(answer.markov.iter().take(3).any(|(id, _)| *id == ids[next]));
                reciprocal += rank.map_or(0.0, |rank| 1.0 / (rank as f64 + 1.0));
            }
        }
        let share = |count: u32| f64::from(count) / f64::from(asked.max(1));
        let said = json!({
            "states": asked, "top1": share(first), "top3": share(third), "markov_top3": share(markov),
            "mrr": reciprocal / f64::from(asked.max(1)),
        });
        println!("{said}");
        Ok(())
    }

    fn own(&self) -> anyhow::Result<Vec<(String, Vec<String>)>> {
        let config = Config::load(&self.config)?;
        wait_for(async {
            let store = Store::open(config.database_url.reveal()).await?;
            let own = store.sequences().await?;
            store.close().await;
            anyhow::Ok(own)
        })?
    }
}

/// What a network was taught with, in words.
fn sequences(own: usize) -> String {
    let simulated = SIMULATED.len();
    let word = if own == 1 { "sequence" } else { "sequences" };
    format!(
        "taught with {own} {word} of this aggregator's own incidents, beside {simulated} of the simulator and what is public"
    )
}

#[derive(serde::Deserialize)]
struct Sequence {
    techniques: Vec<String>,
}

fn reports(how: &How) -> anyhow::Result<[(&'static str, Report); 2]> {
    let taught = Taught::new()?;
    let ics = evaluate(&taught.plant, &taught.plant_states, &how.training(Training::default()), how.threads)?;
    let office =
        evaluate(&taught.office, &taught.office_states, &how.training(Training::office()), how.threads)?;
    Ok([("ICS campaigns, groups and programs", ics), ("enterprise attack flows", office)])
}

fn print(name: &str, report: &Report) {
    println!("{name}: {} states of {} incidents, each held out in turn", report.states, report.incidents);
    println!("{:<26} top-1  top-3 [95 %]           top-5  top-10 MRR    top-3 against Markov [95 %]", "");
    for one in &report.scores {
        let [first, third, fifth, tenth] = one.hits;
        let ([low, high], [more, least, most]) = (one.range, one.more);
        println!(
            "{:<26} {first:.3}  {third:.3} [{low:.3}, {high:.3}]  {fifth:.3}  {tenth:.3}  {:.3}  {more:+.3} [{least:+.3}, {most:+.3}]",
            one.name, one.reciprocal
        );
    }
    let ([network, markov], [raw, scaled]) = (report.tactic, report.calibration);
    println!("next tactic first: network {network:.3}, Markov {markov:.3}");
    println!(
        "calibration error of the first three: {raw:.3} as they come, {scaled:.3} scaled; {:.3} by chance alone\n",
        report.noise
    );
}
