//! The ground that a picture shows, over flat ground at the height of the take-off point: an estimate.

use serde::Serialize;

use super::Photo;

/// Diagonal of the 35 mm film that equivalent focal lengths speak of, mm.
const FILM_DIAGONAL_MM: f64 = 43.266_615;
/// How much a calibrated focal length and the 35 mm equivalent may differ and still be of one picture.
const SAME_FOCAL_LENGTH: std::ops::Range<f64> = 0.75..1.33;
/// How far away ground is still counted as seen, metres over ground.
pub const MAX_DISTANCE_M: f64 = 2_000.0;
/// Points on each edge of a picture that reaches the limit or the horizon.
const POINTS_AN_EDGE: u32 = 8;
/// WGS 84.
const EQUATOR_RADIUS_M: f64 = 6_378_137.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_694_379_990_14;
/// Near the poles a degree of longitude is too short to be divided by.
const MAX_LAT_DEG: f64 = 89.9;

/// A camera in the air. Angles in NED, rotation in the order yaw, pitch, roll; pitch -90 looks straight down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub lat: f64,
    pub lng: f64,
    /// Above the ground.
    pub height_m: f64,
    pub yaw_deg: f64,
    pub pitch_deg: f64,
    pub roll_deg: f64,
    /// Full angles of view.
    pub hfov_deg: f64,
    pub vfov_deg: f64,
}

