//! How well attacks are found on recorded plants that nobody has seen: of each plant a day is learnt; a week
//! of another seed, with maintenance, laptops and shift changes, must stay quiet; and days with every attack,
//! in variants and at intensities that the seed draws, must be found and named.

use anyhow::{Context, Result};
use clap::Parser;
use fieldward_agent::classify::Classifier;
use fieldward_agent::score::{Scored, score};
use fieldward_tests::lessons;
use fieldward_tests::sitting::{self, Sitting};

/// Examines the agent on recorded plants.
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
    /// Days to learn from
    #[arg(long, default_value_t = 1.0)]
    learn: f64,
    /// Days that must stay quiet
    #[arg(long, default_value_t = 7.0)]
    quiet: f64,
    /// Days with every attack
    #[arg(long, default_value_t = 2)]
    attacks: u64,
    /// Detectors that learn (all, if none is named)
    #[arg(long)]
    detector: Vec<String>,
    /// Only totals, not every attack
    #[arg(long)]
    short: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut sums = Sums::default();
    for plant in &arguments.plant {
        exam(plant, &arguments, &mut sums).with_context(|| plant.clone())?;
    }
    println!("== all\n{}", sums.said());
    Ok(())
}

fn exam(plant: &str, arguments: &Arguments, sums: &mut Sums) -> Result<()> {
    println!("== {plant}, site {}", arguments.site);
    let wanted: Vec<&str> = arguments.detector.iter().map(String::as_str).collect();
    let mut config = lessons::plant(plant, arguments.devices, arguments.site)?;
    (config.seed, config.start) = (11, 0);
    let models = sitting::learn(&config, arguments.learn * DAY, &wanted)?;
    if arguments.quiet > 0.0 {
        config.seed = 12;
        let week =
            sitting::watch(&config, arguments.quiet * DAY, &models, Classifier::base().ok(), |_, _| {})?;
        println!("-- {} quiet days", arguments.quiet);
        tell(&week, arguments.short);
        for alert in &week.alerts {
            println!("   {} {:?} {}", alert.timestamp, alert.severity, alert.title);
        }
        sums.false_alerts += week.alerts.len();
        sums.days += week.hours / 24.0;
    }
    for day in 0..arguments.attacks {
        let (config, minutes) = lessons::day_of_attacks(&config, 1000 + day, None)?;
        let sitting = sitting::watch(&config, minutes, &models, Classifier::base().ok(), |_, _| {})?;
        println!("-- every attack, day {}", 1 + day);
        sums.add(&sitting);
        tell(&sitting, arguments.short);
    }
    Ok(())
}

fn tell(sitting: &Sitting, short: bool) {
    let scored: Vec<Scored> = sitting.alerts.iter().map(Scored::from).collect();
    let table = score(&scored, &sitting.labels).to_string();
    let lines = table.lines().filter(|line| !short || !line.contains(" s  ") || line.starts_with("detected"));
    lines.for_each(|line| println!("   {line}"));
}

/// Figures over all plants.
#[derive(Default)]
struct Sums {
    attacks: usize,
    detected: usize,
    fast: usize,
    in_time: usize,
    named: [usize; 4],
    false_alerts: usize,
    days: f64,
}

impl Sums {
    fn add(&mut self, sitting: &Sitting) {
        let scored: Vec<Scored> = sitting.alerts.iter().map(Scored::from).collect();
        for attack in score(&scored, &sitting.labels).attacks {
            self.attacks += 1;
            self.detected += usize::from(attack.detected);
            self.fast += usize::from(attack.delay.is_some_and(|delay| delay <= 5.0));
            self.in_time += usize::from(attack.in_time);
            let named = [attack.strict.0, attack.strict.1, attack.accepted.0, attack.accepted.1];
            self.named.iter_mut().zip(named).for_each(|(sum, is)| *sum += usize::from(is));
        }
    }

    fn said(&self) -> String {
        let share = |count: usize| format!("{:.1} %", count as f64 * 100.0 / self.attacks.max(1) as f64);
        let [strict, strict_three, accepted, accepted_three] = self.named.map(share);
        format!(
            "{} attacks: detected {}, within 5 s {}, in time {}; technique strictly first {strict}, among three \
             {strict_three}; accepted first {accepted}, among three {accepted_three}\n{} alerts in {:.1} quiet days \
             ({:.2} per plant and day)",
            self.attacks,
            share(self.detected),
            share(self.fast),
            share(self.in_time),
            self.false_alerts,
            self.days,
            self.false_alerts as f64 / self.days.max(f64::MIN_POSITIVE),
        )
    }
}

/// Minutes.
const DAY: f64 = 1440.0;
