//! EXIF 2.32, as DJI fills it, from a JPEG's APP1 or from the directories of a TIFF or DNG file.

use std::io;

use jiff::ToSpan as _;
use jiff::civil::DateTime;

use super::capture_time::civil;
use super::tiff::{Entry, Ifd, Tiff};
use super::{Preview, PreviewSource};
use crate::track::{Attitude, Place};

/// Directories that hang below another one; a DNG has about four.
const MAX_SUB_IFDS: usize = 16;
/// Fields of the maker note of DJI's models before 2019; newer ones put a log text in its place.
const MAX_MAKER_NOTE_FIELDS: usize = 32;
/// No aircraft flies higher; some firmware writes negative altitudes as huge ones.
const MAX_ALTITUDE_M: f64 = 100_000.0;
const JPEG_COMPRESSIONS: [f64; 2] = [6.0, 7.0];

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Exif {
    pub(crate) make: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) unique_model: Option<String>,
    pub(crate) camera_serial: Option<String>,
    pub(crate) lens_model: Option<String>,
    pub(crate) software: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) comment: Option<String>,
    pub(crate) keywords: Option<String>,
    pub(crate) orientation: Option<u8>,
    pub(crate) width_px: Option<u32>,
    pub(crate) height_px: Option<u32>,
    pub(crate) exposure_s: Option<f64>,
    pub(crate) f_number: Option<f64>,
    pub(crate) iso: Option<f64>,
    pub(crate) focal_length_mm: Option<f64>,
    pub(crate) focal_length_35mm_mm: Option<f64>,
    pub(crate) digital_zoom: Option<f64>,
    /// `DateTimeOriginal` as it stands in the file, or the next best of EXIF's three times that is one.
    pub(crate) taken: Option<String>,
    digitized: Option<String>,
    modified: Option<String>,
    pub(crate) sub_second: Option<String>,
    pub(crate) utc_offset: Option<String>,
    /// Of the satellite receiver.
    pub(crate) gps_utc: Option<DateTime>,
    pub(crate) position: Option<Place>,
    /// Of DJI's maker note.
    pub(crate) gimbal: Option<Attitude>,
    pub(crate) aircraft: Option<Attitude>,
    /// XMP in a TIFF's directory.
    pub(crate) xmp: Option<Vec<u8>>,
    pub(crate) previews: Vec<Preview>,
}

/// Reads all directories. A field that cannot be read is left out.
///
/// # Errors
/// The source cannot be read.
pub(crate) fn read(tiff: &mut Tiff<'_>, base: u64, is_file: bool) -> io::Result<Exif> {
    let mut exif = Exif::default();
    let first = tiff.ifd(tiff.first_ifd)?;
    let mut below = Vec::new();
    for entry in &first.entries {
        main_field(tiff, entry, &mut exif)?;
        match entry.tag {
            0x8769 => below.extend(tiff.number(entry)?.map(|offset| (Below::Exif, offset as u32))),
            0x8825 => below.extend(tiff.number(entry)?.map(|offset| (Below::Gps, offset as u32))),
            0x014A => below.extend(tiff.numbers(entry)?.iter().map(|offset| (Below::Image, *offset as u32))),
            _ => {}
        }
    }
    if is_file {
        image(tiff, &first, base, PreviewSource::Tiff, &mut exif)?;
    }
    for (kind, offset) in below.into_iter().take(MAX_SUB_IFDS) {
        let ifd = tiff.ifd(offset)?;
        match kind {
            Below::Exif => {
                for entry in &ifd.entries {
                    exif_field(tiff, entry, &mut exif)?;
                }
            }
            Below::Gps => {
                exif.position = gps(tiff, &ifd)?;
                exif.gps_utc = gps_time(tiff, &ifd)?;
            }
            Below::Image => image(tiff, &ifd, base, PreviewSource::Tiff, &mut exif)?,
        }
    }
    if first.next != 0 && first.next != tiff.first_ifd {
        let ifd = tiff.ifd(first.next)?;
        image(tiff, &ifd, base, PreviewSource::Exif, &mut exif)?;
    }
    let is_time = |text: &String| civil(text).is_some();
    let times = [exif.taken.take(), exif.digitized.take(), exif.modified.take()];
    exif.taken = times.into_iter().flatten().find(is_time);
    Ok(exif)
}

enum Below {
    Exif,
    Gps,
    Image,
}

