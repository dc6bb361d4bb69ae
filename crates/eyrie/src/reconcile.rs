//! Store and catalogue compared in both directions: objects whose callback never came are adopted, rows whose object is
//! gone are marked missing, rows whose object came back are stored again. Nothing is deleted.
//!
//! Both sides are walked once, in the order of their keys, a page at a time: a merge, not a lookup for each object.

use eyrie_catalogue::{
    Catalogue, CatalogueError, FlightFacts, IngestReport, IssuedPrefix, Media, MediaSource, MediaStatus, Processing,
    Workspace,
};
use eyrie_env::{Clock, Random, uuid_v7};
use eyrie_objects::{ObjectInfo, Store, StoreError};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::dock::state::is_below;
use crate::events::{Change, Events};
use crate::jobs;
use crate::purge::is_meant;

/// Keys of each side that are held at once.
const PAGE: usize = 1_000;

/// What a comparison found; `restored` and `adopted` are listed again, `missing` rows are an alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Objects and rows that were looked at.
    pub checked: u64,
    pub adopted: u64,
    pub missing: u64,
    pub restored: u64,
}

/// What the comparison works on: a running server's parts, or a stopped one's.
pub struct Sides<'a> {
    pub catalogue: &'a Catalogue,
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    pub random: &'a dyn Random,
    pub max_attempts: u32,
    /// Hears what changed; `None` in a command.
    pub events: Option<&'a Events>,
}

impl Sides<'_> {
    async fn tell(&self, id: Uuid, change: fn(Box<Media>) -> Change) -> anyhow::Result<()> {
        let Some(events) = self.events.filter(|events| events.listeners() > 0) else { return Ok(()) };
        if let Some(media) = self.catalogue.media_by_id(id).await? {
            let (workspace_id, flight_id) = (media.workspace_id, media.flight_id.clone());
            events.send(workspace_id, change(Box::new(media)));
            if let Some(flight_id) = flight_id {
                events.send(workspace_id, Change::Flight { flight_id });
            }
        }
        Ok(())
    }
}

/// Compares every workspace's bucket. `progress` hears how many were checked so far.
///
/// # Errors
/// What was found up to the error is already in the catalogue; running it again goes on from there.
pub async fn run(sides: &Sides<'_>, mut progress: impl FnMut(u64)) -> anyhow::Result<Report> {
    let prefixes = sides.catalogue.all_prefixes().await?;
    let mut report = Report::default();
    for workspace in sides.catalogue.workspaces().await? {
        bucket(sides, &workspace, &prefixes, &mut report, &mut progress).await?;
    }
    Ok(report)
}

async fn bucket(
    sides: &Sides<'_>,
    workspace: &Workspace,
    prefixes: &[IssuedPrefix],
    report: &mut Report,
    progress: &mut impl FnMut(u64),
) -> anyhow::Result<()> {
    let mut objects =
        Objects { sides, bucket: &workspace.bucket, page: Vec::new().into_iter(), after: None, ended: false };
    let mut rows = Rows { sides, bucket: &workspace.bucket, page: Vec::new().into_iter(), after: None, ended: false };
    let (mut object, mut row) = (objects.next().await?, rows.next().await?);
    loop {
        let order = match (&object, &row) {
            (None, None) => return Ok(()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(object), Some((_, key, _))) => object.key.as_str().cmp(key),
        };
        report.checked += 1;
        if report.checked.is_multiple_of(PAGE as u64) {
            progress(report.checked);
        }
        match order {
            std::cmp::Ordering::Less => {
                let found = object.take().expect("the side that is less is there");
                if !found.key.ends_with('/') && adopt(sides, workspace, prefixes, found).await? {
                    report.adopted += 1;
                }
                object = objects.next().await?;
            }
            std::cmp::Ordering::Greater => {
                let (id, key, status) = row.take().expect("the side that is greater is there");
                if status == MediaStatus::Stored && still_gone(sides, workspace, &key).await? {
                    match sides.catalogue.set_media_status(id, MediaStatus::Missing, sides.clock.now()).await {
                        // the file was deleted for good meanwhile, its object with it
                        Err(CatalogueError::NotFound { .. }) => {}
                        changed => {
                            changed?;
                            tracing::error!(media.id = %id, object.key = %key, "the object of a stored file is gone");
                            sides.tell(id, Change::MediaMissing).await?;
                            report.missing += 1;
                        }
                    }
                }
                row = rows.next().await?;
            }
            std::cmp::Ordering::Equal => {
                let (id, key, status) = row.take().expect("both sides are there");
                if status == MediaStatus::Missing {
                    sides.catalogue.set_media_status(id, MediaStatus::Stored, sides.clock.now()).await?;
                    tracing::info!(media.id = %id, object.key = %key, "the object of a missing file is back");
                    sides.tell(id, Change::MediaUpdated).await?;
                    report.restored += 1;
                }
                (object, row) = (objects.next().await?, rows.next().await?);
            }
        }
    }
}

