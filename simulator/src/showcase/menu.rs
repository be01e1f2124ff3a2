//! What somebody at the terminal may ask for, and what is told there of alerts and scenarios.

use std::collections::{BTreeSet, VecDeque};
use std::io::BufRead as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::aggregator::Aggregator;
use super::api::{Api, AskError};
use super::{FACILITIES, Told, Trouble};

/// Lets somebody choose, until he has enough.
pub async fn serve(
    told: Told,
    aggregator: &Aggregator,
    calm: Duration,
    folder: &Path,
) -> Result<(), Trouble> {
    let header = aggregator.write_header(folder)?;
    let mut typed = Typed(Some(lines()));
    let mut news = News::default();
    told.step(&format!("normal traffic for {} s; Enter goes on at once, q ends", calm.as_secs()));
    let offered = Instant::now() + calm;
    let mut is_offered = false;
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let line = tokio::select! {
            () = sleep_until(offered), if !is_offered => String::new(),
            _ = ticks.tick() => {
                news.look(told, &aggregator.api).await;
                continue;
            }
            line = typed.line() => line,
        };
        match (is_offered, Choice::of(&line)) {
            (_, Some(Choice::End)) => return Ok(()),
            (true, Some(choice)) => act(told, &aggregator.api, choice).await,
            _ => {
                is_offered = true;
                offer(told, &aggregator.page(), &header.display().to_string());
            }
        }
    }
}

/// What can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Play(&'static str, &'static str),
    Round,
    Status,
    Reset,
    End,
}

impl Choice {
    /// A line that somebody typed: a number, and a plant where one is wanted.
    fn of(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (what, plant) = (words.next()?, words.next().unwrap_or(FACILITIES[0]));
        let plant = FACILITIES.into_iter().find(|name| name.starts_with(plant))?;
        Some(match what {
            "1" => Self::Play("port-scan", plant),
            "2" => Self::Play("multi-stage", plant),
            "3" => Self::Round,
            "4" => Self::Status,
            "5" => Self::Reset,
            "q" | "quit" | "exit" => Self::End,
            _ => return None,
        })
    }
}

fn offer(told: Told, page: &str, header: &str) {
    told.step("choose a number and Enter (1 and 2 with a plant, if you like: 1 gas-station):");
    for line in [
        "1 port scan   2 attack in several stages   3 federated round   4 status   5 reset   q end",
        "on the page: Settings, Demonstration. What happens shows up under Alerts and Incidents",
    ] {
        told.step(&format!("    {line}"));
    }
    let call = format!(
        "curl -H @{header} -H 'content-type: application/json' -d '{{\"facility_id\":\"{}\"}}'",
        FACILITIES[0]
    );
    told.step(&format!("    by the API: {call} {page}api/demo/scenarios/port-scan"));
}

async fn act(told: Told, api: &Api, choice: Choice) {
    let done = match choice {
        Choice::Play(name, plant) => {
            let path = format!("/api/demo/scenarios/{name}");
            let begun = api.post(&path, Some(json!({ "facility_id": plant }))).await;
            begun.map(|_| format!("{name} has begun at {plant}"))
        }
        Choice::Round => {
            let begun = api.post("/api/demo/scenarios/fl-round", None).await;
            begun.map(|begun| format!("round {} has begun: see Federated learning", begun["round_id"]))
        }
        Choice::Reset => {
            let done = api.post("/api/demo/reset", None).await;
            done.map(|done| format!("reset: {} scenarios ended", done["stopped"]))
        }
        Choice::Status => status(api).await,
        Choice::End => return,
    };
    told.step(&done.unwrap_or_else(|why| why.to_string()));
}

async fn status(api: &Api) -> Result<String, AskError> {
    let status = api.get("/api/demo/status").await?;
    let alerts = api.get("/api/alerts?limit=1").await?;
    let playing = status["active_scenarios"].as_array().into_iter().flatten().map(scenario);
    let playing: Vec<String> = playing.collect();
    let playing = if playing.is_empty() { "nothing is played".to_owned() } else { playing.join("; ") };
    let count = status["simulators"].as_array().map_or(0, Vec::len);
    Ok(format!("{playing}; {count} plants are there; {} alerts so far", alerts["total"]))
}

