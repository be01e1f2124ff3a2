//! What a federated round asks, answered by this plant: its windows, its networks, its versions.

mod autoencoder;
mod classifier;
mod course;
#[cfg(test)]
mod inversion_tests;
mod naming;
mod rest;
#[cfg(test)]
mod secrecy_tests;
#[cfg(test)]
mod tests;
pub mod versions;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use aws_lc_rs::digest::{Context, SHA256};
use fieldward_shared::keyfile::{self, KeyFileError};
use fieldward_shared::weights::{Layout, WeightVector};

use self::autoencoder::Minutes;
use self::classifier::Cases;
use self::course::{Course, check};
use self::naming::{Shipped, body_of, last_of};
use self::versions::{Version, Versions};
use super::dataset::Scaler;
use super::labels::{Labelled, Labels};
use super::learner::{Judgement, LearnError, Learner, Network, Pace, Settings, Trained};
use super::model::{initial, layout};
use super::scaling::common;
use super::sealed::{Seal, SealError};
use super::windows::{Bounds, Counts, Minute, Tap, Windows, writer};
use crate::classify::{self, Classifier, INPUTS, Model};
use crate::detect::autoencoder::own::{Own, threshold};
use crate::detect::{Watcher, autoencoder as detector};
use crate::features::{COUNT, SCHEMA};
use crate::model;

/// Where a plant learns, and how much it may.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// Where the service keeps its state.
    pub state: PathBuf,
    /// Where models at work are.
    pub models: PathBuf,
    /// Of one processor, while it trains.
    pub cpu_share: f64,
    /// How many windows are kept.
    pub bounds: Bounds,
    /// Rounds may train without noise.
    pub allow_unprotected: bool,
}

/// Why a plant does not learn with others.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No folder.
    #[error("{place}: {error}; let the service write there, until then this plant learns alone")]
    Folder {
        /// Where.
        place: String,
        /// What the system said.
        error: io::Error,
    },
    /// No key.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The folder is open to others.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The common scaling, or the classifier, is of other features.
    #[error("what is shipped with this program does not fit its features; it was built wrongly")]
    Shipped,
}

/// What became of the versions of each network, in words.
pub type Report = BTreeMap<String, String>;

/// A model that was taken over.
pub enum Renewed {
    /// A detector.
    Watcher(Watcher),
    /// What names techniques.
    Classifier(Box<Classifier>),
}

/// Where a model that was taken over is sent.
pub type Reload = Box<dyn Fn(Renewed) + Send>;

/// What becomes of what a plant learns, whoever has the plant.
pub struct Look {
    windows: Arc<Mutex<Windows>>,
    report: Arc<Mutex<Report>>,
}

impl Look {
    /// What is known of it, in words, by network.
    pub fn report(&self) -> Report {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What became of windows.
    pub fn counts(&self) -> Counts {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).counts()
    }
}

/// A plant that learns with others.
pub struct Local {
    choices: Choices,
    folder: PathBuf,
    seal: Arc<Seal>,
    windows: Arc<Mutex<Windows>>,
    labels: Arc<Mutex<Labels>>,
    shipped: Shipped,
    /// The common one; each plant's own lies around its mean.
    common: &'static Scaler,
    /// Another one, to be measured.
    scaler: Option<Scaler>,
    reload: Reload,
    report: Arc<Mutex<Report>>,
}

impl Local {
    /// Opens what the plant has gathered; `reload` takes a model that was taken over to where it watches.
    pub fn open(choices: Choices, reload: Reload) -> Result<Self, OpenError> {
        let folder = choices.state.join(FOLDER);
        keyfile::folder(&folder)?;
        let seal = Arc::new(Seal::open(&folder.join(KEY))?);
        let windows = folder.join(WINDOWS);
        let opened = Windows::open(&windows, seal.clone(), choices.bounds);
        let windows =
            opened.map_err(|error| OpenError::Folder { place: windows.display().to_string(), error })?;
        let common = common().ok_or(OpenError::Shipped)?;
        let shipped = Model::base().ok().and_then(Shipped::new).ok_or(OpenError::Shipped)?;
        Ok(Self {
            windows: Arc::new(Mutex::new(windows)),
            labels: Arc::new(Mutex::new(Labels::open(&folder.join(LABELS), seal.clone()))),
            report: Arc::new(Mutex::new(Report::new())),
            choices,
            folder,
            seal,
            shipped,
            common,
            scaler: None,
            reload,
        })
    }

