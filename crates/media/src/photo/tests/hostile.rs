//! Files made to mislead: no panic, and few reads.

use proptest::prelude::*;

use super::*;

/// Counts what is asked for.
struct Counting<'a> {
    bytes: &'a [u8],
    size_bytes: u64,
    reads: usize,
    read_bytes: usize,
}

impl RangeRead for Counting<'_> {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What lies behind the bytes is 0xFF.
    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.reads += 1;
        self.read_bytes += buffer.len();
        for (n, byte) in buffer.iter_mut().enumerate() {
            *byte = usize::try_from(offset).ok().and_then(|at| self.bytes.get(at + n)).copied().unwrap_or(0xFF);
        }
        Ok(())
    }
}

#[test]
fn a_huge_file_of_fill_bytes_costs_few_reads() {
    for bytes in [&[0xFF, 0xD8][..], &[0xFF, 0xD8, 0xFF, 0xD0].repeat(4_000)] {
        let mut reader = Counting { bytes, size_bytes: 5_000_000_000, reads: 0, read_bytes: 0 };
        let found = read(&mut reader).expect("bytes");
        assert!(reader.reads < 2_100 && reader.read_bytes < 100_000, "{} {}", reader.reads, reader.read_bytes);
        assert_eq!(found.warnings.len(), 1);
    }
}

#[test]
fn a_large_photo_is_understood_from_its_headers() {
    let mut file = jpeg(&[exif_segment("2026:07:01 12:00:00", None), xmp_segment(ATTRIBUTES)]);
    file.truncate(file.len() - 2);
    let mut reader = Counting { bytes: &file, size_bytes: 20_000_000, reads: 0, read_bytes: 0 };
    assert_eq!(read(&mut reader).expect("bytes").position_source, Some("xmp"));
    assert!(reader.read_bytes < 8_192, "{}", reader.read_bytes);
}

#[test]
fn what_stands_between_segments_is_passed_over() {
    let whole = jpeg(&[xmp_segment(ATTRIBUTES)]);
    let mut filled = vec![0xFF, 0xD8, 0xFF, 0xFF, 0xFF];
    filled.extend(&whole[2..]);
    assert_eq!(photo(&filled), photo(&whole));
    let mut foreign = vec![0xFF, 0xD8, 0, 7, 0xFF, 0];
    foreign.extend(&whole[2..]);
    let found = photo(&foreign);
    assert_eq!(found.position_source, Some("xmp"));
    assert_eq!(found.warnings, ["3 bytes between JPEG segments belong to nothing"]);
}

#[test]
fn a_cut_segment_tells_what_it_has() {
    let whole = jpeg(&[exif_segment("2026:07:01 12:00:00", Some("+02:00")), (0xE1, vec![0; 40])]);
    let cut = whole.windows(4).position(|four| four == [0xFF, 0xE1, 0, 42]).expect("the second segment") + 10;
    let found = photo(&whole[..cut]);
    assert_eq!(found.captured_local.as_deref(), Some("2026-07-01T12:00:00"));
    assert_eq!(found.warnings, ["the file ends within a JPEG segment"]);
    let lying = [&[0xFF, 0xD8, 0xFF, 0xE1, 0, 1][..], &whole[2..]].concat();
    assert_eq!(photo(&lying).warnings, ["a JPEG segment has an impossible length"]);
}

#[test]
fn damage_is_told_and_never_fatal() {
    let whole = jpeg(&[exif_segment("2026:07:01 12:00:00", None), xmp_segment(ATTRIBUTES)]);
    for end in 0..whole.len() {
        photo(&whole[..end]);
    }
    for at in 0..whole.len() {
        for value in [0, 0xFF, 0x80] {
            let mut bent = whole.clone();
            bent[at] = value;
            photo(&bent);
        }
    }
    let deep = format!("{}{}", "<a>".repeat(1_000), ATTRIBUTES);
    assert!(photo(&jpeg(&[xmp_segment(&deep)])).warnings.iter().any(|warning| warning.contains("nested")));
}

