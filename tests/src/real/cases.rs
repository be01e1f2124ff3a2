//! What is learnt and what is watched, by what the captures are. Each is cut by time: what is learnt
//! from is never watched. A capture with no normal part is merged into a recorded plant, its addresses
//! kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use fieldward_agent::score::Labels;
use serde_json::{Value, json};

use super::techniques::{Named, STRETCHES, WHOLE, named};
use super::{Packets, merge};

/// Captures that are learnt from alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Attacks in plants of others; learnt from their own normal part.
    Plant,
    /// Normal traffic of others: the first part is learnt, the rest must stay quiet.
    Calm,
    /// Attacks on MQTT, merged into the benign capture of the same set.
    Mqtt,
    /// Attacks on other things, merged into a recorded plant.
    Foreign,
    /// Made by a generator, a capture per technique, merged likewise.
    Synthetic,
}

/// One thing to examine.
pub struct Case {
    /// Of which group.
    pub group: Group,
    /// What it is called.
    pub name: String,
    /// What is learnt from; the same number means the same.
    pub learn: (usize, Vec<Packets>),
    /// What is watched.
    pub watch: Packets,
    /// What is true of it, in the project's format.
    pub labels: Value,
    /// The intruder whose idle talk between attacks counts for nothing.
    pub chatter: Option<&'static str>,
}

impl Group {
    /// All.
    pub const ALL: [Self; 5] = [Self::Plant, Self::Calm, Self::Mqtt, Self::Foreign, Self::Synthetic];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plant => "plants of others",
            Self::Calm => "normal traffic of others",
            Self::Mqtt => "MQTT attacks",
            Self::Foreign => "scans, tunnels, web attacks",
            Self::Synthetic => "one technique each (generated)",
        }
    }
}

impl Case {
    /// The labels as the agent reads them.
    pub fn labels(&self) -> Result<Labels> {
        Ok(serde_json::from_value(self.labels.clone())?)
    }
}

/// Every case there is; `plant` is a recorded plant: what to learn from, and what to merge into.
pub fn cases(folder: &Path, plant: Option<(&Packets, &Packets)>) -> Result<Vec<Case>> {
    let mut all = Vec::new();
    for group in Group::ALL {
        all.extend(of(group, folder, plant, all.len())?);
    }
    Ok(all)
}

/// The cases of a group.
pub fn of(
    group: Group,
    folder: &Path,
    plant: Option<(&Packets, &Packets)>,
    number: usize,
) -> Result<Vec<Case>> {
    match (group, plant) {
        (Group::Plant, _) => plants(&folder.join("modbus-attack"), number),
        (Group::Calm, _) => calm(folder, number),
        (Group::Mqtt, _) => mqtt(&folder.join("mqtt-attack"), number),
        (Group::Foreign, Some(plant)) => {
            let mut files = Vec::new();
            for name in ["scan", "http-attack", "dns-tunnel"] {
                files.extend(captures(&folder.join(name))?);
            }
            files.push(folder.join("modbus-attack/lemay_channel_4d_12s.pcap"));
            foreign(group, &files, plant)
        }
        (Group::Synthetic, Some(plant)) => {
            foreign(group, &captures(&folder.join("synthetic-technique"))?, plant)
        }
        (Group::Foreign | Group::Synthetic, None) => Ok(Vec::new()),
    }
}

