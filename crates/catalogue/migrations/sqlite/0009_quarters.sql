-- How many stored files outside the trash there are in each quarter of an hour of capture time, by kind and dock: what the gallery and
-- its scrubber are laid out from. The slot is the number of quarters since 1970, or the smallest integer for files of unknown time.
-- Follows `media` by triggers.
CREATE TABLE media_quarters (
    workspace_id BLOB NOT NULL,
    slot INTEGER NOT NULL,
    kind TEXT NOT NULL,
    gateway_sn TEXT NOT NULL,
    n INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, slot, kind, gateway_sn)
) STRICT, WITHOUT ROWID;

INSERT INTO media_quarters
SELECT workspace_id, CASE WHEN captured_at IS NULL THEN -9223372036854775807 - 1
        ELSE (captured_at - ((captured_at % 900000000) + 900000000) % 900000000) / 900000000 END AS slot,
    kind, coalesce(gateway_sn, ''), count(*), coalesce(sum(size_bytes), 0)
FROM media WHERE status = 'stored' AND trashed_at IS NULL GROUP BY 1, 2, 3, 4;

CREATE TRIGGER media_quarters_insert AFTER INSERT ON media WHEN new.status = 'stored' AND new.trashed_at IS NULL BEGIN
    INSERT INTO media_quarters VALUES (new.workspace_id, CASE WHEN new.captured_at IS NULL THEN -9223372036854775807 - 1
        ELSE (new.captured_at - ((new.captured_at % 900000000) + 900000000) % 900000000) / 900000000 END,
        new.kind, coalesce(new.gateway_sn, ''), 1, coalesce(new.size_bytes, 0))
    ON CONFLICT (workspace_id, slot, kind, gateway_sn)
    DO UPDATE SET n = n + 1, size_bytes = size_bytes + excluded.size_bytes;
END;
CREATE TRIGGER media_quarters_update AFTER UPDATE OF workspace_id, status, trashed_at, captured_at, kind, gateway_sn, size_bytes ON media
WHEN old.status IS NOT new.status OR (old.trashed_at IS NULL) IS NOT (new.trashed_at IS NULL) OR old.captured_at IS NOT new.captured_at
    OR old.kind IS NOT new.kind OR old.gateway_sn IS NOT new.gateway_sn OR old.size_bytes IS NOT new.size_bytes
    OR old.workspace_id IS NOT new.workspace_id BEGIN
    UPDATE media_quarters SET n = n - 1, size_bytes = size_bytes - coalesce(old.size_bytes, 0)
    WHERE old.status = 'stored' AND old.trashed_at IS NULL AND workspace_id = old.workspace_id
        AND slot = CASE WHEN old.captured_at IS NULL THEN -9223372036854775807 - 1
            ELSE (old.captured_at - ((old.captured_at % 900000000) + 900000000) % 900000000) / 900000000 END
        AND kind = old.kind AND gateway_sn = coalesce(old.gateway_sn, '');
    DELETE FROM media_quarters WHERE n <= 0 AND workspace_id = old.workspace_id
        AND slot = CASE WHEN old.captured_at IS NULL THEN -9223372036854775807 - 1
            ELSE (old.captured_at - ((old.captured_at % 900000000) + 900000000) % 900000000) / 900000000 END
        AND kind = old.kind AND gateway_sn = coalesce(old.gateway_sn, '');
    INSERT INTO media_quarters SELECT new.workspace_id, CASE WHEN new.captured_at IS NULL THEN -9223372036854775807 - 1
        ELSE (new.captured_at - ((new.captured_at % 900000000) + 900000000) % 900000000) / 900000000 END,
        new.kind, coalesce(new.gateway_sn, ''), 1, coalesce(new.size_bytes, 0)
    WHERE new.status = 'stored' AND new.trashed_at IS NULL
    ON CONFLICT (workspace_id, slot, kind, gateway_sn)
    DO UPDATE SET n = n + 1, size_bytes = size_bytes + excluded.size_bytes;
END;
CREATE TRIGGER media_quarters_delete AFTER DELETE ON media WHEN old.status = 'stored' AND old.trashed_at IS NULL BEGIN
    UPDATE media_quarters SET n = n - 1, size_bytes = size_bytes - coalesce(old.size_bytes, 0)
    WHERE workspace_id = old.workspace_id
        AND slot = CASE WHEN old.captured_at IS NULL THEN -9223372036854775807 - 1
            ELSE (old.captured_at - ((old.captured_at % 900000000) + 900000000) % 900000000) / 900000000 END
        AND kind = old.kind AND gateway_sn = coalesce(old.gateway_sn, '');
    DELETE FROM media_quarters WHERE n <= 0 AND workspace_id = old.workspace_id
        AND slot = CASE WHEN old.captured_at IS NULL THEN -9223372036854775807 - 1
            ELSE (old.captured_at - ((old.captured_at % 900000000) + 900000000) % 900000000) / 900000000 END
        AND kind = old.kind AND gateway_sn = coalesce(old.gateway_sn, '');
END;
