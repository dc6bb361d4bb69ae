//! Synthetic thermal pictures. The real ones of `EYRIE_SAMPLES` are read in `tests/thermal.rs`.

use proptest::prelude::*;

use super::*;
use crate::photo::tiff::Tiff;

fn jpeg(width: u16, height: u16, segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let [h1, h2] = height.to_be_bytes();
    let [w1, w2] = width.to_be_bytes();
    let frame = (0xC0, vec![8, h1, h2, w1, w2, 3]);
    let mut file = vec![0xFF, 0xD8];
    for (marker, payload) in segments.iter().chain([&frame]) {
        file.extend([0xFF, *marker]);
        file.extend(u16::try_from(payload.len() + 2).expect("fits").to_be_bytes());
        file.extend(payload);
    }
    file.extend([0xFF, 0xDA, 0, 2, 0xFF, 0xD9]);
    file
}

/// A plane that counts up, cut into segments as cameras do.
fn raw(pixels: u32) -> Vec<(u8, Vec<u8>)> {
    let bytes: Vec<u8> = (0..pixels).flat_map(|n| (n as u16).to_le_bytes()).collect();
    bytes.chunks(65_532).map(|part| (0xE3, part.to_vec())).collect()
}

fn thermal(file: &[u8]) -> Thermal {
    let mut bytes = file;
    read(&mut bytes).expect("bytes in memory can be read").expect("something thermal")
}

fn parameters_of(payload: Vec<u8>) -> (Option<Layout>, Option<Parameters>, Vec<String>) {
    let found = thermal(&jpeg(16, 8, &[(0xE3, vec![1; 256]), (0xE4, payload)]));
    (found.layout, found.parameters, found.warnings)
}

#[test]
fn the_plane_s_size_comes_from_the_picture_its_shape_or_the_sensors_that_are_known() {
    // picture, pixels, plane
    for (picture, pixels, want) in [
        ((640, 512), 640 * 512, Some((640, 512))),
        ((1_280, 1_024), 640 * 512, Some((640, 512))),
        ((1_280, 1_024), 1_280 * 1_024, Some((1_280, 1_024))),
        ((1_280, 960), 640 * 512, Some((640, 512))),
        ((512, 640), 640 * 512, Some((512, 640))),
        ((640, 512), 640 * 512 - 1, None),
        ((0, 0), 160 * 120, Some((160, 120))),
    ] {
        let file = jpeg(picture.0, picture.1, &raw(pixels));
        let found = thermal(&file);
        let size = found.plane.as_ref().map(|plane| (plane.width_px, plane.height_px));
        assert_eq!(size, want, "{picture:?} {pixels}");
        assert_eq!(found.warnings.is_empty(), want.is_some(), "{:?}", found.warnings);
        assert_eq!(found.note, NOTE);
    }
    let found = thermal(&jpeg(16, 8, &raw(128)));
    let want = PlaneSummary { width_px: 16, height_px: 8, min_raw: 0, max_raw: 127, mean_raw: 63.5 };
    assert_eq!(found.plane, Some(want));
}

#[test]
fn whole_number_layouts() {
    let mut h20t = vec![0; 0x100];
    h20t[..4].copy_from_slice(&[0xAA, 0x55, 0x12, 0x06]);
    h20t[0x44..0x4E].copy_from_slice(&[5, 0, 70, 0, 95, 0, 0xE2, 0xFF, 21, 0]);
    let want = Parameters {
        object_distance_m: Some(5.0),
        relative_humidity_percent: Some(70.0),
        emissivity: Some(0.95),
        reflected_temperature_c: Some(-3.0),
        ambient_temperature_c: None,
        raw: Some(RawParameters {
            object_distance: 5,
            relative_humidity: 70,
            emissivity: 95,
            reflected_temperature: -30,
            ambient: Some(21),
        }),
    };
    assert_eq!(parameters_of(h20t), (Some(Layout::Aa551206), Some(want), vec![]));
    let mut m30t = [0xFF, 0xD2, 0xD1, 0xFF, b'i', b'i', b'r', b'p'].to_vec();
    m30t.resize(0x20, 0);
    m30t.extend([0xAA, 0x55, 0x38, 0, 60, 0, 53, 0, 98, 0, 230, 0, 0, 0]);
    let found = parameters_of(m30t);
    let parameters = found.1.expect("parameters");
    assert_eq!(found.0, Some(Layout::Aa553800));
    assert_eq!((parameters.object_distance_m, parameters.relative_humidity_percent), (Some(5.3), Some(60.0)));
    assert_eq!((parameters.emissivity, parameters.reflected_temperature_c), (Some(0.98), Some(23.0)));
}

