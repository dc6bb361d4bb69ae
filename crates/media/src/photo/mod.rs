//! Photos: EXIF, DJI's XMP and the embedded previews, from the file's headers alone.

mod capture_time;
mod exif;
pub mod footprint;
pub(crate) mod jpeg;
mod mpf;
mod names;
pub(crate) mod tiff;
mod xmp;

use std::io;

use jiff::Timestamp;
use serde::Serialize;

pub use capture_time::{TimeSource, civil, zone_of};
pub use footprint::{Footprint, View};
pub use names::{Lens, NameParts, name_parts};

use crate::track::{Attitude, Place};
use crate::{RangeRead, read_range};
use exif::Exif;
use tiff::Tiff;
use xmp::Xmp;

const MAX_WARNINGS: usize = 32;
/// Width of the 35 mm film that equivalent focal lengths speak of, mm; its diagonal is 43.27.
const FILM_DIAGONAL_MM: f64 = 43.266_615;

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
    /// What the absolute altitude is: PressureAlt, GpsFusionAlt, RtkAlt.
    pub altitude_type: Option<String>,
    /// Invalid, Normal, RTK.
    pub gps_status: Option<String>,
    #[serde(skip)]
    pub gimbal: Option<Attitude>,
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
    /// `equirectangular` of a panorama.
    pub projection: Option<String>,
    /// The place on flat ground that it shows: an estimate.
    pub footprint: Option<Footprint>,
    /// Smaller pictures inside the file, the smallest first as far as their sizes are known.
    pub previews: Vec<Preview>,
    /// What is odd, in words.
    #[serde(skip)]
    pub warnings: Vec<String>,
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
    pub calibrated_on: String,
    pub fx_px: f64,
    pub fy_px: f64,
    pub cx_px: f64,
    pub cy_px: f64,
    /// k1, k2, p1, p2, k3.
    pub distortion: Vec<f64>,
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

