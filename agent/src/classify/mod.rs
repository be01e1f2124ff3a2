//! Layer 2: which technique of ATT&CK for ICS an incident looks like, or whether it is a benign change.
//!
//! A small network reads the clues of an incident and answers with probabilities that mean what they say
//! (a temperature was fitted on data held back). It knows kinds of findings and rates, not addresses or
//! values, so what it learnt at one plant holds at another. Its weights are part of the program; they are
//! trained from simulated plants (`make models`).

mod familiar;
mod input;
mod network;
pub mod technique;

use serde::{Deserialize, Serialize};

use fieldward_shared::alert::Candidate;
use fieldward_shared::weights::{Layout, WeightVector};

use crate::model::{ModelError, pack, unpack};
pub use familiar::Familiar;
pub use input::{Case, INPUTS, Input};
use network::Network;

/// The answer that nothing bad happens.
pub const BENIGN: &str = "benign";

/// What is kept of a classifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Model {
    /// What the answers are: technique ids, and [`BENIGN`].
    pub classes: Vec<String>,
    /// The weights of the network.
    pub weights: WeightVector,
    /// What logits are divided by.
    pub temperature: f32,
    /// What it was taught of techniques.
    pub familiar: Familiar,
    /// Farther than this from what it was taught nothing is named that is not [`CLEAR`].
    pub unknown: f32,
}

/// Names incidents.
pub struct Classifier {
    classes: Vec<String>,
    network: Network,
    temperature: f32,
    familiar: Familiar,
    unknown: f32,
}

/// What an incident looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Techniques, likeliest first; they and `benign` add up to one.
    pub techniques: Vec<Candidate>,
    /// How likely nothing bad happens.
    pub benign: f32,
    /// It is too different from all that was taught, and no technique stands out.
    pub is_unknown: bool,
}

impl Answer {
    /// The techniques that are worth a word.
    pub fn likeliest(mut self) -> Vec<Candidate> {
        self.techniques.truncate(MOST_NAMED);
        self.techniques.retain(|one| one.probability >= LEAST_NAMED);
        self.techniques
    }
}

impl Model {
    /// The one that this program was built with.
    pub fn base() -> Result<Self, ModelError> {
        unpack(NAME, VERSION, BASE)
    }

    /// Of the bytes of a file; [`Classifier::load`] says whether it makes sense.
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        unpack(NAME, VERSION, bytes)
    }
}

impl Classifier {
    /// The one that this program was built with.
    pub fn base() -> Result<Self, ModelError> {
        Self::load(BASE)
    }

    /// From the bytes of a file.
    pub fn load(bytes: &[u8]) -> Result<Self, ModelError> {
        let model: Model = unpack(NAME, VERSION, bytes)?;
        let damaged = |why: String| ModelError::Damaged(why);
        if !(model.temperature.is_finite() && model.temperature > 0.0 && model.unknown.is_finite()) {
            return Err(damaged("its temperature is no number above 0".to_owned()));
        }
        if !model.familiar.is_sound() {
            return Err(damaged("the cases that it was taught are none".to_owned()));
        }
        if let Some(class) = model.classes.iter().find(|class| !is_known(class)) {
            return Err(damaged(format!("nothing is known of the technique {class}")));
        }
        let network = Network::new(&model.weights, model.classes.len())
            .map_err(|misfit| damaged(misfit.to_string()))?;
        let Model { classes, temperature, familiar, unknown, .. } = model;
        Ok(Self { classes, network, temperature, familiar, unknown })
    }

    /// The bytes of a file.
    pub fn save(model: &Model) -> Vec<u8> {
        pack(NAME, VERSION, model)
    }

    /// What the answers are, in the order of [`Self::probabilities`].
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The likelihood of each class.
    pub fn probabilities(&self, input: &Input) -> Vec<f32> {
        let mut logits = self.network.logits(input);
        logits.iter_mut().for_each(|logit| *logit /= self.temperature);
        softmax(&mut logits);
        logits
    }

    /// How far a case lies from what was taught of techniques.
    pub fn strangeness(&self, input: &Input) -> f32 {
        self.familiar.distance(input)
    }