fn main_field(tiff: &mut Tiff<'_>, entry: &Entry, exif: &mut Exif) -> io::Result<()> {
    match entry.tag {
        0x010E => exif.description = tiff.text(entry)?,
        0x010F => exif.make = tiff.text(entry)?,
        0x0110 => exif.model = tiff.text(entry)?,
        0x0112 => exif.orientation = tiff.number(entry)?.map(|n| n as u8).filter(|n| (1..=8).contains(n)),
        0x0131 => exif.software = tiff.text(entry)?,
        0x0132 => exif.modified = tiff.text(entry)?,
        0x02BC => exif.xmp = Some(tiff.block(entry)?),
        0x9C9C => exif.comment = tiff.wide_text(entry)?,
        0x9C9E => exif.keywords = tiff.wide_text(entry)?,
        0xC614 => exif.unique_model = tiff.text(entry)?,
        // a DNG may have them in its first directory
        0x829A | 0x829D | 0x8827 | 0x920A | 0xA405 | 0x9003 | 0x9004 => exif_field(tiff, entry, exif)?,
        _ => {}
    }
    Ok(())
}

fn exif_field(tiff: &mut Tiff<'_>, entry: &Entry, exif: &mut Exif) -> io::Result<()> {
    let positive = |number: Option<f64>| number.filter(|number| *number > 0.0);
    match entry.tag {
        0x829A => exif.exposure_s = positive(tiff.number(entry)?),
        0x829D => exif.f_number = positive(tiff.number(entry)?),
        0x8827 => exif.iso = positive(tiff.number(entry)?),
        0x9003 => exif.taken = tiff.text(entry)?,
        0x9004 => exif.digitized = tiff.text(entry)?,
        0x9010 | 0x9012 => exif.utc_offset = exif.utc_offset.take().or(tiff.text(entry)?),
        0x9011 => exif.utc_offset = tiff.text(entry)?.or(exif.utc_offset.take()),
        0x9291 => exif.sub_second = tiff.text(entry)?,
        0x920A => exif.focal_length_mm = positive(tiff.number(entry)?),
        // other makers' notes have other meanings
        0x927C if exif.make.as_deref().is_some_and(|make| make.eq_ignore_ascii_case("DJI")) => {
            maker_note(tiff, entry, exif)?;
        }
        // a TIFF's own directory knows better
        0xA002 if exif.width_px.is_none() => exif.width_px = positive(tiff.number(entry)?).map(|n| n as u32),
        0xA003 if exif.height_px.is_none() => exif.height_px = positive(tiff.number(entry)?).map(|n| n as u32),
        0xA404 => exif.digital_zoom = positive(tiff.number(entry)?),
        0xA405 => exif.focal_length_35mm_mm = positive(tiff.number(entry)?),
        0xA431 => exif.camera_serial = tiff.text(entry)?,
        0xA434 => exif.lens_model = tiff.text(entry)?,
        _ => {}
    }
    Ok(())
}

/// Attitudes as old models wrote them: a directory of numbers without a header.
fn maker_note(tiff: &mut Tiff<'_>, entry: &Entry, exif: &mut Exif) -> io::Result<()> {
    let ifd = tiff.ifd_of(entry)?;
    let sound = ifd.entries.len() <= MAX_MAKER_NOTE_FIELDS && ifd.entries.iter().all(Entry::is_sound);
    if !sound {
        return Ok(());
    }
    let (mut gimbal, mut aircraft) = (Attitude::default(), Attitude::default());
    for entry in &ifd.entries {
        let angle = |number: Option<f64>| number.filter(|angle| angle.abs() <= 360.0);
        match entry.tag {
            6 => aircraft.pitch_deg = angle(tiff.number(entry)?),
            7 => aircraft.yaw_deg = angle(tiff.number(entry)?),
            8 => aircraft.roll_deg = angle(tiff.number(entry)?),
            9 => gimbal.pitch_deg = angle(tiff.number(entry)?),
            10 => gimbal.yaw_deg = angle(tiff.number(entry)?),
            11 => gimbal.roll_deg = angle(tiff.number(entry)?),
            _ => {}
        }
    }
    exif.gimbal = (gimbal != Attitude::default()).then_some(gimbal);
    exif.aircraft = (aircraft != Attitude::default()).then_some(aircraft);
    Ok(())
}

