//! Legal holds: files that may not be deleted, by nobody, until somebody releases them.

use jiff::Timestamp;
use uuid::Uuid;

use crate::keep::{HOLDS, push_held, push_kept_but_for_jobs};
use crate::media::media;
use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Db, Row, chunks};
use crate::value::{Columns as _, OrConstraint as _, us};
use crate::{AuditEntry, Catalogue, Kept, Media, Page, Result, audit};

/// What a hold is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Every file of the workspace, also those that come later.
    Everything,
    /// The files of a flight, also those that come later.
    Flight(String),
    /// The files of a dock or controller, also those that come later.
    Gateway(String),
    /// Files that were chosen when the hold was placed.
    Selection,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LegalHold {
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// What it is for, in people's words.
    pub name: String,
    pub held: Held,
    pub created_by: String,
    pub created_at: Timestamp,
    pub released_by: Option<String>,
    pub released_at: Option<Timestamp>,
}

impl Catalogue {
    /// With the files of a selection (those of other workspaces are left out) and its audit entry. How many files there
    /// are in the selection.
    ///
    /// # Errors
    /// `NotFound` for the workspace.
    pub async fn add_hold(&self, hold: &LegalHold, media_ids: &[Uuid], entry: &AuditEntry) -> Result<u64> {
        let mut write = self.engine.begin("place a legal hold").await?;
        let insert = sqlx::query(
            "INSERT INTO legal_holds (id, workspace_id, name, flight_id, gateway_sn, selection, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        );
        let (flight_id, gateway_sn) = match &hold.held {
            Held::Flight(id) => (Some(id), None),
            Held::Gateway(sn) => (None, Some(sn)),
            Held::Everything | Held::Selection => (None, None),
        };
        let insert = insert.bind(hold.id).bind(hold.workspace_id).bind(&hold.name).bind(flight_id).bind(gateway_sn);
        let insert = insert.bind(hold.held == Held::Selection).bind(&hold.created_by).bind(us(hold.created_at));
        write.execute(insert).await.or_not_found("workspace", hold.workspace_id)?;
        let mut added = 0;
        for chunk in chunks(media_ids) {
            let mut insert = sqlx::QueryBuilder::<Db>::new("INSERT INTO hold_media (hold_id, media_id) SELECT ");
            insert.push_bind(hold.id).push(", media.id FROM media WHERE workspace_id = ");
            insert.push_bind(hold.workspace_id).push(" AND id IN (");
            let mut list = insert.separated(", ");
            for media_id in chunk {
                list.push_bind(*media_id);
            }
            added += write.execute(insert.push(") ON CONFLICT DO NOTHING").build()).await?;
        }
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(added)
    }

    /// It keeps nothing from now on, and stays in the list. With its audit entry, whose actor released it. False when
    /// there is none that is open.
    pub async fn release_hold(&self, workspace_id: Uuid, id: Uuid, entry: &AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("release a legal hold").await?;
        let update = sqlx::query(
            "UPDATE legal_holds SET released_at = $3, released_by = $4 WHERE id = $1 AND workspace_id = $2
             AND released_at IS NULL",
        );
        let update = update.bind(id).bind(workspace_id).bind(us(entry.at)).bind(&entry.actor);
        if write.execute(update).await? == 0 {
            return Ok(false);
        }
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(true)
    }

    pub async fn hold(&self, workspace_id: Uuid, id: Uuid) -> Result<Option<LegalHold>> {
        let query = sqlx::query("SELECT * FROM legal_holds WHERE id = $1 AND workspace_id = $2");
        let query = query.bind(id).bind(workspace_id);
        self.engine.fetch_optional("cannot read a legal hold", query).await?.as_ref().map(hold).transpose()
    }

    /// Newest first, also those that were released.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_holds(&self, workspace_id: Uuid, cursor: Option<&str>, limit: u32) -> Result<Page<LegalHold>> {
        let after = Key::open(cursor, List::Holds)?;
        let query = sqlx::query(
            "SELECT * FROM legal_holds WHERE workspace_id = $1 AND (created_at, id) < ($2, $3)
             ORDER BY created_at DESC, id DESC LIMIT $4",
        );
        let query = query.bind(workspace_id).bind(after.at).bind(after.id).bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot list legal holds", query).await?;
        let items = rows.iter().map(hold).collect::<Result<Vec<_>>>()?;
        Ok(page_of(items, limit, List::Holds, |hold| Key { at: us(hold.created_at), id: hold.id }))
    }

