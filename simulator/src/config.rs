//! What to simulate: a plant of a size, its addresses, and what happens when. From a file in TOML or
//! from the name of a kind of plant; everything is checked before anything starts.

use std::net::Ipv4Addr;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::attack::campaign::Campaign;
use crate::attack::{self, Needs, Scene};
use crate::day::{self, Event};
use crate::plant::{Kind, PLANTS, Plant, SIZES};
use crate::stage::Intensity;

/// A checked configuration.
#[derive(Clone)]
pub struct Config {
    /// The kind of plant.
    pub kind: &'static Kind,
    /// How many addresses it has.
    pub devices: usize,
    /// Which plant of its kind: cards, makes, poll plans. The same on every day of it.
    pub site: u64,
    /// From what chance is derived: another seed is another day of the same plant.
    pub seed: u64,
    /// The first two octets of its addresses.
    pub network: Option<[u8; 2]>,
    /// Share of segments that are lost and sent again.
    pub loss: f64,
    /// Seconds after midnight at which it begins.
    pub start: u64,
    /// Benign events happen when their hour comes.
    pub events: bool,
    /// Hosts that have another address than the plan gives them.
    pub moved: Vec<(String, Ipv4Addr)>,
    /// Attacks, with seconds from the beginning.
    pub attacks: Vec<Planned>,
    /// Benign events, with seconds from the beginning.
    pub planned: Vec<(&'static Event, f64)>,
}

/// An attack or a campaign and when it begins.
#[derive(Clone, Copy)]
pub struct Planned {
    /// What.
    pub scene: Scene,
    /// Seconds from the beginning.
    pub at: f64,
    /// The line of the configuration that asks for it; 0 if it was the command line.
    pub line: usize,
}

/// What is wrong with a configuration, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {what}\n  {remedy}")]
pub struct Wrong {
    place: String,
    what: String,
    remedy: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plant: Spanned<String>,
    devices: Option<Spanned<usize>>,
    site: Option<u64>,
    seed: Option<u64>,
    network: Option<Spanned<String>>,
    loss: Option<Spanned<f64>>,
    start: Option<Spanned<String>>,
    events: Option<bool>,
    #[serde(default)]
    host: Vec<HostEntry>,
    #[serde(default)]
    attack: Vec<Entry>,
    #[serde(default)]
    event: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostEntry {
    name: Spanned<String>,
    address: Spanned<Ipv4Addr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    at: Spanned<f64>,
    variant: Option<Spanned<String>>,
    intensity: Option<Spanned<String>>,
}

impl Config {
    /// A plant of this kind and size, with nothing special.
    pub fn new(kind: &'static Kind, devices: usize) -> Self {
        Self {
            kind,
            devices,
            site: 1,
            seed: 1,
            network: None,
            loss: 0.0002,
            start: 8 * 3600,
            events: true,
            moved: Vec::new(),
            attacks: Vec::new(),
            planned: Vec::new(),
        }
    }

    /// The plant of this name, or the configuration in the file of this name.
    pub fn find(plant: &str) -> Result<Self, Wrong> {
        if let Some(kind) = Plant::kind(plant) {
            return Ok(Self::new(kind, DEVICES));
        }
        if plant.contains(['/', '.']) {
            return Self::load(Path::new(plant));
        }
        Err(unknown_plant("--plant".into(), plant))
    }

    /// Reads a configuration file.
    pub fn load(path: &Path) -> Result<Self, Wrong> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Wrong {
            place: name.clone(),
            what: error.to_string(),
            remedy: "give the path of a configuration file, or the name of a plant".into(),
        })?;
        Self::parse(&name, &text)
    }

