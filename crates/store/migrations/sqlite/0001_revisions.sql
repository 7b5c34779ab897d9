-- The number of the newest revision, in a row of its own: who commits locks it.
CREATE TABLE head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL
) STRICT;

INSERT INTO head (one, revision) VALUES (1, 0);

CREATE TABLE revisions (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL, -- microseconds since 1970
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    request_id TEXT NOT NULL,
    changed INTEGER NOT NULL
) STRICT;

-- What is declared now.
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What each revision changed. Lines that are no file are there to be read by people.
CREATE TABLE changes (
    revision INTEGER NOT NULL REFERENCES revisions (number),
    path TEXT NOT NULL,
    is_file INTEGER NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (revision, path, is_file)
) STRICT;
