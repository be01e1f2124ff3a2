//! How agent and host are, from what the system tells. What it does not tell counts as nothing.

use std::path::Path;

use fieldward_shared::time::Timestamp;
use fieldward_shared::wire::Health;
use tokio::time::Instant;

use crate::spool::Spool;

/// Looks now and then.
pub struct Looking {
    spool_folder: std::path::PathBuf,
    before: Option<(Instant, u64)>,
}

impl Looking {
    /// At the disk on which the spool lies.
    pub fn new(spool_folder: &Path) -> Self {
        Self { spool_folder: spool_folder.to_owned(), before: None }
    }

    /// Adds what the system tells to what the service told.
    pub fn look(&mut self, told: Health, spool: &Spool, now: Instant) -> Health {
        let counts = spool.counts();
        let ticks = processor_ticks();
        let cpu_percent = self.before.replace((now, ticks)).map_or(0.0, |(then, before)| {
            let seconds = now.duration_since(then).as_secs_f32().max(0.001);
            let hertz = rustix::param::clock_ticks_per_second().max(1) as f32;
            ticks.saturating_sub(before) as f32 / hertz / seconds * 100.0
        });
        let free = rustix::fs::statvfs(&self.spool_folder);
        Health {
            cpu_percent,
            memory_bytes: memory_bytes(),
            disk_free_bytes: free.map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
            spool_records: counts.unacknowledged,
            spool_bytes: counts.bytes,
            memory_only: counts.memory_only,
            ..told
        }
    }
}

/// Time that the process has used, in ticks of the clock.
fn processor_ticks() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold anything: fields 14 and 15 of proc(5).
    let after = text.rsplit_once(')').map_or("", |(_, after)| after);
    let fields: Vec<u64> = after.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    fields.iter().sum()
}

/// Resident memory.
fn memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0).saturating_mul(rustix::param::page_size() as u64)
}

/// The time of day, for pings and for comparing clocks; certificates are judged by TLS.
pub fn wall() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "clocks of both ends are compared")]
    let now = std::time::SystemTime::now();
    let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}
