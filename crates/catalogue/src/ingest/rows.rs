//! The media rows of one batch: read together, changed here, and written together where nothing asks for them before.

use std::collections::HashMap;

use uuid::Uuid;

use crate::sqlite::{Db, Write, chunks};
use crate::{Media, MediaStatus, Result, media};

/// Workspace and object key; for a row in quarantine also the gateway that named it.
type Key = (Uuid, String, Option<String>);

#[derive(Default)]
pub(super) struct Rows {
    /// `None`: there is no such row. What is not here must be read.
    known: HashMap<Key, Option<Media>>,
    /// New ones, not written yet.
    fresh: Vec<Media>,
}

impl Rows {
    /// Looks up what a batch will ask for.
    pub(super) async fn read(write: &mut Write, reported: impl Iterator<Item = &Media>) -> Result<Self> {
        let mut rows = Self::default();
        let mut listed: HashMap<Uuid, Vec<&str>> = HashMap::new();
        for media in reported.filter(|media| media.status != MediaStatus::Quarantined) {
            if rows.known.insert(key(media), None).is_none() {
                listed.entry(media.workspace_id).or_default().push(&media.object_key);
            }
        }
        for (workspace_id, object_keys) in listed {
            for chunk in chunks(&object_keys) {
                let mut select = sqlx::QueryBuilder::<Db>::new("SELECT * FROM media WHERE workspace_id = ");
                select.push_bind(workspace_id).push(" AND status <> 'quarantined' AND object_key IN (");
                let mut list = select.separated(", ");
                for object_key in chunk {
                    list.push_bind(*object_key);
                }
                for row in write.fetch_all(select.push(")").build()).await? {
                    let media = media::media(&row)?;
                    rows.known.insert(key(&media), Some(media));
                }
            }
        }
        Ok(rows)
    }

    /// The row that a report of `new` would change, as the batch left it; out of here until it is put back.
    pub(super) async fn take(&mut self, write: &mut Write, new: &Media) -> Result<Option<Media>> {
        if let Some(known) = self.known.remove(&key(new)) {
            return Ok(known);
        }
        self.write_fresh(write).await?;
        let query = if new.status == MediaStatus::Quarantined {
            sqlx::query(
                "SELECT * FROM media WHERE workspace_id = $1 AND object_key = $2 AND coalesce(gateway_sn, '') = $3
                 AND status = 'quarantined'",
            )
            .bind(new.workspace_id)
            .bind(&new.object_key)
            .bind(new.gateway_sn.as_deref().unwrap_or(""))
        } else {
            sqlx::query("SELECT * FROM media WHERE workspace_id = $1 AND object_key = $2 AND status <> 'quarantined'")
                .bind(new.workspace_id)
                .bind(&new.object_key)
        };
        write.fetch_optional(query).await?.as_ref().map(media::media).transpose()
    }

    /// Keeps what a row is now for the next report of it. A row whose flight others may change is read again instead.
    pub(super) fn put(&mut self, media: Media) {
        if media.pilot.flight_group.is_none() {
            self.known.insert(key(&media), Some(media));
        }
    }

    /// Flights by time changed: what is known of their rows may be wrong now.
    pub(super) fn forget_grouped(&mut self) {
        self.known.retain(|_, row| row.as_ref().is_none_or(|row| row.pilot.flight_group.is_none()));
    }

    /// Adds a new row, written with the next [`write_fresh`](Self::write_fresh).
    pub(super) fn add(&mut self, media: Media) {
        self.fresh.push(media);
    }

    pub(super) async fn write_fresh(&mut self, write: &mut Write) -> Result<()> {
        if !self.fresh.is_empty() {
            media::insert(write, &self.fresh).await?;
            self.fresh.clear();
        }
        Ok(())
    }
}

fn key(media: &Media) -> Key {
    let quarantined = media.status == MediaStatus::Quarantined;
    let gateway_sn = quarantined.then(|| media.gateway_sn.clone().unwrap_or_default());
    (media.workspace_id, media.object_key.clone(), gateway_sn)
}
