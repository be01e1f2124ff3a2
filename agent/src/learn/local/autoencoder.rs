//! The autoencoder among what plants learn together: all of its weights are shared; its last layer is then fitted
//! to the plant's own minutes, and so are threshold and what each feature counts.

use fieldward_shared::weights::{Misfit, WeightVector};

use crate::detect::autoencoder::own::{Own, threshold};
use crate::features::COUNT;
use crate::learn::clipped::{Summed, clipped};
use crate::learn::dataset::Scaler;
use crate::learn::learner::Judgement;
use crate::learn::model::{Autoencoder, layout};
use crate::learn::private::Task;
use crate::learn::steps::WIDTH;
use crate::learn::windows::Minute;

/// Minutes to learn from, scaled.
pub struct Minutes {
    scaled: Vec<f32>,
}

impl Minutes {
    /// Scales them.
    pub fn new(minutes: &[Minute], scaler: &Scaler) -> Self {
        let mut scaled = vec![0.0; minutes.len() * WIDTH];
        for (minute, scaled) in minutes.iter().zip(scaled.chunks_exact_mut(WIDTH)) {
            scaler.scale(&minute.values, scaled);
        }
        Self { scaled }
    }
}

impl Task for Minutes {
    fn examples(&self) -> usize {
        self.scaled.len() / WIDTH
    }

    fn clipped(&self, weights: &[f32], chosen: &[usize], clip: f64) -> Result<Summed, Misfit> {
        let weights = WeightVector::new(&layout(), weights.to_vec())?;
        let network = Autoencoder::plain(&weights)?;
        let rows = chosen.iter().flat_map(|at| &self.scaled[at * WIDTH..][..WIDTH]);
        Ok(clipped(&network, &rows.copied().collect::<Vec<_>>(), COUNT, clip))
    }
}

/// Judges a model against the one at work on minutes that nothing was learnt from.
pub fn judge(
    candidate: &mut Own,
    present: Option<&mut Own>,
    learn: &[Minute],
    held: &[Minute],
    measure: &Scaler,
) -> Judgement {
    let (losses, calm) = (candidate.losses(held, measure), calm(candidate, learn, held));
    let loss = mean(&losses);
    let (best, calm_now) = match present {
        Some(present) => {
            let is = mean(&present.losses(held, measure));
            (is * (1.0 + TOLERANCE), self::calm(present, learn, held))
        }
        // Nothing is at work: it must know more than the mean of all.
        None => (spread(held, measure), 0.0),
    };
    Judgement {
        windows: held.len() as u64,
        loss: loss as f32,
        accuracy: calm,
        present: calm_now,
        accepts: loss.is_finite() && loss <= best && calm + CALM_TOLERANCE >= calm_now.max(LEAST_CALM),
    }
}

/// Which share of held-back minutes stays below a threshold that is set by others: each half by the other, or,
/// where they are too few, all by those that were learnt from.
fn calm(model: &mut Own, learn: &[Minute], held: &[Minute]) -> f32 {
    let runs = model.scores(held);
    let half = |which: usize| -> Vec<Vec<f32>> { runs.iter().skip(which).step_by(2).cloned().collect() };
    let sets = if runs.len() < FEW {
        vec![(model.scores(learn), runs)]
    } else {
        vec![(half(0), half(1)), (half(1), half(0))]
    };
    let (mut below, mut all) = (0_u32, 0_u32);
    for (fits, judges) in sets {
        let Some(threshold) = threshold(&fits) else { return 0.0 };
        for score in judges.iter().flatten() {
            all += 1;
            below += u32::from(*score <= threshold.limit);
        }
    }
    below as f32 / all.max(1) as f32
}

/// The mean squared distance of minutes from their mean.
fn spread(minutes: &[Minute], measure: &Scaler) -> f64 {
    let Minutes { scaled } = Minutes::new(minutes, measure);
    let rows = (scaled.len() / COUNT).max(1) as f64;
    let (mut means, mut squares) = ([0.0_f64; COUNT], 0.0);
    for row in scaled.chunks_exact(COUNT) {
        means.iter_mut().zip(row).for_each(|(mean, value)| *mean += f64::from(*value) / rows);
        squares += row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / rows;
    }
    (squares - means.iter().map(|mean| mean * mean).sum::<f64>()) / COUNT as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// A loss that is so little larger is no worse: held-back minutes are few, and differ from day to day.
const TOLERANCE: f64 = 0.01;
const CALM_TOLERANCE: f32 = 0.005;
/// What calls so many calm minutes unusual takes nothing over.
const LEAST_CALM: f32 = 0.98;
/// Runs of held-back minutes that can be halved.
const FEW: usize = 6;
