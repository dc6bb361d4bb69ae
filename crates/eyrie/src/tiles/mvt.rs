//! Mapbox Vector Tiles, version 2.1, as far as we write them: points and polygons with text, whole numbers and decimals.
//!
//! The format is a handful of Protocol Buffers fields, so that it is written here: a library for it would bring its own geometry and
//! a code generator. Source: the specification (github.com/mapbox/vector-tile-spec, version 2.1).

use std::collections::HashMap;

/// Units along a tile's side.
pub const EXTENT: u32 = 4096;

const MOVE_TO: u32 = 1;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u32 = 7;

/// Wire types of Protocol Buffers.
const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const BYTES: u32 = 2;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Whole(u64),
    Decimal(f64),
}

/// A name and its features. Names and values are written once each.
#[derive(Debug)]
pub struct Layer {
    name: &'static str,
    features: Vec<u8>,
    keys: Vec<&'static str>,
    values: Vec<u8>,
    value_count: u32,
    known: HashMap<Vec<u8>, u32>,
}

impl Layer {
    pub fn new(name: &'static str) -> Self {
        Self { name, features: Vec::new(), keys: Vec::new(), values: Vec::new(), value_count: 0, known: HashMap::new() }
    }

    /// A point in tile units from the upper left corner.
    pub fn point(&mut self, (x, y): (i32, i32), tags: &[(&'static str, Value)]) {
        let mut geometry = Vec::new();
        varint(&mut geometry, command(MOVE_TO, 1));
        varint(&mut geometry, zigzag(x));
        varint(&mut geometry, zigzag(y));
        self.feature(1, &geometry, tags);
    }

    /// A polygon of one ring, which closes itself; at least three points, else nothing is written.
    pub fn polygon(&mut self, ring: &[(i32, i32)], tags: &[(&'static str, Value)]) {
        let mut ring: Vec<(i32, i32)> = ring.to_vec();
        ring.dedup();
        if ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        let area = doubled_area(&ring);
        if ring.len() < 3 || area == 0 {
            return;
        }
        // an outer ring's area is positive, with y downwards
        if area < 0 {
            ring.reverse();
        }
        let (mut geometry, mut last) = (Vec::new(), (0_i32, 0_i32));
        for (n, point) in ring.iter().enumerate() {
            match n {
                0 => varint(&mut geometry, command(MOVE_TO, 1)),
                1 => varint(&mut geometry, command(LINE_TO, ring.len() as u32 - 1)),
                _ => {}
            }
            varint(&mut geometry, zigzag(point.0.wrapping_sub(last.0)));
            varint(&mut geometry, zigzag(point.1.wrapping_sub(last.1)));
            last = *point;
        }
        varint(&mut geometry, command(CLOSE_PATH, 1));
        self.feature(3, &geometry, tags);
    }

    fn feature(&mut self, kind: u64, geometry: &[u8], tags: &[(&'static str, Value)]) {
        let mut packed = Vec::new();
        for (key, value) in tags {
            let key = self.key(key);
            varint(&mut packed, key);
            let value = self.value(value);
            varint(&mut packed, value);
        }
        let mut feature = Vec::new();
        bytes(&mut feature, 2, &packed);
        number(&mut feature, 3, kind);
        bytes(&mut feature, 4, geometry);
        bytes(&mut self.features, 2, &feature);
    }

    fn key(&mut self, key: &'static str) -> u64 {
        let known = self.keys.iter().position(|known| *known == key);
        known.unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        }) as u64
    }

    fn value(&mut self, value: &Value) -> u64 {
        let mut message = Vec::new();
        match value {
            Value::Text(text) => bytes(&mut message, 1, text.as_bytes()),
            Value::Decimal(decimal) => {
                tag(&mut message, 3, FIXED_64);
                message.extend(decimal.to_le_bytes());
            }
            Value::Whole(whole) => number(&mut message, 5, *whole),
        }
        if let Some(known) = self.known.get(&message) {
            return u64::from(*known);
        }
        bytes(&mut self.values, 4, &message);
        let next = self.value_count;
        self.known.insert(message, next);
        self.value_count += 1;
        u64::from(next)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let mut layer = Vec::new();
        number(&mut layer, 15, 2);
        bytes(&mut layer, 1, self.name.as_bytes());
        layer.extend(&self.features);
        for key in &self.keys {
            bytes(&mut layer, 3, key.as_bytes());
        }
        layer.extend(&self.values);
        number(&mut layer, 5, u64::from(EXTENT));
        bytes(out, 3, &layer);
    }
}

/// A tile of these layers; one without features is left out.
pub fn tile(layers: &[Layer]) -> Vec<u8> {
    let mut out = Vec::new();
    for layer in layers.iter().filter(|layer| !layer.features.is_empty()) {
        layer.write(&mut out);
    }
    out
}

fn command(id: u32, count: u32) -> u64 {
    u64::from(id & 7 | count << 3)
}

fn zigzag(n: i32) -> u64 {
    u64::from(((n << 1) ^ (n >> 31)) as u32)
}

fn doubled_area(ring: &[(i32, i32)]) -> i64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).map(|(a, b)| i64::from(a.0) * i64::from(b.1) - i64::from(b.0) * i64::from(a.1)).sum()
}

fn tag(out: &mut Vec<u8>, field: u32, wire: u32) {
    varint(out, u64::from(field << 3 | wire));
}

fn number(out: &mut Vec<u8>, field: u32, number: u64) {
    tag(out, field, VARINT);
    varint(out, number);
}

fn bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    tag(out, field, BYTES);
    varint(out, bytes.len() as u64);
    out.extend(bytes);
}

fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specification's own numbers for its examples of geometry (section 4.3.5).
    #[test]
    fn geometry_is_encoded_as_the_specification_shows() {
        let mut layer = Layer::new("a");
        layer.point((25, 17), &[]);
        assert_eq!(layer.features, [0x12, 9, 0x12, 0, 0x18, 1, 0x22, 3, 9, 50, 34]);
        let mut layer = Layer::new("a");
        layer.polygon(&[(3, 6), (8, 12), (20, 34), (3, 6)], &[]);
        assert_eq!(layer.features[6..], [0x22, 9, 9, 6, 12, 18, 10, 12, 24, 44, 15]);
    }

