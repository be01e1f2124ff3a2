-- What is expected next after an alert, and whether it came.
CREATE TABLE predictions (
    id UUID PRIMARY KEY NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    current_technique TEXT NOT NULL,
    current_technique_name TEXT NOT NULL,
    alert_id UUID REFERENCES alerts (id) ON DELETE CASCADE,
    validated BOOLEAN NOT NULL,
    validation_time TIMESTAMPTZ
);
CREATE INDEX predictions_by_time ON predictions (timestamp, id);
CREATE INDEX predictions_by_alert ON predictions (alert_id);

CREATE TABLE predicted_techniques (
    id UUID PRIMARY KEY NOT NULL,
    prediction_id UUID NOT NULL REFERENCES predictions (id) ON DELETE CASCADE,
    technique_id TEXT NOT NULL,
    technique_name TEXT NOT NULL,
    probability DOUBLE PRECISION NOT NULL,
    rank BIGINT NOT NULL,
    timeframe TEXT NOT NULL,
    UNIQUE (prediction_id, rank)
);
