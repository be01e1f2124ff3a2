//! The isolation forest (Liu, Ting, Zhou: ICDM 2008): rows that random cuts separate early are rare.
//!
//! Each tree is kept as a full binary tree of fixed depth in flat arrays, a path that ended early being
//! continued to the left. So scoring has no branch that could be mispredicted, and several rows go down
//! one tree side by side.

use fastrand::Rng;
use serde::{Deserialize, Serialize};

/// A trained forest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forest {
    trees: Vec<Tree>,
    columns: usize,
    /// Path length by which the mean one is measured.
    unit: f32,
}

/// How a forest is trained.
#[derive(Clone, Copy, Debug)]
pub struct ForestConfig {
    /// How many trees.
    pub trees: usize,
    /// How many rows each tree sees.
    pub sample: usize,
}

impl Default for ForestConfig {
    fn default() -> Self {
        Self { trees: 100, sample: 256 }
    }
}

/// A tree: node n continues at 2n+1 and 2n+2; the place reached at the bottom holds the path length.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Flat", into = "Flat")]
struct Tree {
    cuts: [Cut; NODES],
    paths: [f32; LEAVES],
}

/// A tree as it is written: of cuts only those that cut.
#[derive(Serialize, Deserialize)]
struct Flat {
    cuts: Vec<(u16, u16, f32)>,
    paths: Vec<f32>,
}

impl From<Tree> for Flat {
    fn from(tree: Tree) -> Self {
        let cuts = (0..).zip(tree.cuts).filter(|(_, cut)| cut.at != f32::INFINITY);
        Self {
            cuts: cuts.map(|(node, cut)| (node, cut.column, cut.at)).collect(),
            paths: tree.paths.to_vec(),
        }
    }
}

impl TryFrom<Flat> for Tree {
    type Error = &'static str;

    fn try_from(flat: Flat) -> Result<Self, Self::Error> {
        let mut tree = Self::new();
        for (node, column, at) in flat.cuts {
            *tree.cuts.get_mut(usize::from(node)).ok_or("a cut outside the tree")? = Cut { at, column };
        }
        tree.paths = flat.paths.try_into().map_err(|_| "another number of leaves")?;
        Ok(tree)
    }
}

/// To the left is what is at most `at`, or is no number.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    at: f32,
    column: u16,
}

impl Forest {
    /// Trains a forest on `rows`, each of `columns` values.
    pub fn train(rows: &[f32], columns: usize, config: ForestConfig, chance: &mut Rng) -> Self {
        let count = rows.len() / columns.max(1);
        let sample = config.sample.min(count).min(LEAVES);
        let depth = (sample.max(2) as f32).log2().ceil() as usize;
        let trees = (0..config.trees).map(|_| {
            let mut picked = chance.choose_multiple(0..count, sample);
            let mut growing = Growing { rows, columns, depth, chance, tree: Tree::new() };
            growing.grow(&mut picked, 0, 0);
            growing.tree
        });
        Self { trees: trees.collect(), columns, unit: mean_path(sample) }
    }

    /// Whether it can score rows of so many values.
    pub fn fits(&self, columns: usize) -> bool {
        let within = |cut: &Cut| usize::from(cut.column) < columns;
        self.columns == columns && self.trees.iter().all(|tree| tree.cuts.iter().all(within))
    }

    /// The score of a row: near 1 it is rare, well under 0.5 it is common.
    pub fn score(&self, row: &[f32]) -> f32 {
        let mut score = [0.0];
        self.scores(row, &mut score);
        score[0]
    }

    /// The scores of many rows.
    pub fn scores(&self, rows: &[f32], scores: &mut [f32]) {
        let trees = self.trees.len() as f32;
        for (rows, scores) in rows.chunks(BLOCK * self.columns).zip(scores.chunks_mut(BLOCK)) {
            scores.fill(0.0);
            for tree in &self.trees {
                tree.add(rows, self.columns, scores);
            }
            for score in scores {
                *score = (-*score / trees / self.unit).exp2();
            }
        }
    }

