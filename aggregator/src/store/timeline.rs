//! The timeline of an alert, as it is kept: sixty points have the same five names, so they are kept by column
//! and packed. As JSON they are most of what an alert is; packed they are a twentieth of that.

use fieldward_shared::alert::TimelinePoint;
use fieldward_shared::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The points of a timeline.
#[derive(Default, Deserialize, Serialize)]
struct Columns {
    /// Microseconds of the first, and from each to the next, in runs: (step, how many).
    from: u64,
    steps: Vec<(i64, usize)>,
    packets: Vec<u32>,
    destinations: Vec<u32>,
    shares: Vec<f32>,
    /// In runs as well.
    status: Vec<(String, usize)>,
}

/// Packs a timeline.
pub fn pack(points: &[TimelinePoint]) -> Vec<u8> {
    postcard::to_extend(&Columns::of(points), vec![VERSION]).unwrap_or_default()
}

/// Unpacks a timeline; none where the bytes are none.
pub fn unpack(bytes: &[u8]) -> Option<Vec<TimelinePoint>> {
    let (version, packed) = bytes.split_first()?;
    let columns: Columns = postcard::from_bytes(packed).ok().filter(|_| *version == VERSION)?;
    Some(columns.points())
}

impl Columns {
    fn of(points: &[TimelinePoint]) -> Self {
        let from = points.first().map_or(0, |point| point.time.as_micros());
        let mut before = from;
        let steps = points.iter().map(|point| {
            let step = point.time.as_micros().wrapping_sub(before).cast_signed();
            before = point.time.as_micros();
            step
        });
        Self {
            from,
            steps: runs(steps),
            packets: points.iter().map(|point| point.packets_per_sec).collect(),
            destinations: points.iter().map(|point| point.unique_dest_ips).collect(),
            shares: points.iter().map(|point| point.protocol_distribution).collect(),
            status: runs(points.iter().map(|point| point.status.as_str()))
                .into_iter()
                .map(|(status, length)| (status.to_owned(), length))
                .collect(),
        }
    }

    /// As many points as all columns have: what is stored may be damaged.
    fn points(self) -> Vec<TimelinePoint> {
        let mut time = self.from;
        let length = self.packets.len();
        let steps =
            self.steps.iter().flat_map(|(step, times)| std::iter::repeat_n(*step, (*times).min(length)));
        let status =
            self.status.iter().flat_map(|(word, times)| std::iter::repeat_n(word, (*times).min(length)));
        let columns = self.packets.iter().zip(&self.destinations).zip(&self.shares).zip(steps).zip(status);
        columns
            .map(|((((packets, destinations), share), step), status)| {
                time = time.wrapping_add_signed(step);
                TimelinePoint {
                    time: Timestamp::from_micros(time),
                    packets_per_sec: *packets,
                    unique_dest_ips: *destinations,
                    protocol_distribution: *share,
                    status: status.clone(),
                }
            })
            .collect()
    }
}

/// Equal ones that follow each other, as one and how many.
fn runs<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<(T, usize)> {
    let mut runs: Vec<(T, usize)> = Vec::new();
    for one in all {
        match runs.last_mut() {
            Some((same, length)) if *same == one => *length += 1,
            _ => runs.push((one, 1)),
        }
    }
    runs
}

/// The first byte, so that another way to pack can be told from this one.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeline_comes_back_as_it_was() {
        let point = |second: u64, status: &str| TimelinePoint {
            time: Timestamp::from_micros(1_700_000_000_000_000 + second * 1_000_000),
            packets_per_sec: second as u32 * 7,
            unique_dest_ips: 3,
            protocol_distribution: 1.0 / (second as f32 + 1.0),
            status: status.into(),
        };
        let seconds = (0..60).map(|second| point(second, if second < 50 { "normal" } else { "attack" }));
        // A clock that was set back, and a point twice.
        let odd = [point(5, "normal"), point(5, "attack"), point(2, "normal")];
        for timeline in [seconds.collect(), odd.to_vec(), Vec::new()] {
            assert_eq!(unpack(&pack(&timeline)), Some(timeline));
        }
    }

    #[test]
    fn damaged_bytes_are_no_timeline() {
        for bytes in [&[][..], &[2, 0], &[1, 255, 255, 255, 255], &[VERSION]] {
            assert_eq!(unpack(bytes), None);
        }
    }
}
