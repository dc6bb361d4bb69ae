//! What a dock says of a flight besides its files.

use eyrie_catalogue::{FlightFacts, IngestReport};
use eyrie_cloudapi::{FlighttaskProgress, HighestPriorityUploadFlighttaskMedia, ServicesReply, error as codes};

use super::services::ServiceReply;
use super::{Answer, Call};

/// `flighttask_progress`: how many shots the flight took, and where it stands. Needs its answer.
pub(super) async fn progress(call: &Call<'_>, event: &FlighttaskProgress) -> Answer {
    let failed = event.failed_result.map(|result| {
        let words = codes::text(result).map(|text| format!(": {text}")).unwrap_or_default();
        format!("the dock reports that the task failed with {result}{words}")
    });
    let answer = Answer { note: failed, ..Answer::result(0) };
    keep(call, event.flight_id.as_deref(), answer, |facts| {
        facts.media_count = event.media_count;
        facts.track_id = event.track_id.clone();
        facts.task_status = event.status.clone();
    })
    .await
}

/// `highest_priority_upload_flighttask_media`: which flight the dock uploads first now.
pub(super) async fn highest_priority(call: &Call<'_>, event: &HighestPriorityUploadFlighttaskMedia) -> Answer {
    let now = call.app.now();
    keep(call, Some(&event.flight_id), Answer::result(0), |facts| facts.prioritized_at = Some(now)).await
}

/// The dock's answer to a command of ours.
pub(super) fn services_reply(call: &Call<'_>, reply: &ServicesReply) {
    let answer = ServiceReply { result: reply.result, output: reply.output.clone() };
    if !call.app.services.answered(call.sn(), &call.incoming.envelope.tid, answer) {
        tracing::debug!(dock.sn = call.sn(), tid = %call.incoming.envelope.tid, "a reply that nobody waits for");
    }
}

/// Keeps the event and, when it names a flight, what it says of it; the flight exists from then on.
pub(super) async fn keep(
    call: &Call<'_>,
    flight_id: Option<&str>,
    answer: Answer,
    fill: impl FnOnce(&mut FlightFacts),
) -> Answer {
    let (app, sn) = (call.app, call.sn());
    tracing::Span::current().record("flight.id", flight_id);
    let flight = match (app.docks.identity(sn), flight_id.filter(|id| !id.is_empty())) {
        (Some(dock), Some(flight_id)) => {
            let mut facts = FlightFacts {
                workspace_id: dock.workspace_id,
                flight_id: flight_id.to_owned(),
                gateway_sn: Some(sn.to_owned()),
                ..Default::default()
            };
            fill(&mut facts);
            Some(facts)
        }
        _ => None,
    };
    let report = IngestReport { event: Some(call.raw_event()), media: None, flight, jobs: Vec::new(), now: app.now() };
    match app.ingest.report(report).await {
        Ok(_) => answer,
        Err(error) => call.not_kept(&error),
    }
}
