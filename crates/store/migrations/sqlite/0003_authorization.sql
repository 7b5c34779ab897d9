-- What clients were given, for a user or for themselves.
CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    profile TEXT NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    created INTEGER NOT NULL, -- microseconds since 1970, as all times
    expires INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX grants_of_client ON grants (client, id);
CREATE INDEX grants_of_profile ON grants (profile, id);
CREATE INDEX grants_of_subject ON grants (subject, id);
CREATE INDEX grants_by_end ON grants (expires);

-- Secrets that are good for one use, by their SHA-256. A grant that is named here may be gone.
CREATE TABLE handles (
    digest BLOB NOT NULL,
    kind TEXT NOT NULL,
    grant_id TEXT,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER,
    PRIMARY KEY (digest, kind)
) STRICT, WITHOUT ROWID;

CREATE INDEX handles_by_end ON handles (expires);

-- The number of the newest revocation, in a row of its own: who revokes locks it first.
CREATE TABLE revocation_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO revocation_head (one, number) VALUES (1, 0);

CREATE TABLE revocations (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

CREATE INDEX revocations_by_end ON revocations (expires);

CREATE TABLE consents (
    subject TEXT NOT NULL,
    client TEXT NOT NULL,
    body TEXT NOT NULL,
    given INTEGER NOT NULL,
    PRIMARY KEY (subject, client)
) STRICT, WITHOUT ROWID;

-- Clients that registered themselves.
CREATE TABLE registrations (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    used INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX registrations_by_start ON registrations (created);

-- Keys that sign, sealed with a key that is not here.
CREATE TABLE signing_keys (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public TEXT NOT NULL,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created INTEGER NOT NULL,
    activates INTEGER NOT NULL,
    retires INTEGER
) STRICT, WITHOUT ROWID;

-- What was shown once and may not be shown again.
CREATE TABLE replays (
    digest BLOB PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX replays_by_end ON replays (expires);
