-- At which delta a plant reckons what it has spent, and the most that it spends.
ALTER TABLE fl_clients ADD COLUMN delta REAL;
ALTER TABLE fl_clients ADD COLUMN budget REAL;
