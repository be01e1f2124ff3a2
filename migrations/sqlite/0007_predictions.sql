-- What is expected next after an alert, and whether it came.
CREATE TABLE predictions (
    id BLOB PRIMARY KEY NOT NULL,
    timestamp INTEGER NOT NULL,
    current_technique TEXT NOT NULL,
    current_technique_name TEXT NOT NULL,
    alert_id BLOB REFERENCES alerts (id) ON DELETE CASCADE,
    validated INTEGER NOT NULL,
    validation_time INTEGER
) STRICT;
CREATE INDEX predictions_by_time ON predictions (timestamp, id);
CREATE INDEX predictions_by_alert ON predictions (alert_id);

CREATE TABLE predicted_techniques (
    id BLOB PRIMARY KEY NOT NULL,
    prediction_id BLOB NOT NULL REFERENCES predictions (id) ON DELETE CASCADE,
    technique_id TEXT NOT NULL,
    technique_name TEXT NOT NULL,
    probability REAL NOT NULL,
    rank INTEGER NOT NULL,
    timeframe TEXT NOT NULL,
    UNIQUE (prediction_id, rank)
) STRICT;
