-- Alerts, newest state of each. What one detector says stands in the same row, so that an alert is
-- one write; `alert_sources` shows it as rows. Facility and agent are there before: whoever writes looks once
-- for each lane, not for each row, so they are no foreign keys here.
CREATE TABLE alerts (
    id BLOB PRIMARY KEY NOT NULL,
    facility_id TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    -- 0 low, 1 medium, 2 high, 3 critical.
    severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('new', 'acknowledged', 'resolved', 'false-positive')),
    attack_type TEXT,
    attack_name TEXT,
    tactic TEXT,
    correlation_confidence REAL NOT NULL,
    correlation_summary TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    count INTEGER NOT NULL,
    protocol TEXT NOT NULL,
    src_assets TEXT NOT NULL,
    dst_assets TEXT NOT NULL,
    candidates TEXT NOT NULL,
    sources TEXT NOT NULL,
    context_analysis TEXT,
    -- The minute before, point by point: bytes that the store packs.
    timeline BLOB,
    maintenance TEXT,
    agent_id BLOB NOT NULL,
    received INTEGER NOT NULL,
    -- Grows with every change, by an agent or a person.
    revision INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX alerts_by_time ON alerts (timestamp, id);
CREATE INDEX alerts_by_facility ON alerts (facility_id, timestamp, id);
CREATE INDEX alerts_by_severity ON alerts (severity, timestamp, id);
CREATE INDEX alerts_by_status ON alerts (status, timestamp, id);
CREATE INDEX alerts_by_technique ON alerts (attack_type, timestamp, id);

CREATE VIEW alert_sources AS
SELECT
    alerts.id AS alert_id,
    one.key AS nth,
    one.value ->> 'layer' AS layer,
    one.value ->> 'model_name' AS model_name,
    one.value ->> 'confidence' AS confidence,
    one.value ->> 'detection_time' AS detection_time,
    one.value ->> 'evidence' AS evidence,
    one.value -> 'context_evidence' AS context_evidence
FROM alerts, json_each(alerts.sources) AS one;
