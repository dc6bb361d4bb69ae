//! `POST /pilot/api/license`: DJI's licence, before anything else.
//!
//! Pilot 2 answers nothing that its page asks, the serial number included, until a licence was verified (DJI, "JSBridge"). So
//! the page has to have it before it can log in, and the person's password is what it shows for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use eyrie_catalogue::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::session::{LicenseItem, license};
use crate::api::auth::Peer;
use crate::api::extract;
use crate::api::problem::Problem;
use crate::api::session::check;
use crate::app::App;

#[derive(Deserialize, ToSchema)]
pub(super) struct PilotLicenseRequest {
    #[schema(max_length = 256)]
    name: String,
    #[schema(max_length = 1024, format = Password)]
    password: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PilotLicense {
    /// Null when it is not configured.
    pub license: Option<LicenseItem>,
}

/// Hand out DJI's licence
///
/// For people with the role operator. The login page asks this first: without a verified licence, Pilot 2 does not even tell it
/// the serial number.
#[utoipa::path(post, path = "/pilot/api/license", tag = "pilot", security(()),
    request_body = PilotLicenseRequest, responses((status = 200, body = PilotLicense)))]
pub(super) async fn get_pilot_license(
    State(app): State<Arc<App>>,
    peer: Peer,
    extract::Json(person): extract::Json<PilotLicenseRequest>,
) -> Result<Json<PilotLicense>, Problem> {
    let user = check(&app, &peer, &person.name, &person.password).await?;
    if !user.role.includes(Role::Operator) {
        return Err(Problem::forbidden(format!("this needs the role {}", Role::Operator.as_str())));
    }
    Ok(Json(PilotLicense { license: license(&app) }))
}
