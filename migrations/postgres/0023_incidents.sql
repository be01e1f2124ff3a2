-- Alerts that belong together, what is expected next of each, and how far the reports of each lane were looked at.
CREATE TABLE incidents (
    id UUID PRIMARY KEY NOT NULL,
    facility_id TEXT NOT NULL,
    -- The same where plants are attacked by the same source or in the same pattern.
    campaign_id UUID NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    severity BIGINT NOT NULL CHECK (severity BETWEEN 0 AND 3),
    alerts BIGINT NOT NULL,
    techniques JSONB NOT NULL,
    assets JSONB NOT NULL,
    stage TEXT,
    -- Grows with every change of an incident or a prediction: who was told of one knows where he was.
    serial BIGINT NOT NULL
);
CREATE INDEX incidents_by_time ON incidents (last_seen, id);
CREATE INDEX incidents_by_facility ON incidents (facility_id, last_seen, id);
CREATE INDEX incidents_by_serial ON incidents (serial);

CREATE TABLE incident_alerts (
    alert_id UUID PRIMARY KEY NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    incident_id UUID NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    timestamp TIMESTAMPTZ NOT NULL,
    technique TEXT,
    tactic TEXT
);
CREATE INDEX incident_alerts_by_incident ON incident_alerts (incident_id, timestamp, alert_id);

CREATE TABLE prediction_marks (
    position_id BIGINT PRIMARY KEY NOT NULL,
    seq BIGINT NOT NULL
);

ALTER TABLE predictions ADD COLUMN facility_id TEXT NOT NULL DEFAULT '';
ALTER TABLE predictions ADD COLUMN incident_id UUID;
ALTER TABLE predictions ADD COLUMN came TEXT;
ALTER TABLE predictions ADD COLUMN detail JSONB NOT NULL DEFAULT '{}';
ALTER TABLE predictions ADD COLUMN serial BIGINT NOT NULL DEFAULT 0;
CREATE INDEX predictions_by_facility ON predictions (facility_id, timestamp, id);
CREATE INDEX predictions_by_incident ON predictions (incident_id, timestamp);
CREATE INDEX predictions_by_serial ON predictions (serial);
-- Whether one came true says its time alone.
ALTER TABLE predictions DROP COLUMN validated;
