-- Federated rounds, who took part, and the models that came of them.
CREATE TABLE fl_rounds (
    id BIGINT PRIMARY KEY NOT NULL,
    round_number BIGINT NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('in-progress', 'completed', 'failed')),
    phase TEXT NOT NULL CHECK (phase IN ('distributing', 'training', 'aggregating', 'complete')),
    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ,
    progress BIGINT NOT NULL CHECK (progress BETWEEN 0 AND 100),
    epsilon DOUBLE PRECISION,
    model_accuracy DOUBLE PRECISION,
    clients_active BIGINT NOT NULL,
    total_clients BIGINT NOT NULL
);

CREATE TABLE fl_clients (
    id UUID PRIMARY KEY NOT NULL,
    round_id BIGINT NOT NULL REFERENCES fl_rounds (id),
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'delayed', 'offline')),
    progress BIGINT NOT NULL CHECK (progress BETWEEN 0 AND 100),
    current_epoch BIGINT NOT NULL,
    total_epochs BIGINT NOT NULL,
    loss DOUBLE PRECISION,
    accuracy DOUBLE PRECISION,
    last_update TIMESTAMPTZ NOT NULL,
    UNIQUE (round_id, facility_id)
);

CREATE TABLE model_versions (
    id BIGINT PRIMARY KEY NOT NULL,
    round_id BIGINT REFERENCES fl_rounds (id),
    -- Hash of the names and shapes of its tensors, and of what it is fed with.
    layout TEXT NOT NULL,
    feature_schema TEXT NOT NULL,
    digest BYTEA NOT NULL,
    weights BYTEA NOT NULL,
    accuracy DOUBLE PRECISION,
    created TIMESTAMPTZ NOT NULL,
    promoted TIMESTAMPTZ,
    rolled_back TIMESTAMPTZ
);
