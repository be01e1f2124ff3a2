//! Holds the invariants of ARCHITECTURE.md by reading the sources: who may import what, how long a
//! file may be, what every file must begin with.

use std::fs;
use std::path::{Path, PathBuf};

/// A crate or path that may be named only below certain places.
struct Border {
    /// What to look for, as it stands in code.
    words: &'static [&'static str],
    /// Where it is allowed: beginnings of paths from the root of the repository.
    allowed: &'static [&'static str],
    why: &'static str,
}

const BORDERS: &[Border] = &[
    Border {
        words: &["sqlx::"],
        allowed: &["aggregator/src/store/"],
        why: "SQL stands in the store alone (invariant 6)",
    },
    Border {
        words: &["quinn::"],
        allowed: &["agent/src/uplink/", "aggregator/src/intake/", "shared/src/transport/"],
        why: "quinn stays at the two ends of the link (invariant 6)",
    },
    Border {
        words: &["pcap::"],
        allowed: &["agent/src/capture/", "simulator/src/record.rs"],
        why: "only capture and the recorder know libpcap (invariant 6)",
    },
    Border {
        words: &["redis::"],
        allowed: &["agent/src/mirror.rs", "aggregator/src/bus"],
        why: "one module per service knows Redis (invariant 6)",
    },
    Border {
        words: &["burn::"],
        allowed: &["agent/src/learn/", "agent/src/detect/", "aggregator/src/attack/gnn/"],
        why: "the server adds numbers and knows no network (invariant 5)",
    },
    Border {
        words: &["Instant::now", "SystemTime::now"],
        allowed: &[
            "agent/src/cli/",
            "agent/src/app.rs",
            "agent/src/learn/local/rest.rs",
            "agent/src/spool/disk.rs",
            "agent/src/uplink/",
            "aggregator/",
            "shared/src/clock.rs",
            "shared/src/transport/",
            "simulator/",
            "tests/",
        ],
        why: "from packet to alert, packet time is the only time (invariant 3)",
    },
    Border {
        words: &["rcgen::", "x509_parser::"],
        allowed: &[
            "agent/src/identity/",
            "aggregator/src/ca/",
            "shared/src/identity.rs",
            "shared/src/pki.rs",
            "shared/src/roots.rs",
            "simulator/src/demo/identity.rs",
            "tests/",
        ],
        why: "certificates are made and read in few places",
    },
    Border {
        words: &["axum::", "utoipa::", "hyper::"],
        allowed: &[
            "aggregator/src/api/",
            "simulator/",
            "tests/",
            "aggregator/src/outputs/webhook.rs",
            "aggregator/src/outward.rs",
        ],
        why: "HTTP is known to the API and to what asks others alone",
    },
    Border {
        words: &["argon2::", "jsonwebtoken::"],
        allowed: &["aggregator/src/api/auth/"],
        why: "passwords and tokens are made and checked in one place",
    },
    Border {
        words: &["Attempt::begin"],
        allowed: &["agent/src/round/"],
        why: "a plant's secrets of an attempt are in one place",
    },
    Border {
        words: &["Gathering::new"],
        allowed: &["aggregator/src/round/"],
        why: "sums are made in one place",
    },
    Border {
        words: &["learn::local", "learn::windows", "learn::private"],
        allowed: &["agent/src/detect/autoencoder/", "agent/src/learn/", "agent/src/service/", "tests/"],
        why: "whoever plays rounds knows networks by the learner alone",
    },
    Border {
        words: &["sendpacket", "sendqueue"],
        allowed: &[],
        why: "Fieldward never sends a packet into the plant",
    },
];

/// Files longer than this are split; tests that stand apart may be longer.
const MOST_LINES: usize = 500;

#[test]
fn imports_stay_within_their_borders() {
    let mut wrong = Vec::new();
    for file in sources() {
        let path = name(&file);
        if is_test(&path) {
            continue;
        }
        let text = code(&fs::read_to_string(&file).expect("a source file"));
        for border in BORDERS {
            let inside = border.allowed.iter().any(|allowed| path.starts_with(allowed));
            for word in border.words.iter().filter(|word| !inside && names(&text, word)) {
                wrong.push(format!("{path} names {word}: {}", border.why));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_depend_in_one_direction() {
    for (package, forbidden) in [
        ("shared", &["fieldward-agent", "fieldward-aggregator", "fieldward-sim"][..]),
        ("agent", &["fieldward-aggregator", "fieldward-sim"]),
        ("aggregator", &["fieldward-agent", "fieldward-sim"]),
        ("simulator", &["fieldward-agent", "fieldward-aggregator"]),
    ] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml")).expect("a manifest");
        let dependencies = manifest.split_once("[dependencies]").map_or("", |(_, after)| after);
        for name in forbidden {
            assert!(!dependencies.contains(name), "{package} depends on {name} (invariant 1)");
        }
        assert!(manifest.contains("[lints]\nworkspace = true"), "{package} leaves the house's lints out");
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace");
    assert!(workspace.contains("unsafe_code = \"forbid\""), "unsafe is forbidden (invariant 8)");
}

#[test]
fn files_stay_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for file in sources() {
        let path = name(&file);
        let text = fs::read_to_string(&file).expect("a source file");
        let lines = text.lines().count();
        if lines > MOST_LINES && !is_test(&path) {
            wrong.push(format!("{path}: {lines} lines; split it where a seam shows"));
        }
        if !text.starts_with("//!") && !is_test(&path) && !path.starts_with("fuzz/") {
            wrong.push(format!("{path}: says nothing of what it is"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn decoders_may_not_index_or_overflow() {
    for folder in ["capture", "flow", "frame", "protocol"] {
        let head =
            fs::read_to_string(root().join("agent/src").join(folder).join("mod.rs")).expect("a module");
        for lint in ["clippy::indexing_slicing", "clippy::arithmetic_side_effects"] {
            assert!(head.contains(lint), "agent/src/{folder}/mod.rs does not deny {lint}");
        }
    }
}

/// Tests may be long, wait, and name what they hold in bounds.
fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// The text without comments, so that prose may name what code may not.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// `word` stands in the code, and not as the end of a longer name.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in ["shared", "agent", "aggregator", "simulator", "tests", "fuzz/fuzz_targets"] {
        walk(&root().join(folder), &mut files);
    }
    assert!(files.len() > 30, "the sources were not found");
    files
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn name(file: &Path) -> String {
    file.strip_prefix(root()).expect("inside").to_string_lossy().into_owned()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository").to_owned()
}