    /// A tap for the watch thread, and the thread that writes what it takes.
    pub fn tap(&self) -> io::Result<(Tap, JoinHandle<()>)> {
        writer(self.windows.clone(), self.labels.clone())
    }

    /// Where verdicts of analysts go.
    pub fn verdicts(&self) -> Arc<Mutex<Labels>> {
        self.labels.clone()
    }

    /// What becomes of it, to look at from elsewhere.
    pub fn look(&self) -> Look {
        Look { windows: self.windows.clone(), report: self.report.clone() }
    }

    /// What is known of it, in words, by network.
    pub fn report(&self) -> Report {
        self.look().report()
    }

    /// Keeps a minute, from elsewhere than the tap.
    pub fn put(&self, minute: &Minute) {
        self.windows().put(minute);
    }

    /// Scales otherwise than all others: to measure what that would do.
    pub fn scale_by(&mut self, scaler: Scaler) {
        self.scaler = Some(scaler);
    }

    /// How features are scaled here.
    fn scaler(&self, learn: &[Minute]) -> Scaler {
        let own = || self.common.around(learn.iter().map(|minute| &minute.values[..]));
        self.scaler.clone().unwrap_or_else(own)
    }

    /// What became of windows.
    pub fn counts(&self) -> Counts {
        self.look().counts()
    }

    /// Versions that can be gone back to.
    pub fn versions(&self, network: &str) -> Result<Vec<u64>, LearnError> {
        Ok(self.versions_of(known(network)?).numbers())
    }

    /// Goes back to a version that was at work before, whatever it is worth; 0 is the plant's own.
    pub fn go_back(&mut self, network: &str, number: u64) -> Result<(), LearnError> {
        let network = known(network)?;
        let versions = self.versions_of(network);
        let version = versions.find(number)?;
        let before = self.at_work(network);
        self.install(network, &version)?;
        versions.take(&version, &before)?;
        self.say(network, format!("went back from version {} to {number}", before.number));
        Ok(())
    }

    // What they guard is on the disk: nothing is left half done.
    fn windows(&self) -> MutexGuard<'_, Windows> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn labels(&self) -> MutexGuard<'_, Labels> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cases(&self, held: bool) -> Vec<Labelled> {
        self.labels().cases(held, |class| self.shipped.model.classes.iter().any(|known| known == class))
    }

    fn versions_of(&self, network: &'static str) -> Versions {
        Versions::new(&self.folder, network)
    }

    fn minutes(&self, held: bool) -> Vec<Minute> {
        let mut windows = self.windows();
        let numbers = windows.numbers(held);
        windows.read(&numbers)
    }

    /// The model file, whoever made it.
    fn file(&self, network: &str) -> PathBuf {
        self.choices.models.join(if network == CLASSIFIER { classify::FILE } else { detector::KIND.file })
    }

    /// What works now: the version that was taken over last, unless the plant has made a model of its own since.
    fn at_work(&self, network: &'static str) -> Version {
        let file = fs::read(self.file(network)).ok();
        let present = self.versions_of(network).present().filter(|present| present.file == file);
        // The shipped classifier is part of the program, and no file.
        let shipped = || (network == CLASSIFIER).then(|| Classifier::save(&self.shipped.model));
        present.unwrap_or_else(|| Version { number: 0, shared: None, file: file.or_else(shipped) })
    }

    /// The classifier at work.
    fn namer(&self) -> Model {
        let file = self.at_work(CLASSIFIER).file;
        let read = file.and_then(|bytes| Model::read(&bytes).ok());
        // Of other classes than this program knows it cannot be compared.
        read.filter(|model| model.classes == self.shipped.model.classes)
            .unwrap_or_else(|| self.shipped.model.clone())
    }

    /// Puts a version to work.
    fn install(&self, network: &str, version: &Version) -> Result<(), LearnError> {
        let file = self.file(network);
        let disk = |error: String| LearnError::Disk(format!("{}: {error}", file.display()));
        let Some(bytes) = &version.file else {
            return Err(disk("there was no model in this version".to_owned()));
        };
        let renewed = match network {
            CLASSIFIER => Classifier::load(bytes).map(|classifier| Renewed::Classifier(Box::new(classifier))),
            _ => (detector::KIND.load)(bytes).map(Renewed::Watcher),
        };
        let renewed = renewed.map_err(|error| disk(error.to_string()))?;
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        model::write(&self.choices.models, name, bytes).map_err(|error| disk(error.to_string()))?;
        (self.reload)(renewed);
        Ok(())
    }

