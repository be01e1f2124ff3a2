//! The isolation forest on the public sets of ADBench, beside what scikit-learn reaches on them. Skips
//! loudly where the sets are absent.

use std::fs;
use std::io::Read;
use std::path::Path;

use fastrand::Rng;
use fieldward_agent::detect::forest::{Forest, ForestConfig};

#[test]
fn every_set_is_ranked_as_well_as_scikit_learn_ranks_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/adbench");
    let Ok(reference) = fs::read_to_string(folder.join("scikit-learn-reference.tsv")) else {
        eprintln!("SKIPPED: no sets in ../shared/data/adbench");
        return;
    };
    let (mut ours, mut theirs, mut wrong) = (0.0, 0.0, Vec::new());
    let mut sets = 0.0;
    for line in reference.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (name, auc, spread) = (columns[0], number(columns[5]), number(columns[6]));
        if auc < 0.5 {
            continue;
        }
        let (rows, width, labels) = load(&folder.join(name));
        let runs: Vec<f64> = (0..SEEDS).map(|seed| auc_of(&rows, width, &labels, seed)).collect();
        let mean = runs.iter().sum::<f64>() / runs.len() as f64;
        let sd = (runs.iter().map(|run| (run - mean).powi(2)).sum::<f64>() / runs.len() as f64).sqrt();
        println!("{name}: ours {mean:.4} ± {sd:.4}, scikit-learn {auc:.4} ± {spread:.4}");
        if (mean - auc).abs() > (3.0 * spread).max(0.005) {
            wrong.push(format!("{name}: {mean:.4} against {auc:.4} ± {spread:.4}"));
        }
        (ours, theirs, sets) = (ours + mean, theirs + auc, sets + 1.0);
    }
    println!("mean: ours {:.4}, scikit-learn {:.4}", ours / sets, theirs / sets);
    assert!(sets > 15.0, "too few sets");
    assert!(wrong.is_empty(), "beyond three standard deviations: {}", wrong.join("; "));
    assert!(((ours - theirs) / sets).abs() < 0.01);
}

fn auc_of(rows: &[f32], width: usize, labels: &[bool], seed: u64) -> f64 {
    let forest = Forest::train(rows, width, ForestConfig::default(), &mut Rng::with_seed(seed));
    let mut scores = vec![0.0; labels.len()];
    forest.scores(rows, &mut scores);
    let mut ranked: Vec<(f32, bool)> = scores.into_iter().zip(labels.iter().copied()).collect();
    ranked.sort_by(|one, other| one.0.total_cmp(&other.0));
    // The mean rank of the anomalies, equal scores sharing theirs.
    let (mut sum, mut at) = (0.0, 0);
    while at < ranked.len() {
        let end = at + ranked[at..].iter().take_while(|one| one.0 == ranked[at].0).count();
        let rank = (at + 1 + end) as f64 / 2.0;
        sum += rank * ranked[at..end].iter().filter(|one| one.1).count() as f64;
        at = end;
    }
    let anomalies = labels.iter().filter(|label| **label).count() as f64;
    let normal = labels.len() as f64 - anomalies;
    (sum - anomalies * (anomalies + 1.0) / 2.0) / (anomalies * normal)
}

/// The rows, how wide they are, and which are anomalies.
fn load(path: &Path) -> (Vec<f32>, usize, Vec<bool>) {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).expect("a set")).expect("an archive");
    let mut array = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).expect("an array").read_to_end(&mut bytes).expect("readable");
        numpy(&bytes)
    };
    let (values, shape, columns_first) = array("X.npy");
    let (count, width) = (shape[0], shape[1]);
    let mut rows = vec![0.0; count * width];
    for (at, value) in values.into_iter().enumerate() {
        let place = if columns_first { at % count * width + at / count } else { at };
        rows[place] = value as f32;
    }
    (rows, width, array("y.npy").0.into_iter().map(|label| label > 0.5).collect())
}

/// Values, shape, and whether columns come first, of an array in numpy's format 1.0.
fn numpy(bytes: &[u8]) -> (Vec<f64>, Vec<usize>, bool) {
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length]).expect("a header");
    let after = |key: &str| header.split_once(key).expect("a key").1.trim_start_matches([':', ' ', '\'']);
    let kind = &after("'descr'")[..3];
    let shape = after("'shape'").split_once(')').expect("a shape").0;
    let shape = shape.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    let size = usize::from(kind.as_bytes()[2] - b'0');
    let values = bytes[10 + length..].chunks_exact(size).map(|item| {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(item);
        match &kind[1..] {
            "f8" => f64::from_le_bytes(wide),
            "f4" => f64::from(f32::from_le_bytes([item[0], item[1], item[2], item[3]])),
            kind if kind.starts_with('u') => u64::from_le_bytes(wide) as f64,
            // The sign stands in the last byte.
            _ => (i64::from_le_bytes(wide) << (64 - 8 * size) >> (64 - 8 * size)) as f64,
        }
    });
    (values.collect(), shape, after("'fortran_order'").starts_with("True"))
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

const SEEDS: u64 = 10;
