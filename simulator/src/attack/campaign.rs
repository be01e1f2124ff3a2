//! Campaigns: chains of attacks over minutes to hours, in the order that known campaigns took. A
//! campaign is only data; each of its steps is an attack with a label of its own.

use std::rc::Rc;

use super::{Attack, find, perform};
use crate::stage::Intensity;
use crate::world::World;

/// Every campaign.
pub const CAMPAIGNS: &[Campaign] = &[
    Campaign {
        name: "grid-outage",
        about: "as the attacks on the Ukrainian grid in 2016 and 2022 went: discovery, enumeration, \
                breaker commands, then denial and destruction",
        steps: &[
            step(0.0, "port-scan", "known-host", Intensity::Slow),
            step(300.0, "device-identification", "", Intensity::Medium),
            step(180.0, "point-enumeration", "", Intensity::Medium),
            step(600.0, "automated-collection", "", Intensity::Medium),
            step(900.0, "rogue-master", "coil", Intensity::Medium),
            step(20.0, "brute-force-io", "", Intensity::Medium),
            step(30.0, "serial-block", "", Intensity::Medium),
            step(30.0, "stop-controller", "restart", Intensity::Medium),
            step(60.0, "zero-fill", "", Intensity::Medium),
        ],
    },
    Campaign {
        name: "safety-override",
        about: "as the attack on a refinery's safety system in 2017 went: from the engineering workstation's \
                neighbourhood to the program of the safety controller",
        steps: &[
            step(0.0, "port-scan", "network", Intensity::Medium),
            step(240.0, "device-identification", "", Intensity::Slow),
            step(120.0, "function-sweep", "", Intensity::Medium),
            step(600.0, "program-upload", "", Intensity::Medium),
            step(1800.0, "mode-change", "", Intensity::Medium),
            step(20.0, "program-download", "", Intensity::Medium),
            step(300.0, "scada-write", "safety", Intensity::Medium),
            step(120.0, "stop-controller", "stop", Intensity::Medium),
        ],
    },
    Campaign {
        name: "quiet-damage",
        about: "as the worm of 2010 went: read the program, change it, show old values, and move the process \
                slowly out of its range",
        steps: &[
            step(0.0, "device-identification", "", Intensity::Slow),
            step(300.0, "program-upload", "", Intensity::Slow),
            step(1200.0, "new-poller", "", Intensity::Slow),
            step(600.0, "program-download", "", Intensity::Medium),
            step(300.0, "frozen-readings", "rootkit", Intensity::Slow),
            step(60.0, "setpoint-drift", "", Intensity::Slow),
        ],
    },
    Campaign {
        name: "open-door",
        about: "as attacks on water works of 2021 to 2023 went: default passwords on device pages, a look \
                around, dosing and alarms changed",
        steps: &[
            step(0.0, "port-scan", "ports", Intensity::Medium),
            step(60.0, "default-credentials", "", Intensity::Medium),
            step(120.0, "http-collection", "", Intensity::Medium),
            step(180.0, "point-enumeration", "", Intensity::Medium),
            step(300.0, "setpoint-range", "", Intensity::Medium),
            step(30.0, "alarm-settings", "", Intensity::Medium),
            step(60.0, "wildcard-subscription", "", Intensity::Medium),
            step(120.0, "command-publish", "", Intensity::Medium),
        ],
    },
];

/// A chain of attacks.
pub struct Campaign {
    /// How commands and labels call it.
    pub name: &'static str,
    /// After what it is made, in a sentence.
    pub about: &'static str,
    /// Its attacks, in order.
    pub steps: &'static [Step],
}

/// One attack of a campaign.
pub struct Step {
    /// Seconds since the end of the step before, half as many more or less.
    pub after: f64,
    /// Which attack.
    pub attack: &'static str,
    /// In which variant; the usual one if empty.
    pub variant: &'static str,
    /// How hard.
    pub intensity: Intensity,
}

const fn step(after: f64, attack: &'static str, variant: &'static str, intensity: Intensity) -> Step {
    Step { after, attack, variant, intensity }
}

impl Step {
    /// The attack and its variant, if they exist.
    pub fn attack(&self) -> Option<(&'static Attack, &'static str)> {
        let attack = find(self.attack)?;
        let variant = match self.variant {
            "" => attack.variants.first()?,
            named => attack.variants.iter().find(|known| **known == named)?,
        };
        Some((attack, variant))
    }
}

impl Campaign {
    /// Looks a campaign up.
    pub fn find(name: &str) -> Option<&'static Self> {
        CAMPAIGNS.iter().find(|campaign| campaign.name == name)
    }

    /// Plays it from now on.
    pub async fn perform(&'static self, world: Rc<World>) {
        let mut rng = world.rng(self.name);
        for step in self.steps {
            world.play.pause(step.after * rng.within(0.5, 1.5)).await;
            let Some((attack, variant)) = step.attack() else { continue };
            perform(world.clone(), attack, variant, step.intensity, Some(self.name)).await;
        }
    }
}
