//! The end of a file: from the trash, in one commit that leaves word of its object, which is removed afterwards.
//!
//! Nothing else deletes a media row. The commit decides with everything in sight: that the file is still in the trash, that
//! nothing keeps it (`keep.rs`), that the object is the one that was looked at. What it writes into `purged_objects` lets the
//! removal of the object be repeated until it is done, and tells a report that comes late from one of a lost file.

use eyrie_env::fail_point;
use jiff::Timestamp;
use uuid::Uuid;

use crate::keep;
use crate::media::media;
use crate::sqlite::{Query, Row, Write};
use crate::value::{Columns as _, us};
use crate::{AuditEntry, Catalogue, Kept, Media, MediaStatus, Result, audit, flight};

/// An object as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenObject {
    pub object_key: String,
    pub etag: String,
    pub last_modified: Timestamp,
}

/// A file that is to go, and its objects as they were looked at just before.
#[derive(Clone, Debug)]
pub struct PurgeCandidate {
    pub media_id: Uuid,
    /// `None`: the store has it no more.
    pub object: Option<SeenObject>,
    /// The objects with the same bytes that have no row of their own: those that are there, and the keys of those that are not.
    pub duplicates: Vec<(String, Option<SeenObject>)>,
}

/// What became of the candidates.
#[derive(Clone, Debug, Default)]
pub struct PurgeOutcome {
    pub purged: Vec<Media>,
    /// Those that stay, and why. One that somebody took out of the trash is in neither list.
    pub kept: Vec<(Uuid, Kept)>,
}

/// An object whose file was deleted for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgedObject {
    pub bucket: String,
    pub object_key: String,
    pub workspace_id: Uuid,
    pub media_id: Uuid,
    /// The object that is meant; another one under the key is somebody's new upload.
    pub etag: Option<String>,
    pub last_modified: Option<Timestamp>,
    pub purged_at: Timestamp,
    /// `None` until the object is gone, too.
    pub removed_at: Option<Timestamp>,
}

