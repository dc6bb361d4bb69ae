//! Pilot 2 on a remote controller: the paths that the app asks, and those of our login page.
//!
//! `app_routes` and `page_routes` are the table of contents, one file a path. The app's answers are DJI's envelope
//! ([`answer`]), the page's are like those of the rest of the API. Both know a controller by its `X-Auth-Token` ([`crew`]),
//! which says whose it is and for which workspace: what a body says of that is not asked.

mod answer;
mod crew;
mod current;
mod elements;
mod fast_upload;
mod flight;
mod group_upload_callback;
mod license;
mod login;
mod page;
mod session;
mod state;
mod sts;
mod tiny_fingerprints;
mod topologies;
mod upload_callback;
mod waylines;

use std::sync::Arc;

use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use answer::{in_envelope, is_apps, read_body};
pub use crew::AUTH_TOKEN;
pub use session::{LicenseItem, PilotMqtt, PilotSession, PilotSettingsItem};
pub use state::{LastFile, PilotState};

use crate::app::App;

pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    page_routes().merge(app_routes())
}

fn page_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .route("/pilot", get(page::index))
        .route("/pilot/", get(page::index))
        .routes(routes!(license::get_pilot_license))
        .routes(routes!(login::log_in_pilot))
        .routes(routes!(session::renew_pilot))
        .routes(routes!(session::get_pilot_session, session::delete_pilot_session))
        .routes(routes!(state::get_pilot_state))
}

fn app_routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(fast_upload::fast_upload))
        .routes(routes!(tiny_fingerprints::tiny_fingerprints))
        .routes(routes!(sts::sts))
        .routes(routes!(upload_callback::upload_callback))
        .routes(routes!(group_upload_callback::group_upload_callback))
        .routes(routes!(topologies::list_topologies))
        .routes(routes!(current::current_workspace))
        .routes(routes!(waylines::list_waylines))
        .routes(routes!(waylines::duplicate_names))
        .routes(routes!(elements::list_element_groups))
}
