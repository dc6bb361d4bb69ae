//! Made videos, read by our own readers; foreign ones judge them in tests/py/test_media_oracles.py.

use eyrie_cloudapi::LatLng;
use eyrie_media::track::{Track, TrackSource};
use eyrie_media::video;
use eyrie_sim::photo::{Origin, Shot};
use eyrie_sim::{Flight, Landscape, Plan, Telemetry, View};
use uuid::Uuid;

const ORIGIN: Origin = Origin { lat: -33.9249, lng: 18.4241 };

fn flight(telemetry: Telemetry) -> (Vec<Shot>, Vec<u8>) {
    let plan = Plan {
        photos: 10,
        video_s: 4,
        telemetry,
        ppk: false,
        extras: eyrie_sim::Extras::default(),
        height_m: 55.0,
        camera_model: "M3TD".into(),
        aircraft_sn: "1581F6SIM".into(),
        home: LatLng { lat: ORIGIN.lat, lng: ORIGIN.lng },
        utc_offset_s: 7_200,
        number: 1,
        flight_id: Uuid::from_u128(42),
    };
    let view = View { landscape: Landscape::new(7), origin: ORIGIN, width: 16, height: 12 };
    let flight = Flight::plan(&plan, view, "2026-05-10T08:15:00Z".parse().expect("a time"));
    let shots = flight.files.iter().filter(|file| file.name.ends_with("JPG")).filter_map(|file| file.shot.clone());
    let video = flight.files.iter().find(|file| file.name.ends_with("MP4")).expect("a video");
    (shots.collect(), flight.bytes(video).expect("made"))
}

fn track(bytes: &[u8]) -> Option<Track> {
    video::track(&mut { bytes }).expect("in memory")
}

fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a}, not {b}");
}

#[test]
fn the_track_is_the_flights_in_both_carriers() {
    for (telemetry, source, tolerance) in
        [(Telemetry::Djmd, TrackSource::Djmd, 1e-9), (Telemetry::Tx3g, TrackSource::Tx3g, 6e-7)]
    {
        let (shots, bytes) = flight(telemetry);
        let track = track(&bytes).unwrap();
        assert_eq!((track.source, track.samples.len(), track.warnings.len()), (source, 120, 0));
        // photos are taken 2.417 s apart: the second one within the video
        for (at_s, shot) in [(0.0, &shots[0]), (2.417, &shots[1])] {
            let sample = track.samples.iter().min_by_key(|s| ((s.t_s - at_s).abs() * 1e6) as i64).unwrap();
            let place = sample.position.unwrap();
            // a frame is up to 17 ms away, 14 cm at 8.3 m/s
            near(place.lat, shot.lat, tolerance + 1.3e-6);
            near(place.lng, shot.lng, tolerance + 1.6e-6);
            near(place.absolute_altitude_m.unwrap(), shot.absolute_altitude_m, 1e-3);
            near(place.relative_altitude_m.unwrap(), shot.relative_altitude_m, 1e-3);
            let gimbal = sample.gimbal.unwrap();
            near(gimbal.yaw_deg.unwrap(), shot.yaw_deg, 0.05);
            near(gimbal.pitch_deg.unwrap(), shot.pitch_deg, 0.05);
            near(sample.at.unwrap().duration_since(shot.at).as_secs_f64(), 0.0, 0.02);
            let camera = sample.camera.unwrap();
            assert_eq!((camera.iso, camera.f_number, camera.zoom), (Some(100.0), Some(2.8), Some(1.0)));
            near(camera.shutter_s.unwrap(), 0.001, 1e-9);
        }
        assert_eq!(track.samples[0].aircraft.is_some(), source == TrackSource::Djmd, "text has no aircraft attitude");
    }
}

#[test]
fn carriers_are_told_and_the_better_one_is_taken() {
    let (_, both) = flight(Telemetry::Both);
    let read = video::read(&mut both.as_slice()).unwrap();
    assert_eq!(read.telemetry, [TrackSource::Djmd, TrackSource::Tx3g]);
    assert_eq!((read.telemetry_sample_count, read.warnings.len()), (120, 0), "{:?}", read.warnings);
    let header = read.djmd.unwrap();
    assert_eq!((header.protocol.as_deref(), header.serial.as_deref()), (Some("dvtm_pm320.proto"), Some("1581F6SIM")));
    assert_eq!(read.created_at.unwrap().to_string(), "2026-05-10T08:15:30Z");
    assert_eq!(track(&both).unwrap().source, TrackSource::Djmd);
    let (_, none) = flight(Telemetry::None);
    assert_eq!(track(&none), None);
    assert!(video::read(&mut none.as_slice()).unwrap().telemetry.is_empty());
}
