//! Who hides with whom. Each plant commits itself to a number before anybody shows his, and groups are drawn from all
//! of them, so that nobody chooses his neighbours: not the aggregator, and not who shows last.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};
use uuid::Uuid;

use super::keys::Bytes32;
use super::keystream::Keystream;

/// Fewer plants than this are one group: two would be too small to hide in.
pub const ONE_GROUP: usize = 24;

/// What a plant says before it shows what it throws.
pub fn commitment(agent: Uuid, nonce: &Bytes32) -> Bytes32 {
    digest(&[b"fieldward draw/commit", agent.as_bytes(), nonce])
}

/// What all have committed themselves to, by name: with this nobody can be put in or taken out afterwards.
pub fn cohort(commitments: &BTreeMap<Uuid, Bytes32>) -> Bytes32 {
    let parts = commitments.iter().flat_map(|(agent, said)| [&agent.as_bytes()[..], &said[..]]);
    digest(&[&b"fieldward draw/cohort"[..]].into_iter().chain(parts).collect::<Vec<_>>())
}

/// Groups of about `size`, drawn from what all have thrown: in the order of names, each once. The same for all.
pub fn draw(thrown: &[(Uuid, Bytes32)], size: usize) -> Vec<Vec<Uuid>> {
    let mut agents: Vec<Uuid> = thrown.iter().map(|(agent, _)| *agent).collect();
    let groups = if agents.len() < ONE_GROUP { 1 } else { (agents.len() / size.max(1)).max(1) };
    let parts: Vec<&[u8]> =
        thrown.iter().flat_map(|(agent, nonce)| [&agent.as_bytes()[..], &nonce[..]]).collect();
    let mut chance = Keystream::new(&digest(&[&[&b"fieldward draw"[..]], &parts[..]].concat()));
    // Fisher and Yates.
    for last in (1..agents.len()).rev() {
        let other = usize::try_from(chance.below(last as u128 + 1)).unwrap_or(0);
        agents.swap(last, other);
    }
    let (each, more) = (agents.len() / groups, agents.len() % groups);
    let mut rest = agents.as_slice();
    let group = |nth| {
        let (group, after) = rest.split_at(each + usize::from(nth < more));
        rest = after;
        let mut group = group.to_vec();
        group.sort_unstable();
        group
    };
    (0..groups).map(group).collect()
}

fn digest(parts: &[&[u8]]) -> Bytes32 {
    let mut hash = Context::new(&SHA256);
    parts.iter().for_each(|part| hash.update(part));
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn thrown(count: u128, salt: u8) -> Vec<(Uuid, Bytes32)> {
        (0..count).map(|nth| (Uuid::from_u128(nth), [nth as u8 ^ salt; 32])).collect()
    }

    #[test]
    fn everybody_sits_once_in_groups_of_the_size() {
        for count in [3, 8, 23, 24, 31, 32, 50, 127, 1000] {
            let groups = draw(&thrown(count, 1), 16);
            let all: BTreeSet<Uuid> = groups.iter().flatten().copied().collect();
            assert_eq!(
                (all.len() as u128, groups.iter().map(Vec::len).sum::<usize>() as u128),
                (count, count)
            );
            assert!(
                count < 24 && groups.len() == 1 || groups.iter().all(|group| (16..32).contains(&group.len()))
            );
        }
    }

    #[test]
    fn any_number_changes_the_draw_and_the_same_give_the_same() {
        let groups = draw(&thrown(64, 1), 16);
        assert_eq!(groups, draw(&thrown(64, 1), 16));
        let mut other = thrown(64, 1);
        other[40].1[31] ^= 1;
        assert_ne!(groups, draw(&other, 16));
        assert_ne!(commitment(Uuid::nil(), &[0; 32]), commitment(Uuid::from_u128(1), &[0; 32]));
    }
}
