//! The ground that files show, and which files show a place.
//!
//! A row is a photo, or some seconds of a video: boxes in a spatial index, and behind them the cameras as bytes that this crate
//! does not look into. So what is found here is "perhaps": whoever asks computes the exact footprints of what is handed out.
//! Longitudes may go past 180 degrees; a question is asked on both sides where that can matter.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::media::list::{Sql, index, push_conditions};
use crate::media::media;
use crate::media::row::NO_TIME;
use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Engine, Row, Write, index_hint, push_numbers};
use crate::value::{Columns as _, not_found, us};
use crate::{Catalogue, Media, MediaFilter, MediaKind, Page, Result};

/// No footprint reaches farther over the antimeridian, degrees.
const REACH_DEG: f64 = 30.0;
/// Boxes that a view's footprints are chosen from.
const MOST_BOXES: i64 = 4_000;

/// The cameras of a photo, or of some seconds of a video.
#[derive(Clone, Debug, PartialEq)]
pub struct FootprintPiece {
    /// Seconds of the video; `None` for a photo.
    pub from_s: Option<f64>,
    pub to_s: Option<f64>,
    /// As the reader of this column writes them.
    pub views: Vec<u8>,
}

/// A piece and where its ground is.
#[derive(Clone, Debug, PartialEq)]
pub struct Footprint {
    /// west, south, east, north around all of its footprints; east may be over 180.
    pub bbox: [f64; 4],
    pub piece: FootprintPiece,
}

/// A file that perhaps shows a place, with those of its pieces whose box holds it, in the order of time.
#[derive(Clone, Debug)]
pub struct Sight {
    pub media: Media,
    pub pieces: Vec<FootprintPiece>,
}

/// A footprint and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct FootprintPlace {
    pub media_id: Uuid,
    pub kind: MediaKind,
    pub piece: FootprintPiece,
}

