//! Aggregator and plants are processes of their own and are killed at random moments of rounds. Whoever is started again
//! goes on inside the round: the model that comes of it is, to the unit of the sum, the mean of those whose updates were
//! in it, or the round fails and says why; no plant spends twice. FIELDWARD_KILLS says how many rounds are disturbed (8 in a
//! test run; `make faults` means it), FIELDWARD_SEED when.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fieldward_agent::identity::Folder;
use fieldward_agent::round::{FileBooks, Privacy};
use fieldward_aggregator::app;
use fieldward_aggregator::config::Config;
use fieldward_aggregator::round::RoundTerms;
use fieldward_aggregator::store::Store;
use fieldward_aggregator::store::rounds::{Phase, Round, Status};
use fieldward_shared::service::Notify;
use fieldward_tests::link::office::{Enrolled, Office};
use fieldward_tests::link::{HERE, free, limits, url};
use fieldward_tests::rounds::{
    LinearLearner, NETWORK, UNIT, ended, import, learnt, plan, privacy, take_part, terms,
};
use serde_json::json;

const PLANTS: u64 = 5;
const LENGTH: usize = 200;

/// Noise of which the budget lasts for some hundred rounds.
fn how() -> RoundTerms {
    RoundTerms { noise: 8.0, patience_seconds: 6.0, training_minutes: 0.2, ..terms() }
}

fn budget() -> Privacy {
    Privacy { noise: 8.0, ..privacy() }
}

/// Not a test of its own: a process that is killed.
#[test]
fn aggregator() {
    let Ok(text) = std::env::var(AGGREGATOR) else { return };
    let config = Config::parse("the story", &text, std::iter::empty()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(app::run(config, Notify::from_environment().unwrap())).unwrap();
}

/// Not a test of its own: the others that are killed.
#[test]
fn plant() {
    let Ok(text) = std::env::var(PLANT) else { return };
    let told: serde_json::Value = serde_json::from_str(&text).unwrap();
    let state = Path::new(told["state"].as_str().unwrap());
    let own = Enrolled {
        facility: String::new(),
        id: told["agent"].as_str().unwrap().parse().unwrap(),
        folder: Folder::in_state(state),
        token: String::new(),
    };
    let (learner, linear) = LinearLearner::new(LENGTH, told["seed"].as_u64().unwrap());
    linear.lock().unwrap().is_content = true;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _within = runtime.enter();
    let at: SocketAddr = told["at"].as_str().unwrap().parse().unwrap();
    let _uplink = take_part(&own, state, at, Box::new(learner), &budget()).unwrap();
    loop {
        std::thread::park();
    }
}

/// Processes of a story.
struct Cast<'a> {
    folder: &'a Path,
    at: SocketAddr,
    plants: Vec<(Enrolled, Child)>,
    aggregator: Child,
}

impl Cast<'_> {
    /// One of them is killed, and started again.
    fn kill(&mut self, who: usize) {
        match self.plants.get_mut(who) {
            Some((own, child)) => {
                end(child);
                *child = start_plant(self.folder, own, who as u64, self.at);
            }
            None => {
                end(&mut self.aggregator);
                self.aggregator = start_aggregator(self.folder, self.at);
            }
        }
    }
}

impl Drop for Cast<'_> {
    fn drop(&mut self) {
        self.plants.iter_mut().for_each(|(_, child)| end(child));
        end(&mut self.aggregator);
    }
}

fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_goes_on_whoever_is_killed() {
    let (kills, seed) = (number("FIELDWARD_KILLS", 8), number("FIELDWARD_SEED", 20_261_122));
    println!("FIELDWARD_KILLS={kills} FIELDWARD_SEED={seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let at = free();
    let office = Office::open(folder.path(), HERE, limits()).await.unwrap();
    import(&office.aggregator.store, LENGTH).await.unwrap();
    let mut plants = Vec::new();
    for nth in 0..PLANTS {
        let name = format!("plant-{nth}");
        let own = office.enrol(&folder.path().join(&name), &name).await.unwrap();
        let child = start_plant(folder.path(), &own, nth, at);
        plants.push((own, child));
    }
    office.close().await;
    let aggregator = start_aggregator(folder.path(), at);
    let mut cast = Cast { folder: folder.path(), at, plants, aggregator };
    let store = Store::open(&url(folder.path())).await.unwrap();

    let calm = settled(&store, &mut BTreeSet::new()).await;
    assert_eq!(calm.status, Status::Completed, "{:?}", calm.reason);
    // About as long as a round takes here.
    let whole = Duration::from_micros(calm.end.unwrap().since(calm.start));
    let (mut completed, mut reasons) = (0, BTreeSet::new());
    for kill in 0..kills {
        let number = plan(&store).await.unwrap();
        until_begun(&store, number).await;
        for _ in 0..chance.u32(1..3) {
            let who = chance.usize(0..cast.plants.len() * 2);
            // The moment is what the story is about; nothing is waited for.
            tokio::time::sleep(whole.mul_f64(chance.f64())).await;
            cast.kill(who);
        }
        let round = ended(&store, number).await;
        println!("round {number} of kill {kill}: {:?} {:?}", round.status, round.reason);
        match round.status {
            Status::Completed => {
                judge(&store, &round).await;
                completed += 1;
            }
            _ => {
                let current = store.current_version(NETWORK).await.unwrap().unwrap();
                let base = round.base.unwrap_or(current.id);
                assert_eq!(current.id, base, "a round that failed left the model alone");
                reasons.insert(round.reason.expect("a reason"));
            }
        }
    }
    println!("{completed} of {kills} rounds were completed; others: {reasons:#?}");
    // Whatever became of them, the next one works.
    let last = settled(&store, &mut reasons).await;
    judge(&store, &last).await;
    let rounds = last.number;
    let states: Vec<_> = cast.plants.iter().map(|(own, _)| folder.path().join(&own.facility)).collect();
    drop(cast);
    for state in states {
        let books = FileBooks::open(&state, budget().budget()).unwrap();
        let spent: Vec<u64> = books.ledger().events().iter().map(|event| event.round).collect();
        let once: BTreeSet<u64> = spent.iter().copied().collect();
        assert_eq!(once.len(), spent.len(), "no round is spent twice");
        assert!(spent.iter().all(|round| (1..=rounds).contains(round)));
        assert!(spent.contains(&rounds), "the last one is there");
    }
}

/// Waits until a round is under way.
async fn until_begun(store: &Store, number: u64) {
    while store.round(number).await.expect("a look").expect("one").phase == Phase::Planned {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Rounds until one is completed by all plants: whoever was killed last may not be back yet.
async fn settled(store: &Store, reasons: &mut BTreeSet<String>) -> Round {
    for _ in 0..20 {
        let number = plan(store).await.expect("a look");
        let round = ended(store, number).await;
        if round.status == Status::Completed && round.clients_active == PLANTS {
            return round;
        }
        reasons.extend(round.reason);
    }
    panic!("no round works any more: {reasons:#?}");
}

/// Whether a model is the one of some of the plants: as many as it says, and exactly.
async fn judge(store: &Store, round: &Round) {
    let base = store.version_weights(round.base.expect("one")).await.expect("a look").expect("one");
    let version = store.version(round.candidate.expect("one")).await.expect("a look").expect("one");
    let found = store.version_weights(version.id).await.expect("a look").expect("one");
    let groups = version.metrics["groups"].as_array().expect("one");
    let summed = groups.iter().filter(|group| group["failed"].is_null());
    let count: u64 = summed.map(|group| group["plants"].as_u64().expect("one")).sum();
    let updates: Vec<Vec<i64>> =
        (0..PLANTS).map(|seed| learnt(seed, LENGTH, (round.number, &base), &how())).collect();
    let is_it = |chosen: u32| {
        let sums = (0..LENGTH).map(|at| {
            let of = (0..PLANTS as usize).filter(|nth| chosen >> nth & 1 == 1);
            of.map(|nth| updates[nth][at]).sum::<i64>()
        });
        // Each plant rounds to a whole unit, up or down by chance.
        let wanted =
            base.iter().zip(sums).map(|(base, sum)| f64::from(*base) + sum as f64 / (UNIT * count as f64));
        wanted.zip(&found).all(|(wanted, found)| (wanted - f64::from(*found)).abs() < 1.1 / UNIT)
    };
    let mut sets = (0..1_u32 << PLANTS).filter(|chosen| u64::from(chosen.count_ones()) == count);
    assert!(sets.any(is_it), "round {}: no {count} plants have this mean: {groups:?}", round.number);
}

fn start_plant(folder: &Path, own: &Enrolled, seed: u64, at: SocketAddr) -> Child {
    let state = folder.join(&own.facility);
    let told = json!({ "state": state, "agent": own.id, "seed": seed, "at": at });
    start("plant", PLANT, &told.to_string())
}

fn start_aggregator(folder: &Path, at: SocketAddr) -> Child {
    let how = how();
    let config = format!(
        "database_url = \"{}\"\nlisten = \"{at}\"\n[ca]\nfolder = \"{}\"\n[api]\nlisten = \"127.0.0.1:0\"\n\
         [rounds.terms]\nnoise = {:?}\nepochs = {}\nbatch = {}\nrate = {:?}\ntraining_minutes = {:?}\n\
         patience_seconds = {:?}\n",
        url(folder),
        folder.join("ca").display(),
        how.noise,
        how.epochs,
        how.batch,
        how.rate,
        how.training_minutes,
        how.patience_seconds,
    );
    start("aggregator", AGGREGATOR, &config)
}

fn start(name: &str, key: &str, told: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", name]).env(key, told).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a process")
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

const AGGREGATOR: &str = "FIELDWARD_STORY_CONFIG";
const PLANT: &str = "FIELDWARD_STORY_PLANT";
