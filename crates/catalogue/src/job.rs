//! Jobs: durable, leased, retried with back-off, dead-lettered.

mod rerun;

pub use rerun::MediaSelection;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::media::words;
use crate::page::{Key, List, page_of, page_size};
use crate::sqlite::{Db, Row, Write, chunks, index_hint};
use crate::value::{Columns as _, not_found, us};
use crate::{Catalogue, Page, Result};

words!(
    /// `failed` will be tried again at `run_after`; `dead` only when a person asks.
    JobState { Queued = "queued", Running = "running", Done = "done", Failed = "failed", Dead = "dead" }
);

#[derive(Clone, Debug)]
pub struct NewJob {
    pub id: Uuid,
    pub workspace_id: Option<Uuid>,
    pub kind: String,
    pub media_id: Option<Uuid>,
    pub flight_id: Option<String>,
    pub payload: Value,
    pub run_after: Timestamp,
    pub max_attempts: u32,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: Uuid,
    pub workspace_id: Option<Uuid>,
    pub kind: String,
    pub state: JobState,
    pub media_id: Option<Uuid>,
    pub flight_id: Option<String>,
    pub payload: Value,
    pub progress_done: i64,
    pub progress_total: Option<i64>,
    /// What a finished job has to say.
    pub result: Option<Value>,
    pub attempts: u32,
    pub max_attempts: u32,
    pub error: Option<String>,
    pub run_after: Timestamp,
    pub lease_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Catalogue {
    /// A job that is there already (by id) is not added twice.
    pub async fn add_jobs(&self, jobs: &[NewJob], now: Timestamp) -> Result<()> {
        let mut write = self.engine.begin("add jobs").await?;
        insert(&mut write, jobs, now).await?;
        write.commit().await
    }

    /// Takes up to `limit` due jobs (queued or failed with `run_after <= now`, or running with an expired lease), newest
    /// first, of `kinds`; each becomes running with a lease until `lease_until` and one more attempt. A job whose
    /// expired lease was its last attempt becomes dead instead. Two callers never get the same job.
    pub async fn claim_jobs(
        &self,
        kinds: &[&str],
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Job>> {
        // most looks find nothing: they need not take the write lock
        if limit == 0 || self.next_job_at(kinds).await?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let mut write = self.engine.begin("claim jobs").await?;
        // by the few that run, not by the many that are due
        let mut bury = sqlx::QueryBuilder::<Db>::new("UPDATE jobs");
        bury.push(index_hint("jobs_by_state")).push(" SET state = 'dead', lease_until = NULL, updated_at = ");
        bury.push_bind(us(now))
            .push(", error = coalesce(error || '; ', '') || 'the last attempt did not end in its time'");
        bury.push(" WHERE state = 'running' AND attempts >= max_attempts AND due_at <= ").push_bind(us(now));
        write.execute(bury.build()).await?;
        let limit = i64::from(limit);
        let mut claim =
            sqlx::QueryBuilder::<Db>::new("UPDATE jobs SET state = 'running', attempts = attempts + 1, updated_at = ");
        claim.push_bind(us(now)).push(", lease_until = ").push_bind(us(lease_until)).push(", due_at = ");
        claim.push_bind(us(lease_until)).push(" WHERE id IN (SELECT id FROM (");
        // newest first of each kind by its index, then of all
        for (n, kind) in kinds.iter().enumerate() {
            claim.push(if n == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            claim.push("SELECT id, created_at FROM jobs").push(index_hint("jobs_open"));
            claim.push(" WHERE state IN ('queued', 'failed', 'running') AND kind = ");
            claim.push_bind(*kind).push(" AND due_at <= ").push_bind(us(now));
            claim.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(limit).push(")");
        }
        claim.push(") AS due ORDER BY created_at DESC, id DESC LIMIT ").push_bind(limit).push(") RETURNING *");
        let rows = write.fetch_all(claim.build()).await?;
        let mut jobs = rows.iter().map(job).collect::<Result<Vec<_>>>()?;
        write.commit().await?;
        jobs.sort_unstable_by_key(|job| std::cmp::Reverse((job.created_at, job.id)));
        Ok(jobs)
    }

    /// Longer lease and progress. False when the job is no longer ours (cancelled, or the lease was lost).
    pub async fn job_progress(
        &self,
        id: Uuid,
        attempt: u32,
        done: i64,
        total: Option<i64>,
        lease_until: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let update = sqlx::query(
            "UPDATE jobs SET progress_done = $3, progress_total = coalesce($4, progress_total), lease_until = $5, due_at = $5,
             updated_at = $6 WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        let update =
            update.bind(id).bind(i64::from(attempt)).bind(done).bind(total).bind(us(lease_until)).bind(us(now));
        Ok(self.engine.write("save a job's progress", update).await? > 0)
    }

    /// Longer lease, and nothing else. False as with [`Catalogue::job_progress`].
    pub async fn renew_job(&self, id: Uuid, attempt: u32, lease_until: Timestamp) -> Result<bool> {
        let update = sqlx::query(
            "UPDATE jobs SET lease_until = $3, due_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        let update = update.bind(id).bind(i64::from(attempt)).bind(us(lease_until));
        Ok(self.engine.write("renew a job's lease", update).await? > 0)
    }

    /// Done, when this attempt still holds it.
    pub async fn finish_job(&self, id: Uuid, attempt: u32, result: Option<&Value>, now: Timestamp) -> Result<bool> {
        let update = sqlx::query(
            "UPDATE jobs SET state = 'done', result = $3, error = NULL, lease_until = NULL, updated_at = $4
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        let update = update.bind(id).bind(i64::from(attempt)).bind(result.map(Value::to_string)).bind(us(now));
        Ok(self.engine.write("finish a job", update).await? > 0)
    }

    /// Failed with `retry_at`, or dead with `None` or when the attempts are used up. When this attempt does not hold the
    /// job any more, nothing changes and its present state is returned.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn fail_job(
        &self,
        id: Uuid,
        attempt: u32,
        error: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<JobState> {
        let mut write = self.engine.begin("fail a job").await?;
        let update = sqlx::query(
            "UPDATE jobs SET state = CASE WHEN $4 IS NULL OR attempts >= max_attempts THEN 'dead' ELSE 'failed' END,
             error = $3, run_after = coalesce($4, run_after), due_at = coalesce($4, due_at), lease_until = NULL, updated_at = $5
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        let update = update.bind(id).bind(i64::from(attempt)).bind(error).bind(retry_at.map(us)).bind(us(now));
        write.execute(update).await?;
        let state = write.fetch_optional(sqlx::query("SELECT state FROM jobs WHERE id = $1").bind(id)).await?;
        let state = state.ok_or_else(|| not_found("job", id))?.word("state")?;
        write.commit().await?;
        Ok(state)
    }

    /// Gives running jobs back at a clean stop: queued again, the attempt not counted.
    pub async fn release_jobs(&self, ids: &[Uuid], now: Timestamp) -> Result<()> {
        let mut write = self.engine.begin("release jobs").await?;
        for id in ids {
            let update = sqlx::query(
                "UPDATE jobs SET state = 'queued', attempts = attempts - 1, lease_until = NULL, due_at = $2, run_after = $2,
                 updated_at = $2 WHERE id = $1 AND state = 'running'",
            );
            write.execute(update.bind(id).bind(us(now))).await?;
        }
        write.commit().await
    }

    /// A running job rests until `run_after` and goes on from `payload`; the attempt is not counted. False when this
    /// attempt does not hold the job any more.
    pub async fn continue_job(
        &self,
        id: Uuid,
        attempt: u32,
        payload: &Value,
        progress: (i64, Option<i64>),
        run_after: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let update = sqlx::query(
            "UPDATE jobs SET state = 'queued', attempts = attempts - 1, payload = $3, progress_done = $4,
             progress_total = $5, lease_until = NULL, run_after = $6, due_at = $6, updated_at = $7
             WHERE id = $1 AND attempts = $2 AND state = 'running'",
        );
        let update = update.bind(id).bind(i64::from(attempt)).bind(payload.to_string());
        let update = update.bind(progress.0).bind(progress.1).bind(us(run_after)).bind(us(now));
        Ok(self.engine.write("let a job rest", update).await? > 0)
    }

    /// Queues a failed, dead or done job again with its attempts at zero. A queued or running one stays as it is.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn retry_job(&self, id: Uuid, now: Timestamp) -> Result<()> {
        let mut write = self.engine.begin("retry a job").await?;
        let update = sqlx::query(
            "UPDATE jobs SET state = 'queued', attempts = 0, error = NULL, result = NULL, progress_done = 0,
             progress_total = NULL, lease_until = NULL, run_after = $2, due_at = $2, updated_at = $2
             WHERE id = $1 AND state IN ('failed', 'dead', 'done')",
        );
        if write.execute(update.bind(id).bind(us(now))).await? == 0 {
            let known = write.fetch_optional(sqlx::query("SELECT state FROM jobs WHERE id = $1").bind(id)).await?;
            known.ok_or_else(|| not_found("job", id))?;
        }
        write.commit().await
    }

    /// Ends a job that is not over: dead, with `why` as its error. False when it was over already. Who runs it finds the
    /// lease lost.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn cancel_job(&self, id: Uuid, why: &str, now: Timestamp) -> Result<bool> {
        let mut write = self.engine.begin("cancel a job").await?;
        let update = sqlx::query(
            "UPDATE jobs SET state = 'dead', error = $2, lease_until = NULL, updated_at = $3
             WHERE id = $1 AND state IN ('queued', 'failed', 'running')",
        );
        let cancelled = write.execute(update.bind(id).bind(why).bind(us(now))).await? > 0;
        if !cancelled {
            let known = write.fetch_optional(sqlx::query("SELECT state FROM jobs WHERE id = $1").bind(id)).await?;
            known.ok_or_else(|| not_found("job", id))?;
        }
        write.commit().await?;
        Ok(cancelled)
    }

    /// The jobs of a kind about one file that are not over.
    pub async fn open_jobs_of_media(&self, media_id: Uuid, kind: &str) -> Result<Vec<Job>> {
        let mut query = sqlx::QueryBuilder::<Db>::new("SELECT * FROM jobs");
        query.push(index_hint("jobs_open")).push(" WHERE state IN ('queued', 'failed', 'running') AND kind = ");
        query.push_bind(kind).push(" AND media_id = ").push_bind(media_id);
        let rows = self.engine.fetch_all("cannot list a file's jobs", query.build()).await?;
        rows.iter().map(job).collect()
    }

    /// The newest job of a kind about one file, over or not.
    pub async fn last_job_of_media(&self, media_id: Uuid, kind: &str) -> Result<Option<Job>> {
        let query = "SELECT * FROM jobs WHERE kind = $1 AND media_id = $2 ORDER BY created_at DESC, id DESC LIMIT 1";
        let query = sqlx::query(query).bind(kind).bind(media_id);
        self.engine.fetch_optional("cannot read a file's last job", query).await?.as_ref().map(job).transpose()
    }

    pub async fn job(&self, id: Uuid) -> Result<Option<Job>> {
        let query = sqlx::query("SELECT * FROM jobs WHERE id = $1").bind(id);
        self.engine.fetch_optional("cannot read a job", query).await?.as_ref().map(job).transpose()
    }

    /// Newest first; `workspace_id` `None` lists every workspace's.
    ///
    /// # Errors
    /// `BadCursor`.
    pub async fn list_jobs(
        &self,
        workspace_id: Option<Uuid>,
        state: Option<JobState>,
        kind: Option<&str>,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<Job>> {
        let after = Key::open(cursor, List::Jobs)?;
        let mut query = select("", workspace_id, state, kind, after, limit);
        let rows = self.engine.fetch_all("cannot list jobs", query.build()).await?;
        let items = rows.iter().map(job).collect::<Result<Vec<_>>>()?;
        Ok(page_of(items, limit, List::Jobs, |job| Key { at: us(job.created_at), id: job.id }))
    }

    /// When the next job of `kinds` is due, for a runner that would rather sleep.
    pub async fn next_job_at(&self, kinds: &[&str]) -> Result<Option<Timestamp>> {
        if kinds.is_empty() {
            return Ok(None);
        }
        let row = self.engine.fetch_optional("cannot look for jobs", next("", kinds).build()).await?;
        row.map_or(Ok(None), |row| row.time_opt("due_at"))
    }
}

/// One step into an index for each kind, however many jobs are open.
fn next(prefix: &str, kinds: &[&str]) -> sqlx::QueryBuilder<Db> {
    let mut query = sqlx::QueryBuilder::<Db>::new(prefix);
    for (n, kind) in kinds.iter().enumerate() {
        query.push(if n == 0 { "SELECT min(due_at) AS due_at FROM (" } else { " UNION ALL " });
        query.push("SELECT min(due_at) AS due_at FROM jobs").push(index_hint("jobs_next"));
        query.push(" WHERE state IN ('queued', 'failed', 'running') AND kind = ").push_bind((*kind).to_owned());
    }
    query.push(") AS next");
    query
}

/// A page walks one index from the cursor on: the one with fewest rows to pass over.
fn select(
    prefix: &str,
    workspace_id: Option<Uuid>,
    state: Option<JobState>,
    kind: Option<&str>,
    after: Key,
    limit: u32,
) -> sqlx::QueryBuilder<Db> {
    let index = match (workspace_id, state, kind) {
        (_, Some(JobState::Queued | JobState::Running | JobState::Failed | JobState::Dead), _) => "jobs_by_state",
        (_, _, Some(_)) => "jobs_by_kind",
        (Some(_), _, None) => "jobs_of_workspace",
        (None, Some(JobState::Done), None) => "jobs_by_state",
        (None, None, None) => "jobs_by_time",
    };
    let mut query = sqlx::QueryBuilder::<Db>::new(prefix);
    query.push("SELECT * FROM jobs").push(index_hint(index)).push(" WHERE (created_at, id) < (");
    query.push_bind(after.at).push(", ").push_bind(after.id).push(")");
    if let Some(id) = workspace_id {
        query.push(" AND workspace_id = ").push_bind(id);
    }
    if let Some(state) = state {
        query.push(" AND state = ").push_bind(state.as_str());
    }
    if let Some(kind) = kind {
        query.push(" AND kind = ").push_bind(kind);
    }
    query.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(page_size(limit) as i64 + 1);
    query
}

pub(crate) async fn insert(write: &mut Write, jobs: &[NewJob], now: Timestamp) -> Result<()> {
    for chunk in chunks(jobs) {
        let mut insert = sqlx::QueryBuilder::<Db>::new(
            "INSERT INTO jobs (id, workspace_id, kind, state, media_id, flight_id, payload, max_attempts, run_after, due_at,
             created_at, updated_at) ",
        );
        insert.push_values(chunk, |mut row, job| {
            row.push_bind(job.id)
                .push_bind(job.workspace_id)
                .push_bind(&job.kind)
                .push_bind(JobState::Queued.as_str())
                .push_bind(job.media_id)
                .push_bind(&job.flight_id)
                .push_bind(job.payload.to_string())
                .push_bind(i64::from(job.max_attempts))
                .push_bind(us(job.run_after))
                .push_bind(us(job.run_after))
                .push_bind(us(now))
                .push_bind(us(now));
        });
        write.execute(insert.push(" ON CONFLICT (id) DO NOTHING").build()).await?;
    }
    Ok(())
}

fn job(row: &Row) -> Result<Job> {
    Ok(Job {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        kind: row.get("kind")?,
        state: row.word("state")?,
        media_id: row.get("media_id")?,
        flight_id: row.get("flight_id")?,
        payload: row.json("payload")?,
        progress_done: row.get("progress_done")?,
        progress_total: row.get("progress_total")?,
        result: row.json_opt("result")?,
        attempts: row.count("attempts")?,
        max_attempts: row.count("max_attempts")?,
        error: row.get("error")?,
        run_after: row.time("run_after")?,
        lease_until: row.time_opt("lease_until")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CatalogueConfig;

    async fn new_catalogue() -> (tempfile::TempDir, Catalogue) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", dir.path().join("eyrie.db").display());
        let config = CatalogueConfig { url, backup_dir: dir.path().into() };
        let catalogue = Catalogue::open(&config, true).await.expect("a new database");
        (dir, catalogue)
    }

    async fn plan(catalogue: &Catalogue, query: &mut sqlx::QueryBuilder<Db>) -> Vec<String> {
        let rows = catalogue.engine.fetch_all("cannot explain", query.build()).await.expect("explained");
        rows.iter().map(|row| row.get("detail").expect("text")).collect()
    }

    #[tokio::test]
    async fn the_next_job_is_a_step_into_an_index_for_each_kind() {
        let (_dir, catalogue) = new_catalogue().await;
        let plan = plan(&catalogue, &mut next("EXPLAIN QUERY PLAN ", &["a", "b"])).await;
        let steps = plan.iter().filter(|step| step.contains("jobs_next (kind=?)")).count();
        assert_eq!(steps, 2, "{plan:?}");
        assert!(!plan.iter().any(|step| step.contains("SCAN jobs")), "{plan:?}");
    }

    #[tokio::test]
    async fn pages_walk_an_index() {
        let (_dir, catalogue) = new_catalogue().await;
        let states = JobState::ALL.iter().copied().map(Some).chain([None]);
        for (state, n) in states.flat_map(|state| (0..4).map(move |n| (state, n))) {
            let (workspace_id, kind) = ((n & 1 == 1).then(Uuid::nil), (n & 2 == 2).then_some("a"));
            let mut query = select("EXPLAIN QUERY PLAN ", workspace_id, state, kind, Key::TOP, 100);
            let plan = plan(&catalogue, &mut query).await.join("; ");
            let walks = plan.starts_with("SEARCH jobs USING INDEX jobs_") && !plan.contains("TEMP B-TREE");
            assert!(walks, "{workspace_id:?} {state:?} {kind:?}: {plan}");
        }
    }
}
