//! What a simulator plays when an aggregator tells it to: attacks one after the other, as fast as they get, on the
//! plant that runs in this process and nowhere else.

use std::time::Duration;

use fieldward_shared::wire::{DemoReport, DemoState};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::attack::{Attack, campaign::Step, perform};
use crate::live::Site;
use crate::stage::Intensity;

/// A scenario, by the name that both ends use.
pub struct Scenario {
    name: &'static str,
    steps: &'static [Step],
}

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "port-scan", steps: &[step("port-scan", "network")] },
    Scenario {
        name: "multi-stage",
        steps: &[
            step("port-scan", "ports"),
            step("device-identification", "basic"),
            step("point-enumeration", "holding"),
            step("setpoint-range", "stranger"),
            step("alarm-settings", "stranger"),
            step("rogue-master", "register"),
            step("stop-controller", "restart"),
        ],
    },
];

const fn step(attack: &'static str, variant: &'static str) -> Step {
    Step { after: 0.0, attack, variant, intensity: Intensity::Fast }
}

impl Scenario {
    /// Looks one up.
    pub fn find(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|one| one.name == name)
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    fn attacks(&self) -> impl Iterator<Item = (&'static Attack, &'static str)> {
        self.steps.iter().filter_map(Step::attack)
    }

    /// Plays it, and tells how it goes.
    pub async fn play(&'static self, id: String, site: &Site, told: &mpsc::Sender<DemoReport>) {
        let steps = self.attacks().count() as u32;
        let of = |state: DemoState, done: usize| DemoReport {
            id: id.clone(),
            state: state as i32,
            done: done as u32,
            steps,
            ..DemoReport::default()
        };
        let before = messages(site);
        for (done, (attack, variant)) in self.attacks().enumerate() {
            let report = DemoReport {
                attack: attack.name.to_owned(),
                technique: attack.technique.id.to_owned(),
                ..of(DemoState::Playing, done)
            };
            // Whoever does not hear it any more does not want it played either.
            if told.send(report).await.is_err() {
                return;
            }
            site.play(perform(site.world.clone(), attack, variant, Intensity::Fast, Some(self.name))).await;
            sleep(BETWEEN).await;
        }
        let report = if messages(site) > before {
            of(DemoState::Done, steps as usize)
        } else {
            let words = "nothing was sent: the plant does not answer".to_owned();
            DemoReport { words, ..of(DemoState::Failed, steps as usize) }
        };
        drop(told.send(report).await);
    }
}

/// Messages of attacks that were sent or heard so far.
fn messages(site: &Site) -> u64 {
    site.labels().attacks.iter().map(|label| label.packets).sum()
}

/// Between one attack and the next.
const BETWEEN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Needs;

    #[test]
    fn every_scenario_plays_live_and_both_ends_call_it_so() {
        let names: Vec<_> = SCENARIOS.iter().map(Scenario::name).collect();
        assert_eq!(names, fieldward_shared::wire::demo::SCENARIOS);
        for scenario in SCENARIOS {
            assert_eq!(
                scenario.attacks().count(),
                scenario.steps.len(),
                "{}: an attack is missing",
                scenario.name
            );
            assert!(scenario.steps.len() as u32 <= fieldward_shared::wire::demo::MOST_STEPS);
            assert!(
                scenario.attacks().all(|(attack, _)| attack.needs == Needs::Sockets),
                "{}",
                scenario.name
            );
        }
    }
}
