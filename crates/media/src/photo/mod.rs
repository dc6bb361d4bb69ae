//! Photos: EXIF, DJI's XMP and the embedded previews, from the file's headers alone.

mod capture_time;
mod containers;
mod exif;
pub mod footprint;
mod headers;
pub(crate) mod jpeg;
mod mpf;
mod names;
mod previews;
pub(crate) mod tiff;
mod xmp;

use std::io;

use jiff::Timestamp;
use serde::Serialize;

pub(crate) use capture_time::from_name;
pub use capture_time::{TimeSource, civil, zone_of};
pub use footprint::{Footprint, View};
pub(crate) use headers::on_earth;
pub use headers::rtk_solution;
pub use names::{FolderParts, Lens, NameParts, folder_parts, name_parts};
pub(crate) use previews::Part;

use crate::track::{Attitude, Place};
use crate::{RangeRead, read_range};
use exif::Exif;
use tiff::Tiff;
use xmp::Xmp;

const MAX_WARNINGS: usize = 32;
/// The segment that holds a thermal camera's raw values.
const RAW_THERMAL_MARKER: u8 = 0xE3;

/// What a photo's headers say. A value that is not there is `None`. Left out when it is written down is what
/// [`crate::understand::Understanding`] says of every file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Photo {
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    /// EXIF's number, 1 to 8; 1 is upright.
    pub orientation: Option<u8>,
    pub camera: Camera,
    pub exposure: Exposure,
    /// Local time of the aircraft's clock, `2026-11-23T06:14:22.5`.
    #[serde(skip)]
    pub captured_local: Option<String>,
    #[serde(skip)]
    pub captured_at: Option<Timestamp>,
    #[serde(skip)]
    pub time_source: Option<TimeSource>,
    /// The zone of the position, when the time was found through it.
    pub time_zone: Option<String>,
    /// The chosen one: XMP's has more digits and the altitude above take-off.
    #[serde(skip)]
    pub position: Option<Place>,
    #[serde(skip)]
    pub position_source: Option<&'static str>,
    pub exif_position: Option<Place>,
    pub xmp_position: Option<Place>,
    /// XMP's, also where it has no position.
    pub absolute_altitude_m: Option<f64>,
    pub relative_altitude_m: Option<f64>,
    /// What the absolute altitude is: PressureAlt, GpsFusionAlt, RtkAlt.
    pub altitude_type: Option<String>,
    /// Invalid, Normal, RTK.
    pub gps_status: Option<String>,
    #[serde(skip)]
    pub gimbal: Option<Attitude>,
    /// `xmp`, or `exif` for the maker note of old models.
    #[serde(skip)]
    pub gimbal_source: Option<&'static str>,
    pub aircraft: Option<Attitude>,
    /// North, east, down or up as the aircraft writes it.
    pub speed: Option<Speed>,
    pub rtk: Option<Rtk>,
    pub laser_range_finder: Option<LaserRangeFinder>,
    #[serde(skip)]
    pub capture_uuid: Option<String>,
    pub dewarp: Option<Dewarp>,
    pub surveying_mode: Option<bool>,
    pub drone_model: Option<String>,
    pub drone_serial: Option<String>,
    /// Words of the shooting mode.
    pub keywords: Option<String>,
    /// The colour palette of a thermal picture.
    pub palette: Option<String>,
    /// Of a multispectral camera's picture.
    pub band: Option<Band>,
    /// `equirectangular` of a panorama.
    pub projection: Option<String>,
    /// Which part of the sphere a panorama shows, and where it looks.
    pub panorama: Option<Panorama>,
    /// The place on flat ground that it shows: an estimate.
    pub footprint: Option<Footprint>,
    /// Smaller pictures inside the file, the smallest first as far as their sizes are known.
    pub previews: Vec<Preview>,
    /// What is odd, in words.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// GPano, as <https://developers.google.com/streetview/spherical-metadata> has it: the picture is a cut-out of the whole sphere, which is
