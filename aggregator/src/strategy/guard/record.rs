//! What is remembered of a group: when it was doubted, whether it is shut out, and a sketch of what it said. A sketch
//! is 256 numbers whatever the network; angles between sketches are those between changes, give or take 1/16.

use serde::{Deserialize, Serialize};

use super::{Doubt, GroupKey};

/// A group, over rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Which.
    pub key: GroupKey,
    /// The round before which it does not come back, and why.
    pub shut: Option<(u64, Doubt)>,
    /// Rounds in which it was doubted, of the last ones.
    doubted: Vec<u64>,
    /// Of what it said last.
    last: Option<Sketch>,
    /// Of what it said so far when nobody doubted it, the latest counting most.
    past: Option<Sketch>,
}

/// A change, small.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sketch(Vec<f32>);

impl Record {
    /// Nothing is known of it.
    pub const fn new(key: GroupKey) -> Self {
        Self { key, shut: None, doubted: Vec::new(), last: None, past: None }
    }

    /// Whether it can be used, whatever wrote it.
    pub fn is_sound(&self) -> bool {
        let mut sketches = [&self.last, &self.past].into_iter().flatten();
        sketches.all(|sketch| sketch.0.len() == PLACES && sketch.0.iter().all(|value| value.is_finite()))
    }

    /// Notes a doubt; those older than `memory` rounds are forgotten.
    pub fn note(&mut self, round: u64, doubt: Option<Doubt>, memory: u64) {
        self.doubted.retain(|doubted| doubted.saturating_add(memory) > round);
        if doubt.is_some() {
            self.doubted.push(round);
        }
    }

    /// Doubts that still count.
    pub fn strikes(&self) -> u32 {
        u32::try_from(self.doubted.len()).unwrap_or(u32::MAX)
    }

    /// Notes what it said.
    pub fn said(&mut self, sketch: Sketch, is_trusted: bool) {
        if is_trusted {
            let length = sketch.norm().max(f64::MIN_POSITIVE);
            let past = self.past.get_or_insert_with(|| Sketch(vec![0.0; PLACES]));
            for (past, value) in past.0.iter_mut().zip(&sketch.0) {
                *past = (f64::from(*past) * KEPT + f64::from(*value) / length) as f32;
            }
        }
        self.last = Some(sketch);
    }

    /// Whether this is what it said last.
    pub fn repeats(&self, sketch: &Sketch) -> bool {
        self.last.as_ref().is_some_and(|last| {
            let far: f64 = last.0.iter().zip(&sketch.0).map(|(a, b)| f64::from(a - b).powi(2)).sum();
            let length = sketch.norm();
            length > 0.0 && far.sqrt() < length * SAME
        })
    }

    /// How far this goes the way of its past; nothing without one.
    pub fn along(&self, sketch: &Sketch) -> Option<f64> {
        self.past.as_ref().map(|past| super::robust::cosine(&past.0, &sketch.0))
    }
}

impl Sketch {
    /// Each place is added to one of few, with a sign; both by chance, and always the same.
    pub fn of(change: &[f32]) -> Self {
        let mut sums = vec![0.0_f64; PLACES];
        for (place, value) in change.iter().enumerate() {
            let chance = scattered(place as u64);
            let signed = if chance >> 63 == 0 { f64::from(*value) } else { -f64::from(*value) };
            sums[chance as usize % PLACES] += signed;
        }
        Self(sums.into_iter().map(|sum| sum as f32).collect())
    }

    fn norm(&self) -> f64 {
        super::robust::norm(&self.0)
    }
}

/// SplitMix64 of a place.
const fn scattered(place: u64) -> u64 {
    let mut x = place.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const PLACES: usize = 256;
/// Of the past, from round to round.
const KEPT: f64 = 0.7;
/// Nearer than this, of its length, is the same.
const SAME: f64 = 1e-3;
