CREATE TABLE IF NOT EXISTS {table} (
	id      TEXT COLLATE BINARY NOT NULL PRIMARY KEY,
	version INTEGER NOT NULL,
	due     INTEGER NOT NULL, -- microseconds since 1970 in UTC
	data    BLOB NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS {index} ON {table} (due, id);
