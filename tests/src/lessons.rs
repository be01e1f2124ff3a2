//! What simulated plants teach the classifier: pictures of what went on, each with what it truly was.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use fastrand::Rng;
use fieldward_agent::alert::Picture;
use fieldward_agent::classify::{BENIGN, INPUTS, Input};
use fieldward_agent::score::{Attack, Labels};
use fieldward_shared::time::Timestamp;
use fieldward_sim::config::{Config, Planned};
use fieldward_sim::{ATTACKS, Intensity, PLANTS};
use serde::{Deserialize, Serialize};

use crate::sitting::{self, Models, Sitting};

/// A picture of an incident, and what it was.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The kind of plant.
    pub plant: String,
    /// Which of its kind.
    pub site: u64,
    /// Which day.
    pub seed: u64,
    /// Which incident of that day: the same number for pictures of the same.
    pub incident: u64,
    /// Which attack; none if nothing bad happened.
    pub attack: Option<String>,
    /// Its technique, or benign.
    pub class: String,
    /// Techniques that are right too.
    pub acceptable: Vec<String>,
    /// Seconds since the incident began.
    pub age: u64,
    /// Seconds since the attack began.
    pub delay: f32,
    /// How sure the evidence is without the classifier.
    pub sure: f32,
    /// Findings in it.
    pub findings: u64,
    /// It is the last picture of the incident.
    pub is_last: bool,
    /// The picture.
    pub input: Vec<f32>,
}

impl Row {
    /// To which incident it belongs.
    pub fn incident(&self) -> (&str, u64, u64, u64) {
        (&self.plant, self.site, self.seed, self.incident)
    }

    /// The picture as the classifier wants it; none from a file of another version.
    pub fn input(&self) -> Option<Input> {
        <[f32; INPUTS]>::try_from(self.input.as_slice()).ok()
    }
}

/// A plant of so many devices of a site.
pub fn plant(name: &str, devices: usize, site: u64) -> Result<Config> {
    let mut config = Config::find(name)?;
    config.devices = devices;
    config.site = site;
    Ok(config)
}

/// The names of all plants.
pub fn plants() -> impl Iterator<Item = &'static str> {
    PLANTS.iter().map(|kind| kind.name)
}

/// A day with every attack, each in a variant, at an intensity and at a time that the seed draws; and how
/// many minutes it takes.
pub fn day_of_attacks(base: &Config, seed: u64, intensity: Option<Intensity>) -> Result<(Config, f64)> {
    let mut chance = Rng::with_seed(seed ^ base.site << 32);
    let mut order: Vec<_> = ATTACKS.to_vec();
    chance.shuffle(&mut order);
    let mut config = base.clone();
    (config.seed, config.start) = (seed, 3600 * chance.u64(6..10));
    let mut second = 300.0;
    for attack in order {
        let intensity = intensity.unwrap_or_else(|| Intensity::ALL[chance.usize(..3)]);
        let variant = attack.variants[chance.usize(..attack.variants.len())];
        let planned = Planned::new(attack.name, variant, intensity.name(), second);
        config.attacks.push(planned.map_err(|(what, remedy)| anyhow::anyhow!("{what}; {remedy}"))?);
        let place = Intensity::ALL.iter().position(|known| *known == intensity).unwrap_or_default();
        second += 330.0 + f64::from(attack.seconds[place]) * 1.2;
    }
    Ok((config, second / 60.0 + 5.0))
}

/// Watches a plant and keeps pictures of what goes on, with what it was.
pub fn pictures(config: &Config, minutes: f64, models: &Models) -> Result<Vec<Row>> {
    let album = Rc::new(RefCell::new(Album::default()));
    let taken = album.clone();
    let Sitting { labels, .. } = sitting::watch(config, minutes, models, None, move |now, going_on| {
        taken.borrow_mut().second(now, going_on);
    })?;
    let album = album.take();
    let mut rows: Vec<Row> = Vec::new();
    let mut last: BTreeMap<u64, usize> = BTreeMap::new();
    for (incident, picture) in album.pictures {
        let Some(truth) = truth(&labels, &picture) else { continue };
        last.insert(incident, rows.len());
        rows.push(Row {
            plant: config.kind.name.to_owned(),
            site: config.site,
            seed: config.seed,
            incident,
            attack: truth.map(|attack| attack.name.clone()),
            class: truth.and_then(|attack| attack.technique.clone()).unwrap_or_else(|| BENIGN.to_owned()),
            acceptable: truth.map(|attack| attack.acceptable.clone()).unwrap_or_default(),
            age: picture.last.since(picture.first) / 1_000_000,
            delay: truth
                .map_or(0.0, |attack| (picture.last.as_micros() as f64 / 1e6 - attack.start).max(0.0) as f32),
            sure: picture.sure,
            findings: picture.findings,
            is_last: false,
            input: picture.input.to_vec(),
        });
    }
    for at in last.into_values() {
        rows[at].is_last = true;
    }
    Ok(rows)
}

/// What a picture shows: an attack, or nothing bad; none when nobody can say.
fn truth<'a>(labels: &'a Labels, picture: &Picture) -> Option<Option<&'a Attack>> {
    let (first, last) = (picture.first.as_micros() as f64 / 1e6, picture.last.as_micros() as f64 / 1e6);
    let during = |attack: &&Attack| first <= attack.end + AFTER && last >= attack.start - 1.0;
    let named = picture.named.iter().cloned().collect();
    let mut around = labels.attacks.iter().filter(during).peekable();
    if around.peek().is_none() {
        return Some(None);
    }
    // The plant as a whole says that there is something, not what.
    if picture.named.is_empty() {
        return None;
    }
    // What goes on beside an attack may be its doing or not.
    around
        .filter(|attack| attack.meets(&named))
        .max_by(|one, other| one.start.total_cmp(&other.start))
        .map(Some)
}

/// Pictures, the first of an incident at once and later ones when there is more to see.
#[derive(Default)]
struct Album {
    pictures: Vec<(u64, Picture)>,
    /// By whom and when an incident began: its number, findings at the last picture, and its time.
    known: BTreeMap<(String, Timestamp), (u64, u64, Timestamp)>,
}

impl Album {
    fn second(&mut self, now: Timestamp, going_on: &mut dyn Iterator<Item = Picture>) {
        for picture in going_on {
            if now.since(picture.last) > 2_000_000 {
                continue;
            }
            let key = (picture.named.first().cloned().unwrap_or_default(), picture.first);
            let number = self.known.len() as u64;
            let known = self.known.entry(key).or_insert((number, 0, Timestamp::from_micros(0)));
            let more = picture.findings > known.1 + known.1 / 3;
            let later = picture.findings > known.1 && now.since(known.2) > 20_000_000;
            if more || later {
                (known.1, known.2) = (picture.findings, now);
                self.pictures.push((known.0, picture));
            }
        }
    }
}

/// Seconds after an attack in which its traces are still found.
const AFTER: f64 = 60.0;