impl Catalogue {
    /// Files that were moved into the trash at or before `before`, the longest there first, after `after` (time of the trashing
    /// and id); of one workspace, or of all.
    pub async fn trashed_media(
        &self,
        workspace_id: Option<Uuid>,
        before: Timestamp,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Media>> {
        let mut sql = sqlx::QueryBuilder::new("SELECT * FROM media");
        sql.push(crate::sqlite::index_hint("media_by_trashing"))
            .push(" WHERE trashed_at IS NOT NULL AND trashed_at <= ");
        sql.push_bind(us(before));
        if let Some((at, id)) = after {
            sql.push(" AND (trashed_at, id) > (").push_bind(us(at)).push(", ").push_bind(id).push(")");
        }
        if let Some(id) = workspace_id {
            sql.push(" AND workspace_id = ").push_bind(id);
        }
        sql.push(" ORDER BY trashed_at, id LIMIT ").push_bind(i64::from(limit));
        let rows = self.engine.fetch_all("cannot list the trash", sql.build()).await?;
        rows.iter().map(media).collect()
    }

    /// How many files of the trash something keeps, by why.
    pub async fn kept_in_trash(&self, workspace_id: Uuid, now: Timestamp) -> Result<Vec<(Kept, i64)>> {
        let mut sql = sqlx::QueryBuilder::new("SELECT kept, count(*) AS n FROM (SELECT ");
        keep::push_kept(&mut sql, now);
        sql.push(" AS kept FROM media").push(crate::sqlite::index_hint("media_in_trash"));
        sql.push(" WHERE trashed_at IS NOT NULL AND workspace_id = ").push_bind(workspace_id);
        sql.push(") AS found WHERE kept IS NOT NULL GROUP BY kept ORDER BY kept");
        let rows = self.engine.fetch_all("cannot count what stays in the trash", sql.build()).await?;
        rows.iter().map(|row| Ok((row.word("kept")?, row.get("n")?))).collect()
    }

    /// Deletes the rows of those candidates that were in the trash at `before` and that nothing keeps, with what hangs on
    /// them and an audit entry each (made by `entry`), in one durable commit. Their objects are in
    /// [`pending_removals`](Self::pending_removals) from then on. Fail points `catalogue.purge.begin`, `catalogue.purge.commit` (before COMMIT) and
    /// `catalogue.purge.committed` (after it).
    ///
    /// # Errors
    /// When the commit fails, nothing of it happened.
    pub async fn purge(
        &self,
        candidates: &[PurgeCandidate],
        before: Timestamp,
        now: Timestamp,
        mut entry: impl FnMut(&Media) -> AuditEntry,
    ) -> Result<PurgeOutcome> {
        const DOING: &str = "delete files for good";
        if candidates.is_empty() {
            return Ok(PurgeOutcome::default());
        }
        self.engine.fail_point(DOING, || fail_point!("catalogue.purge.begin")).await?;
        let mut write = self.engine.begin(DOING).await?;
        let mut outcome = PurgeOutcome::default();
        let ids: Vec<_> = candidates.iter().map(|candidate| candidate.media_id).collect();
        let kept = keep::kept(&mut write, &ids, now).await?;
        for candidate in candidates {
            let query =
                sqlx::query("SELECT * FROM media WHERE id = $1 AND trashed_at IS NOT NULL AND trashed_at <= $2");
            let row = write.fetch_optional(query.bind(candidate.media_id).bind(us(before))).await?;
            let Some(known) = row.as_ref().map(media).transpose()? else { continue };
            let why = match kept.get(&known.id) {
                Some(why) => Some(*why),
                None => purge_one(&mut write, candidate, &known, now).await?,
            };
            match why {
                Some(why) => outcome.kept.push((known.id, why)),
                None => {
                    write.execute(audit::insert(&entry(&known))).await?;
                    outcome.purged.push(known);
                }
            }
        }
        self.engine.fail_point(DOING, || fail_point!("catalogue.purge.commit")).await?;
        write.commit().await?;
        self.engine.fail_point(DOING, || fail_point!("catalogue.purge.committed")).await?;
        Ok(outcome)
    }

    /// Objects whose file is deleted and that are not removed yet, the oldest first.
    pub async fn pending_removals(&self, limit: u32) -> Result<Vec<PurgedObject>> {
        let query = sqlx::query("SELECT * FROM purged_objects WHERE removed_at IS NULL ORDER BY purged_at LIMIT $1");
        let rows = self.engine.fetch_all("cannot list deleted objects", query.bind(i64::from(limit))).await?;
        rows.iter().map(purged).collect()
    }

    /// The object of a file that was deleted for good, unless something came under its key since.
    pub async fn purged_object(&self, bucket: &str, object_key: &str) -> Result<Option<PurgedObject>> {
        let query = sqlx::query("SELECT * FROM purged_objects WHERE bucket = $1 AND object_key = $2");
        let query = query.bind(bucket).bind(object_key);
        self.engine.fetch_optional("cannot look a deleted object up", query).await?.as_ref().map(purged).transpose()
    }

    /// The objects are gone from the store, or are others by now.
    pub async fn objects_removed(&self, objects: &[PurgedObject], now: Timestamp) -> Result<()> {
        let mut write = self.engine.begin("note that objects are removed").await?;
        for object in objects {
            let update = sqlx::query(
                "UPDATE purged_objects SET removed_at = $4 WHERE bucket = $1 AND object_key = $2 AND media_id = $3
                 AND removed_at IS NULL",
            );
            let update = update.bind(&object.bucket).bind(&object.object_key).bind(object.media_id).bind(us(now));
            write.execute(update).await?;
        }
        write.commit().await
    }
}

/// Deletes the row, or says why not.
async fn purge_one(
    write: &mut Write,
    candidate: &PurgeCandidate,
    known: &Media,
    now: Timestamp,
) -> Result<Option<Kept>> {
    // a row that is not stored has no object of its own: below a foreign key lies somebody else's
    let object = candidate.object.as_ref().filter(|_| known.status == MediaStatus::Stored);
    if object.is_some_and(|object| object.object_key != known.object_key || Some(&object.etag) != known.etag.as_ref()) {
        return Ok(Some(Kept::Changed));
    }
    let query = sqlx::query("SELECT object_key FROM duplicates WHERE media_id = $1").bind(known.id);
    let rows = write.fetch_all(query).await?;
    let duplicates = rows.iter().map(|row| row.get("object_key")).collect::<Result<Vec<String>>>()?;
    if duplicates.iter().any(|key| !candidate.duplicates.iter().any(|(seen, _)| seen == key)) {
        // one came since they were looked at
        return Ok(Some(Kept::Changed));
    }
    if known.status == MediaStatus::Stored {
        leave_word(write, known, &known.object_key, known.flight_id.as_deref(), object, now).await?;
    }
    for (key, object) in candidate.duplicates.iter().filter(|(key, _)| duplicates.contains(key)) {
        leave_word(write, known, key, None, object.as_ref(), now).await?;
    }
    write.execute(sqlx::query("DELETE FROM duplicates WHERE media_id = $1").bind(known.id)).await?;
    write.execute(sqlx::query("DELETE FROM media WHERE id = $1").bind(known.id)).await?;
    flight::leave(write, known).await?;
    if let Some(flight_id) = &known.flight_id {
        forget_survey(write, known.workspace_id, flight_id).await?;
    }
    Ok(None)
}

/// `object` `None`: there is nothing to remove.
async fn leave_word(
    write: &mut Write,
    known: &Media,
    object_key: &str,
    flight_id: Option<&str>,
    object: Option<&SeenObject>,
    now: Timestamp,
) -> Result<()> {
    // not an upsert: a flight's count follows what is inserted and deleted
    let delete = sqlx::query("DELETE FROM purged_objects WHERE bucket = $1 AND object_key = $2");
    write.execute(delete.bind(&known.bucket).bind(object_key)).await?;
    let insert: Query<'_> = sqlx::query(
        "INSERT INTO purged_objects (bucket, object_key, workspace_id, media_id, flight_id, etag, last_modified, purged_at,
         removed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    );
    let insert = insert.bind(&known.bucket).bind(object_key).bind(known.workspace_id).bind(known.id).bind(flight_id);
    let insert = insert.bind(object.map(|object| object.etag.as_str()));
    let insert = insert.bind(object.map(|object| object.last_modified.to_string()));
    let insert = insert.bind(us(now)).bind(object.is_none().then(|| us(now)));
    write.execute(insert).await.map(drop)
}

