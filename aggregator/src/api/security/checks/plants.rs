//! Checks of agents: whether they are there, see all there is, and are who they say.

use fieldward_shared::alert::Severity;
use fieldward_shared::time::Timestamp;

use super::super::Verdict;
use super::super::scene::{DAY, Scene};
use super::{Found, count, worst};
use crate::fleet::Presence;
use crate::store::{Agent, AgentStatus};

pub fn connected(scene: &Scene<'_>) -> Found {
    let active: Vec<&Agent> = scene.active().collect();
    if active.is_empty() {
        let remedy = "enrol an agent at each plant: `fieldward-aggregator ca token`";
        return Found::new(Verdict::Fail, "no agent may report: nothing is watched", remedy)
            .with("agents", 0);
    }
    let presence = |agent: &Agent| {
        let seen = scene.standing.iter().find(|one| one.agent == agent.id);
        seen.map_or(Presence::Offline, |one| one.presence)
    };
    let named = |wanted| -> Vec<String> {
        active.iter().filter(|agent| presence(agent) == wanted).map(|agent| name(agent)).collect()
    };
    let (offline, late) = (named(Presence::Offline), named(Presence::Delayed));
    let summary = format!(
        "{}, {} of them offline and {} late",
        count(active.len(), "agent", "agents"),
        offline.len(),
        late.len()
    );
    let remedy = "look at the host of each agent, its network, and `systemctl status fieldward-agent`";
    Found::new(worst(!offline.is_empty(), !late.is_empty()), summary, remedy)
        .with("agents", active.len())
        .naming("offline", &offline)
        .naming("late", &late)
}

pub fn capture_loss(scene: &Scene<'_>) -> Found {
    let remedy = "give the agent's host more of a processor, mirror fewer ports to it, or use a faster card";
    each(scene, remedy, "most_lost", |health| f64::from(health.capture_loss), 0.01, 0.05)
}

pub fn spool(scene: &Scene<'_>) -> Found {
    let told: Vec<_> = scene.healthy().collect();
    if told.is_empty() {
        return silent();
    }
    let in_memory: Vec<String> =
        told.iter().filter(|(_, health)| health.memory_only).map(|(one, _)| one.facility.clone()).collect();
    let waiting = told.iter().map(|(_, health)| health.spool_records).max().unwrap_or_default();
    let summary = format!(
        "at most {waiting} records wait at an agent; {} cannot write to its disk",
        count(in_memory.len(), "agent", "agents")
    );
    let remedy = "where many wait, look at the link; where it waits in memory, look at the disk of the host";
    Found::new(worst(!in_memory.is_empty(), waiting > WAITING), summary, remedy)
        .with("most_waiting_records", waiting)
        .naming("in_memory", &in_memory)
}

pub fn disk(scene: &Scene<'_>) -> Found {
    let least = scene.healthy().map(|(_, health)| health.disk_free_bytes).min();
    let Some(least) = least else { return silent() };
    let summary = format!("the fullest disk of an agent has {} MiB free", least >> 20);
    let remedy = "make room where the spool of the agent lies";
    Found::new(worst(least < 256 << 20, least < 2 << 30), summary, remedy).with("least_free_bytes", least)
}

pub fn clocks(scene: &Scene<'_>) -> Found {
    let offset = |agent: &Agent| {
        let live = scene.standing.iter().find(|one| one.agent == agent.id).and_then(|one| one.clock_offset);
        live.or(agent.clock_offset).map(|micros| (micros.unsigned_abs(), name(agent)))
    };
    let Some((most, whose)) = scene.active().filter_map(offset).max() else {
        return Found::unknown("no clock was compared yet", "it is compared once an agent is connected");
    };
    let summary = format!("{whose} is off the most, by {} ms", most / 1000);
    let remedy = "set the clock of that host by NTP or PTP: times in alerts and evidence are its own";
    Found::new(worst(most > 10_000_000, most > 1_000_000), summary, remedy)
        .with("most_offset_ms", most / 1000)
        .with("agent", whose)
}

