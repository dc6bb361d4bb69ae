//! PPK: what a flight's survey files amount to, what was solved from them, where its photos were really taken. The
//! contents are JSON of the readers; here they are kept and found.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::value::{Columns as _, us};
use crate::{Catalogue, Result};

/// The report on a flight's set; one row for each flight.
#[derive(Clone, Debug, PartialEq)]
pub struct PpkSetRow {
    pub workspace_id: Uuid,
    pub flight_id: String,
    pub report: Value,
    /// Version of the readers that made it.
    pub reader_version: u32,
    pub updated_at: Timestamp,
}

/// A flight's last solution.
#[derive(Clone, Debug, PartialEq)]
pub struct PpkSolution {
    pub workspace_id: Uuid,
    pub flight_id: String,
    pub report: Value,
    /// A list, one for each exposure.
    pub positions: Value,
    /// RTKLIB's file.
    pub pos: Vec<u8>,
    pub solved_at: Timestamp,
}

impl Catalogue {
    /// Replaces the report of the flight.
    pub async fn save_ppk_set(&self, set: &PpkSetRow) -> Result<()> {
        let upsert = sqlx::query(
            "INSERT INTO ppk_sets (workspace_id, flight_id, report, reader_version, updated_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (workspace_id, flight_id) DO UPDATE SET report = excluded.report,
             reader_version = excluded.reader_version, updated_at = excluded.updated_at",
        );
        let upsert = upsert.bind(set.workspace_id).bind(&set.flight_id).bind(set.report.to_string());
        let upsert = upsert.bind(i64::from(set.reader_version)).bind(us(set.updated_at));
        self.engine.write("save a PPK set", upsert).await.map(drop)
    }

    pub async fn ppk_set(&self, workspace_id: Uuid, flight_id: &str) -> Result<Option<PpkSetRow>> {
        let query = sqlx::query("SELECT * FROM ppk_sets WHERE workspace_id = $1 AND flight_id = $2");
        let query = query.bind(workspace_id).bind(flight_id);
        let Some(row) = self.engine.fetch_optional("cannot read a PPK set", query).await? else { return Ok(None) };
        Ok(Some(PpkSetRow {
            workspace_id: row.get("workspace_id")?,
            flight_id: row.get("flight_id")?,
            report: row.json("report")?,
            reader_version: row.count("reader_version")?,
            updated_at: row.time("updated_at")?,
        }))
    }

    /// Replaces the flight's solution and the places of its photos in one commit. A photo that is gone is left out.
    pub async fn save_ppk_solution(&self, solution: &PpkSolution, photos: &[(Uuid, Value)]) -> Result<()> {
        let mut write = self.engine.begin("save a PPK solution").await?;
        let upsert = sqlx::query(
            "INSERT INTO ppk_solutions (workspace_id, flight_id, report, positions, pos, solved_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, flight_id) DO UPDATE SET report = excluded.report,
             positions = excluded.positions, pos = excluded.pos, solved_at = excluded.solved_at",
        );
        let upsert = upsert.bind(solution.workspace_id).bind(&solution.flight_id).bind(solution.report.to_string());
        let upsert = upsert.bind(solution.positions.to_string()).bind(&solution.pos).bind(us(solution.solved_at));
        write.execute(upsert).await?;
        let delete = sqlx::query("DELETE FROM ppk_positions WHERE workspace_id = $1 AND flight_id = $2");
        write.execute(delete.bind(solution.workspace_id).bind(&solution.flight_id)).await?;
        for (media_id, position) in photos {
            let insert = sqlx::query(
                "INSERT INTO ppk_positions (media_id, workspace_id, flight_id, position)
                 SELECT id, $2, $3, $4 FROM media WHERE id = $1 AND workspace_id = $2
                 ON CONFLICT (media_id) DO UPDATE SET flight_id = excluded.flight_id, position = excluded.position",
            );
            let insert = insert.bind(media_id).bind(solution.workspace_id).bind(&solution.flight_id);
            write.execute(insert.bind(position.to_string())).await?;
        }
        write.commit().await
    }

    pub async fn ppk_solution(&self, workspace_id: Uuid, flight_id: &str) -> Result<Option<PpkSolution>> {
        let query = sqlx::query("SELECT * FROM ppk_solutions WHERE workspace_id = $1 AND flight_id = $2");
        let query = query.bind(workspace_id).bind(flight_id);
        let Some(row) = self.engine.fetch_optional("cannot read a PPK solution", query).await? else { return Ok(None) };
        Ok(Some(PpkSolution {
            workspace_id: row.get("workspace_id")?,
            flight_id: row.get("flight_id")?,
            report: row.json("report")?,
            positions: row.json("positions")?,
            pos: row.get("pos")?,
            solved_at: row.time("solved_at")?,
        }))
    }

    /// What the last solution is, without its content.
    pub async fn ppk_solution_report(&self, workspace_id: Uuid, flight_id: &str) -> Result<Option<Value>> {
        let query = sqlx::query("SELECT report FROM ppk_solutions WHERE workspace_id = $1 AND flight_id = $2");
        let query = query.bind(workspace_id).bind(flight_id);
        let row = self.engine.fetch_optional("cannot read a PPK solution", query).await?;
        row.map(|row| row.json("report")).transpose()
    }

    /// A photo's place according to its flight's last solution.
    pub async fn ppk_position(&self, workspace_id: Uuid, media_id: Uuid) -> Result<Option<Value>> {
        let query = sqlx::query("SELECT position FROM ppk_positions WHERE media_id = $1 AND workspace_id = $2");
        let row = self.engine.fetch_optional("cannot read a photo's place", query.bind(media_id).bind(workspace_id));
        row.await?.map(|row| row.json("position")).transpose()
    }
}
