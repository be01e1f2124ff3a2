-- What happened in a round, line by line: written in the step in which it happens.
CREATE TABLE fl_log (
    round_id BIGINT NOT NULL REFERENCES fl_rounds (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    -- Nobody (zero) where it is about the round itself.
    agent_id UUID NOT NULL,
    word TEXT NOT NULL,
    facility_id TEXT,
    detail TEXT,
    timestamp TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, attempt, agent_id, word)
);
CREATE INDEX fl_log_by_time ON fl_log (round_id, timestamp);
CREATE INDEX fl_rounds_by_end ON fl_rounds (end_time);

-- How a network is learnt when a round says nothing else.
CREATE TABLE training_settings (
    network TEXT PRIMARY KEY NOT NULL,
    strategy TEXT NOT NULL,
    settings JSONB NOT NULL,
    revision BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    changed TIMESTAMPTZ NOT NULL
);
