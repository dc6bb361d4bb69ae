//! The real photos of `EYRIE_SAMPLES` (see its MANIFEST): what is read, and whether exiftool reads the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use eyrie_media::photo::{self, Photo, PreviewSource, TimeSource};
use eyrie_media::track::{Attitude, Place};
use eyrie_media::{FileRange, RangeRead};
use serde_json::Value;

/// The sample files below `folder`, or none, told why.
fn samples(folder: &str) -> Vec<PathBuf> {
    let Some(root) = std::env::var_os("EYRIE_SAMPLES") else {
        eprintln!("EYRIE_SAMPLES is not set: real files are not read");
        return Vec::new();
    };
    let folder = Path::new(&root).join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn read(path: &Path) -> Photo {
    let file = std::fs::File::open(path).expect("the sample");
    photo::read(&mut FileRange::new(file).expect("its size")).expect("the sample is read")
}

#[test]
fn the_photos_of_one_flight_tell_where_and_when() {
    // second of the local time, position, absolute and relative altitude
    let want = [
        ("14:35:32", 51.366_129_9, 12.308_951_1, 252.475, 94.992),
        ("14:35:34", 51.366_184_9, 12.308_956_0, 252.473, 94.990),
        ("14:35:36", 51.366_236_9, 12.308_960_1, 252.474, 94.991),
        ("14:35:37", 51.366_288_6, 12.308_963_9, 252.474, 94.991),
        ("14:35:47", 51.366_608_0, 12.308_991_8, 252.493, 95.009),
        ("14:36:04", 51.367_138_0, 12.309_035_6, 252.508, 95.025),
    ];
    for (path, (time, lat, lng, absolute_altitude_m, relative_altitude_m)) in samples("photos").iter().zip(want) {
        let found = read(path);
        let place = Place {
            lat,
            lng,
            absolute_altitude_m: Some(absolute_altitude_m),
            relative_altitude_m: Some(relative_altitude_m),
        };
        assert_eq!((found.position, found.position_source), (Some(place), Some("xmp")), "{}", path.display());
        let pitch_deg = if matches!(time, "14:35:37" | "14:36:04") { -89.9 } else { -90.0 };
        let gimbal = Attitude { yaw_deg: Some(6.0), pitch_deg: Some(pitch_deg), roll_deg: Some(0.0) };
        assert_eq!(found.gimbal, Some(gimbal), "{}", path.display());
        assert_eq!(found.captured_local, Some(format!("2022-06-02T{time}")));
        let utc = format!("2022-06-02T{time}Z").replace("T14", "T12");
        assert_eq!(found.captured_at.map(|at| at.to_string()), Some(utc));
        assert_eq!(found.time_source, Some(TimeSource::XmpOffset));
        let camera =
            (found.camera.make.as_deref(), found.camera.model.as_deref(), found.camera.image_source.as_deref());
        assert_eq!(camera, (Some("DJI"), Some("ZH20T"), Some("InfraredCamera")));
        assert_eq!(
            (found.altitude_type.as_deref(), found.gps_status.as_deref()),
            (Some("GpsFusionAlt"), Some("Normal"))
        );
        assert_eq!(found.palette, None);
        let sizes: Vec<_> =
            found.previews.iter().map(|preview| (preview.source, preview.width_px, preview.height_px)).collect();
        assert_eq!(sizes, [(PreviewSource::Exif, Some(160), Some(128)), (PreviewSource::Mpf, Some(640), Some(512))]);
        // 58 mm equivalent from 95 m: 56 m wide and 45 m high
        let print = found.footprint.expect("a view straight down");
        let (south, north) = extent(print.ring.iter().map(|point| point[1]));
        assert!(!print.cut && ((north - south) * 111_250.0 - 50.0).abs() < 2.0, "{}", (north - south) * 111_250.0);
        assert_eq!(found.warnings, Vec::<String>::new());
    }
}

/// A file in memory that ends early, and counts what is asked of it.
struct Counting<'a> {
    bytes: &'a [u8],
    read_bytes: usize,
}

impl RangeRead for Counting<'_> {
    fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.read_bytes += buffer.len();
        self.bytes.read_exact_at(offset, buffer)
    }
}

#[test]
fn headers_are_read_and_files_cut_anywhere_tell_what_is_left() {
    for path in samples("photos").iter().chain(&samples("thermal")) {
        let file = std::fs::read(path).expect("the sample");
        let mut reader = Counting { bytes: &file, read_bytes: 0 };
        let whole = photo::read(&mut reader).expect("the sample is read");
        assert!(reader.read_bytes < 64 * 1024, "{}: {} bytes of {}", path.display(), reader.read_bytes, file.len());
        for end in (0..64).map(|n| n * 511).chain((1..64).map(|n| file.len() / 64 * n)) {
            let cut =
                photo::read(&mut Counting { bytes: &file[..end], read_bytes: 0 }).expect("the cut sample is read");
            // a place that is told is the right one
            assert!(
                cut.xmp_position.is_none() || cut.xmp_position == whole.xmp_position,
                "{} at {end}",
                path.display()
            );
            assert!(cut.exif_position.is_none() || cut.exif_position == whole.exif_position);
            assert!(!cut.warnings.is_empty() || end == 0, "{} at {end}", path.display());
        }
    }
}

fn extent(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::MAX, f64::MIN), |(least, most), n| (least.min(n), most.max(n)))
}

