//! A photo of the landscape, seen from where the aircraft was, with the metadata a DJI camera writes.

use jiff::Timestamp;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use uuid::Uuid;

use crate::exif;
use crate::landscape::Landscape;

/// Metres of one degree of latitude, and of longitude at the equator.
pub const METRES_PER_DEGREE: f64 = 111_320.0;

/// Horizontal field of view of the wide camera (24 mm equivalent), radians.
const FIELD_OF_VIEW: f32 = 1.287;
const JPEG_QUALITY: u8 = 82;

/// Which camera of the payload takes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Camera {
    #[default]
    Wide,
    /// Grey by how warm the ground would be; no radiometric data.
    Thermal,
    /// The whole sphere, stitched.
    Sphere,
}

/// The moment a picture is taken.
#[derive(Clone, Debug)]
pub struct Shot {
    pub at: Timestamp,
    /// Of the aircraft's clock.
    pub utc_offset_s: i32,
    pub lat: f64,
    pub lng: f64,
    pub absolute_altitude_m: f64,
    pub relative_altitude_m: f64,
    /// North 0, clockwise.
    pub yaw_deg: f64,
    /// 0 horizon, -90 straight down.
    pub pitch_deg: f64,
    pub iso: u16,
    pub shutter_denominator: u32,
    /// As EXIF has it: `M3TD`.
    pub camera_model: String,
    pub aircraft_sn: String,
    /// Shared by the pictures of one trigger.
    pub capture_uuid: Uuid,
    pub camera: Camera,
}

/// The landscape's origin on the globe.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub lat: f64,
    pub lng: f64,
}

impl Origin {
    /// Metres east and north of the origin, flat-earth (good to a decimetre over a flight).
    pub fn metres(&self, lat: f64, lng: f64) -> (f64, f64) {
        let east = (lng - self.lng) * METRES_PER_DEGREE * self.lat.to_radians().cos();
        (east, (lat - self.lat) * METRES_PER_DEGREE)
    }

    pub fn degrees(&self, east: f64, north: f64) -> (f64, f64) {
        let lng = self.lng + east / (METRES_PER_DEGREE * self.lat.to_radians().cos());
        (self.lat + north / METRES_PER_DEGREE, lng)
    }
}

/// A JPEG of `width` x `height` pixels.
pub fn take(landscape: &Landscape, origin: Origin, shot: &Shot, width: u16, height: u16) -> Vec<u8> {
    let pixels = render(landscape, origin, shot, width, height);
    let mut jpeg = Vec::with_capacity(pixels.len() / 6);
    let mut encoder = Encoder::new(&mut jpeg, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::F_2_2);
    let segments = [exif::exif(shot, u32::from(width), u32::from(height)), exif::xmp(shot, width, height)];
    for segment in segments {
        encoder.add_app_segment(1, segment).expect("the metadata fits a segment");
    }
    encoder.encode(&pixels, width, height, ColorType::Rgb).expect("pixels and size agree");
    jpeg
}

/// Where the ray through pixel (x, y) meets the ground, metres east and north of the origin; `None` for the sky.
pub fn ground_point(origin: Origin, shot: &Shot, width: u16, height: u16, x: f32, y: f32) -> Option<(f32, f32)> {
    let focal = f32::from(width) / 2.0 / (FIELD_OF_VIEW / 2.0).tan();
    let (right, down) = ((x - f32::from(width) / 2.0) / focal, (y - f32::from(height) / 2.0) / focal);
    let (pitch_sin, pitch_cos) = (shot.pitch_deg as f32).to_radians().sin_cos();
    // camera axes in forward/up of the heading
    let forward = pitch_cos + down * pitch_sin;
    let up = pitch_sin - down * pitch_cos;
    if up > -0.02 {
        return None;
    }
    let reach = shot.relative_altitude_m as f32 / -up;
    let (ahead, aside) = (forward * reach, right * reach);
    let (yaw_sin, yaw_cos) = (shot.yaw_deg as f32).to_radians().sin_cos();
    let (east, north) = origin.metres(shot.lat, shot.lng);
    Some((east as f32 + ahead * yaw_sin + aside * yaw_cos, north as f32 + ahead * yaw_cos - aside * yaw_sin))
}

/// Where the direction of a sphere's pixel meets the ground; north is in the middle.
fn sphere_point(origin: Origin, shot: &Shot, width: u16, height: u16, x: f32, y: f32) -> Option<(f32, f32)> {
    use std::f32::consts::PI;
    let (yaw, pitch) = ((x / f32::from(width) - 0.5) * 2.0 * PI, (0.5 - y / f32::from(height)) * PI);
    if pitch > -0.02 {
        return None;
    }
    let reach = shot.relative_altitude_m as f32 / -pitch.tan();
    let (east, north) = origin.metres(shot.lat, shot.lng);
    Some((east as f32 + reach * yaw.sin(), north as f32 + reach * yaw.cos()))
}

/// The pixels of [`take`] before they are compressed: rows from the top, 3 bytes a pixel.
pub fn render(landscape: &Landscape, origin: Origin, shot: &Shot, width: u16, height: u16) -> Vec<u8> {
    const SKY: [f32; 3] = [176.0, 200.0, 224.0];
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..height {
        for x in 0..width {
            let (across, below) = (f32::from(x) + 0.5, f32::from(y) + 0.5);
            let point = match shot.camera {
                Camera::Sphere => sphere_point(origin, shot, width, height, across, below),
                Camera::Wide | Camera::Thermal => ground_point(origin, shot, width, height, across, below),
            };
            let rgb = point.map_or(SKY, |(east, north)| landscape.at(east, north).rgb);
            let rgb = match shot.camera {
                // what is dark took up the sun
                Camera::Thermal => [255.0 - (rgb[0] + rgb[1] + rgb[2]) / 3.0; 3],
                Camera::Wide | Camera::Sphere => rgb,
            };
            pixels.extend(rgb.map(|channel| channel as u8));
        }
    }
    pixels
}