pub fn models(scene: &Scene<'_>) -> Found {
    let told: Vec<_> = scene.healthy().collect();
    if told.is_empty() {
        return silent();
    }
    let without = |is: fn(&fieldward_shared::wire::Health) -> bool| -> Vec<String> {
        told.iter().filter(|(_, health)| is(health)).map(|(one, _)| one.facility.clone()).collect()
    };
    let blind = without(|health| health.models.is_empty());
    let learning = without(|health| !health.models.is_empty() && health.state != "watching");
    let summary = format!(
        "of {}, {} without a model and {} still learning",
        count(told.len(), "agent", "agents"),
        blind.len(),
        learning.len()
    );
    let remedy = "an agent without a model only learns: let it see a day of plain traffic, see its status";
    Found::new(worst(false, !blind.is_empty() || !learning.is_empty()), summary, remedy)
        .with("agents", told.len())
        .naming("without_model", &blind)
        .naming("learning", &learning)
}

pub fn stale(scene: &Scene<'_>) -> Found {
    let age = |health: &fieldward_shared::wire::Health| {
        scene.now.since(Timestamp::from_micros(health.oldest_model.saturating_mul(1_000_000))) / DAY
    };
    let told: Vec<_> = scene.healthy().filter(|(_, health)| health.oldest_model > 0).collect();
    let Some(most) = told.iter().map(|(_, health)| age(health)).max() else {
        return Found::unknown("no agent has told how old its models are", "wait until one has learnt");
    };
    let stale: Vec<String> = told
        .iter()
        .filter(|(_, health)| age(health) > STALE)
        .map(|(one, health)| format!("{}: {} days", one.facility, age(health)))
        .collect();
    let summary = format!("the oldest model was learnt {most} days ago");
    let remedy =
        "what a plant does changes over the seasons: have the agent learn anew, or take part in a round";
    Found::new(worst(false, !stale.is_empty()), summary, remedy)
        .with("agents", told.len())
        .with("oldest_days", most)
        .naming("stale", &stale)
}

pub fn drift(scene: &Scene<'_>) -> Found {
    let measured: Vec<_> = scene.healthy().filter(|(_, health)| !health.drift.is_empty()).collect();
    if measured.is_empty() {
        let said = "no agent has told of drift: each must have watched for a whole day";
        return Found::unknown(said, "wait for a day of watching without a gap");
    }
    let mut all: Vec<(f32, String)> = measured
        .iter()
        .flat_map(|(one, health)| health.drift.iter().map(move |moved| (one, moved)))
        .filter(|(_, moved)| moved.index.is_finite())
        .map(|(one, moved)| (moved.index, format!("{}: {}", one.facility, moved.feature)))
        .collect();
    all.sort_by(|one, other| other.0.total_cmp(&one.0));
    let most = all.first().map_or(0.0, |first| first.0);
    let moved: Vec<String> =
        all.iter().filter(|one| one.0 > MOVED).map(|(index, what)| format!("{what} {index:.2}")).collect();
    let summary =
        format!("{} moved beyond {MOVED}; the furthest {most:.2}", count(moved.len(), "feature", "features"));
    let remedy = "if the plant has changed, have the agent learn anew; if not, look for who has changed it";
    Found::new(worst(most > 1.0, most > MOVED), summary, remedy)
        .with("agents", measured.len())
        .with("most_moved_index", f64::from(most))
        .naming("moved", &moved)
}

pub fn identity(scene: &Scene<'_>) -> Found {
    if scene.standing.is_empty() {
        return silent();
    }
    let twice: Vec<String> =
        scene.standing.iter().filter(|one| one.duplicates > 0).map(|one| one.facility.clone()).collect();
    let contradicted: u64 = scene.standing.iter().map(|one| one.contradicted).sum();
    let summary = format!(
        "{} seen at two places at once, {contradicted} records contradict earlier ones, since the start",
        count(twice.len(), "agent was", "agents were")
    );
    let remedy = "somebody may have a copy of the key: `fieldward-aggregator ca revoke`, then enrol it anew";
    Found::new(worst(!twice.is_empty() || contradicted > 0, false), summary, remedy)
        .with("contradicted_records", contradicted)
        .naming("twice", &twice)
}

