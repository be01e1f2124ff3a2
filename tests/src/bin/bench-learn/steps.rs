//! What a step of private training costs.

use anyhow::Result;
use fastrand::Rng;
use fieldward_agent::features::COUNT;
use fieldward_agent::learn::clipped::{clipped, one_by_one};
use fieldward_agent::learn::model::{Autoencoder, initial, layout};
use fieldward_agent::learn::steps::WIDTH;
use fieldward_shared::weights::WeightVector;
use fieldward_tests::cpu;

/// Ghost norms and a loop of examples.
pub fn steps() -> Result<()> {
    let mut chance = Rng::with_seed(1);
    let minutes: Vec<f32> = (0..64 * WIDTH).map(|_| chance.f32() * 4.0 - 2.0).collect();
    let weights = WeightVector::new(&layout(), initial(COUNT, 1))?;
    let network = Autoencoder::plain(&weights)?;
    let time = |what: &str, step: &dyn Fn()| {
        let mut took: Vec<f64> = (0..9)
            .map(|_| {
                let start = cpu::seconds();
                (0..5).for_each(|_| step());
                (cpu::seconds() - start) * 200.0
            })
            .collect();
        took.sort_by(f64::total_cmp);
        println!("{what:34} {:8.2} ms for 64 minutes", took[4]);
    };
    time("ghost norms", &|| drop(clipped(&network, &minutes, COUNT, 1.0)));
    time("a loop of minutes", &|| drop(one_by_one(&network, &minutes, COUNT, 1.0)));
    Ok(())
}
