//! S3 keys of a workspace, for rclone, aws and s3cmd: all of its bucket, nothing else.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::S3Key;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{Admin, Scope};
use super::extract::{self, PathParams, QueryParams};
use super::page::{Page, PageQuery};
use super::problem::Problem;
use crate::admin::S3Access;
use crate::app::App;

/// An S3 key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct S3KeyItem {
    pub access_key_id: String,
    pub access: Access,
    pub bucket: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// `write` includes `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    Read,
    Write,
}

impl From<S3Key> for S3KeyItem {
    fn from(key: S3Key) -> Self {
        Self {
            access_key_id: key.access_key_id,
            access: if key.write { Access::Write } else { Access::Read },
            bucket: key.bucket,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

/// List S3 keys, revoked ones too
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/s3-keys", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), PageQuery),
    responses((status = 200, body = Page<S3KeyItem>)))]
pub async fn list_s3_keys(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<Json<Page<S3KeyItem>>, Problem> {
    let keys = app.catalogue.s3_keys(scope.workspace.id).await?;
    Ok(Json(Page::cut(keys, &page, |key| key.access_key_id.clone(), S3KeyItem::from)?))
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct S3KeyRequest {
    access: Access,
}

/// What an S3 client needs. The secret is shown this once.
#[derive(Serialize, ToSchema)]
pub struct S3AccessItem {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
}

/// Create an S3 key
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/s3-keys", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace")),
    request_body = S3KeyRequest, responses((status = 201, body = S3AccessItem)))]
pub async fn create_s3_key(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    extract::Json(request): extract::Json<S3KeyRequest>,
) -> Result<(StatusCode, Json<S3AccessItem>), Problem> {
    let admin = app.admin(scope.caller.actor());
    let access = admin.create_s3_key(&scope.workspace, request.access == Access::Write).await?;
    let S3Access { access_key_id, secret_access_key, endpoint, region, bucket } = access;
    Ok((StatusCode::CREATED, Json(S3AccessItem { access_key_id, secret_access_key, endpoint, region, bucket })))
}

/// Revoke an S3 key
#[utoipa::path(delete, path = "/api/v1/workspaces/{ws}/s3-keys/{access_key_id}", tag = "administration",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("access_key_id" = String, Path)),
    responses((status = 204, description = "It opens nothing any more")))]
pub async fn revoke_s3_key(
    scope: Scope<Admin>,
    State(app): State<Arc<App>>,
    PathParams((_ws, access_key_id)): PathParams<(String, String)>,
) -> Result<StatusCode, Problem> {
    app.admin(scope.caller.actor()).revoke_s3_key(scope.workspace.id, &access_key_id).await?;
    Ok(StatusCode::NO_CONTENT)
}
