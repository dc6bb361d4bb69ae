//! What goes, what stays and why: the trash's end, retention rules, legal holds.

use eyrie_catalogue::{
    Album, Archive, AuditEntry, Held, IngestReport, JobState, Kept, LegalHold, Media, MediaFilter, MediaKind,
    MediaStatus, PurgeCandidate, PurgeOutcome, Reach, RetentionRule, SeenObject, Share, Shared,
};
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use crate::common::{Fixture, at, id, new_job, report};

const DAY: i64 = 86_400;

fn entry(workspace_id: Uuid, action: &str, subject: &str) -> AuditEntry {
    AuditEntry {
        id: id(),
        workspace_id: Some(workspace_id),
        at: at(5),
        actor: "test".into(),
        action: action.into(),
        subject: subject.into(),
        detail: json!({}),
    }
}

impl Fixture {
    /// A row as it is, without jobs.
    async fn add(&self, media: Media) -> Media {
        let report = IngestReport { jobs: Vec::new(), event: None, ..report(media) };
        let id = self.catalogue.ingest(&[report]).await.expect("done")[0].media_id.expect("done");
        self.catalogue.media_by_id(id).await.expect("done").expect("done")
    }

    async fn trashed(&self, key: &str) -> Media {
        let media = self.add(self.photo(key)).await;
        self.to_trash(&media).await;
        media
    }

    async fn to_trash(&self, media: &Media) {
        let entry = entry(self.workspace_id, "media.trash", "x");
        assert!(self.catalogue.set_media_trashed(media.id, Some(at(300)), &entry).await.expect("done"));
    }

    async fn purge_as(&self, candidates: &[PurgeCandidate], now: Timestamp) -> PurgeOutcome {
        let entry = |media: &Media| entry(self.workspace_id, "media.delete", &media.id.to_string());
        self.catalogue.purge(candidates, at(300), now, entry).await.expect("done")
    }

    async fn purge(&self, media: &Media) -> PurgeOutcome {
        self.purge_as(&[candidate(media)], at(400)).await
    }

    async fn hold(&self, held: Held, media_ids: &[Uuid]) -> Uuid {
        let hold = LegalHold {
            id: id(),
            workspace_id: self.workspace_id,
            name: "incident".into(),
            held,
            created_by: "test".into(),
            created_at: at(1),
            released_by: None,
            released_at: None,
        };
        let entry = entry(self.workspace_id, "legal_hold.place", "x");
        self.catalogue.add_hold(&hold, media_ids, &entry).await.expect("done");
        hold.id
    }

    async fn release(&self, id: Uuid) {
        let entry = entry(self.workspace_id, "legal_hold.release", "x");
        assert!(self.catalogue.release_hold(self.workspace_id, id, &entry).await.expect("done"));
    }

    async fn share(&self, shared: Shared, media_ids: &[Uuid]) -> Share {
        let share = Share {
            id: id(),
            workspace_id: self.workspace_id,
            slug: id().simple().to_string(),
            title: "t".into(),
            shared,
            password_hash: None,
            download: true,
            hide_position: false,
            hide_metadata: false,
            view_count: 0,
            created_by: "test".into(),
            created_at: at(1),
            expires_at: Some(at(1_000)),
            revoked_at: None,
        };
        self.catalogue
            .add_share(&share, media_ids, &entry(self.workspace_id, "share.create", "x"))
            .await
            .expect("done");
        share
    }

    fn rule(&self, reach: Reach) -> RetentionRule {
        RetentionRule {
            id: id(),
            workspace_id: self.workspace_id,
            name: "old".into(),
            reach,
            enabled: true,
            created_by: "test".into(),
            created_at: at(1),
            updated_at: at(1),
        }
    }

    /// The names that a rule moves, applied in pages of two.
    async fn apply(&self, rule: &RetentionRule, now: Timestamp) -> Vec<String> {
        let (mut after, mut names) = (None, Vec::new());
        loop {
            let entry = |media: &Media| entry(self.workspace_id, "media.trash", &media.id.to_string());
            let (moved, next) = self.catalogue.apply_retention_rule(rule, after, 2, now, entry).await.expect("done");
            names.extend(moved.into_iter().map(|media| media.name));
            if next.is_none() {
                return names;
            }
            after = next;
        }
    }
}

fn seen(media: &Media) -> SeenObject {
    let etag = media.etag.clone().expect("done");
    SeenObject { object_key: media.object_key.clone(), etag, last_modified: at(200) }
}

fn candidate(media: &Media) -> PurgeCandidate {
    PurgeCandidate { media_id: media.id, object: Some(seen(media)), duplicates: Vec::new() }
}