    /// Reads a configuration from the text of the file `name`.
    pub fn parse(name: &str, text: &str) -> Result<Self, Wrong> {
        let source = Source { name, text };
        let file: File = toml::from_str(text).map_err(|error| Wrong {
            place: source.place(error.span().unwrap_or_default()),
            what: error.message().lines().next().unwrap_or_default().to_owned(),
            remedy: "`fieldward-sim plant --help` shows every key with an example".into(),
        })?;
        let kind = Plant::kind(file.plant.get_ref())
            .ok_or_else(|| unknown_plant(source.place(file.plant.span()), file.plant.get_ref()))?;
        let mut config = Self::new(kind, DEVICES);
        config.site = file.site.unwrap_or(config.site);
        config.seed = file.seed.unwrap_or(config.seed);
        config.events = file.events.unwrap_or(true);
        if let Some(devices) = &file.devices {
            config.devices = *devices.get_ref();
            check_size(config.devices)
                .map_err(|(what, remedy)| source.wrong(devices.span(), what, remedy))?;
        }
        if let Some(network) = &file.network {
            let octets = parse_network(network.get_ref());
            config.network =
                Some(octets.map_err(|(what, remedy)| source.wrong(network.span(), what, remedy))?);
        }
        if let Some(loss) = &file.loss {
            config.loss = *loss.get_ref();
            if !(0.0..0.2).contains(&config.loss) {
                let what = format!("loss {} is not a share of segments that a network survives", config.loss);
                return Err(source.wrong(loss.span(), what, "choose a number from 0 to 0.2".into()));
            }
        }
        if let Some(start) = &file.start {
            let seconds = parse_clock(start.get_ref());
            config.start = seconds.map_err(|(what, remedy)| source.wrong(start.span(), what, remedy))?;
        }
        for host in &file.host {
            config.moved.push((host.name.get_ref().clone(), *host.address.get_ref()));
            config
                .check_addresses()
                .map_err(|(what, remedy)| source.wrong(host.address.span(), what, remedy))?;
        }
        for scene in &file.attack {
            config.attacks.push(source.attack(scene)?);
        }
        for scene in &file.event {
            let name = scene.name.get_ref();
            let event = day::find(name).ok_or_else(|| {
                let known: Vec<_> = day::EVENTS.iter().map(|event| event.name).collect();
                source.wrong(
                    scene.name.span(),
                    format!("no event is called \"{name}\""),
                    format!("choose one of {}", known.join(", ")),
                )
            })?;
            config.planned.push((event, *scene.at.get_ref()));
        }
        Ok(config)
    }

    /// The plant, with its addresses in this network.
    pub fn plant(&self, network: [u8; 2]) -> Plant {
        let mut plant = Plant::new(self.kind, self.devices, network, self.site, self.seed);
        for (name, ip) in &self.moved {
            if let Some(host) = plant.hosts.iter_mut().find(|host| host.name == *name) {
                host.ip = *ip;
            }
        }
        plant
    }

    /// Every moved host exists, and no two hosts have one address.
    fn check_addresses(&self) -> Result<(), (String, String)> {
        let plant = self.plant(self.network.unwrap_or([127, self.kind.octet]));
        for (name, _) in &self.moved {
            if !plant.hosts.iter().any(|host| host.name == *name) {
                let known: Vec<_> = plant.hosts.iter().take(12).map(|host| host.name.as_str()).collect();
                return Err((
                    format!("no host is called \"{name}\""),
                    format!("this plant has {}, …", known.join(", ")),
                ));
            }
        }
        for (nth, host) in plant.hosts.iter().enumerate() {
            if let Some(other) = plant.hosts[..nth].iter().find(|other| other.ip == host.ip) {
                return Err((
                    format!("{} and {} would both have the address {}", other.name, host.name, host.ip),
                    "give one of them a free address".into(),
                ));
            }
        }
        Ok(())
    }
}

