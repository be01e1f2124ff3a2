-- How far the reports of each lane were read, by whoever reads all of them.
CREATE TABLE reader_marks (
    reader TEXT NOT NULL,
    position_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (reader, position_id)
) STRICT, WITHOUT ROWID;
INSERT INTO reader_marks (reader, position_id, seq) SELECT 'predictions', position_id, seq FROM prediction_marks;
DROP TABLE prediction_marks;

-- Who else is told of alerts, which process tells it, and how that goes.
CREATE TABLE outputs (
    name TEXT PRIMARY KEY NOT NULL,
    runner BLOB,
    lease INTEGER,
    told INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    last_told INTEGER,
    -- What is wrong now, and since when.
    error TEXT,
    failing_since INTEGER
) STRICT;

-- As what it was told of an alert.
CREATE TABLE output_alerts (
    output TEXT NOT NULL,
    alert_id BLOB NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),
    technique TEXT,
    PRIMARY KEY (output, alert_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX output_alerts_by_alert ON output_alerts (alert_id);
