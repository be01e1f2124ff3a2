//! What ends soon: alarms 30, 14, 7 and 1 day before the end of everything that vouches for others, and of
//! agents that should have renewed and have not.

use fieldward_shared::identity::Leaf;
use serde::Serialize;

use super::CaError;
use super::authority::{Authority, DAY};
use super::rotation::LISTED;
use super::state;

/// Days before the end at which it is said again.
pub const STEPS: [u64; 4] = [30, 14, 7, 1];

/// Something that ends soon or has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alarm {
    /// What: root, intermediate, server, agent with its name.
    pub what: String,
    /// When it ends, seconds since the epoch.
    pub not_after: u64,
    /// Whole days until then; 0 on the last day and afterwards.
    pub days: u64,
    /// The step that was passed last: 30, 14, 7, 1, or 0 when it has ended.
    pub step: u64,
}

/// The alarm of what ends then, when one is due. Agents renew at half of seven days, so for them only what
/// is below a third of their lifetime is news.
pub fn alarm(what: &str, not_before: u64, not_after: u64, now: u64) -> Option<Alarm> {
    let left = not_after.saturating_sub(now);
    let lifetime = not_after.saturating_sub(not_before);
    let is_late = left.saturating_mul(3) <= lifetime;
    let step = if now > not_after {
        0
    } else {
        *STEPS.iter().rev().find(|days| left <= days.saturating_mul(DAY)).filter(|_| is_late)?
    };
    Some(Alarm { what: what.to_owned(), not_after, days: left / DAY, step })
}

/// The alarms of what vouches for others.
pub fn authority(authority: &Authority, now: u64) -> Result<Vec<Alarm>, CaError> {
    let state = authority.state();
    let mut alarms = Vec::new();
    for root in state.roots.iter().filter(|root| LISTED.contains(&root.standing)) {
        let leaf = Leaf::read(&state::der(&root.certificate)?)?;
        alarms.extend(alarm(&format!("root {}", leaf.key), leaf.not_before, leaf.not_after, now));
    }
    let leaf = Leaf::read(&state::der(&state.intermediate)?)?;
    alarms.extend(alarm("intermediate", leaf.not_before, leaf.not_after, now));
    Ok(alarms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_at_thirty_fourteen_seven_and_one_day() {
        let (begin, end) = (0, 365 * DAY);
        let step = |left: u64| alarm("x", begin, end, end - left).map(|alarm| (alarm.step, alarm.days));
        assert_eq!(step(31 * DAY), None);
        assert_eq!(step(30 * DAY), Some((30, 30)));
        assert_eq!(step(14 * DAY + 1), Some((30, 14)));
        assert_eq!(step(14 * DAY), Some((14, 14)));
        assert_eq!(step(7 * DAY), Some((7, 7)));
        assert_eq!(step(DAY), Some((1, 1)));
        assert_eq!(step(0), Some((1, 0)));
        assert_eq!(alarm("x", begin, end, end + 1).unwrap().step, 0);
        // An agent of seven days that renews in time is no news.
        assert_eq!(alarm("agent", 0, 7 * DAY, 3 * DAY), None);
        assert_eq!(alarm("agent", 0, 7 * DAY, 5 * DAY).unwrap().step, 7);
    }
}
