-- Version 3: whether it was the server that a run was lost by, and not its worker.

ALTER TABLE runs ADD COLUMN cut_off TEXT             -- what happened to the server while the run was at work
    CHECK (cut_off IS NULL OR (state = 'lost' AND cut_off IN ('server_died', 'server_stopped')));

-- Until now only the message told.
UPDATE runs SET cut_off = 'server_died' WHERE state = 'lost' AND message = 'the server died while the run was at work';
UPDATE runs SET cut_off = 'server_stopped' WHERE state = 'lost' AND message = 'the server stopped while the run was at work';
