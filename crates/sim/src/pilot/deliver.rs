//! A flight's files, in DJI's order: fast-upload, tiny-fingerprints, sts, PUT, upload-callback; then the end of the group.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use jiff::tz::TimeZone;
use md5::{Digest as _, Md5};
use serde::Serialize;
use serde_json::json;

use super::Pilot;
use super::cloud::{Answer, Report};
use super::fault::{PilotFault, change};
use crate::deliver::made;
use crate::fault::Expected;
use crate::flight::{Flight, PlannedFile};
use crate::upload::{self, Storage};

/// The real app repeats itself for ever.
const ATTEMPTS: u32 = 3;
const BACKOFF: Duration = Duration::from_millis(300);
const WHOLE_CARD: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Sent and reported.
    Uploaded,
    /// The server has it already, so it was not sent.
    Known,
    /// Not sent by itself, as the workspace's settings say.
    LeftOnCard,
    Failed,
}

/// What became of a file.
#[derive(Clone, Debug, Serialize)]
pub struct PilotFile {
    pub name: String,
    pub object_key: String,
    /// MD5, upper case, as the app writes it.
    pub fingerprint: String,
    pub tiny_fingerprint: String,
    pub sha256: String,
    pub size_bytes: usize,
    pub outcome: Outcome,
    /// Of the last report's answer.
    pub status: Option<u16>,
    pub code: Option<i64>,
    pub expected: bool,
    pub attempts: u32,
    pub error: Option<String>,
}

