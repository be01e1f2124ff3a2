//! ARP for IPv4 over Ethernet (RFC 826): who says that he has which address. It gives no frame for
//! flows, but it is how someone puts himself between two hosts.

use crate::flow::Addr;

/// One ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// It answers (2) and does not ask (1).
    pub is_reply: bool,
    /// The network card that the sender claims to have.
    pub mac: [u8; 6],
    /// The address that it claims.
    pub claimed: Addr,
    /// Whom it asks for, or tells.
    pub target: Addr,
}

/// What follows the EtherType.
pub(super) fn read(bytes: &[u8]) -> Option<Arp> {
    let &[0, 1, 8, 0, 6, 4, 0, op, m0, m1, m2, m3, m4, m5, s0, s1, s2, s3, _, _, _, _, _, _, t0, t1, t2, t3] =
        bytes.first_chunk::<28>()?
    else {
        return None;
    };
    Some(Arp {
        is_reply: op == 2,
        mac: [m0, m1, m2, m3, m4, m5],
        claimed: Addr::v4([s0, s1, s2, s3]),
        target: Addr::v4([t0, t1, t2, t3]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_read() {
        let mut bytes = vec![0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 9, 10, 0, 0, 1];
        bytes.extend_from_slice(&[2, 0, 0, 0, 0, 1, 10, 0, 0, 7, 0, 0]);
        let arp = read(&bytes).unwrap();
        assert_eq!((arp.is_reply, arp.mac[5]), (true, 9));
        assert_eq!((arp.claimed, arp.target), (Addr::v4([10, 0, 0, 1]), Addr::v4([10, 0, 0, 7])));
        assert_eq!(read(&bytes[..27]), None);
        bytes[2] = 9;
        assert_eq!(read(&bytes), None);
    }
}
