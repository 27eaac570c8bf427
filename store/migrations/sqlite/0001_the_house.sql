CREATE TABLE artefact (
    id TEXT NOT NULL,
    job TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE INDEX artefact_job ON artefact (job);
CREATE INDEX artefact_sha256 ON artefact (sha256);

CREATE TABLE attempt (
    id TEXT NOT NULL,
    job TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    session TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT NOT NULL,
    rendered_digest TEXT NOT NULL,
    log TEXT NOT NULL,
    cost_usd DOUBLE NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE INDEX attempt_job ON attempt (job);

CREATE TABLE decision (
    id TEXT NOT NULL,
    job TEXT NOT NULL,
    kind TEXT NOT NULL,
    question TEXT NOT NULL,
    options TEXT NOT NULL,
    effect_hash TEXT NOT NULL,
    risk TEXT NOT NULL,
    deadline_at INTEGER NOT NULL,
    "default" TEXT NOT NULL,
    version INTEGER NOT NULL,
    state TEXT NOT NULL,
    answer TEXT NOT NULL,
    answered_by TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE INDEX decision_job ON decision (job);
CREATE INDEX decision_state ON decision (state);

CREATE TABLE edge (
    child TEXT NOT NULL,
    parent TEXT NOT NULL,
    kind TEXT NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (child, idx, parent, kind)
) WITHOUT ROWID;

CREATE INDEX edge_parent ON edge (parent);

CREATE TABLE event (
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    project TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (seq)
);

CREATE INDEX event_snapshot ON event (seq) WHERE kind = 'store.snapshot';
CREATE INDEX event_subject ON event (subject, seq);

CREATE TABLE idempotency (
    "key" TEXT NOT NULL,
    digest TEXT NOT NULL,
    ids TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY ("key")
) WITHOUT ROWID;

CREATE INDEX idempotency_at ON idempotency (at, "key");

CREATE TABLE job (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    shard INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    backend TEXT NOT NULL,
    mode TEXT,
    root TEXT NOT NULL,
    step TEXT NOT NULL,
    cwd TEXT NOT NULL,
    worker_key TEXT NOT NULL,
    idem_key TEXT,
    retry_of TEXT NOT NULL,
    source TEXT NOT NULL,
    trust TEXT NOT NULL,
    spec TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    ready_seq INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    owner TEXT NOT NULL,
    holding BOOLEAN NOT NULL,
    failures INTEGER NOT NULL,
    reclaims INTEGER NOT NULL,
    rounds INTEGER NOT NULL,
    open_deps INTEGER NOT NULL,
    bad_deps INTEGER NOT NULL,
    progress_at INTEGER NOT NULL,
    cancel_requested_at INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    result TEXT,
    error TEXT,
    awaits TEXT,
    cost_usd DOUBLE NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX job_at_rest ON job (state, finished_at, id) WHERE finished_at > 0;
CREATE INDEX job_deadline ON job (run_at, id) WHERE state = 'waiting' AND run_at > 0;
CREATE INDEX job_due ON job (run_at, id) WHERE state = 'delayed';
CREATE INDEX job_holding ON job (id) WHERE holding;
CREATE UNIQUE INDEX job_idem_key ON job (idem_key) WHERE idem_key IS NOT NULL;
CREATE INDEX job_queued ON job (worker_key, lane, ready_seq) WHERE state = 'blocked' AND reason IN ('directory', 'pool');
CREATE INDEX job_ready ON job (lane, ready_seq) WHERE state = 'ready';
CREATE INDEX job_ready_key ON job (worker_key, lane) WHERE state = 'ready' AND worker_key <> '';
CREATE INDEX job_root ON job (root, id) WHERE root <> '';

CREATE TABLE message (
    id TEXT NOT NULL,
    session TEXT NOT NULL,
    job TEXT NOT NULL,
    mode TEXT NOT NULL,
    body TEXT NOT NULL,
    trust TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    delivered_at INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX message_delivered_at ON message (delivered_at, id);
CREATE INDEX message_session ON message (session);

CREATE TABLE project (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    roots TEXT NOT NULL,
    shard INTEGER NOT NULL,
    backend TEXT NOT NULL,
    lane INTEGER,
    budget_usd DOUBLE,
    protected_branches TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE rollup (
    id TEXT NOT NULL,
    day TEXT NOT NULL,
    project TEXT NOT NULL,
    lane INTEGER NOT NULL,
    backend TEXT NOT NULL,
    state TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    cost_usd DOUBLE NOT NULL,
    run_s DOUBLE NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE shard (
    id INTEGER NOT NULL,
    term INTEGER NOT NULL,
    ready_seq INTEGER NOT NULL,
    passes TEXT NOT NULL,
    virtual_time INTEGER NOT NULL,
    halted_at INTEGER NOT NULL,
    paused_at INTEGER NOT NULL,
    anchor TEXT NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE TABLE signal (
    id TEXT NOT NULL,
    job TEXT NOT NULL,
    name TEXT NOT NULL,
    payload TEXT,
    at INTEGER NOT NULL,
    PRIMARY KEY (id)
) WITHOUT ROWID;

CREATE INDEX signal_job ON signal (job);

CREATE TABLE turn (
    id TEXT NOT NULL,
    session TEXT NOT NULL,
    idx INTEGER NOT NULL,
    job TEXT NOT NULL,
    role TEXT NOT NULL,
    blocks TEXT NOT NULL,
    artefact TEXT NOT NULL,
    model TEXT NOT NULL,
    usage TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX turn_session ON turn (session, idx);

CREATE TABLE worker (
    name TEXT NOT NULL,
    "key" TEXT NOT NULL,
    host TEXT NOT NULL,
    directory TEXT NOT NULL,
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    backend TEXT NOT NULL,
    persistent BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    born_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (name)
) WITHOUT ROWID;

CREATE INDEX worker_key ON worker ("key");