impl Pilot<'_> {
    /// Uploads and reports what the settings, or the crew by hand, choose.
    ///
    /// # Errors
    /// Only what ends the flight; a file's own trouble is in its report.
    pub(super) async fn upload(&self, flight: &Flight, files: &mut Vec<PilotFile>) -> anyhow::Result<()> {
        let group = (!self.crew.manual).then(|| flight.flight_id.clone());
        if self.has(PilotFault::GroupFirst) {
            self.end_group(group.as_deref(), flight.files.len(), 0).await?;
        }
        if self.has(PilotFault::WholeCard) {
            let card: Vec<_> =
                (0..WHOLE_CARD).map(|number| format!("{number:032x}_2026_5_1_9_3_{}", number % 60)).collect();
            let known = self.cloud.tiny_fingerprints(&card).await?;
            ensure!(known.is_empty(), "{} files that nobody has are known", known.len());
        }
        let mut known = Vec::new();
        if self.crew.manual {
            // the album marks what is there already
            let mut card = Vec::new();
            for file in &flight.files {
                card.push(Fingerprints::of(file, &made(flight, file).await?, flight).tiny);
            }
            known = self.cloud.tiny_fingerprints(&card).await?;
        }
        let begun = files.len();
        for file in &flight.files {
            files.push(self.deliver(flight, file, group.as_deref(), &known).await?);
            if self.has(PilotFault::SamePhoto) {
                let again = self.deliver(flight, file, group.as_deref(), &known).await?;
                let expected = again.outcome == Outcome::Known;
                files.push(PilotFile { expected, ..again });
            }
        }
        let kept = |file: &&PilotFile| matches!(file.outcome, Outcome::Uploaded | Outcome::Known);
        let uploaded = files.iter().skip(begun).filter(kept).count();
        if !self.has(PilotFault::NoGroup) {
            self.end_group(group.as_deref(), flight.files.len(), uploaded).await?;
        }
        Ok(())
    }

    async fn end_group(&self, group: Option<&str>, count: usize, uploaded: usize) -> anyhow::Result<()> {
        let Some(group) = group else { return Ok(()) };
        let body = json!({ "file_group_id": group, "file_count": count, "file_uploaded_count": uploaded });
        let answer = self.cloud.group_upload_callback(&body).await?;
        ensure!(answer.code == 0, "group-upload-callback: {answer:?}");
        Ok(())
    }

    /// # Errors
    /// The file cannot be made.
    async fn deliver(
        &self,
        flight: &Flight,
        file: &PlannedFile,
        group: Option<&str>,
        known: &[String],
    ) -> anyhow::Result<PilotFile> {
        let bytes = made(flight, file).await?;
        let fingerprints = Fingerprints::of(file, &bytes, flight);
        let mut outcome = PilotFile {
            name: file.name.clone(),
            object_key: String::new(),
            sha256: upload::sha256(&bytes),
            size_bytes: bytes.len(),
            outcome: Outcome::LeftOnCard,
            status: None,
            code: None,
            expected: true,
            attempts: 0,
            error: None,
            fingerprint: fingerprints.whole,
            tiny_fingerprint: fingerprints.tiny,
        };
        if !self.chooses(file) {
            return Ok(outcome);
        }
        if known.contains(&outcome.tiny_fingerprint) {
            outcome.outcome = Outcome::Known;
            return Ok(outcome);
        }
        outcome.expected = false;
        while outcome.attempts < ATTEMPTS && !outcome.expected {
            if outcome.attempts > 0 {
                tokio::time::sleep(BACKOFF * outcome.attempts).await;
            }
            outcome.attempts += 1;
            outcome.error = None;
            if let Err(error) = self.attempt(flight, file, &bytes, group, &mut outcome).await {
                outcome.outcome = Outcome::Failed;
                outcome.error = Some(format!("{error:#}"));
                // whatever went wrong, the credentials may be the reason
                *self.storage.lock().await = None;
            }
        }
        Ok(outcome)
    }

    /// By hand everything is chosen; otherwise what the workspace wants.
    fn chooses(&self, file: &PlannedFile) -> bool {
        let video = file.name.ends_with(".MP4");
        self.crew.manual || if video { self.settings.auto_upload_video } else { self.settings.auto_upload_photo }
    }

    async fn attempt(
        &self,
        flight: &Flight,
        file: &PlannedFile,
        bytes: &Bytes,
        group: Option<&str>,
        outcome: &mut PilotFile,
    ) -> anyhow::Result<()> {
        let mut report = Report {
            object_key: "",
            name: &file.name,
            path: if self.crew.manual { "" } else { &flight.folder },
            fingerprint: &outcome.fingerprint.clone(),
            tiny_fingerprint: &outcome.tiny_fingerprint.clone(),
            file_group_id: group,
            is_original: !self.sends_previews(),
            aircraft_sn: &self.aircraft_sn,
            shot: file.shot.as_ref(),
        };
        self.stray(&report).await?;
        let answer = self.cloud.fast_upload(&report.question()).await?;
        ensure!(answer.status == 200, "fast-upload: {answer:?}");
        if answer.code == 0 {
            (outcome.outcome, outcome.expected) = (Outcome::Known, true);
            return Ok(());
        }
        let known = self.cloud.tiny_fingerprints(std::slice::from_ref(&outcome.tiny_fingerprint)).await?;
        ensure!(known.is_empty(), "fast-upload does not know the file, tiny-fingerprints does");
        let storage = self.storage().await?;
        outcome.object_key = format!("{}/{}", storage.object_key_prefix, file.name);
        report.object_key = &outcome.object_key;
        self.send(&report, &storage, bytes, outcome.attempts == 1).await?;
        let answer = self.report(&report).await?;
        if self.has(PilotFault::Duplicate) {
            let again = self.report(&report).await?;
            ensure!(again.code == answer.code, "the same report was answered {answer:?}, then {again:?}");
        }
        if self.has(PilotFault::OtherKey) {
            let key = format!("{}/again/{}", storage.object_key_prefix, file.name);
            upload::put(&storage, &key, bytes.clone()).await?;
            let again = self.report(&Report { object_key: &key, ..report }).await?;
            ensure!(again.code == 0, "the same file below another key: {again:?}");
        }
        (outcome.status, outcome.code) = (Some(answer.status), Some(answer.code));
        outcome.expected = match self.expected() {
            Expected::Refused => answer.code != 0 && answer.status != 401,
            Expected::Accepted | Expected::Silence => answer.status == 200 && answer.code == 0,
        };
        outcome.outcome = if answer.code == 0 { Outcome::Uploaded } else { Outcome::Failed };
        outcome.error =
            (!outcome.expected).then(|| format!("HTTP {}, code {}: {}", answer.status, answer.code, answer.message));
        Ok(())
    }

    /// What goes wrong before a file, and must not keep it from going right.
    async fn stray(&self, report: &Report<'_>) -> anyhow::Result<()> {
        if self.has(PilotFault::LostToken) {
            let refused = self.cloud.topologies_with("eyrie_nobody").await?;
            ensure!(refused.status == 401, "a token that nobody gave: {refused:?}");
        }
        if self.has(PilotFault::RenewedToken) {
            self.cloud.renew().await?;
        }
        if self.has(PilotFault::WrongWorkspace) {
            let refused = self.cloud.elsewhere(&report.question()).await?;
            ensure!(refused.status == 403, "another workspace: {refused:?}");
        }
        if self.has(PilotFault::NotJson) {
            let refused = self.cloud.garbage().await?;
            ensure!(refused.status == 400, "a body that is not JSON: {refused:?}");
        }
        if self.has(PilotFault::Disconnect) {
            self.controller.lose_line().await?;
        }
        Ok(())
    }

    async fn send(&self, report: &Report<'_>, storage: &Storage, bytes: &Bytes, first: bool) -> anyhow::Result<()> {
        let key = report.object_key;
        if self.has(PilotFault::WithoutObject) || self.has(PilotFault::FailedResult) {
            return Ok(());
        }
        if self.has(PilotFault::CallbackFirst) && first {
            let early = self.report(report).await?;
            ensure!(early.code != 0, "a file that was not sent yet was called kept");
        }
        if self.has(PilotFault::WrongStorage) && first {
            let refused = upload::put(&storage.with_other_bucket(), key, bytes.clone()).await;
            ensure!(refused.is_err(), "a bucket that is not its own was accepted");
            let early = self.report(report).await?;
            ensure!(early.code != 0, "a file in a bucket of somebody else was called kept");
        }
        if self.has(PilotFault::ExpiredCredentials) && first {
            let refused = upload::put(&storage.with_broken_token(), key, bytes.clone()).await;
            ensure!(refused.is_err(), "a broken session token was accepted");
            *self.storage.lock().await = None;
        }
        let storage = self.storage().await?;
        let part = usize::try_from(self.crew.part_bytes).unwrap_or(usize::MAX);
        if self.has(PilotFault::SlowUpload) {
            upload::parts(&storage, key, bytes.clone(), part, Duration::from_millis(200)).await
        } else if bytes.len() > part {
            upload::parts(&storage, key, bytes.clone(), part, Duration::ZERO).await
        } else {
            upload::put(&storage, key, bytes.clone()).await
        }
    }

    async fn report(&self, report: &Report<'_>) -> anyhow::Result<Answer> {
        let mut body = report.write();
        for fault in &self.crew.faults {
            change(*fault, &mut body);
        }
        self.cloud.upload_callback(&body).await
    }

    /// Asked for once and kept until something goes wrong.
    async fn storage(&self) -> anyhow::Result<Storage> {
        let mut known = self.storage.lock().await;
        if let Some(storage) = &*known {
            return Ok(storage.clone());
        }
        let storage = self.cloud.sts().await.context("storage")?;
        *known = Some(storage.clone());
        Ok(storage)
    }

    fn expected(&self) -> Expected {
        let mut faults = self.crew.faults.iter().map(|fault| fault.expected());
        faults.find(|expected| *expected != Expected::Accepted).unwrap_or(Expected::Accepted)
    }

    fn has(&self, fault: PilotFault) -> bool {
        self.crew.has(fault)
    }
}

/// What the app asks with before it uploads.
struct Fingerprints {
    /// MD5 of the file, upper case.
    whole: String,
    /// An MD5 and the time of the shot without padding, `{md5}_{Y}_{M}_{D}_{h}_{m}_{s}`. Of what the app's MD5 is taken is
    /// not documented; here it is the file's.
    tiny: String,
}

impl Fingerprints {
    fn of(file: &PlannedFile, bytes: &Bytes, flight: &Flight) -> Self {
        let whole = hex(&Md5::digest(bytes));
        let at = file.shot.as_ref().map_or(flight.started_at, |shot| shot.at).to_zoned(TimeZone::UTC);
        let tiny =
            format!("{whole}_{}_{}_{}_{}_{}_{}", at.year(), at.month(), at.day(), at.hour(), at.minute(), at.second());
        Self { whole: whole.to_uppercase(), tiny }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