    /// How a candidate does, and as a file with what is the plant's own in it, if it may be taken over.
    fn weigh(&self, network: &'static str, weights: &WeightVector) -> Result<Weighed, LearnError> {
        weights.fit(&layout_of(network)).map_err(LearnError::Misfit)?;
        if network == AUTOENCODER { self.weigh_minutes(weights) } else { self.weigh_cases(weights) }
    }

    fn weigh_cases(&self, weights: &WeightVector) -> Result<Weighed, LearnError> {
        let own = self.shipped.own(&self.cases(false));
        let held = self.shipped.own(&self.cases(true));
        let model = self.shipped.fit(weights.values(), &own).map_err(LearnError::Misfit)?;
        let judgement = self.shipped.judge(&model, &self.namer(), &held);
        let judgement =
            judgement.ok_or_else(|| LearnError::Settings("weights that make no classifier".to_owned()))?;
        let file = judgement.accepts.then(|| Classifier::save(&model));
        Ok(Weighed { judgement, file })
    }

    fn weigh_minutes(&self, weights: &WeightVector) -> Result<Weighed, LearnError> {
        let (learn, held) = (self.minutes(false), self.minutes(true));
        if held.len() < LEAST_HELD {
            let windows = held.len() as u64;
            return Err(LearnError::TooFew { network: AUTOENCODER, windows, wanted: LEAST_HELD as u64 });
        }
        let scaler = self.scaler(&learn);
        let mut candidate = Own::fit(weights, &scaler, &learn).map_err(LearnError::Misfit)?;
        // One that cannot be read is not at work.
        let mut present = fs::read(self.file(AUTOENCODER)).ok().and_then(|bytes| Own::read(&bytes).ok());
        let judgement = autoencoder::judge(&mut candidate, present.as_mut(), &learn, &held, &scaler);
        let runs = candidate.scores(&held);
        let limit = threshold(&runs).filter(|_| judgement.accepts);
        let judgement = Judgement { accepts: limit.is_some(), ..judgement };
        Ok(Weighed { judgement, file: limit.map(|limit| candidate.write(limit, limit.usual(&runs))) })
    }

    fn say(&self, network: &str, words: String) {
        tracing::info!("{network}: {words}");
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        report.insert(network.to_owned(), words);
    }
}

/// What came of weighing a candidate.
struct Weighed {
    judgement: Judgement,
    file: Option<Vec<u8>>,
}

impl Learner for Local {
    fn networks(&self) -> Vec<Network> {
        NETWORKS.map(network_of).to_vec()
    }

    fn weights(&self, network: &str) -> Result<WeightVector, LearnError> {
        let network = known(network)?;
        if let Some(shared) = self.versions_of(network).present().and_then(|version| version.shared) {
            return Ok(shared);
        }
        first(network, &self.shipped.model)
    }

    fn train(
        &mut self,
        network: &str,
        round: u64,
        base: &WeightVector,
        settings: &Settings,
        pace: &mut dyn FnMut(Pace) -> ControlFlow<()>,
    ) -> Result<Trained, LearnError> {
        let network = known(network)?;
        base.fit(&layout_of(network)).map_err(LearnError::Misfit)?;
        if settings.noise == 0.0 && !self.choices.allow_unprotected {
            return Err(LearnError::Settings("no noise, which this plant does not allow".to_owned()));
        }
        check(settings)?;
        let course = Course {
            network,
            round,
            base,
            settings,
            cpu_share: self.choices.cpu_share,
            file: self.folder.join(format!("course-{network}")),
            seal: &self.seal,
        };
        let enough = |windows: usize, least: usize| match windows >= least {
            true => Ok(()),
            false => Err(LearnError::TooFew { network, windows: windows as u64, wanted: least as u64 }),
        };
        if network == CLASSIFIER {
            let mut cases = self.cases(false);
            let kept = course.begin(|| cases.iter().map(|case| case.number).collect());
            cases.retain(|case| kept.numbers.binary_search(&case.number).is_ok());
            enough(cases.len(), LEAST_CASES)?;
            let print = print(cases.iter().map(|case| (case.number, &case.input[..], case.class.as_str())));
            let own = self.shipped.own(&cases);
            let last = last_of(&self.namer());
            return course.run(kept, &print, &mut Cases::new(own, self.shipped.cases.clone(), last), pace);
        }
        let kept = course.begin(|| self.windows().numbers(false));
        let minutes = self.windows().read(&kept.numbers);
        enough(minutes.len(), LEAST_LEARNT)?;
        let print = print(minutes.iter().map(|minute| (minute.number, &minute.values[..], "")));
        course.run(kept, &print, &mut Minutes::new(&minutes, &self.scaler(&minutes)), pace)
    }

