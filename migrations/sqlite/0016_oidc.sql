-- Who an issuer says somebody is: its address and its own name for him, which never changes. None for those who
-- sign in with a password.
ALTER TABLE users ADD COLUMN subject TEXT;
CREATE UNIQUE INDEX users_by_subject ON users (subject);
