//! A disk that fails at a named step. Fail points belong to the process, so this is a program of its own, and its steps are
//! taken one after the other.
#![cfg(feature = "failpoints")]

#[path = "suite/common.rs"]
#[allow(dead_code, reason = "shared with the other suite")]
mod common;

use std::time::{Duration, Instant};

use eyrie_catalogue::{CatalogueError, MediaFilter};
use eyrie_env::{FailAction, fail_set};

use common::{Fixture, report};

static ONE_AT_A_TIME: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

async fn rows(fixture: &Fixture) -> usize {
    let page = fixture.again().await.list_media(fixture.workspace_id, &MediaFilter::default(), None, 10).await;
    page.expect("read").items.len()
}

#[tokio::test]
async fn after_an_io_error_nothing_is_acknowledged_until_reopened() {
    let _alone = ONE_AT_A_TIME.write().await;
    for (step, kept) in
        [("catalogue.ingest.begin", 0), ("catalogue.ingest.commit", 0), ("catalogue.ingest.committed", 2)]
    {
        let fixture = Fixture::new().await;
        let batch = [report(fixture.photo("p/a")), report(fixture.photo("p/b"))];
        fail_set(step, Some(FailAction::Error), Some(1));
        let error = fixture.catalogue.ingest(&batch).await.expect_err("the disk failed");
        assert!(matches!(error, CatalogueError::Database { .. }), "{step}");
        assert!(matches!(fixture.catalogue.ingest(&batch).await, Err(CatalogueError::Broken)), "{step}");
        assert!(matches!(fixture.catalogue.check().await, Err(CatalogueError::Broken)), "{step}");
        fixture.catalogue.workspaces().await.expect("reading goes on");
        assert_eq!(rows(&fixture).await, kept, "{step}");
        let again = fixture.again().await;
        again.ingest(&batch).await.expect("a reopened one writes");
        assert_eq!(rows(&fixture).await, 2, "{step}");
        assert_eq!(again.events_of("DOCK1", 10).await.expect("read").len(), 2, "{step}: an event is kept once");
    }
}

#[tokio::test]
async fn a_full_disk_is_no_reason_to_stop_for_good() {
    let _alone = ONE_AT_A_TIME.write().await;
    for step in ["catalogue.ingest.begin", "catalogue.ingest.commit"] {
        let fixture = Fixture::new().await;
        let batch = [report(fixture.photo("p/a")), report(fixture.photo("p/b"))];
        fail_set(step, Some(FailAction::NoSpace), Some(1));
        fixture.catalogue.ingest(&batch).await.expect_err("the disk is full");
        assert_eq!(rows(&fixture).await, 0, "{step}");
        fixture.catalogue.ingest(&batch).await.expect("there is room again");
        assert_eq!(rows(&fixture).await, 2, "{step}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_stalled_commit_does_not_hold_up_other_tasks() {
    let _alone = ONE_AT_A_TIME.write().await;
    let fixture = Fixture::new().await;
    fail_set("catalogue.ingest.commit", Some(FailAction::Stall(Duration::from_millis(600))), Some(1));
    let started = Instant::now();
    let (catalogue, batch) = (fixture.catalogue.clone(), [report(fixture.photo("p/a"))]);
    let write = tokio::spawn(async move { catalogue.ingest(&batch).await });
    tokio::task::yield_now().await;
    let mut reads = 0;
    while !write.is_finished() && started.elapsed() < Duration::from_secs(10) {
        fixture.catalogue.workspaces().await.expect("read");
        reads += 1;
    }
    write.await.expect("no panic").expect("kept");
    assert!(started.elapsed() >= Duration::from_millis(600));
    assert!(reads > 3, "only {reads} reads went through");
}

/// Word of the object and the end of the row are one commit: both, or neither.
#[tokio::test]
async fn a_deletion_that_fails_deletes_nothing_and_one_that_is_done_leaves_word() {
    let _alone = ONE_AT_A_TIME.write().await;
    for (step, deleted) in
        [("catalogue.purge.begin", false), ("catalogue.purge.commit", false), ("catalogue.purge.committed", true)]
    {
        let fixture = Fixture::new().await;
        let photo = fixture.photo("p/a");
        let unworked = eyrie_catalogue::IngestReport { jobs: Vec::new(), ..report(photo.clone()) };
        fixture.catalogue.ingest(&[unworked]).await.expect("kept");
        let entry = |_: &eyrie_catalogue::Media| eyrie_catalogue::AuditEntry {
            id: common::id(),
            workspace_id: Some(fixture.workspace_id),
            at: common::at(300),
            actor: "test".into(),
            action: "media.delete".into(),
            subject: "x".into(),
            detail: serde_json::json!({}),
        };
        fixture.catalogue.set_media_trashed(photo.id, Some(common::at(300)), &entry(&photo)).await.expect("trashed");
        let object = eyrie_catalogue::SeenObject {
            object_key: "p/a".into(),
            etag: "etag".into(),
            last_modified: common::at(200),
        };
        let candidate =
            eyrie_catalogue::PurgeCandidate { media_id: photo.id, object: Some(object), duplicates: Vec::new() };
        let (before, now) = (common::at(300), common::at(400));
        fail_set(step, Some(FailAction::Error), Some(1));
        fixture
            .catalogue
            .purge(std::slice::from_ref(&candidate), before, now, entry)
            .await
            .expect_err("the disk failed");
        let refused = fixture.catalogue.purge(std::slice::from_ref(&candidate), before, now, entry).await;
        assert!(matches!(refused, Err(CatalogueError::Broken)), "{step}");
        let again = fixture.again().await;
        let row = again.media_by_id(photo.id).await.expect("read");
        let left = again.pending_removals(10).await.expect("read");
        assert_eq!((row.is_none(), left.len()), (deleted, usize::from(deleted)), "{step}");
        again.purge(&[candidate], before, now, entry).await.expect("a reopened one goes on");
        assert_eq!(again.pending_removals(10).await.expect("read").len(), 1, "{step}");
    }
}
