-- When the next job of a kind is due, without walking the open jobs of other kinds.
DROP INDEX jobs_due;
CREATE INDEX jobs_next ON jobs (kind, due_at) WHERE state IN ('queued', 'failed', 'running');
