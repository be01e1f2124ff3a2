-- Federated rounds, who took part, and the models that came of them.
CREATE TABLE fl_rounds (
    id INTEGER PRIMARY KEY NOT NULL,
    round_number INTEGER NOT NULL UNIQUE,
    status TEXT NOT NULL CHECK (status IN ('in-progress', 'completed', 'failed')),
    phase TEXT NOT NULL CHECK (phase IN ('distributing', 'training', 'aggregating', 'complete')),
    start_time INTEGER NOT NULL,
    end_time INTEGER,
    progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
    epsilon REAL,
    model_accuracy REAL,
    clients_active INTEGER NOT NULL,
    total_clients INTEGER NOT NULL
) STRICT;

CREATE TABLE fl_clients (
    id BLOB PRIMARY KEY NOT NULL,
    round_id INTEGER NOT NULL REFERENCES fl_rounds (id),
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'delayed', 'offline')),
    progress INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
    current_epoch INTEGER NOT NULL,
    total_epochs INTEGER NOT NULL,
    loss REAL,
    accuracy REAL,
    last_update INTEGER NOT NULL,
    UNIQUE (round_id, facility_id)
) STRICT;

CREATE TABLE model_versions (
    id INTEGER PRIMARY KEY NOT NULL,
    round_id INTEGER REFERENCES fl_rounds (id),
    -- Hash of the names and shapes of its tensors, and of what it is fed with.
    layout TEXT NOT NULL,
    feature_schema TEXT NOT NULL,
    digest BLOB NOT NULL,
    weights BLOB NOT NULL,
    accuracy REAL,
    created INTEGER NOT NULL,
    promoted INTEGER,
    rolled_back INTEGER
) STRICT;
