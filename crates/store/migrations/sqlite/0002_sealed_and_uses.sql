-- Versions of secrets, sealed with a key that is not here.
CREATE TABLE sealed (
    secret TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created INTEGER NOT NULL, -- microseconds since 1970
    PRIMARY KEY (secret, version)
) STRICT;

-- When each credential was last used.
CREATE TABLE uses (
    credential TEXT PRIMARY KEY,
    at INTEGER NOT NULL -- microseconds since 1970
) STRICT, WITHOUT ROWID;
