-- Who may come in: tokens that operators give out, who used them, and every certificate that was issued.
CREATE TABLE tokens (
    id BLOB PRIMARY KEY NOT NULL,
    -- SHA-256 of the token, which is nowhere.
    hash BLOB NOT NULL UNIQUE,
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    created INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires INTEGER NOT NULL,
    -- 1: whoever brings it needs nobody's approval.
    auto_approve INTEGER NOT NULL,
    used INTEGER
) STRICT;

-- Agents that came with a token. The key they came with is theirs alone.
CREATE TABLE enrolments (
    agent_id BLOB PRIMARY KEY NOT NULL REFERENCES agents (id),
    token_id BLOB NOT NULL UNIQUE REFERENCES tokens (id),
    -- SHA-256 of the public key.
    key BLOB NOT NULL,
    requested INTEGER NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'refused')),
    decided INTEGER,
    decided_by TEXT,
    -- When it got its first certificate.
    issued INTEGER
) STRICT;
CREATE INDEX enrolments_by_key ON enrolments (key);

CREATE TABLE certificates (
    serial TEXT PRIMARY KEY NOT NULL,
    agent_id BLOB NOT NULL REFERENCES agents (id),
    -- SHA-256 of the public key, and of the certificate.
    key BLOB NOT NULL,
    digest BLOB NOT NULL,
    issued INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    revoked INTEGER,
    reason TEXT
) STRICT;
CREATE INDEX certificates_by_agent ON certificates (agent_id, not_after);
CREATE INDEX certificates_revoked ON certificates (revoked) WHERE revoked IS NOT NULL;
