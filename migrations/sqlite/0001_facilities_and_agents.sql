-- Plants, the agents that watch them, and how far each lane of each agent's spool has been committed.
-- Everywhere: UUIDs are 16 bytes, times are microseconds since 1970, JSON is text.
CREATE TABLE facilities (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE agents (
    id BLOB PRIMARY KEY NOT NULL,
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    created INTEGER NOT NULL,
    last_seen INTEGER,
    version TEXT,
    -- Microseconds by which the agent's clock is ahead of ours.
    clock_offset INTEGER,
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('pending', 'active', 'revoked'))
) STRICT;
CREATE INDEX agents_by_facility ON agents (facility_id);

-- A lane of a life of a spool. Its number stands for (agent, incarnation, lane) in every report.
CREATE TABLE positions (
    id INTEGER PRIMARY KEY,
    agent_id BLOB NOT NULL REFERENCES agents (id),
    incarnation BLOB NOT NULL,
    lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 3),
    -- All up to it were committed, or are known to be lost.
    cum_seq INTEGER NOT NULL DEFAULT 0,
    -- Ranges beyond it that were committed out of order.
    ahead TEXT NOT NULL DEFAULT '[]',
    -- Reports up to it were forgotten: they were committed, and their digests are gone.
    forgotten INTEGER NOT NULL DEFAULT 0,
    contradicted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (agent_id, incarnation, lane)
) STRICT;
