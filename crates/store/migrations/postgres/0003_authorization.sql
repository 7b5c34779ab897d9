-- What clients were given, for a user or for themselves.
CREATE TABLE grants (
    id TEXT COLLATE "C" PRIMARY KEY,
    client TEXT COLLATE "C" NOT NULL,
    profile TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C",
    body TEXT NOT NULL,
    created BIGINT NOT NULL, -- microseconds since 1970, as all times
    expires BIGINT NOT NULL,
    revoked BIGINT
);

CREATE INDEX grants_of_client ON grants (client, id);
CREATE INDEX grants_of_profile ON grants (profile, id);
CREATE INDEX grants_of_subject ON grants (subject, id);
CREATE INDEX grants_by_end ON grants (expires);

-- Secrets that are good for one use, by their SHA-256. A grant that is named here may be gone.
CREATE TABLE handles (
    digest BYTEA NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    grant_id TEXT COLLATE "C",
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used BIGINT,
    PRIMARY KEY (digest, kind)
);

CREATE INDEX handles_by_end ON handles (expires);

-- The number of the newest revocation, in a row of its own: who revokes locks it first.
CREATE TABLE revocation_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL
);

INSERT INTO revocation_head (one, number) VALUES (1, 0);

CREATE TABLE revocations (
    number BIGINT PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX revocations_by_end ON revocations (expires);

CREATE TABLE consents (
    subject TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL,
    given BIGINT NOT NULL,
    PRIMARY KEY (subject, client)
);

-- Clients that registered themselves.
CREATE TABLE registrations (
    id TEXT COLLATE "C" PRIMARY KEY,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    used BIGINT
);

CREATE INDEX registrations_by_start ON registrations (created);

-- Keys that sign, sealed with a key that is not here.
CREATE TABLE signing_keys (
    id TEXT COLLATE "C" PRIMARY KEY,
    algorithm TEXT NOT NULL,
    public TEXT NOT NULL,
    key_id TEXT COLLATE "C" NOT NULL,
    sealed BYTEA NOT NULL,
    created BIGINT NOT NULL,
    activates BIGINT NOT NULL,
    retires BIGINT
);

-- What was shown once and may not be shown again.
CREATE TABLE replays (
    digest BYTEA PRIMARY KEY,
    expires BIGINT NOT NULL
);

CREATE INDEX replays_by_end ON replays (expires);
