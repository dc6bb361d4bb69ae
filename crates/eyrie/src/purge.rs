//! The end of a file, step by step: look its objects up, delete its row in one commit that leaves word of them, remove them,
//! note that they are gone. Killed anywhere, the next run goes on: a row is never deleted without word of its object, and
//! an object never removed whose row is there. Why it is so: docs/decisions/purge.md.

use std::sync::Arc;

use eyrie_catalogue::{AuditEntry, Kept, Media, MediaStatus, PurgeCandidate, PurgeOutcome, PurgedObject, SeenObject};
use eyrie_env::fail_point;
use eyrie_objects::store::Condition;
use eyrie_objects::{ObjectInfo, StoreError};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app::App;
use crate::derived;
use crate::events::Change;
use crate::ingest::blocking_fail_point;

/// Objects whose removal is noted in one commit.
const NOTED_AT_ONCE: u32 = 100;

/// In whose name files go, and why.
pub struct Order<'a> {
    /// Only what was in the trash by then.
    pub before: Timestamp,
    pub actor: &'a str,
    pub why: &'a str,
}

/// Deletes the rows of these files and removes their objects.
///
/// # Errors
/// What is deleted by then stays deleted; the rest is in the trash.
pub async fn purge(app: &Arc<App>, files: &[Media], order: &Order<'_>) -> anyhow::Result<PurgeOutcome> {
    let (mut candidates, mut damaged) = (Vec::new(), Vec::new());
    for media in files {
        match look(app, media).await? {
            Some(candidate) => candidates.push(candidate),
            None => damaged.push((media.id, Kept::Damaged)),
        }
    }
    #[cfg(feature = "failpoints")]
    if crate::control::remove_before_commit() {
        for media in files {
            app.store.delete(&media.bucket, &media.object_key).await?;
        }
    }
    app.hands.set_removing(true);
    let entry = |media: &Media| AuditEntry {
        id: app.new_id(),
        workspace_id: Some(media.workspace_id),
        at: app.now(),
        actor: order.actor.to_owned(),
        action: "media.delete".into(),
        subject: media.id.to_string(),
        detail: told(media, order.why),
    };
    let mut outcome = app.catalogue.purge(&candidates, order.before, app.now(), entry).await?;
    outcome.kept.extend(damaged);
    for media in &outcome.purged {
        let gone = json!({ "id": media.id, "workspace_id": media.workspace_id, "flight_id": media.flight_id, "kind": media.kind });
        app.events.send(media.workspace_id, Change::Other { name: "media.deleted", object: gone });
    }
    remove_objects(app).await?;
    Ok(outcome)
}

/// What the audit log tells of a deleted file.
fn told(media: &Media, why: &str) -> Value {
    json!({
        "name": media.name,
        "object_key": media.object_key,
        "size_bytes": media.size_bytes,
        "etag": media.etag,
        "captured_at": media.captured_at,
        "flight_id": media.flight_id,
        "gateway_sn": media.gateway_sn,
        "trashed_at": media.trashed_at,
        "why": why,
    })
}

/// `None`: an object of it is damaged.
async fn look(app: &App, media: &Media) -> anyhow::Result<Option<PurgeCandidate>> {
    let seen = async |key: &str| match app.store.head(&media.bucket, key).await {
        Ok(found) => Ok(Some(found.map(SeenObject::from_info))),
        Err(StoreError::Damaged { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    // only a stored row has an object of its own
    let object = match media.status {
        MediaStatus::Stored => match seen(&media.object_key).await? {
            Some(found) => found,
            None => return Ok(None),
        },
        MediaStatus::Missing | MediaStatus::Quarantined => None,
    };
    let mut duplicates = Vec::new();
    for key in app.catalogue.duplicates_of(media.id).await? {
        let Some(found) = seen(&key).await? else { return Ok(None) };
        duplicates.push((key, found));
    }
    Ok(Some(PurgeCandidate { media_id: media.id, object, duplicates }))
}

trait FromInfo {
    fn from_info(info: ObjectInfo) -> Self;
}

impl FromInfo for SeenObject {
    fn from_info(info: ObjectInfo) -> Self {
        Self { object_key: info.key, etag: info.etag, last_modified: info.last_modified }
    }
}

/// Removes the objects of deleted files until none is left that can be removed. How many were.
///
/// # Errors
/// The others are removed next time.
pub async fn remove_objects(app: &App) -> anyhow::Result<u64> {
    let mut removed = 0;
    loop {
        let pending = app.catalogue.pending_removals(NOTED_AT_ONCE).await?;
        if pending.is_empty() {
            app.hands.set_removing(false);
            return Ok(removed);
        }
        let mut gone = Vec::new();
        let mut failed = None;
        for object in pending {
            match remove(app, &object).await {
                Ok(()) => gone.push(object),
                Err(error) => {
                    tracing::error!(object.key = %object.object_key, error = format!("{error:#}"), "the object of a deleted file cannot be removed");
                    failed = Some(error);
                }
            }
        }
        removed += gone.len() as u64;
        blocking_fail_point(|| fail_point!("purge.removed")).await?;
        app.catalogue.objects_removed(&gone, app.now()).await?;
        if let Some(error) = failed {
            return Err(error);
        }
    }
}

/// The object as it was when its file was deleted, and what was made of it. One that came later under its key stays.
async fn remove(app: &App, object: &PurgedObject) -> anyhow::Result<()> {
    let _alone = app.hands.alone_on(&object.object_key).await;
    blocking_fail_point(|| fail_point!("purge.remove")).await?;
    // it may have been uploaded again and be listed by now
    let word = app.catalogue.purged_object(&object.bucket, &object.object_key).await?;
    let Some(word) = word.filter(|word| word.media_id == object.media_id && word.removed_at.is_none()) else {
        return Ok(());
    };
    let condition = Condition { etag: word.etag, last_modified: word.last_modified, ..Condition::default() };
    match app.store.delete_if(&object.bucket, &object.object_key, &condition).await {
        Ok(_) | Err(StoreError::PreconditionFailed | StoreError::NoSuchKey { .. } | StoreError::NoSuchBucket(_)) => {}
        Err(error) => return Err(error.into()),
    }
    derived::remove_all(app, object.workspace_id, object.media_id).await?;
    Ok(())
}

/// True when this very object is one whose file was deleted for good, or when it is gone since then.
///
/// # Errors
/// The catalogue's.
pub async fn was_deleted(
    app: &App,
    bucket: &str,
    object_key: &str,
    found: Option<&ObjectInfo>,
) -> eyrie_catalogue::Result<bool> {
    if found.is_some() && !app.hands.is_removing() {
        return Ok(false);
    }
    let Some(word) = app.catalogue.purged_object(bucket, object_key).await? else { return Ok(false) };
    Ok(is_meant(&word, found))
}

/// Whether `found` is the object that a word of deletion is about.
pub fn is_meant(word: &PurgedObject, found: Option<&ObjectInfo>) -> bool {
    found.is_none_or(|found| {
        word.removed_at.is_none()
            && word.etag.as_ref() == Some(&found.etag)
            && word.last_modified == Some(found.last_modified)
    })
}