/// An object may have arrived between the two pages; a damaged one is not listed, but it is there.
async fn still_gone(sides: &Sides<'_>, workspace: &Workspace, key: &str) -> anyhow::Result<bool> {
    match sides.store.head(&workspace.bucket, key).await {
        Ok(object) => Ok(object.is_none()),
        Err(error @ StoreError::Damaged { .. }) => {
            tracing::error!(object.key = %key, %error, "a stored object is damaged");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

/// True when the object was not in the catalogue yet.
async fn adopt(
    sides: &Sides<'_>,
    workspace: &Workspace,
    prefixes: &[IssuedPrefix],
    object: ObjectInfo,
) -> anyhow::Result<bool> {
    if sides.catalogue.is_duplicate(workspace.id, &object.key).await? {
        return Ok(false);
    }
    let deleted = sides.catalogue.purged_object(&workspace.bucket, &object.key).await?;
    if deleted.is_some_and(|word| is_meant(&word, Some(&object))) {
        // its file was deleted for good, and it goes next
        return Ok(false);
    }
    let issued =
        prefixes.iter().find(|issued| issued.bucket == workspace.bucket && is_below(&object.key, &issued.prefix));
    let gateway_sn = issued.map(|issued| issued.gateway_sn.clone());
    let flight_id = match issued {
        Some(issued) => flight_of(sides, workspace, &object.key[issued.prefix.len() + 1..]).await?,
        None => None,
    };
    let now = sides.clock.now();
    let id = uuid_v7(now, sides.random);
    let name = object.key.rsplit('/').next().unwrap_or(&object.key).to_owned();
    let media = Media {
        id,
        workspace_id: workspace.id,
        gateway_sn: gateway_sn.clone(),
        source: match issued {
            Some(_) if sides.catalogue.controller(gateway_sn.as_deref().unwrap_or_default()).await?.is_some() => {
                MediaSource::Pilot
            }
            Some(_) => MediaSource::Dock,
            None => MediaSource::Import,
        },
        flight_id: flight_id.clone(),
        kind: jobs::extract_metadata::catalogue_kind(eyrie_media::kind_of_name(&name)),
        name,
        bucket: workspace.bucket.clone(),
        size_bytes: i64::try_from(object.size_bytes).ok(),
        etag: Some(object.etag),
        status: MediaStatus::Stored,
        captured_at: None,
        captured_local: None,
        position: None,
        gimbal_yaw_deg: None,
        gimbal_pitch_deg: None,
        gimbal_roll_deg: None,
        drone_model_key: None,
        payload_model_key: None,
        is_original: None,
        fingerprint: None,
        path: None,
        pilot: Default::default(),
        processing: Processing::Pending,
        warnings: vec!["adopted by reconciliation: no device reported this file".to_owned()],
        metadata: json!({}),
        created_at: now,
        updated_at: now,
        trashed_at: None,
        picture: None,
        object_key: object.key,
    };
    let flight = flight_id.map(|flight_id| FlightFacts {
        workspace_id: workspace.id,
        flight_id,
        gateway_sn,
        ..Default::default()
    });
    let jobs = vec![jobs::extract_metadata::new_job(&media, uuid_v7(now, sides.random), sides.max_attempts)];
    let report = IngestReport { event: None, media: Some(media), flight, jobs, now };
    let outcomes = sides.catalogue.ingest(std::slice::from_ref(&report)).await?;
    let adopted = outcomes.first().is_some_and(|outcome| outcome.inserted);
    if adopted {
        sides.tell(id, Change::MediaStored).await?;
    }
    Ok(adopted)
}

/// A folder between prefix and file name that names a known flight, or is a UUID as flight ids are. Anything else says
/// nothing: key layouts are not documented.
async fn flight_of(sides: &Sides<'_>, workspace: &Workspace, below_prefix: &str) -> anyhow::Result<Option<String>> {
    let Some((folder, _)) = below_prefix.split_once('/') else { return Ok(None) };
    if Uuid::try_parse(folder).is_ok() || sides.catalogue.flight(workspace.id, folder).await?.is_some() {
        return Ok(Some(folder.to_owned()));
    }
    Ok(None)
}

struct Objects<'a> {
    sides: &'a Sides<'a>,
    bucket: &'a str,
    page: std::vec::IntoIter<ObjectInfo>,
    after: Option<String>,
    ended: bool,
}

impl Objects<'_> {
    async fn next(&mut self) -> anyhow::Result<Option<ObjectInfo>> {
        loop {
            if let Some(object) = self.page.next() {
                return Ok(Some(object));
            }
            if self.ended {
                return Ok(None);
            }
            let page = self.sides.store.list(self.bucket, "", None, self.after.as_deref(), PAGE).await?;
            self.ended = page.next_after.is_none();
            self.after = page.next_after;
            self.page = page.objects.into_iter();
        }
    }
}

struct Rows<'a> {
    sides: &'a Sides<'a>,
    bucket: &'a str,
    page: std::vec::IntoIter<(Uuid, String, MediaStatus)>,
    after: Option<String>,
    ended: bool,
}

impl Rows<'_> {
    async fn next(&mut self) -> anyhow::Result<Option<(Uuid, String, MediaStatus)>> {
        loop {
            if let Some(row) = self.page.next() {
                return Ok(Some(row));
            }
            if self.ended {
                return Ok(None);
            }
            let page = self.sides.catalogue.media_keys(self.bucket, self.after.as_deref(), PAGE as u32).await?;
            self.ended = page.len() < PAGE;
            self.after = page.last().map(|(_, key, _)| key.clone());
            self.page = page.into_iter();
        }
    }
}