impl Catalogue {
    /// Replaces what is known of a file's ground. False, and nothing written, when the file has other bytes by now.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn save_footprints(
        &self,
        id: Uuid,
        etag: Option<&str>,
        ground: &[Footprint],
        now: Timestamp,
    ) -> Result<bool> {
        let mut write = self.engine.begin("save what ground a file shows").await?;
        let row = write.fetch_optional(sqlx::query("SELECT etag FROM media WHERE id = $1").bind(id)).await?;
        let known: Option<String> = row.ok_or_else(|| not_found("media", id))?.get("etag")?;
        if known.as_deref() != etag {
            return Ok(false);
        }
        replace(&mut write, id, ground).await?;
        write.execute(sqlx::query("UPDATE media SET updated_at = $2 WHERE id = $1").bind(id).bind(us(now))).await?;
        write.commit().await?;
        Ok(true)
    }

    /// The pieces of one file, in the order of time.
    pub async fn footprints_of(&self, workspace_id: Uuid, id: Uuid) -> Result<Vec<FootprintPlace>> {
        let query = sqlx::query("SELECT num, id, kind FROM media WHERE id = $1 AND workspace_id = $2");
        let rows = self.engine.fetch_all("cannot read a file's ground", query.bind(id).bind(workspace_id)).await?;
        pieces_of(&self.engine, &rows).await
    }

    /// The pieces of the newest `most` files of a filter.
    pub async fn footprints_of_selection(
        &self,
        workspace_id: Uuid,
        filter: &MediaFilter,
        most: u32,
    ) -> Result<Vec<FootprintPlace>> {
        let mut sql = Sql::new("SELECT num, id, kind FROM media");
        sql.push(index_hint(index(filter))).push(" WHERE ");
        push_conditions(&mut sql, workspace_id, filter);
        sql.push(" ORDER BY sort_at DESC, id DESC LIMIT ").push_bind(i64::from(most));
        let rows = self.engine.fetch_all("cannot read files' ground", sql.build()).await?;
        pieces_of(&self.engine, &rows).await
    }

    /// Photos of a filter whose ground reaches into a view (west, south, east, north), `most` of them.
    pub async fn footprints_in(
        &self,
        workspace_id: Uuid,
        filter: &MediaFilter,
        view: [f64; 4],
        most: u32,
    ) -> Result<Vec<FootprintPlace>> {
        let mut sql = Sql::new("SELECT media.id, media.kind, f.from_s, f.to_s, f.views FROM (");
        push_boxes(&mut sql, "footprint_area.num", view);
        sql.push(" LIMIT ").push_bind(MOST_BOXES).push(") AS inside CROSS JOIN footprints AS f CROSS JOIN media");
        sql.push(" WHERE f.num = inside.num AND f.from_s IS NULL AND media.num = f.media_num AND ");
        push_conditions(&mut sql, workspace_id, filter);
        sql.push(" LIMIT ").push_bind(i64::from(most));
        let rows = self.engine.fetch_all("cannot read the ground in a view", sql.build()).await?;
        let place =
            |row: &Row| Ok(FootprintPlace { media_id: row.get("id")?, kind: row.word("kind")?, piece: piece(row)? });
        rows.iter().map(place).collect()
    }

    /// Files of a filter that perhaps show a place, in the order of the list.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn sights(
        &self,
        workspace_id: Uuid,
        filter: &MediaFilter,
        [lng, lat]: [f64; 2],
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Sight>> {
        let after = Key::open(cursor, List::Sights)?;
        let place = [lng, lat, lng, lat];
        let mut sql = Sql::new("SELECT media.num, media.id, media.sort_at FROM (SELECT DISTINCT f.media_num FROM (");
        push_boxes(&mut sql, "footprint_area.num", place);
        sql.push(") AS inside CROSS JOIN footprints AS f WHERE f.num = inside.num) AS seen CROSS JOIN media");
        sql.push(" WHERE media.num = seen.media_num AND ");
        push_conditions(&mut sql, workspace_id, filter);
        sql.push(" AND (sort_at, id) < (").push_bind(after.at).push(", ").push_bind(after.id).push(")");
        sql.push(" ORDER BY sort_at DESC, id DESC LIMIT ").push_bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot look who saw a place", sql.build()).await?;
        let nums = rows.iter().take(page_size(limit)).map(|row| row.get("num")).collect::<Result<Vec<i64>>>()?;
        let more = rows.len() > nums.len();

        let mut sql = Sql::new(
            "SELECT f.media_num, f.from_s, f.to_s, f.views FROM footprints AS f CROSS JOIN footprint_area AS a",
        );
        sql.push(" WHERE a.num = f.num AND ");
        push_numbers(&mut sql, "f.media_num", &nums);
        sql.push(" AND (");
        for (n, [west, south, east, north]) in turns(place).into_iter().enumerate() {
            sql.push(if n == 0 { "" } else { " OR " }).push("(a.west <= ").push_bind(east).push(" AND a.east >= ");
            sql.push_bind(west)
                .push(" AND a.south <= ")
                .push_bind(north)
                .push(" AND a.north >= ")
                .push_bind(south)
                .push(")");
        }
        sql.push(") ORDER BY f.media_num, f.from_s");
        let mut pieces: HashMap<i64, Vec<FootprintPiece>> = HashMap::new();
        for row in self.engine.fetch_all("cannot look who saw a place", sql.build()).await? {
            pieces.entry(row.get("media_num")?).or_default().push(piece(&row)?);
        }
        let mut sql = Sql::new("SELECT * FROM media WHERE ");
        push_numbers(&mut sql, "num", &nums);
        sql.push(" ORDER BY sort_at DESC, id DESC");
        let mut items = Vec::new();
        for row in self.engine.fetch_all("cannot look who saw a place", sql.build()).await? {
            let pieces = pieces.remove(&row.get("num")?).unwrap_or_default();
            items.push(Sight { media: media(&row)?, pieces });
        }
        let key = |sight: &Sight| Key { at: sight.media.captured_at.map_or(NO_TIME, us), id: sight.media.id };
        let next_cursor = if more { items.last().map(|item| key(item).seal(List::Sights)) } else { None };
        Ok(Page { next_cursor, ..page_of(items, limit, List::Sights, key) })
    }
}