/// What was made of a flight's files together goes with the last of them.
async fn forget_survey(write: &mut Write, workspace_id: Uuid, flight_id: &str) -> Result<()> {
    for delete in [
        "DELETE FROM ppk_sets WHERE workspace_id = $1 AND flight_id = $2
         AND NOT EXISTS (SELECT 1 FROM media WHERE workspace_id = $1 AND flight_id = $2)",
        "DELETE FROM ppk_solutions WHERE workspace_id = $1 AND flight_id = $2
         AND NOT EXISTS (SELECT 1 FROM media WHERE workspace_id = $1 AND flight_id = $2)",
    ] {
        write.execute(sqlx::query(delete).bind(workspace_id).bind(flight_id)).await?;
    }
    Ok(())
}

fn purged(row: &Row) -> Result<PurgedObject> {
    let last_modified: Option<String> = row.get("last_modified")?;
    Ok(PurgedObject {
        bucket: row.get("bucket")?,
        object_key: row.get("object_key")?,
        workspace_id: row.get("workspace_id")?,
        media_id: row.get("media_id")?,
        etag: row.get("etag")?,
        last_modified: last_modified.and_then(|text| text.parse().ok()),
        purged_at: row.time("purged_at")?,
        removed_at: row.time_opt("removed_at")?,
    })
}
