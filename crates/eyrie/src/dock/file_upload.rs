//! `file_upload_callback`: a file is reported. What is done with it is in `crate::reported`.
//!
//! What is answered when is in `docs/decisions/answers.md`.

use eyrie_catalogue::PilotFile;
use eyrie_cloudapi::{FileUpload, error as codes};

use super::{Answer, Call, flight_task};
use crate::reported::{Kept, Reported};

pub(super) async fn callback(call: &Call<'_>, upload: &FileUpload) -> Answer {
    let span = tracing::Span::current();
    span.record("object.key", &*upload.object_key).record("flight.id", upload.flight_id.as_deref());
    let Some(dock) = call.app.docks.identity(call.sn()) else {
        let refused =
            Answer::result(codes::NOT_KEPT).with_note("the dock is not known here: add it with `eyrie dock add`");
        return call.keep_and_answer(refused).await;
    };
    if let Some(result) = upload.failed_result {
        let note = format!(
            "the dock reports that the upload failed with {result}{}",
            codes::text(result).map(|text| format!(": {text}")).unwrap_or_default()
        );
        // the flight is known by it: without the file it stalls, and somebody looks
        let answer = Answer::result(0).with_note(note);
        return flight_task::keep(call, upload.flight_id.as_deref(), answer, |facts| {
            facts.flight_type = upload.flight_type;
            facts.expected_file_count = upload.expected_file_count;
            facts.uploaded_file_count = upload.uploaded_file_count;
        })
        .await;
    }
    let reported = Reported {
        app: call.app,
        device: &dock,
        upload,
        event: call.raw_event(),
        pilot: PilotFile::default(),
        track_id: None,
    };
    match reported.keep().await {
        Ok(Kept::Stored) => Answer::result(0),
        Ok(Kept::Duplicate { of }) => Answer::result(0).with_note(format!("the same file is stored as {of}")),
        Ok(Kept::Deleted) => Answer::result(0).with_note("the file was stored, and has been deleted for good since"),
        Ok(Kept::Missing) => {
            let note = "the object is not in the store; the dock keeps the file and reports it again";
            Answer::result(codes::NOT_KEPT).with_note(note)
        }
        Ok(Kept::Foreign) => {
            let note = "the key lies outside every prefix ever issued to this dock: in quarantine";
            Answer::result(0).with_note(note)
        }
        Err(error) => call.not_kept(&error),
    }
}
