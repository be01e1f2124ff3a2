//! `decode`: a capture in, one JSON object per protocol event out.
//!
//! Streams: memory stays the same for any length of capture. This is the one place between packet
//! and event that reads a clock, to say how long the work took.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::reading::progress;
use crate::capture::{self, Drops, Filter, LiveConfig, Next, Source};
use crate::json;
use crate::pipeline::{Limits, Pipeline};
use crate::protocol::{self, ProtocolEvent, Sink};

/// Decode a capture: one JSON object per protocol event
#[derive(Args)]
#[command(after_help = "Examples:
  fieldward-agent decode plant.pcap
  fieldward-agent decode plant.pcapng --protocol modbus,mqtt | jq .func
  zcat plant.pcap.gz | fieldward-agent decode - --quiet
  fieldward-agent decode --interface eth1 --filter 'tcp port 502'")]
pub struct Decode {
    /// Capture file (pcap or pcapng), or - for standard input
    #[arg(required_unless_present = "interface", conflicts_with = "interface")]
    file: Option<PathBuf>,
    /// Listen on this interface instead, until interrupted (see `devices`)
    #[arg(long, short, value_name = "NAME")]
    interface: Option<String>,
    /// Only events of these protocols
    #[arg(long, short, value_delimiter = ',', value_parser = PossibleValuesParser::new(protocol::names()))]
    protocol: Vec<String>,
    /// Only packets that pass this filter (BPF, as for tcpdump)
    #[arg(long, short, value_name = "BPF")]
    filter: Option<String>,
    /// No events, only one JSON object with the counts
    #[arg(long, short)]
    quiet: bool,
    /// Bytes kept of each packet when listening [default: 65535]
    #[arg(long, requires = "interface", value_name = "BYTES")]
    snaplen: Option<u32>,
    /// Kernel buffer in MiB when listening [default: 64]
    #[arg(long, requires = "interface", value_name = "MIB")]
    buffer: Option<u32>,
    /// Listen only to what is addressed to this machine
    #[arg(long, requires = "interface")]
    no_promiscuous: bool,
}

impl Decode {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut source = self.source(&stop)?;
        let bar = progress(source.size());
        let started = Instant::now();
        let mut pipeline = Pipeline::new(Limits::default());
        let mut out = Output::new(self.quiet, &self.protocol);
        let damage = loop {
            match source.next_packet() {
                Ok(Next::Packet(packet)) => pipeline.packet(&packet, &mut out),
                // A quiet link must not keep a stop signal waiting for the next packets.
                Ok(Next::Idle) if stop.load(Ordering::Relaxed) => break None,
                Ok(Next::Idle) => out.flush()?,
                Ok(Next::End) => break None,
                Err(error) => break Some(error),
            }
            if pipeline.packets().is_multiple_of(STEP) {
                out.failed()?;
                bar.set_position(source.position());
                if stop.load(Ordering::Relaxed) {
                    break None;
                }
            }
        };
        pipeline.finish(&mut out);
        bar.finish_and_clear();
        if self.quiet {
            out.summary(&pipeline, source.drops(), started.elapsed().as_secs_f64());
        }
        out.flush()?;
        damage.map_or(Ok(()), |error| Err(error.into()))
    }

    fn source(&self, stop: &Arc<AtomicBool>) -> anyhow::Result<Box<dyn Source>> {
        let Some(interface) = &self.interface else {
            let path = self.file.as_deref().context("no capture file was named")?;
            let source = capture::open(path)?;
            return Ok(Box::new(match &self.filter {
                Some(filter) => source.filtered(Filter::new(filter)?),
                None => source,
            }));
        };
        let mut config = LiveConfig::new(interface);
        config.promiscuous = !self.no_promiscuous;
        config.filter.clone_from(&self.filter);
        config.snaplen = self.snaplen.unwrap_or(config.snaplen);
        config.buffer_bytes = self.buffer.map_or(config.buffer_bytes, |mib| mib.saturating_mul(1 << 20));
        let live = capture::open_live(&config)?;
        capture::drop_capabilities()?;
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(stop))?;
        }
        Ok(Box::new(live))
    }
}

