-- What the guard remembered last that could not be read: it began anew, and this was set aside for whoever looks into it.
ALTER TABLE fl_guards ADD COLUMN damaged BLOB;
