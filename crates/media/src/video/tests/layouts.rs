//! Every layout of `djmd` that is known, message by message after the products' own field numbers.

use super::*;

/// A product: its protocol, and the paths of FORMATS' table, empty where it has nothing.
struct Product {
    protocol: &'static str,
    aircraft: &'static [u32],
    block: &'static [u32],
    relative: &'static [u32],
    gimbal: &'static [u32],
    iso: &'static [u32],
    shutter: &'static [u32],
    f_number: &'static [u32],
    zoom: &'static [u32],
    gps_time: &'static [u32],
    degrees: bool,
}

const DRONE: Product = Product {
    protocol: "",
    aircraft: &[3, 3, 3],
    block: &[3, 3, 4],
    relative: &[3, 3, 5],
    gimbal: &[3, 4, 3],
    iso: &[],
    shutter: &[],
    f_number: &[],
    zoom: &[],
    gps_time: &[],
    degrees: false,
};
const AIR: Product = Product { iso: &[3, 2, 7], shutter: &[3, 2, 10, 1], f_number: &[3, 2, 11, 1], ..DRONE };
const AVATA: Product = Product {
    aircraft: &[3, 4, 3],
    block: &[3, 4, 4],
    relative: &[3, 4, 5],
    gimbal: &[],
    iso: &[3, 2, 2],
    shutter: &[3, 2, 4, 1],
    f_number: &[3, 2, 10, 1],
    ..DRONE
};
const OSMO: Product = Product {
    aircraft: &[],
    block: &[3, 4, 2],
    relative: &[],
    gimbal: &[],
    iso: &[3, 2, 3],
    shutter: &[3, 2, 4, 1],
    gps_time: &[3, 4, 2, 6],
    ..DRONE
};
const PRODUCTS: [Product; 16] = [
    Product {
        protocol: "dvtm_pm320.proto",
        iso: &[3, 2, 2],
        shutter: &[3, 2, 3, 1],
        f_number: &[3, 2, 4, 1],
        zoom: &[3, 2, 6],
        ..DRONE
    },
    Product { protocol: "dvtm_wm265e.proto", iso: &[3, 2, 2], shutter: &[3, 2, 3, 1], zoom: &[3, 2, 6], ..DRONE },
    Product { protocol: "dvtm_wa345e.proto", gps_time: &[3, 3, 4, 6], ..DRONE },
    Product {
        protocol: "dvtm_wm261.proto",
        iso: &[3, 2, 9],
        shutter: &[3, 2, 10, 1],
        f_number: &[3, 2, 11, 1],
        gps_time: &[3, 3, 4, 6],
        ..DRONE
    },
    Product { protocol: "dvtm_Air3.proto", ..AIR },
    Product { protocol: "dvtm_Air3s.proto", ..AIR },
    Product { protocol: "dvtm_Mini4_Pro.proto", ..AIR },
    Product { protocol: "dvtm_Mavic4.proto", iso: &[3, 2, 9], shutter: &[3, 2, 10, 1], degrees: true, ..DRONE },
    Product { protocol: "dvtm_Mini5Pro.proto", aircraft: &[], relative: &[], gimbal: &[], degrees: true, ..DRONE },
    Product { protocol: "dvtm_AVATA2.proto", ..AVATA },
    Product { protocol: "dvtm_dji_neo.proto", ..AVATA },
    Product { protocol: "neo.proto", ..AVATA },
    Product { protocol: "dvtm_ac203.proto", ..OSMO },
    Product { protocol: "dvtm_ac204.proto", ..OSMO },
    Product { protocol: "dvtm_ac206.proto", ..OSMO },
    Product { protocol: "dvtm_oq101.proto", ..OSMO },
];

fn packed(numbers: [u64; 2]) -> Vec<u8> {
    numbers.into_iter().flat_map(varint).collect()
}

/// A message at `path`, or nothing where the product has none.
fn at(path: &[u32], inside: Vec<u8>) -> Vec<u8> {
    if path.is_empty() { Vec::new() } else { nested(path, inside) }
}