    /// The open holds on a file, the oldest first.
    pub async fn holds_on(&self, media_id: Uuid) -> Result<Vec<LegalHold>> {
        let sql = format!(
            "SELECT legal_holds.* FROM media CROSS JOIN legal_holds ON legal_holds.workspace_id = media.workspace_id
             WHERE media.id = $1 AND released_at IS NULL AND {HOLDS} ORDER BY legal_holds.created_at, legal_holds.id"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let rows = self.engine.fetch_all("cannot list a file's legal holds", query.bind(media_id)).await?;
        rows.iter().map(hold).collect()
    }

    /// Whether any hold is open, in whatever workspace.
    pub async fn has_open_holds(&self) -> Result<bool> {
        let query = sqlx::query("SELECT 1 AS n FROM legal_holds WHERE released_at IS NULL LIMIT 1");
        Ok(self.engine.fetch_optional("cannot look for legal holds", query).await?.is_some())
    }

    /// Whether a hold is open on the file that this object is, or is a second copy of.
    pub async fn is_object_held(&self, bucket: &str, object_key: &str) -> Result<bool> {
        let mut sql = sqlx::QueryBuilder::<Db>::new("SELECT 1 AS n FROM media WHERE media.id IN (");
        push_files_of(&mut sql, bucket, object_key);
        sql.push(") AND ");
        push_held(&mut sql);
        Ok(self.engine.fetch_optional("cannot look for legal holds", sql.build()).await?.is_some())
    }
}

impl Catalogue {
    /// The listed file that this object is, or is a second copy of, and what keeps it besides jobs.
    pub async fn object_kept(
        &self,
        bucket: &str,
        object_key: &str,
        now: Timestamp,
    ) -> Result<Option<(Media, Option<Kept>)>> {
        let mut sql = sqlx::QueryBuilder::<Db>::new("SELECT media.*, ");
        push_kept_but_for_jobs(&mut sql, now);
        sql.push(" AS kept FROM media WHERE media.id IN (");
        push_files_of(&mut sql, bucket, object_key);
        sql.push(")");
        let Some(row) = self.engine.fetch_optional("cannot look for what keeps an object", sql.build()).await? else {
            return Ok(None);
        };
        let word: Option<String> = row.get("kept")?;
        Ok(Some((media(&row)?, word.and_then(|word| word.parse().ok()))))
    }
}

/// A SELECT of the ids of files that have these bytes.
fn push_files_of(sql: &mut sqlx::QueryBuilder<Db>, bucket: &str, object_key: &str) {
    sql.push("SELECT id FROM media WHERE bucket = ").push_bind(bucket.to_owned());
    sql.push(" AND object_key = ").push_bind(object_key.to_owned());
    sql.push(
        " AND status <> 'quarantined' UNION ALL SELECT media_id FROM workspaces CROSS JOIN duplicates
         ON duplicates.workspace_id = workspaces.id WHERE workspaces.bucket = ",
    );
    sql.push_bind(bucket.to_owned()).push(" AND object_key = ").push_bind(object_key.to_owned());
}

fn hold(row: &Row) -> Result<LegalHold> {
    let (flight_id, gateway_sn): (Option<String>, Option<String>) = (row.get("flight_id")?, row.get("gateway_sn")?);
    let selection: bool = row.get("selection")?;
    Ok(LegalHold {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        name: row.get("name")?,
        held: match (selection, flight_id, gateway_sn) {
            (true, _, _) => Held::Selection,
            (false, Some(id), _) => Held::Flight(id),
            (false, None, Some(sn)) => Held::Gateway(sn),
            (false, None, None) => Held::Everything,
        },
        created_by: row.get("created_by")?,
        created_at: row.time("created_at")?,
        released_by: row.get("released_by")?,
        released_at: row.time_opt("released_at")?,
    })
}
