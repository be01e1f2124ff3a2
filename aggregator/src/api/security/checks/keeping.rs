//! Checks of what is kept: that it stays, that nobody changes it, that it can be brought back, that it ends.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fieldward_shared::time::Timestamp;

use super::super::Verdict;
use super::super::scene::{DAY, Scene};
use super::doors::untold;
use super::{Found, count, worst};

pub fn access(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let remedy =
        "chmod 600 the file; give the database's user a password of its own, by a systemd credential";
    if let Some(file) = scene.database_file() {
        let Ok(about) = std::fs::metadata(&file) else {
            return Found::unknown("the file of the database cannot be looked at", remedy);
        };
        let mode = about.permissions().mode() & 0o777;
        let summary = format!("the file of the database has mode {mode:03o}");
        return Found::new(worst(mode & 0o077 != 0, false), summary, remedy)
            .with("mode", format!("{mode:03o}"));
    }
    let (user, password) = credentials(deployment.config.database_url.reveal());
    let Some(password) = password else {
        let summary = "the database asks for no password from its URL: it knows the aggregator otherwise";
        return Found::new(Verdict::Pass, summary, "").with("password", "none");
    };
    let is_default = password.is_empty() || password == user || DEFAULTS.contains(&password);
    let is_short = password.len() < 12;
    let (said, shown) = match (is_default, is_short) {
        (true, _) => ("the password of the database is one that everybody tries first", "default"),
        (false, true) => ("the password of the database is short", "short"),
        (false, false) => ("the database has a password of its own", "own"),
    };
    Found::new(worst(is_default, is_short), said, remedy).with("password", shown)
}

pub fn durability(scene: &Scene<'_>) -> Found {
    let Some(slow) = &scene.slow else { return not_yet() };
    let wrong: Vec<String> = slow
        .durability
        .iter()
        .filter(|(_, _, is_good)| !is_good)
        .map(|(name, value, _)| format!("{name} is {value}"))
        .collect();
    let summary = match wrong.len() {
        0 => "a power cut takes nothing that was committed".to_owned(),
        _ => format!("a power cut may take what was committed: {}", wrong.join(", ")),
    };
    let remedy = "set fsync, full_page_writes and synchronous_commit to on in postgresql.conf";
    let mut found = Found::new(worst(!wrong.is_empty(), false), summary, remedy);
    for (name, value, _) in &slow.durability {
        found = found.with(name, value.as_str());
    }
    found
}

pub fn audit(scene: &Scene<'_>) -> Found {
    let Some(slow) = &scene.slow else { return not_yet() };
    let remedy =
        "somebody has changed the database past the aggregator: keep it as evidence, restore a backup";
    match &slow.audit {
        Ok(head) => {
            let summary = format!("{} rows follow each other", head.id);
            let hash = fieldward_shared::identity::to_hex(&head.hash);
            Found::new(Verdict::Pass, summary, "").with("rows", head.id).with("head", hash)
        }
        Err(broken) => Found::new(Verdict::Fail, format!("the chain is broken: {broken}"), remedy)
            .with("broken", broken.as_str()),
    }
}

pub fn retention(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let Some(overdue) = scene.slow.as_ref().and_then(|slow| slow.overdue) else { return not_yet() };
    let kept = deployment.config.retention;
    let late = overdue.alerts || overdue.minutes || overdue.seconds;
    let summary = if late {
        "rows that should have been forgotten a day ago are still there"
    } else {
        "nothing is kept longer than the configuration says"
    };
    let remedy = "look in the log for what keeps retention from its work";
    Found::new(worst(late, false), summary, remedy)
        .with("alerts_days", kept.alerts_days)
        .with("metrics_days", kept.metrics_days)
        .with("traffic_days", kept.traffic_days)
        .with("old_alerts", overdue.alerts)
        .with("old_minutes", overdue.minutes)
        .with("old_seconds", overdue.seconds)
}

pub fn backup(scene: &Scene<'_>) -> Found {
    let Some(folder) = scene.folder() else { return untold() };
    let remedy = "have a timer run `fieldward-aggregator backup`, and copy what it writes to another machine";
    let Some(written) = last_backup(folder) else {
        return Found::new(Verdict::Fail, "no backup was written by `fieldward-aggregator backup`", remedy)
            .with("backup", false);
    };
    let days = scene.now.since(written) / DAY;
    let summary = format!("the last backup was written {days} days ago");
    Found::new(worst(days >= 30, days >= 7), summary, remedy)
        .with("backup", true)
        .with("age_days", days)
        .with("written", written.rfc3339())
}

