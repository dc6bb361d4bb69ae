//! One procedural landscape, the same for everybody with the same seed: fields, a road grid, houses, trees, a river, all a
//! function of metres east and north. Photos are views of it, so neighbouring pictures overlap as in life.

/// A colour, and how high the ground (roof, crown) is at a point, metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ground {
    pub rgb: [f32; 3],
    pub height_m: f32,
}

#[derive(Clone, Copy, Debug)]
pub struct Landscape {
    seed: u32,
}

impl Landscape {
    pub fn new(seed: u32) -> Self {
        Self { seed }
    }

    /// The ground at `east`, `north`, metres from the landscape's origin.
    pub fn at(&self, east: f32, north: f32) -> Ground {
        let relief = self.smooth(east / 90.0, north / 90.0, 1) * 6.0 + self.smooth(east / 25.0, north / 25.0, 2) * 1.5;
        let grain = self.smooth(east / 0.7, north / 0.7, 3) * 0.10 + self.smooth(east / 0.15, north / 0.15, 4) * 0.05;
        // light from the north-west on the relief
        let slope = self.smooth((east + 2.0) / 90.0, (north - 2.0) / 90.0, 1) * 6.0 - relief;
        let light = 1.0 + slope.clamp(-2.0, 2.0) * 0.06 + grain - 0.05;
        let (rgb, height_m) = self.cover(east, north);
        Ground { rgb: rgb.map(|channel| (channel * light).clamp(0.0, 255.0)), height_m: relief + height_m }
    }

    fn cover(&self, east: f32, north: f32) -> ([f32; 3], f32) {
        // a river that winds from south to north
        let bank = (east - 260.0 - 40.0 * (north / 120.0).sin()).abs();
        if bank < 9.0 {
            return ([52.0, 84.0, 96.0], -1.0);
        }
        if bank < 12.0 {
            return ([168.0, 158.0, 128.0], -0.5);
        }
        // roads every 120 m, with a middle line
        let (road_e, road_n) = (distance_to_grid(east, 120.0), distance_to_grid(north, 120.0));
        let road = road_e.min(road_n);
        if road < 3.0 {
            let along = if road_e < road_n { north } else { east };
            let line = road < 0.12 && along.rem_euclid(6.0) < 3.0;
            return (if line { [226.0, 226.0, 220.0] } else { [96.0, 97.0, 100.0] }, 0.0);
        }
        // blocks of 30 m: houses, woods or fields
        let (block_e, block_n) = ((east / 30.0).floor(), (north / 30.0).floor());
        let kind = self.hash(block_e as i32, block_n as i32, 5);
        let (inside_e, inside_n) = (east - block_e * 30.0, north - block_n * 30.0);
        if kind < 0.16 {
            let (half_e, half_n) = (6.0 + self.hash(block_e as i32, block_n as i32, 6) * 4.0, 5.0);
            if (inside_e - 15.0).abs() < half_e && (inside_n - 15.0).abs() < half_n {
                let ridge = 1.0 - (inside_n - 15.0).abs() / half_n;
                let tiles = if (inside_e * 3.0).rem_euclid(1.0) < 0.12 { 0.82 } else { 1.0 };
                let red = self.hash(block_e as i32, block_n as i32, 7) * 60.0;
                let shade = if inside_n > 15.0 { 0.86 } else { 1.0 };
                return ([150.0 + red, 78.0 + red * 0.3, 62.0].map(|c: f32| c * tiles * shade), 4.0 + 3.0 * ridge);
            }
            return ([122.0, 142.0, 84.0], 0.0);
        }
        if kind < 0.34 {
            return self.trees(east, north);
        }
        let stripes = if kind < 0.7 && (inside_e * 1.3).rem_euclid(1.0) < 0.3 { 0.9 } else { 1.0 };
        let ripe = self.hash(block_e as i32, block_n as i32, 8);
        ([104.0 + 92.0 * ripe, 134.0 + 34.0 * ripe, 62.0 + 30.0 * ripe].map(|c: f32| c * stripes), 0.3)
    }

    /// Crowns on a jittered grid of 5 m.
    fn trees(&self, east: f32, north: f32) -> ([f32; 3], f32) {
        const STEP_M: f32 = 5.0;
        let (cell_e, cell_n) = ((east / STEP_M).floor() as i32, (north / STEP_M).floor() as i32);
        let mut crown = 0.0f32;
        for (e, n) in [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)].map(|(de, dn)| (cell_e + de, cell_n + dn)) {
            let middle_e = (e as f32 + 0.25 + 0.5 * self.hash(e, n, 9)) * STEP_M;
            let middle_n = (n as f32 + 0.25 + 0.5 * self.hash(e, n, 10)) * STEP_M;
            let radius = 1.4 + 1.6 * self.hash(e, n, 11);
            let away = ((east - middle_e).powi(2) + (north - middle_n).powi(2)).sqrt() / radius;
            crown = crown.max(1.0 - away * away);
        }
        if crown > 0.0 {
            ([34.0 + 40.0 * crown, 66.0 + 56.0 * crown, 30.0 + 18.0 * crown], 3.0 + 5.0 * crown)
        } else {
            ([74.0, 88.0, 48.0], 0.0)
        }
    }

    /// 0..1 for a lattice point.
    fn hash(&self, x: i32, y: i32, salt: u32) -> f32 {
        let mut h = self.seed ^ salt.wrapping_mul(0x9E37_79B9);
        for part in [x as u32, y as u32] {
            h = (h ^ part).wrapping_mul(0x85EB_CA6B);
            h ^= h >> 13;
            h = h.wrapping_mul(0xC2B2_AE35);
            h ^= h >> 16;
        }
        (h >> 8) as f32 / (1 << 24) as f32
    }

    /// Value noise, 0..1.
    fn smooth(&self, x: f32, y: f32, salt: u32) -> f32 {
        let (x0, y0) = (x.floor(), y.floor());
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (tx, ty) = (ease(x - x0), ease(y - y0));
        let (x0, y0) = (x0 as i32, y0 as i32);
        let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
        let low = mix(self.hash(x0, y0, salt), self.hash(x0 + 1, y0, salt), tx);
        let high = mix(self.hash(x0, y0 + 1, salt), self.hash(x0 + 1, y0 + 1, salt), tx);
        mix(low, high, ty)
    }
}

fn distance_to_grid(at: f32, step: f32) -> f32 {
    let inside = at.rem_euclid(step);
    inside.min(step - inside)
}
