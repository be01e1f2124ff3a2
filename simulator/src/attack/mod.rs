//! Attacks. Each is one file and its line in [`ATTACKS`]: what it is called, which technique of ATT&CK
//! for ICS it is, in which variants it comes, and how it goes.
//!
//! An attack knows what an intruder could have found out; what it reads, it reads from the network.

use std::pin::Pin;
use std::rc::Rc;

use campaign::Campaign;

use crate::stage::{Intensity, Outcome, Stage};
use crate::world::World;

/// Every attack.
pub const ATTACKS: &[&Attack] = &[
    &alarm_settings::ATTACK,
    &automated_collection::ATTACK,
    &block_commands::ATTACK,
    &block_reports::ATTACK,
    &brute_force_io::ATTACK,
    &client_takeover::ATTACK,
    &command_publish::ATTACK,
    &connect_storm::ATTACK,
    &connection_exhaustion::ATTACK,
    &default_credentials::ATTACK,
    &device_identification::ATTACK,
    &dns_tunnel::ATTACK,
    &firmware_transfer::ATTACK,
    &frozen_readings::ATTACK,
    &function_sweep::ATTACK,
    &http_collection::ATTACK,
    &http_injection::ATTACK,
    &http_traversal::ATTACK,
    &listen_only::ATTACK,
    &man_in_the_middle::ATTACK,
    &mode_change::ATTACK,
    &new_poller::ATTACK,
    &point_enumeration::ATTACK,
    &port_scan::ATTACK,
    &program_download::ATTACK,
    &program_upload::ATTACK,
    &request_flood::ATTACK,
    &retained_wipe::ATTACK,
    &rogue_master::ATTACK,
    &scada_write::ATTACK,
    &serial_block::ATTACK,
    &setpoint_drift::ATTACK,
    &setpoint_range::ATTACK,
    &slow_http::ATTACK,
    &spoofed_telemetry::ATTACK,
    &stop_controller::ATTACK,
    &syn_flood::ATTACK,
    &unit_sweep::ATTACK,
    &wildcard_subscription::ATTACK,
    &zero_fill::ATTACK,
];

mod alarm_settings;
mod automated_collection;
mod block_commands;
mod block_reports;
mod brute_force_io;
pub mod campaign;
mod client_takeover;
mod command_publish;
mod connect_storm;
mod connection_exhaustion;
mod default_credentials;
mod device_identification;
mod dns_tunnel;
mod firmware_transfer;
mod frozen_readings;
mod function_sweep;
mod http_collection;
mod http_injection;
mod http_traversal;
mod listen_only;
mod man_in_the_middle;
mod mode_change;
mod new_poller;
mod point_enumeration;
mod port_scan;
mod program_download;
mod program_upload;
mod request_flood;
mod retained_wipe;
mod rogue_master;
mod scada_write;
mod serial_block;
mod setpoint_drift;
mod setpoint_range;
mod slow_http;
mod spoofed_telemetry;
mod stop_controller;
mod syn_flood;
#[cfg(test)]
mod tests;
mod unit_sweep;
mod wildcard_subscription;
mod zero_fill;

/// An attack.
pub struct Attack {
    /// How commands and labels call it.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// What ATT&CK for ICS calls it.
    pub technique: Technique,
    /// Other techniques as which an analyst may rightly report it.
    pub acceptable: &'static [&'static str],
    /// How well the packets prove the technique: `A` they are it, `B` with context, `C` not at all.
    pub grade: &'static str,
    /// `fast`: single packets show it; `context`: only many of them together.
    pub kind: &'static str,
    /// The protocol in which it shows.
    pub proto: &'static str,
    /// Its variants, the usual one first.
    pub variants: &'static [&'static str],
    /// What it needs beyond sockets.
    pub needs: Needs,
    /// About how many seconds it takes, slow, medium and fast.
    pub seconds: [u32; 3],
    /// How it goes.
    pub run: fn(Stage) -> Play,
}

/// A scenario that goes on.
pub type Play = Pin<Box<dyn Future<Output = Outcome>>>;

/// A technique of ATT&CK for ICS, by its id in version 18 and since 19.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Technique {
    /// In version 18.1.
    pub id: &'static str,
    /// Since version 19.
    pub v19: &'static str,
}

/// A technique whose id stayed.
pub const fn technique(id: &'static str) -> Technique {
    Technique { id, v19: id }
}

/// A technique that moved.
pub const fn moved(id: &'static str, v19: &'static str) -> Technique {
    Technique { id, v19 }
}

/// What an attack needs of the place where it plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Sockets: it plays live and recorded.
    Sockets,
    /// To stand between two hosts or to send what no socket sends: recorded only.
    Wire,
}

/// What a plan can ask for.
#[derive(Clone, Copy)]
pub enum Scene {
    /// One attack.
    Attack {
        /// Which.
        attack: &'static Attack,
        /// In which variant.
        variant: &'static str,
        /// How hard.
        intensity: Intensity,
    },
    /// A chain of attacks.
    Campaign(&'static Campaign),
}

impl Scene {
    /// How commands call it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Attack { attack, .. } => attack.name,
            Self::Campaign(campaign) => campaign.name,
        }
    }

    /// What it needs beyond sockets.
    pub fn needs(&self) -> Needs {
        match self {
            Self::Attack { attack, .. } => attack.needs,
            Self::Campaign(campaign) => {
                let wire = |step: &campaign::Step| {
                    step.attack().is_some_and(|(attack, _)| attack.needs == Needs::Wire)
                };
                if campaign.steps.iter().any(wire) { Needs::Wire } else { Needs::Sockets }
            }
        }
    }

    /// Plays it from now on.
    pub async fn perform(self, world: Rc<World>) {
        match self {
            Self::Attack { attack, variant, intensity } => {
                perform(world, attack, variant, intensity, None).await;
            }
            Self::Campaign(campaign) => campaign.perform(world).await,
        }
    }
}

/// Looks an attack up.
pub fn find(name: &str) -> Option<&'static Attack> {
    ATTACKS.iter().copied().find(|attack| attack.name == name)
}

/// Plays an attack from now on, with a label of its own.
pub async fn perform(
    world: Rc<World>,
    attack: &'static Attack,
    variant: &'static str,
    intensity: Intensity,
    campaign: Option<&'static str>,
) {
    let slow = intensity == Intensity::Slow;
    let tag = world.ledger.borrow_mut().begins(attack, variant, intensity.name(), slow, campaign);
    let rng = world.rng(&format!("{} {variant} {tag}", attack.name));
    let stage = Stage { world: world.clone(), rng, variant, intensity, tag, campaign };
    tracing::info!(attack = attack.name, variant, intensity = intensity.name(), "attack begins");
    // An attack that the plant stops (a device restarts, the broker throws it out) has still happened.
    if let Err(fault) = (attack.run)(stage).await {
        tracing::info!(attack = attack.name, %fault, "attack was stopped");
    }
    tracing::info!(attack = attack.name, "attack is over");
}
