-- Which facilities a user sees (`["*"]`: all), sessions whose secret changes with each renewal, and keys for
-- programs. Nobody could sign in before, so no session is lost.
ALTER TABLE users ADD COLUMN facilities JSONB NOT NULL DEFAULT '[]';

DROP TABLE sessions;
CREATE TABLE sessions (
    id UUID PRIMARY KEY NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id),
    created TIMESTAMPTZ NOT NULL,
    expires TIMESTAMPTZ NOT NULL,
    address TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- Each secret renews its session once. One that comes again was stolen.
CREATE TABLE renewals (
    -- SHA-256 of the secret, which is nowhere.
    digest BYTEA PRIMARY KEY NOT NULL,
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created TIMESTAMPTZ NOT NULL,
    used TIMESTAMPTZ
);
CREATE INDEX renewals_by_session ON renewals (session_id);

CREATE TABLE api_keys (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'analyst', 'engineer', 'admin')),
    facilities JSONB NOT NULL,
    -- SHA-256 of the secret, which is nowhere.
    digest BYTEA NOT NULL,
    created TIMESTAMPTZ NOT NULL,
    created_by TEXT NOT NULL,
    expires TIMESTAMPTZ NOT NULL,
    last_used TIMESTAMPTZ,
    revoked TIMESTAMPTZ
);