#[test]
fn thermal_pictures_without_a_place_tell_camera_time_and_palette() {
    let want = [
        ("H20T_DJI_0001_R.JPG", "ZH20T", "2020-06-23T15:17:15", None, Some((640, 512))),
        ("M30T_DJI_0001_R.JPG", "M30T", "2022-03-24T16:42:02", Some("WhiteHot"), Some((1_280, 1_024))),
        ("M30T_DJI_0002_R.JPG", "M30T", "2022-03-24T17:11:00", Some("WhiteHot"), Some((1_280, 1_024))),
        ("M3TD_DJI_0001_R.JPG", "M3TD", "2024-04-08T17:08:35", Some("WhiteHot"), Some((640, 512))),
        ("M3TD_DJI_0002_R.JPG", "M3TD", "2024-04-08T17:09:05", Some("Arctic"), Some((640, 512))),
    ];
    let files = samples("thermal");
    for (name, model, local, palette, size) in want {
        let Some(path) = files.iter().find(|path| path.ends_with(name)) else { continue };
        let found = read(path);
        assert_eq!(found.camera.model.as_deref(), Some(model), "{name}");
        assert_eq!((found.captured_local.as_deref(), found.captured_at), (Some(local), None), "{name}");
        assert_eq!(found.palette.as_deref(), palette, "{name}");
        assert_eq!(found.width_px.zip(found.height_px), size, "{name}");
        assert_eq!((found.position, found.previews.len()), (None, 2), "{name}");
    }
}

#[test]
fn exiftool_reads_the_same() {
    let files = [samples("photos"), samples("thermal")].concat();
    if files.is_empty() {
        return;
    }
    let Ok(output) = Command::new("exiftool").args(["-n", "-j", "-a", "-G1"]).args(&files).output() else {
        eprintln!("exiftool is not installed: nothing is compared");
        return;
    };
    let theirs: Vec<Value> = serde_json::from_slice(&output.stdout).expect("exiftool's JSON");
    assert_eq!(theirs.len(), files.len());
    for (path, theirs) in files.iter().zip(&theirs) {
        let ours = read(path);
        let name = path.display();
        let same = |what: &str, ours: Option<f64>, tag: &str, within: f64| {
            let theirs = number(&theirs[tag]);
            let same = match (ours, theirs) {
                (Some(ours), Some(theirs)) => (ours - theirs).abs() <= within,
                (ours, theirs) => ours.is_none() && theirs.is_none(),
            };
            assert!(same, "{name}: {what} is {ours:?}, exiftool says {theirs:?}");
        };
        let place = ours.position;
        same("latitude", place.map(|place| place.lat), "Composite:GPSLatitude", 1e-7);
        same("longitude", place.map(|place| place.lng), "Composite:GPSLongitude", 1e-7);
        let (absolute, relative) = (ours.absolute_altitude_m, ours.relative_altitude_m);
        same("altitude", place.and_then(|place| place.absolute_altitude_m), "Composite:GPSAltitude", 1e-3);
        same("absolute altitude", absolute, "XMP-drone-dji:AbsoluteAltitude", 0.0);
        same("relative altitude", relative, "XMP-drone-dji:RelativeAltitude", 0.0);
        for (of, attitude) in [("Gimbal", ours.gimbal), ("Flight", ours.aircraft)] {
            let tag = |axis: &str| format!("XMP-drone-dji:{of}{axis}Degree");
            same("yaw", attitude.and_then(|attitude| attitude.yaw_deg), &tag("Yaw"), 0.0);
            same("pitch", attitude.and_then(|attitude| attitude.pitch_deg), &tag("Pitch"), 0.0);
            same("roll", attitude.and_then(|attitude| attitude.roll_deg), &tag("Roll"), 0.0);
        }
        let target = ours.laser_range_finder.and_then(|finder| finder.target_distance_m);
        same("target", target, "XMP-drone-dji:LRFTargetDistance", 0.0);
        same("width", ours.width_px.map(f64::from), "File:ImageWidth", 0.0);
        same("f-number", ours.exposure.f_number, "ExifIFD:FNumber", 1e-6);
        same("focal length", ours.exposure.focal_length_mm, "ExifIFD:FocalLength", 1e-6);
        let equivalent = ours.exposure.focal_length_35mm_mm;
        same("35 mm equivalent", equivalent, "ExifIFD:FocalLengthIn35mmFormat", 0.0);
        let preview =
            |source| ours.previews.iter().find(|preview| preview.source == source).map(|found| found.offset as f64);
        same("thumbnail", preview(PreviewSource::Exif), "IFD1:ThumbnailOffset", 0.0);
        same("preview", preview(PreviewSource::Mpf), "MPImage2:MPImageStart", 0.0);
        let taken = theirs["ExifIFD:DateTimeOriginal"].as_str().expect("a time");
        let (date, time) = taken.split_once(' ').expect("date and time");
        let taken = format!("{}T{time}", date.replace(':', "-"));
        assert_eq!(ours.captured_local.as_deref(), Some(taken.as_str()), "{name}");
        assert_eq!(ours.camera.model.as_deref(), theirs["IFD0:Model"].as_str(), "{name}");
        let serial = theirs["ExifIFD:SerialNumber"].as_str().map(str::to_owned);
        let serial = serial.or(theirs["ExifIFD:SerialNumber"].as_i64().map(|serial| serial.to_string()));
        assert_eq!(ours.camera.serial, serial, "{name}");
    }
}

/// exiftool writes numbers of XMP as text when they have a sign.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim_start_matches('+').parse().ok())
}
