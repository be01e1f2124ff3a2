use std::sync::mpsc::{Receiver, channel};

use fastrand::Rng;
use fieldward_shared::privacy::accountant::event::Mechanism;

use super::*;
use crate::classify::BENIGN;
use crate::learn::labels::Verdict;
use crate::learn::steps::WIDTH;

/// A plant in a folder, with minutes of its level; and what it sends to watch.
fn plant(folder: &std::path::Path, minutes: u64, level: f32) -> (Local, Receiver<Renewed>) {
    let (send, sent) = channel();
    let choices = Choices {
        state: folder.join("state"),
        models: folder.join("models"),
        cpu_share: 1.0,
        bounds: Bounds::default(),
        allow_unprotected: true,
    };
    let local = Local::open(choices, Box::new(move |watcher| drop(send.send(watcher)))).unwrap();
    let mut chance = Rng::with_seed(7);
    for number in 0..minutes {
        local.windows().put(&minute(number, level, &mut chance));
    }
    (local, sent)
}

/// Two things rise and fall together, at a level of the plant.
fn minute(number: u64, level: f32, chance: &mut Rng) -> Minute {
    let phase = chance.f32() * 6.0;
    let value = |at: usize| {
        let (mean, deviation) = common().unwrap().parts().nth(at % COUNT).unwrap();
        let wave = (phase + (at / COUNT) as f32 * 0.5).sin() * if at.is_multiple_of(2) { 0.8 } else { -0.4 };
        mean + deviation * (level + wave + 0.1 * (chance.f32() - 0.5))
    };
    Minute { number, values: (0..WIDTH).map(value).collect() }
}

fn settings() -> Settings {
    Settings { epochs: 3, batch: 32, rate: 5e-3, proximal: 0.0, clip: 1.0, noise: 0.0, seed: 1 }
}

fn go_on(_: Pace) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn training_goes_on_where_it_was_stopped_and_gives_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (mut local, _) = plant(folder.path(), 200, 0.3);
    let base = local.weights(AUTOENCODER).unwrap();
    let settings = Settings { noise: 0.7, ..settings() };
    let whole = local.train(AUTOENCODER, 5, &base, &settings, &mut go_on).unwrap();
    let Some(Mechanism::Sampled { noise, rate, steps }) = whole.spent else { panic!("{:?}", whole.spent) };
    assert_eq!((noise, steps), (0.7, 3 * 5));
    assert_eq!((whole.windows, rate), (160, 32.0 / 160.0));
    std::fs::remove_file(local.folder.join("course-autoencoder")).unwrap();
    let mut paces = Vec::new();
    let mut stop = |pace: Pace| {
        paces.push((pace.epoch, pace.epochs));
        if pace.epoch == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    assert_eq!(local.train(AUTOENCODER, 5, &base, &settings, &mut stop), Err(LearnError::Stopped));
    assert_eq!(paces, [(1, 3), (2, 3)]);
    // Meanwhile there is more, which belongs to the next round, and the process has ended.
    let mut chance = Rng::with_seed(9);
    (1000..1010).for_each(|number| local.windows().put(&minute(number, 0.3, &mut chance)));
    drop(local);
    let (mut local, _) = plant(folder.path(), 0, 0.0);
    let mut paces = Vec::new();
    let mut count = |pace: Pace| {
        paces.push(pace.epoch);
        ControlFlow::Continue(())
    };
    let resumed = local.train(AUTOENCODER, 5, &base, &settings, &mut count).unwrap();
    assert_eq!((paces, &resumed), (vec![3], &whole));
    // Another round is another training, with other noise.
    let next = local.train(AUTOENCODER, 6, &base, &settings, &mut go_on).unwrap();
    assert_ne!(next.weights, whole.weights);
    std::fs::write(local.folder.join("course-autoencoder"), b"junk").unwrap();
    assert_eq!(local.train(AUTOENCODER, 6, &base, &settings, &mut go_on).unwrap(), next);
}

#[test]
fn noise_changes_with_what_is_learnt_from() {
    let folder = tempfile::tempdir().unwrap();
    let (mut local, _) = plant(folder.path(), 200, 0.3);
    let base = local.weights(AUTOENCODER).unwrap();
    // Without anything to see but noise two answers differ everywhere.
    let settings = Settings { noise: 100.0, epochs: 1, batch: 160, rate: 1e-3, ..settings() };
    let one = local.train(AUTOENCODER, 5, &base, &settings, &mut go_on).unwrap();
    std::fs::remove_file(local.folder.join("course-autoencoder")).unwrap();
    let gone = local.windows().numbers(false)[80];
    local.windows().forget(at(gone), at(gone));
    let other = local.train(AUTOENCODER, 5, &base, &settings, &mut go_on).unwrap();
    let same = one.weights.values().iter().zip(other.weights.values()).zip(base.values());
    let agree = same.filter(|((one, other), base)| (**one > **base) == (**other > **base)).count();
    let share = agree as f64 / base.values().len() as f64;
    assert!((0.47..0.53).contains(&share), "{share} of the steps have the same sign");
}

fn at(number: u64) -> fieldward_shared::time::Timestamp {
    fieldward_shared::time::Timestamp::from_micros(number * 60_000_000)
}

