//! A small convex problem: four kinds of points told apart by a linear model (softmax), at plants that see them in
//! different shares. What an honest plant sends is what it would send of any network: the change that its training
//! made, shortened to a norm.

use super::super::robust;

/// Numbers of a point, with a one at the end.
const FEATURES: usize = 11;
const KINDS: usize = 4;
pub const PLACES: usize = FEATURES * KINDS;
/// Points of a plant, steps of a round, and how far each goes.
const POINTS: usize = 60;
const STEPS: usize = 4;
const RATE: f64 = 0.5;
/// Norm to which honest plants shorten their update.
pub const CLIP: f64 = 1.0;

pub struct Point {
    at: [f64; FEATURES],
    kind: usize,
}

/// Plants with their points, and points that nobody learns from.
pub struct Task {
    pub plants: Vec<Vec<Point>>,
    held_back: Vec<Point>,
}

impl Task {
    /// `alpha` of Dirichlet: 0.1 is a plant that sees hardly more than one kind; none for the same shares everywhere.
    pub fn new(plants: usize, alpha: Option<f64>, seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let centres: Vec<[f64; FEATURES]> = (0..KINDS).map(|_| gaussian(&mut rng, 1.0)).collect();
        let point = |kind: usize, rng: &mut fastrand::Rng| {
            let noise = gaussian(rng, 1.0);
            let mut at = std::array::from_fn(|place| centres[kind][place] + noise[place]);
            at[FEATURES - 1] = 1.0;
            Point { at, kind }
        };
        let plants = (0..plants)
            .map(|_| {
                let shares = shares(&mut rng, alpha);
                (0..POINTS).map(|_| point(drawn(&mut rng, &shares), &mut rng)).collect()
            })
            .collect();
        let held_back = (0..2000).map(|nth| point(nth % KINDS, &mut rng)).collect();
        Self { plants, held_back }
    }

    /// In percent.
    pub fn accuracy(&self, weights: &[f32]) -> f64 {
        let right = self.held_back.iter().filter(|point| best(&chances(weights, &point.at)) == point.kind);
        right.count() as f64 * 100.0 / self.held_back.len() as f64
    }

    /// What a plant would change; with `flipped` it takes each kind for the next one.
    pub fn update(&self, plant: usize, weights: &[f32], flipped: bool) -> Vec<f32> {
        let mut own: Vec<f64> = weights.iter().map(|weight| f64::from(*weight)).collect();
        for _ in 0..STEPS {
            let now: Vec<f32> = own.iter().map(|weight| *weight as f32).collect();
            for point in &self.plants[plant] {
                let kind = if flipped { (point.kind + 1) % KINDS } else { point.kind };
                let chances = chances(&now, &point.at);
                for (nth, chance) in chances.into_iter().enumerate() {
                    let wrong = chance - f64::from(u8::from(nth == kind));
                    for (place, value) in point.at.iter().enumerate() {
                        own[nth * FEATURES + place] -= RATE * wrong * value / POINTS as f64;
                    }
                }
            }
        }
        let change: Vec<f32> =
            own.iter().zip(weights).map(|(own, weight)| (own - f64::from(*weight)) as f32).collect();
        let shorter = (CLIP / robust::norm(&change)).min(1.0);
        scaled(&change, shorter)
    }
}

pub fn scaled(change: &[f32], by: f64) -> Vec<f32> {
    change.iter().map(|value| (f64::from(*value) * by) as f32).collect()
}

fn chances(weights: &[f32], at: &[f64; FEATURES]) -> [f64; KINDS] {
    let scores: [f64; KINDS] = std::array::from_fn(|kind| {
        at.iter().enumerate().map(|(place, value)| f64::from(weights[kind * FEATURES + place]) * value).sum()
    });
    let most = scores.iter().copied().fold(f64::MIN, f64::max);
    let powers = scores.map(|score| (score - most).exp());
    let all: f64 = powers.iter().sum();
    powers.map(|power| power / all)
}

fn best(chances: &[f64; KINDS]) -> usize {
    (0..KINDS).max_by(|one, other| chances[*one].total_cmp(&chances[*other])).unwrap_or(0)
}

fn gaussian(rng: &mut fastrand::Rng, deviation: f64) -> [f64; FEATURES] {
    std::array::from_fn(|_| (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0).map(|one| one * deviation)
}

/// Dirichlet by gamma variates (Marsaglia and Tsang, raised for a shape below one).
fn shares(rng: &mut fastrand::Rng, alpha: Option<f64>) -> [f64; KINDS] {
    let Some(alpha) = alpha else { return [1.0 / KINDS as f64; KINDS] };
    let gammas: [f64; KINDS] = std::array::from_fn(|_| {
        let third = alpha + 1.0 - 1.0 / 3.0;
        loop {
            let normal = gaussian(rng, 1.0)[0];
            let cube = (1.0 + normal / (9.0 * third).sqrt()).powi(3);
            if cube > 0.0 && rng.f64().ln() < 0.5 * normal * normal + third * (1.0 - cube + cube.ln()) {
                return third * cube * rng.f64().powf(1.0 / alpha);
            }
        }
    });
    let all: f64 = gammas.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    gammas.map(|gamma| gamma / all)
}

fn drawn(rng: &mut fastrand::Rng, shares: &[f64; KINDS]) -> usize {
    let mut left = rng.f64();
    shares
        .iter()
        .position(|share| {
            left -= share;
            left < 0.0
        })
        .unwrap_or(KINDS - 1)
}
