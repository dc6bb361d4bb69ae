-- A part of a name is looked for in this, from the newest on: rows themselves are far wider. What the list and its counts ask besides is here, too.
CREATE INDEX media_by_name ON media (workspace_id, sort_at, id, folded_name, status, kind, gateway_sn, size_bytes) WHERE trashed_at IS NULL;
