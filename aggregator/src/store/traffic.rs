//! Keeps what traffic was: each second of each plant as it was told, and minutes and hours of it, added up in
//! the same transaction, so that they always say the same. [`super::sums`] reads it.

use std::collections::{BTreeMap, BTreeSet};

use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;

use super::db::{At, Json, Value};
use super::{Store, StoreError, now};

/// How fine traffic is kept and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resolution {
    /// As it was told.
    Second,
    /// Sixty of them.
    Minute,
    /// Sixty minutes.
    Hour,
}

/// Sums of the seconds of a minute or an hour that were told at once.
struct Traffic {
    at: Timestamp,
    seconds: u64,
    packets: u64,
    bytes: u64,
    failed_connections: u64,
    most_packets_per_sec: u64,
    most_src_ips: u64,
    most_dest_ips: u64,
    protocol_distribution: f64,
    inter_arrival_time: f64,
}

impl Resolution {
    /// Microseconds of one.
    pub const fn micros(self) -> u64 {
        match self {
            Self::Second => 1_000_000,
            Self::Minute => 60_000_000,
            Self::Hour => 3_600_000_000,
        }
    }

    /// Where it is kept.
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Second => "network_data",
            Self::Minute => "network_data_minutes",
            Self::Hour => "network_data_hours",
        }
    }

    /// The finest in which a range has at most so many rows.
    pub fn fitting(from: Timestamp, until: Timestamp, most: u64) -> Self {
        let fits = |one: &Self| until.since(from) / one.micros() <= most;
        [Self::Second, Self::Minute].into_iter().find(fits).unwrap_or(Self::Hour)
    }
}

impl Store {
    /// Keeps seconds of traffic. One that is known already changes nothing; gives how many were new.
    pub async fn telemetry(&self, told: Vec<NetworkData>) -> Result<u64, StoreError> {
        let mut seconds = BTreeMap::new();
        for second in told {
            // A second is known by its whole number.
            let at = start(second.timestamp, Resolution::Second);
            seconds.entry((second.facility_id.clone(), at)).or_insert(second);
        }
        let table = seconds.iter().map(|((facility, at), second)| row(facility, *at, second)).collect();
        let plants: BTreeSet<&str> = seconds.keys().map(|(facility, _)| facility.as_str()).collect();
        let plants = plants.into_iter().map(|id| vec![id.into(), id.into(), now().into()]).collect();
        let mut tx = self.db.begin("keep traffic").await?;
        tx.table("keep traffic", super::positions::ADD_FACILITIES, plants).await?;
        let mut new = Vec::new();
        for row in tx.table("keep traffic", INSERT, table).await? {
            let key = (row.get("facility_id")?, row.get::<At>("timestamp")?.0);
            new.extend(seconds.remove_entry(&key));
        }
        for resolution in [Resolution::Minute, Resolution::Hour] {
            let mut sums: BTreeMap<(String, Timestamp), Traffic> = BTreeMap::new();
            for ((facility, at), second) in &new {
                let at = start(*at, resolution);
                let sum = sums.entry((facility.clone(), at)).or_insert(Traffic::none(at));
                sum.add(second);
            }
            let table = sums.iter().map(|((facility, _), sum)| sum.row(facility)).collect();
            tx.table("add up traffic", &add(resolution), table).await?;
        }
        tx.commit("keep traffic").await?;
        Ok(new.len() as u64)
    }
}

impl Traffic {
    const fn none(at: Timestamp) -> Self {
        Self {
            at,
            seconds: 0,
            packets: 0,
            bytes: 0,
            failed_connections: 0,
            most_packets_per_sec: 0,
            most_src_ips: 0,
            most_dest_ips: 0,
            protocol_distribution: 0.0,
            inter_arrival_time: 0.0,
        }
    }

    fn add(&mut self, second: &NetworkData) {
        self.seconds += 1;
        self.packets = self.packets.saturating_add(second.packets_per_sec.into());
        self.bytes = self.bytes.saturating_add(second.bytes_per_sec);
        self.failed_connections = self.failed_connections.saturating_add(second.failed_connections.into());
        self.most_packets_per_sec = self.most_packets_per_sec.max(second.packets_per_sec.into());
        self.most_src_ips = self.most_src_ips.max(second.unique_src_ips.into());
        self.most_dest_ips = self.most_dest_ips.max(second.unique_dest_ips.into());
        let share = second.protocol_distribution;
        self.protocol_distribution += f64::from(if share.is_finite() { share } else { 0.0 });
        self.inter_arrival_time += f64::from(second.inter_arrival_time);
    }

    fn row(&self, facility: &str) -> Vec<Value> {
        vec![
            facility.into(),
            self.at.into(),
            Value::count(self.seconds),
            Value::count(self.packets),
            Value::count(self.bytes),
            Value::count(self.failed_connections),
            Value::count(self.most_packets_per_sec),
            Value::count(self.most_src_ips),
            Value::count(self.most_dest_ips),
            Value::real(self.protocol_distribution),
            Value::Int(self.inter_arrival_time as i64),
        ]
    }
}

fn row(facility: &str, at: Timestamp, second: &NetworkData) -> Vec<Value> {
    vec![
        facility.into(),
        at.into(),
        Value::count(second.packets_per_sec.into()),
        Value::count(second.bytes_per_sec),
        Value::count(second.unique_src_ips.into()),
        Value::count(second.unique_dest_ips.into()),
        Value::real(second.protocol_distribution.into()),
        Value::count(second.failed_connections.into()),
        Value::count(second.avg_packet_size.into()),
        Value::count(second.inter_arrival_time.into()),
        Json::of(&second.raw_features).into(),
    ]
}

/// When the one of these begins in which a moment lies.
pub(super) const fn start(at: Timestamp, resolution: Resolution) -> Timestamp {
    Timestamp::from_micros(at.as_micros() - at.as_micros() % resolution.micros())
}

/// Adds sums to those of the same minute or hour.
fn add(resolution: Resolution) -> String {
    let table = resolution.table();
    let added = ["seconds", "packets", "bytes", "failed_connections"];
    let added = added.into_iter().chain(["protocol_distribution_sum", "inter_arrival_time_sum"]);
    let most = ["most_packets_per_sec", "most_src_ips", "most_dest_ips"];
    let sums: Vec<String> = added
        .map(|column| format!("{column} = {table}.{column} + excluded.{column}"))
        .chain(most.map(|column| {
            format!(
                "{column} = CASE WHEN excluded.{column} > {table}.{column}
                    THEN excluded.{column} ELSE {table}.{column} END"
            )
        }))
        .collect();
    format!(
        "INSERT INTO {table} (facility_id, timestamp, seconds, packets, bytes, failed_connections,
            most_packets_per_sec, most_src_ips, most_dest_ips, protocol_distribution_sum,
            inter_arrival_time_sum) {{rows}}
        ON CONFLICT (facility_id, timestamp) DO UPDATE SET {}",
        sums.join(", ")
    )
}

const INSERT: &str = "INSERT INTO network_data (facility_id, timestamp, packets_per_sec, bytes_per_sec,
        unique_src_ips, unique_dest_ips, protocol_distribution, failed_connections, avg_packet_size,
        inter_arrival_time, raw_features) {rows}
    ON CONFLICT (facility_id, timestamp) DO NOTHING RETURNING facility_id, timestamp";
