//! HTTP collection: reports, values and projects in bulk, by someone who never asked for them.

use super::{Attack, Needs, technique};
use crate::net::web::{Get, LOGIN};
use crate::plant::Role;
use crate::stage::{Outcome, Stage};

pub static ATTACK: Attack = Attack {
    name: "http-collection",
    about: "fetches reports, values and projects in bulk",
    technique: technique("T0811"),
    acceptable: &["T0882", "T0845", "T0802"],
    grade: "B",
    kind: "context",
    proto: "http",
    variants: &["stranger", "workstation"],
    needs: Needs::Sockets,
    seconds: [1500, 180, 30],
    run: |stage| Box::pin(run(stage)),
};

async fn run(mut stage: Stage) -> Outcome {
    let (thief, agent) = if stage.is("workstation") {
        (stage.known(Role::Engineering), Role::Engineering.agent())
    } else {
        (stage.stranger(), "Wget/1.21.4")
    };
    let own = thief.ip();
    let mut stores = vec![stage.known(Role::Historian).ip(), stage.known(Role::Scada).ip()];
    stores.retain(|ip| *ip != own);
    let servers = stage.servers();
    for nth in 0..stage.by(40_u32, 120, 200) {
        let device = stage.rng.pick(&servers);
        let (to, get) = match nth % 4 {
            // What workstations may read, a stolen password opens.
            3 => (device, Get::path("/project").with("Authorization", LOGIN)),
            2 if !stores.is_empty() => (stage.rng.pick(&stores), Get::path("/api/values")),
            _ if !stores.is_empty() => {
                let day = 1 + nth % 28;
                (stage.rng.pick(&stores), Get::path(format!("/report/2025-02-{day:02}.csv")))
            }
            _ => (device, Get::path("/status")),
        };
        drop(thief.get(to, get.with("User-Agent", agent)).await);
        stage.pause(stage.by(36.0, 1.45, 0.13)).await;
    }
    Ok(())
}