#[test]
fn a_model_is_taken_over_when_it_is_no_worse_and_left_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let (mut local, watchers) = plant(folder.path(), 300, 0.3);
    let base = local.weights(AUTOENCODER).unwrap();
    let settings = Settings { epochs: 30, ..settings() };
    let trained = local.train(AUTOENCODER, 1, &base, &settings, &mut go_on).unwrap();
    let judged = local.judge(AUTOENCODER, &trained.weights).unwrap();
    assert!(judged.accepts && judged.windows == 60 && judged.present == 0.0, "{judged:?}");
    assert_eq!(local.adopt(AUTOENCODER, 1, &trained.weights).unwrap(), judged);
    let Renewed::Watcher(watcher) = watchers.try_recv().unwrap() else { panic!("a detector") };
    assert_eq!(watcher.name(), "autoencoder");
    assert_eq!(local.weights(AUTOENCODER).unwrap(), trained.weights);
    let at_work = std::fs::read(local.file(AUTOENCODER)).unwrap();
    // Weights of which the most are lost.
    let spoilt =
        trained.weights.values().iter().enumerate().map(|(at, value)| if at % 3 == 0 { *value } else { 0.0 });
    let spoilt = trained.weights.with(spoilt.collect()).unwrap();
    let refused = local.adopt(AUTOENCODER, 2, &spoilt).unwrap();
    assert!(!refused.accepts && refused.loss > judged.loss && refused.present > 0.9, "{refused:?}");
    assert_eq!(std::fs::read(local.file(AUTOENCODER)).unwrap(), at_work);
    assert!(watchers.try_recv().is_err());
    assert!(local.report()[AUTOENCODER].contains("version 2 is worse here"));
    // The next one, and back.
    assert!(local.adopt(AUTOENCODER, 3, &trained.weights).unwrap().accepts);
    assert_eq!(local.versions(AUTOENCODER).unwrap(), [0, 1]);
    assert!(local.go_back(AUTOENCODER, 0).is_err(), "there was no model before the first");
    local.go_back(AUTOENCODER, 1).unwrap();
    assert_eq!(local.at_work(AUTOENCODER).number, 1);
    assert_eq!(local.at_work(AUTOENCODER).shared, Some(trained.weights));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut local, _) = plant(folder.path(), 30, 0.0);
    let base = local.weights(AUTOENCODER).unwrap();
    let mut train = |network: &str, settings: Settings| {
        local.train(network, 1, &base, &settings, &mut go_on).unwrap_err().to_string()
    };
    assert!(train("transformer", settings()).contains("no network 'transformer'"));
    assert!(train(AUTOENCODER, settings()).contains("24 windows are too few"));
    for (wrong, why) in [
        (Settings { epochs: 0, ..settings() }, "0 epochs"),
        (Settings { batch: 0, ..settings() }, "steps of 0"),
        (Settings { rate: f64::NAN, ..settings() }, "NaN"),
        (Settings { proximal: -1.0, ..settings() }, "a pull of -1"),
        (Settings { clip: 0.0, ..settings() }, "a norm of 0"),
        (Settings { noise: f64::INFINITY, ..settings() }, "noise of inf"),
    ] {
        let said = train(AUTOENCODER, wrong);
        assert!(said.contains(why), "{said}");
    }
    local.choices.allow_unprotected = false;
    let refused = local.train(AUTOENCODER, 1, &base, &settings(), &mut go_on).unwrap_err();
    assert!(refused.to_string().contains("no noise, which this plant does not allow"), "{refused}");
    let short = fieldward_shared::weights::Layout::new([("a", &[3][..])]);
    let short = WeightVector::new(&short, vec![0.0; 3]).unwrap();
    assert!(matches!(local.judge(AUTOENCODER, &short), Err(LearnError::Misfit(_))));
    let (mut empty, _) = plant(&folder.path().join("empty"), 0, 0.0);
    assert!(matches!(empty.judge(AUTOENCODER, &base), Err(LearnError::TooFew { windows: 0, .. })));
}

#[test]
fn verdicts_teach_the_classifier() {
    let folder = tempfile::tempdir().unwrap();
    let (mut local, renewed) = plant(folder.path(), 0, 0.0);
    let base = local.weights(CLASSIFIER).unwrap();
    let protected = Settings { noise: 1.0, epochs: 1, ..settings() };
    let few = local.train(CLASSIFIER, 1, &base, &protected, &mut go_on);
    assert_eq!(few, Err(LearnError::TooFew { network: CLASSIFIER, windows: 0, wanted: 16 }));
    // What goes on here looks like an attack and is none.
    let benign = local.shipped.model.classes.iter().position(|class| class == BENIGN).unwrap();
    let odd = local.shipped.cases.iter().find(|case| case.truth[benign] < 0.05).unwrap().input;
    let mut chance = Rng::with_seed(3);
    for at in 0..50 {
        let input = odd.map(|value| value * (0.9 + 0.2 * chance.f32()));
        local.labels().note(&format!("alert {at}"), &input, Some("T0846"));
        local.labels().hear(at + 1, [(format!("alert {at}"), Some(Verdict::Nothing))]);
    }
    assert_eq!(local.labels().heard(), 50);
    let trained = local.train(CLASSIFIER, 1, &base, &protected, &mut go_on).unwrap();
    assert_eq!(trained.windows, 40);
    assert!(trained.spent.is_some());
    let judged = local.adopt(CLASSIFIER, 1, &base).unwrap();
    assert!(judged.accepts && judged.accuracy > judged.present && judged.windows == 10, "{judged:?}");
    assert!(matches!(renewed.try_recv().unwrap(), Renewed::Classifier(_)));
    assert_eq!(local.weights(CLASSIFIER).unwrap(), base);
    local.go_back(CLASSIFIER, 0).unwrap();
    assert_eq!(local.namer().weights, local.shipped.model.weights);
}
