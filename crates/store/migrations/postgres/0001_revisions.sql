-- The number of the newest revision, in a row of its own: who commits locks it.
CREATE TABLE head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    revision BIGINT NOT NULL
);

INSERT INTO head (one, revision) VALUES (1, 0);

CREATE TABLE revisions (
    number BIGINT PRIMARY KEY,
    at BIGINT NOT NULL, -- microseconds since 1970
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    request_id TEXT NOT NULL,
    changed BIGINT NOT NULL
);

-- What is declared now. Paths are sorted by their bytes, as SQLite does.
CREATE TABLE files (
    path TEXT COLLATE "C" PRIMARY KEY,
    text TEXT NOT NULL
);

-- What each revision changed. Lines that are no file are there to be read by people.
CREATE TABLE changes (
    revision BIGINT NOT NULL REFERENCES revisions (number),
    path TEXT COLLATE "C" NOT NULL,
    is_file BIGINT NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (revision, path, is_file)
);
