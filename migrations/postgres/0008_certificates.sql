-- Who may come in: tokens that operators give out, who used them, and every certificate that was issued.
CREATE TABLE tokens (
    id UUID PRIMARY KEY,
    -- SHA-256 of the token, which is nowhere.
    hash BYTEA NOT NULL UNIQUE,
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    created TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL,
    expires TIMESTAMPTZ NOT NULL,
    -- 1: whoever brings it needs nobody's approval.
    auto_approve BIGINT NOT NULL,
    used TIMESTAMPTZ
);

-- Agents that came with a token. The key they came with is theirs alone.
CREATE TABLE enrolments (
    agent_id UUID PRIMARY KEY REFERENCES agents (id),
    token_id UUID NOT NULL UNIQUE REFERENCES tokens (id),
    -- SHA-256 of the public key.
    key BYTEA NOT NULL,
    requested TIMESTAMPTZ NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'refused')),
    decided TIMESTAMPTZ,
    decided_by TEXT,
    -- When it got its first certificate.
    issued TIMESTAMPTZ
);
CREATE INDEX enrolments_by_key ON enrolments (key);

CREATE TABLE certificates (
    serial TEXT PRIMARY KEY,
    agent_id UUID NOT NULL REFERENCES agents (id),
    -- SHA-256 of the public key, and of the certificate.
    key BYTEA NOT NULL,
    digest BYTEA NOT NULL,
    issued TIMESTAMPTZ NOT NULL,
    not_before TIMESTAMPTZ NOT NULL,
    not_after TIMESTAMPTZ NOT NULL,
    revoked TIMESTAMPTZ,
    reason TEXT
);
CREATE INDEX certificates_by_agent ON certificates (agent_id, not_after);
CREATE INDEX certificates_revoked ON certificates (revoked) WHERE revoked IS NOT NULL;
