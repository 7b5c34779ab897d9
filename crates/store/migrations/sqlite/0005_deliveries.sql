-- The number of the newest delivery, in a row of its own: who puts one in line locks it first.
CREATE TABLE delivery_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL
) STRICT;

INSERT INTO delivery_head (one, number) VALUES (1, 0);

-- What webhooks are still to be told, each in the order of its numbers, and what they were not.
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY,
    message TEXT NOT NULL,
    webhook TEXT NOT NULL,
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    created INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    due INTEGER NOT NULL,
    holder TEXT,
    held INTEGER NOT NULL, -- until then nobody else sends it
    error TEXT,
    dead INTEGER
) STRICT;

CREATE INDEX deliveries_in_line ON deliveries (webhook, dead, number);

-- What comes with time alone, and was told: by whichever replica noticed it first.
CREATE TABLE announced (
    event TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (event, subject, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX announced_by_time ON announced (at);
