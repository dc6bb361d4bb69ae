//! Jobs: claimed once, retried, given up.

use std::collections::HashSet;

use eyrie_catalogue::{CatalogueError, Job, JobState, MediaSelection, NewJob};
use serde_json::json;
use uuid::Uuid;

use crate::common::{Fixture, at, id, new_job, report};

async fn claim(fixture: &Fixture, s: i64, limit: u32) -> Vec<Job> {
    fixture.catalogue.claim_jobs(&["a", "b"], at(s), at(s + 60), limit).await.expect("claimed")
}

async fn job(fixture: &Fixture, id: Uuid) -> Job {
    fixture.catalogue.job(id).await.expect("read").expect("there")
}

#[tokio::test]
async fn due_jobs_of_the_wanted_kinds_are_claimed_newest_first() {
    let fixture = Fixture::new().await;
    let mut later = new_job("a");
    later.run_after = at(100);
    let (old, new, other) = (new_job("a"), new_job("b"), new_job("c"));
    fixture.catalogue.add_jobs(&[old.clone(), later.clone(), other], at(1)).await.expect("added");
    fixture.catalogue.add_jobs(std::slice::from_ref(&new), at(2)).await.expect("added");
    fixture.catalogue.add_jobs(std::slice::from_ref(&new), at(2)).await.expect("added twice is once");
    assert_eq!(fixture.catalogue.next_job_at(&["a", "b"]).await.expect("read"), Some(at(0)));
    assert_eq!(fixture.catalogue.next_job_at(&["b", "z"]).await.expect("read"), Some(at(0)));
    assert_eq!(fixture.catalogue.next_job_at(&["z"]).await.expect("read"), None, "of other kinds only");
    assert!(fixture.catalogue.claim_jobs(&[], at(5), at(6), 5).await.expect("claimed").is_empty());

    let claimed = claim(&fixture, 5, 10).await;
    assert_eq!(claimed.iter().map(|job| job.id).collect::<Vec<_>>(), [new.id, old.id]);
    let first = &claimed[0];
    assert_eq!((first.state, first.attempts, first.lease_until), (JobState::Running, 1, Some(at(65))));
    assert_eq!((&first.payload, first.max_attempts), (&json!({"n": 1}), 3));
    assert!(claim(&fixture, 6, 10).await.is_empty());
    assert_eq!(claim(&fixture, 100, 10).await.len(), 3, "two leases ended, one became due");
}

#[tokio::test]
async fn a_limit_takes_the_newest_over_all_kinds() {
    let fixture = Fixture::new().await;
    for (n, kind) in ["a", "b", "a", "b"].into_iter().enumerate() {
        fixture.catalogue.add_jobs(&[new_job(kind)], at(n as i64)).await.expect("added");
    }
    assert_eq!(claim(&fixture, 5, 3).await.iter().map(|job| job.created_at).collect::<Vec<_>>(), [at(3), at(2), at(1)]);
}

#[tokio::test]
async fn two_claimers_on_two_handles_never_get_the_same_job() {
    let fixture = Fixture::new().await;
    let jobs: Vec<NewJob> = (0..200).map(|_| new_job("a")).collect();
    fixture.catalogue.add_jobs(&jobs, at(0)).await.expect("added");
    let mut tasks = Vec::new();
    for catalogue in
        [fixture.catalogue.clone(), fixture.again().await, fixture.catalogue.clone(), fixture.again().await]
    {
        tasks.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = catalogue.claim_jobs(&["a"], at(1), at(60), 3).await.expect("claimed");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|job| job.id));
            }
        }));
    }
    let mut seen = HashSet::new();
    for task in tasks {
        for id in task.await.expect("no panic") {
            assert!(seen.insert(id), "claimed twice");
        }
    }
    assert_eq!(seen.len(), 200);
}

