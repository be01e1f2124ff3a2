-- How many alerts there are, by severity and status: of each plant and of its days by technique, and of
-- its hours. Whoever changes an alert changes them in the same transaction.
CREATE TABLE alert_totals (
    facility_id TEXT NOT NULL,
    -- Or a web attack where no technique is named. Empty: none of both.
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
    PRIMARY KEY (facility_id, attack_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_hours (
    facility_id TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
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

CREATE TABLE alert_days (
    facility_id TEXT NOT NULL,
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
    PRIMARY KEY (facility_id, timestamp, attack_type)
) STRICT, WITHOUT ROWID;

-- Alerts that a web attack is part of, by what it is.
CREATE TABLE alert_web (
    alert_id BLOB NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    -- When the alert was raised.
    raised INTEGER NOT NULL,
    PRIMARY KEY (alert_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_web_by_time ON alert_web (kind, raised, alert_id);
INSERT INTO alert_web
SELECT DISTINCT alerts.id, replace(one.value -> 'context_evidence' ->> 'kind', ' ', '-'), alerts.timestamp
FROM alerts, json_each(alerts.sources) AS one
WHERE one.value ->> 'model_name' = 'web' AND one.value -> 'context_evidence' ->> 'kind'
    IN ('web command', 'web injection', 'web script', 'web traversal');

-- The order of time holds all that alerts are counted by, for what is left of a range beside whole hours.
DROP INDEX alerts_by_time;
CREATE INDEX alerts_by_time ON alerts (timestamp, id, facility_id, severity, status, attack_type);

INSERT INTO alert_totals
SELECT
    facility_id,
    coalesce(attack_type, (SELECT min(kind) FROM alert_web WHERE alert_id = alerts.id), ''),
    count(*),
    sum(CASE WHEN severity = 0 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'false-positive' THEN 1 ELSE 0 END)
FROM alerts GROUP BY 1, 2;

INSERT INTO alert_hours
SELECT
    facility_id,
    timestamp - timestamp % 3600000000,
    count(*),
    sum(CASE WHEN severity = 0 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'false-positive' THEN 1 ELSE 0 END)
FROM alerts GROUP BY 1, 2;

INSERT INTO alert_days
SELECT
    facility_id,
    timestamp - timestamp % 86400000000,
    coalesce(attack_type, (SELECT min(kind) FROM alert_web WHERE alert_id = alerts.id), ''),
    count(*),
    sum(CASE WHEN severity = 0 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 0 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 1 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 2 AND status = 'false-positive' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'new' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'acknowledged' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'resolved' THEN 1 ELSE 0 END),
    sum(CASE WHEN severity = 3 AND status = 'false-positive' THEN 1 ELSE 0 END)
FROM alerts GROUP BY 1, 2, 3;

-- Hours of all plants together are read from the index alone.
DROP INDEX network_data_hours_by_time;
CREATE INDEX network_data_hours_by_time ON network_data_hours (timestamp, facility_id, seconds, packets, bytes,
    failed_connections, most_packets_per_sec, most_src_ips, most_dest_ips, protocol_distribution_sum);

-- When the alert was raised, so that how long people took is known without it.
ALTER TABLE alert_acts ADD COLUMN raised INTEGER NOT NULL DEFAULT 0;
UPDATE alert_acts SET raised = alerts.timestamp FROM alerts WHERE alerts.id = alert_acts.alert_id;
