CREATE TABLE IF NOT EXISTS {table} (
	id      text COLLATE "C" PRIMARY KEY,
	version bigint NOT NULL,
	due     bigint NOT NULL, -- microseconds since 1970 in UTC
	data    bytea  NOT NULL
);
CREATE INDEX IF NOT EXISTS {index} ON {table} (due, id);
