-- What the checks of this deployment found, and the score that came of it, over time.
CREATE TABLE security_findings (
    check_id TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    result TEXT NOT NULL CHECK (result IN ('pass', 'warn', 'fail', 'unknown')),
    summary TEXT NOT NULL,
    evidence JSONB NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (check_id, timestamp)
);

CREATE TABLE security_scores (
    timestamp TIMESTAMPTZ PRIMARY KEY NOT NULL,
    score DOUBLE PRECISION,
    passed BIGINT NOT NULL,
    warned BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unknown BIGINT NOT NULL
);

-- Who signed in when: sessions are forgotten, the trail is not.
CREATE INDEX audit_sign_ins ON audit (actor, timestamp) WHERE action = 'session.begun';
