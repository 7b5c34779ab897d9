-- Versions of secrets, sealed with a key that is not here.
CREATE TABLE sealed (
    secret TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created BIGINT NOT NULL, -- microseconds since 1970
    PRIMARY KEY (secret, version)
);

-- When each credential was last used.
CREATE TABLE uses (
    credential TEXT COLLATE "C" PRIMARY KEY,
    at BIGINT NOT NULL -- microseconds since 1970
);