#[test]
fn directories_that_loop_or_count_too_much_end() {
    // the EXIF, GPS and image pointers all lead back
    let mut maker = Maker::new(true);
    maker.directory(8, &[0x8769, 0x8825, 0x014A].map(|tag| (tag, Value::Long(8))), 8);
    assert_eq!(photo(&jpeg(&[exif_block(&maker)])), photo(&jpeg(&[exif_block(&maker)])));
    assert_eq!(photo(&maker.bytes).previews, []);
    // 65,535 entries, each the same long text
    let mut maker = Maker::new(false);
    maker.u16(0xFFFF);
    for _ in 0..2_000 {
        maker.u16(0x010E);
        maker.u16(2);
        maker.u32(u32::MAX);
        maker.u32(0);
    }
    let mut reader = Counting { bytes: &maker.bytes, size_bytes: u64::from(u32::MAX), reads: 0, read_bytes: 0 };
    read(&mut reader).expect("bytes");
    assert!(reader.read_bytes < 100_000, "{}", reader.read_bytes);
}

/// Found by fuzzing: the offset of a thumbnail as a floating point number.
#[test]
fn a_preview_beyond_every_offset_is_left_out() {
    let mut maker = Maker::new(false);
    let far = 1e300_f64.to_le_bytes();
    let thumbnail = [(0x0201, Value::Bytes(12, 1, &far)), (0x0202, Value::Bytes(12, 1, &far))];
    maker.directory(8, &[], 100).directory(100, &thumbnail, 0);
    let found = photo(&jpeg(&[exif_block(&maker)]));
    assert_eq!(found.previews, []);
    assert_eq!(found.warnings, ["an embedded preview lies outside the file"]);
}

proptest! {
    #[test]
    fn any_segments_are_read(segments in prop::collection::vec((0xC0_u8..=0xFE, prop::collection::vec(any::<u8>(), 0..80)), 0..8)) {
        photo(&jpeg(&segments));
    }

    #[test]
    fn any_exif_is_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let block = [b"Exif\0\0II*\0\x08\0\0\0".as_slice(), &bytes].concat();
        photo(&jpeg(&[(0xE1, block)]));
    }

    /// What is written in degrees is read as the same degrees, in XMP and in EXIF.
    #[test]
    fn positions_come_back(lat in -89.9_f64..89.9, lng in -179.9_f64..179.9, height in -400.0_f64..8_000.0) {
        prop_assume!(lat.abs() > 1e-6);
        let body = format!(
            "<rdf:Description xmlns:d=\"http://www.dji.com/drone-dji/1.0/\" d:GpsLatitude=\"{lat:+.9}\" \
             d:GpsLongitude=\"{lng:+.9}\" d:AbsoluteAltitude=\"{height:+.3}\"/>"
        );
        let parts = |degrees: f64| {
            let units = (degrees.abs() * 3_600.0 * 100_000.0).round() as u64;
            let per_degree = 3_600 * 100_000;
            let (minutes, seconds) = (units % per_degree / 6_000_000, units % 6_000_000);
            [((units / per_degree) as u32, 1), (minutes as u32, 1), (seconds as u32, 100_000)]
        };
        let (of_lat, of_lng) = (parts(lat), parts(lng));
        let gps = [
            (1, Value::Text(if lat < 0.0 { "S" } else { "N" })),
            (2, Value::Rationals(&of_lat)),
            (3, Value::Text(if lng < 0.0 { "W" } else { "E" })),
            (4, Value::Rationals(&of_lng)),
        ];
        let mut maker = Maker::new(false);
        maker.directory(8, &[(0x8825, Value::Long(100))], 0).directory(100, &gps, 0);
        let found = photo(&jpeg(&[exif_block(&maker), xmp_segment(&body)]));
        let (xmp, exif) = (found.xmp_position.expect("XMP's"), found.exif_position.expect("EXIF's"));
        prop_assert!((xmp.lat - lat).abs() < 1e-9 && (xmp.lng - lng).abs() < 1e-9);
        prop_assert!((exif.lat - lat).abs() < 1e-8 && (exif.lng - lng).abs() < 1e-8);
        prop_assert!((xmp.absolute_altitude_m.expect("height") - height).abs() < 1e-3);
        prop_assert!(found.warnings.is_empty());
    }
}
