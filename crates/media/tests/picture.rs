//! Pictures made of synthetic files, and of the real ones in `EYRIE_SAMPLES`.

use eyrie_media::picture::{
    Coding, PREVIEW_PX, Picture, PictureError, PictureFormat, THUMBNAIL_PX, embedded_picture, look, whole_picture,
};

const RED: [u8; 3] = [220, 30, 30];
const GREEN: [u8; 3] = [30, 200, 40];
const BLUE: [u8; 3] = [30, 40, 210];
const WHITE: [u8; 3] = [240, 240, 240];

/// Quadrants: red and green above, blue and white below.
fn quadrants(width: u32, height: u32) -> Picture {
    let mut rgb = Vec::new();
    for y in 0..height {
        for x in 0..width {
            rgb.extend(match (x * 2 < width, y * 2 < height) {
                (true, true) => RED,
                (false, true) => GREEN,
                (true, false) => BLUE,
                (false, false) => WHITE,
            });
        }
    }
    Picture::new(width, height, rgb).expect("three bytes a pixel")
}

fn plain(width: u32, height: u32, color: [u8; 3]) -> Picture {
    Picture::new(width, height, color.repeat((width * height) as usize)).expect("three bytes a pixel")
}

fn jpeg(picture: &Picture) -> Vec<u8> {
    picture.encode(Coding::Jpeg).expect("a JPEG")
}

/// The file with a segment behind its first two bytes.
fn with_segment(jpeg: &[u8], marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).expect("a short segment").to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, payload, &jpeg[2..]].concat()
}

fn with_orientation(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0\x2A\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    exif.extend(orientation.to_be_bytes());
    exif.extend([0; 6]);
    with_segment(jpeg, 0xE1, &exif)
}

/// The main picture with another behind it that an MPF index names.
fn with_preview(main: &[u8], preview: &[u8]) -> Vec<u8> {
    let index = |offset: u32| {
        let mut mpf = b"MPF\0II\x2A\0\x08\0\0\0\x01\0".to_vec();
        mpf.extend([0x02, 0xB0, 7, 0, 32, 0, 0, 0, 26, 0, 0, 0, 0, 0, 0, 0]);
        for (size, offset) in [(main.len() as u32, 0), (preview.len() as u32, offset)] {
            mpf.extend(0_u32.to_le_bytes());
            mpf.extend(size.to_le_bytes());
            mpf.extend(offset.to_le_bytes());
            mpf.extend([0; 4]);
        }
        mpf
    };
    let whole = with_segment(main, 0xE2, &index(0)).len() as u32;
    // offsets count from the TIFF header: SOI, marker, length, "MPF\0"
    [with_segment(main, 0xE2, &index(whole - 10)).as_slice(), preview].concat()
}

fn near(picture: &Picture, x: u32, y: u32, color: [u8; 3]) -> bool {
    let at = ((y * picture.width_px() + x) * 3) as usize;
    picture.rgb()[at..at + 3].iter().zip(color).all(|(is, wanted)| is.abs_diff(wanted) < 40)
}

fn whole(bytes: &[u8], longest_px: u32) -> Result<Picture, PictureError> {
    let mut reader = bytes;
    let look = look(&mut reader)?;
    whole_picture(&mut reader, &look, longest_px)
}

#[test]
fn every_orientation_is_turned_upright() {
    let stored = jpeg(&quadrants(160, 96));
    // the colours from the top left, clockwise, as EXIF's table says where row 0 and column 0 are seen
    for (orientation, size, corners) in [
        (1, (160, 96), [RED, GREEN, WHITE, BLUE]),
        (2, (160, 96), [GREEN, RED, BLUE, WHITE]),
        (3, (160, 96), [WHITE, BLUE, RED, GREEN]),
        (4, (160, 96), [BLUE, WHITE, GREEN, RED]),
        (5, (96, 160), [RED, BLUE, WHITE, GREEN]),
        (6, (96, 160), [BLUE, RED, GREEN, WHITE]),
        (7, (96, 160), [WHITE, GREEN, RED, BLUE]),
        (8, (96, 160), [GREEN, WHITE, BLUE, RED]),
        (9, (160, 96), [RED, GREEN, WHITE, BLUE]),
    ] {
        let bytes = with_orientation(&stored, orientation);
        let seen = look(&mut bytes.as_slice()).expect("a JPEG");
        assert_eq!((seen.width_px, seen.height_px), size, "{orientation}");
        let picture = whole(&bytes, 512).expect("a picture");
        let (width, height) = (picture.width_px(), picture.height_px());
        assert_eq!((width, height), size, "{orientation}");
        let at = [(8, 8), (width - 9, 8), (width - 9, height - 9), (8, height - 9)];
        for ((x, y), color) in at.into_iter().zip(corners) {
            assert!(near(&picture, x, y, color), "{orientation} at {x}, {y}");
        }
    }
}

