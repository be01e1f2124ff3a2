-- Web requests that agents decoded, as counts: of each minute of each plant by endpoint, hours of the same, and both
-- of all endpoints together. A path is a pattern: what was a value in it is `{}`.
CREATE TABLE endpoint_minutes (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp INTEGER NOT NULL,
    server TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    -- The first digit of the status; 0 is no answer, 6 anything else.
    status INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    -- Of them, those whose answer was of 400 or more.
    errors INTEGER NOT NULL,
    -- Of bodies, there and back.
    bytes INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    -- Until they were answered, all together and the slowest.
    micros INTEGER NOT NULL,
    most_micros INTEGER NOT NULL,
    PRIMARY KEY (facility_id, timestamp, server, method, path, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX endpoint_minutes_by_time ON endpoint_minutes (timestamp);
CREATE INDEX endpoint_minutes_by_path ON endpoint_minutes (path, timestamp);

CREATE TABLE endpoint_hours (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp INTEGER NOT NULL,
    server TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    -- The first digit of the status; 0 is no answer, 6 anything else.
    status INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    -- Of them, those whose answer was of 400 or more.
    errors INTEGER NOT NULL,
    -- Of bodies, there and back.
    bytes INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    -- Until they were answered, all together and the slowest.
    micros INTEGER NOT NULL,
    most_micros INTEGER NOT NULL,
    PRIMARY KEY (facility_id, timestamp, server, method, path, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX endpoint_hours_by_time ON endpoint_hours (timestamp);
CREATE INDEX endpoint_hours_by_path ON endpoint_hours (path, timestamp);

CREATE TABLE request_minutes (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    -- Of them, those whose answer was of 400 or more.
    errors INTEGER NOT NULL,
    -- Of bodies, there and back.
    bytes INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    -- Until they were answered, all together and the slowest.
    micros INTEGER NOT NULL,
    most_micros INTEGER NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_minutes_by_time ON request_minutes (timestamp);

CREATE TABLE request_hours (
    facility_id TEXT NOT NULL REFERENCES facilities (id),
    timestamp INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    -- Of them, those whose answer was of 400 or more.
    errors INTEGER NOT NULL,
    -- Of bodies, there and back.
    bytes INTEGER NOT NULL,
    answered INTEGER NOT NULL,
    -- Until they were answered, all together and the slowest.
    micros INTEGER NOT NULL,
    most_micros INTEGER NOT NULL,
    PRIMARY KEY (facility_id, timestamp)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_hours_by_time ON request_hours (timestamp);
