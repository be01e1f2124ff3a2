-- Federated rounds, who takes part, what they have sent, and the models that come of them. Nothing was ever kept in the
-- tables that stood for this.
DROP TABLE fl_clients;
DROP TABLE model_versions;
DROP TABLE fl_rounds;

CREATE TABLE fl_rounds (
    id BIGINT PRIMARY KEY NOT NULL,
    round_number BIGINT NOT NULL UNIQUE,
    network TEXT NOT NULL,
    strategy TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    cause TEXT NOT NULL CHECK (cause IN ('api', 'timer', 'drift')),
    status TEXT NOT NULL CHECK (status IN ('planned', 'in-progress', 'completed', 'failed')),
    phase TEXT NOT NULL CHECK (phase IN ('planned', 'distributing', 'training', 'aggregating', 'gate', 'complete', 'failed')),
    planned TIMESTAMPTZ NOT NULL,
    -- When it was planned, until it begins.
    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ,
    progress BIGINT NOT NULL CHECK (progress BETWEEN 0 AND 100),
    epsilon DOUBLE PRECISION,
    model_accuracy DOUBLE PRECISION,
    clients_active BIGINT NOT NULL,
    total_clients BIGINT NOT NULL,
    -- The version that plants train from, and the one that came of it.
    base_id BIGINT,
    candidate_id BIGINT,
    epoch BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    -- Why it failed, or why its model was not promoted.
    reason TEXT,
    paused BIGINT NOT NULL CHECK (paused IN (0, 1)),
    -- Who wants it to end, and why.
    stopped_by TEXT,
    stop_reason TEXT,
    -- What was asked for besides, and where its driver is.
    settings JSONB NOT NULL,
    state JSONB NOT NULL,
    -- Which process drives it, and until when nobody else is to.
    runner UUID,
    lease TIMESTAMPTZ
);
CREATE INDEX fl_rounds_by_status ON fl_rounds (status, id);

CREATE TABLE fl_clients (
    round_id BIGINT NOT NULL REFERENCES fl_rounds (id) ON DELETE CASCADE,
    agent_id UUID NOT NULL,
    facility_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'delayed', 'offline')),
    -- How far it is: the name of what it sent last, or `refused`, `left_out`, `lost`.
    stage TEXT NOT NULL,
    -- Why it is not in it.
    reason TEXT,
    progress BIGINT NOT NULL CHECK (progress BETWEEN 0 AND 100),
    current_epoch BIGINT NOT NULL,
    total_epochs BIGINT NOT NULL,
    loss DOUBLE PRECISION,
    accuracy DOUBLE PRECISION,
    -- Whether it takes the new model for no worse.
    vote BIGINT CHECK (vote IN (0, 1)),
    -- What its own ledger says: what is spent, and how many rounds are left.
    epsilon DOUBLE PRECISION,
    rounds_left BIGINT,
    last_update TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (round_id, agent_id)
);
CREATE INDEX fl_clients_by_agent ON fl_clients (agent_id, round_id);

-- What plants have sent in a round that is under way: each kind once in an attempt.
CREATE TABLE fl_messages (
    round_id BIGINT NOT NULL REFERENCES fl_rounds (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    agent_id UUID NOT NULL,
    kind TEXT NOT NULL,
    received TIMESTAMPTZ NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (round_id, attempt, agent_id, kind)
);

-- Who hides with whom, as long as an epoch lasts.
CREATE TABLE fl_groups (
    network TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    agent_id UUID NOT NULL,
    nth BIGINT NOT NULL,
    -- What the member threw into the draw.
    nonce BYTEA NOT NULL,
    PRIMARY KEY (network, epoch, agent_id)
);

CREATE TABLE model_versions (
    id BIGINT PRIMARY KEY NOT NULL,
    network TEXT NOT NULL,
    -- Hash of the names and shapes of its tensors, and of what it is fed with.
    layout TEXT NOT NULL,
    feature_schema TEXT NOT NULL,
    -- SHA-256 of the weights, little-endian.
    digest BYTEA NOT NULL,
    weights BYTEA NOT NULL,
    parameters BIGINT NOT NULL,
    -- Versions that it came of, the nearest first.
    parents JSONB NOT NULL,
    round_id BIGINT REFERENCES fl_rounds (id),
    strategy TEXT,
    -- What its strategy remembers for the next round.
    memory BYTEA NOT NULL,
    metrics JSONB NOT NULL,
    accuracy DOUBLE PRECISION,
    state TEXT NOT NULL CHECK (state IN ('candidate', 'promoted', 'rejected', 'rolled-back')),
    reason TEXT,
    made_by TEXT NOT NULL,
    created TIMESTAMPTZ NOT NULL,
    promoted TIMESTAMPTZ,
    rolled_back TIMESTAMPTZ
);
CREATE INDEX model_versions_by_network ON model_versions (network, id);
