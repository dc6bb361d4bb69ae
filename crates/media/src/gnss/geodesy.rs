//! The WGS 84 ellipsoid.

use serde::{Deserialize, Serialize};

const A_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
const E2: f64 = FLATTENING * (2.0 - FLATTENING);
/// An antenna is not further from the ellipsoid than this.
const MAX_HEIGHT_M: f64 = 1e6;

/// Earth-centred, earth-fixed, metres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ecef {
    pub x_m: f64,
    pub y_m: f64,
    pub z_m: f64,
}

/// WGS 84 degrees and the height above the ellipsoid.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Geodetic {
    pub lat: f64,
    pub lng: f64,
    pub ellipsoid_height_m: f64,
}

impl Geodetic {
    /// `None` where a value is no place on earth.
    pub fn new(lat: f64, lng: f64, ellipsoid_height_m: f64) -> Option<Self> {
        let sound = lat.abs() <= 90.0 && lng.abs() <= 180.0 && ellipsoid_height_m.abs() <= MAX_HEIGHT_M;
        sound.then_some(Self { lat, lng, ellipsoid_height_m })
    }

    pub fn ecef(self) -> Ecef {
        let (sin_lat, cos_lat) = self.lat.to_radians().sin_cos();
        let (sin_lng, cos_lng) = self.lng.to_radians().sin_cos();
        let n = A_M / (1.0 - E2 * sin_lat * sin_lat).sqrt();
        let h = self.ellipsoid_height_m;
        Ecef { x_m: (n + h) * cos_lat * cos_lng, y_m: (n + h) * cos_lat * sin_lng, z_m: (n * (1.0 - E2) + h) * sin_lat }
    }

    /// Moved by metres to the north, east and down.
    pub fn moved(self, north_m: f64, east_m: f64, down_m: f64) -> Option<Self> {
        let (sin_lat, cos_lat) = self.lat.to_radians().sin_cos();
        let (sin_lng, cos_lng) = self.lng.to_radians().sin_cos();
        let up_m = -down_m;
        let at = self.ecef();
        Ecef {
            x_m: at.x_m - sin_lat * cos_lng * north_m - sin_lng * east_m + cos_lat * cos_lng * up_m,
            y_m: at.y_m - sin_lat * sin_lng * north_m + cos_lng * east_m + cos_lat * sin_lng * up_m,
            z_m: at.z_m + cos_lat * north_m + sin_lat * up_m,
        }
        .geodetic()
    }
}

impl Ecef {
    /// `None` for a point that is not near the ellipsoid: zeros are what a receiver writes that knows no place.
    pub fn geodetic(self) -> Option<Geodetic> {
        let p = self.x_m.hypot(self.y_m);
        let radius = p.hypot(self.z_m);
        if !(5e6..8e6).contains(&radius) {
            return None;
        }
        // Bowring's form by iteration, in tangents: sound at the poles too
        let mut lat = self.z_m.atan2(p * (1.0 - E2));
        for _ in 0..6 {
            let sin_lat = lat.sin();
            let n = A_M / (1.0 - E2 * sin_lat * sin_lat).sqrt();
            lat = (self.z_m + E2 * n * sin_lat).atan2(p);
        }
        let (sin_lat, cos_lat) = lat.sin_cos();
        let n = A_M / (1.0 - E2 * sin_lat * sin_lat).sqrt();
        let height = p * cos_lat + self.z_m * sin_lat - n * (1.0 - E2 * sin_lat * sin_lat);
        Geodetic::new(lat.to_degrees(), self.y_m.atan2(self.x_m).to_degrees(), height)
    }

    pub fn distance_m(self, other: Self) -> f64 {
        (self.x_m - other.x_m).hypot(self.y_m - other.y_m).hypot(self.z_m - other.z_m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (lat, lng, h) in [
            (35.134_707_7, 136.977_578, 104.853),
            (-36.411_445_02, 174.630_75, 170.4),
            (89.999, -179.9, 9_000.0),
            (0.0, 0.0, -400.0),
            (-90.0, 0.0, 10.0),
        ] {
            let at = Geodetic::new(lat, lng, h).unwrap();
            let back = at.ecef().geodetic().unwrap();
            assert!((back.lat - lat).abs() < 1e-10 && (back.lng - lng).abs() < 1e-9, "{back:?}");
            assert!((back.ellipsoid_height_m - h).abs() < 1e-6, "{back:?}");
        }
    }

    #[test]
    fn a_lever_arm_moves_by_its_length() {
        let at = Geodetic::new(-36.4, 174.6, 170.0).unwrap();
        let moved = at.moved(0.03, -0.04, 0.19).unwrap();
        let length_m = (0.03_f64.powi(2) + 0.04_f64.powi(2) + 0.19_f64.powi(2)).sqrt();
        assert!((at.ecef().distance_m(moved.ecef()) - length_m).abs() < 1e-7);
        assert!((moved.ellipsoid_height_m - 169.81).abs() < 1e-6, "down is down");
        assert!(moved.lat > at.lat && moved.lng < at.lng);
    }

    #[test]
    fn nowhere_is_no_place() {
        assert_eq!(Ecef { x_m: 0.0, y_m: 0.0, z_m: 0.0 }.geodetic(), None);
        assert_eq!(Ecef { x_m: f64::NAN, y_m: 0.0, z_m: 6.4e6 }.geodetic(), None);
    }
}
