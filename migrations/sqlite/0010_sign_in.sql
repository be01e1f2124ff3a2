-- Which facilities a user sees (`["*"]`: all), sessions whose secret changes with each renewal, and keys for
-- programs. Nobody could sign in before, so no session is lost.
ALTER TABLE users ADD COLUMN facilities TEXT NOT NULL DEFAULT '[]';

DROP TABLE sessions;
CREATE TABLE sessions (
    id BLOB PRIMARY KEY NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id),
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    address TEXT NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- Each secret renews its session once. One that comes again was stolen.
CREATE TABLE renewals (
    -- SHA-256 of the secret, which is nowhere.
    digest BLOB PRIMARY KEY NOT NULL,
    session_id BLOB NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created INTEGER NOT NULL,
    used INTEGER
) STRICT;
CREATE INDEX renewals_by_session ON renewals (session_id);

CREATE TABLE api_keys (
    id BLOB PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'analyst', 'engineer', 'admin')),
    facilities TEXT NOT NULL,
    -- SHA-256 of the secret, which is nowhere.
    digest BLOB NOT NULL,
    created INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires INTEGER NOT NULL,
    last_used INTEGER,
    revoked INTEGER
) STRICT;
