//! Share links: what people without an account see, until when, and what they fetched.

use jiff::Timestamp;
use uuid::Uuid;

use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Db, Row, chunks};
use crate::value::{Columns as _, OrConstraint as _, us, us_opt};
use crate::{AuditEntry, Catalogue, Chosen, MediaFilter, Page, Result, audit};

/// Visits of one share that are kept; a stranger cannot make the log grow for ever.
const VISITS_KEPT: i64 = 10_000;

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shared {
    Album(Uuid),
    Flight(String),
    /// Files that were chosen when the link was made.
    Selection,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    pub id: Uuid,
    pub workspace_id: Uuid,
    /// Names it in addresses; unique on the server.
    pub slug: String,
    pub title: String,
    pub shared: Shared,
    pub password_hash: Option<String>,
    pub download: bool,
    pub hide_position: bool,
    pub hide_metadata: bool,
    pub view_count: i64,
    pub created_by: String,
    pub created_at: Timestamp,
    /// `None`: never.
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl Share {
    /// Whether it opens anything.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// The files that it is for, whatever is left out of them.
    pub fn filter(&self) -> MediaFilter {
        let all = MediaFilter { status: Some(crate::MediaStatus::Stored), ..MediaFilter::default() };
        match &self.shared {
            Shared::Album(id) => MediaFilter { chosen: Some(Chosen::Album(*id)), ..all },
            Shared::Selection => MediaFilter { chosen: Some(Chosen::Share(self.id)), ..all },
            Shared::Flight(id) => MediaFilter { flight_id: Some(id.clone()), ..all },
        }
    }
}

/// Something that came through a share.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareVisit {
    pub id: Uuid,
    pub share_id: Uuid,
    pub at: Timestamp,
    pub address: Option<String>,
    /// `open`, `view`, `download`, `password refused`.
    pub what: String,
    pub media_id: Option<Uuid>,
}

