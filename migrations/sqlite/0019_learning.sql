-- What happened in a round, line by line: written in the step in which it happens.
CREATE TABLE fl_log (
    round_id INTEGER NOT NULL REFERENCES fl_rounds (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    -- Nobody (zero) where it is about the round itself.
    agent_id BLOB NOT NULL,
    word TEXT NOT NULL,
    facility_id TEXT,
    detail TEXT,
    timestamp INTEGER NOT NULL,
    PRIMARY KEY (round_id, attempt, agent_id, word)
) STRICT, WITHOUT ROWID;
CREATE INDEX fl_log_by_time ON fl_log (round_id, timestamp);
CREATE INDEX fl_rounds_by_end ON fl_rounds (end_time);

-- How a network is learnt when a round says nothing else.
CREATE TABLE training_settings (
    network TEXT PRIMARY KEY NOT NULL,
    strategy TEXT NOT NULL,
    settings TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