/// A scenario in words.
fn scenario(one: &Value) -> String {
    let name = one["scenario"].as_str().unwrap_or_default();
    let place = one["facility_id"].as_str().unwrap_or("all plants");
    let state = one["status"].as_str().unwrap_or_default();
    let step = match (one["attack"].as_str(), one["attack_type"].as_str()) {
        (Some(attack), Some(technique)) if state == "running" => {
            format!(
                ", step {} of {}: {attack} ({technique})",
                one["steps_done"].as_u64().unwrap_or(0) + 1,
                one["steps"]
            )
        }
        _ => String::new(),
    };
    let why = one["detail"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{name} at {place} {state}{step}{why}")
}

/// What was told already.
#[derive(Default)]
struct News {
    alerts: BTreeSet<String>,
    order: VecDeque<String>,
    last: String,
}

impl News {
    /// Tells what is new: alerts, and how the last scenario goes.
    async fn look(&mut self, told: Told, api: &Api) {
        if let Ok(answer) = api.get(&format!("/api/alerts?limit={MOST_AT_ONCE}")).await {
            for alert in answer["alerts"].as_array().into_iter().flatten().rev() {
                self.alert(told, alert);
            }
        }
        if let Ok(status) = api.get("/api/demo/status").await
            && status["last_scenario"].is_object()
        {
            let now = scenario(&status["last_scenario"]);
            if now != self.last {
                told.step(&now);
                self.last = now;
            }
        }
    }

    fn alert(&mut self, told: Told, alert: &Value) {
        let id = alert["id"].as_str().unwrap_or_default();
        if !self.alerts.insert(id.to_owned()) {
            return;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > MOST_KNOWN {
            self.order.pop_front().map(|oldest| self.alerts.remove(&oldest));
        }
        let text = |name: &str| alert[name].as_str().unwrap_or("-").to_owned();
        told.step(&format!(
            "ALERT {:<8} {:<11} {} ({})",
            text("severity"),
            text("facility_id"),
            text("title"),
            text("attack_type")
        ));
    }
}

/// What is typed; nothing for ever when nobody can type any more.
struct Typed(Option<mpsc::Receiver<String>>);

impl Typed {
    async fn line(&mut self) -> String {
        if let Some(lines) = &mut self.0 {
            if let Some(line) = lines.recv().await {
                return line;
            }
            self.0 = None;
        }
        std::future::pending().await
    }
}

/// A thread reads them, since nothing else can be asked to stop waiting for a terminal; it ends with the process.
fn lines() -> mpsc::Receiver<String> {
    let (told, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if told.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// How often it is looked for news.
const LOOK: Duration = Duration::from_millis(500);
/// Alerts that are read at once, and that are remembered as told.
const MOST_AT_ONCE: usize = 50;
const MOST_KNOWN: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_understood_or_not_obeyed() {
        assert_eq!(Choice::of("1"), Some(Choice::Play("port-scan", "water-works")));
        assert_eq!(Choice::of(" 2  gas "), Some(Choice::Play("multi-stage", "gas-station")));
        assert_eq!(Choice::of("q"), Some(Choice::End));
        for nothing in ["", "7", "1 nowhere", "rm"] {
            assert_eq!(Choice::of(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn news_are_told_once_and_forgotten_some_time() {
        let (told, mut news) = (Told(Instant::now()), News::default());
        for nth in 0..MOST_KNOWN + 10 {
            let alert = json!({ "id": nth.to_string() });
            news.alert(told, &alert);
            news.alert(told, &alert);
        }
        assert_eq!((news.alerts.len(), news.order.len()), (MOST_KNOWN, MOST_KNOWN));
    }
}
