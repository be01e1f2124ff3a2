-- Alerts, newest state of each. What one detector says stands in the same row, so that an alert is
-- one write; `alert_sources` shows it as rows. Facility and agent are there before: whoever writes looks once
-- for each lane, not for each row, so they are no foreign keys here.
CREATE TABLE alerts (
    id UUID PRIMARY KEY,
    facility_id TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    -- 0 low, 1 medium, 2 high, 3 critical.
    severity BIGINT NOT NULL CHECK (severity BETWEEN 0 AND 3),
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('new', 'acknowledged', 'resolved', 'false-positive')),
    attack_type TEXT,
    attack_name TEXT,
    tactic TEXT,
    correlation_confidence DOUBLE PRECISION NOT NULL,
    correlation_summary TEXT NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    count BIGINT NOT NULL,
    protocol TEXT NOT NULL,
    src_assets JSONB NOT NULL,
    dst_assets JSONB NOT NULL,
    candidates JSONB NOT NULL,
    sources JSONB NOT NULL,
    context_analysis JSONB,
    -- The minute before, point by point: bytes that the store packs.
    timeline BYTEA,
    maintenance TEXT,
    agent_id UUID NOT NULL,
    received TIMESTAMPTZ NOT NULL,
    -- Grows with every change, by an agent or a person.
    revision BIGINT NOT NULL DEFAULT 1
);
-- Compressing each row costs more than it saves.
ALTER TABLE alerts SET (toast_tuple_target = 8160);
CREATE INDEX alerts_by_time ON alerts (timestamp, id);
CREATE INDEX alerts_by_facility ON alerts (facility_id, timestamp, id);
CREATE INDEX alerts_by_severity ON alerts (severity, timestamp, id);
CREATE INDEX alerts_by_status ON alerts (status, timestamp, id);
CREATE INDEX alerts_by_technique ON alerts (attack_type, timestamp, id);

CREATE VIEW alert_sources AS
SELECT
    alerts.id AS alert_id,
    one.nth - 1 AS nth,
    (one.source ->> 'layer')::BIGINT AS layer,
    one.source ->> 'model_name' AS model_name,
    (one.source ->> 'confidence')::DOUBLE PRECISION AS confidence,
    (one.source ->> 'detection_time')::TIMESTAMPTZ AS detection_time,
    one.source ->> 'evidence' AS evidence,
    one.source -> 'context_evidence' AS context_evidence
FROM alerts CROSS JOIN LATERAL jsonb_array_elements(alerts.sources) WITH ORDINALITY AS one (source, nth);
