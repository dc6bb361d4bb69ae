-- Named collections of media.
CREATE TABLE albums (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX albums_by_time ON albums (workspace_id, created_at, id);

CREATE TABLE album_media (
    album_id BLOB NOT NULL REFERENCES albums (id) ON DELETE CASCADE,
    media_id BLOB NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    PRIMARY KEY (album_id, media_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_media_by_media ON album_media (media_id);

-- Links for people without an account, to an album, a flight, or the files in share_media. A deleted album's links end.
CREATE TABLE shares (
    id BLOB NOT NULL PRIMARY KEY,
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    slug TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    album_id BLOB REFERENCES albums (id) ON DELETE CASCADE,
    flight_id TEXT,
    password_hash TEXT,
    download INTEGER NOT NULL,
    hide_position INTEGER NOT NULL,
    hide_metadata INTEGER NOT NULL,
    view_count INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE INDEX shares_by_time ON shares (workspace_id, created_at, id);
CREATE INDEX shares_of_album ON shares (album_id) WHERE album_id IS NOT NULL;

CREATE TABLE share_media (
    share_id BLOB NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    media_id BLOB NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    PRIMARY KEY (share_id, media_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX share_media_by_media ON share_media (media_id);

-- Browsers that gave a share's password.
CREATE TABLE share_unlocks (
    token_hash BLOB NOT NULL PRIMARY KEY,
    share_id BLOB NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX share_unlocks_of_share ON share_unlocks (share_id);
CREATE INDEX share_unlocks_by_end ON share_unlocks (expires_at);

-- What came through a share, when, and to whom.
CREATE TABLE share_visits (
    id BLOB NOT NULL PRIMARY KEY,
    share_id BLOB NOT NULL REFERENCES shares (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    address TEXT,
    what TEXT NOT NULL,
    media_id BLOB
) STRICT;
CREATE INDEX share_visits_by_time ON share_visits (share_id, at, id);
