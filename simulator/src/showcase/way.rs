//! Which way packets take from plants to agents: captured on the loopback interface, or through a pipe where nobody
//! may capture.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use super::DEVICES;
use crate::config::Config;
use crate::live;
use crate::net::Service;
use crate::plant::PLANTS;

/// The way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Real sockets; agents capture on the loopback interface.
    Loopback,
    /// Each agent reads its plant's packets from a pipe; why.
    Pipe(&'static str),
}

impl Way {
    /// What is said of it.
    pub fn words(&self) -> String {
        match self {
            Self::Loopback => "agents capture real packets on the loopback interface".to_owned(),
            Self::Pipe(why) => format!("agents read packets from pipes, as {why}"),
        }
    }
}

/// The way for this machine, and the plants with their addresses.
pub fn choose(pipe: bool) -> (Way, Vec<Config>) {
    let plain: Vec<Config> = PLANTS.iter().map(|kind| Config::new(kind, DEVICES)).collect();
    let piped = |why| (Way::Pipe(why), plain.iter().map(in_private).collect());
    if pipe {
        return piped("was asked for");
    }
    if !may_capture() {
        return piped("this user may not capture (root may, and whoever has CAP_NET_RAW)");
    }
    if !live::has_broker() {
        return piped("mosquitto is missing, by which plants' sensors report");
    }
    let free = NETWORKS.into_iter().map(|first| on_loopback(&plain, first)).find(|configs| are_free(configs));
    match free {
        Some(configs) => (Way::Loopback, configs),
        None => piped("the plants' ports cannot be had on loopback addresses"),
    }
}

fn in_private(config: &Config) -> Config {
    Config { network: Some([10, config.kind.octet]), ..config.clone() }
}

fn on_loopback(configs: &[Config], first: u8) -> Vec<Config> {
    let placed = |(config, octet): (&Config, u8)| Config { network: Some([127, octet]), ..config.clone() };
    configs.iter().zip(first..).map(placed).collect()
}

/// Whether nobody serves where these plants' first devices would: another demonstration has those networks.
fn are_free(configs: &[Config]) -> bool {
    configs.iter().all(|config| {
        let plant = config.plant(config.network.unwrap_or_default());
        let ip = plant.devices.first().map_or(Ipv4Addr::LOCALHOST, |device| plant.hosts[device.host].ip);
        TcpListener::bind((ip, Service::Modbus.port())).is_ok()
    })
}

/// Whether a program that this one starts may capture.
fn may_capture() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    held.and_then(|held| u64::from_str_radix(held.trim(), 16).ok())
        .is_some_and(|held| held >> NET_RAW & 1 == 1)
}

/// The number of CAP_NET_RAW.
const NET_RAW: u32 = 13;
/// Second octets of the first plant that are tried; the others follow it.
const NETWORKS: [u8; 6] = [11, 41, 71, 101, 131, 161];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_a_pipe_gets_one_and_is_told_why() {
        let (way, configs) = choose(true);
        assert!(way.words().contains("pipes, as was asked for"));
        assert!(configs.iter().all(|config| config.network.is_some_and(|network| network[0] == 10)));
        assert_eq!(configs.len(), 3);
    }

    #[test]
    fn two_demonstrations_do_not_meet() {
        let plain: Vec<Config> = PLANTS.iter().map(|kind| Config::new(kind, DEVICES)).collect();
        let first = on_loopback(&plain, 201);
        let plant = first[1].plant([127, 202]);
        let ip = plant.hosts[plant.devices[0].host].ip;
        // Where low ports take privileges, nobody can show it.
        let Ok(taken) = TcpListener::bind((ip, Service::Modbus.port())) else { return };
        assert!(!are_free(&first));
        drop(taken);
        assert!(are_free(&first));
    }
}
