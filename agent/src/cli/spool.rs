//! `spool verify` and `spool dump`: what stands in a spool, without changing it or minding who uses it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::spool::disk::{Disk, Folder};
use crate::spool::format::{HEADER, LOSS, Piece, Pieces};
use crate::spool::positions::Found;
use crate::spool::recover::{LONGEST_SEGMENT, Survey, survey};
use crate::spool::{LANES, place};

/// Look into a spool
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-agent spool verify /var/lib/fieldward-agent/spool
  fieldward-agent spool dump /var/lib/fieldward-agent/spool | jq -r .record.title")]
pub struct Spool {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Check every record: one JSON object per segment; fails when something is damaged
    Verify {
        /// The spool's folder
        folder: PathBuf,
    },
    /// Write every record as a JSON object, the oldest of each lane first
    Dump {
        /// The spool's folder
        folder: PathBuf,
    },
}

impl Spool {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        match &self.what {
            What::Verify { folder } => verify(folder),
            What::Dump { folder } => dump(folder),
        }
    }
}

fn look(folder: &Path) -> anyhow::Result<(Arc<dyn Disk>, Survey)> {
    if !folder.is_dir() {
        bail!("{}: no such folder; give the `spool` of the agent's configuration", folder.display());
    }
    let disk: Arc<dyn Disk> = Arc::new(Folder::look(folder));
    let found = survey(&disk);
    if let Some((file, version)) = &found.newer {
        bail!("{file} is of spool version {version}; use the agent that wrote it");
    }
    Ok((disk, found))
}

fn verify(folder: &Path) -> anyhow::Result<()> {
    let (_, found) = look(folder)?;
    let mut out = std::io::stdout().lock();
    let (mut records, mut damaged) = (0_u64, 0_u64);
    for segment in &found.segments {
        let line = json!({
            "file": segment.name,
            "lane": segment.header.lane,
            "incarnation": segment.header.incarnation.to_string(),
            "bytes": segment.size,
            "records": segment.records,
            "losses": segment.losses,
            "sequences": segment.runs,
            "damage": segment.damage,
            "misnamed": segment.misnamed,
        });
        writeln!(out, "{line}")?;
        records = records.saturating_add(segment.records);
        damaged = damaged.saturating_add(u64::from(!segment.damage.is_empty()));
    }
    for name in &found.useless {
        writeln!(out, "{}", json!({"file": name, "records": 0, "damage": "no record of a spool"}))?;
        damaged = damaged.saturating_add(1);
    }
    for (name, error) in &found.unreadable {
        writeln!(out, "{}", json!({"file": name, "error": error.to_string()}))?;
        damaged = damaged.saturating_add(1);
    }
    let segments = found.segments.len();
    eprintln!("{records} whole records in {segments} segments; {}", positions(&found.positions));
    if damaged > 0 {
        bail!(
            "{damaged} files are damaged; the agent keeps what is whole and says what is lost when it starts"
        );
    }
    Ok(())
}

fn positions(found: &Found) -> String {
    match found {
        Found::Missing => "positions are not written yet".to_owned(),
        Found::Damaged | Found::Newer(_) => "positions are damaged: all would be sent again".to_owned(),
        Found::Known(known) => {
            let acked = LANES.map(|lane| format!("{} {}", lane.name(), known.lanes[place(lane)].acked));
            format!("acknowledged up to {}", acked.join(", "))
        }
    }
}

fn dump(folder: &Path) -> anyhow::Result<()> {
    let (disk, found) = look(folder)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let (mut records, mut losses) = (0_u64, 0_u64);
    for segment in &found.segments {
        let bytes = disk.read(&segment.name, 0, LONGEST_SEGMENT)?;
        let header = segment.header;
        for piece in Pieces::new(&bytes, header.key(), HEADER, header.first.saturating_sub(1)) {
            let Piece::Record(record) = piece else { continue };
            let loss = record.flags & LOSS != 0;
            let kind = if loss { "loss" } else { "record" };
            let mut line = json!({"lane": header.lane, "seq": record.seq});
            line[kind] = content(record.payload);
            writeln!(out, "{line}")?;
            records = records.saturating_add(u64::from(!loss));
            losses = losses.saturating_add(u64::from(loss));
        }
    }
    out.flush()?;
    eprintln!("{records} records and {losses} loss records in {} segments", found.segments.len());
    Ok(())
}

/// JSON as it is; anything else in hexadecimal digits.
fn content(payload: &[u8]) -> Value {
    serde_json::from_slice(payload)
        .unwrap_or_else(|_| Value::String(payload.iter().map(|byte| format!("{byte:02x}")).collect()))
}
