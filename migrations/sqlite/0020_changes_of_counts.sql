-- What the counts of alerts are to change by, until they do: whoever writes alerts only adds lines here, in the
-- same transaction, and a task adds many of them up at once. Whoever reads counts reads both.
CREATE TABLE alert_changes (
    facility_id TEXT NOT NULL,
    -- When the hour begins in which the alert was raised.
    timestamp INTEGER NOT NULL,
    -- Or a web attack where no technique is named. Empty: none of both.
    attack_type TEXT NOT NULL,
    -- Severity times four, and the place of the status.
    cell INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;

-- Days of all techniques, so that long ranges are short to read.
CREATE TABLE alert_facility_days (
    timestamp INTEGER NOT NULL,
    facility_id TEXT NOT NULL,
    count INTEGER NOT NULL,
    low_new INTEGER NOT NULL,
    low_acknowledged INTEGER NOT NULL,
    low_resolved INTEGER NOT NULL,
    low_false_positive INTEGER NOT NULL,
    medium_new INTEGER NOT NULL,
    medium_acknowledged INTEGER NOT NULL,
    medium_resolved INTEGER NOT NULL,
    medium_false_positive INTEGER NOT NULL,
    high_new INTEGER NOT NULL,
    high_acknowledged INTEGER NOT NULL,
    high_resolved INTEGER NOT NULL,
    high_false_positive INTEGER NOT NULL,
    critical_new INTEGER NOT NULL,
    critical_acknowledged INTEGER NOT NULL,
    critical_resolved INTEGER NOT NULL,
    critical_false_positive INTEGER NOT NULL,
    PRIMARY KEY (timestamp, facility_id)
) STRICT, WITHOUT ROWID;
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
    timestamp INTEGER NOT NULL,
    attack_type TEXT NOT NULL,
    count INTEGER NOT NULL,
    low_new INTEGER NOT NULL,
    low_acknowledged INTEGER NOT NULL,
    low_resolved INTEGER NOT NULL,
    low_false_positive INTEGER NOT NULL,
    medium_new INTEGER NOT NULL,
    medium_acknowledged INTEGER NOT NULL,
    medium_resolved INTEGER NOT NULL,
    medium_false_positive INTEGER NOT NULL,
    high_new INTEGER NOT NULL,
    high_acknowledged INTEGER NOT NULL,
    high_resolved INTEGER NOT NULL,
    high_false_positive INTEGER NOT NULL,
    critical_new INTEGER NOT NULL,
    critical_acknowledged INTEGER NOT NULL,
    critical_resolved INTEGER NOT NULL,
    critical_false_positive INTEGER NOT NULL,
    PRIMARY KEY (timestamp, attack_type)
) STRICT, WITHOUT ROWID;
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