    fn judge(&mut self, network: &str, weights: &WeightVector) -> Result<Judgement, LearnError> {
        self.weigh(known(network)?, weights).map(|weighed| weighed.judgement)
    }

    fn adopt(
        &mut self,
        network: &str,
        version: u64,
        weights: &WeightVector,
    ) -> Result<Judgement, LearnError> {
        let network = known(network)?;
        let Weighed { judgement, file } = self.weigh(network, weights)?;
        let Judgement { loss, accuracy, present, .. } = judgement;
        let how =
            format!("loss {loss:.4}, {:.1} % right (before: {:.1} %)", accuracy * 100.0, present * 100.0);
        if file.is_none() {
            self.say(network, format!("version {version} is worse here and was not taken over: {how}"));
            return Ok(judgement);
        }
        let before = self.at_work(network);
        let taken = Version { number: version, shared: Some(weights.clone()), file };
        // First what can be gone back to, then what is at work.
        self.versions_of(network).take(&taken, &before)?;
        self.install(network, &taken)?;
        self.say(network, format!("version {version} works: {how}"));
        Ok(judgement)
    }
}

fn known(network: &str) -> Result<&'static str, LearnError> {
    let name = NETWORKS.into_iter().find(|name| *name == network);
    name.ok_or_else(|| LearnError::Unknown(network.to_owned()))
}

/// Of the shared part.
fn network_of(name: &'static str) -> Network {
    let layout = layout_of(name);
    // The classifier sees clues, which are counted otherwise when there are more or fewer of them.
    let schema = if name == CLASSIFIER { INPUTS as u64 } else { SCHEMA.hash().0 };
    Network { name, layout: layout.hash(), length: layout.count(), schema }
}

/// The weights with which all plants begin.
fn first(network: &str, shipped: &Model) -> Result<WeightVector, LearnError> {
    let first = match network {
        CLASSIFIER => body_of(shipped),
        _ => WeightVector::new(&layout(), initial(COUNT, 0)),
    };
    first.map_err(LearnError::Misfit)
}

/// A network with the weights that every plant of this release begins with.
pub fn shipped(network: &str) -> Result<(Network, WeightVector), LearnError> {
    let network = known(network)?;
    let model = Model::base().map_err(|error| LearnError::Disk(error.to_string()))?;
    Ok((network_of(network), first(network, &model)?))
}

fn layout_of(network: &str) -> Layout {
    if network == CLASSIFIER { classifier::body() } else { layout() }
}

/// What is learnt from, to be recognised.
fn print<'a>(all: impl Iterator<Item = (u64, &'a [f32], &'a str)>) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    for (number, values, class) in all {
        hash.update(&number.to_le_bytes());
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        hash.update(&bytes);
        hash.update(class.as_bytes());
    }
    let mut print = [0; 32];
    print.copy_from_slice(hash.finish().as_ref());
    print
}

const AUTOENCODER: &str = "autoencoder";
const CLASSIFIER: &str = "classifier";
const NETWORKS: [&str; 2] = [AUTOENCODER, CLASSIFIER];
/// In the state directory.
const FOLDER: &str = "together";
const KEY: &str = "key";
const WINDOWS: &str = "windows";
const LABELS: &str = "labels";
/// Windows that are wanted to learn from: an hour's. Of fewer noise leaves nothing.
const LEAST_LEARNT: usize = 48;
/// And to judge: ten minutes hold two.
const LEAST_HELD: usize = 2;
/// Cases with a verdict that are wanted to learn from.
const LEAST_CASES: usize = 16;