#[test]
fn floating_point_layouts_with_and_without_a_lead() {
    let mut bare = Vec::new();
    [25.5_f32, 5.0, 0.95, 0.7, 23.0].iter().for_each(|number| bare.extend(number.to_le_bytes()));
    bare.resize(0x20, 0);
    bare.extend([0x2C, 0x01, 0x20, 0x00]);
    bare.resize(0x65, 0);
    bare.extend(b"Mini_640\0\0\0\0\0\0\0\0");
    let lead = [&[0xFF, 0xD2, 0xD1, 0xFF, b'i', b'i', b'r', b'p'][..], &[0; 24]].concat();
    let want = Parameters {
        object_distance_m: Some(5.0),
        relative_humidity_percent: Some(70.0),
        emissivity: Some(0.95),
        reflected_temperature_c: Some(23.0),
        ambient_temperature_c: Some(25.5),
        raw: None,
    };
    for payload in [bare.clone(), [lead.clone(), bare.clone()].concat()] {
        let file = jpeg(16, 8, &[(0xE3, vec![1; 256]), (0xE4, payload)]);
        let found = thermal(&file);
        assert_eq!((found.layout, found.parameters), (Some(Layout::_2c012000), Some(want)));
        assert_eq!(found.sensor_model.as_deref(), Some("Mini_640"));
    }
    // what no camera can be set to is left out, and told
    bare[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    bare[8..12].copy_from_slice(&7.5_f32.to_le_bytes());
    let (_, parameters, warnings) = parameters_of(bare);
    let parameters = parameters.expect("the others");
    assert_eq!((parameters.ambient_temperature_c, parameters.emissivity), (None, None));
    assert_eq!((parameters.object_distance_m, warnings.len()), (Some(5.0), 1));
}

#[test]
fn layouts_that_are_not_public_have_no_parameters() {
    let mut hirp = [0xFF, 0xD2, 0xD1, 0xFF, b'h', b'i', b'r', b'p'].to_vec();
    hirp.resize(0x28, 0);
    hirp.extend([32, 0, 0, 0, 4, 0, 0, 0]);
    let file = jpeg(16, 8, &[(0xE3, vec![1; 256]), (0xE4, hirp)]);
    let found = thermal(&file);
    assert_eq!((found.layout, found.parameters), (Some(Layout::Hirp), None));
    assert_eq!(found.plane.map(|plane| (plane.width_px, plane.height_px)), Some((32, 4)));
    // the numbers of H30T and M4T have no mark of their own: nonsense in their place is another form
    let iirp = |numbers: [f32; 5]| {
        let mut payload = [0xFF, 0xD2, 0xD1, 0xFF, b'i', b'i', b'r', b'p'].to_vec();
        payload.resize(0x20, 7);
        numbers.iter().for_each(|number| payload.extend(number.to_le_bytes()));
        payload.resize(0x85, 0);
        payload.extend(b"G1280S_24D010SWR\x03");
        parameters_of(payload)
    };
    let (layout, parameters, _) = iirp([21.1875, 13.0, 0.95, 0.5, 25.0]);
    let want = Parameters {
        object_distance_m: Some(13.0),
        relative_humidity_percent: Some(50.0),
        emissivity: Some(0.95),
        reflected_temperature_c: Some(25.0),
        ambient_temperature_c: Some(21.1875),
        raw: None,
    };
    assert_eq!((layout, parameters), (Some(Layout::Iirp), Some(want)));
    for nonsense in [[0.0; 5], [21.0, 13.0, 1.5, 0.5, 25.0], [f32::NAN, 13.0, 0.95, 0.5, 25.0]] {
        assert_eq!(iirp(nonsense).0, Some(Layout::Unknown), "{nonsense:?}");
    }
    let other = [0xFF, 0xD2, 0xD1, 0xFF, b'x', b'i', b'r', b'p'].to_vec();
    assert_eq!(parameters_of(other).0, Some(Layout::Unknown));
}

#[test]
fn other_pictures_are_told_apart() {
    let plain = jpeg(16, 8, &[(0xE4, b"something else".to_vec())]);
    assert_eq!(read(&mut plain.as_slice()).expect("bytes"), None);
    assert!(matches!(plane(&mut plain.as_slice()), Err(ThermalError::NoRawValues)));
    let kodak = jpeg(16, 8, &[(0xE3, b"Meta\0\0II*\0\x08\0\0\0".to_vec())]);
    assert_eq!(read(&mut kodak.as_slice()).expect("bytes"), None);
    // HP's and Samsung's: previews
    for preview in [&b"\xFF\xD8\xFF\xDBrest"[..], b"QVGA\0\xFF\xD8\xFF", b"BGTH\xFF\xD8\xFF\xDB"] {
        let file = jpeg(16, 8, &[(0xE3, preview.to_vec())]);
        assert_eq!(crate::sniff("a.jpg", &file).kind, crate::Kind::Photo, "{preview:?}");
        assert!(!is_there(&mut file.as_slice()).expect("bytes"));
    }
    let flir = jpeg(640, 512, &[(0xE1, b"FLIR\0\x01\0\0".to_vec())]);
    assert!(matches!(plane(&mut flir.as_slice()), Err(ThermalError::Flir)));
    assert_eq!(thermal(&flir).warnings.len(), 1);
    let huge = jpeg(640, 512, &vec![(0xE3, vec![0; 65_532]); 300]);
    assert!(matches!(plane(&mut huge.as_slice()), Err(ThermalError::TooLarge { size_bytes: 19_659_600 })));
    let serial = jpeg(16, 8, &[(0xE3, vec![1; 256]), (0xE7, b"DJI-DBG\0[sensor_id:5L4HM3201AA083\0\0]".to_vec())]);
    assert_eq!(thermal(&serial).sensor_serial.as_deref(), Some("5L4HM3201AA083"));
}

/// APP2 `Plug`, APP3 the calibration, APP4 the plane: everything stands one marker before its usual place.
#[test]
fn the_plane_of_the_zenmuse_xt_s_is_in_app4() {
    let mut segments = vec![(0xE2, b"Plug\0\0\0\0".to_vec()), (0xE3, vec![0xFE; 32_768])];
    segments.extend(raw(640 * 512).into_iter().map(|(_, part)| (0xE4, part)));
    let file = jpeg(640, 512, &segments);
    let found = thermal(&file);
    let size = found.plane.as_ref().map(|plane| (plane.width_px, plane.height_px, plane.max_raw));
    assert_eq!((size, found.calibration_size_bytes), (Some((640, 512, 65_535)), Some(32_768)));
    assert_eq!(found.warnings, Vec::<String>::new());
    segments.pop();
    let cut = thermal(&jpeg(640, 512, &segments));
    assert_eq!((cut.plane, cut.warnings.len()), (None, 1));
}

/// FLIR's file of records in two segments, the second of them first.
fn flir(big_endian: bool, plane: &[u8], size: (u16, u16)) -> Vec<u8> {
    let u16_of = |n: u16| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let u32_of = |n: u32| if big_endian { n.to_be_bytes() } else { n.to_le_bytes() };
    let f32_of = |n: f32| u32_of(n.to_bits());
    let mut camera = u16_of(2).to_vec();
    camera.resize(0x20, 0);
    for number in [0.95_f32, 20.0, 295.15, 313.15, 295.15, 1.0, 0.0, 0.5] {
        camera.extend(f32_of(number));
    }
    let mut raw = [u16_of(2), u16_of(size.0), u16_of(size.1)].concat();
    raw.resize(0x20, 0);
    raw.extend(plane);
    let mut file = b"FFF\0XT2".to_vec();
    file.resize(0x14, 0);
    // version, where the records are listed, how many they are
    [101, 0x40, 2].iter().for_each(|n| file.extend(u32_of(*n)));
    file.resize(0x40, 0);
    let mut at = 0x40 + 2 * 32;
    for (kind, record) in [(0x20, &camera), (1, &raw)] {
        let entry = file.len();
        file.extend(u16_of(kind));
        file.resize(entry + 12, 0);
        file.extend(u32_of(at as u32));
        file.extend(u32_of(record.len() as u32));
        file.resize(entry + 32, 0);
        at += record.len();
    }
    file.extend(camera);
    file.extend(raw);
    let (first, second) = file.split_at(100);
    let part = |number: u8, bytes: &[u8]| (0xE1, [b"FLIR\0\x01", &[number, 1][..], bytes].concat());
    jpeg(640, 512, &[part(1, second), part(0, first)])
}

#[test]
fn a_flir_camera_s_plane_and_parameters_are_read() {
    let values = [500_u16, 7, 65_535, 0x0102, 3, 4];
    let want = Parameters {
        object_distance_m: Some(20.0),
        relative_humidity_percent: Some(50.0),
        emissivity: Some(0.95),
        reflected_temperature_c: Some(22.0),
        ambient_temperature_c: Some(40.0),
        raw: None,
    };
    for big_endian in [false, true] {
        let order = |value: &u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        let bytes: Vec<u8> = values.iter().flat_map(order).collect();
        let file = flir(big_endian, &bytes, (3, 2));
        let found = thermal(&file);
        assert_eq!((found.layout, found.parameters), (Some(Layout::Flir), Some(want)));
        assert_eq!((found.note, found.missing.len(), found.warnings.len()), (NOTE_FLIR, 1, 0));
        let read = plane(&mut file.as_slice()).expect("a plane");
        assert_eq!((read.width_px, read.height_px, &read.values[..]), (3, 2, &values[..]));
        assert!(read.note.starts_with(NOTE_FLIR) && read.note.contains("emissivity: 0.95"), "{}", read.note);
        // a record that ends before its values do
        let short = flir(big_endian, &bytes[..8], (3, 2));
        assert!(matches!(plane(&mut short.as_slice()), Err(ThermalError::UnknownSize { size_bytes: 8 })));
        assert_eq!(thermal(&short).missing.len(), 2);
    }
    // in a PNG, the low byte first
    let swapped =
        Plane { width_px: 3, height_px: 2, values: values.map(u16::swap_bytes).to_vec(), note: String::new() };
    let mut png = Vec::new();
    swapped.to_png16(&mut png).expect("written");
    let read = plane(&mut flir(false, &png, (3, 2)).as_slice()).expect("a plane");
    assert_eq!(read.values, values);
    assert!(matches!(plane(&mut flir(false, &png, (2, 3)).as_slice()), Err(ThermalError::Flir)));
    assert!(matches!(plane(&mut flir(false, &[], (0, 0)).as_slice()), Err(ThermalError::Flir)));
}

/// EXIF and XMP of newer aircraft with extended parts fill more than the beginning that is sniffed.
#[test]
fn thermal_segments_behind_much_exif_are_found() {
    let file = |before: Vec<(u8, Vec<u8>)>, thermal: &[(u8, Vec<u8>)]| jpeg(16, 8, &[&before[..], thermal].concat());
    let much = vec![
        (0xE1, [&b"Exif\0\0II*\0\x08\0\0\0\0\0"[..], &[0; 60_000]].concat()),
        (0xE1, vec![b'x'; 60_000]),
        (0xE2, vec![b'y'; 65_000]),
    ];
    let plane = [(0xE3, vec![1; 256])];
    let parameters = [(0xE4, [0xFF, 0xD2, 0xD1, 0xFF, b'h', b'i', b'r', b'p'].to_vec())];
    let flir = [(0xE1, b"FLIR\0\x01\0\0".to_vec())];
    let kodak = [(0xE3, b"Meta\0\0II*\0\x08\0\0\0".to_vec())];
    for (thermal, is_thermal) in [(&plane, true), (&parameters, true), (&flir, true), (&kodak, false)] {
        for before in [Vec::new(), much.clone()] {
            let bytes = file(before, thermal);
            assert_eq!(is_there(&mut bytes.as_slice()).expect("bytes"), is_thermal);
            let found = crate::understand::understand("DJI_0001.JPG", &mut bytes.as_slice()).expect("bytes");
            assert_eq!(found.kind == crate::Kind::Thermal, is_thermal, "{:02X}", thermal[0].0);
            assert_eq!(found.details.get("thermal").is_some(), is_thermal);
        }
    }
    let found = thermal(&file(much, &plane));
    assert_eq!(found.plane.map(|plane| plane.mean_raw), Some(257.0));
}

#[test]
fn what_lacks_for_temperatures_is_listed() {
    let missing = |segments: &[(u8, Vec<u8>)]| thermal(&jpeg(16, 8, segments)).missing;
    let plane = (0xE3, vec![1; 256]);
    assert_eq!(missing(std::slice::from_ref(&plane)), [MISSING_CONVERSION, MISSING_CALIBRATION, MISSING_PARAMETERS]);
    let hirp = (0xE4, [0xFF, 0xD2, 0xD1, 0xFF, b'h', b'i', b'r', b'p'].to_vec());
    assert_eq!(missing(&[plane.clone(), hirp.clone(), (0xE5, vec![7; 9])]), [MISSING_CONVERSION, UNREAD_PARAMETERS]);
    assert_eq!(missing(&[hirp])[1], MISSING_PLANE);
    let mut h20t = vec![0; 0x50];
    h20t[..4].copy_from_slice(&[0xAA, 0x55, 0x12, 0x06]);
    assert_eq!(missing(&[plane, (0xE4, h20t), (0xE5, vec![7; 9])]), [MISSING_CONVERSION]);
}

#[test]
fn damage_is_never_fatal() {
    let mut h20t = vec![0; 0x50];
    h20t[..4].copy_from_slice(&[0xAA, 0x55, 0x12, 0x06]);
    let whole = jpeg(16, 8, &[(0xE3, vec![1; 256]), (0xE4, h20t), (0xE5, vec![7; 9])]);
    assert_eq!(thermal(&whole).calibration_size_bytes, Some(9));
    for end in 0..whole.len() {
        let _ = read(&mut &whole[..end]).expect("bytes in memory can be read");
    }
    for at in 2..whole.len() {
        for value in [0, 0xFF, 0x80] {
            let mut bent = whole.clone();
            bent[at] = value;
            let _ = read(&mut bent.as_slice()).expect("bytes in memory can be read");
        }
    }
}

/// The values and the note of a PNG that stores its pixels, every checksum looked at.
fn from_png(file: &[u8]) -> (u32, u32, Vec<u16>, String) {
    let (mut at, mut size, mut stream, mut note) = (8, (0, 0), Vec::new(), String::new());
    while at < file.len() {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().expect("four")) as usize;
        let (name, data) = (&file[at + 4..at + 8], &file[at + 8..at + 8 + length]);
        let crc = u32::from_be_bytes(file[at + 8 + length..at + 12 + length].try_into().expect("four"));
        assert_eq!(crc, reference_crc32(&file[at + 4..at + 8 + length]));
        match name {
            b"IHDR" => {
                assert_eq!(data[8..], [16, 0, 0, 0, 0]);
                let number = |at: usize| u32::from_be_bytes(data[at..at + 4].try_into().expect("four"));
                size = (number(0), number(4));
            }
            b"tEXt" => note = String::from_utf8(data[12..].to_vec()).expect("ASCII"),
            b"IDAT" => stream.extend(data),
            _ => assert_eq!(name, b"IEND"),
        }
        at += length + 12;
    }
    let (mut pixels, mut at, mut last) = (Vec::new(), 2, false);
    while !last {
        last = stream[at] == 1;
        let size = u16::from_le_bytes([stream[at + 1], stream[at + 2]]);
        assert_eq!(!size, u16::from_le_bytes([stream[at + 3], stream[at + 4]]));
        pixels.extend(&stream[at + 5..at + 5 + size as usize]);
        at += 5 + size as usize;
    }
    let row_bytes = size.0 as usize * 2 + 1;
    let rows = pixels.chunks(row_bytes).flat_map(|row| row[1..].chunks(2));
    let values = rows.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    let (a, b) = pixels.iter().fold((1_u64, 0_u64), |(a, b), byte| {
        let a = (a + u64::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    assert_eq!(stream[at..], ((b << 16 | a) as u32).to_be_bytes());
    (size.0, size.1, values, note)
}

fn reference_crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// The values and the note of a TIFF of one strip.
fn from_tiff(file: &[u8]) -> (u32, u32, Vec<u16>, String) {
    let mut bytes = file;
    let mut tiff = Tiff::open(&mut bytes, 0).expect("bytes").expect("a TIFF");
    let ifd = tiff.ifd(tiff.first_ifd).expect("bytes");
    assert!(ifd.entries.is_sorted_by_key(|entry| entry.tag) && ifd.next == 0);
    let entry = |tag: u16| ifd.entries.iter().find(|entry| entry.tag == tag).expect("the field");
    let mut number = |tag: u16| tiff.number(entry(tag)).expect("bytes").expect("a number");
    assert_eq!((number(258), number(259), number(262), number(277)), (16.0, 1.0, 1.0, 1.0));
    let (width, height, at, size) = (number(256), number(257), number(273) as usize, number(279) as usize);
    assert_eq!(file.len(), at + size);
    let values = file[at..].chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    (width as u32, height as u32, values, tiff.text(entry(270)).expect("bytes").expect("a note"))
}

proptest! {
    #[test]
    fn exports_hold_every_value_and_the_note(width in 1_u32..300, height in 1_u32..200, seed in any::<u16>()) {
        let values: Vec<u16> = (0..width * height).map(|n| (n as u16).wrapping_mul(seed | 1)).collect();
        let plane = Plane { width_px: width, height_px: height, values: values.clone(), note: NOTE.to_owned() };
        let (mut png, mut tiff) = (Vec::new(), Vec::new());
        plane.to_png16(&mut png).expect("memory");
        plane.to_tiff16(&mut tiff).expect("memory");
        let want = (width, height, values, NOTE.to_owned());
        prop_assert!(from_png(&png) == want);
        prop_assert!(from_tiff(&tiff) == want);
    }

    #[test]
    fn any_flir_file_is_read(changes in prop::collection::vec((16_usize..500, any::<u8>()), 1..12), big_endian in any::<bool>()) {
        let mut file = flir(big_endian, &[7; 12], (3, 2));
        for (at, byte) in changes {
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
        }
        let _ = read(&mut file.as_slice());
        if let Ok(plane) = plane(&mut file.as_slice()) {
            prop_assert_eq!(plane.values.len() as u64, u64::from(plane.width_px) * u64::from(plane.height_px));
        }
    }

    #[test]
    fn any_parameters_are_read(payload in prop::collection::vec(any::<u8>(), 0..300), magic in 0_usize..4, at in 0_usize..80) {
        let mut payload = payload;
        let magics = [[0xAA, 0x55, 0x12, 0x06], [0x2C, 0x01, 0x20, 0x00], [0xAA, 0x55, 0x38, 0x00], [0xFF, 0xD2, 0xD1, 0xFF]];
        if let Some(place) = payload.get_mut(at..at + 4) {
            place.copy_from_slice(&magics[magic]);
        }
        let found = thermal(&jpeg(16, 8, &[(0xE3, vec![1; 256]), (0xE4, payload)]));
        prop_assert!(found.parameters.and_then(|found| found.emissivity).is_none_or(|e| (0.0..=1.0).contains(&e)));
    }
}
