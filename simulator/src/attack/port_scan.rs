//! Port scan: SYNs to one port of every address, or to many ports of one host, to learn who is there
//! and what he serves.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::{Attack, Needs, moved};
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "port-scan",
    about: "knocks at a port of every address, or at many ports of one host",
    technique: moved("T0846", "T0846.001"),
    acceptable: &["T0888", "T0840"],
    grade: "A",
    kind: "fast",
    proto: "tcp",
    variants: &["network", "ports", "known-host"],
    needs: Needs::Sockets,
    seconds: [1500, 130, 10],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let scanner = match stage.variant {
        "known-host" => stage.known(stage.rng.clone().pick(&[Role::Historian, Role::Engineering])),
        _ => stage.stranger(),
    };
    let probes: Vec<(Ipv4Addr, u16)> = if stage.is("ports") {
        let victim = stage.controller();
        let mut ports: Vec<u16> = COMMON.iter().copied().chain(1..MOST_PORTS).collect();
        ports.truncate(stage.by(120, 800, 1500));
        ports.into_iter().map(|port| (victim, port)).collect()
    } else {
        let port = stage.rng.pick(&[502, 502, 80]);
        let own = scanner.ip();
        let mut addresses = addresses(&stage);
        addresses.retain(|ip| *ip != own);
        // Slowly, a scanner samples: there is no time for all of them.
        addresses.truncate(stage.by(150, 1200, 2000));
        addresses.into_iter().map(|ip| (ip, port)).collect()
    };
    let pace = stage.by(1400.0, 120.0, 8.0) / probes.len().max(1) as f64;
    for (ip, port) in probes {
        // What answers nothing, and what refuses, is what a scan wants to know.
        scanner.knock(ip, port).await;
        stage.pause(pace).await;
    }
    Ok(())
}

/// All addresses of the networks in which the plant has hosts, in the order of chance: as scanners
/// do, so that neighbours are not asked one after the other.
fn addresses(stage: &Stage) -> Vec<Ipv4Addr> {
    let plant = stage.world.plant.borrow();
    let networks: BTreeSet<[u8; 3]> = plant
        .hosts
        .iter()
        .map(|host| {
            let [a, b, c, _] = host.ip.octets();
            [a, b, c]
        })
        .collect();
    let mut addresses: Vec<Ipv4Addr> = networks
        .into_iter()
        .flat_map(|[a, b, c]| (1..=254).map(move |d| Ipv4Addr::new(a, b, c, d)))
        .collect();
    let mut rng = stage.rng.clone();
    for place in (1..addresses.len()).rev() {
        addresses.swap(place, rng.below(place as u64 + 1) as usize);
    }
    addresses
}

/// Asked first.
const COMMON: &[u16] = &[
    502, 80, 443, 22, 23, 21, 102, 1883, 8883, 44_818, 2222, 4840, 20_000, 47_808, 8080, 8443, 161, 445,
    3389, 5900,
];
const MOST_PORTS: u16 = 1501;