/// `full_width_px` wide. The numbers count pixels of the sphere; a picture that was made smaller since has fewer of its own.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Panorama {
    pub full_width_px: Option<u32>,
    pub full_height_px: Option<u32>,
    pub cropped_width_px: Option<u32>,
    pub cropped_height_px: Option<u32>,
    pub cropped_left_px: Option<u32>,
    pub cropped_top_px: Option<u32>,
    /// Compass direction of the middle of the sphere.
    pub heading_deg: Option<f64>,
    /// Compass direction of the first look.
    pub initial_heading_deg: Option<f64>,
    pub initial_pitch_deg: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Camera {
    pub make: Option<String>,
    pub model: Option<String>,
    /// `DJI M3TD`.
    pub unique_model: Option<String>,
    pub serial: Option<String>,
    pub lens: Option<String>,
    pub lens_serial: Option<String>,
    pub firmware: Option<String>,
    /// As XMP says it: WideCamera, ZoomCamera, InfraredCamera.
    pub image_source: Option<String>,
    /// Focal length in pixels, as calibrated in the factory.
    pub calibrated_focal_length_px: Option<f64>,
    pub optical_center_x_px: Option<f64>,
    pub optical_center_y_px: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exposure {
    pub shutter_s: Option<f64>,
    pub f_number: Option<f64>,
    pub iso: Option<f64>,
    pub focal_length_mm: Option<f64>,
    pub focal_length_35mm_mm: Option<f64>,
    pub digital_zoom: Option<f64>,
    pub shutter_type: Option<String>,
    pub white_balance_k: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Speed {
    pub x_m_s: Option<f64>,
    pub y_m_s: Option<f64>,
    pub z_m_s: Option<f64>,
}

/// Real-time kinematics, one sigma each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rtk {
    pub flag: i64,
    /// none, single, float, fixed or unknown.
    pub solution: &'static str,
    pub std_lat_m: Option<f64>,
    pub std_lng_m: Option<f64>,
    pub std_height_m: Option<f64>,
    pub diff_age_s: Option<f64>,
    /// The NTRIP source, without credentials.
    pub mount_point: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaserRangeFinder {
    pub status: Option<String>,
    pub target_distance_m: Option<f64>,
    pub target: Option<Place>,
}

/// Lens distortion for photogrammetry, pixels; the centre from the middle of the picture.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dewarp {
    pub applied: Option<bool>,
    pub calibrated_on: Option<String>,
    pub fx_px: f64,
    pub fy_px: f64,
    pub cx_px: f64,
    pub cy_px: f64,
    /// k1, k2, p1, p2, k3.
    pub distortion: Vec<f64>,
}

/// What light a multispectral picture is of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Band {
    /// Green, Red, RedEdge, NIR.
    pub name: String,
    pub central_wavelength_nm: Option<f64>,
    /// Full width at half of the maximum.
    pub width_nm: Option<f64>,
}

/// A JPEG inside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// From the file's beginning, bytes.
    pub offset: u64,
    pub size_bytes: u64,
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    pub source: PreviewSource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PreviewSource {
    /// The thumbnail of IFD1.
    Exif,
    Mpf,
    /// A preview in the directories of a DNG.
    Tiff,
}

/// Reads the headers of a JPEG, TIFF, DNG, PNG or HEIF file; another file's photo is empty.
///
/// # Errors
/// The source cannot be read. Damage of the file is told in the warnings.
pub fn read(reader: &mut dyn RangeRead) -> io::Result<Photo> {
    let mut photo = Photo::default();
    let mut is_thermal = false;
    let (exif, xmp) = read_layout(reader, &mut photo, &mut is_thermal)?;
    let xmp = xmp.unwrap_or_default();
    photo.warnings.extend(xmp.warnings.iter().cloned());
    headers::from_exif(&exif, &mut photo);
    headers::from_xmp(&xmp, &mut photo);
    headers::choose_position(&mut photo);
    is_thermal |= photo.camera.image_source.as_deref().is_some_and(|source| source.contains("Infrared"));
    photo.palette = headers::palette(&exif, is_thermal);
    capture_time::choose(&exif, &xmp, &mut photo);
    photo.footprint = View::of_photo(&photo).and_then(|view| footprint::footprint(&view));
    photo.warnings.truncate(MAX_WARNINGS);
    Ok(photo)
}