pub fn outputs(scene: &Scene<'_>) -> Found {
    let Some(deployment) = scene.deployment else { return untold() };
    let configured = deployment.config.outputs.all();
    // What is not configured any more is not told on purpose.
    let ours = |name: &str| configured.iter().any(|one| one.name == name);
    let failing: Vec<_> = scene
        .outputs
        .iter()
        .filter(|one| ours(&one.name))
        .filter_map(|one| one.error.as_ref().map(|(_, since)| (one.name.clone(), scene.now.since(*since))))
        .collect();
    let longest = failing.iter().map(|(_, time)| *time).max().unwrap_or(0);
    let names: Vec<String> = failing.into_iter().map(|(name, _)| name).collect();
    let summary = format!("{}, {} not told now", count(configured.len(), "output", "outputs"), names.len());
    let remedy = "see GET /api/outputs for what is wrong; alerts wait in the database until they are told";
    Found::new(worst(longest >= DAY, longest >= DAY / 24), summary, remedy)
        .with("outputs", configured.len())
        .naming("failing", &names)
}

pub fn disk(scene: &Scene<'_>) -> Found {
    let Some(folder) = scene.folder() else { return untold() };
    let database = scene.database_file();
    let beside = database.as_deref().and_then(Path::parent).map(Path::to_owned);
    let places: Vec<PathBuf> = beside.into_iter().chain([folder.to_owned()]).collect();
    let room = places.iter().filter_map(|place| room(place)).min_by(|one, other| one.0.total_cmp(&other.0));
    let Some((share, free)) = room else {
        return Found::unknown(
            "the disk cannot be looked at",
            "look at the folders of database and authority",
        );
    };
    let summary = format!("{:.1} % of the disk is free: {} MiB", share * 100.0, free >> 20);
    let remedy = "make room, or keep less: [retention] in the configuration";
    Found::new(worst(share < 0.05, share < 0.15), summary, remedy)
        .with("free_bytes", free)
        .with("free_share", share)
        // The disk of a server is not seen from here.
        .with("database_is_here", database.is_some())
}

/// When the last backup was written, as `backup` noted beside the authority.
pub fn last_backup(folder: &Path) -> Option<Timestamp> {
    let note = std::fs::read_to_string(folder.join(NOTE)).ok()?;
    Timestamp::parse_rfc3339(note.split_whitespace().next()?)
}

pub fn not_yet() -> Found {
    Found::unknown(
        "it was not looked at since the aggregator began",
        "it is done within minutes, or run it now",
    )
}

/// Share and bytes that are free for us.
fn room(place: &Path) -> Option<(f64, u64)> {
    let about = rustix::fs::statvfs(place).ok()?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let all = about.f_blocks.saturating_mul(about.f_frsize);
    (all > 0).then(|| (free as f64 / all as f64, free))
}

/// User and password of a URL.
fn credentials(url: &str) -> (&str, Option<&str>) {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let before = rest.split(['/', '?']).next().unwrap_or_default();
    let Some((named, _)) = before.rsplit_once('@') else { return ("", None) };
    match named.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (named, None),
    }
}

/// Where `backup` notes when it wrote one: the moment, and bytes.
pub const NOTE: &str = "last-backup";
/// What is tried first.
const DEFAULTS: [&str; 10] = [
    "postgres",
    "password",
    "fieldward",
    "admin",
    "secret",
    "changeme",
    "123456",
    "12345678",
    "root",
    "test",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_user_and_password() {
        for (url, said) in [
            ("postgres://ann:secret@host/db", ("ann", Some("secret"))),
            ("postgres://ann@host/db", ("ann", None)),
            ("postgres://host/db?x=a:b@c", ("", None)),
            ("postgres://ann:p@ss@host/db", ("ann", Some("p@ss"))),
            ("sqlite:///tmp/x", ("", None)),
        ] {
            assert_eq!(credentials(url), said, "{url}");
        }
    }
}
