//! Web Mercator: where a tile is, and where places are in it.

use std::f64::consts::PI;

use super::mvt::EXTENT;

pub const MAX_ZOOM: u32 = 22;
/// The map's edge; what lies beyond is drawn on it.
const MAX_LAT_DEG: f64 = 85.051_128;

/// A square of the map: zoom, column from the west, row from the north.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    pub z: u32,
    pub x: u32,
    pub y: u32,
}

impl Tile {
    /// `None` outside of the map.
    pub fn new(z: u32, x: u32, y: u32) -> Option<Self> {
        (z <= MAX_ZOOM && x < 1 << z && y < 1 << z).then_some(Self { z, x, y })
    }

    /// west, south, east, north in degrees; the outermost rows reach to the poles.
    pub fn bounds(self) -> [f64; 4] {
        let side = f64::from(1_u32 << self.z);
        let lng = |x: u32| f64::from(x) / side * 360.0 - 180.0;
        let lat = |y: u32| (PI * (1.0 - 2.0 * f64::from(y) / side)).sinh().atan().to_degrees();
        let north = if self.y == 0 { 90.0 } else { lat(self.y) };
        let south = if self.y + 1 == 1 << self.z { -90.0 } else { lat(self.y + 1) };
        [lng(self.x), south, lng(self.x + 1), north]
    }

    /// A place in parts of the tile's side from its upper left corner; outside of 0 to 1 when it lies in another tile.
    pub fn place(self, lng: f64, lat: f64) -> (f64, f64) {
        // 180 degrees is the end of the last column, not the beginning of another
        self.place_near(lng.clamp(-180.0, 180.0 - 1e-9), lat)
    }

    /// The same at the turn of the Earth that is nearest to the tile.
    pub fn place_near(self, lng: f64, lat: f64) -> (f64, f64) {
        let side = f64::from(1_u32 << self.z);
        let lat = lat.clamp(-MAX_LAT_DEG, MAX_LAT_DEG).to_radians();
        let turn = (lng + 180.0) / 360.0;
        let middle = (f64::from(self.x) + 0.5) / side;
        let turn = if (turn - middle).abs() > 0.5 && self.z > 0 { turn - (turn - middle).round() } else { turn };
        let down = (1.0 - lat.tan().asinh() / PI) / 2.0;
        (turn * side - f64::from(self.x), down * side - f64::from(self.y))
    }

    /// Parts of the side in whole units of a vector tile.
    pub fn units(self, x: f64, y: f64) -> (i32, i32) {
        let units = |part: f64| (part * f64::from(EXTENT)).round() as i32;
        (units(x), units(y))
    }
}

/// The part of a polygon that lies between two bounds in both directions (Sutherland and Hodgman's way).
pub(super) fn clip(ring: &[(f64, f64)], least: f64, most: f64) -> Vec<(f64, f64)> {
    let mut ring = ring.to_vec();
    type Side = fn((f64, f64), f64, f64) -> f64;
    let sides: [Side; 4] = [
        |(x, _), least, _| x - least,
        |(x, _), _, most| most - x,
        |(_, y), least, _| y - least,
        |(_, y), _, most| most - y,
    ];
    for inside in sides {
        let far = |point| inside(point, least, most);
        let before = ring.iter().copied().cycle().skip(ring.len().saturating_sub(1));
        let edges: Vec<_> = before.zip(ring.iter().copied()).collect();
        ring = Vec::with_capacity(edges.len() + 4);
        for (from, to) in edges {
            let (a, b) = (far(from), far(to));
            if (a < 0.0) != (b < 0.0) {
                let part = a / (a - b);
                ring.push((from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part));
            }
            if b >= 0.0 {
                ring.push(to);
            }
        }
    }
    ring
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_know_their_place() {
        let world = Tile::new(0, 0, 0).expect("the world");
        assert_eq!(world.bounds(), [-180.0, -90.0, 180.0, 90.0]);
        // Zurich, as every map has it
        let tile = Tile::new(10, 536, 358).expect("a tile");
        let [west, south, east, north] = tile.bounds();
        assert!(west < 8.54 && 8.54 < east && south < 47.37 && 47.37 < north, "{:?}", tile.bounds());
        let (x, y) = tile.place(8.54, 47.37);
        assert!((0.0..1.0).contains(&x) && (0.0..1.0).contains(&y), "{x} {y}");
        for (z, x, y) in [(0, 1, 0), (3, 8, 0), (3, 0, 8), (23, 0, 0), (40, 0, 0)] {
            assert_eq!(Tile::new(z, x, y), None);
        }
    }

    #[test]
    fn the_ends_of_the_earth_belong_to_a_tile() {
        for (lng, lat, x, y) in [(180.0, 0.0, 3, 2), (-180.0, 0.0, 0, 2), (0.0, 90.0, 2, 0), (0.0, -90.0, 2, 3)] {
            let owners: Vec<_> = (0..4).flat_map(|x| (0..4).map(move |y| Tile { z: 2, x, y })).collect();
            let holds = |tile: &&Tile| {
                let (x, y) = tile.place(lng, lat);
                (0.0..1.0).contains(&x) && (0.0..1.0).contains(&y)
            };
            let owners: Vec<_> = owners.iter().filter(holds).collect();
            assert_eq!(owners, [&Tile { z: 2, x, y }], "{lng} {lat}");
        }
        // a footprint that goes on past 180 degrees lies at both edges
        let (x, _) = Tile { z: 2, x: 0, y: 2 }.place_near(180.5, 0.0);
        assert!((x - 0.5 / 90.0).abs() < 1e-9, "{x}");
    }

    #[test]
    fn what_reaches_out_is_cut_off() {
        let square = [(-0.5, 0.25), (0.5, 0.25), (0.5, 0.75), (-0.5, 0.75), (-0.5, 0.25)];
        let cut = clip(&square, 0.0, 1.0);
        assert!(cut.iter().all(|(x, y)| (0.0..=0.5).contains(x) && (0.25..=0.75).contains(y)), "{cut:?}");
        assert!(cut.len() >= 4);
        assert_eq!(clip(&[(2.0, 2.0), (3.0, 2.0), (3.0, 3.0)], 0.0, 1.0), []);
        assert_eq!(clip(&[], 0.0, 1.0), []);
        let around = [(-9.0, -9.0), (9.0, -9.0), (9.0, 9.0), (-9.0, 9.0)];
        assert_eq!(clip(&around, 0.0, 1.0).len(), 4);
    }
}