    #[test]
    fn keys_and_values_are_written_once_and_empty_layers_not() {
        let mut layer = Layer::new("media");
        for n in 0..3 {
            let tags =
                [("kind", Value::Text("photo".into())), ("count", Value::Whole(n / 2)), ("yaw", Value::Decimal(1.5))];
            layer.point((1, 2), &tags);
        }
        assert_eq!((layer.keys.len(), layer.value_count), (3, 4));
        let tile = tile(&[layer, Layer::new("empty")]);
        assert_eq!(tile.windows(5).filter(|part| part == b"photo").count(), 1);
        assert!(!tile.windows(5).any(|part| part == b"empty"));
        assert!(super::tile(&[Layer::new("empty")]).is_empty());
    }

    #[test]
    fn rings_turn_the_right_way_and_flat_ones_are_nothing() {
        let (mut there, mut back) = (Layer::new("a"), Layer::new("a"));
        there.polygon(&[(0, 0), (10, 0), (10, 10), (0, 10)], &[]);
        back.polygon(&[(0, 10), (10, 10), (10, 0), (0, 0)], &[]);
        assert_eq!(there.features.len(), back.features.len());
        assert!(doubled_area(&[(0, 0), (10, 0), (10, 10), (0, 10)]) > 0);
        let mut flat = Layer::new("a");
        flat.polygon(&[(0, 0), (10, 0), (20, 0)], &[]);
        flat.polygon(&[(0, 0), (0, 0), (5, 5)], &[]);
        assert!(flat.features.is_empty());
    }
}
