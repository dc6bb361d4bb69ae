//! What is in a zip: stored objects, and behind them a manifest. Read on blocking threads, one file at a time.

use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, Digest};
use eyrie_catalogue::{Media, Sums};
use futures::StreamExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::zip::{Contents, Entry};
use crate::app::App;

const MANIFEST: &str = "manifest.json";
/// As `sha256sum -c` reads it.
const SUMS: &str = "SHA256SUMS";

/// A file as it was when the zip was asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Planned {
    pub(super) media_id: Uuid,
    /// In the zip, with `/` between folders.
    pub(super) path: String,
    pub(super) bucket: String,
    pub(super) object_key: String,
    pub(super) size_bytes: u64,
    pub(super) etag: String,
    pub(super) modified: Timestamp,
    pub(super) kind: String,
    pub(super) flight_id: Option<String>,
    pub(super) captured_at: Option<Timestamp>,
    /// Latitude, longitude, absolute and relative altitude.
    pub(super) position: Option<(f64, f64, Option<f64>, Option<f64>)>,
}

impl Planned {
    pub(super) fn new(media: &Media, path: String) -> Self {
        Self {
            media_id: media.id,
            path,
            bucket: media.bucket.clone(),
            object_key: media.object_key.clone(),
            size_bytes: media.size_bytes.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            etag: media.etag.clone().unwrap_or_default(),
            modified: media.captured_at.unwrap_or(media.created_at),
            kind: media.kind.as_str().to_owned(),
            flight_id: media.flight_id.clone(),
            captured_at: media.captured_at,
            position: media
                .position
                .map(|place| (place.lat, place.lng, place.absolute_altitude_m, place.relative_altitude_m)),
        }
    }
}

/// The last two entries of a zip.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manifest {
    No,
    Yes,
    /// Without object keys: serial numbers are in them.
    ForStrangers,
}

pub(super) struct Bundle {
    app: Arc<App>,
    runtime: Handle,
    files: Vec<Planned>,
    sums: Vec<Option<Sums>>,
    manifest: Manifest,
    /// Manifest and list of sums, once all sums are known.
    written: Option<[Vec<u8>; 2]>,
}

impl Bundle {
    /// # Errors
    /// The catalogue cannot be read.
    pub(super) async fn new(
        app: &Arc<App>,
        files: Vec<Planned>,
        manifest: Manifest,
    ) -> Result<Self, eyrie_catalogue::CatalogueError> {
        let ids: Vec<_> = files.iter().map(|file| file.media_id).collect();
        let known = app.catalogue.sums_of(&ids).await?;
        let of = |file: &Planned| known.get(&file.media_id).filter(|(etag, _)| *etag == file.etag).map(|known| known.1);
        let sums = files.iter().map(of).collect();
        Ok(Self { app: Arc::clone(app), runtime: Handle::current(), files, sums, manifest, written: None })
    }

