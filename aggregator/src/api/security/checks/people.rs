//! Checks of people and of keys for programs. Names stand in the lists of users and keys, which are for
//! administrators; here are numbers.

use fieldward_shared::time::Timestamp;

use super::super::scene::{DAY, Scene};
use super::{Found, count, worst};
use crate::api::principal::{ALL, Role};
use crate::store::keys::Key;

pub fn setup(scene: &Scene<'_>) -> Found {
    let is_open = scene.is_setup_open;
    let summary = if is_open {
        "nobody can sign in yet: whoever has the link may become the administrator"
    } else {
        "the link serves no more"
    };
    let remedy = "make the first user with the link that was printed at the start";
    Found::new(worst(is_open, false), summary, remedy).with("open", is_open)
}

pub fn administrators(scene: &Scene<'_>) -> Found {
    let admins = scene
        .people
        .iter()
        .filter(|(user, _)| user.role == Role::Admin.name() && user.disabled.is_none())
        .count();
    let summary = count(admins, "administrator", "administrators");
    let remedy = "have two to five administrators: one alone is missed when he is away, many are too many";
    Found::new(worst(admins == 0, !(2..=5).contains(&admins)), summary, remedy).with("administrators", admins)
}

pub fn idle(scene: &Scene<'_>) -> Found {
    let mut away = 0;
    for (user, signed_in) in scene.people.iter().filter(|(user, _)| user.disabled.is_none()) {
        away += usize::from(days(scene.now, signed_in.unwrap_or(user.created)) >= 90);
    }
    let summary = format!("{} not signed in for 90 days", count(away, "person has", "people have"));
    let remedy = "disable those who need not come in any more (/api/users)";
    Found::new(worst(false, away > 0), summary, remedy)
        .with("people", scene.people.len())
        .with("not_signed_in_for_90_days", away)
}

pub fn keys(scene: &Scene<'_>) -> Found {
    let live: Vec<&Key> = live(scene).collect();
    let number = |is: &dyn Fn(&Key) -> bool| live.iter().filter(|key| is(key)).count();
    let lasting = number(&|key| key.expires.since(scene.now) > 180 * DAY);
    let unused = number(&|key| days(scene.now, key.last_used.unwrap_or(key.created)) >= 90);
    let ending = number(&|key| key.expires.since(scene.now) < 7 * DAY);
    let summary = format!(
        "of {}, {lasting} for more than half a year, {unused} unused for 90 days, {ending} ending within a week",
        count(live.len(), "key", "keys")
    );
    let remedy = "revoke what nobody uses and draw new keys that last 90 days (/api/keys)";
    Found::new(worst(unused > 0, lasting + ending > 0), summary, remedy)
        .with("keys", live.len())
        .with("lasting_over_180_days", lasting)
        .with("unused_for_90_days", unused)
        .with("ending_within_7_days", ending)
}

pub fn strong_keys(scene: &Scene<'_>) -> Found {
    let strong = live(scene)
        .filter(|key| key.role == Role::Admin.name() && key.facilities.iter().any(|one| one == ALL))
        .count();
    let summary = format!("{} over users and all plants", count(strong, "key decides", "keys decide"));
    let remedy = "give programs the role they need: viewer reads, analyst closes alerts";
    Found::new(worst(false, strong > 0), summary, remedy).with("admin_keys", strong)
}

fn live<'a>(scene: &'a Scene<'_>) -> impl Iterator<Item = &'a Key> {
    scene.keys.iter().filter(|key| key.revoked.is_none() && key.expires > scene.now)
}

fn days(now: Timestamp, then: Timestamp) -> u64 {
    now.since(then) / DAY
}