fn older_than(days: u32) -> Reach {
    Reach { gateway_sn: None, kinds: Vec::new(), older_than_days: days }
}

#[tokio::test]
async fn a_deleted_file_leaves_word_of_its_object_and_nothing_else() {
    let f = Fixture::new().await;
    let media = f.trashed("p/a.jpg").await;
    let stays = f.add(f.photo("p/b.jpg")).await;
    let outcome = f.purge(&media).await;
    assert_eq!(outcome.purged.iter().map(|media| media.id).collect::<Vec<_>>(), [media.id]);
    assert!(outcome.kept.is_empty());
    assert!(f.catalogue.media_by_id(media.id).await.unwrap().is_none());
    assert!(f.catalogue.media_by_id(stays.id).await.unwrap().is_some());

    let pending = f.catalogue.pending_removals(10).await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].object_key.as_str(), pending[0].media_id), ("p/a.jpg", media.id));
    assert_eq!((pending[0].etag.as_deref(), pending[0].last_modified), (Some("etag"), Some(at(200))));
    let log = f.catalogue.list_audit(Some(f.workspace_id), &Default::default(), None, 10).await.unwrap().items;
    assert!(log.iter().any(|entry| entry.action == "media.delete" && entry.subject == media.id.to_string()));

    f.catalogue.objects_removed(&pending, at(401)).await.unwrap();
    assert!(f.catalogue.pending_removals(10).await.unwrap().is_empty());
    let word = f.catalogue.purged_object("bucket-default", "p/a.jpg").await.unwrap().unwrap();
    assert_eq!(word.removed_at, Some(at(401)));

    let flight = f.catalogue.flight(f.workspace_id, "flight-1").await.unwrap().unwrap();
    assert_eq!((flight.stored_count, flight.trashed_count, flight.purged_count), (1, 0, 1));

    // the file comes again: it is a new one, and the word ends
    let again = f.add(f.photo("p/a.jpg")).await;
    assert_ne!(again.id, media.id);
    assert!(f.catalogue.purged_object("bucket-default", "p/a.jpg").await.unwrap().is_none());
    let flight = f.catalogue.flight(f.workspace_id, "flight-1").await.unwrap().unwrap();
    assert_eq!((flight.stored_count, flight.purged_count), (2, 0));
}

#[tokio::test]
async fn a_flight_whose_files_were_deleted_stays_complete() {
    let f = Fixture::new().await;
    let media = f.trashed("p/a.jpg").await;
    f.purge(&media).await;
    let flight = f.catalogue.flight(f.workspace_id, "flight-1").await.unwrap().unwrap();
    assert_eq!(flight.state(at(1_000_000), 60).as_str(), "complete");
    assert_eq!(flight.bbox, None);
}

