//! From EXIF's fields and XMP's properties to a photo: where both speak of one thing, which of them is taken.

use super::exif::Exif;
use super::xmp::Xmp;
use super::{Band, Dewarp, Exposure, LaserRangeFinder, Panorama, Photo, Rtk, Speed};
use crate::track::{Attitude, Place};

/// The thermal cameras' colour palettes, as their `ImageDescription` spells them.
const PALETTES: [&str; 10] =
    ["WhiteHot", "BlackHot", "Fulgurite", "IronRed", "HotIron", "Medical", "Arctic", "Rainbow1", "Rainbow2", "Tint"];
/// Longest word that can be a palette that is not in the list.
const MAX_PALETTE_CHARS: usize = 24;
/// EXIF and XMP tell one place with different digits; what is farther apart is told, metres.
const MAX_DISAGREEMENT_M: f64 = 10.0;
const EARTH_RADIUS_M: f64 = 6_371_008.8;

pub(super) fn from_exif(exif: &Exif, photo: &mut Photo) {
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
    (photo.gimbal, photo.aircraft) = (exif.gimbal, exif.aircraft);
    photo.gimbal_source = exif.gimbal.map(|_| "exif");
}

pub(super) fn from_xmp(xmp: &Xmp, photo: &mut Photo) {
    let text = |name: &str| xmp.dji(name).map(str::to_owned);
    let number = |name: &str| xmp.number(name);
    let lat = ["GpsLatitude", "GPSLatitude", "Latitude"].iter().find_map(|name| number(name));
    // the second spelling is old firmware's
    let lng = ["GpsLongitude", "GpsLongtitude", "GPSLongitude", "Longitude", "Longtitude"];
    let lng = lng.iter().find_map(|name| number(name));
    photo.absolute_altitude_m = number("AbsoluteAltitude");
    photo.relative_altitude_m = number("RelativeAltitude");
    photo.xmp_position = lat.zip(lng).and_then(|(lat, lng)| {
        on_earth(Place {
            lat,
            lng,
            absolute_altitude_m: photo.absolute_altitude_m,
            relative_altitude_m: photo.relative_altitude_m,
        })
    });
    photo.altitude_type = text("AltitudeType");
    photo.gps_status = text("GpsStatus");
    if let Some(gimbal) = attitude(xmp, "Gimbal") {
        (photo.gimbal, photo.gimbal_source) = (Some(gimbal), Some("xmp"));
    }
    photo.aircraft = attitude(xmp, "Flight").or(photo.aircraft);
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
    photo.panorama = panorama(xmp);
    photo.band = band(xmp);
    photo.camera.serial = text("CameraSerialNumber").or(photo.camera.serial.take());
    photo.camera.lens_serial = text("LensSerialNumber");
    photo.camera.image_source = text("ImageSource");
    photo.camera.calibrated_focal_length_px = number("CalibratedFocalLength").filter(|length| *length > 0.0);
    photo.camera.optical_center_x_px = number("CalibratedOpticalCenterX");
    photo.camera.optical_center_y_px = number("CalibratedOpticalCenterY");
    photo.exposure.shutter_type = text("ShutterType");
    photo.exposure.white_balance_k = number("WhiteBalanceCCT");
}

