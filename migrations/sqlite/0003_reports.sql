-- What agents reported: every report once, whatever is resent.
CREATE TABLE reports (
    -- A position, which whoever writes holds meanwhile.
    position_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    -- SHA-256 of the payload.
    digest BLOB NOT NULL,
    received INTEGER NOT NULL,
    -- None for a loss and for what could not be read.
    alert_id BLOB,
    PRIMARY KEY (position_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE losses (
    position_id INTEGER NOT NULL REFERENCES positions (id),
    seq INTEGER NOT NULL,
    -- Whose records were lost: not always the lane that told of it.
    lane INTEGER NOT NULL CHECK (lane BETWEEN 0 AND 3),
    first_seq INTEGER,
    last_seq INTEGER,
    count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (position_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
    position_id INTEGER NOT NULL REFERENCES positions (id),
    seq INTEGER NOT NULL,
    reason TEXT NOT NULL,
    payload BLOB NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (position_id, seq)
) STRICT;
CREATE INDEX dead_letter_by_received ON dead_letter (received);
CREATE INDEX losses_by_received ON losses (received);
