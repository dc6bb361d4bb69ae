//! Follow-up work as a person sees it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::Job;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::{Operator, Scope, Viewer};
use super::extract::{PathParams, QueryParams, blank_is_none};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use super::words::JobState;
use crate::app::App;
use crate::events::Change;

/// A piece of follow-up work.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobItem {
    pub id: Uuid,
    /// A verb phrase.
    pub kind: String,
    pub state: JobState,
    pub media_id: Option<Uuid>,
    pub flight_id: Option<String>,
    pub progress: Progress,
    pub attempts: u32,
    pub max_attempts: u32,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// What a finished job has to say.
    #[schema(value_type = Option<Value>)]
    pub result: Option<Value>,
    /// When it is tried next, while it is queued or failed.
    pub run_after: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    pub done: i64,
    pub total: Option<i64>,
}

impl From<Job> for JobItem {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            state: job.state.into(),
            media_id: job.media_id,
            flight_id: job.flight_id,
            progress: Progress { done: job.progress_done, total: job.progress_total },
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            error: job.error,
            result: job.result,
            run_after: job.run_after,
            created_at: job.created_at,
            updated_at: job.updated_at,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobQuery {
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    state: Option<JobState>,
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false)]
    kind: Option<String>,
}

/// List jobs, the newest first
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/jobs", tag = "jobs",
    params(("ws" = String, Path, description = "id or name of the workspace"), JobQuery, PageQuery),
    responses((status = 200, body = Page<JobItem>)))]
pub async fn list_jobs(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<JobQuery>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<JobItem>>, Problem> {
    let (workspace, state, kind) = (Some(scope.workspace.id), query.state.map(Into::into), query.kind.as_deref());
    let found = app.catalogue.list_jobs(workspace, state, kind, page.cursor(), page.limit()).await?;
    Ok(Json(Page::from_rows(found, JobItem::from)))
}

/// Show one job
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/jobs/{id}", tag = "jobs",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = JobItem)))]
pub async fn get_job(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<JobItem>, Problem> {
    Ok(Json(visible(&app, scope.workspace.id, id).await?.into()))
}

/// Queue a failed, dead or finished job again, its attempts at zero
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/jobs/{id}/retry", tag = "jobs",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = JobItem)))]
pub async fn retry_job(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<JobItem>, Problem> {
    let job = visible(&app, scope.workspace.id, id).await?;
    if matches!(job.state, eyrie_catalogue::JobState::Queued | eyrie_catalogue::JobState::Running) {
        return Err(Problem::conflict(format!("the job is {} already", job.state.as_str())));
    }
    app.catalogue.retry_job(id, app.now()).await?;
    app.wake.wake();
    scope.audit(&app, "job.retry", &id.to_string(), json!({ "kind": job.kind })).await?;
    app.events.send(scope.workspace.id, Change::Job { id });
    Ok(Json(visible(&app, scope.workspace.id, id).await?.into()))
}

/// Cancel a job that is not over
///
/// It ends at once, with the programs it started: it is `dead` and its `error` says who cancelled it. What it made so far
/// stays. 409 when it was over. Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/jobs/{id}/cancel", tag = "jobs",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 200, body = JobItem)))]
pub async fn cancel_job(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<Json<JobItem>, Problem> {
    let job = visible(&app, scope.workspace.id, id).await?;
    let by: String = scope.caller.actor().into();
    if !crate::jobs::cancel(&app, &job, &by).await? {
        return Err(Problem::conflict("the job is over"));
    }
    scope.audit(&app, "job.cancel", &id.to_string(), json!({ "kind": job.kind })).await?;
    Ok(Json(visible(&app, scope.workspace.id, id).await?.into()))
}

async fn visible(app: &App, workspace_id: Uuid, id: Uuid) -> Result<Job, Problem> {
    let job = app.catalogue.job(id).await?;
    job.filter(|job| job.workspace_id == Some(workspace_id)).ok_or_else(Problem::not_found)
}
