//! What takes long: everybody comes back, a link was away, faults of all kinds for hours.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use fieldward_agent::uplink::Pace;
use fieldward_tests::faults::{Faults, Proxy};
use fieldward_tests::link::pki::Pki;
use fieldward_tests::link::{Agent, Aggregator, HERE, oracle, pace};

use super::{STUCK, calm, resident};

pub async fn storm(folder: &Path, agents: usize) -> Result<()> {
    let pki = Pki::new()?;
    let aggregator = Aggregator::start(folder, HERE, &pki, calm()).await?;
    let address = aggregator.intake.address();
    let start = |nth| Agent::start(folder, &format!("plant{nth}"), &pki, address, Pace::default());
    let mut all = (0..agents).map(start).collect::<Result<Vec<_>>>()?;
    let back = async |all: &[Agent], sessions: u64| {
        let begun = Instant::now();
        while !all.iter().all(|agent| agent.status().sessions >= sessions && agent.is_done()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            ensure!(begun.elapsed() < STUCK, "stuck: {:?}", all[0].status());
        }
        Ok(begun.elapsed().as_secs_f64())
    };
    back(&all, 1).await?;
    aggregator.stop().await;
    all.iter_mut().for_each(|agent| agent.issue(10));
    let aggregator = Aggregator::again(folder, address, &pki, calm()).await?;
    let again = back(&all, 2).await?;
    let cpu = || fieldward_tests::cpu::seconds_of(std::process::id());
    let (since, before) = (Instant::now(), cpu());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let share = (cpu() - before) / since.elapsed().as_secs_f64();
    println!(
        "{agents} agents were back and had delivered {again:.1} s after the aggregator started again; then all \
         together take {:.0} % of a core; {} sessions",
        share * 100.0,
        all.iter().map(|agent| agent.status().sessions).sum::<u64>()
    );
    drop(all.iter_mut().map(Agent::disconnect).collect::<Vec<_>>());
    aggregator.stop().await;
    oracle::judge(folder, &all.iter().collect::<Vec<_>>()).await?;
    Ok(())
}

pub async fn outage(folder: &Path, hours: u64) -> Result<()> {
    let pki = Pki::new()?;
    let aggregator = Aggregator::start(folder, HERE, &pki, calm()).await?;
    let mut agent = Agent::prepare(folder, "plant", &pki, Pace::default())?;
    agent.issue(1);
    agent.spool.sync();
    let before = resident();
    for _ in 0..hours * 60 {
        agent.issue(50);
        agent.spool.sync();
    }
    let (grown, counts) = (resident().saturating_sub(before), agent.spool.counts());
    ensure!(counts.unacknowledged == agent.issued, "{counts:?}");
    let begun = Instant::now();
    agent.connect(aggregator.intake.address())?;
    while !agent.is_done() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        ensure!(begun.elapsed() < STUCK, "stuck: {:?}", agent.status());
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{} alerts of {hours} h were kept in {} MiB of disk and {:.1} MiB of memory, {} were shed; sent and committed \
         in {seconds:.1} s: {:.0}/s",
        agent.issued,
        counts.bytes >> 20,
        grown as f64 / f64::from(1 << 20),
        counts.shed.iter().sum::<u64>(),
        agent.issued as f64 / seconds
    );
    agent.disconnect();
    aggregator.stop().await;
    oracle::judge(folder, &[&agent]).await?;
    Ok(())
}

pub async fn soak(folder: &Path, minutes: u64, agents: usize) -> Result<()> {
    let pki = Pki::new()?;
    let mut aggregator = Aggregator::start(folder, HERE, &pki, calm()).await?;
    let address = aggregator.intake.address();
    let network = Proxy::start(address, SEED).await?;
    let start = |nth| Agent::start(folder, &format!("plant{nth}"), &pki, network.address(), pace());
    let mut all = (0..agents).map(start).collect::<Result<Vec<_>>>()?;
    let (mut chance, begun) = (fastrand::Rng::with_seed(SEED), Instant::now());
    let (mut first, mut faults, mut restarts) = (None, 0_u64, 0_u64);
    while begun.elapsed() < Duration::from_secs(minutes * 60) {
        network.set(fault(&mut chance));
        faults += 1;
        match chance.u8(..8) {
            0 => network.rebind(),
            1 => network.cut(),
            2 => {
                aggregator.stop().await;
                aggregator = Aggregator::again(folder, address, &pki, calm()).await?;
                restarts += 1;
            }
            _ => {}
        }
        for _ in 0..chance.u64(5..25) {
            all.iter_mut().for_each(|agent| agent.issue(chance.u64(..4)));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // When caches are full.
        if first.is_none() && begun.elapsed() > Duration::from_secs(minutes * 20) {
            first = Some((resident(), files(), begun.elapsed()));
        }
    }
    network.set(Faults::default());
    let since = Instant::now();
    while !all.iter().all(Agent::is_done) {
        tokio::time::sleep(Duration::from_millis(10)).await;
        ensure!(since.elapsed() < STUCK, "stuck: {:?}", all[0].status());
    }
    let (memory, handles, then) = first.unwrap_or((resident(), files(), Duration::ZERO));
    let issued: u64 = all.iter().map(|agent| agent.issued).sum();
    println!(
        "{minutes} minutes, {faults} times another network, {restarts} starts of the aggregator: {issued} alerts of \
         {agents} agents, none lost, none twice; in the last {:.0} s memory of all together went from {} to {} MiB, \
         open files from {handles} to {}",
        (begun.elapsed().saturating_sub(then)).as_secs_f64(),
        memory >> 20,
        resident() >> 20,
        files()
    );
    drop(all.iter_mut().map(Agent::disconnect).collect::<Vec<_>>());
    aggregator.stop().await;
    oracle::judge(folder, &all.iter().collect::<Vec<_>>()).await?;
    Ok(())
}

/// A network as chance will have it; every fourth time nothing is wrong with it.
fn fault(chance: &mut fastrand::Rng) -> Faults {
    let slow = Duration::from_millis(chance.u64(..80));
    match chance.u8(..8) {
        0 | 1 => Faults::default(),
        2 => Faults::losing(chance.u32(1..20)),
        3 => Faults { delay: slow, jitter: slow, reorder: 0.1, duplicates: 0.1, ..Faults::losing(1) },
        4 => Faults { udp_blocked: true, ..Faults::default() },
        5 => Faults { udp_blocked: true, tcp_blocked: true, ..Faults::default() },
        6 => Faults { answers_lost: true, ..Faults::default() },
        _ => Faults { mtu: Some(1252), tcp_blocked: chance.bool(), ..Faults::default() },
    }
}

fn files() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

const SEED: u64 = 20_261_122;
