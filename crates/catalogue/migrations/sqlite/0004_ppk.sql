-- What the survey files of a flight amount to, and what was solved from them.
CREATE TABLE ppk_sets (
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    flight_id TEXT NOT NULL,
    report TEXT NOT NULL,
    reader_version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, flight_id)
) STRICT, WITHOUT ROWID;

-- The last solution of a flight; positions are those at the exposures, pos is RTKLIB's file as it wrote it.
CREATE TABLE ppk_solutions (
    workspace_id BLOB NOT NULL REFERENCES workspaces (id),
    flight_id TEXT NOT NULL,
    report TEXT NOT NULL,
    positions TEXT NOT NULL,
    pos BLOB NOT NULL,
    solved_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, flight_id)
) STRICT;

-- Where a photo was taken according to its flight's last solution.
CREATE TABLE ppk_positions (
    media_id BLOB NOT NULL PRIMARY KEY REFERENCES media (id) ON DELETE CASCADE,
    workspace_id BLOB NOT NULL,
    flight_id TEXT NOT NULL,
    position TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ppk_positions_of_flight ON ppk_positions (workspace_id, flight_id);