impl Catalogue {
    /// With the files of a selection (those of other workspaces are left out) and its audit entry. How many files there are
    /// in the selection.
    ///
    /// # Errors
    /// `Exists` when the slug is taken; `NotFound` for workspace or album.
    pub async fn add_share(&self, share: &Share, media_ids: &[Uuid], entry: &AuditEntry) -> Result<u64> {
        let mut write = self.engine.begin("add a share").await?;
        let insert = sqlx::query(
            "INSERT INTO shares (id, workspace_id, slug, title, album_id, flight_id, password_hash, download, hide_position,
                hide_metadata, view_count, created_by, created_at, expires_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        );
        let (album_id, flight_id) = match &share.shared {
            Shared::Album(id) => (Some(*id), None),
            Shared::Flight(id) => (None, Some(id)),
            Shared::Selection => (None, None),
        };
        let insert = insert.bind(share.id).bind(share.workspace_id).bind(&share.slug).bind(&share.title);
        let insert = insert.bind(album_id).bind(flight_id).bind(&share.password_hash).bind(share.download);
        let insert = insert.bind(share.hide_position).bind(share.hide_metadata).bind(share.view_count);
        let insert = insert.bind(&share.created_by).bind(us(share.created_at)).bind(us_opt(share.expires_at));
        let inserted = write.execute(insert.bind(us_opt(share.revoked_at))).await;
        inserted.or_exists("share", &share.slug).or_not_found("workspace or album", share.workspace_id)?;
        let mut added = 0;
        for chunk in chunks(media_ids) {
            let mut insert = sqlx::QueryBuilder::<Db>::new("INSERT INTO share_media (share_id, media_id) SELECT ");
            insert.push_bind(share.id).push(", media.id FROM media WHERE workspace_id = ");
            insert.push_bind(share.workspace_id).push(" AND id IN (");
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

    pub async fn share(&self, workspace_id: Uuid, id: Uuid) -> Result<Option<Share>> {
        let query = sqlx::query("SELECT * FROM shares WHERE id = $1 AND workspace_id = $2").bind(id).bind(workspace_id);
        self.engine.fetch_optional("cannot read a share", query).await?.as_ref().map(share).transpose()
    }

    /// In whatever workspace, ended or not: for those who come by the link.
    pub async fn share_by_slug(&self, slug: &str) -> Result<Option<Share>> {
        let query = sqlx::query("SELECT * FROM shares WHERE slug = $1").bind(slug);
        self.engine.fetch_optional("cannot read a share", query).await?.as_ref().map(share).transpose()
    }

    /// Newest first, also those that ended.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_shares(&self, workspace_id: Uuid, cursor: Option<&str>, limit: u32) -> Result<Page<Share>> {
        let after = Key::open(cursor, List::Shares)?;
        let query = sqlx::query(
            "SELECT * FROM shares WHERE workspace_id = $1 AND (created_at, id) < ($2, $3)
             ORDER BY created_at DESC, id DESC LIMIT $4",
        );
        let query = query.bind(workspace_id).bind(after.at).bind(after.id).bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot list shares", query).await?;
        let items = rows.iter().map(share).collect::<Result<Vec<_>>>()?;
        Ok(page_of(items, limit, List::Shares, |share| Key { at: us(share.created_at), id: share.id }))
    }

    /// It opens nothing from now on, not even to who gave its password. With its audit entry. False when there is none
    /// that is not revoked already.
    pub async fn revoke_share(&self, workspace_id: Uuid, id: Uuid, entry: &AuditEntry) -> Result<bool> {
        let mut write = self.engine.begin("revoke a share").await?;
        let update =
            sqlx::query("UPDATE shares SET revoked_at = $3 WHERE id = $1 AND workspace_id = $2 AND revoked_at IS NULL");
        if write.execute(update.bind(id).bind(workspace_id).bind(us(entry.at))).await? == 0 {
            return Ok(false);
        }
        write.execute(sqlx::query("DELETE FROM share_unlocks WHERE share_id = $1").bind(id)).await?;
        write.execute(audit::insert(entry)).await?;
        write.commit().await?;
        Ok(true)
    }

    /// Remembers a browser that gave the password; forgets those whose time is over.
    pub async fn unlock_share(
        &self,
        share_id: Uuid,
        token_hash: &[u8; 32],
        now: Timestamp,
        end: Timestamp,
    ) -> Result<()> {
        let mut write = self.engine.begin("unlock a share").await?;
        write.execute(sqlx::query("DELETE FROM share_unlocks WHERE expires_at <= $1").bind(us(now))).await?;
        let insert = sqlx::query("INSERT INTO share_unlocks (token_hash, share_id, expires_at) VALUES ($1, $2, $3)");
        write
            .execute(insert.bind(&token_hash[..]).bind(share_id).bind(us(end)))
            .await
            .or_not_found("share", share_id)?;
        write.commit().await
    }

    pub async fn is_share_unlocked(&self, share_id: Uuid, token_hash: &[u8; 32], now: Timestamp) -> Result<bool> {
        let query = "SELECT 1 AS one FROM share_unlocks WHERE token_hash = $1 AND share_id = $2 AND expires_at > $3";
        let query = sqlx::query(query).bind(&token_hash[..]).bind(share_id).bind(us(now));
        Ok(self.engine.fetch_optional("cannot read a share's unlocking", query).await?.is_some())
    }

    /// Writes a visit down; `counts` when it is a view of the whole. One that goes on with what the same address did at
    /// `goes_on_since` or later is the same visit. The oldest of very many are forgotten.
    pub async fn add_share_visit(
        &self,
        visit: &ShareVisit,
        counts: bool,
        goes_on_since: Option<Timestamp>,
    ) -> Result<()> {
        let mut write = self.engine.begin("note a visit to a share").await?;
        let insert = sqlx::query(
            "INSERT INTO share_visits (id, share_id, at, address, what, media_id)
             SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM share_visits
                WHERE share_id = $2 AND at >= $7 AND what = $5 AND coalesce(address, '') = coalesce($4, '')
                AND (media_id = $6 OR (media_id IS NULL AND $6 IS NULL)))",
        );
        let insert = insert.bind(visit.id).bind(visit.share_id).bind(us(visit.at)).bind(&visit.address);
        let insert = insert.bind(&visit.what).bind(visit.media_id).bind(goes_on_since.map_or(i64::MAX, us));
        write.execute(insert).await.or_not_found("share", visit.share_id)?;
        let forget = sqlx::query(
            "DELETE FROM share_visits WHERE share_id = $1 AND (at, id) <= (SELECT at, id FROM share_visits
             WHERE share_id = $1 ORDER BY at DESC, id DESC LIMIT 1 OFFSET $2)",
        );
        write.execute(forget.bind(visit.share_id).bind(VISITS_KEPT)).await?;
        if counts {
            let update = sqlx::query("UPDATE shares SET view_count = view_count + 1 WHERE id = $1");
            write.execute(update.bind(visit.share_id)).await?;
        }
        write.commit().await
    }

    /// Newest first. The caller has looked the share up.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_share_visits(
        &self,
        share_id: Uuid,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<ShareVisit>> {
        let after = Key::open(cursor, List::Visits)?;
        let query = sqlx::query(
            "SELECT * FROM share_visits WHERE share_id = $1 AND (at, id) < ($2, $3) ORDER BY at DESC, id DESC LIMIT $4",
        );
        let query = query.bind(share_id).bind(after.at).bind(after.id).bind(page_size(limit) as i64 + 1);
        let rows = self.engine.fetch_all("cannot list visits to a share", query).await?;
        let items = rows.iter().map(visit).collect::<Result<Vec<_>>>()?;
        Ok(page_of(items, limit, List::Visits, |visit| Key { at: us(visit.at), id: visit.id }))
    }

    /// Whether a file is one of an album's or of a shared selection.
    pub async fn is_chosen(&self, chosen: Chosen, media_id: Uuid) -> Result<bool> {
        let query = match chosen {
            Chosen::Album(id) => {
                sqlx::query("SELECT 1 AS one FROM album_media WHERE album_id = $1 AND media_id = $2").bind(id)
            }
            Chosen::Share(id) => {
                sqlx::query("SELECT 1 AS one FROM share_media WHERE share_id = $1 AND media_id = $2").bind(id)
            }
        };
        Ok(self.engine.fetch_optional("cannot look for a chosen file", query.bind(media_id)).await?.is_some())
    }
}

fn share(row: &Row) -> Result<Share> {
    let shared = match (row.get("album_id")?, row.get("flight_id")?) {
        (Some(id), _) => Shared::Album(id),
        (None, Some(id)) => Shared::Flight(id),
        (None, None) => Shared::Selection,
    };
    Ok(Share {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        slug: row.get("slug")?,
        title: row.get("title")?,
        shared,
        password_hash: row.get("password_hash")?,
        download: row.get("download")?,
        hide_position: row.get("hide_position")?,
        hide_metadata: row.get("hide_metadata")?,
        view_count: row.get("view_count")?,
        created_by: row.get("created_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.time_opt("expires_at")?,
        revoked_at: row.time_opt("revoked_at")?,
    })
}

fn visit(row: &Row) -> Result<ShareVisit> {
    Ok(ShareVisit {
        id: row.get("id")?,
        share_id: row.get("share_id")?,
        at: row.time("at")?,
        address: row.get("address")?,
        what: row.get("what")?,
        media_id: row.get("media_id")?,
    })
}