#[tokio::test]
async fn only_the_attempt_that_holds_a_job_ends_it() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let new = new_job("a");
    catalogue.add_jobs(std::slice::from_ref(&new), at(0)).await.expect("added");
    claim(&fixture, 0, 1).await;
    assert!(catalogue.job_progress(new.id, 1, 3, Some(10), at(80), at(1)).await.expect("saved"));
    assert!(claim(&fixture, 70, 1).await.is_empty(), "the lease was renewed");
    assert!(catalogue.renew_job(new.id, 1, at(90)).await.expect("renewed"));
    assert!(claim(&fixture, 85, 1).await.is_empty(), "the lease was renewed again");
    let now = job(&fixture, new.id).await;
    assert_eq!((now.progress_done, now.updated_at, now.lease_until), (3, at(1), Some(at(90))), "and nothing else");
    claim(&fixture, 90, 1).await;
    assert!(!catalogue.renew_job(new.id, 1, at(200)).await.expect("asked"));
    assert!(!catalogue.job_progress(new.id, 1, 4, None, at(200), at(81)).await.expect("saved"));
    assert!(!catalogue.finish_job(new.id, 1, None, at(81)).await.expect("ended"));
    assert_eq!(catalogue.fail_job(new.id, 1, "late", None, at(81)).await.expect("ended"), JobState::Running);
    let now = job(&fixture, new.id).await;
    assert_eq!((now.attempts, now.progress_done, now.progress_total, now.error), (2, 3, Some(10), None));
    assert!(catalogue.finish_job(new.id, 2, Some(&json!({"ok": true})), at(82)).await.expect("ended"));
    let now = job(&fixture, new.id).await;
    assert_eq!((now.state, now.result, now.lease_until), (JobState::Done, Some(json!({"ok": true})), None));
    assert_eq!(catalogue.next_job_at(&["a", "b"]).await.expect("read"), None);
}

#[tokio::test]
async fn a_job_fails_is_tried_again_and_dies() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let new = NewJob { max_attempts: 2, ..new_job("a") };
    catalogue.add_jobs(std::slice::from_ref(&new), at(0)).await.expect("added");
    claim(&fixture, 0, 1).await;
    assert_eq!(catalogue.fail_job(new.id, 1, "first", Some(at(10)), at(1)).await.expect("failed"), JobState::Failed);
    assert_eq!(catalogue.next_job_at(&["a", "b"]).await.expect("read"), Some(at(10)));
    assert!(claim(&fixture, 9, 1).await.is_empty());
    assert_eq!(claim(&fixture, 10, 1).await.len(), 1);
    assert_eq!(catalogue.fail_job(new.id, 2, "second", Some(at(20)), at(11)).await.expect("failed"), JobState::Dead);
    assert!(claim(&fixture, 30, 1).await.is_empty());
    let dead = catalogue.list_jobs(None, Some(JobState::Dead), Some("a"), None, 10).await.expect("read").items;
    assert_eq!((dead.len(), dead[0].error.as_deref()), (1, Some("second")));

    catalogue.retry_job(new.id, at(40)).await.expect("queued");
    let again = claim(&fixture, 40, 1).await.remove(0);
    assert_eq!((again.attempts, again.error), (1, None));
    catalogue.retry_job(new.id, at(41)).await.expect("a running job stays");
    assert_eq!(job(&fixture, new.id).await.state, JobState::Running);
    assert_eq!(catalogue.fail_job(new.id, 1, "for good", None, at(42)).await.expect("failed"), JobState::Dead);
    assert!(matches!(catalogue.retry_job(id(), at(1)).await, Err(CatalogueError::NotFound { what: "job", .. })));
    assert!(matches!(catalogue.fail_job(id(), 1, "", None, at(1)).await, Err(CatalogueError::NotFound { .. })));
}

#[tokio::test]
async fn a_last_attempt_that_never_ends_is_dead_and_a_released_one_does_not_count() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let new = NewJob { max_attempts: 1, ..new_job("a") };
    catalogue.add_jobs(std::slice::from_ref(&new), at(0)).await.expect("added");
    claim(&fixture, 0, 1).await;
    catalogue.release_jobs(&[new.id, id()], at(1)).await.expect("released");
    let now = job(&fixture, new.id).await;
    assert_eq!((now.state, now.attempts, now.lease_until), (JobState::Queued, 0, None));
    assert_eq!(claim(&fixture, 1, 1).await.len(), 1);
    assert!(claim(&fixture, 61, 1).await.is_empty());
    let now = job(&fixture, new.id).await;
    assert_eq!((now.state, now.error.is_some()), (JobState::Dead, true));
}