impl View {
    /// What a photo's headers tell, when they have all of it. A panorama has no one view.
    pub fn of_photo(photo: &Photo) -> Option<Self> {
        let (width, height) = (f64::from(photo.width_px?), f64::from(photo.height_px?));
        let (place, gimbal) = (photo.position?, photo.gimbal?);
        let focal_px = focal_length_px(photo, width, height).filter(|_| photo.projection.is_none())?;
        Some(Self {
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
}

/// The calibrated one, or the one that the 35 mm equivalent stands for.
fn focal_length_px(photo: &Photo, width: f64, height: f64) -> Option<f64> {
    let equivalent = photo.exposure.focal_length_35mm_mm.map(|mm| mm / FILM_DIAGONAL_MM * width.hypot(height));
    let calibrated = photo.dewarp.as_ref().map(|dewarp| dewarp.fx_px).or(photo.camera.calibrated_focal_length_px);
    // digital zoom cuts the middle out and blows it up to the same size
    let zoom = photo.exposure.digital_zoom.filter(|zoom| *zoom > 1.0).unwrap_or(1.0);
    let calibrated = calibrated.map(|focal_px| focal_px * zoom);
    // a calibration of the full sensor says nothing of a picture that was scaled
    let calibrated = calibrated.filter(|focal_px| match equivalent {
        Some(equivalent) => SAME_FOCAL_LENGTH.contains(&(focal_px / equivalent)),
        None => (0.2..20.0).contains(&(focal_px / width)),
    });
    calibrated.or(equivalent)
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Footprint {
    /// A closed ring: longitude, latitude, counterclockwise. It begins at the picture's upper left corner and goes down
    /// first. Over the antimeridian longitudes go on past 180 or -180, so that the ring stays one piece.
    pub ring: Vec<[f64; 2]>,
    /// True when the picture reaches beyond [`MAX_DISTANCE_M`] or the horizon, and was cut there.
    pub cut: bool,
}

/// `None` when the picture shows no ground within [`MAX_DISTANCE_M`], or when the view makes no sense.
pub fn footprint(view: &View) -> Option<Footprint> {
    let numbers = [view.lat, view.lng, view.height_m, view.yaw_deg, view.pitch_deg, view.roll_deg];
    let fov = |degrees: f64| (0.1..170.0).contains(&degrees);
    let sound = numbers.iter().all(|number| number.is_finite()) && fov(view.hfov_deg) && fov(view.vfov_deg);
    if !sound || view.height_m <= 0.5 || view.lat.abs() > MAX_LAT_DEG || view.lng.abs() > 180.0 {
        return None;
    }
    const CORNERS: [(f64, f64); 4] = [(-1.0, -1.0), (-1.0, 1.0), (1.0, 1.0), (1.0, -1.0)];
    let whole: Option<Vec<(f64, f64)>> = CORNERS.iter().map(|at| ground(view, *at)).collect();
    let (metres, cut) = match whole {
        Some(corners) => (corners, false),
        None => (edges_cut(view, CORNERS)?, true),
    };
    let mut ring: Vec<[f64; 2]> = metres.iter().map(|(north, east)| moved(view, *north, *east)).collect();
    ring.extend(ring.first().copied());
    Some(Footprint { ring, cut })
}

/// Points along all edges, each at the limit where the ground is farther away.
fn edges_cut(view: &View, corners: [(f64, f64); 4]) -> Option<Vec<(f64, f64)>> {
    let (mut points, mut seen) = (Vec::new(), false);
    for (n, from) in corners.iter().enumerate() {
        let to = corners[(n + 1) % corners.len()];
        for step in 0..POINTS_AN_EDGE {
            let part = f64::from(step) / f64::from(POINTS_AN_EDGE);
            let at = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            match ground(view, at) {
                Some(point) => {
                    seen = true;
                    points.push(point);
                }
                None => {
                    let (north, east, _) = ray(view, at);
                    let length = north.hypot(east);
                    if length > 0.0 {
                        points.push((north / length * MAX_DISTANCE_M, east / length * MAX_DISTANCE_M));
                    }
                }
            }
        }
    }
    (seen && points.len() >= 3).then_some(points)
}

/// Metres north and east of the camera where a point of the picture (-1 to 1, right and down) lies on the ground.
fn ground(view: &View, at: (f64, f64)) -> Option<(f64, f64)> {
    let (north, east, down) = ray(view, at);
    if down <= 0.0 {
        return None;
    }
    let far = view.height_m / down;
    let (north, east) = (north * far, east * far);
    (north.hypot(east) <= MAX_DISTANCE_M).then_some((north, east))
}

/// The direction of a point of the picture: north, east, down.
fn ray(view: &View, (right, low): (f64, f64)) -> (f64, f64, f64) {
    let y = right * (view.hfov_deg / 2.0).to_radians().tan();
    let z = low * (view.vfov_deg / 2.0).to_radians().tan();
    let (sin_roll, cos_roll) = view.roll_deg.to_radians().sin_cos();
    let (y, z) = (y * cos_roll - z * sin_roll, y * sin_roll + z * cos_roll);
    let (sin_pitch, cos_pitch) = view.pitch_deg.to_radians().sin_cos();
    let (x, down) = (cos_pitch + z * sin_pitch, z * cos_pitch - sin_pitch);
    let (sin_yaw, cos_yaw) = view.yaw_deg.to_radians().sin_cos();
    (x * cos_yaw - y * sin_yaw, x * sin_yaw + y * cos_yaw, down)
}

/// Longitude and latitude of a place so many metres away.
fn moved(view: &View, north: f64, east: f64) -> [f64; 2] {
    let (sin, cos) = view.lat.to_radians().sin_cos();
    let w = (1.0 - ECCENTRICITY_SQUARED * sin * sin).sqrt();
    let meridian_m = EQUATOR_RADIUS_M * (1.0 - ECCENTRICITY_SQUARED) / (w * w * w);
    let parallel_m = EQUATOR_RADIUS_M / w * cos;
    let lat = (view.lat + (north / meridian_m).to_degrees()).clamp(-90.0, 90.0);
    [view.lng + (east / parallel_m).to_degrees(), lat]
}

#[cfg(test)]
mod tests {
    use super::*;

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

    /// North and east of the camera, metres.
    fn metres(view: &View, point: [f64; 2]) -> (f64, f64) {
        ((point[1] - view.lat) * 111_229.0, (point[0] - view.lng) * 71_696.0)
    }

    fn close(a: (f64, f64), b: (f64, f64)) -> bool {
        (a.0 - b.0).abs() < 0.5 && (a.1 - b.1).abs() < 0.5
    }

    #[test]
    fn straight_down_is_a_rectangle_with_the_picture_s_top_where_the_yaw_points() {
        let print = footprint(&DOWN).expect("ground");
        assert!(!print.cut && print.ring.len() == 5 && print.ring[0] == print.ring[4]);
        assert!(close(metres(&DOWN, print.ring[0]), (57.7, -100.0)), "{:?}", metres(&DOWN, print.ring[0]));
        assert!(close(metres(&DOWN, print.ring[2]), (-57.7, 100.0)));
        // RFC 7946: the outer ring runs counterclockwise
        let doubled_area: f64 =
            print.ring.windows(2).map(|pair| pair[0][0] * pair[1][1] - pair[1][0] * pair[0][1]).sum();
        assert!(doubled_area > 0.0);
        let east = View { yaw_deg: 90.0, ..DOWN };
        let print = footprint(&east).expect("ground");
        assert!(close(metres(&east, print.ring[0]), (100.0, 57.7)), "{:?}", metres(&east, print.ring[0]));
    }

    #[test]
    fn an_oblique_view_is_farther_at_the_top_and_cut_at_the_horizon() {
        let oblique = View { pitch_deg: -45.0, vfov_deg: 40.0, hfov_deg: 50.0, ..DOWN };
        let print = footprint(&oblique).expect("ground");
        let (top, bottom) = (metres(&oblique, print.ring[0]).0, metres(&oblique, print.ring[1]).0);
        assert!((top - 214.45).abs() < 1.0 && (bottom - 46.63).abs() < 1.0, "{top} {bottom}");
        let horizon = View { pitch_deg: -10.0, ..oblique };
        let print = footprint(&horizon).expect("the foreground");
        assert!(print.cut);
        let far = print.ring.iter().map(|point| metres(&horizon, *point)).map(|(n, e)| n.hypot(e)).fold(0.0, f64::max);
        assert!((far - MAX_DISTANCE_M).abs() < 20.0, "{far}");
        assert_eq!(footprint(&View { pitch_deg: 60.0, ..oblique }), None);
    }

    #[test]
    fn nonsense_has_no_footprint() {
        for view in [
            View { height_m: -3.0, ..DOWN },
            View { height_m: f64::NAN, ..DOWN },
            View { hfov_deg: 180.0, ..DOWN },
            View { lat: 90.0, ..DOWN },
        ] {
            assert_eq!(footprint(&view), None);
        }
    }

    #[test]
    fn a_ring_over_the_antimeridian_stays_one_piece() {
        for lng in [179.9999, -179.9999] {
            let here = View { lng, ..DOWN };
            let print = footprint(&here).expect("ground");
            let wide = |ring: &[[f64; 2]]| {
                let lngs = ring.iter().map(|[lng, _]| *lng);
                lngs.clone().fold(f64::MIN, f64::max) - lngs.fold(f64::MAX, f64::min)
            };
            assert!((wide(&print.ring) - 200.0 / 71_696.0).abs() < 1e-4, "{}", wide(&print.ring));
            assert!(print.ring.iter().any(|[lng, _]| lng.abs() > 180.0));
        }
    }
}