fn gps(tiff: &mut Tiff<'_>, ifd: &Ifd) -> io::Result<Option<Place>> {
    let (mut lat, mut lng, mut altitude_m) = (None, None, None);
    let (mut south, mut west, mut below_sea) = (false, false, false);
    for entry in &ifd.entries {
        match entry.tag {
            1 => south = tiff.text(entry)?.is_some_and(|text| text.starts_with(['S', 's'])),
            2 => lat = degrees(&tiff.numbers(entry)?),
            3 => west = tiff.text(entry)?.is_some_and(|text| text.starts_with(['W', 'w'])),
            4 => lng = degrees(&tiff.numbers(entry)?),
            5 => below_sea = tiff.number(entry)? == Some(1.0),
            6 => altitude_m = tiff.number(entry)?.filter(|altitude_m| altitude_m.abs() < MAX_ALTITUDE_M),
            _ => {}
        }
    }
    let (Some(lat), Some(lng)) = (lat, lng) else { return Ok(None) };
    let place = Place {
        lat: if south { -lat } else { lat },
        lng: if west { -lng } else { lng },
        absolute_altitude_m: altitude_m.map(|altitude_m| if below_sea { -altitude_m } else { altitude_m }),
        relative_altitude_m: None,
    };
    Ok(super::on_earth(place))
}

/// `GPSDateStamp` and `GPSTimeStamp`: UTC of the last fix.
fn gps_time(tiff: &mut Tiff<'_>, ifd: &Ifd) -> io::Result<Option<DateTime>> {
    let entry = |tag: u16| ifd.entries.iter().find(|entry| entry.tag == tag);
    let (Some(day), Some(time)) = (entry(29), entry(7)) else { return Ok(None) };
    let day = tiff.text(day)?;
    let [hour, minute, second] = tiff.numbers(time)?[..] else { return Ok(None) };
    let midnight = day.and_then(|day| civil(&format!("{day} 00:00:00"))).map(|(midnight, _)| midnight);
    let second_of_day = hour * 3_600.0 + minute * 60.0 + second;
    let sound = (0.0..86_400.0).contains(&second_of_day);
    let nanoseconds = (second_of_day * 1e9).round() as i64;
    Ok(midnight.filter(|_| sound).and_then(|midnight| midnight.checked_add(nanoseconds.nanoseconds()).ok()))
}

/// Degrees, minutes, seconds; the later ones may be missing.
fn degrees(parts: &[f64]) -> Option<f64> {
    let degrees = parts.first()? + parts.get(1).unwrap_or(&0.0) / 60.0 + parts.get(2).unwrap_or(&0.0) / 3600.0;
    degrees.is_finite().then_some(degrees)
}

/// The picture that a directory describes: the file's own, a JPEG preview, or the thumbnail of IFD1.
fn image(tiff: &mut Tiff<'_>, ifd: &Ifd, base: u64, source: PreviewSource, exif: &mut Exif) -> io::Result<()> {
    let mut value = |tag: u16| -> io::Result<Option<f64>> {
        ifd.entries.iter().find(|entry| entry.tag == tag).map_or(Ok(None), |entry| tiff.number(entry))
    };
    let (width, height, reduced) = (value(0x0100)?, value(0x0101)?, value(0x00FE)?);
    let compressed = value(0x0103)?.is_some_and(|n| JPEG_COMPRESSIONS.contains(&n));
    let jpeg = (value(0x0201)?, value(0x0202)?);
    let strips = ifd.entries.iter().find(|entry| entry.tag == 0x0117).map(|entry| tiff.numbers(entry)).transpose()?;
    let strip = (ifd.entries.iter().find(|entry| entry.tag == 0x0111)).map(|entry| tiff.number(entry)).transpose()?;
    let one_strip = strips.as_ref().is_some_and(|strips| strips.len() == 1);
    let (offset, size) = match jpeg {
        (Some(offset), Some(size)) => (Some(offset), Some(size)),
        _ if compressed && one_strip => (strip.flatten(), strips.and_then(|strips| strips.first().copied())),
        _ => (None, None),
    };
    let size_px = |n: Option<f64>| n.filter(|n| *n > 0.0).map(|n| n as u32);
    if reduced.unwrap_or(0.0) == 0.0 && source == PreviewSource::Tiff {
        // the full picture; the largest one when there are several
        if size_px(width) > exif.width_px {
            (exif.width_px, exif.height_px) = (size_px(width), size_px(height));
        }
        return Ok(());
    }
    if let (Some(offset), Some(size)) = (offset, size)
        && offset > 0.0
        && size > 0.0
    {
        exif.previews.push(Preview {
            offset: base.saturating_add(offset as u64),
            size_bytes: size as u64,
            width_px: size_px(width),
            height_px: size_px(height),
            source,
        });
    }
    Ok(())
}
