-- Answers to requests that act, for a day: one that is sent again is answered and not done again.
CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SHA-256 of the request.
    digest BYTEA NOT NULL,
    created TIMESTAMPTZ NOT NULL,
    -- None while it is under way.
    status BIGINT,
    headers JSONB,
    body BYTEA,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_by_age ON idempotency (created);

-- What is done to many alerts at once, piece by piece.
CREATE TABLE jobs (
    id UUID PRIMARY KEY NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'undoing', 'undone')),
    created TIMESTAMPTZ NOT NULL,
    owner_id UUID NOT NULL,
    actor TEXT NOT NULL,
    -- The status that alerts are to have.
    target TEXT NOT NULL,
    reason TEXT NOT NULL,
    total BIGINT NOT NULL,
    -- The item that comes next.
    next BIGINT NOT NULL,
    finished TIMESTAMPTZ,
    undo_until TIMESTAMPTZ,
    -- Which process is at it, and until when nobody else is to be.
    runner UUID,
    lease TIMESTAMPTZ
);
CREATE INDEX jobs_by_time ON jobs (created);

CREATE TABLE job_items (
    job_id UUID NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    nth BIGINT NOT NULL,
    alert_id UUID NOT NULL,
    result TEXT NOT NULL,
    -- Noted before anything is done.
    status_before TEXT,
    PRIMARY KEY (job_id, nth)
);