    /// What a case looks like.
    pub fn answer(&self, case: &Case<'_>) -> Answer {
        let input = case.input();
        let shares = self.probabilities(&input);
        let mut benign = 0.0;
        let mut techniques = Vec::with_capacity(shares.len());
        for (class, probability) in self.classes.iter().zip(shares) {
            if class == BENIGN {
                benign = probability;
            } else {
                techniques.push(Candidate { technique: class.clone(), probability });
            }
        }
        techniques.sort_by(|one, other| {
            other.probability.total_cmp(&one.probability).then_with(|| one.technique.cmp(&other.technique))
        });
        let first = techniques.first().map_or(0.0, |first| first.probability);
        // Of what is no benign change, how sure is the first?
        let is_clear = first >= CLEAR * (1.0 - benign);
        Answer { techniques, benign, is_unknown: !is_clear && self.strangeness(&input) > self.unknown }
    }
}

/// The names and shapes of the weights for so many classes.
pub fn layout(classes: usize) -> Layout {
    let shapes: [(&str, &[usize]); 6] = [
        ("first", &[INPUTS, FIRST]),
        ("first bias", &[FIRST]),
        ("second", &[FIRST, SECOND]),
        ("second bias", &[SECOND]),
        ("output", &[SECOND, classes]),
        ("output bias", &[classes]),
    ];
    Layout::new(shapes)
}

/// Makes probabilities of logits.
pub fn softmax(values: &mut [f32]) {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    values.iter_mut().for_each(|value| *value = (*value - most).exp());
    let sum: f32 = values.iter().sum();
    values.iter_mut().for_each(|value| *value /= sum);
}

fn is_known(class: &str) -> bool {
    class == BENIGN || technique::technique(class).is_some()
}

/// Numbers in the hidden layers.
pub const FIRST: usize = 64;
/// In the second.
pub const SECOND: usize = 32;
/// A technique so much likelier than all others is named also where the case is a strange one: no plant is
/// quite like those that were simulated.
const CLEAR: f32 = 0.5;
/// Techniques that are told with an alert, and how likely each must be.
const MOST_NAMED: usize = 5;
const LEAST_NAMED: f32 = 0.01;
/// Its name in a model directory, when plants have learnt another than the shipped one.
pub const FILE: &str = "classifier.bin";
const NAME: &str = "classifier";
const VERSION: u32 = 2;
/// Trained by `make models`.
const BASE: &[u8] = include_bytes!("../../models/classifier.bin");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::clues::Clues;
    use crate::alert::surge::Pulses;

    #[test]
    fn the_base_answers_with_probabilities_and_damage_is_refused() {
        let classifier = Classifier::base().unwrap();
        assert!(classifier.classes().iter().any(|class| class == BENIGN));
        let (clues, surge) = (Clues::default(), Pulses::default().begin());
        let case = Case {
            clues: &clues,
            surge: &surge,
            stranger: false,
            has_actor: true,
            targets: 0,
            findings: 0,
            seconds: 0,
        };
        let answer = classifier.answer(&case);
        let sum: f32 = answer.techniques.iter().map(|one| one.probability).sum::<f32>() + answer.benign;
        assert!((sum - 1.0).abs() < 1e-4);
        assert!(answer.techniques.windows(2).all(|two| two[0].probability >= two[1].probability));
        assert!(answer.clone().likeliest().len() <= 5);
        for at in (0..BASE.len()).step_by(97) {
            let mut damaged = BASE.to_vec();
            damaged[at] ^= 1;
            assert!(Classifier::load(&damaged).is_err(), "byte {at}");
        }
        assert!(Classifier::load(&[]).is_err());
    }

    #[test]
    fn a_model_that_makes_no_sense_is_refused_with_the_reason() {
        let layout = layout(2);
        let weights = WeightVector::new(&layout, vec![0.0; layout.count()]).unwrap();
        let classes = vec![BENIGN.to_owned(), "T0846".to_owned()];
        let familiar = Familiar::default();
        let sane = Model { classes, weights, temperature: 1.0, familiar, unknown: 0.2 };
        assert!(Classifier::load(&Classifier::save(&sane)).is_ok());
        let refused = |model: Model, why: &str| {
            let error = Classifier::load(&Classifier::save(&model)).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(Model { temperature: 0.0, ..sane.clone() }, "temperature");
        refused(Model { classes: vec![BENIGN.to_owned(), "T9".to_owned()], ..sane.clone() }, "T9");
        refused(Model { classes: vec![BENIGN.to_owned()], ..sane }, "weights of layout");
    }
}
