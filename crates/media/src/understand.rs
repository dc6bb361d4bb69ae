//! A whole file understood: which reader it is for, and what of its findings a library asks for first.

use std::io;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::Serialize;
use serde_json::{Value, json};

use crate::photo::{self, TimeSource};
use crate::track::{Attitude, Place, TrackSource};
use crate::{Format, HEAD_BYTES, Kind, RangeRead, gnss, read_range, sniff, srt, thermal, video};

/// Largest subtitle file that is read: an hour at 60 frames a second has 60 MB.
pub const MAX_SUBTITLE_BYTES: u64 = 256_000_000;

/// Read of a file that is called a subtitle file and begins otherwise.
const MAX_DOUBTFUL_BYTES: usize = 4 << 20;

/// A value and where it was found: `xmp`, `exif`, `djmd`, ...
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Found<T> {
    pub value: T,
    pub source: &'static str,
}

/// What a file is and tells. A value that it does not tell is `None`; nothing in it is guessed.
#[derive(Clone, Debug, Serialize)]
pub struct Understanding {
    pub kind: Kind,
    /// Media type for a browser.
    pub content_type: &'static str,
    pub captured_at: Option<Found<Timestamp>>,
    /// As the device's clock said it, without a zone: `2026-11-23T06:14:22`.
    pub captured_local: Option<String>,
    pub position: Option<Found<Place>>,
    pub gimbal: Option<Found<Attitude>>,
    /// Which camera of the payload: wide, zoom, thermal, visible, ...
    pub camera: Option<String>,
    /// Shared by the pictures of one trigger.
    pub capture_uuid: Option<String>,
    /// A photo's camera over the ground, for what it shows.
    #[serde(skip)]
    pub view: Option<photo::View>,
    /// An object with what the file's reader found, under the reader's name: `photo`, `thermal`, `video`, `subtitle`, `mrk`,
    /// `rinex`, `rtcm`, ... ; empty when no reader knows the file.
    pub details: Value,
    /// What is odd or damaged, in words.
    pub warnings: Vec<String>,
}

/// Reads the file called `name`. Damage is told in the warnings: it never fails, but for the source itself.
///
/// # Errors
/// The source cannot be read.
pub fn understand(name: &str, reader: &mut dyn RangeRead) -> io::Result<Understanding> {
    let head = read_range(reader, 0, HEAD_BYTES)?;
    let sniffed = sniff(name, &head);
    let format = sniffed.format;
    let mut understood = Understanding {
        kind: sniffed.kind,
        content_type: sniffed.content_type,
        captured_at: None,
        captured_local: None,
        position: None,
        gimbal: None,
        camera: None,
        capture_uuid: None,
        view: None,
        details: json!({}),
        warnings: sniffed.warnings,
    };
    match sniffed.kind {
        Kind::Photo | Kind::Thermal | Kind::Panorama => {
            // behind much EXIF and XMP the thermal segments begin where nobody looked yet
            if format == Format::Jpeg && sniffed.kind == Kind::Photo && thermal::is_there(reader)? {
                understood.kind = Kind::Thermal;
            }
            of_photo(name, reader, &mut understood)?;
        }
        Kind::Subtitle => of_subtitle(format, reader, &mut understood)?,
        Kind::Video if format == Format::Mp4 => of_video(name, reader, &mut understood)?,
        Kind::Ppk | Kind::Rtcm => {
            if let Some(found) = gnss::reading::read(format, reader)? {
                understood.details = found.details;
                understood.captured_at = found.first_at.map(|(value, source)| Found { value, source });
                understood.warnings.extend(found.warnings);
            }
        }
        Kind::Video | Kind::Other => {}
    }
    Ok(understood)
}

