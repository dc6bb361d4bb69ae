//! Groups of files that Pilot 2 ties together (the shots of one wayline), and how many files each has.

use jiff::Timestamp;
use uuid::Uuid;

use crate::sqlite::Write;
use crate::value::{Columns as _, OrConstraint as _, us};
use crate::{Catalogue, FlightFacts, Result, flight};

/// What is said when a group was uploaded. A count that is `None` leaves what is known; counts never go down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileGroup {
    pub workspace_id: Uuid,
    pub gateway_sn: String,
    pub file_group_id: String,
    pub file_count: Option<i64>,
    pub file_uploaded_count: Option<i64>,
}

impl Catalogue {
    /// Keeps a group; the flight that its files belong to expects as many files as its groups have. Returns that flight,
    /// when a file of the group is known.
    ///
    /// # Errors
    /// `NotFound` for the workspace.
    pub async fn save_file_group(&self, group: &FileGroup, now: Timestamp) -> Result<Option<String>> {
        let mut write = self.engine.begin("save a group of files").await?;
        let query = "SELECT flight_id FROM media WHERE workspace_id = $1 AND file_group_id = $2 AND flight_id IS NOT NULL LIMIT 1";
        let row = write.fetch_optional(sqlx::query(query).bind(group.workspace_id).bind(&group.file_group_id)).await?;
        let flight_id: Option<String> = row.map(|row| row.get("flight_id")).transpose()?;
        let upsert = sqlx::query(
            "INSERT INTO file_groups (workspace_id, gateway_sn, file_group_id, file_count, file_uploaded_count, flight_id,
             updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (workspace_id, file_group_id, gateway_sn) DO UPDATE
             SET file_count = CASE WHEN file_groups.file_count >= excluded.file_count OR excluded.file_count IS NULL
                 THEN file_groups.file_count ELSE excluded.file_count END,
             file_uploaded_count = CASE WHEN file_groups.file_uploaded_count >= excluded.file_uploaded_count
                 OR excluded.file_uploaded_count IS NULL
                 THEN file_groups.file_uploaded_count ELSE excluded.file_uploaded_count END,
             flight_id = coalesce(excluded.flight_id, file_groups.flight_id), updated_at = excluded.updated_at",
        );
        let upsert = upsert
            .bind(group.workspace_id)
            .bind(&group.gateway_sn)
            .bind(&group.file_group_id)
            .bind(group.file_count)
            .bind(group.file_uploaded_count)
            .bind(&flight_id)
            .bind(us(now));
        write.execute(upsert).await.or_not_found("workspace", group.workspace_id)?;
        if let Some(flight_id) = &flight_id {
            let mut tally = flight::Tally::new(group.workspace_id, flight_id, now);
            tally.hear(&expected(&mut write, group.workspace_id, flight_id).await?);
            tally.save(&mut write).await?;
        }
        write.commit().await?;
        Ok(flight_id)
    }
}

/// A file of a group belongs to a flight: what the flight's groups say of it now, when that is news.
pub(crate) async fn joined(
    write: &mut Write,
    workspace_id: Uuid,
    file_group_id: &str,
    flight_id: &str,
) -> Result<Option<FlightFacts>> {
    let update =
        "UPDATE file_groups SET flight_id = $3 WHERE workspace_id = $1 AND file_group_id = $2 AND flight_id IS NOT $3";
    let update = sqlx::query(update).bind(workspace_id).bind(file_group_id).bind(flight_id);
    if write.execute(update).await? == 0 {
        return Ok(None);
    }
    expected(write, workspace_id, flight_id).await.map(Some)
}

async fn expected(write: &mut Write, workspace_id: Uuid, flight_id: &str) -> Result<FlightFacts> {
    let sum = "SELECT sum(file_count) AS files, sum(file_uploaded_count) AS uploaded FROM file_groups
               WHERE workspace_id = $1 AND flight_id = $2";
    let row = write.fetch_optional(sqlx::query(sum).bind(workspace_id).bind(flight_id)).await?;
    let count = |name| row.as_ref().map_or(Ok(None), |row| row.get::<Option<i64>>(name));
    Ok(FlightFacts {
        workspace_id,
        flight_id: flight_id.to_owned(),
        expected_file_count: count("files")?,
        uploaded_file_count: count("uploaded")?,
        ..FlightFacts::default()
    })
}
