-- What agents reported: every report once, whatever is resent.
CREATE TABLE reports (
    -- A position, which whoever writes holds meanwhile.
    position_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    -- SHA-256 of the payload.
    digest BYTEA NOT NULL,
    received TIMESTAMPTZ NOT NULL,
    -- None for a loss and for what could not be read.
    alert_id UUID,
    PRIMARY KEY (position_id, seq)
);

CREATE TABLE losses (
    position_id BIGINT NOT NULL REFERENCES positions (id),
    seq BIGINT NOT NULL,
    -- Whose records were lost: not always the lane that told of it.
    lane BIGINT NOT NULL CHECK (lane BETWEEN 0 AND 3),
    first_seq BIGINT,
    last_seq BIGINT,
    count BIGINT NOT NULL,
    reason TEXT NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    until TIMESTAMPTZ NOT NULL,
    received TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (position_id, seq)
);

CREATE TABLE dead_letter (
    position_id BIGINT NOT NULL REFERENCES positions (id),
    seq BIGINT NOT NULL,
    reason TEXT NOT NULL,
    payload BYTEA NOT NULL,
    received TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (position_id, seq)
);
CREATE INDEX dead_letter_by_received ON dead_letter (received);
CREATE INDEX losses_by_received ON losses (received);