fn plants(folder: &Path, number: usize) -> Result<Vec<Case>> {
    let read = |name: &str| Packets::read(&folder.join(name));
    let marks = |name: &str| Marks::read(&folder.join(name));
    let mut all = Vec::new();
    let mut case = |name: &str, learn, watch: Packets, attacks, chatter, ignore: &[(f64, f64)]| {
        let labels = labels(name, &watch, attacks, ignore);
        let learn = (number + all.len(), learn);
        all.push(Case { group: Group::Plant, name: name.to_owned(), learn, watch, labels, chatter });
    };
    // One plant, three captures in the order of their time: what came before the first attack of each.
    let two_files = read("lemay_moving_two_files_modbus_6RTU.pcap")?;
    let marked = marks("lemay_moving_two_files_modbus_6RTU_labeled.csv")?.attacks(&two_files, 10.0);
    let before = two_files.cut(0.0, first(&marked) - two_files.span().0);
    let rest = two_files.cut(first(&marked) - two_files.span().0, f64::MAX);
    case("lemay moving two files", vec![before.clone()], rest, marked, None, &[]);
    let upload = read("lemay_CnC_uploading_exe_modbus_6RTU_with_operate.pcap")?;
    let marked =
        marks("lemay_CnC_uploading_exe_modbus_6RTU_with_operate_labeled.csv")?.attacks(&upload, 10.0);
    let calm = upload.cut(0.0, first(&marked) - upload.span().0);
    let rest = upload.cut(first(&marked) - upload.span().0, f64::MAX);
    let earlier = vec![before, calm];
    case("lemay uploading exe", earlier.clone(), rest, marked, None, &[]);
    let reading = read("lemay_characterization_modbus_6RTU_with_operate.pcap")?;
    let marked =
        marks("lemay_characterization_modbus_6RTU_with_operate_labeled.csv")?.attacks(&reading, 60.0);
    case("lemay characterization", earlier, reading, marked, None, &[]);
    // Another plant; after the last attack a device stays silent until it is reset.
    let silenced = read("simlab_24-13_12.pcap")?;
    let marked = marks("simlab_24-13_12_labels.csv")?.attacks(&silenced, 30.0);
    let begin = silenced.span().0;
    let calm = silenced.cut(0.0, first(&marked) - begin);
    let rest = silenced.cut(first(&marked) - begin, f64::MAX);
    let reset = [(begin + 401.0, begin + 480.0)];
    case("simlab 24-13_12", vec![calm], rest, marked, Some(INTRUDER), &reset);
    // A third one. Its captures begin with the attack: what follows the last attack, when its effects
    // are over, teaches what is normal.
    let names = ["simlab_26-33_37", "simlab_29-46_04", "simlab_29-35_20"];
    let (from, mut captured) = ([124.0, 98.0, 98.0], Vec::new());
    for name in names {
        captured.push((read(&format!("{name}.pcap"))?, marks(&format!("{name}_labels.csv"))?));
    }
    for (nth, (packets, marked)) in captured.iter().enumerate() {
        let mut others: Vec<Packets> = Vec::new();
        for (other, (packets, _)) in captured.iter().enumerate().filter(|(other, _)| *other != nth) {
            others.push(packets.cut(from[other], f64::MAX));
        }
        others.sort_by(|one, other| one.span().0.total_cmp(&other.span().0));
        // Between captures all was started anew, with other network cards: what comes last of the
        // capture itself teaches them, and is not watched.
        others.push(packets.cut(from[nth], f64::MAX));
        let begin = packets.span().0;
        let reset = [(begin + 110.0, begin + 124.0)];
        let ignore = if nth == 0 { &reset[..] } else { &[] };
        let attacks = marked.attacks(packets, 30.0);
        case(names[nth], others, packets.cut(0.0, from[nth]), attacks, Some(INTRUDER), ignore);
    }
    // A controller goes silent ten seconds in; the flood that does it is not in the capture.
    let silent = read("scadalab_scada_PC_UDP_Port28784_192.168.250.2.pcapng")?;
    let begin = silent.span().0;
    let attack = Attack {
        start: begin + 10.0,
        end: begin + 90.0,
        name: "controller silent".to_owned(),
        kind: "context",
        src: Vec::new(),
        dst: vec!["192.168.250.2".to_owned()],
    };
    let rest = silent.cut(9.5, f64::MAX);
    case("scada lab", vec![silent.cut(0.0, 9.5)], rest, vec![attack], None, &[]);
    Ok(all)
}