/// A part of the sphere that is larger than the sphere is none.
fn panorama(xmp: &Xmp) -> Option<Panorama> {
    const MOST_PX: f64 = 1e6;
    let number = |name: &str| xmp.text(&format!("GPano:{name}"))?.trim().parse().ok().filter(|n: &f64| n.is_finite());
    let pixels = |name: &str| number(name).filter(|n| (0.0..=MOST_PX).contains(n)).map(|n| n.round() as u32);
    let size = |name: &str| pixels(name).filter(|n| *n > 0);
    let mut found = Panorama {
        full_width_px: size("FullPanoWidthPixels"),
        full_height_px: size("FullPanoHeightPixels"),
        cropped_width_px: size("CroppedAreaImageWidthPixels"),
        cropped_height_px: size("CroppedAreaImageHeightPixels"),
        cropped_left_px: pixels("CroppedAreaLeftPixels"),
        cropped_top_px: pixels("CroppedAreaTopPixels"),
        heading_deg: number("PoseHeadingDegrees"),
        initial_heading_deg: number("InitialViewHeadingDegrees"),
        initial_pitch_deg: number("InitialViewPitchDegrees").filter(|pitch| (-90.0..=90.0).contains(pitch)),
    };
    let fits = |start: Option<u32>, length: Option<u32>, full: Option<u32>| match full {
        Some(full) => start.unwrap_or(0).checked_add(length.unwrap_or(full)).is_some_and(|end| end <= full),
        None => false,
    };
    if !fits(found.cropped_left_px, found.cropped_width_px, found.full_width_px)
        || !fits(found.cropped_top_px, found.cropped_height_px, found.full_height_px)
    {
        (found.full_width_px, found.full_height_px, found.cropped_width_px) = (None, None, None);
        (found.cropped_height_px, found.cropped_left_px, found.cropped_top_px) = (None, None, None);
    }
    (found != Panorama::default()).then_some(found)
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

/// `2022-06-02;3666.6,3666.5,0.8,-7.9,-0.11,...`; some models have no date.
fn dewarp(data: &str, flag: Option<f64>) -> Option<Dewarp> {
    let (date, numbers) = data.split_once(';').filter(|(date, _)| !date.contains(',')).unwrap_or(("", data));
    let numbers = numbers.trim().trim_end_matches([';', ',']);
    let numbers: Vec<f64> = numbers.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    let [fx_px, fy_px, cx_px, cy_px, distortion @ ..] = numbers.as_slice() else { return None };
    let finite = numbers.iter().all(|number| number.is_finite()) && distortion.len() <= 16;
    finite.then(|| Dewarp {
        applied: flag.map(|flag| flag != 0.0),
        calibrated_on: Some(date.trim().to_owned()).filter(|date| !date.is_empty()),
        fx_px: *fx_px,
        fy_px: *fy_px,
        cx_px: *cx_px,
        cy_px: *cy_px,
        distortion: distortion.to_vec(),
    })
}

/// Of a multispectral camera: DJI's own properties, or those of Pix4D's namespace, which DJI writes too.
fn band(xmp: &Xmp) -> Option<Band> {
    let text = |name: &str| xmp.dji(name).or_else(|| xmp.text(&format!("Camera:{name}")));
    let number = |name: &str| text(name)?.trim().parse().ok().filter(|number: &f64| number.is_finite());
    let name = text("BandName")?.to_owned();
    Some(Band { name, central_wavelength_nm: number("CentralWavelength"), width_nm: number("WavelengthFWHM") })
}

/// The palette of a thermal picture. Other pictures' descriptions are a file's path or a phrase.
pub(super) fn palette(exif: &Exif, is_thermal: bool) -> Option<String> {
    let words = exif.description.as_deref()?;
    let known = PALETTES.iter().any(|palette| palette.eq_ignore_ascii_case(words));
    // `default` is what DJI writes when there is nothing to describe
    let other = is_thermal
        && words.len() <= MAX_PALETTE_CHARS
        && words.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !["default", "DCIM"].iter().any(|word| word.eq_ignore_ascii_case(words));
    (known || other).then(|| words.to_owned())
}

/// `None` for what is no place: outside the range, or the 0, 0 of a receiver without a fix.
pub(crate) fn on_earth(place: Place) -> Option<Place> {
    let valid = (-90.0..=90.0).contains(&place.lat) && (-180.0..=180.0).contains(&place.lng);
    (valid && (place.lat != 0.0 || place.lng != 0.0)).then_some(place)
}

pub(super) fn choose_position(photo: &mut Photo) {
    // models without RTK write it beside sound positions; without a fix the position is 0, 0, which is none
    let invalid = photo.gps_status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("invalid"));
    if invalid && (photo.xmp_position.is_some() || photo.exif_position.is_some()) {
        photo.warnings.push("the position is marked as invalid by the aircraft".into());
    }
    if let (Some(xmp), Some(exif)) = (photo.xmp_position, photo.exif_position) {
        let apart_m = apart_m(xmp, exif);
        if apart_m > MAX_DISAGREEMENT_M {
            photo.warnings.push(format!("the positions in EXIF and in XMP are {apart_m:.0} m apart"));
        }
    }
    let chosen = match (photo.xmp_position, photo.exif_position) {
        (Some(place), _) => Some((place, "xmp")),
        (None, Some(place)) => Some((place, "exif")),
        (None, None) => None,
    };
    // an altitude that the chosen one lacks comes from the other
    let of_exif = photo.exif_position.and_then(|place| place.absolute_altitude_m);
    photo.position = chosen.map(|(place, _)| Place {
        absolute_altitude_m: place.absolute_altitude_m.or(of_exif).or(photo.absolute_altitude_m),
        relative_altitude_m: place.relative_altitude_m.or(photo.relative_altitude_m),
        ..place
    });
    photo.position_source = chosen.map(|(_, source)| source);
}

/// Metres over ground, on a sphere.
fn apart_m(a: Place, b: Place) -> f64 {
    let (lat, lng) = ((b.lat - a.lat).to_radians(), (b.lng - a.lng).to_radians());
    let chord =
        (lat / 2.0).sin().powi(2) + a.lat.to_radians().cos() * b.lat.to_radians().cos() * (lng / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_M * chord.clamp(0.0, 1.0).sqrt().asin()
}