    /// Files and, behind them, the manifest; all that the zip's layout depends on.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let time = |at: Timestamp| at.to_zoned(TimeZone::UTC).datetime();
        let file = |file: &Planned| Entry {
            name: file.path.clone(),
            modified: time(file.modified),
            size_bytes: file.size_bytes,
        };
        let mut entries: Vec<_> = self.files.iter().map(file).collect();
        if self.manifest != Manifest::No {
            // a sum has the same length whatever it is
            let unknown = vec![[0; 32]; self.files.len()];
            let modified = self.files.iter().map(|file| file.modified).max().unwrap_or(Timestamp::UNIX_EPOCH);
            for (name, bytes) in [MANIFEST, SUMS].into_iter().zip(self.write(&unknown)) {
                let size_bytes = bytes.len() as u64;
                entries.push(Entry { name: name.to_owned(), modified: time(modified), size_bytes });
            }
        }
        entries
    }

    fn write(&self, sha256: &[[u8; 32]]) -> [Vec<u8>; 2] {
        let (mut manifest, mut list) = (Vec::new(), String::new());
        for (file, sha256) in self.files.iter().zip(sha256) {
            let sha256 = hex(sha256);
            list.push_str(&format!("{sha256}  {}\n", file.path));
            let object_key = (self.manifest == Manifest::Yes).then_some(&file.object_key);
            manifest.push(json!({
                "path": file.path,
                "sha256": sha256,
                "size_bytes": file.size_bytes,
                "kind": file.kind,
                "media_id": file.media_id,
                "flight_id": file.flight_id,
                "object_key": object_key,
                "captured_at": file.captured_at,
                "position": file.position.map(|(lat, lng, absolute_altitude_m, relative_altitude_m)| json!({
                    "lat": lat, "lng": lng,
                    "absolute_altitude_m": absolute_altitude_m, "relative_altitude_m": relative_altitude_m,
                })),
            }));
        }
        let manifest = serde_json::to_vec_pretty(&json!({ "files": manifest })).unwrap_or_default();
        [manifest, list.into_bytes()]
    }

    /// The manifest or the list of sums, by its place behind the files.
    fn written(&mut self, n: usize) -> io::Result<&[u8]> {
        if self.written.is_none() {
            let sums: Vec<_> =
                (0..self.files.len()).map(|n| self.sums(n).map(|sums| sums.sha256)).collect::<Result<_, _>>()?;
            self.written = Some(self.write(&sums));
        }
        let written = self.written.as_ref().and_then(|written| written.get(n));
        written.map(Vec::as_slice).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Reads the file whole when nobody did before.
    fn sums(&mut self, n: usize) -> io::Result<Sums> {
        if let Some(Some(sums)) = self.sums.get(n) {
            return Ok(*sums);
        }
        let (mut crc, mut sha256) = (Digest::new(CrcAlgorithm::Crc32IsoHdlc), Sha256::new());
        self.each_chunk(n, None, &mut |chunk| {
            crc.update(chunk);
            sha256.update(chunk);
            Ok(())
        })?;
        let crc32 = u32::try_from(crc.finalize()).map_err(io::Error::other)?;
        let sums = Sums { crc32, sha256: sha256.finalize().into() };
        self.sums[n] = Some(sums);
        let (app, file) = (&self.app, &self.files[n]);
        if let Err(error) = self.runtime.block_on(app.catalogue.save_sums(file.media_id, &file.etag, &sums)) {
            tracing::warn!(%error, media.id = %file.media_id, "a file's sums are computed again the next time");
        }
        Ok(sums)
    }

    /// `range`: `None` for the whole, which is compared with what was put.
    fn each_chunk(
        &self,
        n: usize,
        range: Option<Range<u64>>,
        each: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = self.files.get(n).ok_or(io::ErrorKind::NotFound)?;
        let (store, length) =
            (&self.app.store, range.as_ref().map_or(file.size_bytes, |range| range.end - range.start));
        let range = range.map(|range| (range.start, range.end));
        let opened = self.runtime.block_on(store.read(&file.bucket, &file.object_key, range));
        let (info, mut chunks) = opened.map_err(io::Error::other)?;
        if info.size_bytes != file.size_bytes || info.etag != file.etag {
            let why = format!("{} was replaced after the download was asked for", file.object_key);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let mut given = 0;
        while let Some(chunk) = self.runtime.block_on(chunks.next()) {
            let chunk = chunk?;
            given += chunk.len() as u64;
            each(&chunk)?;
        }
        if given == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

impl Contents for Bundle {
    fn crc32(&mut self, n: usize) -> io::Result<u32> {
        match n.checked_sub(self.files.len()) {
            None => self.sums(n).map(|sums| sums.crc32),
            Some(n) => self.written(n).map(crc_fast::crc32_iso_hdlc),
        }
    }

    fn read(&mut self, n: usize, range: Range<u64>, out: &mut dyn Write) -> io::Result<()> {
        match n.checked_sub(self.files.len()) {
            None => {
                let whole = range == (0..self.files[n].size_bytes);
                self.each_chunk(n, (!whole).then_some(range), &mut |chunk| out.write_all(chunk))
            }
            Some(n) => {
                let bytes = self.written(n)?.get(range.start as usize..range.end as usize);
                out.write_all(bytes.ok_or(io::ErrorKind::UnexpectedEof)?)
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
