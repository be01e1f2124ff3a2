//! Whether the next stage of an attack is named before it comes: the simulator plays its campaigns with seeds that nobody
//! has seen, on a plant that nobody has trained on; the agent's alerts go into a store as they are told, the aggregator
//! makes incidents and predictions of them, and before each stage that shows a technique for the first time the newest
//! prediction is asked. The same with the true techniques in place of the alerts, and by networks that were not taught
//! the campaign.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use fieldward_agent::classify::Classifier;
use fieldward_agent::score::Attack;
use fieldward_aggregator::attack::gnn::train::{Training, train};
use fieldward_aggregator::attack::predict::{Model, Taught, simulated};
use fieldward_aggregator::attack::{Catalogue, Predictor, watch};
use fieldward_aggregator::store::{Body, Store};
use fieldward_shared::alert::{Alert, Severity};
use fieldward_sim::CAMPAIGNS;
use fieldward_sim::config::{Config, Planned};
use fieldward_tests::lessons;
use fieldward_tests::reports::Reporter;
use fieldward_tests::sitting::{self, Models, Sitting};

/// Examines predictions on campaigns.
#[derive(Parser)]
struct Arguments {
    /// Which plants
    #[arg(long, default_values = ["water", "gas", "substation"])]
    plant: Vec<String>,
    /// Which of its kind: one that the classifier was not trained on
    #[arg(long, default_value_t = 1001)]
    site: u64,
    /// Devices of each plant
    #[arg(long, default_value_t = 20)]
    devices: usize,
    /// Hours to learn from
    #[arg(long, default_value_t = 24.0)]
    learn: f64,
    /// The first seed of the campaigns, and how often each is played
    #[arg(long, default_value_t = 70_001)]
    seed: u64,
    /// How often each campaign is played at each plant
    #[arg(long, default_value_t = 1)]
    times: u64,
    /// Members of the networks that were not taught the campaign
    #[arg(long, default_value_t = 6)]
    members: usize,
    /// Each stage
    #[arg(long)]
    long: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shipped = Predictor::shipped()?;
    let untaught: Vec<Predictor> =
        CAMPAIGNS.iter().map(|one| without(one.name, arguments.members)).collect::<Result<_>>()?;
    let mut sums = [[Sum::default(); 3]; 2];
    for plant in &arguments.plant {
        let mut config = lessons::plant(plant, arguments.devices, arguments.site)?;
        (config.seed, config.start) = (11, 0);
        let models = sitting::learn(&config, arguments.learn * 60.0, &[])?;
        for (nth, campaign) in CAMPAIGNS.iter().enumerate() {
            for time in 0..arguments.times {
                (config.seed, config.start) = (arguments.seed + time, 8 * 3600);
                let played = play(&config, campaign.name, &models)?;
                for (row, predictor) in [&shipped, &untaught[nth]].into_iter().enumerate() {
                    let truth = by_truth(predictor, &played.labels.attacks);
                    let seen = runtime.block_on(by_alerts(predictor, &played, true))?;
                    let sure = runtime.block_on(by_alerts(predictor, &played, false))?;
                    for (sum, stages) in sums[row].iter_mut().zip([&truth, &seen, &sure]) {
                        sum.add(stages);
                    }
                    if arguments.long {
                        let row = ["taught", "not taught"][row];
                        println!("{plant} {} {row}", campaign.name);
                        for (stage, by_alert) in truth.iter().zip(&seen) {
                            println!(
                                "   {:<8} truth {:<5} alerts {:<5} {}",
                                stage.technique, stage.named, by_alert.named, by_alert.said
                            );
                        }
                    }
                }
            }
        }
    }
    for (row, sums) in ["as shipped, which was taught the order of the campaigns", "not taught the campaign"]
        .iter()
        .zip(sums)
    {
        println!("{row}:");
        let ways = ["the true techniques", "the agent's alerts", "the same, taken for sure"];
        for (way, sum) in ways.iter().zip(sums) {
            println!("   after {way:<26} {}", sum.said());
        }
    }
    Ok(())
}

/// A network that was taught all campaigns but one.
fn without(campaign: &str, members: usize) -> Result<Predictor> {
    let others: Vec<(String, Vec<String>)> = simulated().filter(|(name, _)| name != campaign).collect();
    let taught = Taught::new()?.with(&others);
    let mut model = Model::shipped()?;
    let scale = model.ics.scale;
    let how = Training { members, ..Training::default() };
    model.ics = train(&taught.plant, &taught.plant_states, &[], &how)?;
    model.ics.scale = scale;
    Ok(Predictor::new(model, Arc::new(Catalogue::shipped()?), &[])?)
}

