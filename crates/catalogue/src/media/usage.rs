//! What the library takes: stored files by month of capture, dock and kind, from what was counted with each write.

use uuid::Uuid;

use super::MediaKind;
use super::row::NO_TIME;
use crate::sqlite::month_of;
use crate::value::Columns as _;
use crate::{Catalogue, Result};

/// Files of one month, dock and kind. The trash, and files that are missing, are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageUse {
    /// `2026-11` in UTC; `None` for files of unknown capture time.
    pub month: Option<String>,
    pub gateway_sn: Option<String>,
    pub kind: MediaKind,
    pub count: i64,
    pub size_bytes: i64,
}

impl Catalogue {
    /// Newest month first, unknown times last, then by dock and kind.
    pub async fn storage_use(&self, workspace_id: Uuid) -> Result<Vec<StorageUse>> {
        let sql = format!(
            "SELECT CASE WHEN slot = $2 THEN NULL ELSE {} END AS month, nullif(gateway_sn, '') AS sn, kind,
             sum(n) AS n, sum(size_bytes) AS bytes FROM media_quarters WHERE workspace_id = $1
             GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3",
            month_of("slot * 900")
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(workspace_id).bind(NO_TIME);
        let rows = self.engine.fetch_all("cannot count storage", query).await?;
        let one = |row: &crate::sqlite::Row| {
            Ok(StorageUse {
                month: row.get("month")?,
                gateway_sn: row.get("sn")?,
                kind: row.word("kind")?,
                count: row.get("n")?,
                size_bytes: row.get("bytes")?,
            })
        };
        rows.iter().map(one).collect()
    }

    /// Files in the trash, and their bytes.
    pub async fn trash_use(&self, workspace_id: Uuid) -> Result<(i64, i64)> {
        let query = sqlx::query(
            "SELECT count(*) AS n, CAST(total(size_bytes) AS INTEGER) AS bytes FROM media
             WHERE workspace_id = $1 AND trashed_at IS NOT NULL AND status = 'stored'",
        );
        let row = self.engine.fetch_optional("cannot count the trash", query.bind(workspace_id)).await?;
        row.map_or(Ok((0, 0)), |row| Ok((row.get("n")?, row.get("bytes")?)))
    }
}
