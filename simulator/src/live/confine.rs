//! Where live traffic may go: loopback, or a network namespace that has no way out. Every bind and every
//! connection asks [`allowed`] first, so that no packet of an attack can reach a real device.

use std::fs;
use std::net::IpAddr;

/// Why an address is out of bounds, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0} is not a loopback address, and the simulator's traffic stays on this machine: nothing of it may \
     reach a real network\n  choose a network within 127.0.0.0/8, or give the plant a network of its own: \
     fieldward-sim plant --namespace …"
)]
pub struct Refused(pub IpAddr);

/// Whether a socket may be bound to `ip` or reach it.
pub fn allowed(ip: impl Into<IpAddr>) -> Result<(), Refused> {
    judge(ip.into(), confined)
}

/// Whether this process has a network from which nothing gets out.
pub fn confined() -> bool {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/net/{name}"));
    match (read("dev"), read("route")) {
        // Without IPv6 there is no list of its routes.
        (Ok(dev), Ok(route)) => closed(&dev, &route, &read("ipv6_route").unwrap_or_default()),
        _ => false,
    }
}

fn judge(ip: IpAddr, confined: impl FnOnce() -> bool) -> Result<(), Refused> {
    let inside = match ip.to_canonical() {
        IpAddr::V4(four) => four.is_loopback() || four.is_private() && confined(),
        IpAddr::V6(six) => six.is_loopback(),
    };
    if inside { Ok(()) } else { Err(Refused(ip)) }
}

/// No interface but loopback has carried anything or is on a route. (/sys shows the interfaces of the
/// namespace in which it was mounted; /proc those of the process.)
fn closed(dev: &str, route: &str, route6: &str) -> bool {
    // Two lines of headings; `name: received-bytes packets … sent-bytes packets …`.
    let silent = dev.lines().skip(2).filter_map(|line| line.split_once(':')).all(|(name, counts)| {
        let packets = counts.split_whitespace().enumerate().filter(|(column, _)| matches!(column, 1 | 9));
        name.trim() == "lo" || packets.into_iter().all(|(_, count)| count == "0")
    });
    let routed =
        route.lines().skip(1).all(|line| line.split_whitespace().next().is_none_or(|name| name == "lo"));
    let routed6 =
        route6.lines().all(|line| line.split_whitespace().next_back().is_none_or(|name| name == "lo"));
    silent && routed && routed6
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "Inter-|   Receive  |  Transmit\n face |bytes    packets errs |bytes    packets\n";
    const LO: &str = "    lo: 120 2 0 0 0 0 0 0 120 2 0 0 0 0 0 0\n";
    const ROUTES: &str = "Iface\tDestination\tGateway\tFlags\n";

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_loopback_is_allowed_in_a_network_with_a_way_out() {
        for inside in ["127.0.0.1", "127.11.0.5", "127.255.255.254", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(judge(ip(inside), || false), Ok(()), "{inside}");
        }
        let outside = [
            "8.8.8.8",
            "192.168.1.1",
            "10.0.0.1",
            "10.11.0.1",
            "172.16.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "126.255.255.255",
            "128.0.0.0",
            "169.254.1.1",
            "::",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
            "ff02::1",
        ];
        for outside in outside {
            assert_eq!(judge(ip(outside), || false), Err(Refused(ip(outside))), "{outside}");
        }
    }

    #[test]
    fn private_networks_are_allowed_where_nothing_gets_out() {
        for inside in ["127.0.0.1", "10.11.0.5", "192.168.1.1", "172.31.0.9"] {
            assert_eq!(judge(ip(inside), || true), Ok(()), "{inside}");
        }
        for outside in ["8.8.8.8", "0.0.0.0", "255.255.255.255", "224.0.0.1", "2001:db8::1"] {
            assert!(judge(ip(outside), || true).is_err(), "{outside}");
        }
    }

    #[test]
    fn a_network_is_closed_while_nothing_but_loopback_is_used() {
        let tunnel = " tunl0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        let six = "00000000000000000000000000000000 00 0 00 0 ffffffff 00000001 00000000 00200200       lo\n";
        assert!(closed(&format!("{HEAD}{LO}"), ROUTES, six));
        assert!(closed(&format!("{HEAD}{LO}{tunnel}"), ROUTES, ""));
        let card = "  eth0: 9000 80 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n";
        assert!(!closed(&format!("{HEAD}{LO}{card}"), ROUTES, six));
        let sends = "  eth0: 0 0 0 0 0 0 0 0 90 1 0 0 0 0 0 0\n";
        assert!(!closed(&format!("{HEAD}{LO}{sends}"), ROUTES, six));
        let way_out = format!("{ROUTES}eth0\t00000000\t0100A8C0\t0003\n");
        assert!(!closed(&format!("{HEAD}{LO}"), &way_out, six));
        let six_out = six.replace("       lo", "     eth0");
        assert!(!closed(&format!("{HEAD}{LO}"), ROUTES, &six_out));
    }

    #[test]
    fn the_refusal_says_why_and_what_to_do() {
        let words = Refused(ip("8.8.8.8")).to_string();
        for word in ["8.8.8.8", "real network", "127.0.0.0/8", "--namespace"] {
            assert!(words.contains(word), "{words}");
        }
    }
}
