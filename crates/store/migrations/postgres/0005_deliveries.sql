-- The number of the newest delivery, in a row of its own: who puts one in line locks it first.
CREATE TABLE delivery_head (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL
);

INSERT INTO delivery_head (one, number) VALUES (1, 0);

-- What webhooks are still to be told, each in the order of its numbers, and what they were not.
CREATE TABLE deliveries (
    number BIGINT PRIMARY KEY,
    message TEXT COLLATE "C" NOT NULL,
    webhook TEXT COLLATE "C" NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    body TEXT NOT NULL,
    created BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    due BIGINT NOT NULL,
    holder TEXT COLLATE "C",
    held BIGINT NOT NULL, -- until then nobody else sends it
    error TEXT,
    dead BIGINT
);

CREATE INDEX deliveries_in_line ON deliveries (webhook, dead, number);

-- What comes with time alone, and was told: by whichever replica noticed it first.
CREATE TABLE announced (
    event TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (event, subject, at)
);

CREATE INDEX announced_by_time ON announced (at);
