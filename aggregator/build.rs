//! Puts the page that `make page` has built into the binary: a list of its files for `src/api/dashboard.rs`.
//! Without a built page the list is empty; building the aggregator needs no npm.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("dashboard/dist");
    // A folder that is not there cannot be watched: then whoever makes it touches this file (scripts/page.sh).
    let watched = if dist.is_dir() { dist.clone() } else { PathBuf::from("build.rs") };
    println!("cargo::rerun-if-changed={}", watched.display());
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        walk(&dist, &mut files)?;
    }
    files.sort();
    let mut text = String::from("const FILES: &[File] = &[\n");
    for file in files.iter().filter(|file| file.extension().is_none_or(|ending| ending != "br")) {
        let bytes = fs::read(file)?;
        let mut packed = file.clone().into_os_string();
        packed.push(".br");
        let packed = PathBuf::from(packed);
        let path = file.strip_prefix(&dist).map_err(io::Error::other)?;
        let packed =
            if packed.is_file() { format!("Some(include_bytes!({packed:?}))") } else { "None".into() };
        let _ = writeln!(
            text,
            "    File {{ path: {:?}, tag: \"\\\"{:016x}\\\"\", plain: include_bytes!({file:?}), packed: {packed} }},",
            format!("/{}", path.display()),
            digest(&bytes),
        );
    }
    text.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("dashboard.rs"), text)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// FNV-1a: says whether a file is another, and nothing about who made it.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