/// Reads the headers of a JPEG, TIFF or DNG file; another file's photo is empty.
///
/// # Errors
/// The source cannot be read. Damage of the file is told in the warnings.
pub fn read(reader: &mut dyn RangeRead) -> io::Result<Photo> {
    let mut photo = Photo::default();
    let (exif, xmp) = match read_range(reader, 0, 4)?[..] {
        [0xFF, 0xD8, ..] => read_jpeg(reader, &mut photo)?,
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
    let xmp = xmp.unwrap_or_default();
    photo.warnings.extend(xmp.warnings.iter().cloned());
    from_exif(&exif, &mut photo);
    from_xmp(&xmp, &mut photo);
    choose_position(&mut photo);
    capture_time::choose(&exif, &xmp, &mut photo);
    measure_previews(reader, &mut photo)?;
    photo.footprint = view(&photo).and_then(|view| footprint::footprint(&view));
    photo.warnings.truncate(MAX_WARNINGS);
    Ok(photo)
}

fn read_jpeg(reader: &mut dyn RangeRead, photo: &mut Photo) -> io::Result<(Exif, Option<Xmp>)> {
    let jpeg = jpeg::walk(reader)?;
    (photo.width_px, photo.height_px) = (jpeg.width_px, jpeg.height_px);
    photo.warnings.extend(jpeg.warnings);
    let exif = match &jpeg.exif {
        Some(block) => {
            let mut bytes = block.bytes.as_slice();
            match Tiff::open(&mut bytes, 0)? {
                Some(mut tiff) => exif::read(&mut tiff, block.offset, false)?,
                None => {
                    photo.warnings.push("the EXIF block has no TIFF header".into());
                    Exif::default()
                }
            }
        }
        None => Exif::default(),
    };
    if let Some(block) = &jpeg.mpf {
        photo.previews.extend(mpf::read(block)?);
    }
    Ok((exif, jpeg.xmp.as_deref().map(xmp::read)))
}

fn from_exif(exif: &Exif, photo: &mut Photo) {
    photo.orientation = exif.orientation;
    photo.camera.make.clone_from(&exif.make);
    photo.camera.model.clone_from(&exif.model);
    photo.camera.unique_model.clone_from(&exif.unique_model);
    photo.camera.serial.clone_from(&exif.camera_serial);
    photo.camera.lens.clone_from(&exif.lens_model);
    photo.camera.firmware.clone_from(&exif.software);
    photo.exposure = Exposure {
        shutter_s: exif.exposure_s,
        f_number: exif.f_number,
        iso: exif.iso,
        focal_length_mm: exif.focal_length_mm,
        focal_length_35mm_mm: exif.focal_length_35mm_mm,
        digital_zoom: exif.digital_zoom,
        shutter_type: None,
        white_balance_k: None,
    };
    photo.exif_position = exif.position;
    photo.keywords.clone_from(&exif.keywords);
    // `default` is what DJI writes when there is nothing to describe
    photo.palette = exif.description.clone().filter(|text| !matches!(text.as_str(), "default" | "DCIM"));
}

fn from_xmp(xmp: &Xmp, photo: &mut Photo) {
    let text = |name: &str| xmp.dji(name).map(str::to_owned);
    let number = |name: &str| xmp.number(name);
    let lat = number("GpsLatitude");
    // the second spelling is old firmware's
    let lng = number("GpsLongitude").or_else(|| number("GpsLongtitude"));
    photo.xmp_position = lat.zip(lng).and_then(|(lat, lng)| {
        on_earth(Place {
            lat,
            lng,
            absolute_altitude_m: number("AbsoluteAltitude"),
            relative_altitude_m: number("RelativeAltitude"),
        })
    });
    photo.altitude_type = text("AltitudeType");
    photo.gps_status = text("GpsStatus");
    photo.gimbal = attitude(xmp, "Gimbal");
    photo.aircraft = attitude(xmp, "Flight");
    let speed = Speed { x_m_s: number("FlightXSpeed"), y_m_s: number("FlightYSpeed"), z_m_s: number("FlightZSpeed") };
    photo.speed = (speed.x_m_s.is_some() || speed.y_m_s.is_some() || speed.z_m_s.is_some()).then_some(speed);
    photo.rtk = number("RtkFlag").map(|flag| Rtk {
        flag: flag as i64,
        solution: rtk_solution(flag as i64),
        std_lat_m: number("RtkStdLat"),
        std_lng_m: number("RtkStdLon"),
        std_height_m: number("RtkStdHgt"),
        diff_age_s: number("RtkDiffAge"),
        mount_point: text("NTRIPMountPoint"),
    });
    photo.laser_range_finder = laser_range_finder(xmp);
    photo.capture_uuid = text("CaptureUUID");
    photo.dewarp = xmp.dji("DewarpData").and_then(|data| dewarp(data, number("DewarpFlag")));
    photo.surveying_mode = number("SurveyingMode").map(|mode| mode != 0.0);
    photo.drone_model = text("DroneModel").or_else(|| text("ProductName"));
    photo.drone_serial = text("DroneSerialNumber");
    photo.projection = xmp.text("GPano:ProjectionType").map(str::to_owned);
    photo.camera.serial = text("CameraSerialNumber").or(photo.camera.serial.take());
    photo.camera.lens_serial = text("LensSerialNumber");
    photo.camera.image_source = text("ImageSource");
    photo.camera.calibrated_focal_length_px = number("CalibratedFocalLength").filter(|length| *length > 0.0);
    photo.camera.optical_center_x_px = number("CalibratedOpticalCenterX");
    photo.camera.optical_center_y_px = number("CalibratedOpticalCenterY");
    photo.exposure.shutter_type = text("ShutterType");
    photo.exposure.white_balance_k = number("WhiteBalanceCCT");
}

fn attitude(xmp: &Xmp, of: &str) -> Option<Attitude> {
    let angle = |axis: &str| xmp.number(&format!("{of}{axis}Degree"));
    let found = Attitude { yaw_deg: angle("Yaw"), pitch_deg: angle("Pitch"), roll_deg: angle("Roll") };
    (found != Attitude::default()).then_some(found)
}

/// The words of a flag in XMP's `RtkFlag` and in the last column of a .MRK.
pub fn rtk_solution(flag: i64) -> &'static str {
    match flag {
        0 => "none",
        16 => "single",
        32..=49 => "float",
        // 52 was seen in an RTK fixed log
        50 | 52 => "fixed",
        _ => "unknown",
    }
}

fn laser_range_finder(xmp: &Xmp) -> Option<LaserRangeFinder> {
    let number = |name: &str| xmp.number(name);
    let target = number("LRFTargetLat").zip(number("LRFTargetLon")).and_then(|(lat, lng)| {
        on_earth(Place {
            lat,
            lng,
            absolute_altitude_m: number("LRFTargetAbsAlt"),
            relative_altitude_m: number("LRFTargetAlt"),
        })
    });
    let found = LaserRangeFinder {
        status: xmp.dji("LRFStatus").map(str::to_owned),
        target_distance_m: number("LRFTargetDistance"),
        target,
    };
    (found.status.is_some() || found.target_distance_m.is_some() || found.target.is_some()).then_some(found)
}

