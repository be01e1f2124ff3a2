//! Plants that talk real protocols, and attacks that carry their label: live over sockets, or recorded
//! as a capture. One model of hosts, process, people and intruders stands behind both.

mod attack;
pub mod cli;
pub mod config;
mod day;
pub mod demo;
mod ledger;
mod life;
pub mod live;
mod net;
mod plant;
mod play;
pub mod record;
pub mod recording;
mod repair;
mod rng;
mod script;
pub mod showcase;
mod stage;
mod world;

pub use attack::campaign::CAMPAIGNS;
pub use attack::{ATTACKS, Attack, Needs};
pub use day::{EVENTS, Event};
pub use ledger::{Benign, Label, Labels};
pub use plant::{Kind, PLANTS};
pub use rng::Rng;
pub use stage::Intensity;
