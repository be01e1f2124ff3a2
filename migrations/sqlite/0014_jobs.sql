-- Answers to requests that act, for a day: one that is sent again is answered and not done again.
CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    -- SHA-256 of the request.
    digest BLOB NOT NULL,
    created INTEGER NOT NULL,
    -- None while it is under way.
    status INTEGER,
    headers TEXT,
    body BLOB,
    PRIMARY KEY (principal, key)
) STRICT;
CREATE INDEX idempotency_by_age ON idempotency (created);

-- What is done to many alerts at once, piece by piece.
CREATE TABLE jobs (
    id BLOB PRIMARY KEY NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'undoing', 'undone')),
    created INTEGER NOT NULL,
    owner_id BLOB NOT NULL,
    actor TEXT NOT NULL,
    -- The status that alerts are to have.
    target TEXT NOT NULL,
    reason TEXT NOT NULL,
    total INTEGER NOT NULL,
    -- The item that comes next.
    next INTEGER NOT NULL,
    finished INTEGER,
    undo_until INTEGER,
    -- Which process is at it, and until when nobody else is to be.
    runner BLOB,
    lease INTEGER
) STRICT;
CREATE INDEX jobs_by_time ON jobs (created);

CREATE TABLE job_items (
    job_id BLOB NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    nth INTEGER NOT NULL,
    alert_id BLOB NOT NULL,
    result TEXT NOT NULL,
    -- Noted before anything is done.
    status_before TEXT,
    PRIMARY KEY (job_id, nth)
) STRICT, WITHOUT ROWID;
