//! The score above which something is told. It is set on normal traffic that nothing was learnt from,
//! for a stated rate of false alarms, and that rate is rarer than what a day can show: above the scores
//! that were seen, the tail is taken to fall off as it did within them.

use serde::{Deserialize, Serialize};

/// A rule: so many scores in a row above a limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Scores must lie above it.
    pub limit: f32,
    /// How many in a row.
    pub in_a_row: u32,
}

/// Counts how many scores in a row lay above.
#[derive(Clone, Copy, Debug, Default)]
pub struct Above(u32);

impl Threshold {
    /// The threshold that normal scores pass once in `alarm_steps` steps. `runs` are scores in order of
    /// time, one run for each stretch without a gap.
    ///
    /// Neighbouring scores share eleven of twelve steps, so one odd moment raises many of them: not
    /// scores are counted but blocks of two minutes, each by its worst moment that the rule would have
    /// told. The limit is never below the worst block (the conformal quantile of all that was seen), and
    /// where the rate asks for more, it follows the tail of the highest quarter (Hill, 1975).
    pub fn calibrate(runs: &[Vec<f32>], in_a_row: u32, alarm_steps: f64) -> Option<Self> {
        let mut blocks = Vec::new();
        for run in runs {
            let lasting: Vec<f32> = run
                .windows(in_a_row.max(1) as usize)
                .map(|scores| scores.iter().copied().fold(f32::INFINITY, f32::min))
                .filter(|score| score.is_finite())
                .collect();
            blocks.extend(lasting.chunks(BLOCK).map(|block| block.iter().copied().fold(0.0, f32::max)));
        }
        blocks.sort_by(|one, other| other.total_cmp(one));
        let tail = blocks.len() / 4;
        let (Some(worst), Some(edge)) = (blocks.first(), blocks.get(tail)) else { return None };
        if tail < LEAST_TAIL {
            return None;
        }
        let edge = edge.max(f32::MIN_POSITIVE);
        let above = blocks[..tail].iter().map(|score| f64::from(score / edge).ln()).sum::<f64>();
        let slope = above / tail as f64;
        let share = tail as f64 / blocks.len() as f64;
        let far = f64::from(edge) * (share * alarm_steps / BLOCK as f64).powf(slope);
        let limit = (far as f32).max(worst * (1.0 + LEAST_MARGIN));
        limit.is_finite().then_some(Self { limit, in_a_row })
    }

    /// The mean of scores, each at most the limit: what is usual.
    pub fn usual(&self, runs: &[Vec<f32>]) -> f32 {
        let scores = || runs.iter().flatten().filter(|score| score.is_finite());
        let sum: f64 = scores().map(|score| f64::from(score.min(self.limit))).sum();
        (sum / scores().count().max(1) as f64) as f32
    }

    /// Whether it can serve; it may come from a file.
    pub fn fits(&self) -> bool {
        self.limit.is_finite() && self.limit > 0.0 && (1..=60).contains(&self.in_a_row)
    }

    /// A score came; tells whether enough in a row lie above.
    pub fn passed(&self, score: f32, above: &mut Above) -> bool {
        above.0 = if score > self.limit { above.0.saturating_add(1) } else { 0 };
        above.0 >= self.in_a_row
    }
}

/// Steps of a block: two minutes, so that no two blocks that are not neighbours share a step.
const BLOCK: usize = 24;
/// A tail of fewer blocks says nothing.
const LEAST_TAIL: usize = 5;
const LEAST_MARGIN: f32 = 0.05;

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    /// Scores as they come: each is the mean of twelve moments, most of them small.
    fn scores(chance: &mut Rng, count: usize) -> Vec<f32> {
        let moments: Vec<f32> = (0..count + 11).map(|_| 0.5 - (1.0 - chance.f32()).ln()).collect();
        moments.windows(12).map(|twelve| twelve.iter().sum::<f32>() / 12.0).collect()
    }

    #[test]
    fn false_alarms_are_as_rare_as_was_asked_for() {
        let mut chance = Rng::with_seed(9);
        let (mut alarms, mut weeks) = (0, 0.0);
        for _ in 0..20 {
            let threshold = Threshold::calibrate(&[scores(&mut chance, 5184)], 2, 60_480.0).unwrap();
            let mut above = Above::default();
            let watched = scores(&mut chance, 120_960);
            alarms += watched.iter().filter(|score| threshold.passed(**score, &mut above)).count();
            weeks += 2.0;
        }
        // One a week was asked for; neighbours that share a cause count severally here.
        assert!(f64::from(alarms as u32) < 3.0 * weeks, "{alarms} in {weeks} weeks");
    }

    #[test]
    fn no_score_of_calibration_alarms_and_too_few_set_no_threshold() {
        let mut chance = Rng::with_seed(4);
        let mut calm = scores(&mut chance, 2000);
        calm[700] = 9.0;
        let threshold = Threshold::calibrate(&[calm.clone()], 1, 241_920.0).unwrap();
        assert!(threshold.limit > 9.0 && threshold.fits());
        let twice = Threshold::calibrate(&[calm.clone()], 2, 241_920.0).unwrap();
        assert!(twice.limit < threshold.limit, "one moment alone does not count where two must follow");
        assert_eq!(Threshold::calibrate(&[calm[..200].to_vec()], 2, 241_920.0), None);
        assert_eq!(Threshold::calibrate(&[vec![f32::NAN; 2000]], 2, 241_920.0), None);
        assert_eq!(Threshold::calibrate(&[], 2, 241_920.0), None);
    }

    #[test]
    fn as_many_as_it_says_must_follow_each_other() {
        let threshold = Threshold { limit: 1.0, in_a_row: 2 };
        let mut above = Above::default();
        let told = [2.0, 0.5, 2.0, 2.0, 2.0, f32::NAN, 2.0].map(|score| threshold.passed(score, &mut above));
        assert_eq!(told, [false, false, false, true, true, false, false]);
    }
}
