use burn::tensor::Device;
use fastrand::Rng;
use fieldward_shared::weights::WeightVector;

use super::*;
use crate::learn::model::{Autoencoder, initial, layout, tensor};

#[test]
fn plain_loops_equal_the_trained_network() {
    let mut chance = Rng::with_seed(11);
    // Weights larger than the initial ones, so that gates saturate.
    let values =
        initial(COUNT, 4).into_iter().map(|value| value * 2.0 + 0.1 * (chance.f32() - 0.5)).collect();
    let weights = WeightVector::new(&layout(), values).unwrap();
    let device = Device::flex();
    let trained = Autoencoder::with(&weights, COUNT, &device).unwrap();
    let network = Network::new(&weights).unwrap();
    let minutes: Vec<f32> = (0..20 * WIDTH).map(|_| chance.f32() * 6.0 - 3.0).collect();
    let theirs =
        trained.forward(tensor(minutes.clone(), COUNT, &device)).into_data().try_into_vec::<f32>().unwrap();
    let mut ours = vec![0.0; WIDTH];
    for (minute, theirs) in minutes.chunks(WIDTH).zip(theirs.chunks(WIDTH)) {
        network.tell(minute, &mut ours);
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 1e-5, "{ours} against {theirs}");
        }
    }
}

#[test]
fn a_score_is_finite_or_above_nothing() {
    let weights = WeightVector::new(&layout(), initial(COUNT, 4)).unwrap();
    let mut judge = Retelling::new(Network::new(&weights).unwrap(), vec![1.0; COUNT]);
    assert!(judge.score(&vec![10.0; WIDTH]).is_finite());
    let threshold = Threshold { limit: 1.0, in_a_row: 1 };
    assert!(!threshold.passed(judge.score(&vec![f32::NAN; WIDTH]), &mut Default::default()));
}
