-- What people did about each alert, for its history, for activities, and for how long people take. It goes
-- with its alert; the audit trail stays.
CREATE TABLE alert_acts (
    id UUID PRIMARY KEY NOT NULL,
    alert_id UUID NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    facility_id TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    status_before TEXT NOT NULL,
    status_after TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX alert_acts_by_alert ON alert_acts (alert_id, timestamp);
CREATE INDEX alert_acts_by_time ON alert_acts (timestamp, id);
