//! The HTTP API: every route, and what surrounds all of them.
//!
//! `routes` is the table of contents: a handler's own attribute has its path, and one file holds a noun's handlers with
//! the types they answer. `openapi.json` at the root of the repository is generated from the same list and its
//! freshness is tested. Left out on purpose: CORS (our page is same-origin) and versions beside `v1`.

pub mod albums;
pub mod archives;
pub mod audit;
pub mod auth;
pub mod base_map;
mod bundle;
mod compress;
pub mod controllers;
pub mod docks;
pub mod download;
pub mod events;
pub mod extract;
pub mod flights;
pub mod footprints;
pub mod forwarded;
pub mod health;
pub mod holds;
pub mod jobs;
pub mod media;
pub mod media_counts;
mod openapi;
pub mod page;
pub mod pictures;
pub mod ppk;
pub mod problem;
pub mod proxy;
pub mod retention;
pub mod s3_keys;
pub mod same_place;
pub mod seen_at;
pub mod session;
pub mod settings;
pub mod shared;
pub mod shares;
mod site_zone;
pub mod storage;
mod surround;
pub mod telemetry;
pub mod thermal;
pub mod tiles;
pub mod tokens;
pub mod trash;
pub mod users;
pub mod words;
pub mod workspaces;
mod zip;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::{Extension, Router};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use openapi::openapi;

use crate::app::App;
use problem::{Kind, Problem};

fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(openapi::head())
        // health
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::metrics))
        .routes(routes!(openapi::openapi_json))
        // who is asking
        .routes(routes!(session::create_session, session::get_session, session::delete_session))
        .routes(routes!(crate::oidc::get_login_options))
        .routes(routes!(crate::oidc::start_oidc))
        .routes(routes!(crate::oidc::finish_oidc))
        // the library
        .routes(routes!(media::list_media))
        .routes(routes!(media_counts::count_media))
        .routes(routes!(storage::get_storage))
        .routes(routes!(media::get_media, media::trash_media))
        .routes(routes!(media::restore_media))
        .routes(routes!(media::get_media_content))
        .routes(routes!(archives::create_archive))
        .routes(routes!(archives::get_archive))
        .routes(routes!(pictures::get_thumbnail))
        .routes(routes!(pictures::get_preview))
        .routes(routes!(thermal::get_thermal))
        .routes(routes!(telemetry::get_media_telemetry))
        .routes(routes!(telemetry::export_media, telemetry::export_selected))
        .routes(routes!(proxy::get_proxy, proxy::make_proxy))
        .routes(routes!(same_place::list_same_place))
        .routes(routes!(flights::list_flights))
        .routes(routes!(flights::count_flights))
        .routes(routes!(flights::get_flight))
        .routes(routes!(flights::prioritize_flight))
        .routes(routes!(telemetry::get_flight_telemetry))
        .routes(routes!(ppk::get_ppk))
        .routes(routes!(ppk::get_ppk_zip))
        .routes(routes!(ppk::solve_ppk))
        .routes(routes!(ppk::get_ppk_solution))
        .routes(routes!(docks::list_docks, docks::add_dock))
        .routes(routes!(docks::get_dock, docks::change_dock))
        .routes(routes!(docks::get_dock_set_up))
        .routes(routes!(docks::list_trace))
        .routes(routes!(docks::rotate_dock))
        .routes(routes!(docks::disable_dock))
        .routes(routes!(docks::enable_dock))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job))
        .routes(routes!(jobs::retry_job))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(events::stream_events))
        // the map
        .routes(routes!(tiles::get_tile))
        .routes(routes!(seen_at::list_seen_at))
        .routes(routes!(footprints::list_footprints))
        .routes(routes!(footprints::get_media_footprints))
        .routes(routes!(base_map::get_base_map))
        .routes(routes!(base_map::get_base_pmtiles))
        // what is kept, and for how long
        .routes(routes!(trash::get_trash))
        .routes(routes!(trash::empty_trash))
        .routes(routes!(retention::list_retention_rules, retention::create_retention_rule))
        .routes(routes!(retention::preview_retention_rule))
        .routes(routes!(retention::apply_retention_rules))
        .routes(routes!(retention::change_retention_rule, retention::delete_retention_rule))
        .routes(routes!(holds::list_legal_holds, holds::place_legal_hold))
        .routes(routes!(holds::get_legal_hold, holds::release_legal_hold))
        // albums and share links
        .routes(routes!(albums::list_albums, albums::create_album))
        .routes(routes!(albums::get_album, albums::change_album, albums::delete_album))
        .routes(routes!(albums::add_album_media))
        .routes(routes!(albums::remove_album_media))
        .routes(routes!(shares::list_shares, shares::create_share))
        .routes(routes!(shares::get_share, shares::revoke_share))
        .routes(routes!(shares::list_share_visits))
        .routes(routes!(shared::open_shared))
        .routes(routes!(shared::unlock_shared))
        .routes(routes!(shared::list_shared_media))
        .routes(routes!(shared::get_shared_thumbnail))
        .routes(routes!(shared::get_shared_preview))
        .routes(routes!(shared::get_shared_video))
        .routes(routes!(shared::get_shared_content))
        .routes(routes!(shared::get_shared_archive))
        // administration
        .routes(routes!(workspaces::list_workspaces, workspaces::create_workspace))
        .routes(routes!(tokens::list_tokens, tokens::create_token))
        .routes(routes!(tokens::revoke_token))
        .routes(routes!(s3_keys::list_s3_keys, s3_keys::create_s3_key))
        .routes(routes!(s3_keys::revoke_s3_key))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::change_user, users::delete_user))
        .routes(routes!(users::reset_password))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::list_server_audit))
        .routes(routes!(settings::get_settings))
        // Pilot 2: controllers, the app and its login page
        .routes(routes!(controllers::list_controllers, controllers::add_controller))
        .routes(routes!(controllers::get_controller))
        .routes(routes!(controllers::rotate_controller))
        .routes(routes!(controllers::disable_controller))
        .routes(routes!(controllers::enable_controller))
        .routes(routes!(controllers::get_pilot_settings, controllers::set_pilot_settings))
        .merge(crate::pilot::routes())
}

/// The API as a service. The listener puts `ConnectInfo<SocketAddr>` of the peer into each request; a `CancellationToken`
/// among the extensions ends event streams, which would otherwise hold up a stop.
pub fn router(app: Arc<App>) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(crate::page::serve)
        .method_not_allowed_fallback(async || Problem::new(Kind::MethodNotAllowed, "see the Allow header"))
        // the last layer sees a request first
        .layer(DefaultBodyLimit::max(app.config.http.max_body_bytes))
        .layer(Extension(health::LastCheck::default()))
        .layer(Extension(Arc::new(crate::oidc::Oidc::new(&app))))
        .layer(from_fn_with_state(Arc::clone(&app), crate::pilot::read_body))
        .layer(from_fn_with_state(Arc::clone(&app), auth::require_login))
        .layer(from_fn(surround::limit_time))
        .layer(CatchPanicLayer::custom(surround::explain_panic))
        .layer(from_fn(crate::pilot::in_envelope))
        .layer(compress::layer())
        .layer(from_fn(compress::reads_only))
        .layer(from_fn(surround::set_headers))
        .layer(from_fn_with_state(Arc::clone(&app), surround::observe))
        .layer(from_fn_with_state(forwarded::networks(&app.config.http.trusted_proxies), forwarded::find_peer))
        .with_state(app)
}