/// Writes the rows of a file anew.
pub(crate) async fn replace(write: &mut Write, id: Uuid, ground: &[Footprint]) -> Result<()> {
    let row = write.fetch_optional(sqlx::query("SELECT num FROM media WHERE id = $1").bind(id)).await?;
    let num: i64 = row.ok_or_else(|| not_found("media", id))?.get("num")?;
    write.execute(sqlx::query("DELETE FROM footprints WHERE media_num = $1").bind(num)).await?;
    let sound = |piece: &&Footprint| piece.bbox.iter().all(|edge| edge.is_finite());
    for Footprint { bbox, piece } in ground.iter().filter(sound) {
        let insert = sqlx::query(
            "INSERT INTO footprints (media_num, from_s, to_s, views) VALUES ($1, $2, $3, $4) RETURNING num",
        );
        let insert = insert.bind(num).bind(piece.from_s).bind(piece.to_s).bind(piece.views.clone());
        let row = write.fetch_optional(insert).await?.ok_or_else(|| not_found("footprint of", id))?;
        let [west, south, east, north] = *bbox;
        let area = sqlx::query("INSERT INTO footprint_area VALUES ($1, $2, $3, $4, $5)").bind(row.get::<i64>("num")?);
        write.execute(area.bind(west).bind(east).bind(south).bind(north)).await?;
    }
    Ok(())
}

/// A SELECT of footprints whose box touches a view.
fn push_boxes(sql: &mut Sql, column: &'static str, view: [f64; 4]) {
    for (n, [west, south, east, north]) in turns(view).into_iter().enumerate() {
        sql.push(if n == 0 { "SELECT " } else { " UNION SELECT " }).push(column);
        sql.push(" FROM footprint_area WHERE west <= ").push_bind(east).push(" AND east >= ").push_bind(west);
        sql.push(" AND south <= ").push_bind(north).push(" AND north >= ").push_bind(south);
    }
}

/// The box, and where it may be called by a turn of the Earth more or less.
fn turns([west, south, east, north]: [f64; 4]) -> Vec<[f64; 4]> {
    let mut boxes = vec![[west, south, east, north]];
    if west < -180.0 + REACH_DEG {
        boxes.push([west + 360.0, south, east + 360.0, north]);
    }
    if east > 180.0 - REACH_DEG {
        boxes.push([west - 360.0, south, east - 360.0, north]);
    }
    boxes
}

async fn pieces_of(engine: &Arc<Engine>, files: &[Row]) -> Result<Vec<FootprintPlace>> {
    let mut whose: HashMap<i64, (Uuid, MediaKind)> = HashMap::new();
    for row in files {
        whose.insert(row.get("num")?, (row.get("id")?, row.word("kind")?));
    }
    let nums: Vec<i64> = whose.keys().copied().collect();
    let mut sql = Sql::new("SELECT media_num, from_s, to_s, views FROM footprints WHERE ");
    push_numbers(&mut sql, "media_num", &nums);
    sql.push(" ORDER BY media_num, from_s");
    let mut found = Vec::new();
    for row in engine.fetch_all("cannot read files' ground", sql.build()).await? {
        if let Some((media_id, kind)) = whose.get(&row.get("media_num")?) {
            found.push(FootprintPlace { media_id: *media_id, kind: *kind, piece: piece(&row)? });
        }
    }
    Ok(found)
}

fn piece(row: &Row) -> Result<FootprintPiece> {
    Ok(FootprintPiece { from_s: row.get("from_s")?, to_s: row.get("to_s")?, views: row.get("views")? })
}
