//! Which ground a file shows, so that one can ask a place who saw it: cameras in a compact form, and the exact test.
//!
//! All of it is an estimate: over flat ground at the height of the take-off point, with the angles that the gimbal tells.
//! A video is cut into [`Stretch`]es of some seconds with one camera a second.

use crate::photo::footprint::{Footprint, View, footprint};
use crate::track::{Sample, Track};

/// Seconds of a video that lie in one stretch.
pub const STRETCH_S: f64 = 10.0;
/// Seconds between two cameras of a video.
pub const STEP_S: f64 = 1.0;
/// Cameras that are kept of one video: half a day.
const MAX_VIEWS: usize = 43_200;
/// A wide camera of DJI's, where the video does not tell: 84 degrees over the diagonal.
const WIDE_35MM_MM: f64 = 24.0;
/// Diagonal of 35 mm film, and the shape of the photos whose angle equivalent focal lengths tell.
const FILM_DIAGONAL_MM: f64 = 43.266_615;
const PHOTO_ASPECT: f64 = 4.0 / 3.0;
/// Of a camera in bytes.
const VIEW_BYTES: usize = 26;
const PLACE_SCALE: f64 = 1e7;
const ANGLE_SCALE: f64 = 100.0;
const TIME_SCALE: f64 = 10.0;
const METRES_A_DEGREE: f64 = 111_320.0;

/// A camera at a moment of a video; a photo's is at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    pub t_s: f64,
    pub view: View,
}

/// Moments that lie together.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    pub from_s: f64,
    pub to_s: f64,
    pub moments: Vec<Moment>,
    /// west, south, east, north around all footprints; longitudes go on past 180.
    pub bbox: [f64; 4],
}

/// How a place is seen from a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Over ground.
    pub distance_m: f64,
    /// Straight from the camera to the place.
    pub range_m: f64,
    /// From the camera to the place, clockwise from north.
    pub bearing_deg: f64,
    /// Between the line of sight and straight down: 0 is from above.
    pub off_nadir_deg: f64,
}

/// A photo's ground.
pub fn of_photo(view: View) -> Option<Stretch> {
    stretch(vec![Moment { t_s: 0.0, view }])
}

/// The ground along a video. `lens` is the camera's word (`wide`, `zoom`, ...), `size_px` the picture's. A zoom or thermal camera
/// that does not tell its focal length could show anything: nothing is said of it then.
pub fn of_track(track: &Track, lens: Option<&str>, size_px: Option<(u32, u32)>) -> Vec<Stretch> {
    let (width, height) = size_px.filter(|(width, height)| *width > 0 && *height > 0).unwrap_or((16, 9));
    let aspect = f64::from(width) / f64::from(height);
    let nominal = matches!(lens, None | Some("wide" | "visible")).then_some(WIDE_35MM_MM);
    let (mut stretches, mut moments, mut next_s) = (Vec::new(), Vec::<Moment>::new(), f64::NEG_INFINITY);
    let mut left = MAX_VIEWS;
    for sample in &track.samples {
        if !sample.t_s.is_finite() || sample.t_s < next_s || left == 0 {
            continue;
        }
        let Some(view) = view_of(sample, nominal, aspect) else { continue };
        next_s = sample.t_s + STEP_S - 0.01;
        left -= 1;
        if moments.first().is_some_and(|first| sample.t_s - first.t_s >= STRETCH_S) {
            stretches.extend(stretch(std::mem::take(&mut moments)));
        }
        moments.push(Moment { t_s: sample.t_s, view });
    }
    stretches.extend(stretch(moments));
    stretches
}

fn view_of(sample: &Sample, nominal_mm: Option<f64>, aspect: f64) -> Option<View> {
    let (place, gimbal) = (sample.position?, sample.gimbal?);
    let told = sample.camera.and_then(|camera| camera.focal_length_35mm_mm);
    let zoom = sample.camera.and_then(|camera| camera.zoom).filter(|zoom| (1.0..200.0).contains(zoom)).unwrap_or(1.0);
    let focal_mm = told.or(nominal_mm.map(|mm| mm * zoom))?;
    // a wider picture than the photo's is cut off above and below; a narrower one has its own diagonal
    let side = FILM_DIAGONAL_MM / 2.0 / focal_mm;
    let across = side * (1.0 + 1.0 / (PHOTO_ASPECT.min(aspect) * PHOTO_ASPECT.min(aspect))).sqrt().recip();
    Some(View {
        lat: place.lat,
        lng: place.lng,
        height_m: place.relative_altitude_m?,
        yaw_deg: gimbal.yaw_deg?,
        pitch_deg: gimbal.pitch_deg?,
        roll_deg: gimbal.roll_deg.unwrap_or(0.0),
        hfov_deg: 2.0 * across.atan().to_degrees(),
        vfov_deg: 2.0 * (across / aspect).atan().to_degrees(),
    })
}