impl Planned {
    /// Reads `NAME[:VARIANT[:INTENSITY]]@SECOND`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scene, at) =
            text.rsplit_once('@').ok_or("say when, in seconds from the beginning: NAME@SECOND")?;
        let at: f64 = at.parse().map_err(|_| format!("\"{at}\" is no number of seconds"))?;
        let parts: Vec<&str> = scene.split(':').collect();
        let [name, variant, intensity] = match parts[..] {
            [name] => [name, "", ""],
            [name, variant] => [name, variant, ""],
            [name, variant, intensity] => [name, variant, intensity],
            _ => return Err("write NAME:VARIANT:INTENSITY@SECOND".to_owned()),
        };
        Self::new(name, variant, intensity, at).map_err(|(what, remedy)| format!("{what}; {remedy}"))
    }

    /// An attack by names; empty ones mean the usual variant and a medium intensity.
    pub fn new(name: &str, variant: &str, intensity: &str, at: f64) -> Result<Self, (String, String)> {
        if !(0.0..1e9).contains(&at) {
            return Err((
                format!("an attack cannot begin at second {at}"),
                "choose a number from 0 on".to_owned(),
            ));
        }
        if let Some(campaign) = Campaign::find(name) {
            return Ok(Self { scene: Scene::Campaign(campaign), at, line: 0 });
        }
        let attack = attack::find(name).ok_or_else(|| {
            (format!("no attack is called \"{name}\""), "`fieldward-sim list` shows all of them".to_owned())
        })?;
        let variant = match variant {
            "" => attack.variants[0],
            _ => attack.variants.iter().copied().find(|known| *known == variant).ok_or_else(|| {
                (
                    format!("the attack {name} has no variant \"{variant}\""),
                    format!("choose one of {}", attack.variants.join(", ")),
                )
            })?,
        };
        let intensity = match intensity {
            "" => Intensity::Medium,
            _ => Intensity::ALL.into_iter().find(|known| known.name() == intensity).ok_or_else(|| {
                (format!("there is no intensity \"{intensity}\""), "choose slow, medium or fast".to_owned())
            })?,
        };
        Ok(Self { scene: Scene::Attack { attack, variant, intensity }, at, line: 0 })
    }

    /// Whether it can be played over sockets.
    pub fn check_live(&self) -> Result<(), (String, String)> {
        if self.scene.needs() == Needs::Wire {
            return Err((
                format!(
                    "the attack {} cannot be shown live: it stands between two hosts or sends what no socket sends",
                    self.scene.name()
                ),
                "record it: fieldward-sim record --plant … --attack … --out F.pcap --labels F.json"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// A configuration's text, for telling where something stands.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn place(&self, span: Range<usize>) -> String {
        format!("{}, line {}", self.name, self.line(&span))
    }

    fn line(&self, span: &Range<usize>) -> usize {
        self.text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
    }

    fn wrong(&self, span: Range<usize>, what: String, remedy: String) -> Wrong {
        Wrong { place: self.place(span), what, remedy }
    }

    fn attack(&self, scene: &Entry) -> Result<Planned, Wrong> {
        let text =
            |field: &Option<Spanned<String>>| field.as_ref().map_or("", |text| text.get_ref()).to_owned();
        let (variant, intensity) = (text(&scene.variant), text(&scene.intensity));
        Planned::new(scene.name.get_ref(), &variant, &intensity, *scene.at.get_ref())
            .map(|planned| Planned { line: self.line(&scene.name.span()), ..planned })
            .map_err(|(what, remedy)| self.wrong(scene.name.span(), what, remedy))
    }
}

/// A plant has so many devices.
pub fn check_size(devices: usize) -> Result<(), (String, String)> {
    if SIZES.contains(&devices) {
        return Ok(());
    }
    let (least, most) = (SIZES.start(), SIZES.end());
    Err((format!("a plant cannot have {devices} devices"), format!("choose a number from {least} to {most}")))
}

/// `127.11.0.0/16`: the first two octets.
pub fn parse_network(text: &str) -> Result<[u8; 2], (String, String)> {
    let octets =
        text.strip_suffix("/16").and_then(|address| address.parse::<Ipv4Addr>().ok()).map(|ip| ip.octets());
    match octets {
        Some([a, b, 0, 0]) => Ok([a, b]),
        _ => Err((
            format!("\"{text}\" is no network of 65,536 addresses"),
            "write it like 127.11.0.0/16".to_owned(),
        )),
    }
}

/// `HH:MM`: seconds after midnight.
pub fn parse_clock(text: &str) -> Result<u64, (String, String)> {
    let parts =
        text.split_once(':').and_then(|(h, m)| Some((h.parse::<u64>().ok()?, m.parse::<u64>().ok()?)));
    match parts {
        Some((hours @ 0..24, minutes @ 0..60)) => Ok(hours * 3600 + minutes * 60),
        _ => Err((format!("\"{text}\" is no time of day"), "write it like 08:30".to_owned())),
    }
}

fn unknown_plant(place: String, name: &str) -> Wrong {
    let known: Vec<_> = PLANTS.iter().map(|kind| kind.name).collect();
    Wrong {
        place,
        what: format!("no plant is called \"{name}\""),
        remedy: format!("choose one of {}, or give the path of a configuration file", known.join(", ")),
    }
}

/// How many addresses a plant has unless told otherwise.
const DEVICES: usize = 50;

#[cfg(test)]
mod tests;
