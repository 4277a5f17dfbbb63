-- Version 2: what a job's watched files were at its last occurrence; occurrences and successes that start a run for each of several
-- partitions.

ALTER TABLE jobs ADD COLUMN watched TEXT;            -- the files that it watches, as they were at its last occurrence

DROP INDEX one_run_of_an_occurrence;
CREATE UNIQUE INDEX one_run_of_an_occurrence ON runs (job, scheduled, coalesce(partition, ''))
    WHERE scheduled IS NOT NULL AND attempt = 1;

DROP INDEX one_run_of_a_cause;
CREATE UNIQUE INDEX one_run_of_a_cause ON runs (job, cause, coalesce(partition, '')) WHERE cause IS NOT NULL AND attempt = 1;
