//! Every capture of the shared data through tshark and through us: the same messages with the same
//! values. Skips loudly where the captures or tshark are absent.
//!
//! What counts is how much of what tshark dissects is there with equal values; how much more we see is
//! shown beside it.
//!
//! Messages are counted by a key (transaction, unit and function; packet type; id, name and code; method
//! and target or status), fields by their values, both per capture and without order. Known differences
//! are listed in BENCHMARKS.md; they are within the tenth of a percent that is asserted.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fieldward_tests::agreement::{Bag, fieldward, has_tshark, tshark};

#[test]
fn every_capture_is_read_as_tshark_reads_it() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let captures = captures(&data);
    if captures.is_empty() || !has_tshark() {
        eprintln!("SKIPPED: no captures in ../shared/data, or no tshark (make setup installs it)");
        return;
    }
    let totals = Mutex::new(HashMap::<&'static str, Total>::new());
    let differences = Mutex::new(Vec::new());
    let next = Mutex::new(captures.iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = { next.lock().expect("a list").next() } {
                    let (theirs, ours) = (tshark(path), fieldward(path));
                    compare(path, &theirs, &ours, &totals, &differences);
                }
            });
        }
    });
    let mut differences = differences.into_inner().expect("a list");
    differences.sort();
    println!("{}", differences.join("\n"));
    let totals = totals.into_inner().expect("totals");
    let mut names: Vec<_> = totals.iter().collect();
    names.sort_unstable_by_key(|(name, _)| **name);
    for (name, total) in &names {
        println!("{name}: {total}");
    }
    let sum = totals.values().fold(Total::default(), |sum, total| Total {
        same: sum.same + total.same,
        theirs: sum.theirs + total.theirs,
        ours: sum.ours + total.ours,
    });
    println!("agreement: {sum}");
    assert!(sum.theirs > 100_000, "too little was compared");
    assert!(sum.same * 1000 >= sum.theirs * 999, "less than 99.9 % of what tshark dissects is equal");
    assert!(sum.ours >= sum.theirs, "tshark finds more");
}

/// How much was compared.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    same: u64,
    theirs: u64,
    ours: u64,
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let share = 100.0 * self.same as f64 / self.theirs as f64;
        write!(
            f,
            "tshark {}, ours {}, equal {} = {share:.3} % of tshark's",
            self.theirs, self.ours, self.same
        )
    }
}

/// Adds what agrees, of what either side has; a protocol that tshark does not see in a capture (another
/// port, say) is not compared there.
fn compare(
    path: &Path,
    theirs: &Bag,
    ours: &Bag,
    totals: &Mutex<HashMap<&'static str, Total>>,
    differences: &Mutex<Vec<String>>,
) {
    let mut names: Vec<_> = theirs.keys().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let of = |bag: &Bag| bag.iter().filter(|((n, _), _)| *n == name).map(|(_, count)| count).sum::<u64>();
        let same = theirs
            .iter()
            .filter(|((n, _), _)| *n == name)
            .map(|(key, count)| ours.get(key).copied().unwrap_or_default().min(*count))
            .sum::<u64>();
        let all = of(theirs).max(of(ours));
        if same < all {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            differences.lock().expect("a list").push(format!(
                "{file}: {name}: tshark {} ours {} same {same}",
                of(theirs),
                of(ours)
            ));
        }
        let mut totals = totals.lock().expect("totals");
        let total = totals.entry(name).or_default();
        total.same += same;
        total.theirs += of(theirs);
        total.ours += of(ours);
    }
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(captures(&path));
        } else if path.extension().is_some_and(|end| matches!(end.to_str(), Some("pcap" | "pcapng" | "cap")))
        {
            found.push(path);
        }
    }
    found.sort();
    found
}
