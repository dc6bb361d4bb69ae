//! Which stored files a job is done for again.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::sqlite::{Db, IN_ROW_ORDER};
use crate::value::Columns as _;
use crate::{Catalogue, MediaKind, Processing, Result};

/// Stored files, the trash left out; `None` means no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaSelection {
    pub workspace_id: Option<Uuid>,
    pub gateway_sn: Option<String>,
    pub flight_id: Option<String>,
    pub kind: Option<MediaKind>,
    pub processing: Option<Processing>,
    /// Read by a reader older than this, or never.
    pub reader_version_below: Option<i64>,
}

impl MediaSelection {
    fn push(&self, sql: &mut sqlx::QueryBuilder<Db>) {
        sql.push(" status = 'stored' AND trashed_at IS NULL");
        if let Some(id) = self.workspace_id {
            sql.push(" AND workspace_id = ").push_bind(id);
        }
        if let Some(sn) = &self.gateway_sn {
            sql.push(" AND gateway_sn = ").push_bind(sn.clone());
        }
        if let Some(flight_id) = &self.flight_id {
            sql.push(" AND flight_id = ").push_bind(flight_id.clone());
        }
        if let Some(kind) = self.kind {
            sql.push(" AND kind = ").push_bind(kind.as_str());
        }
        if let Some(processing) = self.processing {
            sql.push(" AND processing = ").push_bind(processing.as_str());
        }
        if let Some(version) = self.reader_version_below {
            sql.push(" AND coalesce(reader_version, 0) < ").push_bind(version);
        }
    }
}

/// A file of a [`MediaSelection`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectedMedia {
    /// Where the walk is; grows with each row.
    pub num: i64,
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub flight_id: Option<String>,
}

impl Catalogue {
    /// Walks every row once: for work that reads all those files anyway.
    pub async fn count_selected(&self, selection: &MediaSelection) -> Result<i64> {
        let mut sql = sqlx::QueryBuilder::<Db>::new("SELECT count(*) AS n FROM media WHERE");
        selection.push(&mut sql);
        let row = self.engine.fetch_optional("cannot count media", sql.build()).await?;
        row.map_or(Ok(0), |row| row.get("n"))
    }

    /// The next `limit` rows after the row number `after`, in the order of row numbers.
    pub async fn selected_media(
        &self,
        selection: &MediaSelection,
        after: i64,
        limit: u32,
    ) -> Result<Vec<SelectedMedia>> {
        let mut sql = sqlx::QueryBuilder::<Db>::new("SELECT num, id, workspace_id, flight_id FROM media");
        sql.push(IN_ROW_ORDER).push(" WHERE num > ").push_bind(after).push(" AND");
        selection.push(&mut sql);
        sql.push(" ORDER BY num LIMIT ").push_bind(i64::from(limit));
        let rows = self.engine.fetch_all("cannot list media", sql.build()).await?;
        rows.iter()
            .map(|row| {
                Ok(SelectedMedia {
                    num: row.get("num")?,
                    id: row.get("id")?,
                    workspace_id: row.get("workspace_id")?,
                    flight_id: row.get("flight_id")?,
                })
            })
            .collect()
    }

    /// Jobs of a kind that are not over.
    pub async fn count_open_jobs(&self, kind: &str) -> Result<i64> {
        let query = "SELECT count(*) AS n FROM jobs WHERE state IN ('queued', 'failed', 'running') AND kind = $1";
        let row = self.engine.fetch_optional("cannot count jobs", sqlx::query(query).bind(kind)).await?;
        row.map_or(Ok(0), |row| row.get("n"))
    }
}
