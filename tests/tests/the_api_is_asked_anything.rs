//! A short run of `make api-fuzz`: an administrator asks a whole aggregator, on SQLite, whatever its document
//! allows and what it does not. The long one, as every role and on both databases, stands in BENCHMARKS.md.

use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn no_answer_is_outside_of_the_document() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let plays = PathBuf::from(env!("CARGO_BIN_EXE_play-api"));
    let target = plays.ancestors().nth(2).expect("the target folder");
    if !target.join("api-fuzz/bin/schemathesis").exists() {
        eprintln!(
            "SKIPPED: schemathesis is not installed ({} api-fuzz)",
            root.join("scripts/setup.sh").display()
        );
        return;
    }
    let done = Command::new(root.join("scripts/api-fuzz.sh"))
        .env("CARGO_TARGET_DIR", target)
        .env("PLAY_API", &plays)
        .envs([("DATABASES", "sqlite"), ("CALLERS", "admin-all"), ("EXAMPLES", "5"), ("LEAST", "1500")])
        .output()
        .expect("bash");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}");
    println!("{said}");
}
