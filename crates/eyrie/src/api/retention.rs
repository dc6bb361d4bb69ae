//! Retention rules: what goes into the trash by itself, tried before it is set, and done on request.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::{Reach, RetentionRule};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::{Admin, Operator, Scope};
use super::extract::{Json as Body, PathParams};
use super::flights::Accepted;
use super::media::MediaItem;
use super::problem::Problem;
use super::trash::KeptItem;
use super::words::MediaKind;
use crate::admin::{RULE_DAYS, WantedRule};
use crate::app::App;
use crate::jobs::apply_retention;

/// Files of a preview that are shown.
const SHOWN: u32 = 50;

/// Files that it is about go into the trash; from there they go for good when the trash's period is over.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionRuleItem {
    pub id: Uuid,
    pub name: String,
    /// Null: of every dock and controller, and of none.
    pub gateway_sn: Option<String>,
    /// Empty: of every kind.
    pub kinds: Vec<MediaKind>,
    /// Since the file came into the library.
    pub older_than_days: u32,
    pub enabled: bool,
    pub created_by: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl From<RetentionRule> for RetentionRuleItem {
    fn from(rule: RetentionRule) -> Self {
        Self {
            id: rule.id,
            name: rule.name,
            gateway_sn: rule.reach.gateway_sn,
            kinds: rule.reach.kinds.into_iter().map(Into::into).collect(),
            older_than_days: rule.reach.older_than_days,
            enabled: rule.enabled,
            created_by: rule.created_by,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}

/// A rule as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRuleRequest {
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// A dock or controller of the workspace; all when left out.
    #[serde(default)]
    gateway_sn: Option<String>,
    /// All when left out.
    #[serde(default)]
    kinds: Vec<MediaKind>,
    #[schema(minimum = 1, maximum = 36500)]
    older_than_days: u32,
    #[serde(default = "on")]
    #[schema(default = true)]
    enabled: bool,
}

/// What changes; a field left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRetentionRuleRequest {
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64)]
    name: Option<String>,
    /// Empty: all.
    #[serde(default)]
    gateway_sn: Option<String>,
    /// Empty: all.
    #[serde(default)]
    kinds: Option<Vec<MediaKind>>,
    #[serde(default)]
    #[schema(minimum = 1, maximum = 36500)]
    older_than_days: Option<u32>,
    #[serde(default)]
    enabled: Option<bool>,
}

fn on() -> bool {
    true
}

