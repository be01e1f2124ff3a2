//! The Internet checksum (RFC 1071): ones' complement sums of IP, TCP and UDP.
//!
//! Sums are taken over 32-bit words in the byte order of this machine, which RFC 1071 §2 allows as
//! long as it is only asked whether the result is all ones. They are returned before folding: the
//! 64 bits say more about the content than the 16 in the packet.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::unwrap_used))]
#![cfg_attr(not(test), deny(clippy::expect_used, clippy::panic))]

use crate::flow::Addr;

/// The sum over bytes, not folded. Cannot overflow below 16 GiB.
#[inline]
pub(super) fn sum(bytes: &[u8]) -> u64 {
    let (blocks, tail) = bytes.as_chunks::<32>();
    let mut lanes = [0_u64; 8];
    for block in blocks {
        let (words, _) = block.as_chunks::<4>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = lane.wrapping_add(u64::from(u32::from_ne_bytes(*word)));
        }
    }
    let (words, last) = tail.as_chunks::<4>();
    let mut total = lanes.iter().fold(0_u64, |total, lane| total.wrapping_add(*lane));
    for word in words {
        total = total.wrapping_add(u64::from(u32::from_ne_bytes(*word)));
    }
    // An odd tail counts as if zeros followed.
    let last = match *last {
        [a] => [a, 0, 0, 0],
        [a, b] => [a, b, 0, 0],
        [a, b, c] => [a, b, c, 0],
        _ => [0; 4],
    };
    total.wrapping_add(u64::from(u32::from_ne_bytes(last)))
}

/// The sum over the pseudo-header of TCP and UDP (RFC 9293 §3.1, RFC 8200 §8.1) without its length.
/// An IPv4 address mapped into IPv6 adds 0xffff, which is nothing in ones' complement.
#[inline]
pub(super) fn pseudo_header(src: &Addr, dst: &Addr, protocol: u8) -> u64 {
    let addresses = half_words(src).wrapping_add(half_words(dst));
    addresses.wrapping_add(u64::from(u16::from_ne_bytes([0, protocol])))
}

/// What a 32-bit length adds to a sum.
#[inline]
pub(super) fn length(length: u32) -> u64 {
    u64::from(length.to_be())
}

/// Folded to 16 bits. All ones when the checksum was among the summed bytes and is right.
#[inline]
pub(super) fn fold(sum: u64) -> u16 {
    let sum = (sum >> 32).wrapping_add(sum & 0xffff_ffff);
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    u16::try_from(sum & 0xffff).unwrap_or_default()
}

fn half_words(addr: &Addr) -> u64 {
    let (words, _) = addr.bytes().as_chunks::<4>();
    words.iter().fold(0, |total, word| total.wrapping_add(u64::from(u32::from_ne_bytes(*word))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Word by word, as RFC 1071 §4.1 has it.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0_u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_ne_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
        }
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        sum as u16
    }

    #[test]
    fn the_example_of_the_standard_comes_out() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(fold(sum(&bytes)).to_be(), 0xddf2);
    }

    #[test]
    fn a_mapped_address_adds_what_its_four_bytes_add() {
        let (src, dst) = ([10, 1, 2, 3], [192, 168, 0, 77]);
        let short = plain(&[10, 1, 2, 3, 192, 168, 0, 77, 0, 6, 0, 40]);
        let long = pseudo_header(&Addr::v4(src), &Addr::v4(dst), 6).wrapping_add(length(40));
        assert_eq!(fold(long), short);
    }

    proptest! {
        #[test]
        fn wide_sums_fold_to_the_narrow_one(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(fold(sum(&bytes)), plain(&bytes));
        }
    }
}
