//! A process that spools is killed again and again; whatever it called accepted is there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use fieldward_agent::spool::{LANES, Limits, Spool, place};

const ROUNDS: u64 = 20;
/// Kills of one spool.
const LIFE: u64 = 50;
const FOLDER: &str = "FIELDWARD_TEST_SPOOL";
const FIRST: &str = "FIELDWARD_TEST_FIRST";

fn limits() -> Limits {
    // However full the disk of this machine is.
    Limits { segment: 16 * 1024, ..Limits::to_the_brim() }
}

fn alert(nth: u64) -> Vec<u8> {
    format!("{nth} {}", "x".repeat((nth % 700) as usize)).into_bytes()
}

/// Not a test of its own: the process that is killed. It says how far all is accepted.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let mut nth: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let (spool, recovery) = Spool::open(Path::new(&folder), limits()).unwrap();
    println!("\nfound {recovery}");
    loop {
        for _ in 0..1 + nth % 40 {
            spool.put(LANES[nth as usize % 4], alert(nth));
            nth += 1;
        }
        let counts = spool.sync();
        assert_eq!((counts.waiting, counts.overrun), (0, [0; 4]));
        println!("accepted {nth}");
    }
}

#[test]
fn what_was_accepted_is_there_after_each_kill() {
    let mut folder = tempfile::tempdir().unwrap();
    let mut chance = fastrand::Rng::with_seed(11);
    let (mut accepted, mut next, mut before) = (BTreeSet::new(), 1, 0);
    let kills = std::env::var("FIELDWARD_KILLS").ok().and_then(|text| text.parse().ok());
    for round in 0..kills.unwrap_or(ROUNDS) {
        // Everything is read again after each kill: a spool that only grew would take longer each time.
        if round > 0 && round % LIFE == 0 {
            folder = tempfile::tempdir().unwrap();
            before += accepted.len();
            (accepted, next) = (BTreeSet::new(), 1);
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(FOLDER, folder.path())
            .env(FIRST, next.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It goes on while we read, so the kill finds it anywhere.
        let (wanted, mut seen, mut upto) = (chance.u64(1..60), 0, next);
        while seen < wanted {
            let line = lines.next().expect("the child goes on").unwrap();
            if let Some(number) = line.strip_prefix("accepted ") {
                (seen, upto) = (seen + 1, number.parse().unwrap());
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said before it died counts, too.
        for line in lines.map_while(Result::ok) {
            upto = line.strip_prefix("accepted ").and_then(|number| number.parse().ok()).unwrap_or(upto);
        }
        accepted.extend(next..upto);
        next = upto + 1000;

        let (spool, recovery) = Spool::open(folder.path(), limits()).unwrap();
        let mut there = BTreeSet::new();
        for lane in LANES {
            let (mut reader, mut last) = (spool.reader(lane, 1), 0);
            loop {
                let batch = reader.batch(100_000).unwrap();
                if batch.is_empty() {
                    break;
                }
                for record in batch.into_iter().filter(|record| !record.is_loss) {
                    let text = String::from_utf8(record.bytes).unwrap();
                    let nth: u64 = text.split(' ').next().unwrap().parse().unwrap();
                    assert_eq!((text.as_bytes(), nth as usize % 4), (&alert(nth)[..], place(lane)));
                    assert!(record.seq > last && there.insert(nth), "{nth} is there twice");
                    last = record.seq;
                }
            }
        }
        let missing: Vec<_> = accepted.difference(&there).collect();
        assert!(missing.is_empty(), "round {round}: {missing:?} of {} missing; {recovery}", accepted.len());
    }
    let all = before + accepted.len();
    println!("{} kills: {all} accepted records, every one there once", kills.unwrap_or(ROUNDS));
    assert!(all > 1000, "{all}");
}