impl From<RetentionRuleRequest> for WantedRule {
    fn from(wanted: RetentionRuleRequest) -> Self {
        let RetentionRuleRequest { name, gateway_sn, kinds, older_than_days, enabled } = wanted;
        let kinds = kinds.into_iter().map(Into::into).collect();
        Self { name, reach: Reach { gateway_sn, kinds, older_than_days }, enabled }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionRuleList {
    /// The oldest first.
    pub items: Vec<RetentionRuleItem>,
}

/// Which files a rule that is tried would be about.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionPreviewRequest {
    #[serde(default)]
    gateway_sn: Option<String>,
    #[serde(default)]
    kinds: Vec<MediaKind>,
    #[schema(minimum = 1, maximum = 36500)]
    older_than_days: u32,
}

/// What a rule would do now. Nothing was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct RetentionPreviewItem {
    /// Files that would go into the trash.
    pub count: i64,
    pub size_bytes: i64,
    /// When the first and the last of them came.
    pub oldest: Option<Timestamp>,
    pub newest: Option<Timestamp>,
    pub kinds: Vec<KindCount>,
    /// Files that are old enough and stay, by why.
    pub kept: Vec<KeptItem>,
    /// The oldest 50 of those that would go.
    pub first: Vec<MediaItem>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct KindCount {
    pub kind: MediaKind,
    pub count: i64,
}

/// List retention rules
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/retention-rules", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 200, body = RetentionRuleList)))]
pub async fn list_retention_rules(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
) -> Result<Json<RetentionRuleList>, Problem> {
    let rules = app.catalogue.retention_rules(Some(scope.workspace.id)).await?;
    Ok(Json(RetentionRuleList { items: rules.into_iter().map(RetentionRuleItem::from).collect() }))
}

/// Make a retention rule
///
/// It is applied within the hour, and every hour from then on: files that came longer ago go into the trash, but none that a
/// legal hold, an open share link, a download or a job needs. Try it first with `/retention-rules/preview`. Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/retention-rules", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = RetentionRuleRequest, responses((status = 201, body = RetentionRuleItem)))]
pub async fn create_retention_rule(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<RetentionRuleRequest>,
) -> Result<(StatusCode, Json<RetentionRuleItem>), Problem> {
    let rule = app.admin(scope.caller.actor()).add_retention_rule(&scope.workspace, &wanted.into()).await?;
    Ok((StatusCode::CREATED, Json(rule.into())))
}

/// Change a retention rule
///
/// Audited.
#[utoipa::path(patch, path = "/api/v1/workspaces/{ws}/retention-rules/{id}", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    request_body = ChangeRetentionRuleRequest, responses((status = 200, body = RetentionRuleItem)))]
pub async fn change_retention_rule(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    Body(change): Body<ChangeRetentionRuleRequest>,
) -> Result<Json<RetentionRuleItem>, Problem> {
    let admin = app.admin(scope.caller.actor());
    let known = admin.retention_rule(&scope.workspace, id).await?;
    let wanted = WantedRule {
        name: change.name.unwrap_or(known.name),
        reach: Reach {
            gateway_sn: change.gateway_sn.map_or(known.reach.gateway_sn, |sn| Some(sn).filter(|sn| !sn.is_empty())),
            kinds: change.kinds.map_or(known.reach.kinds, |kinds| kinds.into_iter().map(Into::into).collect()),
            older_than_days: change.older_than_days.unwrap_or(known.reach.older_than_days),
        },
        enabled: change.enabled.unwrap_or(known.enabled),
    };
    let rule = admin.change_retention_rule(&scope.workspace, id, &wanted).await?;
    Ok(Json(rule.into()))
}

/// Delete a retention rule
///
/// What it moved into the trash stays there until the trash's period is over. Audited.
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/retention-rules/{id}", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path)),
    responses((status = 204, description = "It is gone")))]
pub async fn delete_retention_rule(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
) -> Result<StatusCode, Problem> {
    app.admin(scope.caller.actor()).remove_retention_rule(&scope.workspace, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try a retention rule
///
/// A dry run: what a rule like this would move into the trash now, and what would stay and why. Nothing is changed.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/retention-rules/preview", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = RetentionPreviewRequest, responses((status = 200, body = RetentionPreviewItem)))]
pub async fn preview_retention_rule(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<RetentionPreviewRequest>,
) -> Result<Json<RetentionPreviewItem>, Problem> {
    if !RULE_DAYS.contains(&wanted.older_than_days) {
        let (least, most) = (RULE_DAYS.start(), RULE_DAYS.end());
        return Err(Problem::bad_request(format!("older_than_days is {least} to {most}")));
    }
    let reach = Reach {
        gateway_sn: wanted.gateway_sn,
        kinds: wanted.kinds.into_iter().map(Into::into).collect(),
        older_than_days: wanted.older_than_days,
    };
    let found = app.catalogue.preview_retention(scope.workspace.id, &reach, app.now(), SHOWN).await?;
    Ok(Json(RetentionPreviewItem {
        count: found.count,
        size_bytes: found.size_bytes,
        oldest: found.oldest,
        newest: found.newest,
        kinds: found.kinds.into_iter().map(|(kind, count)| KindCount { kind: kind.into(), count }).collect(),
        kept: found.kept.into_iter().map(|(why, count)| KeptItem { why: why.into(), count }).collect(),
        first: found.first.into_iter().map(MediaItem::from).collect(),
    }))
}

/// Apply the workspace's retention rules now
///
/// What is done every hour: rules, then the trash whose period is over. The job's result has the counts. Audited.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/retention-rules/apply", tag = "retention",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    responses((status = 202, body = Accepted)))]
pub async fn apply_retention_rules(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let (job_id, now) = (app.new_id(), app.now());
    let job = apply_retention::new_job(job_id, Some(scope.workspace.id), now, app.config.jobs.max_attempts);
    app.catalogue.add_jobs(&[job], now).await?;
    app.wake.wake();
    scope.audit(&app, "retention.apply", &job_id.to_string(), json!({ "job_id": job_id })).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { job_id })))
}
