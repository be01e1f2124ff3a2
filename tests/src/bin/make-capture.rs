//! `make-capture`: captures with their truth, made on the spot.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use fieldward_tests::capture::{self, Capture};

/// Makes a capture and, beside it, what it holds (`….truth.json`).
#[derive(Parser)]
struct Args {
    /// What to make.
    kind: Kind,
    /// The file; for `traps`, the directory.
    #[arg(long)]
    out: PathBuf,
    /// About how many packets (`plant`, `mix`, `syn`).
    #[arg(long, default_value_t = 1_000_000)]
    packets: usize,
    /// The same seed gives the same bytes; each kind has its own unless told.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// A plant that speaks Modbus alone.
    Plant,
    /// HTTP, DNS, MQTT and Modbus.
    Mix,
    /// A scan and a flood.
    Syn,
    /// A minute of a small plant in which a few things happen.
    Demo,
    /// One small capture per known trap.
    Traps,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let seed = |own| args.seed.unwrap_or(own);
    let capture: Capture = match args.kind {
        Kind::Plant => capture::plant(seed(11), args.packets),
        Kind::Mix => capture::mix(seed(22), args.packets),
        Kind::Syn => capture::syn(seed(33), args.packets),
        Kind::Demo => capture::demo(seed(44)),
        Kind::Traps => {
            let made = capture::save_traps(&args.out)
                .with_context(|| format!("cannot write traps to {}", args.out.display()))?;
            println!("{made} traps in {}", args.out.display());
            return Ok(());
        }
    };
    let truth = capture.save(&args.out).with_context(|| format!("cannot write {}", args.out.display()))?;
    println!("{}: {} packets, {} bytes", args.out.display(), truth.count("packets"), truth.count("bytes"));
    Ok(())
}