pub fn pending(scene: &Scene<'_>) -> Found {
    let waiting: Vec<String> =
        scene.agents.iter().filter(|agent| agent.status == AgentStatus::Pending).map(name).collect();
    let summary = format!("{} for approval", count(waiting.len(), "agent waits", "agents wait"));
    let remedy = "`fieldward-aggregator ca list` shows them: approve or refuse each";
    Found::new(worst(false, !waiting.is_empty()), summary, remedy).naming("waiting", &waiting)
}

pub fn releases(scene: &Scene<'_>) -> Found {
    let own = env!("CARGO_PKG_VERSION");
    let told: Vec<(String, &str)> = scene
        .active()
        .filter_map(|agent| {
            let seen = scene.standing.iter().find(|one| one.agent == agent.id);
            let live = seen.map(|one| one.release.as_str()).filter(|text| !text.is_empty());
            Some((name(agent), live.or(agent.version.as_deref())?))
        })
        .collect();
    if told.is_empty() {
        return silent();
    }
    let others: Vec<String> = told
        .iter()
        .filter(|(_, release)| *release != own)
        .map(|(agent, release)| format!("{agent}: {release}"))
        .collect();
    let summary = format!("{} another release than {own}", count(others.len(), "agent runs", "agents run"));
    let remedy = "bring the agents to the release of the aggregator";
    Found::new(worst(false, !others.is_empty()), summary, remedy)
        .with("aggregator", own)
        .naming("others", &others)
}

pub fn default_credentials(scene: &Scene<'_>) -> Found {
    let found = scene.default_credentials;
    let summary =
        format!("{} of default credentials in 30 days", count(found as usize, "open alert", "open alerts"));
    let remedy = "give those devices passwords of their own, then resolve the alerts (technique T0812)";
    Found::new(worst(found > 0, false), summary, remedy).with("open_alerts", found)
}

pub fn lost(scene: &Scene<'_>) -> Found {
    let Some(slow) = &scene.slow else { return super::keeping::not_yet() };
    let all: u64 = slow.missing.lost.iter().map(|(_, count)| count).sum();
    let is_severe = slow.missing.lost.iter().any(|(lane, count)| *lane >= Severity::High && *count > 0);
    let summary = format!(
        "{all} records of agents were lost and {} reports could not be read in the last day",
        slow.missing.unread
    );
    let remedy =
        "see why in the agents' status: full disks, a link that was away for long, or floods of alerts";
    let mut found = Found::new(worst(is_severe, all + slow.missing.unread > 0), summary, remedy)
        .with("lost", all)
        .with("unread", slow.missing.unread);
    for (lane, count) in &slow.missing.lost {
        found = found.with(&format!("lost_{}", lane.name()), *count);
    }
    found
}

/// The agent where a figure is largest.
fn each(
    scene: &Scene<'_>,
    remedy: &'static str,
    figure: &str,
    of: fn(&fieldward_shared::wire::Health) -> f64,
    warn: f64,
    fail: f64,
) -> Found {
    let all = scene.healthy().map(|(one, health)| (of(health), one.facility.clone()));
    let Some((most, whose)) =
        all.filter(|one| one.0.is_finite()).max_by(|one, other| one.0.total_cmp(&other.0))
    else {
        return silent();
    };
    let summary = format!("the most is {:.2} %, at {whose}", most * 100.0);
    Found::new(worst(most >= fail, most >= warn), summary, remedy).with(figure, most).with("facility", whose)
}

fn silent() -> Found {
    let said = "no agent has told how it is since the aggregator began";
    Found::unknown(said, "it is known once an agent is connected")
}

fn name(agent: &Agent) -> String {
    format!("{}/{}", agent.facility_id, agent.id)
}

/// Records that may wait at an agent.
const WAITING: u64 = 10_000;
/// A population stability index above it: much has changed.
const MOVED: f32 = 0.25;
/// Days after which a plant hardly is what it was.
const STALE: u64 = 180;
