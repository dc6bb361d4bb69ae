-- Every exchange with a dock is a row here: one index serves its readers, and rows are added at the end.
CREATE TABLE trace_new (
    gateway_sn TEXT NOT NULL,
    at INTEGER NOT NULL,
    id BLOB NOT NULL,
    direction TEXT NOT NULL,
    topic TEXT NOT NULL,
    method TEXT,
    tid TEXT NOT NULL,
    bid TEXT NOT NULL,
    result INTEGER,
    duration_ms REAL,
    asked TEXT NOT NULL,
    answered TEXT NOT NULL,
    note TEXT
) STRICT;
INSERT INTO trace_new (gateway_sn, at, id, direction, topic, method, tid, bid, result, duration_ms, asked, answered, note)
    SELECT gateway_sn, at, id, direction, topic, method, tid, bid, result, duration_ms, asked, answered, note FROM trace ORDER BY at;
DROP TABLE trace;
ALTER TABLE trace_new RENAME TO trace;
CREATE INDEX trace_of_gateway ON trace (gateway_sn, at, id);
