//! The sums: keys, shares, masked updates, who is left, and the shares that open them. A group that loses too many
//! gives no sum; before anybody has masked, another attempt may be made with those who are left.

use fieldward_shared::privacy::attempt::Request;
use fieldward_shared::privacy::roster::{FEWEST, threshold};
use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::{
    Message, RoundBegin, RoundRoster, RoundShares, RoundShow, RoundSurvivors, RoundUnmask, pack,
};
use uuid::Uuid;

use super::super::group::Group;
use super::super::value::{Command, Round, Stage};

impl Round {
    /// What is said to a plant of a group.
    pub(super) fn aggregating(&self, agent: Uuid) -> Option<Message> {
        let (group, about) = (self.group_of(agent)?, self.about());
        Some(match self.state.stage {
            Stage::Keys => RoundBegin { about }.into(),
            Stage::Shares => {
                let keys = group.advertised.iter().filter_map(|agent| Some((*agent, self.keys_of(*agent)?)));
                let draw = if self.state.is_new_epoch { self.draw_of() } else { Default::default() };
                let keys: Vec<_> = keys.collect();
                RoundRoster::of(about, threshold(group.advertised.len()), &keys, draw).into()
            }
            Stage::Masks if group.is_seen => RoundShow { about }.into(),
            Stage::Masks => {
                let for_it = group.shared.iter().filter(|from| **from != agent).filter_map(|from| {
                    let Some(Message::RoundShares(shares)) = self.said.get(&(Stage::Shares, *from)) else {
                        return None;
                    };
                    let made = shares.made(*from)?.into_iter().find(|one| one.to == agent)?;
                    Some((*from, made.bytes))
                });
                RoundShares::of(about, for_it).into()
            }
            Stage::Signing => RoundSurvivors { about, live: pack(&group.live) }.into(),
            Stage::Opening => RoundUnmask::of(about, &self.request(group)).into(),
            _ => return None,
        })
    }

    /// What plants of a group are shown to have its sum opened.
    pub fn request(&self, group: &Group) -> Request {
        let dead = group.shared.iter().filter(|agent| !group.live.contains(agent)).copied().collect();
        let signatures =
            group.signed.iter().filter_map(|agent| match self.said.get(&(Stage::Signing, *agent)) {
                Some(Message::RoundSigned(signed)) => Some((*agent, signed.signature.clone())),
                _ => None,
            });
        Request { live: group.live.clone(), dead, signatures: signatures.collect() }
    }

    /// Who of a list has sent what this stage wants.
    fn sent_of(&self, agents: &[Uuid]) -> Vec<Uuid> {
        agents.iter().filter(|agent| self.has_sent(**agent)).copied().collect()
    }

    /// Puts down for each group who has sent; a group with too few gives no sum.
    fn put_down(
        &mut self,
        of: fn(&Group) -> &Vec<Uuid>,
        into: fn(&mut Group) -> &mut Vec<Uuid>,
        fewest: fn(&Group) -> usize,
    ) {
        self.leave_late();
        let what = self.state.stage.kind();
        let mut groups = std::mem::take(&mut self.state.groups);
        for group in groups.iter_mut().filter(|group| group.failed.is_none()) {
            let sent = self.sent_of(of(group));
            let (found, wanted) = (sent.len(), fewest(group));
            *into(group) = sent;
            if found < wanted {
                group.failed = Some(format!("{found} plants sent {what} and {wanted} are wanted"));
            }
        }
        self.state.groups = groups;
    }

    /// Whether a group is left; else the round is tried again, or fails.
    fn goes_on(&mut self, may_try_again: bool, now: Timestamp) -> bool {
        let left = self.state.groups.iter().filter(|group| group.failed.is_none()).count();
        let wanted = if self.state.terms.masked { 1 } else { self.state.terms.quorum };
        if left >= wanted {
            return true;
        }
        let why = self.state.groups.iter().find_map(|group| group.failed.clone()).unwrap_or_default();
        if !self.state.terms.masked {
            self.fail(format!("{left} plants are left and {wanted} are wanted: {why}"));
            return false;
        }
        let is_in = |agent: &Uuid| self.state.members.get(agent).is_some_and(|member| member.out.is_none());
        let left: Vec<Vec<Uuid>> = self
            .state
            .groups
            .iter()
            .map(|group| group.members.iter().filter(|agent| is_in(agent)).copied().collect())
            .collect();
        let enough = left.iter().any(|group: &Vec<Uuid>| group.len() >= FEWEST);
        if !may_try_again || !enough || self.state.attempt >= MOST_ATTEMPTS {
            self.fail(format!("no group gave a sum: {why}"));
            return false;
        }
        self.state.groups = left.into_iter().map(|members| Group { members, ..Group::default() }).collect();
        self.state.attempt += 1;
        self.said.retain(|(stage, _), _| *stage <= Stage::Training);
        self.enter(Stage::Keys, self.patience(), now);
        false
    }

    pub(super) fn keyed(&mut self, now: Timestamp) {
        self.put_down(|group| &group.members, |group| &mut group.advertised, Group::fewest_at_first);
        if !self.goes_on(true, now) {
            return;
        }
        if self.state.terms.masked {
            self.enter(Stage::Shares, self.patience(), now);
        } else {
            self.state.groups.iter_mut().for_each(|group| group.shared.clone_from(&group.advertised));
            self.commands.push(Command::Gather);
            self.enter(Stage::Masks, self.patience().saturating_mul(UPLOAD), now);
        }
    }

    pub(super) fn shared(&mut self, now: Timestamp) {
        self.put_down(|group| &group.advertised, |group| &mut group.shared, Group::fewest);
        if self.goes_on(true, now) {
            self.commands.push(Command::Gather);
            // Who has shared knows with whom it sits; others do not, and would begin another epoch.
            if self.state.is_new_epoch {
                self.commands.push(Command::Seat);
            }
            self.enter(Stage::Masks, self.patience().saturating_mul(UPLOAD), now);
        }
    }

    pub(super) fn masked(&mut self, now: Timestamp) {
        self.put_down(|group| &group.shared, |group| &mut group.live, Group::fewest);
        if !self.goes_on(false, now) {
            return;
        }
        if self.state.terms.masked {
            self.enter(Stage::Signing, self.patience(), now);
        } else {
            self.sum_up(now);
        }
    }

    pub(super) fn signed_off(&mut self, now: Timestamp) {
        self.put_down(|group| &group.live, |group| &mut group.signed, Group::fewest);
        if self.goes_on(false, now) {
            self.enter(Stage::Opening, self.patience(), now);
        }
    }

    pub(super) fn revealed(&mut self, now: Timestamp) {
        let mut groups = std::mem::take(&mut self.state.groups);
        for group in groups.iter_mut().filter(|group| group.failed.is_none()) {
            let (found, wanted) = (self.sent_of(&group.signed).len(), group.fewest());
            if found < wanted {
                group.failed = Some(format!("{found} plants gave their shares and {wanted} are wanted"));
            }
        }
        self.state.groups = groups;
        if self.goes_on(false, now) {
            self.sum_up(now);
        }
    }

    fn sum_up(&mut self, now: Timestamp) {
        self.enter(Stage::Summing, 0, now);
        self.commands.push(Command::Open);
    }
}

/// Attempts at a sum, before anybody has masked.
const MOST_ATTEMPTS: u32 = 3;
/// Masked updates are long: so many times the patience of other messages.
const UPLOAD: u64 = 10;
