-- What each second of a plant's traffic was, and minutes and hours of it. A rolled-up row holds sums of its
-- seconds, so that minutes add up to hours, and the most of what is an estimate.
CREATE TABLE network_data (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp INTEGER NOT NULL,
    packets_per_sec INTEGER NOT NULL,
    bytes_per_sec INTEGER NOT NULL,
    unique_src_ips INTEGER NOT NULL,
    unique_dest_ips INTEGER NOT NULL,
    protocol_distribution REAL NOT NULL,
    failed_connections INTEGER NOT NULL,
    avg_packet_size INTEGER NOT NULL,
    inter_arrival_time INTEGER NOT NULL,
    raw_features TEXT NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
) STRICT;
CREATE INDEX network_data_by_time ON network_data (timestamp);

CREATE TABLE network_data_minutes (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp INTEGER NOT NULL,
    -- Seconds that were told of.
    seconds INTEGER NOT NULL,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    failed_connections INTEGER NOT NULL,
    most_packets_per_sec INTEGER NOT NULL,
    most_src_ips INTEGER NOT NULL,
    most_dest_ips INTEGER NOT NULL,
    protocol_distribution_sum REAL NOT NULL,
    inter_arrival_time_sum INTEGER NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
) STRICT;
CREATE INDEX network_data_minutes_by_time ON network_data_minutes (timestamp);

CREATE TABLE network_data_hours (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp INTEGER NOT NULL,
    -- Seconds that were told of.
    seconds INTEGER NOT NULL,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    failed_connections INTEGER NOT NULL,
    most_packets_per_sec INTEGER NOT NULL,
    most_src_ips INTEGER NOT NULL,
    most_dest_ips INTEGER NOT NULL,
    protocol_distribution_sum REAL NOT NULL,
    inter_arrival_time_sum INTEGER NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
) STRICT;
CREATE INDEX network_data_hours_by_time ON network_data_hours (timestamp);
