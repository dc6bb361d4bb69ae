//! Downloads of several files as one zip, planned once so that they can be resumed, and the sums that they need.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::sqlite::{Db, chunks};
use crate::value::{Columns as _, OrConstraint as _, us};
use crate::{Catalogue, Media, Result, media};

/// A download that was asked for; the same bytes every time until it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Archive {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub name: String,
    /// What is in it; the API's own JSON.
    pub plan: Value,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Sums over a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    pub crc32: u32,
    pub sha256: [u8; 32],
}

impl Catalogue {
    /// Also forgets those that ended before it began.
    ///
    /// # Errors
    /// `NotFound` for the workspace.
    pub async fn add_archive(&self, archive: &Archive) -> Result<()> {
        let mut write = self.engine.begin("keep a download").await?;
        write.execute(sqlx::query("DELETE FROM archives WHERE expires_at <= $1").bind(us(archive.created_at))).await?;
        let insert = sqlx::query(
            "INSERT INTO archives (id, workspace_id, name, plan, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        );
        let insert = insert.bind(archive.id).bind(archive.workspace_id).bind(&archive.name);
        let insert = insert.bind(archive.plan.to_string()).bind(us(archive.created_at)).bind(us(archive.expires_at));
        write.execute(insert).await.or_not_found("workspace", archive.workspace_id)?;
        write.commit().await
    }

    /// One that has not ended at `now`.
    pub async fn archive(&self, workspace_id: Uuid, id: Uuid, now: Timestamp) -> Result<Option<Archive>> {
        let query = sqlx::query("SELECT * FROM archives WHERE id = $1 AND workspace_id = $2 AND expires_at > $3");
        let query = query.bind(id).bind(workspace_id).bind(us(now));
        let Some(row) = self.engine.fetch_optional("cannot read a download", query).await? else { return Ok(None) };
        Ok(Some(Archive {
            id: row.get("id")?,
            workspace_id: row.get("workspace_id")?,
            name: row.get("name")?,
            plan: row.json("plan")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        }))
    }

    /// Those of `ids` that are in the workspace, in no order; also from the trash.
    pub async fn media_by_ids(&self, workspace_id: Uuid, ids: &[Uuid]) -> Result<Vec<Media>> {
        let mut found = Vec::new();
        for chunk in chunks(ids) {
            let mut select = sqlx::QueryBuilder::<Db>::new("SELECT * FROM media WHERE workspace_id = ");
            select.push_bind(workspace_id).push(" AND id IN (");
            let mut list = select.separated(", ");
            for id in chunk {
                list.push_bind(*id);
            }
            let rows = self.engine.fetch_all("cannot read media rows", select.push(")").build()).await?;
            for row in &rows {
                found.push(media::media(row)?);
            }
        }
        Ok(found)
    }

    /// Remembers the sums of the bytes that the file has with this etag.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn save_sums(&self, media_id: Uuid, etag: &str, sums: &Sums) -> Result<()> {
        let upsert = sqlx::query(
            "INSERT INTO media_sums (media_id, etag, crc32, sha256) VALUES ($1, $2, $3, $4)
             ON CONFLICT (media_id) DO UPDATE SET etag = excluded.etag, crc32 = excluded.crc32, sha256 = excluded.sha256",
        );
        let upsert = upsert.bind(media_id).bind(etag).bind(i64::from(sums.crc32)).bind(sums.sha256.to_vec());
        self.engine.write("remember a file's sums", upsert).await.map(drop).or_not_found("media", media_id)
    }

    /// By file: the etag of the bytes, and their sums.
    pub async fn sums_of(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, (String, Sums)>> {
        let mut found = HashMap::new();
        for chunk in chunks(ids) {
            let mut select = sqlx::QueryBuilder::<Db>::new("SELECT * FROM media_sums WHERE media_id IN (");
            let mut list = select.separated(", ");
            for id in chunk {
                list.push_bind(*id);
            }
            for row in self.engine.fetch_all("cannot read files' sums", select.push(")").build()).await? {
                let sha256: Vec<u8> = row.get("sha256")?;
                let Ok(sha256) = sha256.try_into() else { continue };
                found.insert(row.get("media_id")?, (row.get("etag")?, Sums { crc32: row.count("crc32")?, sha256 }));
            }
        }
        Ok(found)
    }
}
