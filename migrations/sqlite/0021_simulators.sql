-- Simulators play plants for demonstrations. They enrol as agents do and are no agents: nothing that lists,
-- counts or asks agents sees them.
ALTER TABLE tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'agent' CHECK (kind IN ('agent', 'simulator'));
ALTER TABLE agents ADD COLUMN kind TEXT NOT NULL DEFAULT 'agent' CHECK (kind IN ('agent', 'simulator'));
