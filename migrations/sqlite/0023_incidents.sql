-- Alerts that belong together, what is expected next of each, and how far the reports of each lane were looked at.
CREATE TABLE incidents (
    id BLOB PRIMARY KEY NOT NULL,
    facility_id TEXT NOT NULL,
    -- The same where plants are attacked by the same source or in the same pattern.
    campaign_id BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),
    alerts INTEGER NOT NULL,
    techniques TEXT NOT NULL,
    assets TEXT NOT NULL,
    stage TEXT,
    -- Grows with every change of an incident or a prediction: who was told of one knows where he was.
    serial INTEGER NOT NULL
) STRICT;
CREATE INDEX incidents_by_time ON incidents (last_seen, id);
CREATE INDEX incidents_by_facility ON incidents (facility_id, last_seen, id);
CREATE INDEX incidents_by_serial ON incidents (serial);

CREATE TABLE incident_alerts (
    alert_id BLOB PRIMARY KEY NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    incident_id BLOB NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    timestamp INTEGER NOT NULL,
    technique TEXT,
    tactic TEXT
) STRICT;
CREATE INDEX incident_alerts_by_incident ON incident_alerts (incident_id, timestamp, alert_id);

CREATE TABLE prediction_marks (
    position_id INTEGER PRIMARY KEY NOT NULL,
    seq INTEGER NOT NULL
) STRICT;

ALTER TABLE predictions ADD COLUMN facility_id TEXT NOT NULL DEFAULT '';
ALTER TABLE predictions ADD COLUMN incident_id BLOB;
ALTER TABLE predictions ADD COLUMN came TEXT;
ALTER TABLE predictions ADD COLUMN detail TEXT NOT NULL DEFAULT '{}';
ALTER TABLE predictions ADD COLUMN serial INTEGER NOT NULL DEFAULT 0;
CREATE INDEX predictions_by_facility ON predictions (facility_id, timestamp, id);
CREATE INDEX predictions_by_incident ON predictions (incident_id, timestamp);
CREATE INDEX predictions_by_serial ON predictions (serial);
-- Whether one came true says its time alone.
ALTER TABLE predictions DROP COLUMN validated;
