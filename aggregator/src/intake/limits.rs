//! How often somebody may begin a handshake, from one address and in all. Decided before any cryptography.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How much is taken from those who are not known yet, and how much from those who are.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Handshakes of an address in ten seconds, by QUIC and by TCP each.
    pub per_address: u32,
    /// Handshakes of all addresses in a second, by QUIC and by TCP each.
    pub per_second: u32,
    /// Connections that have not shown who they are, by QUIC and by TCP each. One by QUIC takes 100 KiB.
    pub unauthenticated: usize,
    /// How long they may take for it.
    pub handshake: Duration,
    /// Simulators at once; none is let in where nobody wants demonstrations.
    pub simulators: usize,
    /// Sessions at once.
    pub sessions: usize,
    /// How long a session may last: then it begins anew, and its certificate is looked at anew.
    pub session_age: Duration,
    /// How long an agent may take to say hello, and to answer a question.
    pub answer: Duration,
    /// Between two looks at which certificates were revoked.
    pub sweep: Duration,
    /// Between two pings.
    pub ping: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_address: 10,
            per_second: 200,
            unauthenticated: 192,
            handshake: Duration::from_secs(5),
            simulators: 0,
            sessions: 4096,
            session_age: Duration::from_secs(12 * 3600),
            answer: Duration::from_secs(10),
            sweep: Duration::from_secs(1),
            ping: Duration::from_secs(10),
        }
    }
}

/// Counts handshakes.
#[derive(Debug)]
pub struct Rate {
    per_address: u32,
    per_second: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Since when addresses are counted.
    window: Instant,
    addresses: HashMap<IpAddr, u32>,
    /// Since when all are counted.
    second: Instant,
    all: u32,
}

impl Rate {
    /// As these limits say.
    pub fn new(limits: &Limits, now: Instant) -> Self {
        let state = State { window: now, addresses: HashMap::new(), second: now, all: 0 };
        Self { per_address: limits.per_address, per_second: limits.per_second, state: Mutex::new(state) }
    }

    /// Whether an address may begin another.
    pub fn admits(&self, address: IpAddr, now: Instant) -> bool {
        // Numbers: nothing is half done in them.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(state.second) >= Duration::from_secs(1) {
            (state.second, state.all) = (now, 0);
        }
        if now.duration_since(state.window) >= WINDOW {
            state.window = now;
            state.addresses.clear();
        }
        if state.all >= self.per_second {
            return false;
        }
        let address = prefix(address);
        if state.addresses.len() >= MOST_ADDRESSES && !state.addresses.contains_key(&address) {
            // Whoever has so many addresses is only bound by what all may do together.
            state.all += 1;
            return true;
        }
        let count = state.addresses.entry(address).or_default();
        if *count >= self.per_address {
            return false;
        }
        *count += 1;
        state.all += 1;
        true
    }
}

/// Who has an IPv6 address has 2^64 of them.
fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

const WINDOW: Duration = Duration::from_secs(10);
/// Addresses that are counted.
const MOST_ADDRESSES: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_and_all_together_are_bounded() {
        let start = Instant::now();
        let limits = Limits { per_address: 3, per_second: 5, ..Limits::default() };
        let rate = Rate::new(&limits, start);
        let [one, other] = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let admitted = |address, now| (0..9).filter(|_| rate.admits(address, now)).count();
        assert_eq!(admitted(one, start), 3);
        assert_eq!(admitted(other, start), 2);
        let later = start + Duration::from_secs(1);
        assert_eq!((admitted(one, later), admitted(other, later)), (0, 1));
        assert_eq!(admitted(one, start + WINDOW), 3);
    }

    #[test]
    fn a_network_of_addresses_is_one() {
        let rate = Rate::new(&Limits::default(), Instant::now());
        let admitted = (0_u16..50)
            .filter(|nth| rate.admits(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, *nth]), Instant::now()))
            .count();
        assert_eq!(admitted, 10);
    }
}
