-- How far the reports of each lane were read, by whoever reads all of them.
CREATE TABLE reader_marks (
    reader TEXT NOT NULL,
    position_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (reader, position_id)
);
INSERT INTO reader_marks (reader, position_id, seq) SELECT 'predictions', position_id, seq FROM prediction_marks;
DROP TABLE prediction_marks;

-- Who else is told of alerts, which process tells it, and how that goes.
CREATE TABLE outputs (
    name TEXT PRIMARY KEY NOT NULL,
    runner UUID,
    lease TIMESTAMPTZ,
    told BIGINT NOT NULL DEFAULT 0,
    refused BIGINT NOT NULL DEFAULT 0,
    last_told TIMESTAMPTZ,
    -- What is wrong now, and since when.
    error TEXT,
    failing_since TIMESTAMPTZ
);

-- As what it was told of an alert.
CREATE TABLE output_alerts (
    output TEXT NOT NULL,
    alert_id UUID NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    severity BIGINT NOT NULL CHECK (severity BETWEEN 0 AND 3),
    technique TEXT,
    PRIMARY KEY (output, alert_id)
);
CREATE INDEX output_alerts_by_alert ON output_alerts (alert_id);
