//! The survey files of a flight: the report, all of them as one zip, a solution and its results.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use eyrie_catalogue::{Media, NewJob};
use eyrie_media::solution::{self, EventPosition};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::archives::answer;
use super::auth::{Operator, Scope, Viewer};
use super::bundle::{Bundle, Manifest, Planned};
use super::download::{attachment, streamed};
use super::extract::{Json as Body, PathParams, QueryParams, blank_is_none};
use super::flights::Accepted;
use super::problem::Problem;
use super::zip::safe;
use crate::app::App;
use crate::jobs::ppk_set;
use crate::jobs::ppk_solve::{self, PpkSolve, Rtklib};

/// What a flight's survey files amount to.
#[derive(Debug, Serialize, ToSchema)]
pub struct PpkReport {
    pub flight_id: String,
    /// Complete or what is missing, the logs' epochs, intervals, spans, satellites and gaps, and how exposures and photos
    /// fit together.
    #[schema(value_type = Object)]
    pub set: Value,
    /// The last solution: share of fixed epochs, exposures solved, base and warnings; null before the first.
    #[schema(value_type = Option<Object>)]
    pub solution: Option<Value>,
    /// What lacks on the server for solving; null when RTKLIB is installed.
    pub solver_missing: Option<String>,
    pub updated_at: Timestamp,
}

/// A photo's place as its flight's PPK solution has it; the original stays as it was.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct CorrectedPosition {
    pub lat: f64,
    pub lng: f64,
    pub ellipsoid_height_m: f64,
    /// fixed, float, single, ...: the worse of the two epochs around the exposure.
    pub quality: Option<String>,
    /// One sigma: north, east, up.
    pub std_m: Option<[f64; 3]>,
    /// False: the place is the antenna's.
    pub lever_arm_applied: bool,
    /// Metres from the position that the exposure's record had in flight.
    pub moved_m: Option<f64>,
    /// The exposure's number.
    pub sequence: u32,
    pub exposed_at: Timestamp,
}

impl CorrectedPosition {
    pub(super) async fn of(app: &App, workspace_id: Uuid, media_id: Uuid) -> Result<Option<Self>, Problem> {
        let kept = app.catalogue.ppk_position(workspace_id, media_id).await?;
        kept.map(serde_json::from_value).transpose().map_err(Problem::internal)
    }
}

async fn known(app: &App, workspace_id: Uuid, flight_id: &str) -> Result<(), Problem> {
    app.catalogue.flight(workspace_id, flight_id).await?.map(drop).ok_or_else(Problem::not_found)
}

/// Show what a flight's survey files (.obs .rtk .mrk .nav .dat) amount to
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk", tag = "ppk",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("flight_id" = String, Path)),
    responses((status = 200, body = PpkReport)))]
pub async fn get_ppk(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, flight_id)): PathParams<(String, String)>,
) -> Result<Json<PpkReport>, Problem> {
    let workspace_id = scope.workspace.id;
    known(&app, workspace_id, &flight_id).await?;
    let (set, updated_at) = match app.catalogue.ppk_set(workspace_id, &flight_id).await? {
        Some(row) => (row.report, row.updated_at),
        // its job comes later, or there is no survey file
        None => (json!(ppk_set::build(&app, workspace_id, &flight_id).await.map_err(Problem::internal)?), app.now()),
    };
    let solution = app.catalogue.ppk_solution_report(workspace_id, &flight_id).await?;
    Ok(Json(PpkReport { flight_id, set, solution, solver_missing: Rtklib::find().err(), updated_at }))
}

/// Download a flight's survey files as one zip, laid out as on the aircraft's card
///
/// The files are stored as they are, so `Content-Length` is known; a `Range` is answered. 409 when the flight has none.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk.zip", tag = "ppk",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("flight_id" = String, Path)),
    responses((status = 200, description = "The zip", content_type = "application/zip", body = [u8])))]
pub async fn get_ppk_zip(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, flight_id)): PathParams<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    known(&app, scope.workspace.id, &flight_id).await?;
    let files = ppk_set::gather_files(&app, scope.workspace.id, &flight_id).await?;
    if files.is_empty() {
        return Err(Problem::conflict("the flight has no survey file"));
    }
    let names = card_names(&files, &flight_id);
    let plan: Vec<_> = files.iter().zip(names).map(|(media, path)| Planned::new(media, path)).collect();
    let tag = plan.iter().fold(Sha256::new(), |tag, file| tag.chain_update(format!("{}\0{}\n", file.path, file.etag)));
    let etag = format!("\"{}\"", Uuid::from_slice(&tag.finalize()[..16]).map_err(Problem::internal)?);
    answer(Bundle::new(&app, plan, Manifest::No).await?, &format!("{flight_id}_PPK"), &etag, &headers)
}

/// DJI's endings behind the folder's name.
const ENDINGS: [&str; 7] =
    ["_timestamp.mrk", "_ppkobs.obs", "_ppknav.nav", "_ppkraw.bin", "_rinex.obs", "_eventlog.bin", "_ppkraw.rtk"];