/// `None` when none of the moments shows any ground.
fn stretch(mut moments: Vec<Moment>) -> Option<Stretch> {
    let mut bbox = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    moments.retain_mut(|moment| {
        // as it will be read back
        let Some(print) = Moment::read(&moment.write()).and_then(|kept| footprint(&kept.view)) else { return false };
        for [lng, lat] in print.ring {
            bbox = [bbox[0].min(lng), bbox[1].min(lat), bbox[2].max(lng), bbox[3].max(lat)];
        }
        true
    });
    let (from_s, to_s) = (moments.first()?.t_s, moments.last()?.t_s);
    Some(Stretch { from_s, to_s, moments, bbox })
}

impl Stretch {
    /// The moments as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.moments.iter().flat_map(Moment::write).collect()
    }
}

/// The moments in such bytes; a broken end is left out.
pub fn moments(bytes: &[u8]) -> impl Iterator<Item = Moment> {
    bytes.chunks_exact(VIEW_BYTES).filter_map(Moment::read)
}

impl Moment {
    /// Little endian: tenths of seconds, 1e-7 degrees, centimetres, hundredths of degrees.
    fn write(&self) -> [u8; VIEW_BYTES] {
        let view = &self.view;
        let angle = |degrees: f64| {
            let turned = (degrees + 180.0).rem_euclid(360.0) - 180.0;
            ((turned * ANGLE_SCALE).round() as i16).to_le_bytes()
        };
        let mut bytes = [0; VIEW_BYTES];
        bytes[0..4].copy_from_slice(&((self.t_s * TIME_SCALE).round() as u32).to_le_bytes());
        bytes[4..8].copy_from_slice(&((view.lat * PLACE_SCALE).round() as i32).to_le_bytes());
        bytes[8..12].copy_from_slice(&((view.lng * PLACE_SCALE).round() as i32).to_le_bytes());
        bytes[12..16].copy_from_slice(&((view.height_m * 100.0).round() as i32).to_le_bytes());
        bytes[16..18].copy_from_slice(&angle(view.yaw_deg));
        bytes[18..20].copy_from_slice(&angle(view.pitch_deg));
        bytes[20..22].copy_from_slice(&angle(view.roll_deg));
        bytes[22..24].copy_from_slice(&((view.hfov_deg * ANGLE_SCALE).round() as u16).to_le_bytes());
        bytes[24..26].copy_from_slice(&((view.vfov_deg * ANGLE_SCALE).round() as u16).to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let four = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(i32::from_le_bytes);
        let two = |at: usize| bytes.get(at..at + 2)?.try_into().ok().map(i16::from_le_bytes);
        let angle = |at| two(at).map(|n| f64::from(n) / ANGLE_SCALE);
        let wide = |at| two(at).map(|n| f64::from(n as u16) / ANGLE_SCALE);
        Some(Self {
            t_s: f64::from(four(0)? as u32) / TIME_SCALE,
            view: View {
                lat: f64::from(four(4)?) / PLACE_SCALE,
                lng: f64::from(four(8)?) / PLACE_SCALE,
                height_m: f64::from(four(12)?) / 100.0,
                yaw_deg: angle(16)?,
                pitch_deg: angle(18)?,
                roll_deg: angle(20)?,
                hfov_deg: wide(22)?,
                vfov_deg: wide(24)?,
            },
        })
    }

    /// The ground in the picture.
    pub fn footprint(&self) -> Option<Footprint> {
        footprint(&self.view)
    }

    /// How the camera sees a place; `None` when it is not in the picture.
    pub fn sees(&self, lng: f64, lat: f64) -> Option<Sighting> {
        let view = &self.view;
        // the turn of the Earth at which it is nearest
        let lng = view.lng + (lng - view.lng + 180.0).rem_euclid(360.0) - 180.0;
        holds(&self.footprint()?.ring, lng, lat).then(|| {
            let north = (lat - view.lat) * METRES_A_DEGREE;
            let east = (lng - view.lng) * METRES_A_DEGREE * view.lat.to_radians().cos();
            let distance_m = north.hypot(east);
            Sighting {
                distance_m,
                range_m: distance_m.hypot(view.height_m),
                bearing_deg: east.atan2(north).to_degrees().rem_euclid(360.0),
                off_nadir_deg: distance_m.atan2(view.height_m).to_degrees(),
            }
        })
    }
}

/// Whether a closed ring goes round a place: how often a line to the east crosses it.
fn holds(ring: &[[f64; 2]], lng: f64, lat: f64) -> bool {
    let crosses = |pair: &[[f64; 2]]| match pair {
        [a, b] => (a[1] > lat) != (b[1] > lat) && lng < (b[0] - a[0]) * (lat - a[1]) / (b[1] - a[1]) + a[0],
        _ => false,
    };
    ring.windows(2).filter(|pair| crosses(pair)).count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::track::{Attitude, Camera, Place, TrackSource};

    const DOWN: View = View {
        lat: 50.0,
        lng: 8.0,
        height_m: 100.0,
        yaw_deg: 0.0,
        pitch_deg: -90.0,
        roll_deg: 0.0,
        hfov_deg: 90.0,
        vfov_deg: 60.0,
    };

    fn sample(t_s: f64, lng: f64, focal_mm: Option<f64>) -> Sample {
        Sample {
            t_s,
            position: Some(Place { lat: 50.0, lng, absolute_altitude_m: None, relative_altitude_m: Some(100.0) }),
            gimbal: Some(Attitude { yaw_deg: Some(0.0), pitch_deg: Some(-90.0), roll_deg: None }),
            camera: Some(Camera { focal_length_35mm_mm: focal_mm, ..Camera::default() }),
            ..Sample::default()
        }
    }

    fn track(samples: Vec<Sample>) -> Track {
        Track { source: TrackSource::Srt, samples, warnings: Vec::new() }
    }

    #[test]
    fn a_place_in_the_picture_is_seen_at_an_angle() {
        let moment = Moment { t_s: 0.0, view: DOWN };
        // 50 m east of 100 m up
        let seen = moment.sees(8.0 + 50.0 / 71_696.0, 50.0).expect("in the picture");
        assert!((seen.distance_m - 50.0).abs() < 0.5 && (seen.range_m - 111.8).abs() < 0.5, "{seen:?}");
        assert!((seen.bearing_deg - 90.0).abs() < 0.1 && (seen.off_nadir_deg - 26.57).abs() < 0.2, "{seen:?}");
        assert_eq!(moment.sees(8.0 + 101.0 / 71_696.0, 50.0), None);
        assert_eq!(moment.sees(8.0, 50.0 + 58.5 / 111_229.0), None);
    }

    #[test]
    fn it_works_across_the_antimeridian() {
        let moment = Moment { t_s: 0.0, view: View { lng: 179.9999, ..DOWN } };
        assert!(moment.sees(-179.9995, 50.0).is_some() && moment.sees(179.9995, 50.0).is_some());
        assert!(moment.sees(-179.99, 50.0).is_none());
        let [west, _, east, _] = of_photo(moment.view).expect("ground").bbox;
        assert!(west < 180.0 && east > 180.0 && east - west < 0.01, "{west} {east}");
    }

    #[test]
    fn a_video_has_a_camera_a_second_in_stretches_of_ten() {
        let samples = (0..900).map(|n| sample(f64::from(n) / 30.0, 8.0 + f64::from(n) * 1e-6, None));
        let found = of_track(&track(samples.collect()), Some("wide"), Some((3840, 2160)));
        assert_eq!(found.iter().map(|stretch| stretch.moments.len()).collect::<Vec<_>>(), [10, 10, 10]);
        assert_eq!((found[1].from_s, found[1].to_s), (10.0, 19.0));
        let view = found[0].moments[0].view;
        assert!((view.hfov_deg - 71.6).abs() < 0.2 && (view.vfov_deg - 44.2).abs() < 0.2, "{view:?}");
        let bytes = found[2].to_bytes();
        assert_eq!(bytes.len(), 260);
        let back: Vec<_> = moments(&bytes).collect();
        assert_eq!(back.len(), 10);
        assert!((back[9].t_s - 29.0).abs() < 0.05 && (back[9].view.lng - found[2].moments[9].view.lng).abs() < 1e-7);
        assert_eq!(moments(&bytes[..30]).count(), 1);
    }

    #[test]
    fn a_lens_of_unknown_length_says_nothing() {
        let plain = || track(vec![sample(0.0, 8.0, None)]);
        assert_eq!(of_track(&plain(), Some("zoom"), None), []);
        let told = track(vec![sample(0.0, 8.0, Some(162.0))]);
        let found = of_track(&told, Some("zoom"), Some((1920, 1080)));
        assert!((found[0].moments[0].view.hfov_deg - 12.2).abs() < 0.1, "{:?}", found[0].moments[0].view);
        let blind = Sample { gimbal: None, ..sample(0.0, 8.0, None) };
        assert_eq!(of_track(&track(vec![blind]), None, None), []);
    }

    proptest::proptest! {
        #[test]
        fn foreign_bytes_are_harmless(bytes: Vec<u8>, lng in -400.0..400.0, lat in -95.0..95.0) {
            for moment in moments(&bytes) {
                let _ = moment.sees(lng, lat);
            }
        }
    }
}