/// Writes events as they come, or only counts them.
struct Output {
    buffer: Vec<u8>,
    quiet: bool,
    wanted: Vec<String>,
    error: Option<std::io::Error>,
    /// Events and malformed ones among them, per protocol in order of appearance.
    counts: Vec<(&'static str, u64, u64)>,
}

impl Output {
    fn new(quiet: bool, wanted: &[String]) -> Self {
        Self { buffer: Vec::new(), quiet, wanted: wanted.to_vec(), error: None, counts: Vec::new() }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.failed()?;
        let written = std::io::stdout().lock().write_all(&self.buffer);
        self.buffer.clear();
        written
    }

    /// An error of an earlier write, if there was one.
    fn failed(&mut self) -> std::io::Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }

    fn count(&mut self, event: &ProtocolEvent<'_>) {
        let malformed = u64::from(event.malformed.is_some());
        match self.counts.iter_mut().find(|(proto, ..)| *proto == event.proto) {
            Some((_, events, bad)) => {
                *events = events.saturating_add(1);
                *bad = bad.saturating_add(malformed);
            }
            None => self.counts.push((event.proto, 1, malformed)),
        }
    }

    fn summary(&mut self, pipeline: &Pipeline, drops: Drops, seconds: f64) {
        let mut counts = self.counts.clone();
        counts.sort_unstable();
        let events = counts.iter().map(|(proto, events, _)| (*proto, *events));
        let malformed = counts.iter().map(|(proto, _, bad)| (*proto, *bad)).filter(|(_, bad)| *bad > 0);
        let flows = pipeline.flow_counts();
        let mut out = Vec::new();
        out.extend_from_slice(b"{\"packets\":");
        push(&mut out, pipeline.packets());
        out.extend_from_slice(b",\"bytes\":");
        push(&mut out, pipeline.bytes());
        let dropped = pipeline.frame_counts().dropped().filter(|(_, count)| *count > 0);
        members(&mut out, "frames_dropped", dropped);
        members(&mut out, "frames_noted", pipeline.frame_counts().noted().filter(|(_, count)| *count > 0));
        members(&mut out, "events", events);
        members(&mut out, "malformed", malformed);
        out.extend_from_slice(b",\"flows\":");
        push(&mut out, flows.flows);
        members(&mut out, "streams", flows.each().skip(1).filter(|(_, count)| *count > 0));
        members(
            &mut out,
            "capture_drops",
            [("kernel", drops.kernel), ("interface", drops.interface), ("unknown_link", drops.unknown_link)]
                .into_iter(),
        );
        let rate = pipeline.packets() as f64 / seconds.max(1e-9);
        let span = pipeline.span() as f64 / 1e6;
        // Writing into a Vec cannot fail.
        let _ = writeln!(
            out,
            ",\"capture_seconds\":{span:.6},\"seconds\":{seconds:.6},\"packets_per_second\":{rate:.0}}}"
        );
        self.buffer.append(&mut out);
    }
}

impl Sink for Output {
    fn event(&mut self, event: &ProtocolEvent<'_>) {
        self.count(event);
        if self.quiet || !self.wanted.is_empty() && !self.wanted.iter().any(|name| name == event.proto) {
            return;
        }
        json::event(&mut self.buffer, event);
        if self.buffer.len() >= FLUSH_AT {
            let written = std::io::stdout().lock().write_all(&self.buffer);
            self.buffer.clear();
            if let Err(error) = written {
                self.error.get_or_insert(error);
            }
        }
    }
}

fn push(out: &mut Vec<u8>, number: u64) {
    json::value(out, &protocol::Value::Number(number));
}

fn members(out: &mut Vec<u8>, name: &str, counts: impl Iterator<Item = (&'static str, u64)>) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":{");
    for (at, (name, count)) in counts.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        push(out, count);
    }
    out.push(b'}');
}

/// After so many packets the progress, the stop signal and the output are looked at.
const STEP: u64 = 8192;
/// Events are written when so many bytes are gathered.
const FLUSH_AT: usize = 256 * 1024;
