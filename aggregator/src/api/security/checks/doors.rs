//! Checks of what stands between Fieldward and the network: certificates, and how connections are protected.

use std::path::Path;
use std::time::UNIX_EPOCH;

use fieldward_shared::time::Timestamp;

use super::super::Verdict;
use super::super::scene::{DAY, Scene};
use super::{Found, count, worst};
use crate::api::config::Tls;
use crate::bus::server::Way;
use crate::ca::expiry::Alarm;
use crate::fleet::Presence;

pub fn agent_certificates(scene: &Scene<'_>) -> Found {
    let live: Vec<_> = scene
        .certificates
        .iter()
        .filter(|one| one.revoked.is_none() && one.agent_status == "active")
        .collect();
    if live.is_empty() {
        return Found::unknown("no certificate was issued by this authority", "enrol an agent");
    }
    let named = |is: &dyn Fn(u64, u64) -> bool| -> Vec<String> {
        let late = live.iter().filter(|one| {
            let (left, lasts) = (one.not_after.since(scene.now), one.not_after.since(one.not_before));
            is(left, lasts)
        });
        late.map(|one| one.name.to_string()).collect()
    };
    let ended = named(&|left, _| left == 0);
    // Agents renew at half of it.
    let late = named(&|left, lasts| left > 0 && left.saturating_mul(3) <= lasts);
    let soonest = live.iter().map(|one| one.not_after.since(scene.now) / 3_600_000_000).min();
    let summary = format!(
        "of {}, {} ended and {} not renewed in time",
        count(live.len(), "certificate", "certificates"),
        ended.len(),
        late.len()
    );
    let remedy = "an agent renews by itself when it is connected: look at its link and its log";
    Found::new(worst(!ended.is_empty(), !late.is_empty()), summary, remedy)
        .with("certificates", live.len())
        .with("soonest_end_hours", soonest.unwrap_or_default())
        .naming("ended", &ended)
        .naming("late", &late)
}

pub fn authority(scene: &Scene<'_>) -> Found {
    let Some(alarms) = &scene.alarms else { return untold() };
    let own: Vec<&Alarm> = alarms.iter().filter(|one| !one.what.starts_with("agent ")).collect();
    let least = own.iter().map(|one| one.step).min();
    let said: Vec<String> = own.iter().map(|one| format!("{}: {} days", one.what, one.days)).collect();
    let summary = match least {
        None => "nothing of the authority ends within 30 days".to_owned(),
        Some(_) => format!("{} soon: {}", count(own.len(), "end comes", "ends come"), said.join(", ")),
    };
    let remedy =
        "`fieldward-aggregator ca rotate intermediate` or `ca rotate prepare`; certs/README.md says how";
    let fails = least.is_some_and(|step| step <= 7);
    Found::new(worst(fails, least.is_some()), summary, remedy).naming("ending", &said)
}

pub fn revocation(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let ca = &deployment.config.ca;
    if ca.operator_roots.is_none() {
        let summary =
            "only the own authority's certificates are taken; what it revokes counts within a second";
        return Found::new(Verdict::Pass, summary, "").with("operator_roots", false);
    }
    let remedy =
        "name the operator's list of revoked certificates in ca.operator_revoked and renew it each day";
    let Some(list) = &ca.operator_revoked else {
        let said = "an operator's certificates are taken, and nobody tells which of them are revoked";
        return Found::new(Verdict::Fail, said, remedy).with("operator_roots", true).with("list", false);
    };
    let Some(age) = age(list, scene.now) else {
        let said = "the operator's list of revoked certificates cannot be read";
        return Found::new(Verdict::Fail, said, remedy).with("operator_roots", true).with("list", true);
    };
    let summary = format!("the operator's list was changed {age} days ago");
    Found::new(worst(age >= 30, age >= 7), summary, remedy)
        .with("operator_roots", true)
        .with("list", true)
        .with("list_age_days", age)
}

