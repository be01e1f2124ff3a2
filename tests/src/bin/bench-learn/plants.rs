//! The plants: recorded by the simulator in this process, or read back where recordings are kept.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use fieldward_agent::learn::steps::WIDTH;
use fieldward_agent::learn::windows::Minute;
use fieldward_sim::config::Config;
use fieldward_tests::{lessons, sitting};

use crate::Arguments;

/// A stretch that an attack took.
#[derive(Clone)]
pub struct Attacked {
    pub name: String,
    pub start: f64,
    pub end: f64,
}

/// A plant that nobody has seen, and what it is examined on.
pub struct New {
    pub kind: &'static str,
    pub few: Vec<Minute>,
    pub long: Vec<Minute>,
    pub calm: Vec<Minute>,
    pub exam: Vec<Minute>,
    pub attacks: Vec<Attacked>,
}

pub fn kind(nth: u64) -> &'static str {
    let kinds: Vec<&str> = lessons::plants().collect();
    kinds[nth as usize % kinds.len()]
}

/// Plants are of different sizes: half, twice and as many devices as was asked for.
fn devices(nth: u64, arguments: &Arguments) -> usize {
    match nth / 3 % 3 {
        0 => arguments.devices / 2,
        1 => arguments.devices * 2,
        _ => arguments.devices,
    }
}

/// Minutes of all plants that learn together, from this site on: of all kinds and sizes in turn.
pub fn different(first: u64, arguments: &Arguments) -> Result<Vec<Vec<Minute>>> {
    let one = |nth: u64| {
        let config = lessons::plant(kind(nth), devices(nth, arguments), first + nth)?;
        record(config, 31 + nth, arguments.hours * 60.0, arguments)
    };
    both(arguments.plants, &one)
}

/// Likewise of plants that are alike: of one kind and size, on other days.
pub fn alike(first: u64, arguments: &Arguments) -> Result<Vec<Vec<Minute>>> {
    let one = |nth: u64| {
        record(
            lessons::plant(kind(0), arguments.devices, first)?,
            31 + nth,
            arguments.hours * 60.0,
            arguments,
        )
    };
    both(arguments.plants, &one)
}

/// New plants, one of each kind.
pub fn new(arguments: &Arguments) -> Result<Vec<New>> {
    let kinds: Vec<&'static str> = lessons::plants().collect();
    both(kinds.len() as u64, &|nth| one_new(kinds[nth as usize], arguments))
}

fn one_new(kind: &'static str, arguments: &Arguments) -> Result<New> {
    let config = lessons::plant(kind, arguments.devices, SITE)?;
    let long = record(config.clone(), 11, arguments.long * 60.0, arguments)?;
    // Ten minutes hold two that are held back; they begin where a working day does.
    let begin = long.len() / 3 / 10 * 10;
    let few = long.iter().skip(begin).take(arguments.minutes as usize).cloned().collect();
    let calm = record(config.clone(), 12, arguments.calm * 60.0, arguments)?;
    let (config, minutes) = lessons::day_of_attacks(&config, 1000, None)?;
    let (exam, attacks) = recorded(&config, minutes, arguments)?;
    Ok(New { kind, few, long, calm, exam, attacks })
}

/// What somebody who lies may learn from as if it were normal: a day of attacks at a plant of this number.
pub fn attacked(nth: u64, arguments: &Arguments) -> Result<Vec<Minute>> {
    let config = lessons::plant(kind(nth), devices(nth, arguments), 2000 + nth)?;
    let (config, minutes) = lessons::day_of_attacks(&config, 2000, None)?;
    Ok(recorded(&config, minutes, arguments)?.0)
}

/// Two at a time.
fn both<T: Send>(count: u64, one: &(dyn Fn(u64) -> Result<T> + Sync)) -> Result<Vec<T>> {
    let every = |first: u64| (first..count).step_by(2).map(one).collect::<Result<Vec<T>>>();
    std::thread::scope(|scope| {
        let odd = scope.spawn(move || every(1));
        let even = every(0)?;
        let odd = odd.join().map_err(|_| anyhow::anyhow!("recording failed"))??;
        let mut odd = odd.into_iter();
        Ok(even.into_iter().flat_map(|one| [Some(one), odd.next()]).flatten().collect())
    })
}

fn record(mut config: Config, seed: u64, minutes: f64, arguments: &Arguments) -> Result<Vec<Minute>> {
    (config.seed, config.start) = (seed, 0);
    Ok(recorded(&config, minutes, arguments)?.0)
}

/// Recordings that are kept are known by all that they depend on but the program.
fn recorded(config: &Config, minutes: f64, arguments: &Arguments) -> Result<(Vec<Minute>, Vec<Attacked>)> {
    let (kind, devices, seed, attacks) =
        (config.kind.name, config.devices, config.seed, config.attacks.len());
    let name = format!("{kind}-{devices}-{}-{seed}-{attacks}-{minutes:.0}", config.site);
    let file = arguments.keep.as_ref().map(|folder| folder.join(name));
    if let Some(bytes) = file.as_ref().and_then(|file| fs::read(file).ok()) {
        return read(&bytes)
            .with_context(|| format!("{:?} is damaged; remove it", file.as_deref().map(Path::display)));
    }
    let (minutes, labels) = sitting::minutes(config, minutes)?;
    let attacks = labels.attacks.into_iter();
    let attacks: Vec<Attacked> =
        attacks.map(|attack| Attacked { name: attack.name, start: attack.start, end: attack.end }).collect();
    if let Some(file) = file {
        fs::write(file, write(&minutes, &attacks))?;
    }
    Ok((minutes, attacks))
}

fn write(minutes: &[Minute], attacks: &[Attacked]) -> Vec<u8> {
    let mut bytes = (attacks.len() as u64).to_le_bytes().to_vec();
    for attack in attacks {
        bytes.extend((attack.name.len() as u64).to_le_bytes());
        bytes.extend(attack.name.as_bytes());
        bytes.extend(attack.start.to_le_bytes());
        bytes.extend(attack.end.to_le_bytes());
    }
    for minute in minutes {
        bytes.extend(minute.number.to_le_bytes());
        bytes.extend(minute.values.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

fn read(mut bytes: &[u8]) -> Option<(Vec<Minute>, Vec<Attacked>)> {
    fn eight(bytes: &mut &[u8]) -> Option<[u8; 8]> {
        let (eight, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*eight)
    }
    let mut attacks = Vec::new();
    for _ in 0..u64::from_le_bytes(eight(&mut bytes)?) {
        let (name, rest) =
            bytes.get(8..)?.split_at_checked(u64::from_le_bytes(eight(&mut bytes)?) as usize)?;
        bytes = rest;
        let name = String::from_utf8(name.to_vec()).ok()?;
        let start = f64::from_le_bytes(eight(&mut bytes)?);
        attacks.push(Attacked { name, start, end: f64::from_le_bytes(eight(&mut bytes)?) });
    }
    let mut minutes = Vec::new();
    while let Some(number) = eight(&mut bytes) {
        let (values, rest) = bytes.split_at_checked(4 * WIDTH)?;
        bytes = rest;
        let values = values.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value));
        minutes.push(Minute { number: u64::from_le_bytes(number), values: values.collect() });
    }
    Some((minutes, attacks))
}

/// The site of the new plants.
const SITE: u64 = 1001;
