//! The one commit behind `result: 0`.

use crate::common::{Fixture, at, event, id, photo, report, workspace};
use eyrie_catalogue::{FlightFacts, IngestReport, MediaFilter, MediaKind, MediaSource, MediaStatus, Processing};
use serde_json::json;

#[tokio::test]
async fn a_report_is_row_event_flight_and_job_in_one() {
    let fixture = Fixture::new().await;
    let media = fixture.photo("p/a.jpg");
    let outcome = fixture.catalogue.ingest(&[report(media.clone())]).await.expect("kept").remove(0);
    assert_eq!((outcome.media_id, outcome.inserted, outcome.changed), (Some(media.id), true, false));

    let kept = fixture.catalogue.media(fixture.workspace_id, media.id).await.expect("read").expect("there");
    assert_eq!(kept, media);
    assert_eq!(fixture.catalogue.events_of("DOCK1", 10).await.expect("read").len(), 1);
    let flight = fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!((flight.stored_count, flight.gateway_sn.as_deref()), (1, Some("DOCK1")));
    assert_eq!(flight.first_captured_at, media.captured_at);
    assert_eq!(flight.bbox, Some([13.0, 52.0, 13.0, 52.0]));
    let jobs = fixture.catalogue.list_jobs(None, None, None, None, 10).await.expect("read");
    assert_eq!(jobs.items.len(), 1);
    assert_eq!(jobs.items[0].media_id, Some(media.id));
}

#[tokio::test]
async fn a_redelivery_in_one_batch_or_the_next_makes_one_row_and_one_job() {
    let fixture = Fixture::new().await;
    let first = fixture.photo("p/a.jpg");
    let again = fixture.photo("p/a.jpg");
    let outcomes = fixture.catalogue.ingest(&[report(first.clone()), report(again.clone())]).await.expect("kept");
    assert!(outcomes[0].inserted && !outcomes[1].inserted && !outcomes[1].changed);
    assert_eq!(outcomes[1].media_id, Some(first.id));
    let later = fixture.catalogue.ingest(&[report(fixture.photo("p/a.jpg"))]).await.expect("kept").remove(0);
    assert_eq!((later.media_id, later.inserted, later.changed), (Some(first.id), false, false));

    let page =
        fixture.catalogue.list_media(fixture.workspace_id, &MediaFilter::default(), None, 10).await.expect("read");
    assert_eq!(page.items.len(), 1);
    assert_eq!(fixture.catalogue.list_jobs(None, None, None, None, 10).await.expect("read").items.len(), 1);
    assert_eq!(fixture.catalogue.events_of("DOCK1", 10).await.expect("read").len(), 3);
    let flight = fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!(flight.stored_count, 1);
}

#[tokio::test]
async fn a_new_upload_of_a_key_replaces_what_is_known_and_keeps_the_rest() {
    let fixture = Fixture::new().await;
    let first = fixture.photo("p/a.jpg");
    let mut understood = first.clone();
    understood.kind = MediaKind::Thermal;
    understood.metadata = json!({"exif": {"iso": 100}});
    understood.processing = Processing::Done;
    understood.warnings = vec!["dark".into()];
    fixture.catalogue.ingest(&[report(first.clone())]).await.expect("kept");
    fixture.catalogue.save_understanding(&understood).await.expect("saved");

    let mut poor = fixture.photo("p/a.jpg");
    poor.captured_at = None;
    poor.position = None;
    poor.flight_id = None;
    poor.gateway_sn = None;
    poor.source = MediaSource::Import;
    let same = fixture.catalogue.ingest(&[report(poor.clone())]).await.expect("kept").remove(0);
    assert!(!same.inserted && !same.changed);
    let kept = fixture.catalogue.media_by_id(first.id).await.expect("read").expect("there");
    assert_eq!(kept, understood);

    poor.etag = Some("other".into());
    poor.size_bytes = Some(2);
    let changed = fixture.catalogue.ingest(&[report(poor)]).await.expect("kept").remove(0);
    assert!(changed.changed && !changed.inserted);
    let kept = fixture.catalogue.media_by_id(first.id).await.expect("read").expect("there");
    assert_eq!((kept.size_bytes, kept.etag.as_deref()), (Some(2), Some("other")));
    assert_eq!((kept.captured_at, kept.position), (first.captured_at, first.position));
    assert_eq!((kept.flight_id, kept.gateway_sn, kept.source), (first.flight_id, first.gateway_sn, MediaSource::Dock));
    assert_eq!((kept.processing, kept.warnings.len()), (Processing::Pending, 0));
    let jobs = fixture.catalogue.list_jobs(None, None, None, None, 10).await.expect("read");
    assert_eq!(jobs.items.len(), 2);
    assert!(jobs.items.iter().all(|job| job.media_id == Some(first.id)));
}

