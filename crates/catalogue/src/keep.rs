//! What keeps a file from going: a legal hold, an open share link, a job that is not over, a download that can be resumed.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::Result;
use crate::media::words;
use crate::sqlite::{Db, Write, chunks, plan_ids};
use crate::value::{Columns as _, us};

words!(
    /// Why a file stays: besides what is above, `changed` means that the store has something newer than the row, `damaged`
    /// that its object cannot be read, so that somebody should look at it first.
    Kept { Hold = "hold", Share = "share", Job = "job", Download = "download", Changed = "changed", Damaged = "damaged" }
);

type Sql = sqlx::QueryBuilder<Db>;

/// An expression over a row of `media`: a word of [`Kept`], or null when nothing keeps the file.
pub(crate) fn push_kept(sql: &mut Sql, now: Timestamp) {
    sql.push("CASE ");
    push_needs(sql, now);
    // a job of a flight reads its files
    sql.push(
        " WHEN media.id IN (SELECT media_id FROM jobs WHERE state IN ('queued', 'failed', 'running') AND media_id IS NOT NULL)
         OR (media.workspace_id, media.flight_id) IN (SELECT workspace_id, flight_id FROM jobs
         WHERE state IN ('queued', 'failed', 'running') AND media_id IS NULL AND flight_id IS NOT NULL)
         THEN 'job' END",
    );
}

/// The same without jobs.
pub(crate) fn push_kept_but_for_jobs(sql: &mut Sql, now: Timestamp) {
    sql.push("CASE ");
    push_needs(sql, now);
    sql.push(" END");
}

fn push_needs(sql: &mut Sql, now: Timestamp) {
    let now = us(now);
    sql.push("WHEN ");
    push_held(sql);
    sql.push(" THEN 'hold' WHEN ");
    let open = |sql: &mut Sql| {
        sql.push(" AND shares.revoked_at IS NULL AND (shares.expires_at IS NULL OR shares.expires_at > ");
        sql.push_bind(now).push("))");
    };
    sql.push(
        "EXISTS (SELECT 1 FROM share_media CROSS JOIN shares ON shares.id = share_media.share_id
         WHERE share_media.media_id = media.id",
    );
    open(sql);
    sql.push(
        " OR EXISTS (SELECT 1 FROM album_media CROSS JOIN shares ON shares.album_id = album_media.album_id
         WHERE album_media.media_id = media.id",
    );
    open(sql);
    sql.push(
        " OR EXISTS (SELECT 1 FROM shares WHERE shares.workspace_id = media.workspace_id
         AND shares.flight_id = media.flight_id AND shares.flight_id IS NOT NULL",
    );
    open(sql);
    sql.push(" THEN 'share' WHEN ").push(plan_ids("media.id", "archives.plan", "archives.expires_at > "));
    sql.push_bind(now).push(") THEN 'download'");
}

/// Whether a row of `legal_holds` is on a row of `media` of its workspace.
pub(crate) const HOLDS: &str = "CASE
    WHEN legal_holds.selection = 1 THEN EXISTS (SELECT 1 FROM hold_media WHERE hold_media.hold_id = legal_holds.id
        AND hold_media.media_id = media.id)
    WHEN legal_holds.flight_id IS NOT NULL THEN coalesce(legal_holds.flight_id = media.flight_id, FALSE)
    WHEN legal_holds.gateway_sn IS NOT NULL THEN coalesce(legal_holds.gateway_sn = media.gateway_sn, FALSE)
    ELSE TRUE END";

/// A condition on a row of `media`: some open hold is on it.
pub(crate) fn push_held(sql: &mut Sql) {
    sql.push(
        "EXISTS (SELECT 1 FROM legal_holds WHERE legal_holds.workspace_id = media.workspace_id
         AND legal_holds.released_at IS NULL AND ",
    );
    sql.push(HOLDS).push(")");
}

/// Whether an open hold is on the file, as this transaction sees it.
pub(crate) async fn is_held(write: &mut Write, media_id: Uuid) -> Result<bool> {
    let mut sql = Sql::new("SELECT 1 AS n FROM media WHERE id = ");
    sql.push_bind(media_id).push(" AND ");
    push_held(&mut sql);
    Ok(write.fetch_optional(sql.build()).await?.is_some())
}

/// What keeps which of these files, as this transaction sees it; those that nothing keeps are left out.
pub(crate) async fn kept(write: &mut Write, media_ids: &[Uuid], now: Timestamp) -> Result<HashMap<Uuid, Kept>> {
    let mut found = HashMap::new();
    for chunk in chunks(media_ids) {
        let mut sql = Sql::new("SELECT id, ");
        push_kept(&mut sql, now);
        sql.push(" AS kept FROM media WHERE id IN (");
        let mut list = sql.separated(", ");
        for id in chunk {
            list.push_bind(*id);
        }
        sql.push(")");
        for row in write.fetch_all(sql.build()).await? {
            let word: Option<String> = row.get("kept")?;
            if let Some(why) = word.and_then(|word| word.parse().ok()) {
                found.insert(row.get("id")?, why);
            }
        }
    }
    Ok(found)
}
