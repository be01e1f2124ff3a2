//! How fast the spool is: records accepted in a second, how long a hand-over takes, how long a start
//! with a gigabyte takes. It needs a folder on the disk in question with room for that.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use fieldward_agent::spool::{LANES, Limits, Spool};

/// Times the spool.
#[derive(Parser)]
struct Arguments {
    /// An empty folder on the disk in question
    folder: PathBuf,
    /// Bytes of a record
    #[arg(long, default_value = "400")]
    bytes: usize,
    /// Records for the rate
    #[arg(long, default_value = "200000")]
    records: usize,
    /// MiB in the spool when its start is timed
    #[arg(long, default_value = "1024")]
    full: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let limits = Limits { bytes: (arguments.full + 256) << 20, ..Limits::to_the_brim() };
    let (spool, _) = Spool::open(&arguments.folder, limits.clone())?;
    let start = Instant::now();
    let mut times = Vec::with_capacity(arguments.records);
    for nth in 0..arguments.records {
        put(&spool, nth, arguments.bytes, &mut times);
    }
    let counts = spool.sync();
    let rate = arguments.records as f64 / start.elapsed().as_secs_f64();
    let lost: u64 = counts.overrun.iter().chain(&counts.shed).sum();
    println!("{} records of {} bytes: {rate:.0} accepted/s, {lost} lost", arguments.records, arguments.bytes);
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize - 1] as f64 / 1e3;
    println!("hand-over: p50 {:.2} µs, p99 {:.2} µs, most {:.1} µs", at(0.5), at(0.99), at(1.0));
    let mut lone = Vec::new();
    for nth in 0..200 {
        let start = Instant::now();
        spool.put(LANES[nth % 4], vec![b'x'; arguments.bytes]);
        spool.sync();
        lone.push(start.elapsed().as_micros());
    }
    lone.sort_unstable();
    println!("a lone record until it is accepted: p50 {} µs, p99 {} µs", lone[99], lone[197]);
    let mut nth = 0;
    while spool.counts().bytes < arguments.full << 20 {
        put(&spool, nth, arguments.bytes, &mut times);
        nth += 1;
    }
    let counts = spool.close();
    let start = Instant::now();
    let (spool, recovery) = Spool::open(&arguments.folder, limits)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("start with {} MiB, {} records: {seconds:.2} s", counts.bytes >> 20, recovery.records);
    let (mut read, start) = (0_usize, Instant::now());
    for lane in LANES {
        let mut reader = spool.reader(lane, 1);
        loop {
            let batch = reader.batch(256 << 10)?;
            read += batch.len();
            if batch.is_empty() {
                break;
            }
        }
    }
    println!("read in batches of 256 KiB: {:.0} records/s", read as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

/// Puts a record and notes how long that took; lets the disk keep up.
fn put(spool: &Spool, nth: usize, bytes: usize, times: &mut Vec<u128>) {
    while spool.counts().waiting > 4096 {
        std::thread::yield_now();
    }
    let record = vec![b'x'; bytes];
    let start = Instant::now();
    spool.put(LANES[nth % 4], record);
    times.push(start.elapsed().as_nanos());
}