#[test]
fn pictures_shrink_to_the_longest_side_and_never_grow() {
    let bytes = jpeg(&quadrants(1600, 900));
    for (longest_px, size) in [(512, (512, 288)), (100, (100, 56)), (2_048, (1600, 900))] {
        let picture = whole(&bytes, longest_px).expect("a picture");
        assert_eq!((picture.width_px(), picture.height_px()), size);
        assert!(near(&picture, 2, 2, RED) && near(&picture, size.0 - 3, size.1 - 3, WHITE));
    }
    let line = whole(&jpeg(&plain(3_000, 1, RED)), 512).expect("a picture");
    assert_eq!((line.width_px(), line.height_px()), (512, 1));
}

#[test]
fn an_embedded_preview_of_the_same_proportions_stands_for_the_picture() {
    let main = jpeg(&plain(1600, 1200, RED));
    let bytes = with_orientation(&with_preview(&main, &jpeg(&plain(800, 600, GREEN))), 6);
    // the MPF offsets count from the index, which the EXIF segment has moved with it
    let mut reader = bytes.as_slice();
    let seen = look(&mut reader).expect("a JPEG");
    let thumbnail = embedded_picture(&mut reader, &seen, THUMBNAIL_PX).expect("the preview");
    assert_eq!((thumbnail.width_px(), thumbnail.height_px()), (384, 512));
    assert!(near(&thumbnail, 100, 100, GREEN));
    // too small for a preview
    assert_eq!(embedded_picture(&mut reader, &seen, PREVIEW_PX), None);
    let preview = whole_picture(&mut reader, &seen, PREVIEW_PX).expect("the picture");
    assert_eq!((preview.width_px(), preview.height_px()), (1200, 1600));
    assert!(near(&preview, 100, 100, RED));
}

#[test]
fn a_preview_of_something_else_is_passed_over() {
    let main = jpeg(&plain(1600, 1200, RED));
    let square = jpeg(&plain(800, 800, GREEN));
    let cut = jpeg(&quadrants(800, 600));
    for preview in [square.as_slice(), &cut[..cut.len() / 2], b"\xFF\xD8\xFF\xE0no picture", b"x"] {
        let bytes = with_preview(&main, preview);
        let mut reader = bytes.as_slice();
        let seen = look(&mut reader).expect("the picture is sound");
        assert_eq!(embedded_picture(&mut reader, &seen, THUMBNAIL_PX), None);
    }
}

/// A JPEG's frame header with another size in it.
fn claiming(jpeg: &[u8], width: u16, height: u16) -> Vec<u8> {
    let mut bytes = jpeg.to_vec();
    let frame = bytes.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0..=0xC2])).expect("a frame");
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

#[test]
fn bombs_are_refused_by_what_they_claim() {
    let small = jpeg(&quadrants(64, 64));
    let bomb = claiming(&small, 65_000, 65_000);
    let refused = whole(&bomb, 512);
    assert!(matches!(refused, Err(PictureError::TooLarge { width_px: 65_000, height_px: 65_000 })), "{refused:?}");
    assert!(matches!(whole(&claiming(&small, 0, 64), 512), Err(PictureError::Damaged(_))));
    // a progressive picture is whole in memory at every scale
    let mut progressive = claiming(&small, 16_000, 16_000);
    let frame = progressive.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a frame");
    progressive[frame + 1] = 0xC2;
    assert!(matches!(whole(&progressive, 512), Err(PictureError::TooLarge { .. })));
    // so much may be claimed: what is not there is grey, and decoded at an eighth
    let empty = whole(&claiming(&small, 8_000, 8_000), 512).expect("a lenient decoder");
    assert_eq!((empty.width_px(), empty.height_px()), (512, 512));

    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR".to_vec();
    png.extend([0, 1, 0, 0, 0, 1, 0, 0, 8, 6, 0, 0, 0]);
    assert!(matches!(whole(&png, 512), Err(PictureError::TooLarge { width_px: 65_536, height_px: 65_536 })));
}

#[test]
fn too_many_scans_are_refused() {
    let mut bytes = jpeg(&quadrants(64, 64));
    let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).expect("a frame");
    bytes[frame + 1] = 0xC2;
    bytes.extend([0xFF, 0xDA].repeat(100));
    let refused = whole(&bytes, 512);
    assert!(matches!(&refused, Err(PictureError::Damaged(why)) if why.contains("scans")), "{refused:?}");
}

