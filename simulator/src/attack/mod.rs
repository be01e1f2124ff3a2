//! Attacks. Each is one file and its line in [`ATTACKS`]: what it is called, which technique of ATT&CK
//! for ICS it is, in which variants it comes, and how it goes.
//!
//! An attack knows what an intruder could have found out; what it reads, it reads from the network.

use std::pin::Pin;
use std::rc::Rc;

use crate::stage::{Intensity, Outcome, Stage};
use crate::world::World;

/// Every attack.
pub const ATTACKS: &[&Attack] = &[
    &alarm_settings::ATTACK,
    &automated_collection::ATTACK,
    &brute_force_io::ATTACK,
    &device_identification::ATTACK,
    &firmware_transfer::ATTACK,
    &function_sweep::ATTACK,
    &listen_only::ATTACK,
    &man_in_the_middle::ATTACK,
    &mode_change::ATTACK,
    &new_poller::ATTACK,
    &point_enumeration::ATTACK,
    &program_download::ATTACK,
    &program_upload::ATTACK,
    &request_flood::ATTACK,
    &rogue_master::ATTACK,
    &scada_write::ATTACK,
    &serial_block::ATTACK,
    &setpoint_drift::ATTACK,
    &setpoint_range::ATTACK,
    &stop_controller::ATTACK,
    &unit_sweep::ATTACK,
    &zero_fill::ATTACK,
];

mod alarm_settings;
mod automated_collection;
mod brute_force_io;
mod device_identification;
mod firmware_transfer;
mod function_sweep;
mod listen_only;
mod man_in_the_middle;
mod mode_change;
mod new_poller;
mod point_enumeration;
mod program_download;
mod program_upload;
mod request_flood;
mod rogue_master;
mod scada_write;
mod serial_block;
mod setpoint_drift;
mod setpoint_range;
mod stop_controller;
#[cfg(test)]
mod tests;
mod unit_sweep;
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