#[tokio::test]
async fn only_what_was_in_the_trash_by_then_goes() {
    let f = Fixture::new().await;
    let listed = f.add(f.photo("p/listed.jpg")).await;
    let late = f.add(f.photo("p/late.jpg")).await;
    let later = || entry(f.workspace_id, "media.trash", "x");
    f.catalogue.set_media_trashed(late.id, Some(at(301)), &later()).await.unwrap();
    let restored = f.trashed("p/restored.jpg").await;
    f.catalogue.set_media_trashed(restored.id, None, &later()).await.unwrap();
    for media in [&listed, &late, &restored] {
        let outcome = f.purge(media).await;
        assert!(outcome.purged.is_empty() && outcome.kept.is_empty(), "{}", media.name);
        assert!(f.catalogue.media_by_id(media.id).await.unwrap().is_some());
    }
    assert!(f.catalogue.pending_removals(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_needs_a_file_keeps_it_and_says_so() {
    let f = Fixture::new().await;
    let media = f.trashed("p/a.jpg").await;
    let kept = async |why: Kept| {
        let outcome = f.purge(&media).await;
        assert_eq!(outcome.kept, [(media.id, why)]);
        assert!(outcome.purged.is_empty());
        assert_eq!(f.catalogue.kept_in_trash(f.workspace_id, at(400)).await.unwrap(), [(why, 1)]);
    };
    // each kind of hold, and no longer than it is open
    for (held, ids) in [
        (Held::Everything, vec![]),
        (Held::Flight("flight-1".into()), vec![]),
        (Held::Gateway("DOCK1".into()), vec![]),
        (Held::Selection, vec![media.id]),
    ] {
        let hold = f.hold(held, &ids).await;
        kept(Kept::Hold).await;
        assert!(f.catalogue.is_object_held("bucket-default", "p/a.jpg").await.unwrap());
        assert_eq!(f.catalogue.holds_on(media.id).await.unwrap().len(), 1);
        f.release(hold).await;
        assert!(!f.catalogue.is_object_held("bucket-default", "p/a.jpg").await.unwrap());
    }
    // each kind of share
    let album = Album {
        id: id(),
        workspace_id: f.workspace_id,
        name: "Roofs".into(),
        description: String::new(),
        media_count: 0,
        cover_media_id: None,
        created_at: at(1),
        updated_at: at(1),
    };
    f.catalogue.add_album(&album, &entry(f.workspace_id, "album.create", "x")).await.unwrap();
    f.catalogue.add_to_album(f.workspace_id, album.id, &[media.id], at(1)).await.unwrap();
    for (shared, ids) in [
        (Shared::Selection, vec![media.id]),
        (Shared::Flight("flight-1".into()), vec![]),
        (Shared::Album(album.id), vec![]),
    ] {
        let share = f.share(shared, &ids).await;
        kept(Kept::Share).await;
        let revoke = entry(f.workspace_id, "share.revoke", "x");
        f.catalogue.revoke_share(f.workspace_id, share.id, &revoke).await.unwrap();
    }
    // a job of the file, and one of its flight
    for (media_id, flight_id) in [(Some(media.id), None), (None, Some("flight-1".to_owned()))] {
        let job = eyrie_catalogue::NewJob {
            workspace_id: Some(f.workspace_id),
            media_id,
            flight_id,
            ..new_job("extract-metadata")
        };
        f.catalogue.add_jobs(std::slice::from_ref(&job), at(1)).await.unwrap();
        kept(Kept::Job).await;
        f.catalogue.cancel_job(job.id, "over", at(2)).await.unwrap();
        assert_eq!(f.catalogue.job(job.id).await.unwrap().unwrap().state, JobState::Dead);
    }
    // a download that can be resumed
    let archive = Archive {
        id: id(),
        workspace_id: f.workspace_id,
        name: "zip".into(),
        plan: json!([{ "media_id": id() }, { "media_id": media.id }]),
        created_at: at(1),
        expires_at: at(401),
    };
    f.catalogue.add_archive(&archive).await.unwrap();
    kept(Kept::Download).await;
    // when nothing needs it any more, it goes
    let outcome = f.purge_as(&[candidate(&media)], at(401)).await;
    assert_eq!(outcome.purged.len(), 1, "{:?}", outcome.kept);
}

#[tokio::test]
async fn a_share_that_ended_and_a_hold_on_others_keep_nothing() {
    let f = Fixture::new().await;
    let media = f.trashed("p/a.jpg").await;
    let other = f.add(Media { flight_id: Some("flight-2".into()), ..f.photo("p/b.jpg") }).await;
    f.share(Shared::Selection, &[media.id]).await;
    f.hold(Held::Flight("flight-2".into()), &[]).await;
    f.hold(Held::Gateway("DOCK2".into()), &[]).await;
    f.hold(Held::Selection, &[other.id]).await;
    assert_eq!(f.purge_as(&[candidate(&media)], at(1_000)).await.purged.len(), 1);
}

#[tokio::test]
async fn a_file_on_hold_cannot_be_trashed_and_can_be_restored() {
    let f = Fixture::new().await;
    let media = f.trashed("p/a.jpg").await;
    f.hold(Held::Selection, &[media.id]).await;
    let entry = entry(f.workspace_id, "media.restore", "x");
    assert!(f.catalogue.set_media_trashed(media.id, None, &entry).await.unwrap());
    let refused = f.catalogue.set_media_trashed(media.id, Some(at(301)), &entry).await;
    assert!(matches!(refused, Err(eyrie_catalogue::CatalogueError::Held)), "{refused:?}");
    assert_eq!(f.catalogue.media_by_id(media.id).await.unwrap().unwrap().trashed_at, None);
}

#[tokio::test]
async fn an_object_that_is_another_by_now_keeps_its_row() {
    let f = Fixture::new().await;
    let media = f.trashed("p/a.jpg").await;
    let newer = SeenObject { etag: "newer".into(), ..seen(&media) };
    let newer = PurgeCandidate { object: Some(newer), ..candidate(&media) };
    assert_eq!(f.purge_as(&[newer], at(400)).await.kept, [(media.id, Kept::Changed)]);
    // one that is gone has nothing to remove; the word says so
    let gone = PurgeCandidate { object: None, ..candidate(&media) };
    assert_eq!(f.purge_as(&[gone], at(400)).await.purged.len(), 1);
    assert!(f.catalogue.pending_removals(10).await.unwrap().is_empty());
    let word = f.catalogue.purged_object("bucket-default", "p/a.jpg").await.unwrap().unwrap();
    assert_eq!(word.removed_at, Some(at(400)));
}

#[tokio::test]
async fn a_row_without_an_object_of_its_own_takes_none_with_it() {
    let f = Fixture::new().await;
    // below this key lies another dock's file
    let owner = f.add(f.photo("p/theirs.jpg")).await;
    for status in [MediaStatus::Quarantined, MediaStatus::Missing] {
        let key = if status == MediaStatus::Quarantined { "p/theirs.jpg" } else { "p/gone.jpg" };
        let media = f.add(Media { status, gateway_sn: Some("DOCK2".into()), ..f.photo(key) }).await;
        f.to_trash(&media).await;
        assert_eq!(f.purge(&media).await.purged.len(), 1);
        assert!(f.catalogue.pending_removals(10).await.unwrap().is_empty(), "{status:?}");
        // what is reported again is an alarm again, not old news
        assert!(f.catalogue.purged_object("bucket-default", key).await.unwrap().is_none(), "{status:?}");
    }
    assert!(f.catalogue.media_by_id(owner.id).await.unwrap().is_some());
}

#[tokio::test]
async fn second_copies_go_with_their_file() {
    let f = Fixture::new().await;
    let media = f.trashed("p/a.jpg").await;
    assert!(f.catalogue.add_duplicate(f.workspace_id, "p/copy.jpg", media.id, at(250)).await.unwrap());
    assert_eq!(f.purge(&media).await.kept, [(media.id, Kept::Changed)], "a copy that was not looked at keeps it");
    let copy = SeenObject { object_key: "p/copy.jpg".into(), ..seen(&media) };
    let both = PurgeCandidate { duplicates: vec![("p/copy.jpg".into(), Some(copy))], ..candidate(&media) };
    assert_eq!(f.purge_as(&[both], at(400)).await.purged.len(), 1);
    let keys: Vec<_> =
        f.catalogue.pending_removals(10).await.unwrap().into_iter().map(|word| word.object_key).collect();
    assert_eq!(keys, ["p/a.jpg", "p/copy.jpg"]);
    assert!(!f.catalogue.is_duplicate(f.workspace_id, "p/copy.jpg").await.unwrap());
    // a copy that is reported after that is the only one there is
    assert!(!f.catalogue.add_duplicate(f.workspace_id, "p/late.jpg", media.id, at(401)).await.unwrap());
}

#[tokio::test]
async fn the_trash_is_walked_from_the_longest_there() {
    let f = Fixture::new().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let media = f.add(f.photo(&format!("p/{n}.jpg"))).await;
        let entry = entry(f.workspace_id, "media.trash", "x");
        f.catalogue.set_media_trashed(media.id, Some(at(300 - n / 2)), &entry).await.unwrap();
        ids.push((at(300 - n / 2), media.id));
    }
    ids.sort();
    let (mut after, mut walked) = (None, Vec::new());
    loop {
        let page = f.catalogue.trashed_media(Some(f.workspace_id), at(299), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.trashed_at.unwrap(), last.id));
        walked.extend(page.iter().map(|media| (media.trashed_at.unwrap(), media.id)));
    }
    ids.retain(|(when, _)| *when <= at(299));
    assert_eq!(walked, ids);
    assert!(f.catalogue.trashed_media(Some(Uuid::nil()), at(400), None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rule_takes_what_is_old_enough_of_its_dock_and_kind() {
    let f = Fixture::new().await;
    for (name, days, kind, sn) in [
        ("old.jpg", 100, MediaKind::Photo, "DOCK1"),
        ("old.mp4", 100, MediaKind::Video, "DOCK1"),
        ("old-other.mp4", 100, MediaKind::Video, "DOCK2"),
        ("new.mp4", 10, MediaKind::Video, "DOCK1"),
    ] {
        // the camera's clock is ten years behind: that makes no file old
        let media = Media { kind, gateway_sn: Some(sn.into()), captured_at: Some(at(-3650 * DAY)), ..f.photo(name) };
        f.add(Media { created_at: at(-days * DAY), ..media }).await;
    }
    let gone = f.add(Media { status: MediaStatus::Missing, created_at: at(-100 * DAY), ..f.photo("gone.jpg") }).await;
    let reach = Reach { gateway_sn: Some("DOCK1".into()), kinds: vec![MediaKind::Video], older_than_days: 30 };
    assert_eq!(f.apply(&f.rule(reach), at(0)).await, ["old.mp4"]);
    assert_eq!(f.apply(&f.rule(older_than(365)), at(0)).await, [""; 0]);
    let mut names = f.apply(&f.rule(older_than(30)), at(0)).await;
    names.sort();
    assert_eq!(names, ["old-other.mp4", "old.jpg"]);
    assert_eq!(f.catalogue.media_by_id(gone.id).await.unwrap().unwrap().trashed_at, None, "an alarm is no rubbish");
    let flight = f.catalogue.flight(f.workspace_id, "flight-1").await.unwrap().unwrap();
    assert_eq!((flight.stored_count, flight.trashed_count), (1, 3));
}

#[tokio::test]
async fn a_dry_run_says_what_the_rule_then_does() {
    let f = Fixture::new().await;
    let mut media = Vec::new();
    for n in 0..9 {
        let kind = if n % 2 == 0 { MediaKind::Photo } else { MediaKind::Video };
        let row = Media { kind, created_at: at(-40 * DAY - n), size_bytes: Some(100), ..f.photo(&format!("p/{n}")) };
        media.push(f.add(Media { flight_id: Some(format!("flight-{n}")), ..row }).await);
    }
    f.hold(Held::Selection, &[media[0].id]).await;
    f.share(Shared::Flight("flight-1".into()), &[]).await;
    f.share(Shared::Selection, &[media[2].id, media[0].id]).await;
    let job = eyrie_catalogue::NewJob { media_id: Some(media[3].id), ..new_job("extract-metadata") };
    f.catalogue.add_jobs(&[job], at(1)).await.unwrap();
    let rule = f.rule(older_than(30));
    assert!(f.catalogue.add_retention_rule(&rule, &entry(f.workspace_id, "retention_rule.add", "x")).await.unwrap());
    assert_eq!(f.catalogue.retention_rules(None).await.unwrap(), std::slice::from_ref(&rule));

    let preview = f.catalogue.preview_retention(f.workspace_id, &rule.reach, at(0), 2).await.unwrap();
    assert_eq!((preview.count, preview.size_bytes), (5, 500));
    assert_eq!(preview.kept, [(Kept::Hold, 1), (Kept::Job, 1), (Kept::Share, 2)]);
    assert_eq!(preview.kinds, [(MediaKind::Photo, 3), (MediaKind::Video, 2)]);
    assert_eq!((preview.oldest, preview.newest), (Some(media[8].created_at), Some(media[4].created_at)));
    assert_eq!(preview.first.iter().map(|media| media.name.as_str()).collect::<Vec<_>>(), ["8", "7"]);
    let listed = f.catalogue.list_media(f.workspace_id, &MediaFilter::default(), None, 100).await.unwrap();
    assert_eq!(listed.items.len(), 9, "a dry run changes nothing");

    assert_eq!(f.apply(&rule, at(0)).await, ["8", "7", "6", "5", "4"]);
    let preview = f.catalogue.preview_retention(f.workspace_id, &rule.reach, at(0), 2).await.unwrap();
    assert_eq!(preview.count, 0);
}

#[tokio::test]
async fn rules_are_changed_deleted_and_of_one_workspace() {
    let f = Fixture::new().await;
    let reach = Reach { gateway_sn: None, kinds: vec![MediaKind::Ppk, MediaKind::Rtcm], older_than_days: 7 };
    let mut rule = f.rule(reach);
    let entry = entry(f.workspace_id, "retention_rule.add", "x");
    let again = |entry: &AuditEntry| AuditEntry { id: id(), ..entry.clone() };
    assert!(f.catalogue.add_retention_rule(&rule, &entry).await.unwrap());
    rule.enabled = false;
    rule.reach.kinds.clear();
    rule.updated_at = entry.at;
    assert!(f.catalogue.change_retention_rule(&rule, &again(&entry)).await.unwrap());
    assert_eq!(f.catalogue.retention_rule(f.workspace_id, rule.id).await.unwrap(), Some(rule.clone()));
    assert_eq!(f.catalogue.retention_rule(Uuid::nil(), rule.id).await.unwrap(), None);
    assert!(!f.catalogue.remove_retention_rule(Uuid::nil(), rule.id, &again(&entry)).await.unwrap());
    assert!(f.catalogue.remove_retention_rule(f.workspace_id, rule.id, &again(&entry)).await.unwrap());
    assert!(f.catalogue.retention_rules(Some(f.workspace_id)).await.unwrap().is_empty());
}
