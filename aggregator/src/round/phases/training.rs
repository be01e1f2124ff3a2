//! Plants train; whoever is ready in time sits in a group. Groups stay for an epoch: it ends when somebody is ready
//! who has no seat, or a group would be too small.

use std::collections::{BTreeMap, BTreeSet};

use fieldward_shared::privacy::groups::{cohort, draw};
use fieldward_shared::privacy::keys::Bytes32;
use fieldward_shared::privacy::roster::FEWEST;
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{Message, RoundCohort, pack_pairs};
use uuid::Uuid;

use super::super::group::Group;
use super::super::value::{Round, Stage};

impl Round {
    /// One digest for all: what it is of is told when groups are drawn.
    pub(super) fn cohort(&self) -> Message {
        let all = self.committed();
        let plants = u32::try_from(all.len()).unwrap_or(u32::MAX);
        RoundCohort { about: self.about_of(Stage::Training), digest: cohort(&all).to_vec(), plants }.into()
    }

    /// What those who take part have committed themselves to.
    fn committed(&self) -> BTreeMap<Uuid, Bytes32> {
        let said = self.senders(Stage::Distributing).into_iter().filter_map(|agent| {
            match self.said.get(&(Stage::Distributing, agent)) {
                Some(Message::RoundAccept(accept)) => {
                    Some((agent, accept.commitment.as_slice().try_into().ok()?))
                }
                _ => None,
            }
        });
        said.collect()
    }

    /// What plants need to draw groups themselves: what was thrown, and what else was committed to.
    pub(super) fn draw_of(&self) -> [Vec<u8>; 2] {
        let (thrown, mut silent) = (self.thrown(), self.committed());
        silent.retain(|agent, _| thrown.binary_search_by_key(agent, |(other, _)| *other).is_err());
        [pack_pairs(thrown.iter().map(|(agent, nonce)| (agent, nonce))), pack_pairs(&silent)]
    }

    /// What everybody has thrown, in the order of names.
    pub fn thrown(&self) -> Vec<(Uuid, Bytes32)> {
        let thrown = self.senders(Stage::Training).into_iter().filter_map(|agent| {
            match self.said.get(&(Stage::Training, agent)) {
                Some(Message::RoundReady(ready)) => Some((agent, ready.nonce.as_slice().try_into().ok()?)),
                _ => None,
            }
        });
        thrown.collect()
    }

    /// Who is ready is known.
    pub(super) fn trained(&mut self, now: Timestamp) {
        self.leave_late();
        let ready: BTreeSet<Uuid> =
            self.senders(Stage::Training).into_iter().filter(|agent| self.is_in(*agent)).collect();
        let wanted = self.state.terms.quorum;
        if ready.len() < wanted {
            return self.fail(format!("{} plants have trained and {wanted} are wanted", ready.len()));
        }
        if !self.state.terms.masked {
            // Nobody hides: each stands for itself.
            let alone = |agent| Group { members: vec![agent], is_seen: true, ..Group::default() };
            self.state.groups = ready.into_iter().map(alone).collect();
            (self.state.epoch, self.state.attempt) = (self.state.round, 1);
            return self.enter(Stage::Keys, self.patience(), now);
        }
        let groups = self.seated_groups(&ready);
        self.state.is_new_epoch = groups.is_none();
        let groups = match groups {
            Some(groups) => groups,
            None => {
                // Never the same twice, whatever becomes of this round.
                self.state.epoch = self.state.round;
                draw(&self.thrown(), self.state.terms.group)
            }
        };
        let group = |members: Vec<Uuid>| Group {
            members: members.into_iter().filter(|agent| ready.contains(agent)).collect(),
            ..Group::default()
        };
        self.state.groups = groups.into_iter().map(group).collect();
        self.state.attempt = 1;
        self.enter(Stage::Keys, self.patience(), now);
    }

    /// The groups of the present epoch, as long as they serve.
    fn seated_groups(&mut self, ready: &BTreeSet<Uuid>) -> Option<Vec<Vec<Uuid>>> {
        let epoch = self.seated.iter().map(|(epoch, _)| *epoch).max()?;
        let groups: Vec<Vec<Uuid>> = self.seated.iter().map(|(_, group)| group.clone()).collect();
        let seated: BTreeSet<Uuid> = groups.iter().flatten().copied().collect();
        let left = |group: &Vec<Uuid>| group.iter().filter(|agent| ready.contains(agent)).count();
        let serve = ready.is_subset(&seated)
            && groups.iter().all(|group| left(group) >= FEWEST && 2 * left(group) >= group.len());
        serve.then(|| {
            self.state.epoch = epoch;
            groups
        })
    }

    fn is_in(&self, agent: Uuid) -> bool {
        self.state.members.get(&agent).is_some_and(|member| member.out.is_none())
    }
}