/// What a decoder needs: size, orientation and previews.
///
/// # Errors
/// The source cannot be read.
pub(crate) fn layout(reader: &mut dyn RangeRead) -> io::Result<Photo> {
    let mut photo = Photo::default();
    let (exif, _) = read_layout(reader, &mut photo, &mut false)?;
    photo.orientation = exif.orientation;
    Ok(photo)
}

/// The size, the previews, and the blocks that tell the rest.
fn read_layout(
    reader: &mut dyn RangeRead,
    photo: &mut Photo,
    is_thermal: &mut bool,
) -> io::Result<(Exif, Option<Xmp>)> {
    let (exif, xmp) = match read_range(reader, 0, 8)?[..] {
        [0xFF, 0xD8, ..] => read_jpeg(reader, photo, is_thermal)?,
        [_, _, _, _, b'f', b't', b'y', b'p'] => read_contained(containers::heif(reader)?, photo)?,
        ref head if head == containers::PNG => read_contained(containers::png(reader)?, photo)?,
        _ => match Tiff::open(reader, 0)? {
            Some(mut tiff) => {
                let exif = exif::read(&mut tiff, 0, true)?;
                let xmp = exif.xmp.as_deref().map(xmp::read);
                (exif, xmp)
            }
            None => (Exif::default(), None),
        },
    };
    photo.width_px = photo.width_px.or(exif.width_px);
    photo.height_px = photo.height_px.or(exif.height_px);
    photo.previews.extend(exif.previews.iter().copied());
    previews::measure(reader, photo)?;
    Ok((exif, xmp))
}

fn read_jpeg(reader: &mut dyn RangeRead, photo: &mut Photo, is_thermal: &mut bool) -> io::Result<(Exif, Option<Xmp>)> {
    let jpeg = jpeg::walk(reader)?;
    (photo.width_px, photo.height_px) = (jpeg.width_px, jpeg.height_px);
    *is_thermal = jpeg.segments.iter().any(|segment| segment.marker == RAW_THERMAL_MARKER);
    photo.warnings.extend(jpeg.warnings);
    let exif = read_exif(jpeg.exif.as_ref(), photo)?;
    if let Some(block) = &jpeg.mpf {
        photo.previews.extend(mpf::read(block)?);
    }
    let mut xmp = jpeg.xmp.as_deref().map(xmp::read);
    if let Some(extension) = &jpeg.xmp_extension {
        match extension.packet() {
            Some(packet) => xmp.get_or_insert_default().absorb(xmp::read(packet)),
            None => photo.warnings.push("parts of the XMP's extension are missing: it was not read".into()),
        }
    }
    Ok((exif, xmp))
}

fn read_contained(found: containers::Contained, photo: &mut Photo) -> io::Result<(Exif, Option<Xmp>)> {
    (photo.width_px, photo.height_px) = (found.width_px, found.height_px);
    let exif = read_exif(found.exif.as_ref(), photo)?;
    Ok((exif, found.xmp.as_deref().map(xmp::read)))
}

fn read_exif(block: Option<&jpeg::Block>, photo: &mut Photo) -> io::Result<Exif> {
    let Some(block) = block else { return Ok(Exif::default()) };
    let mut bytes = block.bytes.as_slice();
    match Tiff::open(&mut bytes, 0)? {
        Some(mut tiff) => exif::read(&mut tiff, block.offset, false),
        None => {
            photo.warnings.push("the EXIF block has no TIFF header".into());
            Ok(Exif::default())
        }
    }
}

#[cfg(test)]
mod tests;
