//! Datagrams: each agent has a socket of its own towards the aggregator, as behind a translator of addresses.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Shared;

/// Datagrams under way at once; more are lost, as in a queue that is full.
const MOST_UNDER_WAY: usize = 20_000;
const LONGEST: usize = 2048;

pub(super) async fn run(shared: Arc<Shared>, front: Arc<UdpSocket>) {
    let mut bindings = shared.bindings.subscribe();
    let under_way = Arc::new(AtomicUsize::new(0));
    let mut agents: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut replies = JoinSet::new();
    let mut buffer = [0; LONGEST];
    loop {
        let received = tokio::select! {
            received = front.recv_from(&mut buffer) => received,
            _ = bindings.changed() => {
                // What is on its way to the old addresses does not arrive.
                agents.clear();
                replies.shutdown().await;
                continue;
            }
        };
        let Ok((length, agent)) = received else { continue };
        let back = match agents.get(&agent) {
            Some(back) => back.clone(),
            None => {
                let number = *bindings.borrow();
                let Ok(back) = bind(number).await else { continue };
                let back = Arc::new(back);
                agents.insert(agent, back.clone());
                let reply = reply(shared.clone(), back.clone(), front.clone(), agent, under_way.clone());
                replies.spawn(reply);
                back
            }
        };
        pass(&shared, &back, shared.target, &buffer[..length], &under_way).await;
    }
}

/// After each change another address of the loopback network.
async fn bind(number: u64) -> std::io::Result<UdpSocket> {
    let last = u8::try_from(number % 200).unwrap_or_default() + 1;
    UdpSocket::bind((Ipv4Addr::new(127, 0, 0, last), 0)).await
}

async fn reply(
    shared: Arc<Shared>,
    back: Arc<UdpSocket>,
    front: Arc<UdpSocket>,
    agent: SocketAddr,
    under_way: Arc<AtomicUsize>,
) {
    let mut buffer = [0; LONGEST];
    loop {
        // A target that is not there is refused: it may come back.
        if let Ok((length, _)) = back.recv_from(&mut buffer).await
            && !shared.faults().answers_lost
        {
            pass(&shared, &front, agent, &buffer[..length], &under_way).await;
        }
    }
}

async fn pass(
    shared: &Shared,
    by: &Arc<UdpSocket>,
    to: SocketAddr,
    bytes: &[u8],
    under_way: &Arc<AtomicUsize>,
) {
    for after in shared.fate(bytes.len()) {
        if after == Duration::ZERO {
            drop(by.send_to(bytes, to).await);
            continue;
        }
        if under_way.load(Ordering::Relaxed) >= MOST_UNDER_WAY {
            continue;
        }
        under_way.fetch_add(1, Ordering::Relaxed);
        let (by, bytes, under_way) = (by.clone(), bytes.to_vec(), under_way.clone());
        tokio::spawn(async move {
            sleep(after).await;
            drop(by.send_to(&bytes, to).await);
            under_way.fetch_sub(1, Ordering::Relaxed);
        });
    }
}