    /// How much each column did to separate this row: the share of the depth that its cuts saved against
    /// the mean path. Writes one number per column, the largest first to blame.
    pub fn blame(&self, row: &[f32], blame: &mut [f32]) {
        blame.fill(0.0);
        for tree in &self.trees {
            tree.blame(row, self.unit, blame);
        }
    }
}

impl Tree {
    const fn new() -> Self {
        Self { cuts: [Cut { at: f32::INFINITY, column: 0 }; NODES], paths: [0.0; LEAVES] }
    }

    /// Adds the path length of each row.
    fn add(&self, rows: &[f32], columns: usize, sums: &mut [f32]) {
        let mut eight = rows.chunks_exact(8 * columns);
        let mut places = sums.chunks_exact_mut(8);
        for (rows, sums) in (&mut eight).zip(&mut places) {
            let mut nodes = [0_usize; 8];
            for _ in 0..DEPTH {
                for (nth, node) in nodes.iter_mut().enumerate() {
                    *node = self.next(*node, &rows[nth * columns..]);
                }
            }
            for (sum, node) in sums.iter_mut().zip(nodes) {
                *sum += self.path(node);
            }
        }
        for (row, sum) in eight.remainder().chunks_exact(columns).zip(places.into_remainder()) {
            let node = (0..DEPTH).fold(0, |node, _| self.next(node, row));
            *sum += self.path(node);
        }
    }

    #[inline]
    fn next(&self, node: usize, row: &[f32]) -> usize {
        // The mask says what is so anyway: a node lies in the tree.
        let cut = self.cuts[node & (NODES - 1)];
        2 * node + 1 + usize::from(row[usize::from(cut.column)] > cut.at)
    }

    #[inline]
    const fn path(&self, node: usize) -> f32 {
        self.paths[(node + 1) & (LEAVES - 1)]
    }

    fn blame(&self, row: &[f32], unit: f32, blame: &mut [f32]) {
        let node = (0..DEPTH).fold(0, |node, _| self.next(node, row));
        let saved = (unit - self.path(node)).max(0.0) / unit;
        let mut node = 0;
        let mut cuts = 0.0_f32;
        let mut path = [0_u16; DEPTH];
        for place in &mut path {
            let cut = self.cuts[node & (NODES - 1)];
            if cut.at == f32::INFINITY {
                break;
            }
            *place = cut.column;
            cuts += 1.0;
            node = self.next(node, row);
        }
        for column in &path[..cuts as usize] {
            blame[usize::from(*column)] += saved / cuts;
        }
    }
}

/// A tree that grows.
struct Growing<'a> {
    rows: &'a [f32],
    columns: usize,
    depth: usize,
    chance: &'a mut Rng,
    tree: Tree,
}

impl Growing<'_> {
    /// Cuts the rows `picked`, which lie below `node` at `level`.
    fn grow(&mut self, picked: &mut [usize], node: usize, level: usize) {
        let cut = if level < self.depth && picked.len() > 1 { self.cut(picked) } else { None };
        let Some(cut) = cut else {
            self.end(node, level, level as f32 + mean_path(picked.len()));
            return;
        };
        self.tree.cuts[node] = cut;
        let left = partition(picked, |row| self.rows[row * self.columns + usize::from(cut.column)] <= cut.at);
        let (below, above) = picked.split_at_mut(left);
        self.grow(below, 2 * node + 1, level + 1);
        self.grow(above, 2 * node + 2, level + 1);
    }

    /// A place between least and most of a column by chance, among those whose values differ.
    fn cut(&mut self, picked: &[usize]) -> Option<Cut> {
        let first = self.chance.usize(..self.columns);
        let mut columns: Option<Vec<u16>> = None;
        for attempt in 0..self.columns {
            // Most columns vary; only when one does not are all of them shuffled.
            let column = if attempt == 0 {
                first
            } else {
                let order = columns.get_or_insert_with(|| {
                    let mut order: Vec<u16> =
                        (0..self.columns as u16).filter(|c| usize::from(*c) != first).collect();
                    self.chance.shuffle(&mut order);
                    order
                });
                usize::from(order[attempt - 1])
            };
            let values = picked.iter().map(|row| self.rows[row * self.columns + column]);
            let (least, most) = values.fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), value| {
                (least.min(value), most.max(value))
            });
            if least < most {
                let at = least + (most - least) * self.chance.f32();
                // Rounding must leave the largest value on the right.
                let at = if at >= most { least } else { at };
                return Some(Cut { at, column: column as u16 });
            }
        }
        None
    }

    /// A path ends at `node`: it goes on to the left until the bottom.
    fn end(&mut self, mut node: usize, level: usize, path: f32) {
        for _ in level..DEPTH {
            node = 2 * node + 1;
        }
        self.tree.paths[node + 1 - LEAVES] = path;
    }
}

