//! Which files are stored already, asked by fingerprint before they are uploaded (Pilot 2).
//!
//! A fingerprint is found by index, never by a scan, in any case of its letters. Pilot 2 asks for thousands of tiny
//! fingerprints at once, most of them unknown: their index holds a number of 63 bits each instead of 60 letters, so that
//! an unknown one costs a look into a small index and nothing else. The number is cut from a SHA-256 over workspace and text:
//! that one of 10,000 is taken for one of 1,000,000 others happens once in 10^9 such calls.

use std::sync::Arc;

use futures::future::try_join_all;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::sqlite::{Engine, Row, push_found, rows_as_json};
use crate::value::{Columns as _, us};
use crate::{Catalogue, Result};

/// Rows of one fingerprint that are looked at; the same photo under more names than this is not the rule.
const MOST_OF_ONE: i64 = 16;
/// Numbers looked up by one statement: fewer would read more pages twice, more would leave other processors idle.
const AT_ONCE: usize = 5_000;

/// Where a stored file's bytes lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    pub media_id: Uuid,
    pub bucket: String,
    pub object_key: String,
    pub size_bytes: Option<i64>,
    pub etag: Option<String>,
}

impl Catalogue {
    /// Stored files with this fingerprint, those in the trash too; the oldest first, at most 16.
    pub async fn stored_by_fingerprint(&self, workspace_id: Uuid, fingerprint: &str) -> Result<Vec<StoredObject>> {
        let query = sqlx::query(
            "SELECT id, bucket, object_key, size_bytes, etag FROM media WHERE workspace_id = $1
             AND lower(fingerprint) = $2 AND fingerprint IS NOT NULL AND status = 'stored' ORDER BY id LIMIT $3",
        );
        let query = query.bind(workspace_id).bind(fingerprint.to_ascii_lowercase()).bind(MOST_OF_ONE);
        let rows = self.engine.fetch_all("cannot look a fingerprint up", query).await?;
        let object = |row: &Row| {
            Ok(StoredObject {
                media_id: row.get("id")?,
                bucket: row.get("bucket")?,
                object_key: row.get("object_key")?,
                size_bytes: row.get("size_bytes")?,
                etag: row.get("etag")?,
            })
        };
        rows.iter().map(object).collect()
    }

    /// For each stored file with one of these tiny fingerprints: which of `asked` it is, bucket and object key. A
    /// fingerprint that is asked twice is answered once, under one of the two.
    pub async fn stored_by_tiny_fingerprint(
        &self,
        workspace_id: Uuid,
        asked: &[String],
    ) -> Result<Vec<(usize, String, String)>> {
        let mut numbers: Vec<_> =
            asked.iter().enumerate().map(|(n, text)| (tiny_hash(workspace_id, text), n)).collect();
        // neighbours lie on one page of the index
        numbers.sort_unstable();
        numbers.dedup_by_key(|(number, _)| *number);
        let chunks = numbers.chunks(AT_ONCE).map(|chunk| {
            let (engine, chunk) = (Arc::clone(&self.engine), chunk.to_vec());
            tokio::spawn(async move { look_up(&engine, workspace_id, &chunk).await })
        });
        let mut found = Vec::new();
        for chunk in try_join_all(chunks).await.expect("a look-up does not panic") {
            found.extend(chunk?);
        }
        Ok(found)
    }

    /// Remembers that the object has the bytes of a listed file and needs no row. Repeating it changes nothing else. False,
    /// and nothing remembered, when that file was deleted meanwhile: then this object is the only one.
    pub async fn add_duplicate(
        &self,
        workspace_id: Uuid,
        object_key: &str,
        media_id: Uuid,
        now: Timestamp,
    ) -> Result<bool> {
        let upsert = sqlx::query(
            "INSERT INTO duplicates (workspace_id, object_key, media_id, reported_at)
             SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT 1 FROM media WHERE id = $3 AND workspace_id = $1)
             ON CONFLICT (workspace_id, object_key) DO UPDATE SET media_id = excluded.media_id",
        );
        let upsert = upsert.bind(workspace_id).bind(object_key).bind(media_id).bind(us(now));
        Ok(self.engine.write("remember a duplicate", upsert).await? > 0)
    }

    /// True for an object that needs no row. False as soon as the object of the listed file is missing: then this is
    /// the copy that is left.
    pub async fn is_duplicate(&self, workspace_id: Uuid, object_key: &str) -> Result<bool> {
        let query = sqlx::query(
            "SELECT 1 AS n FROM duplicates LEFT JOIN media ON media.id = duplicates.media_id
             WHERE duplicates.workspace_id = $1 AND duplicates.object_key = $2
             AND coalesce(media.status, 'stored') <> 'missing'",
        );
        let row = self.engine.fetch_optional("cannot look a duplicate up", query.bind(workspace_id).bind(object_key));
        Ok(row.await?.is_some())
    }

    /// The keys of the objects that have the bytes of this file.
    pub async fn duplicates_of(&self, media_id: Uuid) -> Result<Vec<String>> {
        let query = sqlx::query("SELECT object_key FROM duplicates WHERE media_id = $1 ORDER BY object_key");
        let rows = self.engine.fetch_all("cannot list duplicates", query.bind(media_id)).await?;
        rows.iter().map(|row| row.get("object_key")).collect()
    }
}

/// `chunk`: numbers, ascending, and which of the asked fingerprints each is.
async fn look_up(engine: &Engine, workspace_id: Uuid, chunk: &[(i64, usize)]) -> Result<Vec<(usize, String, String)>> {
    let numbers: Vec<i64> = chunk.iter().map(|(number, _)| *number).collect();
    let mut sql = sqlx::QueryBuilder::new("SELECT ");
    // one row for all: handing thousands over one by one would cost more than finding them
    sql.push(rows_as_json(&["number", "bucket", "object_key"])).push(" AS found FROM ");
    let stored = "status = 'stored'";
    push_found(&mut sql, "media_by_tiny_fingerprint", "tiny_fingerprint_hash", stored, &numbers);
    sql.push(" AND workspace_id = ").push_bind(workspace_id);
    let row = engine.fetch_optional("cannot look tiny fingerprints up", sql.build()).await?;
    let rows: Vec<(i64, String, String)> = row.map_or_else(|| Ok(Vec::new()), |row| row.json("found"))?;
    let asked_as = |number: i64| {
        let at = chunk.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        chunk.get(at).map(|(_, asked_as)| *asked_as)
    };
    let rows = rows.into_iter();
    Ok(rows.filter_map(|(number, bucket, key)| Some((asked_as(number)?, bucket, key))).collect())
}

/// Of a workspace's tiny fingerprint in lower case; not negative.
pub(crate) fn tiny_hash(workspace_id: Uuid, tiny_fingerprint: &str) -> i64 {
    let mut hasher = Sha256::new();
    hasher.update(workspace_id.as_bytes());
    hasher.update(tiny_fingerprint.to_ascii_lowercase());
    let digest: [u8; 32] = hasher.finalize().into();
    let (first, _) = digest.split_first_chunk::<8>().expect("32 are more than 8");
    i64::from_be_bytes(*first) & i64::MAX
}