/// `2022-06-02;3666.6,3666.5,0.8,-7.9,-0.11,...`.
fn dewarp(data: &str, flag: Option<f64>) -> Option<Dewarp> {
    let (date, numbers) = data.split_once(';')?;
    let numbers: Vec<f64> = numbers.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    let [fx_px, fy_px, cx_px, cy_px, distortion @ ..] = numbers.as_slice() else { return None };
    let finite = numbers.iter().all(|number| number.is_finite()) && distortion.len() <= 16;
    finite.then(|| Dewarp {
        applied: flag.map(|flag| flag != 0.0),
        calibrated_on: date.trim().to_owned(),
        fx_px: *fx_px,
        fy_px: *fy_px,
        cx_px: *cx_px,
        cy_px: *cy_px,
        distortion: distortion.to_vec(),
    })
}

/// `None` for what is no place: outside the range, or the 0, 0 of a receiver without a fix.
pub(crate) fn on_earth(place: Place) -> Option<Place> {
    let valid = (-90.0..=90.0).contains(&place.lat) && (-180.0..=180.0).contains(&place.lng);
    (valid && (place.lat != 0.0 || place.lng != 0.0)).then_some(place)
}

fn choose_position(photo: &mut Photo) {
    let no_fix = photo.gps_status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("invalid"));
    if no_fix && (photo.xmp_position.is_some() || photo.exif_position.is_some()) {
        photo.warnings.push("the position is marked as invalid by the aircraft".into());
    }
    (photo.position, photo.position_source) = match (photo.xmp_position, photo.exif_position) {
        _ if no_fix => (None, None),
        (Some(place), exif) => {
            let absolute_altitude_m = place.absolute_altitude_m.or(exif.and_then(|exif| exif.absolute_altitude_m));
            (Some(Place { absolute_altitude_m, ..place }), Some("xmp"))
        }
        (None, Some(place)) => (Some(place), Some("exif")),
        (None, None) => (None, None),
    };
}

/// Looks at the frame header of each preview; one that is no JPEG, or lies outside the file, is left out.
fn measure_previews(reader: &mut dyn RangeRead, photo: &mut Photo) -> io::Result<()> {
    let mut sound = Vec::new();
    for mut preview in std::mem::take(&mut photo.previews) {
        let inside = preview.offset.checked_add(preview.size_bytes).is_some_and(|end| end <= reader.size_bytes());
        if !inside {
            photo.warnings.push("an embedded preview lies outside the file".into());
            continue;
        }
        let mut part = Part { reader, offset: preview.offset, size_bytes: preview.size_bytes };
        let jpeg = jpeg::walk(&mut part)?;
        if jpeg.width_px.is_none() {
            continue;
        }
        (preview.width_px, preview.height_px) = (jpeg.width_px, jpeg.height_px);
        sound.push(preview);
    }
    sound.sort_by_key(|preview| preview.width_px);
    photo.previews = sound;
    Ok(())
}

/// A file inside a file.
struct Part<'a> {
    reader: &'a mut dyn RangeRead,
    offset: u64,
    size_bytes: u64,
}

impl RangeRead for Part<'_> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.size_bytes);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        self.reader.read_exact_at(self.offset + offset, buffer)
    }
}

/// What the footprint is computed from, when the headers have all of it.
fn view(photo: &Photo) -> Option<View> {
    let (width, height) = (f64::from(photo.width_px?), f64::from(photo.height_px?));
    let place = photo.position?;
    let gimbal = photo.gimbal?;
    let focal_px = focal_length_px(photo, width, height)?;
    Some(View {
        lat: place.lat,
        lng: place.lng,
        height_m: place.relative_altitude_m?,
        yaw_deg: gimbal.yaw_deg?,
        pitch_deg: gimbal.pitch_deg?,
        roll_deg: gimbal.roll_deg.unwrap_or(0.0),
        hfov_deg: 2.0 * (width / 2.0 / focal_px).atan().to_degrees(),
        vfov_deg: 2.0 * (height / 2.0 / focal_px).atan().to_degrees(),
    })
}

/// The calibrated one, or the one that the 35 mm equivalent stands for.
fn focal_length_px(photo: &Photo, width: f64, height: f64) -> Option<f64> {
    let calibrated = photo.dewarp.as_ref().map(|dewarp| dewarp.fx_px).or(photo.camera.calibrated_focal_length_px);
    // a calibration of the full sensor says nothing of a picture that was cropped or scaled
    let calibrated = calibrated.filter(|focal_px| (0.2..20.0).contains(&(focal_px / width)));
    calibrated.or_else(|| Some(photo.exposure.focal_length_35mm_mm? / FILM_DIAGONAL_MM * width.hypot(height)))
}

#[cfg(test)]
mod tests;
