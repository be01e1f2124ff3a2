//! How long a prediction takes, and, to compare machines by, a plain product of matrices.

use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use fastrand::Rng;
use fieldward_aggregator::attack::Predictor;

/// Times predictions after histories of one to twelve techniques.
#[derive(Parser)]
struct Arguments {
    /// So many
    #[arg(long, default_value_t = 2000)]
    predictions: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let predictor = Predictor::shipped()?;
    let mut chance = Rng::with_seed(1);
    let techniques = &predictor.catalogue().ics.techniques;
    let mut took = Vec::with_capacity(arguments.predictions);
    for _ in 0..arguments.predictions {
        let seen: Vec<String> = (0..chance.usize(1..=12))
            .map(|_| techniques[chance.usize(..techniques.len())].id.clone())
            .collect();
        let begin = Instant::now();
        let answer = predictor.predict(&seen, 3);
        took.push(begin.elapsed().as_secs_f64() * 1e3);
        anyhow::ensure!(answer.next.len() == 3, "three are expected");
    }
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    println!(
        "predictions {}: p50 {:.3} ms, p99 {:.3} ms, most {:.3} ms",
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!("reference, 256 x 256 times 256 x 256: {:.3} ms", product(&mut chance));
    Ok(())
}

/// The median of 21 products in plain loops.
fn product(chance: &mut Rng) -> f64 {
    const SIDE: usize = 256;
    let [one, other] = [(); 2].map(|()| (0..SIDE * SIDE).map(|_| chance.f32()).collect::<Vec<f32>>());
    let mut took: Vec<f64> = (0..21)
        .map(|_| {
            let begin = Instant::now();
            let mut sums = vec![0.0_f32; SIDE * SIDE];
            for (sums, row) in sums.chunks_exact_mut(SIDE).zip(one.chunks_exact(SIDE)) {
                for (value, weights) in row.iter().zip(other.chunks_exact(SIDE)) {
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += value * weight);
                }
            }
            std::hint::black_box(&sums);
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}