fn frame(product: &Product) -> Vec<u8> {
    let (unit, lat, lng) = match product.degrees {
        true => (number(1, 1), 47.5, -8.25),
        false => (Vec::new(), 47.5_f64.to_radians(), -8.25_f64.to_radians()),
    };
    let position = [unit, double(2, lat), double(3, lng)].concat();
    let block = [message(1, &position), number(2, -12_250), number(3, 2), number(4, 2)].concat();
    [
        nested(&[3, 1], [number(1, 1), number(2, 5_000_000)].concat()),
        nested(product.block, block),
        at(product.relative, float(1, 52_100.0)),
        at(product.aircraft, euler(-25, 31, 1_800)),
        at(product.gimbal, euler(-900, 0, -45)),
        at(product.iso, float(1, 400.0)),
        match product.shutter.split_last() {
            Some((last, path)) => nested(path, message(*last, &packed([1, 500]))),
            None => Vec::new(),
        },
        match product.f_number.split_last() {
            Some((last, path)) => nested(path, message(*last, &packed([28, 10]))),
            None => Vec::new(),
        },
        at(product.zoom, float(1, 3.5)),
        at(product.gps_time, message(1, b"2026-11-23 05-14-30")),
    ]
    .concat()
}

#[test]
fn sixteen_products_are_read_field_by_field() {
    for product in &PRODUCTS {
        let name = product.protocol;
        let sample = [djmd_header(name), frame(product)].concat();
        let (video, track) = read_all(&file_with(b"djmd", &[sample]));
        assert_eq!(video.warnings, Vec::<String>::new(), "{name}");
        assert!(video.djmd.as_ref().is_some_and(|header| header.layout_known), "{name}");
        let sample = track.expect("a track").samples[0].clone();
        let place = sample.position.unwrap_or_else(|| panic!("{name} has a position"));
        assert!((place.lat - 47.5).abs() < 1e-9 && (place.lng + 8.25).abs() < 1e-9, "{name}: {place:?}");
        assert_eq!(place.absolute_altitude_m, Some(-12.25), "{name}");
        assert_eq!(place.relative_altitude_m, (!product.relative.is_empty()).then_some(52.1), "{name}");
        let attitude = |path: &[u32], yaw, pitch, roll| {
            let angles = Attitude { yaw_deg: Some(yaw), pitch_deg: Some(pitch), roll_deg: Some(roll) };
            (!path.is_empty()).then_some(angles)
        };
        assert_eq!(sample.aircraft, attitude(product.aircraft, 180.0, -2.5, 3.1), "{name}");
        assert_eq!(sample.gimbal, attitude(product.gimbal, -4.5, -90.0, 0.0), "{name}");
        let camera = Camera {
            iso: (!product.iso.is_empty()).then_some(400.0),
            shutter_s: (!product.shutter.is_empty()).then_some(1.0 / 500.0),
            f_number: (!product.f_number.is_empty()).then_some(2.8),
            zoom: (!product.zoom.is_empty()).then_some(3.5),
            focal_length_35mm_mm: None,
        };
        assert_eq!(sample.camera, (camera != Camera::default()).then_some(camera), "{name}");
        let begin = if product.gps_time.is_empty() { "2026-11-23T05:14:22Z" } else { "2026-11-23T05:14:30Z" };
        assert_eq!(sample.at.map(|at| at.to_string()).as_deref(), Some(begin), "{name}");
    }
}

#[test]
fn an_encrypted_or_compressed_track_is_told_and_not_guessed_at() {
    for field in [7, 8] {
        let header = nested(&[1, 1], [message(1, b"dvtm_pm320.proto"), number(field, 1)].concat());
        let sample = [header, frame(&PRODUCTS[0])].concat();
        let (video, track) = read_all(&file_with(b"djmd", &[sample]));
        assert!(video.warnings[0].contains("encrypted or compressed"), "{:?}", video.warnings);
        assert!(track.is_none());
    }
}
