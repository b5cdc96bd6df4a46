CREATE TABLE IF NOT EXISTS {table} (
	id      VARBINARY(255) NOT NULL PRIMARY KEY,
	version BIGINT NOT NULL,
	due     BIGINT NOT NULL, -- microseconds since 1970 in UTC
	data    MEDIUMBLOB NOT NULL,
	KEY {index} (due, id)
) ENGINE = InnoDB;
