//! Temperatures of a thermal picture, by the program that the operator named: DJI's own, which is the only one that knows its
//! cameras' calibration.
//!
//! It is called as `dji_irp` of DJI's Thermal SDK is, with the picture as the camera wrote it, and writes a value for each pixel.
//! What is not established is not told: an answer of another size, or without a finite value, is an error.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use eyrie_catalogue::{Media, MediaKind, MediaStatus, NewJob};
use futures::TryStreamExt as _;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::{Failure, Run};
use crate::app::App;
use crate::events::Change;
use crate::program::{self, Limits, ProgramError};

pub const KIND: &str = "measure-thermal";

const LIMITS: Limits = Limits { time: Duration::from_secs(60), memory_bytes: 2 << 30, file_bytes: MAX_ANSWER_BYTES };
/// Four bytes a pixel; the largest sensors have 1280 x 1024.
const MAX_ANSWER_BYTES: u64 = 64 << 20;
/// A thermal picture is about 2 MB.
const MAX_PICTURE_BYTES: i64 = 64 << 20;
const MAX_ATTEMPTS: u32 = 3;
/// Names in the program's folder.
const PICTURE: &str = "picture.jpg";
const ANSWER: &str = "temperatures.raw";
/// Whole numbers are tenths of a degree.
const TENTHS: f32 = 10.0;

/// What goes into the file's metadata as `temperature`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Temperature {
    pub min_celsius: f32,
    pub max_celsius: f32,
    pub mean_celsius: f32,
    pub hot_spot: Spot,
    pub cold_spot: Spot,
    /// Of the measured plane.
    pub width_px: u32,
    pub height_px: u32,
    /// The name of the program that measured.
    pub program: String,
}

/// A pixel, from the top left of the sensor's plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spot {
    pub x_px: u32,
    pub y_px: u32,
}

/// The job that follows a thermal picture's understanding; `None` without a program, and for what was measured.
pub fn wanted(app: &App, media: &Media) -> Option<NewJob> {
    app.config.media.thermal_program.as_ref()?;
    let measured = media.metadata.get("temperature").is_some();
    let wanted = media.kind == MediaKind::Thermal && media.status == MediaStatus::Stored && !measured;
    wanted.then(|| NewJob {
        id: app.new_id(),
        workspace_id: Some(media.workspace_id),
        kind: KIND.to_owned(),
        media_id: Some(media.id),
        flight_id: media.flight_id.clone(),
        payload: json!({}),
        run_after: app.now(),
        max_attempts: MAX_ATTEMPTS,
    })
}

pub async fn run(run: &Run) -> Result<Option<Value>, Failure> {
    let app = &run.app;
    let no = |why: &'static str| Failure::Final(anyhow::anyhow!(why));
    let program = app.config.media.thermal_program.clone().ok_or(no("media.thermal_program is not set"))?;
    let id = run.job.media_id.ok_or(no("the job names no file"))?;
    let media = app.catalogue.media_by_id(id).await?;
    let media = media.filter(|media| media.status == MediaStatus::Stored && media.kind == MediaKind::Thermal);
    let media = media.ok_or(no("the picture is not in the library any more"))?;
    if media.size_bytes.is_none_or(|size| size > MAX_PICTURE_BYTES) {
        return Err(no("the file is too large for a thermal picture"));
    }
    let folder =
        tempfile::Builder::new().prefix("eyrie-thermal-").tempdir().context("no temporary folder can be made")?;
    fetch(app, &media, &folder.path().join(PICTURE)).await?;
    let words = ["-s", PICTURE, "-a", "measure", "-o", ANSWER, "--measurefmt", "float32"];
    let args: Vec<OsString> = words.iter().map(OsString::from).collect();
    program::run(&program, &args, folder.path(), LIMITS).await.map_err(|error| match error {
        ProgramError::Start { .. } | ProgramError::TimeLimit { .. } => Failure::Retry(error.into()),
        ProgramError::Failed { .. } => Failure::Final(error.into()),
    })?;
    let answer = tokio::fs::read(folder.path().join(ANSWER)).await;
    let answer = answer.map_err(|_| no("the program wrote no temperatures"))?;
    let side = |name: &str| {
        let px = media.metadata.pointer(&format!("/thermal/plane/{name}")).and_then(Value::as_u64);
        px.and_then(|px| u32::try_from(px).ok())
    };
    let size = side("width_px").zip(side("height_px"));
    let size = size.ok_or(no("the size of the sensor's plane is not known"))?;
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let temperature = read(&answer, size, name).map_err(|why| Failure::Final(anyhow::anyhow!(why)))?;
    save(app, &media, &temperature).await?;
    Ok(Some(serde_json::to_value(&temperature).map_err(anyhow::Error::from)?))
}