fn of_photo(name: &str, reader: &mut dyn RangeRead, understood: &mut Understanding) -> io::Result<()> {
    let mut photo = photo::read(reader)?;
    if let (None, Some(local)) = (&photo.captured_local, photo::name_parts(name).local) {
        photo::from_name(local, &mut photo);
    }
    let image_source = photo.camera.image_source.as_deref().unwrap_or_default();
    understood.camera = camera(image_source, name, understood.kind).map(str::to_owned);
    if understood.kind == Kind::Photo {
        understood.kind = match photo.projection.as_deref() {
            Some(projection) if projection.eq_ignore_ascii_case("equirectangular") => Kind::Panorama,
            _ if understood.camera.as_deref() == Some("thermal") => Kind::Thermal,
            _ => Kind::Photo,
        };
    }
    let source = photo.time_source.map(TimeSource::as_str);
    understood.captured_at = photo.captured_at.zip(source).map(|(value, source)| Found { value, source });
    understood.captured_local.clone_from(&photo.captured_local);
    understood.position = photo.position.zip(photo.position_source).map(|(value, source)| Found { value, source });
    understood.gimbal = photo.gimbal.zip(photo.gimbal_source).map(|(value, source)| Found { value, source });
    understood.capture_uuid.clone_from(&photo.capture_uuid);
    understood.view = photo::View::of_photo(&photo);
    understood.warnings.extend(photo.warnings.iter().cloned());
    understood.details["photo"] = json!(photo);
    if understood.kind == Kind::Thermal
        && let Some(thermal) = thermal::read(reader)?
    {
        understood.warnings.extend(thermal.warnings.iter().cloned());
        understood.details["thermal"] = json!(thermal);
    }
    Ok(())
}

fn of_video(name: &str, reader: &mut dyn RangeRead, understood: &mut Understanding) -> io::Result<()> {
    let video = video::read(reader)?;
    understood.camera = photo::name_parts(name).lens.map(|lens| lens.as_str().to_owned());
    // an unset clock is 1904 or 1970, and was left out by the reader
    understood.captured_at = video.created_at.map(|value| Found { value, source: "mvhd" });
    let local = photo::name_parts(name).local;
    understood.captured_local = local.map(|local| local.to_string());
    let source = video.first_position_source.map(TrackSource::as_str);
    understood.position = video.first_position.zip(source).map(|(value, source)| Found { value, source });
    understood.captured_at = understood.captured_at.or_else(|| at_of(local, video.first_position));
    let source = video.telemetry.first().map_or("udta", |source| source.as_str());
    understood.gimbal = video.first_gimbal.map(|value| Found { value, source });
    understood.warnings.extend(video.warnings.iter().cloned());
    understood.details["video"] = json!(video);
    Ok(())
}

fn of_subtitle(format: Format, reader: &mut dyn RangeRead, understood: &mut Understanding) -> io::Result<()> {
    let size_bytes = reader.size_bytes();
    if size_bytes > MAX_SUBTITLE_BYTES {
        let mb = MAX_SUBTITLE_BYTES / 1_000_000;
        understood.warnings.push(format!("a subtitle file of more than {mb} MB is not read"));
        return Ok(());
    }
    // what does not look like one is one that lost its beginning, or no text at all
    let looks_like_one = format == Format::Subtitle;
    let bytes = read_range(reader, 0, if looks_like_one { size_bytes as usize } else { MAX_DOUBTFUL_BYTES })?;
    let srt = srt::read(&bytes);
    understood.captured_local = srt.first_local.map(|local| local.to_string());
    understood.captured_at = at_of(srt.first_local, srt.first_position);
    understood.position = srt.first_position.map(|value| Found { value, source: "srt" });
    understood.warnings.extend(srt.warnings.iter().cloned());
    understood.details["subtitle"] = json!(srt);
    Ok(())
}

/// Local time in the zone of the place.
fn at_of(local: Option<DateTime>, place: Option<Place>) -> Option<Found<Timestamp>> {
    let (_, zone) = photo::zone_of(place?)?;
    let value = zone.to_ambiguous_timestamp(local?).compatible().ok()?;
    Some(Found { value, source: TimeSource::PositionZone.as_str() })
}

/// XMP's word for the camera, or the letter in the file's name.
fn camera(image_source: &str, name: &str, kind: Kind) -> Option<&'static str> {
    let source = image_source.to_ascii_lowercase();
    let known =
        [("wide", "wide"), ("zoom", "zoom"), ("infrared", "thermal"), ("thermal", "thermal"), ("ms_", "multispectral")];
    let by_source = known.iter().find(|(part, _)| source.contains(part)).map(|(_, camera)| *camera);
    by_source
        .or_else(|| photo::name_parts(name).lens.map(photo::Lens::as_str))
        .or((kind == Kind::Thermal).then_some("thermal"))
        .or((!source.is_empty()).then_some("visible"))
}
