-- People, what they are signed in with, and what was done by whom.
CREATE TABLE users (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'analyst', 'engineer', 'admin')),
    -- An Argon2id string.
    password TEXT NOT NULL,
    created TIMESTAMPTZ NOT NULL,
    disabled TIMESTAMPTZ
);

CREATE TABLE sessions (
    -- SHA-256 of the token; the token itself is nowhere.
    digest BYTEA PRIMARY KEY NOT NULL,
    user_id UUID NOT NULL REFERENCES users (id),
    created TIMESTAMPTZ NOT NULL,
    last_used TIMESTAMPTZ NOT NULL,
    expires TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires);

-- A chain: each row's hash covers the row and the hash before it.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL
);

CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only';
END $$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