#[tokio::test]
async fn a_selection_is_walked_in_pieces_and_leaves_out_what_is_not_there() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let reports: Vec<_> = (0..1_100).map(|n| report(fixture.photo(&format!("p/{n}")))).collect();
    catalogue.ingest(&reports).await.expect("kept");
    let gone = reports[3].media.as_ref().expect("there").id;
    catalogue.set_media_status(gone, eyrie_catalogue::MediaStatus::Missing, at(1)).await.expect("set");
    let read = eyrie_catalogue::Media {
        metadata: serde_json::json!({"reader_version": 2}),
        ..reports[4].media.clone().expect("there")
    };
    catalogue.save_understanding(&read).await.expect("saved");

    let all = MediaSelection { workspace_id: Some(fixture.workspace_id), ..MediaSelection::default() };
    assert_eq!(catalogue.count_selected(&all).await.expect("counted"), 1_099);
    let older = MediaSelection { reader_version_below: Some(2), ..all.clone() };
    assert_eq!(catalogue.count_selected(&older).await.expect("counted"), 1_098);
    let elsewhere = MediaSelection { workspace_id: Some(id()), ..MediaSelection::default() };
    assert_eq!(catalogue.count_selected(&elsewhere).await.expect("counted"), 0);

    let (mut seen, mut after) = (HashSet::new(), 0);
    loop {
        let piece = catalogue.selected_media(&older, after, 500).await.expect("read");
        let Some(last) = piece.last() else { break };
        after = last.num;
        seen.extend(piece.iter().map(|media| media.id));
    }
    assert_eq!(seen.len(), 1_098);
    assert!(!seen.contains(&gone) && !seen.contains(&read.id));
}

#[tokio::test]
async fn a_job_that_rests_goes_on_from_its_payload() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let new = new_job("a");
    catalogue.add_jobs(std::slice::from_ref(&new), at(0)).await.expect("added");
    claim(&fixture, 0, 1).await;
    let payload = serde_json::json!({"after": 7});
    assert!(catalogue.continue_job(new.id, 1, &payload, (7, Some(9)), at(5), at(1)).await.expect("rests"));
    assert!(!catalogue.continue_job(new.id, 1, &payload, (8, Some(9)), at(5), at(1)).await.expect("not ours"));
    assert_eq!(catalogue.count_open_jobs("a").await.expect("counted"), 1);
    assert!(claim(&fixture, 4, 1).await.is_empty());
    let again = claim(&fixture, 5, 1).await.pop().expect("due");
    assert_eq!((again.attempts, again.payload, again.progress_done), (1, payload, 7));
}

#[tokio::test]
async fn a_cancelled_job_is_dead_and_says_so() {
    let fixture = Fixture::new().await;
    let (queued, running) = (new_job("a"), new_job("b"));
    fixture.catalogue.add_jobs(&[queued.clone(), running.clone()], at(0)).await.expect("added");
    let claimed = fixture.catalogue.claim_jobs(&["b"], at(1), at(60), 1).await.expect("claimed");
    for job_id in [queued.id, running.id] {
        assert!(fixture.catalogue.cancel_job(job_id, "cancelled by anna", at(2)).await.expect("cancelled"));
        assert!(!fixture.catalogue.cancel_job(job_id, "cancelled by bert", at(3)).await.expect("over"));
        let cancelled = job(&fixture, job_id).await;
        assert_eq!((cancelled.state, cancelled.error.as_deref()), (JobState::Dead, Some("cancelled by anna")));
    }
    // who ran it finds out, and changes nothing
    let (catalogue, attempt) = (&fixture.catalogue, claimed[0].attempts);
    assert!(!catalogue.job_progress(running.id, attempt, 1, None, at(90), at(4)).await.expect("asked"));
    assert!(!catalogue.finish_job(running.id, attempt, None, at(5)).await.expect("asked"));
    assert_eq!(job(&fixture, running.id).await.state, JobState::Dead);
    assert!(claim(&fixture, 100, 10).await.is_empty());
    assert!(matches!(catalogue.cancel_job(id(), "x", at(6)).await, Err(CatalogueError::NotFound { .. })));
}

#[tokio::test]
async fn open_jobs_of_a_file_are_found_by_kind() {
    let fixture = Fixture::new().await;
    let file = id();
    let of = |kind: &str, media_id| NewJob { media_id, ..new_job(kind) };
    let (mine, other_kind, other_file) = (of("a", Some(file)), of("b", Some(file)), of("a", Some(id())));
    fixture.catalogue.add_jobs(&[mine.clone(), other_kind, other_file], at(0)).await.expect("added");
    let open = fixture.catalogue.open_jobs_of_media(file, "a").await.expect("read");
    assert_eq!(open.iter().map(|job| job.id).collect::<Vec<_>>(), [mine.id]);
    fixture.catalogue.cancel_job(mine.id, "enough", at(1)).await.expect("cancelled");
    assert!(fixture.catalogue.open_jobs_of_media(file, "a").await.expect("read").is_empty());
}
