//! Made photos, judged by exiftool and by each other.

use std::process::Command;

use eyrie_cloudapi::LatLng;
use eyrie_sim::photo::{Origin, ground_point, render};
use eyrie_sim::{Flight, Landscape, Plan, View};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

const ORIGIN: Origin = Origin { lat: 47.3769, lng: 8.7417 };
const STARTED: &str = "2026-05-10T08:15:00Z";

fn flight(photos: usize, lat: f64, lng: f64) -> Flight {
    let view = View { landscape: Landscape::new(7), origin: ORIGIN, width: 160, height: 120 };
    let plan = Plan {
        photos,
        video_s: 1,
        telemetry: eyrie_sim::Telemetry::Both,
        ppk: true,
        extras: eyrie_sim::Extras::default(),
        height_m: 55.0,
        camera_model: "M3TD".into(),
        aircraft_sn: "1581F6SIM".into(),
        home: LatLng { lat, lng },
        utc_offset_s: 7_200,
        number: 1,
        flight_id: Uuid::from_u128(42),
    };
    Flight::plan(&plan, view, STARTED.parse().expect("a time"))
}

#[test]
fn exiftool_reads_what_was_meant() {
    let flight = flight(1, ORIGIN.lat, ORIGIN.lng);
    let folder = std::env::temp_dir().join(format!("eyrie-sim-photos-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(&flight.files[0].name);
    std::fs::write(&path, flight.bytes(&flight.files[0]).unwrap()).unwrap();
    let run = Command::new("exiftool").args(["-j", "-n", "-G1", "-a"]).arg(&path).output();
    let run = run.expect("exiftool is installed (`make test-tools`, Debian's libimage-exiftool-perl)");
    std::fs::remove_dir_all(&folder).unwrap();
    let all: Value = serde_json::from_slice(&run.stdout).unwrap();
    let tags = &all[0];
    let shot = flight.files[0].shot.as_ref().unwrap();
    assert_eq!(tags["ExifTool:Warning"], Value::Null, "{tags:#}");
    assert_eq!((&tags["IFD0:Make"], &tags["IFD0:Model"]), (&"DJI".into(), &"M3TD".into()));
    assert_eq!(tags["ExifIFD:DateTimeOriginal"], "2026:05:10 10:15:30", "local time of the aircraft");
    for (tag, value, tolerance) in [
        ("Composite:GPSLatitude", shot.lat, 1e-9),
        ("XMP-drone-dji:GPSLatitude", shot.lat, 1e-9),
        ("XMP-drone-dji:GPSLongitude", shot.lng, 1e-9),
        ("GPS:GPSAltitude", 485.0, 1e-3),
        ("XMP-drone-dji:RelativeAltitude", 55.0, 1e-3),
        ("XMP-drone-dji:GimbalPitchDegree", -90.0, 1e-2),
        ("XMP-drone-dji:GimbalYawDegree", shot.yaw_deg, 1e-2),
        ("File:ImageWidth", 160.0, 0.0),
    ] {
        let read = tags[tag].as_f64().or_else(|| tags[tag].as_str()?.parse().ok());
        let read = read.unwrap_or_else(|| panic!("{tag} is missing in {tags:#}"));
        assert!((read - value).abs() <= tolerance, "{tag}: {read}, not {value}");
    }
    assert_eq!(tags["XMP-drone-dji:CaptureUUID"], shot.capture_uuid.to_string());
}

#[test]
fn southern_and_western_positions_keep_their_sign() {
    let flight = flight(1, -33.5, -70.25);
    let shot = flight.files[0].shot.as_ref().unwrap();
    assert!(shot.lat < 0.0 && shot.lng < 0.0);
    let jpeg = flight.bytes(&flight.files[0]).unwrap();
    let text = String::from_utf8_lossy(&jpeg);
    assert!(text.contains(&format!("GpsLatitude=\"{:+.9}\"", shot.lat)));
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    let (a, b) = (flight(3, ORIGIN.lat, ORIGIN.lng), flight(3, ORIGIN.lat, ORIGIN.lng));
    for (first, second) in a.files.iter().zip(&b.files) {
        assert_eq!(first.name, second.name);
        assert_eq!(a.bytes(first).unwrap(), b.bytes(second).unwrap(), "{}", first.name);
    }
}

/// A point on the ground has the same colour in each picture that shows it: what matching needs. The control compares points
/// that are not the same.
#[test]
fn neighbouring_photos_show_the_same_ground_in_the_same_colours() {
    let (width, height) = (160, 120);
    let flight = flight(2, ORIGIN.lat, ORIGIN.lng);
    let shots: Vec<_> = flight.files.iter().filter_map(|file| file.shot.as_ref()).take(2).collect();
    let pictures = [0, 1].map(|at| render(&flight.view.landscape, ORIGIN, shots[at], width, height));
    let place = |at: usize, x: u16, y: u16| {
        ground_point(ORIGIN, shots[at], width, height, f32::from(x) + 0.5, f32::from(y) + 0.5).unwrap()
    };
    let colour = |at: usize, x: u16, y: u16| {
        let pixel = (usize::from(y) * usize::from(width) + usize::from(x)) * 3;
        &pictures[at][pixel..pixel + 3]
    };
    let asked = usize::from(width / 8) * usize::from(height / 8);
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for x in (0..width).step_by(8) {
        for y in (0..height).step_by(8) {
            let here = place(0, x, y);
            let away = |(x2, y2): &(u16, u16)| {
                let there = place(1, *x2, *y2);
                (here.0 - there.0).hypot(here.1 - there.1)
            };
            let pixels = (0..width).flat_map(|x2| (0..height).map(move |y2| (x2, y2)));
            let (x2, y2) = pixels.min_by(|a, b| away(a).total_cmp(&away(b))).unwrap();
            if away(&(x2, y2)) < 0.4 {
                same.push(distance(colour(0, x, y), colour(1, x2, y2)));
                other.push(distance(colour(0, x, y), colour(1, width - 1 - x2, height - 1 - y2)));
            }
        }
    }
    assert!(same.len() * 2 > asked, "{} of {asked} points of one picture are in the next", same.len());
    let (same, other) = (median(same), median(other));
    assert!(same < 15 && same * 2 < other, "the same ground differs by {same} of 255, other ground by {other}");
}

fn distance(a: &[u8], b: &[u8]) -> u8 {
    a.iter().zip(b).fold(0, |most, (a, b)| most.max(a.abs_diff(*b)))
}

fn median(mut values: Vec<u8>) -> u8 {
    values.sort_unstable();
    values[values.len() / 2]
}

#[test]
fn a_flight_has_all_kinds_of_files() {
    let flight = flight(4, ORIGIN.lat, ORIGIN.lng);
    let started: Timestamp = STARTED.parse().unwrap();
    assert_eq!(flight.started_at, started);
    let kinds: Vec<_> = flight
        .files
        .iter()
        .map(|file| {
            let found = eyrie_media::sniff(&file.name, &flight.bytes(file).unwrap());
            assert_eq!(found.warnings, Vec::<String>::new(), "{}", file.name);
            // nothing of a flight is older than the flight: the ephemerides of a navigation file are not its time
            let understood =
                eyrie_media::understand::understand(&file.name, &mut flight.bytes(file).unwrap().as_ref()).unwrap();
            let at = understood.captured_at.map(|at| at.value);
            assert!(at.is_none_or(|at| at.duration_since(started).as_secs() >= -1), "{}: {at:?}", file.name);
            found.kind.as_str()
        })
        .collect();
    assert_eq!(kinds, ["photo", "photo", "photo", "photo", "video", "ppk", "ppk", "ppk", "ppk", "rtcm"]);
    let mrk = flight.files.iter().find(|file| file.name.ends_with(".MRK")).unwrap();
    let text = String::from_utf8(flight.bytes(mrk).unwrap()).unwrap();
    assert_eq!(text.lines().count(), 4);
    assert!(text.lines().all(|line| line.split('\t').count() == 11), "{text}");
}