#[tokio::test]
async fn a_missing_object_that_arrives_becomes_stored_with_its_job() {
    let fixture = Fixture::new().await;
    let mut absent = fixture.photo("p/a.jpg");
    (absent.status, absent.size_bytes, absent.etag) = (MediaStatus::Missing, None, None);
    let mut kept = report(absent);
    kept.jobs.clear();
    fixture.catalogue.ingest(&[kept]).await.expect("kept");
    let flight = fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!(flight.stored_count, 0);
    let arrived = fixture.catalogue.ingest(&[report(fixture.photo("p/a.jpg"))]).await.expect("kept").remove(0);
    assert!(arrived.changed && !arrived.inserted);
    let flight = fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!((flight.stored_count, flight.first_captured_at), (1, Some(at(100))));
    assert_eq!(fixture.catalogue.list_jobs(None, None, None, None, 10).await.expect("read").items.len(), 1);
}

#[tokio::test]
async fn quarantine_never_touches_a_listed_row() {
    let fixture = Fixture::new().await;
    let listed = fixture.photo("p/a.jpg");
    fixture.catalogue.ingest(&[report(listed.clone())]).await.expect("kept");
    for sn in ["DOCK2", "DOCK3", "DOCK2"] {
        let mut foreign = fixture.photo("p/a.jpg");
        foreign.status = MediaStatus::Quarantined;
        foreign.gateway_sn = Some(sn.into());
        foreign.size_bytes = Some(1);
        fixture.catalogue.ingest(&[report(foreign)]).await.expect("kept");
    }
    let kept = fixture.catalogue.media_by_key(fixture.workspace_id, "p/a.jpg").await.expect("read").expect("there");
    assert_eq!(kept, listed);
    let filter = MediaFilter { status: Some(MediaStatus::Quarantined), ..MediaFilter::default() };
    let page = fixture.catalogue.list_media(fixture.workspace_id, &filter, None, 10).await.expect("read");
    assert_eq!(page.items.len(), 2);
    let flight = fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!((flight.stored_count, flight.gateway_sn.as_deref()), (1, Some("DOCK1")));
    let mut counts = fixture.catalogue.count_media(fixture.workspace_id).await.expect("read");
    counts.sort_by_key(|(status, _)| status.as_str());
    assert_eq!(counts, [(MediaStatus::Quarantined, 2), (MediaStatus::Stored, 1)]);
}

#[tokio::test]
async fn the_trash_keeps_what_is_in_it() {
    let fixture = Fixture::new().await;
    let media = fixture.photo("p/a.jpg");
    fixture.catalogue.ingest(&[report(media.clone())]).await.expect("kept");
    let entry = eyrie_catalogue::AuditEntry {
        id: id(),
        workspace_id: Some(fixture.workspace_id),
        at: at(300),
        actor: "user:admin".into(),
        action: "media.trash".into(),
        subject: media.id.to_string(),
        detail: json!({}),
    };
    assert!(fixture.catalogue.set_media_trashed(media.id, Some(at(300)), &entry).await.expect("trashed"));
    let mut again = fixture.photo("p/a.jpg");
    again.etag = Some("new".into());
    fixture.catalogue.ingest(&[report(again)]).await.expect("kept");
    let kept = fixture.catalogue.media_by_id(media.id).await.expect("read").expect("there");
    assert_eq!(kept.trashed_at, Some(at(300)));
    let flight = fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!((flight.stored_count, flight.trashed_count, flight.bbox), (0, 1, None));
}