fn calm(folder: &Path, number: usize) -> Result<Vec<Case>> {
    let mut all = Vec::new();
    let mut files = captures(&folder.join("modbus-normal"))?;
    files.push(folder.join("mqtt-attack/mqttset_benign-train.pcap"));
    for file in files {
        let packets = Packets::read(&file)?;
        let (start, end) = packets.span();
        let name = stem(&file);
        // Captures of several places and times in one file are no plant.
        if !(30.0..=LONGEST).contains(&(end - start)) || packets.0.len() < 200 || name.contains("arkime") {
            continue;
        }
        let cut = (end - start) * 0.6;
        let watch = packets.cut(cut, f64::MAX);
        let labels = labels(&name, &watch, Vec::new(), &[]);
        let learn = (number + all.len(), vec![packets.cut(0.0, cut)]);
        all.push(Case { group: Group::Calm, name, learn, watch, labels, chatter: None });
    }
    Ok(all)
}

fn mqtt(folder: &Path, number: usize) -> Result<Vec<Case>> {
    let benign = Packets::read(&folder.join("mqttset_benign-train.pcap"))?;
    let (start, end) = benign.span();
    let cut = (end - start) * 0.6;
    let (learn, rest) = (benign.cut(0.0, cut), benign.cut(cut, f64::MAX));
    let mut all = Vec::new();
    for file in captures(folder)?.iter().filter(|file| !stem(file).contains("benign")) {
        all.extend(merged(Group::Mqtt, file, (number, std::slice::from_ref(&learn)), &rest)?);
    }
    Ok(all)
}

fn foreign(group: Group, files: &[PathBuf], plant: (&Packets, &Packets)) -> Result<Vec<Case>> {
    let mut all = Vec::new();
    for file in files {
        let rest = plant.1.cut(0.0, 60.0 + LONGEST_FOREIGN + 60.0);
        all.extend(merged(group, file, (RECORDED, std::slice::from_ref(plant.0)), &rest)?);
    }
    Ok(all)
}

/// A capture in the midst of another, its addresses kept; none for a capture whose kind is not known.
fn merged(group: Group, file: &Path, learn: (usize, &[Packets]), calm: &Packets) -> Result<Option<Case>> {
    let name = stem(file);
    let Some(Named(_, technique, others)) = named(WHOLE, &name) else { return Ok(None) };
    let at = calm.span().0 + 60.0;
    let attack = Packets::read(file)?.cut(0.0, LONGEST_FOREIGN).moved(at);
    let (start, end) = attack.span();
    let slow = matches!(*technique, "T0869" | "T0859" | "T0812");
    let watch = merge(calm, &attack);
    let mut labels = labels(&name, &watch, Vec::new(), &[]);
    labels["attacks"] = json!([{
        "start": start, "end": end, "name": name, "technique": technique, "acceptable": others,
        "grade": "B", "kind": if slow { "context" } else { "fast" }, "src": attack.hosts(),
    }]);
    let learn = (learn.0, learn.1.to_vec());
    Ok(Some(Case { group, name, learn, watch, labels, chatter: None }))
}

/// A stretch of attack.
struct Attack {
    start: f64,
    end: f64,
    name: String,
    kind: &'static str,
    src: Vec<String>,
    dst: Vec<String>,
}

/// Which packets are an attack's, and of which: row n is packet n.
struct Marks(Vec<Option<String>>);

