-- Federated rounds, who takes part, what they have sent, and the models that come of them. Nothing was ever kept in the
-- tables that stood for this.
DROP TABLE fl_clients;
DROP TABLE model_versions;
DROP TABLE fl_rounds;

CREATE TABLE fl_rounds (
    id INTEGER PRIMARY KEY NOT NULL,
    round_number INTEGER NOT NULL UNIQUE,
    network TEXT NOT NULL,
    strategy TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('api', 'timer', 'drift')),
    status TEXT NOT NULL CHECK (status IN ('planned', 'in-progress', 'completed', 'failed')),
    phase TEXT NOT NULL CHECK (phase IN ('planned', 'distributing', 'training', 'aggregating', 'gate', 'complete', 'failed')),
    planned INTEGER NOT NULL,
    -- When it was planned, until it begins.
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
    epsilon REAL,
    model_accuracy REAL,
    clients_active INTEGER NOT NULL,
    total_clients INTEGER NOT NULL,
    -- The version that plants train from, and the one that came of it.
    base_id INTEGER,
    candidate_id INTEGER,
    epoch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    -- Why it failed, or why its model was not promoted.
    reason TEXT,
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    -- Who wants it to end, and why.
    stopped_by TEXT,
    stop_reason TEXT,
    -- What was asked for besides, and where its driver is.
    settings TEXT NOT NULL,
    state TEXT NOT NULL,
    -- Which process drives it, and until when nobody else is to.
    runner BLOB,
    lease INTEGER
) STRICT;
CREATE INDEX fl_rounds_by_status ON fl_rounds (status, id);

CREATE TABLE fl_clients (
    round_id INTEGER NOT NULL REFERENCES fl_rounds (id) ON DELETE CASCADE,
    agent_id BLOB NOT NULL,
    facility_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'delayed', 'offline')),
    -- How far it is: the name of what it sent last, or `refused`, `left_out`, `lost`.
    stage TEXT NOT NULL,
    -- Why it is not in it.
    reason TEXT,
    progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
    current_epoch INTEGER NOT NULL,
    total_epochs INTEGER NOT NULL,
    loss REAL,
    accuracy REAL,
    -- Whether it takes the new model for no worse.
    vote INTEGER CHECK (vote IN (0, 1)),
    -- What its own ledger says: what is spent, and how many rounds are left.
    epsilon REAL,
    rounds_left INTEGER,
    last_update INTEGER NOT NULL,
    PRIMARY KEY (round_id, agent_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fl_clients_by_agent ON fl_clients (agent_id, round_id);

-- What plants have sent in a round that is under way: each kind once in an attempt.
CREATE TABLE fl_messages (
    round_id INTEGER NOT NULL REFERENCES fl_rounds (id) ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    agent_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    received INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (round_id, attempt, agent_id, kind)
) STRICT;

-- Who hides with whom, as long as an epoch lasts.
CREATE TABLE fl_groups (
    network TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    agent_id BLOB NOT NULL,
    nth INTEGER NOT NULL,
    -- What the member threw into the draw.
    nonce BLOB NOT NULL,
    PRIMARY KEY (network, epoch, agent_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_versions (
    id INTEGER PRIMARY KEY NOT NULL,
    network TEXT NOT NULL,
    -- Hash of the names and shapes of its tensors, and of what it is fed with.
    layout TEXT NOT NULL,
    feature_schema TEXT NOT NULL,
    -- SHA-256 of the weights, little-endian.
    digest BLOB NOT NULL,
    weights BLOB NOT NULL,
    parameters INTEGER NOT NULL,
    -- Versions that it came of, the nearest first.
    parents TEXT NOT NULL,
    round_id INTEGER REFERENCES fl_rounds (id),
    strategy TEXT,
    -- What its strategy remembers for the next round.
    memory BLOB NOT NULL,
    metrics TEXT NOT NULL,
    accuracy REAL,
    state TEXT NOT NULL CHECK (state IN ('candidate', 'promoted', 'rejected', 'rolled-back')),
    reason TEXT,
    made_by TEXT NOT NULL,
    created INTEGER NOT NULL,
    promoted INTEGER,
    rolled_back INTEGER
) STRICT;
CREATE INDEX model_versions_by_network ON model_versions (network, id);
