//! A second of the window as the numbers that leave the pipeline.

use fieldward_shared::telemetry::NetworkData;
use fieldward_shared::time::Timestamp;

use crate::features::{self, SCHEMA};
use crate::window::Bucket;

/// The numbers of a second.
pub fn network_data(facility: &str, second: u64, bucket: &Bucket) -> NetworkData {
    let traffic = &bucket.traffic;
    let packets = traffic.packets.max(1);
    NetworkData {
        timestamp: Timestamp::from_micros(second * 1_000_000),
        facility_id: facility.to_owned(),
        packets_per_sec: traffic.packets,
        bytes_per_sec: traffic.bytes,
        unique_src_ips: traffic.sources.count().round() as u32,
        unique_dest_ips: traffic.targets.count().round() as u32,
        protocol_distribution: commonest(bucket),
        failed_connections: traffic.syn.saturating_sub(traffic.syn_ack),
        avg_packet_size: (traffic.bytes / u64::from(packets)) as u32,
        inter_arrival_time: 1_000_000 / packets,
        raw_features: SCHEMA
            .names()
            .iter()
            .map(|name| (*name).to_owned())
            .zip(features::of(bucket))
            .collect(),
    }
}

/// The share of the commonest protocol among the messages of a second; 0 where there were none.
pub fn commonest(bucket: &Bucket) -> f32 {
    let mqtt = &bucket.mqtt;
    let counts = [
        bucket.modbus.requests + bucket.modbus.responses,
        mqtt.connects + mqtt.publishes + mqtt.subscribes + mqtt.disconnects + mqtt.others,
        bucket.dns.queries + bucket.dns.responses,
        bucket.http.requests + bucket.http.responses,
    ];
    let all: u32 = counts.iter().sum();
    let most = counts.into_iter().max().unwrap_or_default();
    if all == 0 { 0.0 } else { most as f32 / all as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_second_and_a_full_one_are_told() {
        let empty = network_data("a", 7, &Bucket::default());
        assert_eq!((empty.packets_per_sec, empty.avg_packet_size, empty.protocol_distribution), (0, 0, 0.0));
        let mut bucket = Bucket::default();
        (bucket.traffic.packets, bucket.traffic.bytes) = (4, 400);
        (bucket.modbus.requests, bucket.http.requests) = (3, 1);
        let full = network_data("a", 7, &bucket);
        assert_eq!((full.avg_packet_size, full.inter_arrival_time), (100, 250_000));
        assert!((full.protocol_distribution - 0.75).abs() < 1e-6);
        assert_eq!(full.raw_features.len(), features::COUNT);
    }
}