fn play(base: &Config, campaign: &str, models: &Models) -> Result<Sitting> {
    let mut config = base.clone();
    let planned = Planned::new(campaign, "", "", 600.0);
    config.attacks = vec![planned.map_err(|(what, remedy)| anyhow::anyhow!("{what}; {remedy}"))?];
    let known = CAMPAIGNS.iter().find(|one| one.name == campaign).context("a campaign")?;
    let seconds = known.steps.iter().map(|step| {
        step.after * 1.5 + step.attack().map_or(0.0, |(attack, _)| f64::from(attack.seconds[0]) * 1.5)
    });
    let minutes = 20.0 + seconds.sum::<f64>() / 60.0;
    sitting::watch(&config, minutes, models, Classifier::base().ok(), |_, _| {})
}

/// A stage that shows a technique for the first time, and what was expected before it.
struct Stage {
    technique: String,
    /// The technique itself was among three.
    named: bool,
    /// It, or another that an analyst may rightly call it.
    accepted: bool,
    /// By counting.
    counted: bool,
    said: String,
}

/// The stages after the first: places of attacks.
fn stages(attacks: &[Attack]) -> Vec<&Attack> {
    let mut order: Vec<&Attack> = attacks.iter().collect();
    order.sort_by(|one, other| one.start.total_cmp(&other.start));
    let mut seen = BTreeSet::new();
    order.retain(|one| one.technique.clone().is_some_and(|technique| seen.insert(technique)));
    order
}

fn judged(attack: &Attack, expected: &[String], counted: &[String]) -> Stage {
    let technique = attack.technique.clone().unwrap_or_default();
    let named = expected.contains(&technique);
    let accepted = named || attack.acceptable.iter().any(|one| expected.contains(one));
    Stage { named, accepted, counted: counted.contains(&technique), said: expected.join(" "), technique }
}

fn by_truth(predictor: &Predictor, attacks: &[Attack]) -> Vec<Stage> {
    let order = stages(attacks);
    let ids: Vec<String> = order.iter().filter_map(|one| one.technique.clone()).collect();
    let ask = |next: usize| {
        let answer = predictor.predict(&ids[..next], 3);
        let expected: Vec<String> = answer.next.into_iter().map(|one| one.id).collect();
        let counted: Vec<String> = answer.markov.into_iter().map(|(id, _)| id).collect();
        judged(order[next], &expected, &counted)
    };
    (1..order.len()).map(ask).collect()
}

/// What stood when a stage began: the newest prediction of the plant.
async fn by_alerts(predictor: &Predictor, played: &Sitting, doubts: bool) -> Result<Vec<Stage>> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&format!("sqlite://{}/exam.db", folder.path().display())).await?;
    let reporter = Reporter::new(1);
    let mut told = played.told.iter().peekable();
    let mut newest: (Vec<String>, Vec<String>) = Default::default();
    let mut seq = 0;
    let mut judgements = Vec::new();
    for (nth, attack) in stages(&played.labels.attacks).into_iter().enumerate() {
        while let Some((_, alert)) = told.next_if(|(second, _)| (*second as f64) < attack.start) {
            seq += 1;
            commit(&store, &reporter, seq, alert.clone(), doubts).await?;
            while watch::look(&store, predictor).await? {}
            newest = latest(&store, newest).await?;
        }
        if nth > 0 {
            judgements.push(judged(attack, &newest.0, &newest.1));
        }
    }
    store.close().await;
    Ok(judgements)
}

/// What the prediction that was made last expects: it has the greatest number of those that are new.
async fn latest(store: &Store, before: (Vec<String>, Vec<String>)) -> Result<(Vec<String>, Vec<String>)> {
    let all = store.predictions(&[], None, None, 1, 0).await?;
    let Some(one) = all.into_iter().next() else { return Ok(before) };
    let markov = one.detail["markov"].as_array().into_iter().flatten();
    let counted = markov.filter_map(|one| one["technique_id"].as_str().map(str::to_owned)).collect();
    Ok((one.techniques.into_iter().map(|one| one.id).collect(), counted))
}

async fn commit(store: &Store, reporter: &Reporter, seq: u64, mut alert: Alert, doubts: bool) -> Result<()> {
    alert.facility_id = reporter.facility.clone();
    if !doubts {
        alert.candidates.clear();
    }
    store.commit(vec![reporter.report(Severity::High, seq, Body::Alert(Box::new(alert)))]).await?;
    Ok(())
}

/// How many stages were named.
#[derive(Clone, Copy, Default)]
struct Sum {
    stages: usize,
    named: usize,
    accepted: usize,
    counted: usize,
}

impl Sum {
    fn add(&mut self, stages: &[Stage]) {
        let count = |is: fn(&Stage) -> bool| stages.iter().filter(|stage| is(stage)).count();
        self.stages += stages.len();
        self.named += count(|stage| stage.named);
        self.accepted += count(|stage| stage.accepted);
        self.counted += count(|stage| stage.counted);
    }

    fn said(self) -> String {
        let share = |count: usize| format!("{:.0} %", count as f64 * 100.0 / self.stages.max(1) as f64);
        format!(
            "{} stages: named {} ({}), or as acceptable {}; by counting {}",
            self.stages,
            self.named,
            share(self.named),
            share(self.accepted),
            share(self.counted)
        )
    }
}