#[test]
fn damaged_and_foreign_files_are_told_apart() {
    let sound = jpeg(&quadrants(640, 480));
    for length in [4, 30, 200, sound.len() / 2, sound.len() - 40] {
        let damaged = whole(&sound[..length], 512);
        assert!(matches!(damaged, Err(PictureError::Damaged(_))), "{length}: {damaged:?}");
    }
    for foreign in [b"".as_slice(), b"text", &[0xFF, 0xD8], b"\x89PNG\r\n"] {
        assert!(matches!(whole(foreign, 512), Err(PictureError::NotAPicture)), "{foreign:?}");
    }
}

fn png(color: png::ColorType, depth: png::BitDepth, width: u32, height: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(data).expect("the pixels");
    writer.finish().expect("a PNG");
    bytes
}

#[test]
fn png_of_every_color_type_becomes_rgb() {
    use png::{BitDepth, ColorType};
    let rgb = [10, 200, 30].repeat(6);
    let rgba = [10, 200, 30, 255].repeat(6);
    let clear = [10, 200, 30, 0].repeat(6);
    for (bytes, wanted) in [
        (png(ColorType::Rgb, BitDepth::Eight, 3, 2, &rgb), [10, 200, 30]),
        (png(ColorType::Rgba, BitDepth::Eight, 3, 2, &rgba), [10, 200, 30]),
        (png(ColorType::Rgba, BitDepth::Eight, 3, 2, &clear), [255, 255, 255]),
        (png(ColorType::Grayscale, BitDepth::Eight, 3, 2, &[77; 6]), [77, 77, 77]),
        (png(ColorType::Grayscale, BitDepth::Sixteen, 3, 2, &[77; 12]), [77, 77, 77]),
        (png(ColorType::GrayscaleAlpha, BitDepth::Eight, 3, 2, &[77, 255].repeat(6)), [77, 77, 77]),
    ] {
        let picture = whole(&bytes, 512).expect("a picture");
        assert_eq!((picture.width_px(), picture.height_px()), (3, 2));
        assert_eq!(picture.rgb(), wanted.repeat(6));
        assert!(matches!(whole(&bytes[..bytes.len() - 20], 512), Err(PictureError::Damaged(_))));
    }
}

#[test]
fn both_codings_hold_the_picture() {
    let picture = quadrants(512, 300);
    let jpeg = picture.encode(Coding::Jpeg).expect("a JPEG");
    let again = whole(&jpeg, 512).expect("our own JPEG");
    assert_eq!(look(&mut jpeg.as_slice()).expect("our own JPEG").format, PictureFormat::Jpeg);
    assert!(near(&again, 5, 5, RED) && near(&again, 500, 290, WHITE));
    let webp = picture.encode(Coding::WebP).expect("a WebP");
    let decoded = webp::Decoder::new(&webp).decode().expect("our own WebP");
    assert_eq!((decoded.width(), decoded.height()), (512, 300));
    let again = Picture::new(512, 300, decoded.to_vec()).expect("three bytes a pixel");
    assert!(near(&again, 5, 5, RED) && near(&again, 500, 5, GREEN) && near(&again, 5, 290, BLUE));
}

#[test]
fn a_glimpse_says_the_colour_and_stays_short() {
    let glimpse = plain(300, 200, [200, 100, 50]).glimpse();
    assert_eq!(glimpse.average_color, "#c86432");
    assert!((16..=34).contains(&glimpse.thumbhash.len()), "{}", glimpse.thumbhash);
    assert_ne!(glimpse.thumbhash, quadrants(300, 200).glimpse().thumbhash);
}

#[test]
fn real_photos_give_pictures() {
    let Some(samples) = std::env::var_os("EYRIE_SAMPLES") else {
        eprintln!("skipped: EYRIE_SAMPLES is not set");
        return;
    };
    let samples = std::path::PathBuf::from(samples);
    let mut met = 0;
    for folder in ["photos", "thermal"] {
        for entry in std::fs::read_dir(samples.join(folder)).expect("a folder of samples") {
            let path = entry.expect("an entry").path();
            let bytes = std::fs::read(&path).expect("a sample");
            let mut reader = bytes.as_slice();
            let seen = look(&mut reader).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let picture = whole_picture(&mut reader, &seen, PREVIEW_PX).expect("the picture");
            assert_eq!(
                (picture.width_px(), picture.height_px()),
                (seen.width_px, seen.height_px),
                "{}",
                path.display()
            );
            let thumbnail = embedded_picture(&mut reader, &seen, THUMBNAIL_PX).expect("an embedded preview");
            assert_eq!(thumbnail.width_px().max(thumbnail.height_px()), THUMBNAIL_PX);
            met += 1;
        }
    }
    assert!(met >= 14, "{met} samples");
}
