-- Version 1. Moments are microseconds since 1970 in UTC. A released version is never edited; the next one is a file of its own.

-- Texts of job files that were good when they were read. A run names the one it works by.
CREATE TABLE definitions (
    hash TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    file TEXT NOT NULL,
    definition TEXT REFERENCES definitions (hash),   -- the last good version
    problem TEXT,                                    -- what is wrong with the file as it is now
    state TEXT NOT NULL CHECK (state IN ('present', 'gone')),
    paused INTEGER,                                  -- since when
    looked_through INTEGER,                          -- up to there its schedule has been turned into occurrences
    swept_through INTEGER,                           -- occurrences up to there may have been swept: they count as recorded
    turn INTEGER NOT NULL DEFAULT 0,                 -- grows with each claim over all jobs: who waited longest is next
    changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_by_definition ON jobs (definition);
CREATE INDEX jobs_by_turn ON jobs (turn);

CREATE TABLE backfills (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,                        -- given by who asks: the same key is the same backfill
    digest TEXT NOT NULL,
    job TEXT NOT NULL REFERENCES jobs (name),
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    parallelism INTEGER NOT NULL CHECK (parallelism >= 1),
    again INTEGER NOT NULL CHECK (again IN (0, 1)),  -- whether partitions that succeeded are run too
    priority INTEGER NOT NULL,
    parameters TEXT NOT NULL CHECK (json_valid(parameters)),
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'succeeded', 'failed')),
    requested_by TEXT NOT NULL,
    created INTEGER NOT NULL,
    ended INTEGER,
    CHECK ((ended IS NOT NULL) = (state IN ('succeeded', 'failed')))
) STRICT;
CREATE INDEX backfills_of_job ON backfills (job, number);
CREATE INDEX backfills_running ON backfills (number) WHERE state = 'running';

CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL REFERENCES jobs (name),
    origin TEXT NOT NULL CHECK (origin IN ('schedule', 'interval', 'file', 'job', 'manual', 'api', 'backfill')),
    scheduled INTEGER,                               -- the occurrence's time
    partition TEXT,
    backfill INTEGER REFERENCES backfills (number),
    cause TEXT,                                      -- the run of another job whose success asked for this one
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    root TEXT NOT NULL,                              -- the first attempt
    retry_of TEXT,                                   -- the attempt before
    resumes INTEGER NOT NULL CHECK (resumes IN (0, 1)),
    priority INTEGER NOT NULL,
    definition TEXT NOT NULL REFERENCES definitions (hash),
    parameters TEXT NOT NULL CHECK (json_valid(parameters)),
    requested_by TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('queued', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'lost')),
    claim INTEGER NOT NULL,                          -- how often it was claimed: a fence against workers of an earlier claim
    stop TEXT CHECK (stop IS NULL OR stop IN ('cancel', 'replaced', 'timeout')),
    stop_asked INTEGER,
    stop_by TEXT,
    not_before INTEGER,
    queued INTEGER NOT NULL,
    claimed INTEGER,
    started INTEGER,
    ended INTEGER,
    pid INTEGER,
    pid_started INTEGER,                             -- as the system counts it: a pid is given to another process one day
    heartbeat INTEGER,
    exit_code INTEGER,
    message TEXT,
    folder TEXT,
    metrics TEXT CHECK (metrics IS NULL OR json_valid(metrics)),
    CHECK ((attempt = 1) = (retry_of IS NULL)),
    CHECK ((attempt = 1) = (root = id)),
    CHECK ((stop IS NULL) = (stop_asked IS NULL)),
    CHECK ((ended IS NOT NULL) = (state IN ('succeeded', 'failed', 'cancelled', 'timed_out', 'lost'))),
    CHECK (state <> 'queued' OR (stop IS NULL AND claimed IS NULL AND heartbeat IS NULL AND pid IS NULL)),
    CHECK (state NOT IN ('starting', 'running') OR (claimed IS NOT NULL AND heartbeat IS NOT NULL)),
    CHECK (state <> 'running' OR started IS NOT NULL),
    CHECK (state <> 'succeeded' OR stop IS NULL)     -- a late success does not override a cancellation
) STRICT;
CREATE INDEX runs_of_job ON runs (job, number);
CREATE INDEX runs_of_job_by_state ON runs (job, state, number);
CREATE INDEX runs_by_state ON runs (state, number);
CREATE INDEX runs_of_occurrence ON runs (job, scheduled) WHERE scheduled IS NOT NULL;
CREATE INDEX runs_by_time ON runs (queued);
CREATE INDEX runs_of_partition ON runs (job, partition, number) WHERE partition IS NOT NULL;
CREATE INDEX runs_by_definition ON runs (definition);
CREATE INDEX runs_of_backfill ON runs (backfill) WHERE backfill IS NOT NULL;
CREATE INDEX runs_waiting ON runs (job, priority DESC, number) WHERE state = 'queued';
CREATE INDEX runs_at_work ON runs (job, number) WHERE state IN ('starting', 'running');
CREATE UNIQUE INDEX one_retry_of_a_run ON runs (retry_of) WHERE retry_of IS NOT NULL;
CREATE UNIQUE INDEX one_success_of_a_run ON runs (root) WHERE state = 'succeeded';
CREATE UNIQUE INDEX one_run_of_an_occurrence ON runs (job, scheduled) WHERE scheduled IS NOT NULL AND attempt = 1;
CREATE UNIQUE INDEX one_run_of_a_cause ON runs (job, cause) WHERE cause IS NOT NULL AND attempt = 1;
CREATE UNIQUE INDEX one_run_of_a_partition_at_a_time ON runs (job, partition)
    WHERE partition IS NOT NULL AND state IN ('queued', 'starting', 'running');

