-- What the checks of this deployment found, and the score that came of it, over time.
CREATE TABLE security_findings (
    check_id TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    result TEXT NOT NULL CHECK (result IN ('pass', 'warn', 'fail', 'unknown')),
    summary TEXT NOT NULL,
    evidence TEXT NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (check_id, timestamp)
) STRICT;

CREATE TABLE security_scores (
    timestamp INTEGER PRIMARY KEY NOT NULL,
    score REAL,
    passed INTEGER NOT NULL,
    warned INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    unknown INTEGER NOT NULL
) STRICT;

-- Who signed in when: sessions are forgotten, the trail is not.
CREATE INDEX audit_sign_ins ON audit (actor, timestamp) WHERE action = 'session.begun';
