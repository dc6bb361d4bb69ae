-- What the map draws without counting rows: files by kind and dock in cells of the Earth, at four sizes. A cell of level L is 1/2^L
-- of 360 degrees of longitude wide and of 180 degrees of latitude high; places have 30 bits in each direction, and a cell keeps
-- their sums, so that its middle is where its files are. Only stored rows outside the trash count. `num` is the newest arrival, or
-- null after that one left. Follows `media` by triggers.
CREATE TABLE media_cells (
    workspace_id BLOB NOT NULL,
    level INTEGER NOT NULL,
    x INTEGER NOT NULL,
    y INTEGER NOT NULL,
    kind TEXT NOT NULL,
    gateway_sn TEXT NOT NULL,
    n INTEGER NOT NULL,
    sum_x INTEGER NOT NULL,
    sum_y INTEGER NOT NULL,
    num INTEGER,
    PRIMARY KEY (workspace_id, level, x, y, kind, gateway_sn)
) STRICT, WITHOUT ROWID;

-- Goes up when a map or list of the workspace may look different.
CREATE TABLE media_versions (
    workspace_id BLOB NOT NULL PRIMARY KEY,
    n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO media_cells
SELECT workspace_id, level, px >> (30 - level), py >> (30 - level), kind, gateway_sn, count(*), sum(px), sum(py), max(num)
FROM (
    SELECT num, workspace_id, kind, coalesce(gateway_sn, '') AS gateway_sn,
        min(CAST((lng + 180.0) / 360.0 * 1073741824 AS INTEGER), 1073741823) AS px,
        min(CAST((lat + 90.0) / 180.0 * 1073741824 AS INTEGER), 1073741823) AS py
    FROM media WHERE status = 'stored' AND trashed_at IS NULL AND lat IS NOT NULL AND lng IS NOT NULL
) CROSS JOIN (SELECT 8 AS level UNION ALL SELECT 12 UNION ALL SELECT 16 UNION ALL SELECT 20)
GROUP BY 1, 2, 3, 4, 5, 6;
INSERT INTO media_versions SELECT id, 1 FROM workspaces;

CREATE TRIGGER media_cells_insert AFTER INSERT ON media
WHEN new.status = 'stored' AND new.trashed_at IS NULL AND new.lat IS NOT NULL AND new.lng IS NOT NULL BEGIN
    INSERT INTO media_cells
    SELECT new.workspace_id, level, px >> (30 - level), py >> (30 - level), new.kind, coalesce(new.gateway_sn, ''), 1, px, py, new.num
    FROM (SELECT 8 AS level UNION ALL SELECT 12 UNION ALL SELECT 16 UNION ALL SELECT 20) CROSS JOIN (
        SELECT min(CAST((new.lng + 180.0) / 360.0 * 1073741824 AS INTEGER), 1073741823) AS px,
            min(CAST((new.lat + 90.0) / 180.0 * 1073741824 AS INTEGER), 1073741823) AS py)
    WHERE true
    ON CONFLICT (workspace_id, level, x, y, kind, gateway_sn)
    DO UPDATE SET n = n + 1, sum_x = sum_x + excluded.sum_x, sum_y = sum_y + excluded.sum_y, num = excluded.num;
END;
CREATE TRIGGER media_cells_update AFTER UPDATE OF workspace_id, status, trashed_at, lat, lng, kind, gateway_sn ON media
WHEN old.status IS NOT new.status OR (old.trashed_at IS NULL) IS NOT (new.trashed_at IS NULL) OR old.lat IS NOT new.lat
    OR old.lng IS NOT new.lng OR old.kind IS NOT new.kind OR old.gateway_sn IS NOT new.gateway_sn
    OR old.workspace_id IS NOT new.workspace_id BEGIN
    UPDATE media_cells SET n = n - 1, sum_x = sum_x - px, sum_y = sum_y - py, num = nullif(num, old.num)
    FROM (SELECT 8 AS deep UNION ALL SELECT 12 UNION ALL SELECT 16 UNION ALL SELECT 20) CROSS JOIN (
        SELECT min(CAST((old.lng + 180.0) / 360.0 * 1073741824 AS INTEGER), 1073741823) AS px,
            min(CAST((old.lat + 90.0) / 180.0 * 1073741824 AS INTEGER), 1073741823) AS py)
    WHERE old.status = 'stored' AND old.trashed_at IS NULL AND old.lat IS NOT NULL AND old.lng IS NOT NULL
        AND workspace_id = old.workspace_id AND level = deep AND x = px >> (30 - deep) AND y = py >> (30 - deep)
        AND kind = old.kind AND gateway_sn = coalesce(old.gateway_sn, '');
    DELETE FROM media_cells WHERE old.lat IS NOT NULL AND old.lng IS NOT NULL AND n <= 0 AND workspace_id = old.workspace_id
        AND (level, x, y) IN (
            SELECT deep, px >> (30 - deep), py >> (30 - deep)
            FROM (SELECT 8 AS deep UNION ALL SELECT 12 UNION ALL SELECT 16 UNION ALL SELECT 20) CROSS JOIN (
                SELECT min(CAST((old.lng + 180.0) / 360.0 * 1073741824 AS INTEGER), 1073741823) AS px,
                    min(CAST((old.lat + 90.0) / 180.0 * 1073741824 AS INTEGER), 1073741823) AS py));
    INSERT INTO media_cells
    SELECT new.workspace_id, level, px >> (30 - level), py >> (30 - level), new.kind, coalesce(new.gateway_sn, ''), 1, px, py, new.num
    FROM (SELECT 8 AS level UNION ALL SELECT 12 UNION ALL SELECT 16 UNION ALL SELECT 20) CROSS JOIN (
        SELECT min(CAST((new.lng + 180.0) / 360.0 * 1073741824 AS INTEGER), 1073741823) AS px,
            min(CAST((new.lat + 90.0) / 180.0 * 1073741824 AS INTEGER), 1073741823) AS py)
    WHERE new.status = 'stored' AND new.trashed_at IS NULL AND new.lat IS NOT NULL AND new.lng IS NOT NULL
    ON CONFLICT (workspace_id, level, x, y, kind, gateway_sn)
    DO UPDATE SET n = n + 1, sum_x = sum_x + excluded.sum_x, sum_y = sum_y + excluded.sum_y, num = excluded.num;
END;
CREATE TRIGGER media_cells_delete AFTER DELETE ON media
WHEN old.status = 'stored' AND old.trashed_at IS NULL AND old.lat IS NOT NULL AND old.lng IS NOT NULL BEGIN
    UPDATE media_cells SET n = n - 1, sum_x = sum_x - px, sum_y = sum_y - py, num = nullif(num, old.num)
    FROM (SELECT 8 AS deep UNION ALL SELECT 12 UNION ALL SELECT 16 UNION ALL SELECT 20) CROSS JOIN (
        SELECT min(CAST((old.lng + 180.0) / 360.0 * 1073741824 AS INTEGER), 1073741823) AS px,
            min(CAST((old.lat + 90.0) / 180.0 * 1073741824 AS INTEGER), 1073741823) AS py)
    WHERE workspace_id = old.workspace_id AND level = deep AND x = px >> (30 - deep) AND y = py >> (30 - deep)
        AND kind = old.kind AND gateway_sn = coalesce(old.gateway_sn, '');
    DELETE FROM media_cells WHERE n <= 0 AND workspace_id = old.workspace_id
        AND (level, x, y) IN (
            SELECT deep, px >> (30 - deep), py >> (30 - deep)
            FROM (SELECT 8 AS deep UNION ALL SELECT 12 UNION ALL SELECT 16 UNION ALL SELECT 20) CROSS JOIN (
                SELECT min(CAST((old.lng + 180.0) / 360.0 * 1073741824 AS INTEGER), 1073741823) AS px,
                    min(CAST((old.lat + 90.0) / 180.0 * 1073741824 AS INTEGER), 1073741823) AS py));
END;

CREATE TRIGGER media_versions_insert AFTER INSERT ON media BEGIN
    INSERT INTO media_versions VALUES (new.workspace_id, 1) ON CONFLICT (workspace_id) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER media_versions_update AFTER UPDATE OF updated_at ON media BEGIN
    INSERT INTO media_versions VALUES (new.workspace_id, 1) ON CONFLICT (workspace_id) DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER media_versions_delete AFTER DELETE ON media BEGIN
    INSERT INTO media_versions VALUES (old.workspace_id, 1) ON CONFLICT (workspace_id) DO UPDATE SET n = n + 1;
END;

-- What ground a file shows: a photo has one row with one view, a video one for every stretch of some seconds with a view for each
-- second. Longitudes go on past 180 where a footprint crosses the antimeridian. `views` are the cameras (place, angles), from
-- which the exact footprint is computed.
CREATE TABLE footprints (
    num INTEGER PRIMARY KEY,
    media_num INTEGER NOT NULL,
    from_s REAL,
    to_s REAL,
    views BLOB NOT NULL
) STRICT;
CREATE INDEX footprints_of_media ON footprints (media_num, from_s);
CREATE VIRTUAL TABLE footprint_area USING rtree (num, west, east, south, north);
CREATE TRIGGER footprints_delete AFTER DELETE ON footprints BEGIN
    DELETE FROM footprint_area WHERE num = old.num;
END;
CREATE TRIGGER footprints_of_media_delete AFTER DELETE ON media BEGIN
    DELETE FROM footprints WHERE media_num = old.num;
END;
