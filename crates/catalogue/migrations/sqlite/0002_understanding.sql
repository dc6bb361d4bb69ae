-- What the readers write into `metadata` and lists ask for. Virtual: nothing is stored but the indexes.
ALTER TABLE media ADD COLUMN camera TEXT GENERATED ALWAYS AS (json_extract(metadata, '$.camera')) VIRTUAL;
ALTER TABLE media ADD COLUMN capture_uuid TEXT GENERATED ALWAYS AS (json_extract(metadata, '$.capture_uuid')) VIRTUAL;
ALTER TABLE media ADD COLUMN reader_version INTEGER GENERATED ALWAYS AS (json_extract(metadata, '$.reader_version')) VIRTUAL;
CREATE INDEX media_by_camera ON media (workspace_id, camera, sort_at, id) WHERE trashed_at IS NULL AND camera IS NOT NULL;
CREATE INDEX media_by_capture ON media (workspace_id, capture_uuid, sort_at, id) WHERE capture_uuid IS NOT NULL;