/// Puts those that fit first; tells how many they are.
fn partition(items: &mut [usize], fits: impl Fn(usize) -> bool) -> usize {
    let mut first = 0;
    for at in 0..items.len() {
        if fits(items[at]) {
            items.swap(first, at);
            first += 1;
        }
    }
    first
}

/// The mean path to one of `count` rows in a tree that cuts until all are alone.
fn mean_path(count: usize) -> f32 {
    match count {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let n = count as f64;
            (2.0 * ((n - 1.0).ln() + EULER) - 2.0 * (n - 1.0) / n) as f32
        }
    }
}

const EULER: f64 = 0.577_215_664_901_532_9;
/// As deep as 256 rows need it.
const DEPTH: usize = 8;
const LEAVES: usize = 1 << DEPTH;
/// One more than there are nodes, so that a mask bounds them.
const NODES: usize = LEAVES;
/// Rows that go through all trees before the next do: they stay in the nearest cache.
const BLOCK: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_apart_scores_high() {
        let mut chance = Rng::with_seed(7);
        let mut rows: Vec<f32> = (0..1000).flat_map(|_| [chance.f32(), chance.f32(), 5.0]).collect();
        rows.extend_from_slice(&[3.0, 0.5, 5.0]);
        let forest = Forest::train(&rows, 3, ForestConfig::default(), &mut chance);
        let mut scores = vec![0.0; 1001];
        forest.scores(&rows, &mut scores);
        let most = scores[..1000].iter().copied().fold(0.0, f32::max);
        assert!(scores[1000] > most, "{} against {most}", scores[1000]);
        let mut blame = [0.0; 3];
        forest.blame(&[3.0, 0.5, 5.0], &mut blame);
        assert!(blame[0] > blame[1] && blame[2] == 0.0, "{blame:?}");
    }

    #[test]
    fn one_row_scores_as_it_does_among_many() {
        let mut chance = Rng::with_seed(1);
        let rows: Vec<f32> = (0..37 * 4).map(|_| chance.f32()).collect();
        let forest = Forest::train(&rows, 4, ForestConfig { trees: 20, sample: 16 }, &mut chance);
        let mut scores = vec![0.0; 37];
        forest.scores(&rows, &mut scores);
        for (row, score) in rows.chunks(4).zip(scores) {
            assert_eq!(forest.score(row), score);
        }
    }

    #[test]
    fn rows_that_are_all_the_same_or_no_numbers_are_borne() {
        let mut chance = Rng::with_seed(1);
        let forest = Forest::train(&[2.0; 40], 2, ForestConfig::default(), &mut chance);
        assert!(forest.score(&[2.0, 2.0]).is_finite());
        assert!(forest.score(&[f32::NAN, f32::INFINITY]).is_finite());
        let empty = Forest::train(&[], 2, ForestConfig::default(), &mut chance);
        assert!(empty.score(&[1.0, 1.0]).is_finite() || empty.score(&[1.0, 1.0]).is_nan());
    }
}
