-- Pilot 2: logins of controllers, what it says of its files, its settings.

-- token_hash was the one token of a controller; a UNIQUE column cannot be dropped, so the table is made anew.
CREATE TABLE controllers_new (
    sn TEXT NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    password_hash TEXT NOT NULL,
    disabled INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    model_key TEXT,
    last_seen_at INTEGER,
    credentials_issued_at INTEGER,
    lat REAL,
    lng REAL,
    firmware_version TEXT
) STRICT;
INSERT INTO controllers_new (sn, workspace_id, password_hash, disabled, created_at)
SELECT sn, workspace_id, password_hash, disabled, created_at FROM controllers;
DROP TABLE controllers;
ALTER TABLE controllers_new RENAME TO controllers;
CREATE INDEX controllers_of_workspace ON controllers (workspace_id, sn);

-- A login of a controller. expires_at is the end of its newest token; no token outlives renewable_until.
CREATE TABLE controller_sessions (
    id BLOB NOT NULL PRIMARY KEY,
    sn TEXT NOT NULL REFERENCES controllers (sn) ON DELETE CASCADE,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    renewable_until INTEGER NOT NULL
) STRICT;
CREATE INDEX controller_sessions_of_controller ON controller_sessions (sn);
CREATE INDEX controller_sessions_by_end ON controller_sessions (expires_at);

CREATE TABLE controller_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    session_id BLOB NOT NULL REFERENCES controller_sessions (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX controller_tokens_of_session ON controller_tokens (session_id, expires_at);

-- What login pages are told to set; a workspace without a row has the defaults.
CREATE TABLE pilot_settings (
    workspace_id BLOB NOT NULL PRIMARY KEY REFERENCES workspaces (id),
    auto_upload_photo INTEGER NOT NULL,
    auto_upload_photo_type INTEGER NOT NULL,
    auto_upload_video INTEGER NOT NULL
) STRICT;

-- flight_group: whose files form flights by time; null for files whose flight somebody named.
-- tiny_fingerprint_hash: 63 bits of the workspace and the fingerprint in lower case; narrow, for 10,000 lookups at once.
ALTER TABLE media ADD COLUMN aircraft_sn TEXT;
ALTER TABLE media ADD COLUMN file_group_id TEXT;
ALTER TABLE media ADD COLUMN sub_file_type INTEGER;
ALTER TABLE media ADD COLUMN tiny_fingerprint TEXT;
ALTER TABLE media ADD COLUMN tiny_fingerprint_hash INTEGER;
ALTER TABLE media ADD COLUMN flight_group TEXT;
CREATE INDEX media_by_fingerprint ON media (workspace_id, lower(fingerprint)) WHERE fingerprint IS NOT NULL AND status = 'stored';
CREATE INDEX media_by_tiny_fingerprint ON media (tiny_fingerprint_hash) WHERE tiny_fingerprint_hash IS NOT NULL AND status = 'stored';
CREATE INDEX media_by_file_group ON media (workspace_id, file_group_id) WHERE file_group_id IS NOT NULL;
CREATE INDEX media_by_flight_group ON media (workspace_id, flight_group, captured_at) WHERE flight_group IS NOT NULL AND captured_at IS NOT NULL;
CREATE INDEX media_of_controller ON media (gateway_sn, created_at) WHERE source = 'pilot';
CREATE INDEX media_by_source ON media (workspace_id, source, sort_at, id) WHERE trashed_at IS NULL;

-- An object whose bytes and fingerprint are those of a listed one, so that it has no row of its own. It outlives that row:
-- what was deleted does not come back under another key.
CREATE TABLE duplicates (
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    object_key TEXT NOT NULL,
    media_id BLOB NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, object_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX duplicates_of_media ON duplicates (media_id);

-- What Pilot 2 says of a group of files, as it uploads them.
CREATE TABLE file_groups (
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    gateway_sn TEXT NOT NULL,
    file_group_id TEXT NOT NULL,
    file_count INTEGER,
    file_uploaded_count INTEGER,
    flight_id TEXT,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, file_group_id, gateway_sn)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_groups_of_flight ON file_groups (workspace_id, flight_id) WHERE flight_id IS NOT NULL;
