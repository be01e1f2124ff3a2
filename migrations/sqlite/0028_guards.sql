-- What the guard between groups remembers of a network's rounds, also of those whose model was rejected.
CREATE TABLE fl_guards (
    network TEXT PRIMARY KEY NOT NULL,
    round_id INTEGER NOT NULL,
    memory BLOB NOT NULL
) STRICT, WITHOUT ROWID;
