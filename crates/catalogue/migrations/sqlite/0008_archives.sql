-- Downloads of several files as one zip; the plan is JSON of the API. They end by themselves.
CREATE TABLE archives (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX archives_by_end ON archives (expires_at);

-- Sums over a file's bytes as they were with this etag; read once, and then known.
CREATE TABLE media_sums (
    media_id BLOB NOT NULL PRIMARY KEY REFERENCES media (id) ON DELETE CASCADE,
    etag TEXT NOT NULL,
    crc32 INTEGER NOT NULL,
    sha256 BLOB NOT NULL
) STRICT;