CREATE TABLE occurrences (
    job TEXT NOT NULL REFERENCES jobs (name),
    scheduled INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('due', 'started', 'skipped', 'dropped')),
    reason TEXT,
    run TEXT,                                        -- stays when the run is swept
    swept INTEGER NOT NULL DEFAULT 0 CHECK (swept IN (0, 1)),
    recorded INTEGER NOT NULL,
    settled INTEGER,
    PRIMARY KEY (job, scheduled),
    CHECK ((outcome = 'started') = (run IS NOT NULL)),
    CHECK ((outcome IN ('skipped', 'dropped')) = (reason IS NOT NULL)),
    CHECK ((outcome = 'due') = (settled IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX occurrences_due ON occurrences (scheduled, job) WHERE outcome = 'due';

CREATE TABLE submissions (
    key TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,                            -- of what was asked for: one key may not mean two things
    job TEXT NOT NULL REFERENCES jobs (name),
    run TEXT NOT NULL,                               -- stays when the run is swept
    swept INTEGER NOT NULL DEFAULT 0 CHECK (swept IN (0, 1)),
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX submissions_by_run ON submissions (run);
CREATE INDEX submissions_by_time ON submissions (created);
CREATE INDEX submissions_by_job ON submissions (job);

CREATE TABLE partitions (
    job TEXT NOT NULL REFERENCES jobs (name),
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('queued', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'lost')),
    run TEXT NOT NULL,                               -- the last run; stays when that is swept
    succeeded INTEGER,                               -- when it last did: a later failure does not take that back
    changed INTEGER NOT NULL,
    PRIMARY KEY (job, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE backfill_items (
    backfill INTEGER NOT NULL REFERENCES backfills (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    partition TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('pending', 'queued', 'starting', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out', 'lost')),
    run TEXT,
    PRIMARY KEY (backfill, position),
    UNIQUE (backfill, partition),
    CHECK (state IN ('pending', 'succeeded') OR run IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX backfill_items_by_state ON backfill_items (backfill, state, position);

CREATE TABLE promotions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,                              -- of the model or the output
    version TEXT NOT NULL,                           -- what `current` names: kept beside it, not in the run's folder
    job TEXT NOT NULL REFERENCES jobs (name),
    run TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('current', 'former', 'refused')),
    restores INTEGER REFERENCES promotions (number),
    reason TEXT,
    metrics TEXT NOT NULL CHECK (json_valid(metrics)),
    decided_by TEXT NOT NULL,
    decided INTEGER NOT NULL,
    published INTEGER,                               -- when `current` was switched on disk
    CHECK (state <> 'refused' OR (reason IS NOT NULL AND published IS NULL AND restores IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_champion ON promotions (name) WHERE state = 'current';
CREATE INDEX promotions_of_name ON promotions (name, number);
CREATE INDEX promotions_of_job ON promotions (job, number);
CREATE INDEX promotions_of_run ON promotions (run);
CREATE INDEX promotions_restored ON promotions (restores) WHERE restores IS NOT NULL;
CREATE INDEX promotions_unpublished ON promotions (number) WHERE state = 'current' AND published IS NULL;

CREATE TABLE notifications (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,                        -- run, event and channel: recorded once
    job TEXT NOT NULL REFERENCES jobs (name),
    run TEXT,
    event TEXT NOT NULL,
    channel TEXT NOT NULL,
    payload TEXT NOT NULL CHECK (json_valid(payload)),
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try INTEGER,
    problem TEXT,
    created INTEGER NOT NULL,
    ended INTEGER,
    CHECK ((state = 'waiting') = (next_try IS NOT NULL)),
    CHECK ((state = 'waiting') = (ended IS NULL))
) STRICT;
CREATE INDEX notifications_waiting ON notifications (next_try, number) WHERE state = 'waiting';
CREATE INDEX notifications_of_job ON notifications (job, number);
CREATE INDEX notifications_of_run ON notifications (run) WHERE run IS NOT NULL;
CREATE INDEX notifications_ended ON notifications (ended) WHERE ended IS NOT NULL;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    moment INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (moment);
CREATE INDEX audit_of_subject ON audit (subject, number);

-- Runs that ended, ever: what counters show does not fall when runs are swept.
CREATE TABLE totals (
    job TEXT NOT NULL REFERENCES jobs (name),
    state TEXT NOT NULL,
    runs INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (job, state)
) STRICT, WITHOUT ROWID;

-- Folders whose run was swept and that are still on disk.
CREATE TABLE garbage (
    folder TEXT NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