impl Marks {
    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let name = stem(path);
        // Until the 26th of August attacks are numbered from 0, afterwards from 1.
        let from = if name.starts_with("simlab_24") || name.starts_with("simlab_26") { 0 } else { 1 };
        let rows = text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
        let mark = |line: &str| {
            let parts: Vec<&str> = line.trim().split(';').collect();
            let kind = parts.get(2).and_then(|kind| kind.strip_prefix("attack")).map(str::to_owned);
            let numbered = |number: String| {
                let number = number.parse::<usize>().ok()?.checked_sub(from)?;
                KINDS.get(number).map(|kind| (*kind).to_owned())
            };
            let whole =
                || LEMAY.iter().find(|(word, _)| name.contains(word)).map(|(_, kind)| (*kind).to_owned());
            (parts.get(1) == Some(&"1")).then(|| kind.and_then(numbered).or_else(whole)).flatten()
        };
        Ok(Self(rows.map(mark).collect()))
    }

    /// Stretches with no longer pause than this.
    fn attacks(&self, packets: &Packets, pause: f64) -> Vec<Attack> {
        let mut all: Vec<Attack> = Vec::new();
        for (seen, kind) in packets.0.iter().zip(&self.0) {
            let Some(kind) = kind else { continue };
            let [from, to] = seen.ends().unwrap_or_default();
            let at = seen.at();
            match all.last_mut().filter(|last| last.name == *kind && at - last.end <= pause) {
                Some(last) => last.end = at,
                None => all.push(Attack {
                    start: at,
                    end: at,
                    name: kind.clone(),
                    kind: "fast",
                    src: Vec::new(),
                    dst: Vec::new(),
                }),
            }
            let known_intruder = from == INTRUDER || to == INTRUDER;
            if let Some(last) = all.last_mut() {
                for host in [from, to].into_iter().filter(|host| !host.is_empty() && !host.ends_with(".255"))
                {
                    let list = if known_intruder && host != INTRUDER { &mut last.dst } else { &mut last.src };
                    if !list.contains(&host) {
                        list.push(host);
                    }
                }
            }
        }
        all
    }
}

fn first(attacks: &[Attack]) -> f64 {
    attacks.iter().map(|attack| attack.start).fold(f64::MAX, f64::min)
}

fn labels(name: &str, watch: &Packets, attacks: Vec<Attack>, ignore: &[(f64, f64)]) -> Value {
    let (start, end) = watch.span();
    let mut listed = Vec::new();
    for attack in attacks {
        let Attack { start, end, name, kind, src, dst } = attack;
        let mut one = BTreeMap::from([
            ("start", json!(start)),
            ("end", json!(end)),
            ("name", json!(name)),
            ("kind", json!(kind)),
            ("src", json!(src)),
            ("dst", json!(dst)),
        ]);
        if let Some(Named(_, technique, others)) = named(STRETCHES, &name) {
            one.insert("technique", json!(technique));
            one.insert("acceptable", json!(others));
            one.insert("grade", json!("A"));
        }
        listed.push(one);
    }
    let ignore: Vec<_> = ignore.iter().map(|(start, end)| json!({ "start": start, "end": end })).collect();
    json!({
        "file": name, "plant": name, "attacks": listed, "ignore": ignore,
        "capture_start": start, "capture_end": end,
    })
}

fn captures(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| matches!(file.extension().and_then(|end| end.to_str()), Some("pcap" | "pcapng")));
    files.sort();
    Ok(files)
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The attacks of the simulated plants, by number.
const KINDS: [&str; 7] = [
    "address scan",
    "function code scan",
    "device identification",
    "sensor read",
    "sporadic injection",
    "force listen mode",
    "restart communication",
];
/// Captures with one kind of attack.
const LEMAY: &[(&str, &str)] = &[
    ("uploading_exe", "uploading exe"),
    ("moving_two_files", "moving two files"),
    ("characterization", "characterization"),
];
/// Who attacks the simulated plants.
const INTRUDER: &str = "192.168.0.1";
/// What is learnt for everything that is merged into the recorded plant.
const RECORDED: usize = usize::MAX;
/// Seconds: a longer capture is of several times.
const LONGEST: f64 = 3600.0;
/// So much of a capture is merged.
const LONGEST_FOREIGN: f64 = 150.0;
