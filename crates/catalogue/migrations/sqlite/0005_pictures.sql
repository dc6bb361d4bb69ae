-- What was made of a file to look at. It is of the bytes with `picture_etag`: of other bytes it says nothing.
ALTER TABLE media ADD COLUMN picture_etag TEXT;
ALTER TABLE media ADD COLUMN width_px INTEGER;
ALTER TABLE media ADD COLUMN height_px INTEGER;
ALTER TABLE media ADD COLUMN thumbhash TEXT;
ALTER TABLE media ADD COLUMN average_color TEXT;
ALTER TABLE media ADD COLUMN picture_error TEXT;
