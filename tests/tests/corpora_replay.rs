//! Every input that a fuzzer once found interesting is run again in every test run.

use std::fs;
use std::path::PathBuf;

use fieldward_tests::fuzzing::TARGETS;

#[test]
fn every_corpus_is_survived() {
    let corpora = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for (name, target) in TARGETS {
        let mut files = 0;
        for entry in fs::read_dir(corpora.join(name)).expect("a corpus per target").flatten() {
            target(&fs::read(entry.path()).expect("a corpus file"));
            files += 1;
        }
        assert!(files > 0, "the corpus of {name} is empty");
    }
}
