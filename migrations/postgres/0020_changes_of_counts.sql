-- What the counts of alerts are to change by, until they do: whoever writes alerts only adds lines here, in the
-- same transaction, and a task adds many of them up at once. Whoever reads counts reads both.
CREATE TABLE alert_changes (
    facility_id TEXT NOT NULL,
    -- When the hour begins in which the alert was raised.
    timestamp TIMESTAMPTZ NOT NULL,
    -- Or a web attack where no technique is named. Empty: none of both.
    attack_type TEXT NOT NULL,
    -- Severity times four, and the place of the status.
    cell BIGINT NOT NULL,
    count BIGINT NOT NULL
);

-- Days of all techniques, so that long ranges are short to read.
CREATE TABLE alert_facility_days (
    timestamp TIMESTAMPTZ NOT NULL,
    facility_id TEXT NOT NULL,
    count BIGINT NOT NULL,
    low_new BIGINT NOT NULL,
    low_acknowledged BIGINT NOT NULL,
    low_resolved BIGINT NOT NULL,
    low_false_positive BIGINT NOT NULL,
    medium_new BIGINT NOT NULL,
    medium_acknowledged BIGINT NOT NULL,
    medium_resolved BIGINT NOT NULL,
    medium_false_positive BIGINT NOT NULL,
    high_new BIGINT NOT NULL,
    high_acknowledged BIGINT NOT NULL,
    high_resolved BIGINT NOT NULL,
    high_false_positive BIGINT NOT NULL,
    critical_new BIGINT NOT NULL,
    critical_acknowledged BIGINT NOT NULL,
    critical_resolved BIGINT NOT NULL,
    critical_false_positive BIGINT NOT NULL,
    PRIMARY KEY (timestamp, facility_id)
);
INSERT INTO alert_facility_days
SELECT
    timestamp,
    facility_id,
    CAST(sum(count) AS BIGINT),
    CAST(sum(low_new) AS BIGINT),
    CAST(sum(low_acknowledged) AS BIGINT),
    CAST(sum(low_resolved) AS BIGINT),
    CAST(sum(low_false_positive) AS BIGINT),
    CAST(sum(medium_new) AS BIGINT),
    CAST(sum(medium_acknowledged) AS BIGINT),
    CAST(sum(medium_resolved) AS BIGINT),
    CAST(sum(medium_false_positive) AS BIGINT),
    CAST(sum(high_new) AS BIGINT),
    CAST(sum(high_acknowledged) AS BIGINT),
    CAST(sum(high_resolved) AS BIGINT),
    CAST(sum(high_false_positive) AS BIGINT),
    CAST(sum(critical_new) AS BIGINT),
    CAST(sum(critical_acknowledged) AS BIGINT),
    CAST(sum(critical_resolved) AS BIGINT),
    CAST(sum(critical_false_positive) AS BIGINT)
FROM alert_days GROUP BY 1, 2;

-- Days of all facilities, likewise.
CREATE TABLE alert_technique_days (
    timestamp TIMESTAMPTZ NOT NULL,
    attack_type TEXT NOT NULL,
    count BIGINT NOT NULL,
    low_new BIGINT NOT NULL,
    low_acknowledged BIGINT NOT NULL,
    low_resolved BIGINT NOT NULL,
    low_false_positive BIGINT NOT NULL,
    medium_new BIGINT NOT NULL,
    medium_acknowledged BIGINT NOT NULL,
    medium_resolved BIGINT NOT NULL,
    medium_false_positive BIGINT NOT NULL,
    high_new BIGINT NOT NULL,
    high_acknowledged BIGINT NOT NULL,
    high_resolved BIGINT NOT NULL,
    high_false_positive BIGINT NOT NULL,
    critical_new BIGINT NOT NULL,
    critical_acknowledged BIGINT NOT NULL,
    critical_resolved BIGINT NOT NULL,
    critical_false_positive BIGINT NOT NULL,
    PRIMARY KEY (timestamp, attack_type)
);
INSERT INTO alert_technique_days
SELECT
    timestamp,
    attack_type,
    CAST(sum(count) AS BIGINT),
    CAST(sum(low_new) AS BIGINT),
    CAST(sum(low_acknowledged) AS BIGINT),
    CAST(sum(low_resolved) AS BIGINT),
    CAST(sum(low_false_positive) AS BIGINT),
    CAST(sum(medium_new) AS BIGINT),
    CAST(sum(medium_acknowledged) AS BIGINT),
    CAST(sum(medium_resolved) AS BIGINT),
    CAST(sum(medium_false_positive) AS BIGINT),
    CAST(sum(high_new) AS BIGINT),
    CAST(sum(high_acknowledged) AS BIGINT),
    CAST(sum(high_resolved) AS BIGINT),
    CAST(sum(high_false_positive) AS BIGINT),
    CAST(sum(critical_new) AS BIGINT),
    CAST(sum(critical_acknowledged) AS BIGINT),
    CAST(sum(critical_resolved) AS BIGINT),
    CAST(sum(critical_false_positive) AS BIGINT)
FROM alert_days GROUP BY 1, 2;