async fn fetch(app: &App, media: &Media, to: &Path) -> anyhow::Result<()> {
    let (_, mut chunks) = app.store.read(&media.bucket, &media.object_key, None).await?;
    let mut file = tokio::fs::File::create(to).await?;
    while let Some(chunk) = chunks.try_next().await? {
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    Ok(())
}

/// Into the row as it is by now, when its bytes are still the ones that were measured.
async fn save(app: &App, measured: &Media, temperature: &Temperature) -> Result<(), Failure> {
    let media = app.catalogue.media_by_id(measured.id).await?;
    let Some(mut media) = media.filter(|media| media.etag == measured.etag) else {
        return Err(Failure::Final(anyhow::anyhow!("the file was overwritten while it was measured")));
    };
    let Value::Object(metadata) = &mut media.metadata else {
        return Err(Failure::Final(anyhow::anyhow!("the file's metadata is no object")));
    };
    metadata.insert("temperature".into(), serde_json::to_value(temperature).map_err(anyhow::Error::from)?);
    media.updated_at = app.now();
    app.catalogue.save_understanding(&media).await?;
    app.events.send(media.workspace_id, Change::MediaUpdated(Box::new(media)));
    Ok(())
}

/// Degrees Celsius as 32-bit floats, or tenths of them as 16-bit integers; little-endian, rows from the top.
fn read(answer: &[u8], (width_px, height_px): (u32, u32), program: String) -> Result<Temperature, String> {
    let pixels = u64::from(width_px) * u64::from(height_px);
    let size = answer.len() as u64;
    let values: Vec<f32> = if size == pixels * 4 {
        let words = answer.chunks_exact(4).filter_map(|bytes| bytes.try_into().ok());
        words.map(f32::from_le_bytes).collect()
    } else if size == pixels * 2 {
        let words = answer.chunks_exact(2).filter_map(|bytes| bytes.try_into().ok());
        words.map(|word| f32::from(i16::from_le_bytes(word)) / TENTHS).collect()
    } else {
        return Err(format!("the program wrote {size} bytes for {width_px} x {height_px} pixels"));
    };
    let finite = || values.iter().copied().enumerate().filter(|(_, celsius)| celsius.is_finite());
    let hottest = finite().max_by(|(_, a), (_, b)| a.total_cmp(b));
    let coldest = finite().min_by(|(_, a), (_, b)| a.total_cmp(b));
    let (Some((hot_at, max_celsius)), Some((cold_at, min_celsius))) = (hottest, coldest) else {
        return Err("the program wrote no temperatures".into());
    };
    let sum: f64 = finite().map(|(_, celsius)| f64::from(celsius)).sum();
    let spot = |at: usize| {
        let (at, width) = (at as u64, u64::from(width_px));
        Spot { x_px: (at % width) as u32, y_px: (at / width) as u32 }
    };
    Ok(Temperature {
        min_celsius,
        max_celsius,
        mean_celsius: (sum / finite().count() as f64) as f32,
        hot_spot: spot(hot_at),
        cold_spot: spot(cold_at),
        width_px,
        height_px,
        program,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_answer_are_read() {
        let floats: Vec<u8> =
            [20.0_f32, f32::NAN, -5.5, 100.25, 30.0, 20.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let read_floats = read(&floats, (3, 2), "dji_irp".into()).unwrap();
        assert_eq!((read_floats.min_celsius, read_floats.max_celsius), (-5.5, 100.25));
        assert_eq!(read_floats.mean_celsius, 32.95);
        assert_eq!(read_floats.hot_spot, Spot { x_px: 0, y_px: 1 });
        assert_eq!(read_floats.cold_spot, Spot { x_px: 2, y_px: 0 });
        let tenths: Vec<u8> = [200_i16, -55, 1_002, 300].iter().flat_map(|v| v.to_le_bytes()).collect();
        let read_tenths = read(&tenths, (2, 2), "dji_irp".into()).unwrap();
        assert_eq!((read_tenths.min_celsius, read_tenths.max_celsius), (-5.5, 100.2));
        assert_eq!(read_tenths.hot_spot, Spot { x_px: 0, y_px: 1 });
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        assert!(read(&[0; 10], (2, 2), String::new()).unwrap_err().contains("10 bytes"));
        assert!(read(&f32::NAN.to_le_bytes(), (1, 1), String::new()).is_err());
        assert!(read(&[], (0, 0), String::new()).is_err());
    }
}
