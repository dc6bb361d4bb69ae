//! `upload-callback`: the app reports a file it uploaded.
//!
//! The checks are a dock's ([`crate::reported`]). The app repeats itself until it hears 0, so 0 is what it hears for a
//! repeated report, for the same file below another key, and for an upload that it says failed.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use eyrie_catalogue::PilotFile;
use eyrie_cloudapi::pilot::{UploadCallback, upload_callback_data};
use eyrie_cloudapi::{FileUpload, error as codes};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::answer::{Answer, Exchange};
use super::crew::{AppCrew, Crew};
use super::flight::{Belongs, Clues, belongs};
use crate::app::App;
use crate::reported::{Kept, Reported, keep_event};

/// `flight_type` of a wayline.
const WAYLINE: i64 = 0;

/// Report an uploaded file
///
/// DJI's body; everything but `object_key` may be missing or of another type. 403 for a key outside the controller's own
/// prefix; 200 with a `code` that is not 0 for an object that is not in the store.
#[utoipa::path(post, path = "/media/api/v1/workspaces/{ws}/upload-callback", tag = "pilot", security(("controller" = [])),
    params(("ws" = String, Path, description = "the workspace of the token")), request_body = Object,
    responses((status = 200, description = "DJI's envelope", body = Object)))]
pub(super) async fn upload_callback(
    State(app): State<Arc<App>>,
    AppCrew(crew): AppCrew,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let path = format!("/media/api/v1/workspaces/{}/upload-callback", crew.device.workspace_id);
    let exchange = Exchange::new(&app, &crew, &headers, "upload-callback", path);
    let event = exchange.raw_event(&body);
    let asked = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let callback = match UploadCallback::read(&body) {
        Ok(callback) => callback,
        Err(error) => {
            // nobody can act on it, but nothing that was said is lost
            let kept = keep_event(&app, event).await;
            return exchange.end(asked, kept.map_or_else(Answer::unavailable, |()| error.into()), None);
        }
    };
    let (answer, note) = match callback {
        UploadCallback::Failed { result, object_key } => {
            let kept = keep_event(&app, event).await;
            let data = upload_callback_data(object_key.as_deref().unwrap_or_default());
            let note = format!("the app reports that the upload failed with {result}");
            (kept.map_or_else(Answer::unavailable, |()| Answer::done(data)), Some(note))
        }
        UploadCallback::Uploaded { file, tiny_fingerprint, aircraft_sn } => {
            let mut file = file;
            let (pilot, track_id) = describe(&crew, &mut file, tiny_fingerprint, aircraft_sn);
            let reported = Reported { app: &app, device: &crew.device, upload: &file, event, pilot, track_id };
            answer(reported.keep().await.map_err(|error| error.to_string()), &file)
        }
    };
    exchange.end(asked, answer, note)
}

fn answer(kept: Result<Kept, String>, file: &FileUpload) -> (Answer, Option<String>) {
    let done = || Answer::done(upload_callback_data(&file.object_key));
    match kept {
        Ok(Kept::Stored) => (done(), None),
        Ok(Kept::Duplicate { of }) => (done(), Some(format!("the same file is stored as {of}"))),
        Ok(Kept::Deleted) => (done(), Some("the file was stored, and has been deleted for good since".to_owned())),
        Ok(Kept::Missing) => (Answer::no(codes::NOT_KEPT, "the file is not in the store: upload it again"), None),
        Ok(Kept::Foreign) => {
            let why = "the key lies outside the prefix that this controller was given";
            (Answer::refused(StatusCode::FORBIDDEN, why), None)
        }
        Err(why) => (Answer::unavailable(why), None),
    }
}

/// What only Pilot 2 says, and the run of a wayline; also names the file's flight where the file tells it.
fn describe(
    crew: &Crew,
    file: &mut FileUpload,
    tiny_fingerprint: Option<String>,
    aircraft_sn: Option<String>,
) -> (PilotFile, Option<String>) {
    let clues = Clues {
        workspace_id: crew.device.workspace_id,
        gateway_sn: &crew.device.sn,
        aircraft_sn: aircraft_sn.as_deref(),
        drone_model_key: file.drone_model_key.as_deref(),
        path: file.path.as_deref(),
        file_group_id: file.file_group_id.as_deref(),
    };
    let (flight_id, track_id, flight_group) = match belongs(&clues) {
        Belongs::ToFlight { flight_id, track_id } => (Some(flight_id), track_id, None),
        Belongs::ToGroup(group) => (None, None, Some(group)),
    };
    file.flight_type = flight_id.as_ref().map(|_| WAYLINE);
    file.flight_id = flight_id;
    let pilot = PilotFile {
        file_group_id: file.file_group_id.clone(),
        sub_file_type: file.sub_file_type,
        tiny_fingerprint,
        flight_group,
        aircraft_sn,
    };
    (pilot, track_id)
}
