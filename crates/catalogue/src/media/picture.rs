//! What was made of a file to look at.

use jiff::Timestamp;
use uuid::Uuid;

use crate::sqlite::Row;
use crate::value::{Columns as _, us};
use crate::{Catalogue, Result};

/// Of the bytes with `etag`. The pictures themselves are in the object store; this is what lists need before those come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PictureFacts {
    pub etag: String,
    /// Of the file's own picture, upright.
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    /// ThumbHash in base64.
    pub thumbhash: Option<String>,
    /// `#rrggbb`.
    pub average_color: Option<String>,
    /// Why there is no picture.
    pub error: Option<String>,
}

impl Catalogue {
    /// Writes down what was made of the bytes with `facts.etag`. False, and nothing written, when the file has other bytes
    /// by now or is gone.
    ///
    /// # Errors
    /// [`crate::CatalogueError::Database`].
    pub async fn save_picture(&self, id: Uuid, facts: &PictureFacts, now: Timestamp) -> Result<bool> {
        let update = sqlx::query(
            "UPDATE media SET picture_etag = $2, width_px = $3, height_px = $4, thumbhash = $5, average_color = $6,
             picture_error = $7, updated_at = $8 WHERE id = $1 AND etag = $2",
        );
        let update = update
            .bind(id)
            .bind(facts.etag.clone())
            .bind(facts.width_px.map(i64::from))
            .bind(facts.height_px.map(i64::from))
            .bind(facts.thumbhash.clone())
            .bind(facts.average_color.clone())
            .bind(facts.error.clone())
            .bind(us(now));
        Ok(self.engine.write("save what is known of a picture", update).await? > 0)
    }
}

/// `None` when nothing was made of the row's present bytes.
pub(super) fn facts(row: &Row) -> Result<Option<PictureFacts>> {
    let (made_of, etag): (Option<String>, Option<String>) = (row.get("picture_etag")?, row.get("etag")?);
    let Some(etag) = made_of.filter(|made_of| Some(made_of) == etag.as_ref()) else { return Ok(None) };
    let side = |name| Ok::<_, crate::CatalogueError>(row.get::<Option<i64>>(name)?.and_then(|px| px.try_into().ok()));
    Ok(Some(PictureFacts {
        etag,
        width_px: side("width_px")?,
        height_px: side("height_px")?,
        thumbhash: row.get("thumbhash")?,
        average_color: row.get("average_color")?,
        error: row.get("picture_error")?,
    }))
}
