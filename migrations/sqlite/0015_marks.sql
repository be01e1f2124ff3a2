-- When what was done last that depends on the time of day: a clock that is ahead must not have all forgotten.
CREATE TABLE marks (
    name TEXT PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL
) STRICT;
