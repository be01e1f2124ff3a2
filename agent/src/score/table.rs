//! The score as a table that a person reads.

use std::fmt;

use super::{Outcome, Score};

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.attacks.is_empty() {
            writeln!(
                f,
                "{:<28} {:<7} {:>8} {:>7}  {:<6} {:<6} named",
                "attack", "label", "delay", "in time", "top-1", "top-3"
            )?;
        }
        for attack in &self.attacks {
            let delay = attack.delay.map_or("missed".to_owned(), |delay| format!("{delay:.2} s"));
            let label = attack.technique.as_deref().unwrap_or("-");
            let [in_time, first, third] = [attack.in_time, attack.accepted.0, attack.accepted.1].map(yes);
            let named = attack.named.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(",");
            writeln!(
                f,
                "{:<28} {label:<7} {delay:>8} {in_time:>7}  {first:<6} {third:<6} {named}",
                attack.name
            )?;
        }
        self.totals(f)
    }
}

impl Score {
    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.attacks.len();
        let count = |of: fn(&Outcome) -> bool| self.attacks.iter().filter(|attack| of(attack)).count();
        let graded = |grades: &str, of: fn(&Outcome) -> bool| {
            let graded = |attack: &&Outcome| attack.technique.is_some() && grades.contains(&attack.grade);
            let all = self.attacks.iter().filter(graded).count();
            part(self.attacks.iter().filter(graded).filter(|attack| of(attack)).count(), all)
        };
        if all > 0 {
            let mut delays: Vec<f64> = self.attacks.iter().filter_map(|attack| attack.delay).collect();
            delays.sort_by(f64::total_cmp);
            let median = delays.get(delays.len() / 2).map_or("-".to_owned(), |delay| format!("{delay:.2} s"));
            writeln!(
                f,
                "detected {}  in time {}  delay median {median}",
                part(count(|attack| attack.detected), all),
                part(count(|attack| attack.in_time), all)
            )?;
            writeln!(
                f,
                "technique: strict (A) top-1 {} top-3 {}  accepted (A+B) top-1 {} top-3 {}",
                graded("A", |attack| attack.strict.0),
                graded("A", |attack| attack.strict.1),
                graded("AB", |attack| attack.accepted.0),
                graded("AB", |attack| attack.accepted.1)
            )?;
        }
        let hours = self.normal / 3600.0;
        let wrong = self.false_alerts.len();
        let rate = if hours > 0.0 { format!("{:.1}/h", wrong as f64 / hours) } else { "-".to_owned() };
        writeln!(
            f,
            "normal time {hours:.2} h  false alerts {wrong} ({rate})  false incidents {}  [matched {}, stray {}, ignored {}]",
            self.false_incidents, self.matched, self.stray, self.ignored
        )?;
        for (event, count) in &self.benign {
            writeln!(f, "  benign event \"{event}\": {count} false alerts")?;
        }
        Ok(())
    }
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn part(some: usize, all: usize) -> String {
    match all {
        0 => "-".to_owned(),
        _ => format!("{:.0} % ({some}/{all})", some as f64 * 100.0 / all as f64),
    }
}
