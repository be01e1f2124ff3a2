//! Rotation of the root, in the order of SPIRE: prepare, activate, taint, revoke. Agents learn of a root
//! before anything is issued under it, and forget one only after nothing is.
//!
//! An agent that was away for all of it knows the old root alone. The server's chain therefore carries the
//! new root vouched for by the old one, the old certificate still renews, and the answer holds every signed
//! list since, so that the agent can follow.

use std::path::Path;

use fieldward_shared::identity::{Leaf, Pin};
use fieldward_shared::roots::{MOST_ROOTS, Roots};
use rcgen::{Issuer, KeyPair, SigningKey as _};

use super::CaError;
use super::authority::{self, Authority};
use super::state::{self, Root, Standing, State};

/// How long agents that were away may renew after their root was revoked.
pub const GRACE: u64 = 90 * authority::DAY;

/// Standings in which a root is on the agents' list.
pub const LISTED: [Standing; 4] = [Standing::Prepared, Standing::Active, Standing::Former, Standing::Tainted];

impl Authority {
    /// A new root: announced to agents, vouched for by the active one, whose key is needed.
    pub fn prepare(folder: &Path, root_key: &Path, now: u64) -> Result<Pin, CaError> {
        let mut state = State::load(folder)?;
        let order = |why| CaError::Order { step: "prepare", why };
        if state.root(Standing::Prepared).is_some() {
            return Err(order("a root is prepared already; `ca rotate activate` comes next"));
        }
        if state.roots.iter().filter(|root| LISTED.contains(&root.standing)).count() >= MOST_ROOTS {
            return Err(order("there are eight roots; taint and revoke the old ones first"));
        }
        let old = state.root(Standing::Active).ok_or(order("no root is active"))?.clone();
        let old_pin = old.pin()?;
        let old_key = state::key(root_key, old_pin)?;
        let (new, new_key) = authority::new_root(folder, now)?;
        let pin = new.pin()?;
        state.cross.insert(0, vouch(&old, &old_key, &new_key, now)?);
        // An older root reaches the newest through those between; what has ended helps nobody.
        state.cross.retain(|pem| {
            state::der(pem).and_then(|der| Ok(Leaf::read(&der)?)).is_ok_and(|leaf| leaf.not_after > now)
        });
        state.cross.truncate(MOST_CROSS);
        state.roots.push(new);
        state.generation = state.generation.saturating_add(1);
        announce(&mut state, old_pin, &old_key)?;
        state.save(folder)?;
        Ok(pin)
    }

    /// From now on certificates are issued under the prepared root, whose key is needed.
    pub fn activate(folder: &Path, root_key: &Path, now: u64) -> Result<Pin, CaError> {
        let mut state = State::load(folder)?;
        let why = "no root is prepared; `ca rotate prepare` comes first";
        let root = state.root(Standing::Prepared).ok_or(CaError::Order { step: "activate", why })?.clone();
        let pin = root.pin()?;
        let key = state::key(root_key, pin)?;
        state.intermediate = authority::new_intermediate(folder, &root, &key, now)?;
        state.vouched_by = pin.to_string();
        for root in &mut state.roots {
            match root.standing {
                Standing::Active => root.standing = Standing::Former,
                Standing::Prepared => root.standing = Standing::Active,
                _ => {}
            }
        }
        state.save(folder)?;
        Ok(pin)
    }

    /// What was issued under former roots opens no session any more; it only renews.
    pub fn taint(folder: &Path) -> Result<usize, CaError> {
        let why = "no root is former; `ca rotate activate` comes first";
        change(folder, "taint", why, Standing::Former, Standing::Tainted, None)
            .and_then(|(state, count)| state.save(folder).map(|()| count))
    }

    /// Takes tainted roots off the agents' list. Signed by the active root, whose key is needed.
    pub fn revoke_roots(folder: &Path, root_key: &Path, now: u64) -> Result<usize, CaError> {
        let why = "no root is tainted; `ca rotate taint` comes first";
        let (mut state, count) =
            change(folder, "revoke", why, Standing::Tainted, Standing::Revoked, Some(now))?;
        let active = state.root(Standing::Active).ok_or(CaError::Missing(folder.to_owned()))?.pin()?;
        let key = state::key(root_key, active)?;
        state.generation = state.generation.saturating_add(1);
        announce(&mut state, active, &key)?;
        state.save(folder)?;
        Ok(count)
    }

    /// A new intermediate under the active root, whose key is needed: once a year.
    pub fn renew_intermediate(folder: &Path, root_key: &Path, now: u64) -> Result<(), CaError> {
        let mut state = State::load(folder)?;
        let root = state.root(Standing::Active).ok_or(CaError::Missing(folder.to_owned()))?.clone();
        let key = state::key(root_key, root.pin()?)?;
        state.intermediate = authority::new_intermediate(folder, &root, &key, now)?;
        state.save(folder)
    }
}

/// Roots that newer ones are vouched for by; each costs some 500 bytes in a handshake.
const MOST_CROSS: usize = 3;

/// The list that agents are to have.
pub(super) fn listed(state: &State) -> Result<Roots, CaError> {
    Ok(Roots { generation: state.generation, roots: state.certificates(&LISTED)? })
}

/// Signs the list as it now stands.
pub(super) fn announce(state: &mut State, signer: Pin, key: &KeyPair) -> Result<(), CaError> {
    let list = listed(state)?;
    let signature = key.sign(&list.body())?;
    state.announce(&list.announcement(signer, &signature));
    Ok(())
}

/// The new root's name and key, vouched for by the old root.
fn vouch(old: &Root, old_key: &KeyPair, new_key: &KeyPair, now: u64) -> Result<String, CaError> {
    let vouching = state::der(&old.certificate)?;
    let mut params = authority::root_params(new_key, now)?;
    let ends = Leaf::read(&vouching)?.not_after;
    let until = i64::try_from(ends).unwrap_or(i64::MAX);
    params.not_after = time::OffsetDateTime::from_unix_timestamp(until).unwrap_or(params.not_after);
    Ok(params.signed_by(new_key, &Issuer::from_ca_cert_der(&vouching, old_key)?)?.pem())
}

fn change(
    folder: &Path,
    step: &'static str,
    why: &'static str,
    from: Standing,
    to: Standing,
    at: Option<u64>,
) -> Result<(State, usize), CaError> {
    let mut state = State::load(folder)?;
    let mut count = 0_usize;
    for root in state.roots.iter_mut().filter(|root| root.standing == from) {
        root.standing = to;
        root.revoked = at;
        count = count.saturating_add(1);
    }
    if count == 0 { Err(CaError::Order { step, why }) } else { Ok((state, count)) }
}
