-- Flights lie in the order in which they were flown, not in which they were heard of: docks and crews upload late.
ALTER TABLE flights ADD COLUMN began_at INTEGER GENERATED ALWAYS AS (coalesce(first_captured_at, created_at)) VIRTUAL;
-- How many files were announced, if anybody did.
ALTER TABLE flights ADD COLUMN announced INTEGER
    GENERATED ALWAYS AS (coalesce(expected_file_count, CASE WHEN media_count > 0 THEN media_count END)) VIRTUAL;
ALTER TABLE flights ADD COLUMN arrived INTEGER GENERATED ALWAYS AS (stored_count + trashed_count + purged_count) VIRTUAL;
-- Everything that was announced came, or all that ever came was deleted.
ALTER TABLE flights ADD COLUMN complete INTEGER
    GENERATED ALWAYS AS (coalesce(arrived >= announced, 0) OR (arrived > 0 AND arrived = purged_count)) VIRTUAL;

DROP INDEX flights_by_time;
DROP INDEX flights_of_gateway;
CREATE INDEX flights_by_beginning ON flights (workspace_id, began_at, num);
CREATE INDEX flights_of_gateway ON flights (workspace_id, gateway_sn, began_at, num);
-- Few at any time, of however many.
CREATE INDEX flights_open ON flights (workspace_id, began_at, num) WHERE complete = 0;

-- Files that a person should know of; a list of flights counts each flight's.
CREATE INDEX media_troubled ON media (workspace_id, flight_id)
    WHERE flight_id IS NOT NULL AND trashed_at IS NULL AND (status <> 'stored' OR warnings <> '[]' OR (picture_error IS NOT NULL AND kind <> 'video'));
