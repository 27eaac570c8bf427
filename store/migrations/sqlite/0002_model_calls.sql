CREATE TABLE call (
    id TEXT NOT NULL,
    job TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    session TEXT NOT NULL,
    project TEXT NOT NULL,
    lane INTEGER NOT NULL,
    backend TEXT NOT NULL,
    request TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    dialect TEXT NOT NULL,
    asked TEXT NOT NULL,
    model TEXT NOT NULL,
    served TEXT NOT NULL,
    provider TEXT NOT NULL,
    "key" TEXT NOT NULL,
    family TEXT NOT NULL,
    tier TEXT NOT NULL,
    ok BOOLEAN NOT NULL,
    fault TEXT NOT NULL,
    status INTEGER NOT NULL,
    skips TEXT NOT NULL,
    probe BOOLEAN NOT NULL,
    spill BOOLEAN NOT NULL,
    hedge BOOLEAN NOT NULL,
    substituted BOOLEAN NOT NULL,
    usd DOUBLE NOT NULL,
    usd_known BOOLEAN NOT NULL,
    turns INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    cache_write INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    first_byte_us INTEGER NOT NULL,
    took_us INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX call_at ON call (at, id);
CREATE INDEX call_job ON call (job, id);

CREATE TABLE cursor (
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE spend (
    id TEXT NOT NULL,
    day TEXT NOT NULL,
    project TEXT NOT NULL,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    worker TEXT NOT NULL,
    calls INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    usd DOUBLE NOT NULL,
    turns INTEGER NOT NULL,
    input INTEGER NOT NULL,
    output INTEGER NOT NULL,
    cache_read INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE review (
    id TEXT NOT NULL,
    job TEXT NOT NULL,
    review TEXT NOT NULL,
    round INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    reasons TEXT NOT NULL,
    makers TEXT NOT NULL,
    families TEXT NOT NULL,
    outcome TEXT NOT NULL,
    why TEXT NOT NULL,
    at INTEGER NOT NULL,
    decided_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE INDEX review_job ON review (job);
