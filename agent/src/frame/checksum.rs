//! The Internet checksum (RFC 1071): ones' complement sums of IP, TCP and UDP.
//!
//! Sums are taken over 32-bit words in the byte order of this machine, which RFC 1071 §2 allows as
//! long as it is only asked whether the result is all ones. They are returned before folding: the
//! 64 bits say more about the content than the 16 in the packet.

use crate::flow::Addr;

/// The sum over bytes, not folded.
#[inline]
pub(super) fn sum(bytes: &[u8]) -> u64 {
    let (blocks, tail) = bytes.as_chunks::<32>();
    // Short packets are summed before the lanes would be set up.
    let (start, (words, tail)) = if blocks.len() < 4 {
        (0, bytes.as_chunks::<8>())
    } else {
        (sum_blocks(blocks), tail.as_chunks::<8>())
    };
    let mut total = u128::from(start);
    for word in words {
        total = total.wrapping_add(u128::from(u64::from_ne_bytes(*word)));
    }
    halves(total as u64).wrapping_add((total >> 64) as u64).wrapping_add(sum_tail(tail))
}

/// Up to seven bytes; an odd one counts as if a zero followed.
#[inline]
fn sum_tail(bytes: &[u8]) -> u64 {
    let (four, bytes) = bytes.as_chunks::<4>();
    let (two, one) = bytes.as_chunks::<2>();
    let four = four.first().map_or(0, |word| u64::from(u32::from_ne_bytes(*word)));
    let two = two.first().map_or(0, |word| u64::from(u16::from_ne_bytes(*word)));
    let one = one.first().map_or(0, |byte| u64::from(u16::from_ne_bytes([*byte, 0])));
    four.wrapping_add(two).wrapping_add(one)
}

/// Eight sums side by side, as the vector units of any processor have it.
fn sum_blocks(blocks: &[[u8; 32]]) -> u64 {
    let mut lanes = [0_u64; 8];
    for block in blocks {
        let (words, _) = block.as_chunks::<4>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = lane.wrapping_add(u64::from(u32::from_ne_bytes(*word)));
        }
    }
    lanes.iter().fold(0_u64, |total, lane| total.wrapping_add(*lane))
}

#[inline]
fn halves(word: u64) -> u64 {
    (word >> 32).wrapping_add(word & 0xffff_ffff)
}

/// The sum over the pseudo-header of TCP and UDP (RFC 9293 §3.1, RFC 8200 §8.1) without its length.
/// An IPv4 address mapped into IPv6 adds 0xffff, which is nothing in ones' complement.
#[inline]
pub(super) fn pseudo_header(src: &Addr, dst: &Addr, protocol: u8) -> u64 {
    let addresses = words_of(src).wrapping_add(words_of(dst));
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
    let sum = halves(sum);
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    let sum = (sum >> 16).wrapping_add(sum & 0xffff);
    u16::try_from(sum & 0xffff).unwrap_or_default()
}

fn words_of(addr: &Addr) -> u64 {
    let bits = u128::from_ne_bytes(*addr.bytes());
    halves((bits >> 64) as u64).wrapping_add(halves(bits as u64))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
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
