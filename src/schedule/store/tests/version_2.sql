PRAGMA application_id = 1735552364;
PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    moment INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
INSERT INTO "audit" VALUES(1,1800000000000000,'ann','submit','daily','20270115-080000-00000001');
INSERT INTO "audit" VALUES(2,1800000007000000,'ann','submit','daily','20270115-080007-00000003');
INSERT INTO "audit" VALUES(3,1800000008000000,'ann','cancel','20270115-080007-00000003','daily');
INSERT INTO "audit" VALUES(4,1800000010000000,'ann','backfill','daily','d1 to d2');
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
INSERT INTO "backfill_items" VALUES(1,0,'d1','queued','20270115-080014-00000006');
INSERT INTO "backfill_items" VALUES(1,1,'d2','pending',NULL);
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
INSERT INTO "backfills" VALUES(1,'fill','["daily","d1","d2",1,false]','daily','d1','d2',1,0,9,'{}','running','ann',1800000010000000,NULL);
CREATE TABLE definitions (
    hash TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "definitions" VALUES('d1','pipeline: daily.yaml',1800000000000000);
INSERT INTO "definitions" VALUES('r1','pipeline: report.yaml',1800000000000000);
CREATE TABLE garbage (
    folder TEXT NOT NULL PRIMARY KEY,
    since INTEGER NOT NULL
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
, watched TEXT) STRICT, WITHOUT ROWID;
INSERT INTO "jobs" VALUES('broken','jobs/broken.yaml',NULL,'line 1: no pipeline','present',NULL,NULL,NULL,0,1800000000000000,NULL);
INSERT INTO "jobs" VALUES('daily','jobs/daily.yaml','d1',NULL,'present',NULL,1800000060000000,NULL,2,1800000000000000,NULL);
INSERT INTO "jobs" VALUES('report','jobs/report.yaml','r1',NULL,'present',NULL,NULL,NULL,0,1800000000000000,'{}');
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
INSERT INTO "notifications" VALUES(1,'run/20270115-080000-00000001/success/hook','daily','20270115-080000-00000001','success','hook','{}','waiting',0,1800000006000000,NULL,1800000006000000,NULL);
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
INSERT INTO "occurrences" VALUES('daily',1799999940000000,'dropped','too late',NULL,0,1800000009000000,1800000009000000);
INSERT INTO "occurrences" VALUES('daily',1800000000000000,'started',NULL,'20270115-080009-00000004',0,1800000009000000,1800000009000000);
INSERT INTO "occurrences" VALUES('daily',1800000060000000,'due',NULL,NULL,0,1800000009000000,NULL);
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
INSERT INTO "partitions" VALUES('daily','d1','queued','20270115-080014-00000006',NULL,1800000014000000);
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
INSERT INTO "promotions" VALUES(1,'churn','v1','daily','20270115-080000-00000001','current',NULL,NULL,'{}','gate',1800000006000000,NULL);
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
INSERT INTO "runs" VALUES(1,'20270115-080000-00000001','daily','api',NULL,NULL,NULL,NULL,1,'20270115-080000-00000001',NULL,0,0,'d1','{}','ann','succeeded',1,NULL,NULL,NULL,NULL,1800000000000000,1800000001000000,1800000002000000,1800000006000000,4711,99,1800000002000000,NULL,NULL,'runs/x','{"rows":12}');
INSERT INTO "runs" VALUES(2,'20270115-080006-00000002','report','api',NULL,NULL,NULL,'20270115-080000-00000001',1,'20270115-080006-00000002',NULL,0,0,'r1','{}','ann','queued',0,NULL,NULL,NULL,NULL,1800000006000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(3,'20270115-080007-00000003','daily','api',NULL,NULL,NULL,NULL,1,'20270115-080007-00000003',NULL,0,0,'d1','{}','ann','cancelled',0,'cancel',1800000008000000,'ann',NULL,1800000007000000,NULL,NULL,1800000008000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(4,'20270115-080009-00000004','daily','schedule',1800000000000000,NULL,NULL,NULL,1,'20270115-080009-00000004',NULL,0,0,'d1','{}','schedule','queued',0,NULL,NULL,NULL,NULL,1800000009000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(5,'20270115-080011-00000005','daily','backfill',NULL,'d1',1,NULL,1,'20270115-080011-00000005',NULL,0,9,'d1','{}','ann','lost',1,NULL,NULL,NULL,NULL,1800000011000000,1800000012000000,1800000013000000,1800000014000000,4711,99,1800000013000000,NULL,'it died','runs/y','{}');
INSERT INTO "runs" VALUES(6,'20270115-080014-00000006','daily','backfill',NULL,'d1',1,NULL,2,'20270115-080011-00000005','20270115-080011-00000005',1,9,'d1','{}','ann','queued',0,NULL,NULL,NULL,1800000030000000,1800000014000000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(7,'20270115-080107-00000007','daily','api',NULL,NULL,NULL,NULL,1,'20270115-080107-00000007',NULL,0,0,'d1','{}','ann','lost',1,NULL,NULL,NULL,NULL,1800000060000000,1800000061000000,1800000062000000,1800000063000000,4711,99,1800000062000000,NULL,'the server died while the run was at work','runs/20270115-080107-00000007','{}');
INSERT INTO "runs" VALUES(8,'20270115-080108-00000008','daily','api',NULL,NULL,NULL,NULL,2,'20270115-080107-00000007','20270115-080107-00000007',0,0,'d1','{}','ann','lost',1,NULL,NULL,NULL,NULL,1800000060000000,1800000061000000,1800000062000000,1800000063000000,4711,99,1800000062000000,NULL,'the server stopped while the run was at work','runs/20270115-080108-00000008','{}');
INSERT INTO "runs" VALUES(9,'20270115-080109-00000009','daily','api',NULL,NULL,NULL,NULL,3,'20270115-080107-00000007','20270115-080108-00000008',0,0,'d1','{}','ann','lost',1,NULL,NULL,NULL,NULL,1800000060000000,1800000061000000,1800000062000000,1800000063000000,4711,99,1800000062000000,NULL,'the worker was killed by signal 9','runs/20270115-080109-00000009','{}');
INSERT INTO "runs" VALUES(10,'20270115-080110-00000010','daily','api',NULL,NULL,NULL,NULL,1,'20270115-080110-00000010',NULL,0,0,'d1','{}','ann','failed',1,NULL,NULL,NULL,NULL,1800000060000000,1800000061000000,1800000062000000,1800000063000000,4711,99,1800000062000000,NULL,'the server died while the run was at work','runs/20270115-080110-00000010','{}');
CREATE TABLE submissions (
    key TEXT NOT NULL PRIMARY KEY,
    digest TEXT NOT NULL,                            -- of what was asked for: one key may not mean two things
    job TEXT NOT NULL REFERENCES jobs (name),
    run TEXT NOT NULL,                               -- stays when the run is swept
    swept INTEGER NOT NULL DEFAULT 0 CHECK (swept IN (0, 1)),
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "submissions" VALUES('one','[["daily","api","\u0000","ann"],0,null,"{}"]','daily','20270115-080000-00000001',0,1800000000000000);
INSERT INTO "submissions" VALUES('two','[["daily","api","\u0000","ann"],0,null,"{}"]','daily','20270115-080007-00000003',0,1800000007000000);
CREATE TABLE totals (
    job TEXT NOT NULL REFERENCES jobs (name),
    state TEXT NOT NULL,
    runs INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (job, state)
) STRICT, WITHOUT ROWID;
INSERT INTO "totals" VALUES('daily','cancelled',1,0.0);
INSERT INTO "totals" VALUES('daily','failed',1,1.0);
INSERT INTO "totals" VALUES('daily','lost',4,1.0);
INSERT INTO "totals" VALUES('daily','succeeded',1,4.0);
CREATE INDEX jobs_by_definition ON jobs (definition);
CREATE INDEX jobs_by_turn ON jobs (turn);
CREATE INDEX backfills_of_job ON backfills (job, number);
CREATE INDEX backfills_running ON backfills (number) WHERE state = 'running';
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
CREATE UNIQUE INDEX one_run_of_a_partition_at_a_time ON runs (job, partition)
    WHERE partition IS NOT NULL AND state IN ('queued', 'starting', 'running');
CREATE INDEX occurrences_due ON occurrences (scheduled, job) WHERE outcome = 'due';
CREATE INDEX submissions_by_run ON submissions (run);
CREATE INDEX submissions_by_time ON submissions (created);
CREATE INDEX submissions_by_job ON submissions (job);
CREATE INDEX backfill_items_by_state ON backfill_items (backfill, state, position);
CREATE UNIQUE INDEX one_champion ON promotions (name) WHERE state = 'current';
CREATE INDEX promotions_of_name ON promotions (name, number);
CREATE INDEX promotions_of_job ON promotions (job, number);
CREATE INDEX promotions_of_run ON promotions (run);
CREATE INDEX promotions_restored ON promotions (restores) WHERE restores IS NOT NULL;
CREATE INDEX promotions_unpublished ON promotions (number) WHERE state = 'current' AND published IS NULL;
CREATE INDEX notifications_waiting ON notifications (next_try, number) WHERE state = 'waiting';
CREATE INDEX notifications_of_job ON notifications (job, number);
CREATE INDEX notifications_of_run ON notifications (run) WHERE run IS NOT NULL;
CREATE INDEX notifications_ended ON notifications (ended) WHERE ended IS NOT NULL;
CREATE INDEX audit_by_time ON audit (moment);
CREATE INDEX audit_of_subject ON audit (subject, number);
CREATE UNIQUE INDEX one_run_of_an_occurrence ON runs (job, scheduled, coalesce(partition, ''))
    WHERE scheduled IS NOT NULL AND attempt = 1;
CREATE UNIQUE INDEX one_run_of_a_cause ON runs (job, cause, coalesce(partition, '')) WHERE cause IS NOT NULL AND attempt = 1;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('runs',10);
INSERT INTO "sqlite_sequence" VALUES('audit',4);
INSERT INTO "sqlite_sequence" VALUES('promotions',1);
INSERT INTO "sqlite_sequence" VALUES('notifications',1);
INSERT INTO "sqlite_sequence" VALUES('backfills',1);
COMMIT;