#[tokio::test]
async fn flight_counts_never_go_down() {
    let fixture = Fixture::new().await;
    let facts = |expected, uploaded, count| FlightFacts {
        workspace_id: fixture.workspace_id,
        flight_id: "f".into(),
        expected_file_count: expected,
        uploaded_file_count: uploaded,
        media_count: count,
        ..FlightFacts::default()
    };
    let said =
        |facts: FlightFacts| IngestReport { event: None, media: None, flight: Some(facts), jobs: vec![], now: at(1) };
    let mut first = said(facts(Some(10), Some(3), None));
    first.flight.as_mut().expect("there").task_status = Some("in_progress".into());
    fixture.catalogue.ingest(&[first, said(facts(Some(8), Some(5), None))]).await.expect("kept");
    fixture.catalogue.ingest(&[said(facts(None, Some(1), Some(7)))]).await.expect("kept");
    fixture.catalogue.ingest(&[said(facts(None, None, None))]).await.expect("kept");
    let flight = fixture.catalogue.flight(fixture.workspace_id, "f").await.expect("read").expect("there");
    assert_eq!(
        (flight.expected_file_count, flight.uploaded_file_count, flight.media_count),
        (Some(10), Some(5), Some(7))
    );
    assert_eq!(flight.task_status.as_deref(), Some("in_progress"));
}

#[tokio::test]
async fn a_report_that_cannot_be_kept_takes_its_batch_with_it() {
    let fixture = Fixture::new().await;
    let stranger = photo(workspace("unknown").id, "p/b.jpg");
    let batch = [report(fixture.photo("p/a.jpg")), report(stranger)];
    fixture.catalogue.ingest(&batch).await.expect_err("the workspace is not known");
    let page =
        fixture.catalogue.list_media(fixture.workspace_id, &MediaFilter::default(), None, 10).await.expect("read");
    assert!(page.items.is_empty());
    assert!(fixture.catalogue.events_of("DOCK1", 10).await.expect("read").is_empty());
    assert!(fixture.catalogue.flight(fixture.workspace_id, "flight-1").await.expect("read").is_none());
    // the handle goes on
    fixture.catalogue.ingest(&batch[..1]).await.expect("kept");
}

#[tokio::test]
async fn an_event_alone_is_kept_once() {
    let fixture = Fixture::new().await;
    let kept = event("tid");
    let alone = IngestReport { event: Some(kept.clone()), media: None, flight: None, jobs: vec![], now: at(1) };
    let outcome = fixture.catalogue.ingest(&[alone]).await.expect("kept").remove(0);
    assert_eq!((outcome.media_id, outcome.inserted), (None, false));
    fixture.catalogue.keep_events(std::slice::from_ref(&kept)).await.expect("kept");
    assert_eq!(fixture.catalogue.events_of("DOCK1", 10).await.expect("read").len(), 1);
}

#[tokio::test]
async fn two_handles_share_one_database() {
    let fixture = Fixture::new().await;
    let other = fixture.again().await;
    let mut tasks = Vec::new();
    for (n, catalogue) in [fixture.catalogue.clone(), other.clone()].into_iter().enumerate() {
        for m in 0..20 {
            let catalogue = catalogue.clone();
            let (own, shared) = (fixture.photo(&format!("p/{n}-{m}")), fixture.photo(&format!("p/{m}")));
            tasks.push(tokio::spawn(async move { catalogue.ingest(&[report(own), report(shared)]).await }));
        }
    }
    for task in tasks {
        task.await.expect("no panic").expect("kept");
    }
    let page = other.list_media(fixture.workspace_id, &MediaFilter::default(), None, 100).await.expect("read");
    assert_eq!(page.items.len(), 60);
    let flight = other.flight(fixture.workspace_id, "flight-1").await.expect("read").expect("there");
    assert_eq!(flight.stored_count, 60);
}
