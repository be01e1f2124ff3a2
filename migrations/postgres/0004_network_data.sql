-- What each second of a plant's traffic was, and minutes and hours of it. A rolled-up row holds sums of its
-- seconds, so that minutes add up to hours, and the most of what is an estimate.
CREATE TABLE network_data (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp TIMESTAMPTZ NOT NULL,
    packets_per_sec BIGINT NOT NULL,
    bytes_per_sec BIGINT NOT NULL,
    unique_src_ips BIGINT NOT NULL,
    unique_dest_ips BIGINT NOT NULL,
    protocol_distribution DOUBLE PRECISION NOT NULL,
    failed_connections BIGINT NOT NULL,
    avg_packet_size BIGINT NOT NULL,
    inter_arrival_time BIGINT NOT NULL,
    raw_features JSONB NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
);
CREATE INDEX network_data_by_time ON network_data (timestamp);

CREATE TABLE network_data_minutes (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp TIMESTAMPTZ NOT NULL,
    -- Seconds that were told of.
    seconds BIGINT NOT NULL,
    packets BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    failed_connections BIGINT NOT NULL,
    most_packets_per_sec BIGINT NOT NULL,
    most_src_ips BIGINT NOT NULL,
    most_dest_ips BIGINT NOT NULL,
    protocol_distribution_sum DOUBLE PRECISION NOT NULL,
    inter_arrival_time_sum BIGINT NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
);
CREATE INDEX network_data_minutes_by_time ON network_data_minutes (timestamp);

CREATE TABLE network_data_hours (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp TIMESTAMPTZ NOT NULL,
    -- Seconds that were told of.
    seconds BIGINT NOT NULL,
    packets BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    failed_connections BIGINT NOT NULL,
    most_packets_per_sec BIGINT NOT NULL,
    most_src_ips BIGINT NOT NULL,
    most_dest_ips BIGINT NOT NULL,
    protocol_distribution_sum DOUBLE PRECISION NOT NULL,
    inter_arrival_time_sum BIGINT NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
);
CREATE INDEX network_data_hours_by_time ON network_data_hours (timestamp);
