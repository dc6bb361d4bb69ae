-- What is kept, for how long, and what is gone for good.

-- A rule moves files into the trash. Null: any. kinds are words with commas between them. Age counts from the arrival.
CREATE TABLE retention_rules (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    gateway_sn TEXT,
    kinds TEXT,
    older_than_days INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX retention_rules_of_workspace ON retention_rules (workspace_id, created_at, id);

-- Files that may not go: those of a flight, of a dock, those in hold_media, or (none of the three) all of the workspace.
CREATE TABLE legal_holds (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    flight_id TEXT,
    gateway_sn TEXT,
    selection INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    released_by TEXT,
    released_at INTEGER
) STRICT;
CREATE INDEX legal_holds_by_time ON legal_holds (workspace_id, created_at, id);
CREATE INDEX legal_holds_open ON legal_holds (workspace_id) WHERE released_at IS NULL;

CREATE TABLE hold_media (
    hold_id BLOB NOT NULL REFERENCES legal_holds (id) ON DELETE CASCADE,
    media_id BLOB NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    PRIMARY KEY (hold_id, media_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_media_by_media ON hold_media (media_id);

-- Objects whose row was deleted for good, written in the commit that deletes it. removed_at is null until the object itself is
-- gone. The row stays: a report of it that comes late is answered as what it was. An object that comes anew under the key ends it.
-- last_modified is the object's own time as text, to the nanosecond.
CREATE TABLE purged_objects (
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    workspace_id BLOB NOT NULL,
    media_id BLOB NOT NULL,
    flight_id TEXT,
    etag TEXT,
    last_modified TEXT,
    purged_at INTEGER NOT NULL,
    removed_at INTEGER,
    PRIMARY KEY (bucket, object_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX purged_objects_pending ON purged_objects (purged_at) WHERE removed_at IS NULL;

-- Files of the flight that were deleted for good: they arrived, so a complete flight stays complete.
ALTER TABLE flights ADD COLUMN purged_count INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER purged_objects_insert AFTER INSERT ON purged_objects WHEN new.flight_id IS NOT NULL BEGIN
    UPDATE flights SET purged_count = purged_count + 1 WHERE workspace_id = new.workspace_id AND flight_id = new.flight_id;
END;
CREATE TRIGGER purged_objects_delete AFTER DELETE ON purged_objects WHEN old.flight_id IS NOT NULL BEGIN
    UPDATE flights SET purged_count = purged_count - 1 WHERE workspace_id = old.workspace_id AND flight_id = old.flight_id;
END;
CREATE TRIGGER purged_objects_media AFTER INSERT ON media WHEN new.status = 'stored' BEGIN
    DELETE FROM purged_objects WHERE bucket = new.bucket AND object_key = new.object_key;
END;
CREATE TRIGGER purged_objects_duplicate AFTER INSERT ON duplicates BEGIN
    DELETE FROM purged_objects WHERE object_key = new.object_key
        AND bucket = (SELECT bucket FROM workspaces WHERE id = new.workspace_id);
END;

-- Rules read this from its beginning, and nothing else of what does not match.
CREATE INDEX media_by_arrival ON media (workspace_id, created_at, kind, gateway_sn) WHERE trashed_at IS NULL AND status = 'stored';
CREATE INDEX media_by_trashing ON media (trashed_at, id) WHERE trashed_at IS NOT NULL;
CREATE INDEX shares_of_flight ON shares (workspace_id, flight_id) WHERE flight_id IS NOT NULL;
