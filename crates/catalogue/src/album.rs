//! Albums: named collections of media of a workspace.

use jiff::Timestamp;
use uuid::Uuid;

use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Db, Row, chunks};
use crate::value::{Columns as _, OrConstraint as _, us};
use crate::{AuditEntry, Catalogue, Page, Result, audit};

/// Files of one album, and of one shared selection: their pages are sorted when they are asked for.
pub const MAX_CHOSEN: usize = 20_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Album {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub name: String,
    pub description: String,
    /// Files that are stored and not in the trash.
    pub media_count: i64,
    /// The newest of them that has a picture.
    pub cover_media_id: Option<Uuid>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

const SELECT: &str = "SELECT albums.*,
    (SELECT count(*) FROM album_media CROSS JOIN media ON media.id = album_media.media_id WHERE album_media.album_id = albums.id
        AND media.trashed_at IS NULL AND media.status = 'stored') AS media_count,
    (SELECT media.id FROM album_media CROSS JOIN media ON media.id = album_media.media_id WHERE album_media.album_id = albums.id
        AND media.trashed_at IS NULL AND media.status = 'stored' AND media.kind IN ('photo', 'video', 'panorama', 'thermal')
        ORDER BY media.sort_at DESC, media.id DESC LIMIT 1) AS cover_media_id
    FROM albums WHERE ";

impl Catalogue {
    /// With its audit entry; counts are not taken from `album`.
    ///
    /// # Errors
    /// `NotFound` for the workspace.
    pub async fn add_album(&self, album: &Album, entry: &AuditEntry) -> Result<()> {
        let mut write = self.engine.begin("add an album").await?;
        let insert = sqlx::query(
            "INSERT INTO albums (id, workspace_id, name, description, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let insert = insert.bind(album.id).bind(album.workspace_id).bind(&album.name).bind(&album.description);
        let insert = insert.bind(us(album.created_at)).bind(us(album.updated_at));
        write.execute(insert).await.or_not_found("workspace", album.workspace_id)?;
        write.execute(audit::insert(entry)).await?;
        write.commit().await
    }

    pub async fn album(&self, workspace_id: Uuid, id: Uuid) -> Result<Option<Album>> {
        let text = format!("{SELECT} id = $1 AND workspace_id = $2");
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(workspace_id);
        self.engine.fetch_optional("cannot read an album", query).await?.as_ref().map(album).transpose()
    }

    /// Newest first.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_albums(&self, workspace_id: Uuid, cursor: Option<&str>, limit: u32) -> Result<Page<Album>> {
        let after = Key::open(cursor, List::Albums)?;
        let text = format!(
            "{SELECT} workspace_id = $1 AND (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $4"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(workspace_id).bind(after.at).bind(after.id);
        let rows = self.engine.fetch_all("cannot list albums", query.bind(page_size(limit) as i64 + 1)).await?;
        let items = rows.iter().map(album).collect::<Result<Vec<_>>>()?;
        Ok(page_of(items, limit, List::Albums, |album| Key { at: us(album.created_at), id: album.id }))
    }

    /// Changes name and description, with its audit entry. False when there is no such album.
    pub async fn change_album(&self, album: &Album, entry: &AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("change an album").await?;
        let update = sqlx::query(
            "UPDATE albums SET name = $3, description = $4, updated_at = $5 WHERE id = $1 AND workspace_id = $2",
        );
        let update = update.bind(album.id).bind(album.workspace_id).bind(&album.name).bind(&album.description);
        if write.execute(update.bind(us(entry.at))).await? == 0 {
            return Ok(false);
        }
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(true)
    }

    /// The collection, its links with it; never a file. False when there is no such album.
    pub async fn remove_album(&self, workspace_id: Uuid, id: Uuid, entry: &AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("delete an album").await?;
        let delete = sqlx::query("DELETE FROM albums WHERE id = $1 AND workspace_id = $2").bind(id).bind(workspace_id);
        if write.execute(delete).await? == 0 {
            return Ok(false);
        }
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(true)
    }

    /// Adds files of the album's own workspace; those that are in it already, and those of others, change nothing. How many
    /// were added; `None`, and none is, when the album would hold more than [`MAX_CHOSEN`].
    ///
    /// # Errors
    /// `NotFound` for the album.
    pub async fn add_to_album(
        &self,
        workspace_id: Uuid,
        id: Uuid,
        media_ids: &[Uuid],
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let mut write = self.engine.begin("add files to an album").await?;
        let touch = sqlx::query("UPDATE albums SET updated_at = $3 WHERE id = $1 AND workspace_id = $2");
        if write.execute(touch.bind(id).bind(workspace_id).bind(us(now))).await? == 0 {
            return Err(crate::value::not_found("album", id));
        }
        let mut added = 0;
        for chunk in chunks(media_ids) {
            let mut insert = sqlx::QueryBuilder::<Db>::new("INSERT INTO album_media (album_id, media_id) SELECT ");
            insert.push_bind(id).push(", media.id FROM media WHERE workspace_id = ").push_bind(workspace_id);
            insert.push(" AND id IN (");
            let mut list = insert.separated(", ");
            for media_id in chunk {
                list.push_bind(*media_id);
            }
            added += write.execute(insert.push(") ON CONFLICT DO NOTHING").build()).await?;
        }
        let count = sqlx::query("SELECT count(*) AS n FROM album_media WHERE album_id = $1").bind(id);
        let n = write.fetch_optional(count).await?.map_or(Ok(0), |row| row.count("n"))?;
        if n as usize > MAX_CHOSEN {
            return Ok(None);
        }
        write.commit().await?;
        Ok(Some(added))
    }

    /// How many were in it.
    ///
    /// # Errors
    /// `NotFound` for the album.
    pub async fn remove_from_album(
        &self,
        workspace_id: Uuid,
        id: Uuid,
        media_ids: &[Uuid],
        now: Timestamp,
    ) -> Result<u64> {
        let mut write = self.engine.begin("take files out of an album").await?;
        let touch = sqlx::query("UPDATE albums SET updated_at = $3 WHERE id = $1 AND workspace_id = $2");
        if write.execute(touch.bind(id).bind(workspace_id).bind(us(now))).await? == 0 {
            return Err(crate::value::not_found("album", id));
        }
        let mut removed = 0;
        for chunk in chunks(media_ids) {
            let mut delete = sqlx::QueryBuilder::<Db>::new("DELETE FROM album_media WHERE album_id = ");
            delete.push_bind(id).push(" AND media_id IN (");
            let mut list = delete.separated(", ");
            for media_id in chunk {
                list.push_bind(*media_id);
            }
            removed += write.execute(delete.push(")").build()).await?;
        }
        write.commit().await?;
        Ok(removed)
    }
}

fn album(row: &Row) -> Result<Album> {
    Ok(Album {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        media_count: row.get("media_count")?,
        cover_media_id: row.get("cover_media_id")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
