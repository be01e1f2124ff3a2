-- Lists of alerts. An index ends with what a list is ordered by, and holds what it may be filtered by besides,
-- so that only the rows of the page itself are read from the table.
DROP INDEX alerts_by_time;
DROP INDEX alerts_by_facility;
DROP INDEX alerts_by_severity;
DROP INDEX alerts_by_status;
DROP INDEX alerts_by_technique;
CREATE INDEX alerts_by_time ON alerts (timestamp, id, facility_id);
CREATE INDEX alerts_by_facility ON alerts (facility_id, timestamp, id, severity, status, attack_type);
CREATE INDEX alerts_by_technique ON alerts (attack_type, timestamp, id, severity, status);
-- Both have four values: a list of one takes the newest of four.
CREATE INDEX alerts_by_state ON alerts (severity, status, timestamp, id, facility_id);