pub fn api_tls(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let (api, names) = (&deployment.config.api, &deployment.config.ca.names);
    let is_own = api.tls == Tls::Own;
    let (verdict, summary) = match (is_own, names.is_empty(), api.proxies.is_empty()) {
        (true, false, _) => (Verdict::Pass, "TLS 1.3 with the aggregator's own certificate"),
        (true, true, _) => {
            (Verdict::Warn, "TLS 1.3, but the certificate names no host: clients cannot tell whose it is")
        }
        (false, _, false) => (Verdict::Pass, "plain HTTP to a proxy on this machine, which is known"),
        (false, _, true) => (
            Verdict::Warn,
            "plain HTTP at a loopback address, and no proxy is named: callers' addresses are not known",
        ),
    };
    let remedy = "set ca.names to the host's names; behind a proxy list it in api.proxies";
    Found::new(verdict, summary, remedy)
        .with("tls", if is_own { "own" } else { "off" })
        .with("loopback", api.listen.ip().is_loopback())
        .with("names", names.len())
        .with("proxies", api.proxies.len())
}

pub fn link(scene: &Scene<'_>) -> Found {
    let sessions = |way: &str| {
        scene.standing.iter().filter(|one| one.presence != Presence::Offline && one.way == way).count()
    };
    let (quic, tcp) = (sessions("quic"), sessions("tcp"));
    // There is no other way in: both ends refuse anything below it.
    let summary = format!("TLS 1.3 with certificates of both ends; {quic} by QUIC, {tcp} by TCP");
    let mut found = Found::new(Verdict::Pass, summary, "").with("quic", quic).with("tcp", tcp);
    if let Some(deployment) = scene.deployment {
        found = found.with("operator_roots", deployment.config.ca.operator_roots.is_some());
    }
    found
}

pub fn origins(scene: &Scene<'_>) -> Found {
    let plain: Vec<String> =
        scene.origins.iter().filter(|origin| !origin.starts_with("https://")).cloned().collect();
    let summary = format!(
        "{} may ask, {} of them without TLS",
        count(scene.origins.len(), "other page", "other pages"),
        plain.len()
    );
    let remedy = "whoever changes such a page on its way asks with its reader's rights: list https:// alone";
    Found::new(worst(!plain.is_empty(), false), summary, remedy)
        .with("origins", scene.origins.len())
        .naming("without_tls", &plain)
}

pub fn limits(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let each = deployment.config.api.requests_per_minute;
    let summary = format!("each user and key may ask {each} times a minute");
    let remedy = "set api.requests_per_minute to what programs need: 3000 is usual";
    Found::new(worst(false, each > 60_000), summary, remedy).with("requests_per_minute", each)
}

pub fn replicas(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let way = deployment.config.redis.way();
    let summary = match way {
        Way::None => "there is one aggregator, and no Redis",
        Way::Here => "Redis is on this machine",
        Way::Sealed => "Redis is reached by TLS",
        Way::Open => "Redis is on another machine, and reached without TLS",
    };
    let remedy = "whoever is on that network can read Redis's password: write redis.url as rediss://";
    Found::new(worst(false, way == Way::Open), summary, remedy)
}

pub fn demo(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let is_on = deployment.config.demo_mode;
    let summary =
        if is_on { "simulators may come in, and scenarios are played" } else { "simulators are shut out" };
    let remedy = "alerts of scenarios look like those of plants: take demo_mode out where plants are watched";
    Found::new(worst(false, is_on), summary, remedy).with("demo_mode", is_on)
}

/// Whole days since a file was changed.
fn age(path: &Path, now: Timestamp) -> Option<u64> {
    let changed = std::fs::metadata(path).ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    let changed = Timestamp::from_micros(u64::try_from(changed.as_micros()).ok()?);
    Some(now.since(changed) / DAY)
}

pub fn untold() -> Found {
    Found::unknown(
        "the API was not told how the aggregator was started",
        "start it by `fieldward-aggregator run`",
    )
}
