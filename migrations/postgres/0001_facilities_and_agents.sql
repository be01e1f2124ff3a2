-- Plants, the agents that watch them, and how far each lane of each agent's spool has been committed.
CREATE TABLE facilities (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created TIMESTAMPTZ NOT NULL
);

CREATE TABLE agents (
    id UUID PRIMARY KEY,
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    created TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ,
    version TEXT,
    -- Microseconds by which the agent's clock is ahead of ours.
    clock_offset BIGINT,
    status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('pending', 'active', 'revoked'))
);
CREATE INDEX agents_by_facility ON agents (facility_id);

-- A lane of a life of a spool. Its number stands for (agent, incarnation, lane) in every report.
CREATE TABLE positions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id UUID NOT NULL REFERENCES agents (id),
    incarnation UUID NOT NULL,
    lane BIGINT NOT NULL CHECK (lane BETWEEN 0 AND 3),
    -- All up to it were committed, or are known to be lost.
    cum_seq BIGINT NOT NULL DEFAULT 0,
    -- Ranges beyond it that were committed out of order.
    ahead JSONB NOT NULL DEFAULT '[]',
    -- Reports up to it were forgotten: they were committed, and their digests are gone.
    forgotten BIGINT NOT NULL DEFAULT 0,
    contradicted BIGINT NOT NULL DEFAULT 0,
    UNIQUE (agent_id, incarnation, lane)
);
