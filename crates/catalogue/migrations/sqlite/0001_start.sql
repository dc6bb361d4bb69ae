-- Times are microseconds since 1970-01-01T00:00:00Z; ids are the 16 bytes of a UUID; JSON is text.

CREATE TABLE workspaces (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    bucket TEXT NOT NULL UNIQUE,
    organization_id TEXT NOT NULL,
    binding_code TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE docks (
    sn TEXT NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    callsign TEXT,
    password_hash TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    bound_at INTEGER,
    created_at INTEGER NOT NULL,
    model_key TEXT,
    last_seen_at INTEGER,
    remain_upload INTEGER,
    storage_total_kb INTEGER,
    storage_used_kb INTEGER,
    flighttask_step_code INTEGER,
    credentials_issued_at INTEGER,
    lat REAL,
    lng REAL,
    firmware_version TEXT
) STRICT;
CREATE INDEX docks_of_workspace ON docks (workspace_id, sn);

-- A gateway may also be a Pilot controller, so it is not a foreign key.
CREATE TABLE aircraft (
    sn TEXT NOT NULL PRIMARY KEY,
    gateway_sn TEXT NOT NULL,
    model_key TEXT
) STRICT;
CREATE INDEX aircraft_of_gateway ON aircraft (gateway_sn, sn);

CREATE TABLE prefixes (
    gateway_sn TEXT NOT NULL,
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    issued_at INTEGER NOT NULL,
    PRIMARY KEY (gateway_sn, bucket, prefix)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id BLOB NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    workspace_id BLOB REFERENCES workspaces (id),
    role TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE failed_logins (
    key TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX failed_logins_of_key ON failed_logins (key, at);
CREATE INDEX failed_logins_by_time ON failed_logins (at);

CREATE TABLE tokens (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    role TEXT NOT NULL,
    name TEXT,
    token_hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX tokens_of_workspace ON tokens (workspace_id, created_at);

CREATE TABLE s3_keys (
    access_key_id TEXT NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    bucket TEXT NOT NULL,
    write_access INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    last_used_at INTEGER
) STRICT;
CREATE INDEX s3_keys_of_workspace ON s3_keys (workspace_id, created_at);

CREATE TABLE controllers (
    sn TEXT NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    password_hash TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    disabled INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL
) STRICT;

-- stored_count and the extents speak of stored rows outside the trash; they change in the commit that changes the rows.
-- Longitudes are kept for each hemisphere, so that a flight over the antimeridian has a small box.
CREATE TABLE flights (
    num INTEGER PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    flight_id TEXT NOT NULL,
    gateway_sn TEXT,
    flight_type INTEGER,
    expected_file_count INTEGER,
    uploaded_file_count INTEGER,
    media_count INTEGER,
    track_id TEXT,
    task_status TEXT,
    stored_count INTEGER NOT NULL DEFAULT 0,
    trashed_count INTEGER NOT NULL DEFAULT 0,
    first_captured_at INTEGER,
    last_captured_at INTEGER,
    south REAL,
    north REAL,
    east_min REAL,
    east_max REAL,
    west_min REAL,
    west_max REAL,
    prioritized_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (workspace_id, flight_id)
) STRICT;
CREATE INDEX flights_by_time ON flights (workspace_id, created_at, num);
CREATE INDEX flights_of_gateway ON flights (workspace_id, gateway_sn, created_at, num);

-- sort_at is captured_at, or the smallest integer where that is not known. folded_name is the name in lower case.
CREATE TABLE media (
    num INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    gateway_sn TEXT,
    source TEXT NOT NULL,
    flight_id TEXT,
    name TEXT NOT NULL,
    folded_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    size_bytes INTEGER,
    etag TEXT,
    status TEXT NOT NULL,
    captured_at INTEGER,
    sort_at INTEGER NOT NULL,
    captured_local TEXT,
    lat REAL,
    lng REAL,
    absolute_altitude_m REAL,
    relative_altitude_m REAL,
    gimbal_yaw_deg REAL,
    gimbal_pitch_deg REAL,
    gimbal_roll_deg REAL,
    drone_model_key TEXT,
    payload_model_key TEXT,
    is_original INTEGER,
    fingerprint TEXT,
    path TEXT,
    processing TEXT NOT NULL,
    warnings TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    trashed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX media_listed_key ON media (workspace_id, object_key) WHERE status <> 'quarantined';
CREATE UNIQUE INDEX media_quarantined_key ON media (workspace_id, coalesce(gateway_sn, ''), object_key) WHERE status = 'quarantined';
CREATE INDEX media_of_bucket ON media (bucket, object_key) WHERE status <> 'quarantined';
CREATE INDEX media_by_time ON media (workspace_id, sort_at, id) WHERE trashed_at IS NULL;
CREATE INDEX media_by_status ON media (workspace_id, status, sort_at, id) WHERE trashed_at IS NULL;
CREATE INDEX media_by_kind ON media (workspace_id, kind, sort_at, id) WHERE trashed_at IS NULL;
CREATE INDEX media_by_flight ON media (workspace_id, flight_id, sort_at, id) WHERE flight_id IS NOT NULL;
CREATE INDEX media_by_gateway ON media (workspace_id, gateway_sn, sort_at, id) WHERE trashed_at IS NULL;
CREATE INDEX media_in_trash ON media (workspace_id, sort_at, id) WHERE trashed_at IS NOT NULL;

-- Where media was captured; follows `media` by triggers.
CREATE VIRTUAL TABLE media_area USING rtree (num, west, east, south, north);
CREATE TRIGGER media_area_insert AFTER INSERT ON media WHEN new.lat IS NOT NULL AND new.lng IS NOT NULL BEGIN
    INSERT INTO media_area VALUES (new.num, new.lng, new.lng, new.lat, new.lat);
END;
CREATE TRIGGER media_area_update AFTER UPDATE OF lat, lng ON media
WHEN old.lat IS NOT new.lat OR old.lng IS NOT new.lng BEGIN
    DELETE FROM media_area WHERE num = old.num;
    INSERT INTO media_area SELECT new.num, new.lng, new.lng, new.lat, new.lat WHERE new.lat IS NOT NULL AND new.lng IS NOT NULL;
END;
CREATE TRIGGER media_area_delete AFTER DELETE ON media BEGIN
    DELETE FROM media_area WHERE num = old.num;
END;

-- Rows by status outside the trash; follows `media` by triggers.
CREATE TABLE media_counts (
    workspace_id BLOB NOT NULL,
    status TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, status)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER media_counts_insert AFTER INSERT ON media WHEN new.trashed_at IS NULL BEGIN
    INSERT INTO media_counts VALUES (new.workspace_id, new.status, 1) ON CONFLICT (workspace_id, status) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER media_counts_update AFTER UPDATE OF status, trashed_at ON media
WHEN old.status <> new.status OR (old.trashed_at IS NULL) <> (new.trashed_at IS NULL) BEGIN
    UPDATE media_counts SET n = n - 1 WHERE old.trashed_at IS NULL AND workspace_id = old.workspace_id AND status = old.status;
    INSERT INTO media_counts SELECT new.workspace_id, new.status, 1 WHERE new.trashed_at IS NULL
    ON CONFLICT (workspace_id, status) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER media_counts_delete AFTER DELETE ON media WHEN old.trashed_at IS NULL BEGIN
    UPDATE media_counts SET n = n - 1 WHERE workspace_id = old.workspace_id AND status = old.status;
END;

CREATE TABLE events (
    id BLOB NOT NULL PRIMARY KEY,
    gateway_sn TEXT NOT NULL,
    workspace_id BLOB,
    method TEXT,
    tid TEXT NOT NULL,
    bid TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX events_of_gateway ON events (gateway_sn, received_at, id);

CREATE TABLE trace (
    id BLOB NOT NULL PRIMARY KEY,
    gateway_sn TEXT NOT NULL,
    at INTEGER NOT NULL,
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
CREATE INDEX trace_of_gateway ON trace (gateway_sn, at, id);
CREATE INDEX trace_by_time ON trace (at);

-- due_at: when a queued or failed job may run, or a running one loses its lease.
CREATE TABLE jobs (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    media_id BLOB,
    flight_id TEXT,
    payload TEXT NOT NULL,
    progress_done INTEGER NOT NULL DEFAULT 0,
    progress_total INTEGER,
    result TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    error TEXT,
    run_after INTEGER NOT NULL,
    lease_until INTEGER,
    due_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_open ON jobs (kind, created_at, id) WHERE state IN ('queued', 'failed', 'running');
CREATE INDEX jobs_due ON jobs (due_at) WHERE state IN ('queued', 'failed', 'running');
CREATE INDEX jobs_by_time ON jobs (created_at, id);
CREATE INDEX jobs_of_workspace ON jobs (workspace_id, created_at, id);
CREATE INDEX jobs_by_state ON jobs (state, created_at, id);
CREATE INDEX jobs_by_kind ON jobs (kind, created_at, id);

CREATE TABLE audit (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_of_workspace ON audit (workspace_id, at, id);

-- What a probe of the disk writes.
CREATE TABLE probe (id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (1, 0);