/// `folder/name` of each file: the folder is the one that the names begin with, as on the card.
fn card_names(files: &[Media], flight_id: &str) -> Vec<String> {
    let folder_of = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let ending = ENDINGS.iter().find(|ending| lower.ends_with(**ending))?;
        name.get(..name.len() - ending.len()).filter(|folder| !folder.is_empty()).map(str::to_owned)
    };
    let shared = files.iter().find_map(|media| folder_of(&media.name)).unwrap_or_else(|| flight_id.to_owned());
    let mut taken = std::collections::HashSet::new();
    let mut name_of = |media: &Media| {
        let folder = safe(&folder_of(&media.name).unwrap_or_else(|| shared.clone()));
        let name = safe(&media.name);
        let mut path = format!("{folder}/{name}");
        // two files of one name: the id keeps them apart
        if !taken.insert(path.to_lowercase()) {
            path = format!("{folder}/{}_{name}", media.id);
            taken.insert(path.to_lowercase());
        }
        path
    };
    files.iter().map(&mut name_of).collect()
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSolution {
    /// A file of this workspace with the base's observations (RINEX or RTCM 3); the flight's own `.dat` when left out.
    #[serde(default)]
    pub base_media_id: Option<Uuid>,
}

/// Solve a flight's PPK set
///
/// The job answers with the share of fixed epochs; photos then show `corrected_position` beside their own. 409 when RTKLIB is
/// not installed on the server or a file lacks: the detail says what.
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk/solve", tag = "ppk",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("flight_id" = String, Path)),
    request_body = NewSolution,
    responses((status = 202, body = Accepted)))]
pub async fn solve_ppk(
    scope: Scope<Operator>,
    State(app): State<Arc<App>>,
    PathParams((_ws, flight_id)): PathParams<(String, String)>,
    Body(wanted): Body<NewSolution>,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let workspace_id = scope.workspace.id;
    known(&app, workspace_id, &flight_id).await?;
    let base = match wanted.base_media_id {
        Some(id) => app.catalogue.media(workspace_id, id).await?,
        None => None,
    };
    // said now rather than by a job that fails
    let set = ppk_set::build(&app, workspace_id, &flight_id).await.map_err(Problem::internal)?;
    let files = ppk_set::gather_files(&app, workspace_id, &flight_id).await?;
    ppk_solve::choose(&set, &files, base.as_ref(), wanted.base_media_id.is_some()).map_err(Problem::conflict)?;
    Rtklib::find().map_err(Problem::conflict)?;

    let (job_id, now) = (app.new_id(), app.now());
    let payload = PpkSolve { base_media_id: wanted.base_media_id };
    let job = NewJob {
        id: job_id,
        workspace_id: Some(workspace_id),
        kind: ppk_solve::KIND.into(),
        media_id: None,
        flight_id: Some(flight_id.clone()),
        payload: serde_json::to_value(&payload).map_err(Problem::internal)?,
        run_after: now,
        max_attempts: app.config.jobs.max_attempts,
    };
    app.catalogue.add_jobs(&[job], now).await?;
    app.wake.wake();
    let detail = json!({ "base_media_id": payload.base_media_id, "job_id": job_id });
    scope.audit(&app, "flight.ppk_solve", &flight_id, detail).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { job_id })))
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SolutionFormat {
    /// A line for each exposure.
    #[default]
    Csv,
    /// A point for each exposure that has a place.
    Geojson,
    /// The trajectory as RTKLIB wrote it.
    Pos,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SolutionQuery {
    /// `csv` when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false, inline)]
    format: Option<SolutionFormat>,
}

/// Download the last solution of a flight's PPK set
///
/// 409 when there is none yet.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights/{flight_id}/ppk/solution", tag = "ppk",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("flight_id" = String, Path), SolutionQuery),
    responses((status = 200, description = "The solution", content_type = "text/csv", body = String)))]
pub async fn get_ppk_solution(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, flight_id)): PathParams<(String, String)>,
    QueryParams(query): QueryParams<SolutionQuery>,
) -> Result<Response, Problem> {
    let workspace_id = scope.workspace.id;
    known(&app, workspace_id, &flight_id).await?;
    let solution = app.catalogue.ppk_solution(workspace_id, &flight_id).await?;
    let solution = solution
        .ok_or_else(|| Problem::conflict("the flight has no solution yet: ask for one with POST .../ppk/solve"))?;
    let format = query.format.unwrap_or_default();
    if format == SolutionFormat::Pos {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
            (header::CONTENT_DISPOSITION, attachment(&format!("{flight_id}.pos"))),
        ];
        return Ok((headers, solution.pos).into_response());
    }
    let positions: Vec<EventPosition> = serde_json::from_value(solution.positions).map_err(Problem::internal)?;
    let names = photo_names(&app, workspace_id, &flight_id).await?;
    let photos = move |event: usize| names.get(&event).cloned().unwrap_or_default();
    Ok(if format == SolutionFormat::Csv {
        let name = format!("{flight_id}_positions.csv");
        streamed("text/csv; charset=utf-8", &name, move |out| solution::write_csv(out, &positions, &photos))
    } else {
        let name = format!("{flight_id}_positions.geojson");
        streamed("application/geo+json", &name, move |out| solution::write_geojson(out, &positions, &photos))
    })
}

/// The photos of each exposure, by its place in the order of time.
async fn photo_names(
    app: &App,
    workspace_id: Uuid,
    flight_id: &str,
) -> Result<std::collections::HashMap<usize, Vec<String>>, Problem> {
    let gathered = ppk_set::gather(app, workspace_id, flight_id).await?;
    let names = tokio::task::spawn_blocking(move || {
        let set = eyrie_media::ppk::build(&gathered.set_files(), &gathered.set_photos());
        let by_id: std::collections::HashMap<String, &str> =
            gathered.photos.iter().map(|media| (media.id.to_string(), media.name.as_str())).collect();
        let of = |ids: &[String]| {
            ids.iter().filter_map(|id| by_id.get(id.as_str())).map(|name| (*name).to_owned()).collect()
        };
        set.photos.matches.iter().map(|found| (found.event, of(&found.media_ids))).collect()
    });
    names.await.map_err(Problem::internal)
}
