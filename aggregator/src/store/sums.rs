//! Traffic of several plants together, and seconds of it as a list. [`super::traffic`] writes it.

use fieldward_shared::time::Timestamp;

use super::board::Count;
use super::db::{At, Row, Values};
use super::traffic::Resolution;
use super::{Store, StoreError};

/// Traffic of several plants in a second, a minute or an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sum {
    /// When it begins.
    pub at: Timestamp,
    /// Seconds that were told of in it, of all plants together.
    pub seconds: u64,
    /// Packets in them.
    pub packets: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Attempts to connect that failed.
    pub failed_connections: u64,
    /// Packets of the busiest second of a plant.
    pub most_packets_per_sec: u64,
    /// The most senders of a second of a plant.
    pub most_src_ips: u64,
    /// The most receivers of a second of a plant.
    pub most_dest_ips: u64,
    /// Sum over the seconds of the share of the commonest protocol.
    pub protocol_distribution: f64,
}

/// A second of a plant.
#[derive(Clone, Debug, PartialEq)]
pub struct SecondRow {
    /// When it began.
    pub at: Timestamp,
    /// Which plant.
    pub facility: String,
    /// Packets.
    pub packets_per_sec: u64,
    /// Bytes.
    pub bytes_per_sec: u64,
    /// Different senders.
    pub unique_src_ips: u64,
    /// Different receivers.
    pub unique_dest_ips: u64,
    /// Share of the commonest protocol.
    pub protocol_distribution: f64,
    /// Attempts to connect that failed.
    pub failed_connections: u64,
    /// Bytes of a packet, on average.
    pub avg_packet_size: u64,
    /// Microseconds between packets, on average.
    pub inter_arrival_time: u64,
}

impl Sum {
    /// Takes what another stretch is to this one.
    pub fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.failed_connections = self.failed_connections.saturating_add(other.failed_connections);
        self.most_packets_per_sec = self.most_packets_per_sec.max(other.most_packets_per_sec);
        self.most_src_ips = self.most_src_ips.max(other.most_src_ips);
        self.most_dest_ips = self.most_dest_ips.max(other.most_dest_ips);
        self.protocol_distribution += other.protocol_distribution;
    }
}

impl Store {
    /// Traffic of these plants (all when none are named) from one moment until before another, in order.
    pub async fn sums(
        &self,
        facilities: &[String],
        from: Timestamp,
        until: Timestamp,
        resolution: Resolution,
    ) -> Result<Vec<Sum>, StoreError> {
        let mut values = Values(vec![from.into(), until.into(), MOST.into()]);
        let within = values.of_plants(facilities);
        let columns = if resolution == Resolution::Second { SECOND } else { ROLLED };
        let sql = format!(
            "SELECT timestamp, {columns} FROM {}
            WHERE timestamp >= $1 AND timestamp < $2{within} GROUP BY timestamp ORDER BY timestamp LIMIT $3",
            resolution.table()
        );
        self.db.read("read traffic", &sql, values.0).await?.iter().map(sum).collect()
    }

    /// Seconds of these plants (all when none are named), the newest first, after a place in that order, or
    /// after skipping some.
    pub async fn seconds(
        &self,
        facilities: &[String],
        (from, until): (Timestamp, Timestamp),
        after: Option<&(Timestamp, String)>,
        (skip, most): (u32, u32),
    ) -> Result<Vec<SecondRow>, StoreError> {
        let mut values =
            Values(vec![from.into(), until.into(), i64::from(most).into(), i64::from(skip).into()]);
        let mut within = values.of_plants(facilities);
        if let Some((at, facility)) = after {
            let (at, facility) = (values.next((*at).into()), values.next(facility.as_str().into()));
            within.push_str(&format!(
                " AND (timestamp < {at} OR timestamp = {at} AND facility_id > {facility})"
            ));
        }
        let sql = format!(
            "SELECT * FROM network_data WHERE timestamp >= $1 AND timestamp < $2{within}
            ORDER BY timestamp DESC, facility_id LIMIT $3 OFFSET $4"
        );
        self.db.read("read traffic", &sql, values.0).await?.iter().map(second).collect()
    }

    /// How many seconds there are; counted no further than `most`.
    pub async fn count_seconds(
        &self,
        facilities: &[String],
        from: Timestamp,
        until: Timestamp,
        most: u32,
    ) -> Result<Count, StoreError> {
        let mut values = Values(vec![from.into(), until.into(), i64::from(most).into()]);
        let within = values.of_plants(facilities);
        let sql = format!(
            "SELECT count(*) AS count FROM (SELECT 1 FROM network_data
                WHERE timestamp >= $1 AND timestamp < $2{within} LIMIT $3) AS counted"
        );
        let rows = self.db.read("count traffic", &sql, values.0).await?;
        let value = rows.first().map_or(Ok(0), |row| row.count("count"))?;
        Ok(Count { value, is_least: value >= u64::from(most) })
    }
}

fn sum(row: &Row) -> Result<Sum, StoreError> {
    Ok(Sum {
        at: row.get::<At>("timestamp")?.0,
        seconds: row.count("seconds")?,
        packets: row.count("packets")?,
        bytes: row.count("bytes")?,
        failed_connections: row.count("failed")?,
        most_packets_per_sec: row.count("most_packets")?,
        most_src_ips: row.count("most_src")?,
        most_dest_ips: row.count("most_dest")?,
        protocol_distribution: row.get("share")?,
    })
}

fn second(row: &Row) -> Result<SecondRow, StoreError> {
    Ok(SecondRow {
        at: row.get::<At>("timestamp")?.0,
        facility: row.get("facility_id")?,
        packets_per_sec: row.count("packets_per_sec")?,
        bytes_per_sec: row.count("bytes_per_sec")?,
        unique_src_ips: row.count("unique_src_ips")?,
        unique_dest_ips: row.count("unique_dest_ips")?,
        protocol_distribution: row.get("protocol_distribution")?,
        failed_connections: row.count("failed_connections")?,
        avg_packet_size: row.count("avg_packet_size")?,
        inter_arrival_time: row.count("inter_arrival_time")?,
    })
}

/// Stretches that are read.
const MOST: i64 = 10_000;
const ROLLED: &str = "CAST(sum(seconds) AS BIGINT) AS seconds, CAST(sum(packets) AS BIGINT) AS packets,
    CAST(sum(bytes) AS BIGINT) AS bytes, CAST(sum(failed_connections) AS BIGINT) AS failed,
    max(most_packets_per_sec) AS most_packets, max(most_src_ips) AS most_src, max(most_dest_ips) AS most_dest,
    sum(protocol_distribution_sum) AS share";
const SECOND: &str = "count(*) AS seconds, CAST(sum(packets_per_sec) AS BIGINT) AS packets,
    CAST(sum(bytes_per_sec) AS BIGINT) AS bytes, CAST(sum(failed_connections) AS BIGINT) AS failed,
    max(packets_per_sec) AS most_packets, max(unique_src_ips) AS most_src, max(unique_dest_ips) AS most_dest,
    sum(protocol_distribution) AS share";
