use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::track::{Attitude, Camera};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_410_862_000 + ms).expect("in range")
}

/// A fix, a moment without one, and another fix.
fn samples() -> Vec<Sample> {
    let sample = |n: i64, position| Sample {
        t_s: n as f64 * 0.5,
        at: Some(at(n * 500)),
        position,
        gimbal: Some(Attitude { yaw_deg: Some(-4.5), pitch_deg: Some(-90.0), roll_deg: Some(0.0) }),
        aircraft: Some(Attitude { yaw_deg: Some(180.0), pitch_deg: Some(-2.5), roll_deg: None }),
        camera: Some(Camera {
            iso: Some(100.0),
            shutter_s: Some(0.000_125),
            f_number: Some(2.8),
            zoom: Some(2.0),
            focal_length_35mm_mm: None,
        }),
    };
    let place = |lat, lng| Some(Place { lat, lng, absolute_altitude_m: Some(512.25), relative_altitude_m: Some(52.1) });
    vec![
        sample(0, place(47.500_01, -8.25)),
        sample(1, place(47.500_02, -8.250_01)),
        Sample { t_s: 1.0, at: None, ..Sample::default() },
        sample(3, place(47.500_03, -8.250_02)),
    ]
}

fn written(format: Format, samples: &[Sample], name: &str) -> String {
    let mut out = Vec::new();
    write(format, TrackSource::Djmd, samples, name, &mut out).expect("to memory");
    String::from_utf8(out).expect("text")
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Every element's name with its text, by a reader that is not ours.
fn elements(xml: &str) -> Vec<(String, String)> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().expand_empty_elements = true;
    let (mut found, mut open) = (Vec::<(String, String)>::new(), Vec::new());
    loop {
        match reader.read_event().expect("sound XML") {
            Event::Start(start) => {
                found.push((String::from_utf8_lossy(start.name().as_ref()).into_owned(), String::new()));
                open.push(found.len() - 1);
            }
            Event::End(_) => drop(open.pop()),
            Event::Text(text) => {
                if let Some(last) = open.last() {
                    found[*last].1.push_str(&text.decode().expect("UTF-8"));
                }
            }
            Event::GeneralRef(name) => {
                if let Some(last) = open.last() {
                    let name = name.decode().expect("UTF-8");
                    found[*last].1.push_str(quick_xml::escape::resolve_xml_entity(&name).unwrap_or("?"));
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(open.is_empty(), "every element ends");
    found
}

fn texts<'a>(elements: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    elements.iter().filter(|(found, _)| found == name).map(|(_, text)| text.as_str()).collect()
}

const BAD_NAME: &str = "a<b>&\"c'\u{1}.MP4";

#[test]
fn json_has_every_value_of_every_sample() {
    let value = json_of(&written(Format::Json, &samples(), "x"));
    assert_eq!(value["source"], "djmd");
    assert_eq!(value["samples"].as_array().map(Vec::len), Some(4));
    assert_eq!(value["samples"], serde_json::to_value(samples()).expect("JSON"));
    assert_eq!(value["samples"][2]["position"], Value::Null);
    assert_eq!(json_of(&written(Format::Json, &[], "x"))["samples"], serde_json::json!([]));
}

#[test]
fn csv_has_the_same_as_columns() {
    let text = written(Format::Csv, &samples(), "x");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert!(lines.len() == 5 && lines.iter().all(|line| line.len() == 16), "{text}");
    let column =
        |line: usize, name: &str| lines[line][lines[0].iter().position(|column| *column == name).expect("a column")];
    for (name, value) in [
        ("t_s", "0.5"),
        ("at", "2026-11-23T05:14:22.5Z"),
        ("lat", "47.50002"),
        ("lng", "-8.25001"),
        ("absolute_altitude_m", "512.25"),
        ("relative_altitude_m", "52.1"),
        ("gimbal_yaw_deg", "-4.5"),
        ("gimbal_pitch_deg", "-90"),
        ("gimbal_roll_deg", "0"),
        ("aircraft_yaw_deg", "180"),
        ("aircraft_roll_deg", ""),
        ("iso", "100"),
        ("shutter_s", "0.000125"),
        ("f_number", "2.8"),
        ("zoom", "2"),
    ] {
        assert_eq!(column(2, name), value, "{name}");
    }
    assert_eq!(lines[3].concat(), "1", "a moment without anything but its time");
}

#[test]
fn geojson_has_a_time_for_each_position() {
    let value = json_of(&written(Format::GeoJson, &samples(), BAD_NAME));
    assert_eq!((&value["type"], &value["geometry"]["type"]), (&"Feature".into(), &"LineString".into()));
    let expected =
        serde_json::json!([[-8.25, 47.500_01, 512.25], [-8.250_01, 47.500_02, 512.25], [-8.250_02, 47.500_03, 512.25]]);
    assert_eq!(value["geometry"]["coordinates"], expected);
    assert_eq!(value["properties"]["t_s"], serde_json::json!([0.0, 0.5, 1.5]));
    assert_eq!(value["properties"]["coordTimes"][2], "2026-11-23T05:14:23.5Z");
    assert_eq!(value["properties"]["coordTimes"].as_array().map(Vec::len), Some(3));
    assert_eq!(value["properties"]["name"], BAD_NAME);
    let one = json_of(&written(Format::GeoJson, &samples()[..1], "x"));
    assert_eq!(one["geometry"], serde_json::json!({"type": "Point", "coordinates": [-8.25, 47.500_01, 512.25]}));
    let none = json_of(&written(Format::GeoJson, &samples()[2..3], "x"));
    assert_eq!((&none["geometry"], &none["properties"]["t_s"]), (&Value::Null, &serde_json::json!([])));
}

#[test]
fn gpx_begins_a_segment_behind_a_gap() {
    let text = written(Format::Gpx, &samples(), BAD_NAME);
    let found = elements(&text);
    assert_eq!((texts(&found, "trk").len(), texts(&found, "trkseg").len(), texts(&found, "trkpt").len()), (1, 2, 3));
    assert_eq!(texts(&found, "ele"), ["512.25"; 3]);
    assert_eq!(texts(&found, "time")[1], "2026-11-23T05:14:22.5Z");
    assert_eq!(texts(&found, "name"), ["a<b>&\"c'\u{fffd}.MP4"]);
    assert!(text.contains("<trkpt lat=\"47.50002\" lon=\"-8.25001\">"), "{text}");
    assert_eq!(texts(&elements(&written(Format::Gpx, &[], "x")), "trkseg").len(), 0);
}

#[test]
fn kml_has_as_many_times_as_coordinates() {
    let mut timeless = samples();
    timeless[1].at = None;
    let found = elements(&written(Format::Kml, &timeless, BAD_NAME));
    assert_eq!(texts(&found, "gx:Track").len(), 1);
    // a time that one sample lacks is as much later as the video is
    assert_eq!(texts(&found, "when"), ["2026-11-23T05:14:22Z", "2026-11-23T05:14:22.5Z", "2026-11-23T05:14:23.5Z"]);
    assert_eq!(texts(&found, "gx:coord")[0], "-8.25 47.50001 512.25");
    assert_eq!((texts(&found, "gx:coord").len(), texts(&found, "altitudeMode")), (3, vec!["absolute"]));
    for sample in &mut timeless {
        sample.at = None;
    }
    let found = elements(&written(Format::Kml, &timeless, BAD_NAME));
    assert_eq!(
        (texts(&found, "gx:Track").len(), texts(&found, "when").len(), texts(&found, "LineString").len()),
        (0, 0, 1)
    );
    let line: Vec<&str> = texts(&found, "coordinates")[0].split_whitespace().collect();
    assert_eq!(line, ["-8.25,47.50001,512.25", "-8.25001,47.50002,512.25", "-8.25002,47.50003,512.25"]);
    let mut low = samples();
    for place in low.iter_mut().filter_map(|sample| sample.position.as_mut()) {
        place.absolute_altitude_m = None;
    }
    let found = elements(&written(Format::Kml, &low, "x"));
    assert_eq!(texts(&found, "altitudeMode"), ["relativeToGround"]);
    assert_eq!(texts(&found, "gx:coord")[2], "-8.25002 47.50003 52.1");
    assert_eq!(texts(&elements(&written(Format::Kml, &[], "x")), "gx:Track").len(), 1);
}

#[test]
fn srt_is_as_dji_writes_it_and_reads_back() {
    let text = written(Format::Srt, &samples(), "x");
    let first = "1\n00:00:00,000 --> 00:00:00,500\n<font size=\"28\">FrameCnt: 1, DiffTime: 500ms\n2026-11-23 05:14:22.000\n\
        [iso: 100] [shutter: 1/8000.0] [fnum: 2.8] [dzoom_ratio: 2.00] [latitude: 47.5000100] [longitude: -8.2500000] \
        [rel_alt: 52.100 abs_alt: 512.250] [gb_yaw: -4.5 gb_pitch: -90.0 gb_roll: 0.0] </font>\n\n";
    assert!(text.starts_with(first), "{text}");
    let read = crate::srt::read(text.as_bytes());
    assert_eq!((read.record_count, read.position_count, read.warnings.len()), (4, 3, 0), "{:?}", read.warnings);
    assert_eq!(read.family, Some(crate::srt::Family::Brackets));
    for (ours, back) in samples().iter().zip(&read.track.samples) {
        let no_clock = Sample { at: None, aircraft: None, ..ours.clone() };
        assert_eq!(*back, no_clock);
    }
    assert_eq!(read.first_local.map(|local| local.to_string()).as_deref(), Some("2026-11-23T05:14:22"));
}

#[test]
fn numbers_that_are_none_leave_sound_files() {
    let wild = Place { lat: f64::NAN, lng: 1.0, absolute_altitude_m: Some(f64::INFINITY), relative_altitude_m: None };
    let odd = Place { lat: 1.0, ..wild };
    let samples: Vec<_> =
        [wild, odd, odd].map(|place| Sample { t_s: -1.0, position: Some(place), ..Sample::default() }).into();
    for format in Format::ALL {
        let text = written(format, &samples, "x");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{format:?}: {text}");
    }
    let value = json_of(&written(Format::GeoJson, &samples, "x"));
    assert_eq!(value["geometry"]["coordinates"], serde_json::json!([[1, 1], [1, 1]]));
}

#[test]
fn formats_have_their_names_back() {
    for format in Format::ALL {
        assert_eq!(Format::of_name(format.as_str()), Some(format));
    }
    assert_eq!(Format::of_name("xml"), None);
    assert_eq!(PointsFormat::of_name("kml"), Some(PointsFormat::Kml));
}

#[test]
fn points_on_a_map() {
    let point = Point {
        id: "0198".into(),
        name: BAD_NAME.into(),
        kind: "photo".into(),
        place: samples()[0].position,
        at: Some(at(0)),
        gimbal: samples()[0].gimbal,
        link: Some("https://eyrie.example/m?a=1&b=2".into()),
    };
    let nowhere = Point { id: "0199".into(), ..Point::default() };
    let write = |format| {
        let mut out = Vec::new();
        write_points(format, [point.clone(), nowhere.clone()], &mut out).expect("to memory");
        String::from_utf8(out).expect("text")
    };
    let value = json_of(&write(PointsFormat::GeoJson));
    assert_eq!(value["features"].as_array().map(Vec::len), Some(2));
    let first = &value["features"][0];
    assert_eq!(first["geometry"], serde_json::json!({"type": "Point", "coordinates": [-8.25, 47.500_01, 512.25]}));
    assert_eq!((&first["id"], &first["properties"]["name"]), (&"0198".into(), &BAD_NAME.into()));
    assert_eq!(first["properties"]["gimbal"]["pitch_deg"], -90.0);
    assert_eq!(value["features"][1]["geometry"], Value::Null);
    let found = elements(&write(PointsFormat::Kml));
    assert_eq!(texts(&found, "Placemark").len(), 1);
    assert_eq!(texts(&found, "coordinates"), ["-8.25,47.50001,512.25"]);
    assert_eq!(texts(&found, "when"), ["2026-11-23T05:14:22Z"]);
    assert!(texts(&found, "description")[0].starts_with("<a href=\"https://eyrie.example/m?a=1&amp;b=2\">a&lt;b"));
    assert_eq!(texts(&found, "value")[..3], ["0198", "photo", "52.1"]);
}

mod round_trips {
    use proptest::prelude::*;

    use super::*;

    fn number(range: std::ops::Range<f64>, decimals: i32) -> impl Strategy<Value = f64> {
        let unit = 10_f64.powi(decimals);
        range.prop_map(move |value| (value * unit).round() / unit)
    }

    fn place() -> impl Strategy<Value = Place> {
        let altitude = || proptest::option::of(number(-500.0..9_000.0, 3));
        (number(-89.0..89.0, 7), number(0.001..179.0, 7), altitude(), altitude()).prop_map(
            |(lat, lng, absolute_altitude_m, relative_altitude_m)| Place {
                lat,
                lng,
                absolute_altitude_m,
                relative_altitude_m,
            },
        )
    }

    fn sample() -> impl Strategy<Value = Sample> {
        let angle = || proptest::option::of(number(-180.0..180.0, 1));
        let gimbal = (angle(), angle(), angle()).prop_map(|(yaw_deg, pitch_deg, roll_deg)| Attitude {
            yaw_deg,
            pitch_deg,
            roll_deg,
        });
        let gimbal =
            proptest::option::of(gimbal.prop_filter("says something", |gimbal| *gimbal != Attitude::default()));
        (proptest::option::of(place()), gimbal, proptest::option::of(1_u32..25_600)).prop_map(
            |(position, gimbal, iso)| Sample {
                position,
                gimbal,
                camera: iso.map(|iso| Camera { iso: Some(iso.into()), ..Camera::default() }),
                ..Sample::default()
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_written_as_subtitles_reads_back(samples in proptest::collection::vec(sample(), 1..20)) {
            let samples: Vec<Sample> =
                samples.into_iter().enumerate().map(|(n, sample)| Sample { t_s: n as f64 / 4.0, ..sample }).collect();
            let read = crate::srt::read(written(Format::Srt, &samples, "x").as_bytes());
            prop_assert_eq!(read.track.samples, samples);
            prop_assert!(read.warnings.iter().all(|warning| warning == "no record has a position"));
        }

        #[test]
        fn every_format_is_sound_for_any_name(samples in proptest::collection::vec(sample(), 0..8), name in ".*") {
            let drawn = samples.iter().filter(|sample| sample.position.is_some()).count();
            for format in Format::ALL {
                let text = written(format, &samples, &name);
                match format {
                    Format::Json => prop_assert_eq!(&json_of(&text)["samples"], &serde_json::to_value(&samples).expect("JSON")),
                    Format::GeoJson => prop_assert_eq!(&json_of(&text)["properties"]["name"], &Value::from(name.as_str())),
                    Format::Gpx => prop_assert_eq!(texts(&elements(&text), "trkpt").len(), drawn),
                    // whose times are not known
                    Format::Kml if drawn > 0 => {
                        let found = elements(&text);
                        prop_assert_eq!(texts(&found, "coordinates")[0].split_whitespace().count(), drawn);
                    }
                    Format::Kml => prop_assert_eq!(texts(&elements(&text), "gx:coord").len(), 0),
                    Format::Csv => prop_assert_eq!(text.lines().count(), samples.len() + 1),
                    Format::Srt => prop_assert_eq!(text.matches("-->").count(), samples.len()),
                }
            }
        }
    }
}
