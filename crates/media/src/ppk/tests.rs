use serde_json::json;

use super::*;
use crate::mrk;

fn mrk_text(sequences: impl Iterator<Item = u32>) -> String {
    let line = |n: u32| {
        format!(
            "{n}\t{}.5\t[2024]\t-26,N\t19,E\t191,V\t-36.4,Lat\t174.6,Lon\t170.4,Ellh\t0.01, 0.01, 0.03\t50,Q\n",
            275_300 + n * 3
        )
    };
    sequences.map(line).collect()
}

fn file(name: &str, metadata: Value) -> File {
    File { id: format!("id-{name}"), name: name.to_owned(), size_bytes: 10, metadata }
}

fn events_file(name: &str, sequences: impl Iterator<Item = u32>) -> File {
    file(name, json!({ "mrk": mrk::read(&mut mrk_text(sequences).as_bytes()) }))
}

/// A photo `late_s` after exposure `n`.
fn photo(n: u32, lens: &str, late_s: f64) -> Photo {
    let at = GpsTime::from_week(2024, f64::from(275_300 + n * 3) + 0.5 + late_s).unwrap().utc();
    let name = format!("DJI_20181024042800_{n:04}_{lens}.JPG");
    Photo { id: name.clone(), name, captured_at: Some(at), capture_uuid: None }
}

#[test]
fn several_lenses_are_one_exposure_and_a_wrong_clock_does_no_harm() {
    let photos: Vec<_> = (1..=20).flat_map(|n| [photo(n, "W", 3_600.3), photo(n, "T", 3_600.9)]).collect();
    let set = build(&[events_file("a.MRK", 1..=20)], &photos);
    assert!(set.photos.one_to_one, "{:?}", set.photos);
    assert_eq!((set.photos.matched_by_number, set.photos.exposure_count, set.photos.photo_count), (20, 20, 40));
    assert_eq!(set.photos.clock_offset_s, Some(3_600.3));
    assert_eq!(set.photos.matches[4].media_ids.len(), 2);
    assert_eq!(set.missing, ["obs", "rtk", "nav", "dat"]);
    assert!(!set.complete && !set.solvable);
}

#[test]
fn numbers_that_are_not_this_flights_give_way_to_time() {
    // the card went on counting: photo 101 is exposure 1
    let photos: Vec<_> = (1..=20)
        .map(|n| Photo { name: format!("DJI_20181024042800_{:04}_V.JPG", n + 100), ..photo(n, "V", 0.2) })
        .collect();
    let set = build(&[events_file("a.MRK", 1..=20)], &photos);
    assert!(set.photos.one_to_one);
    assert_eq!((set.photos.matched_by_number, set.photos.matched_by_time), (0, 20));
    // the clock is wrong, too: as many pictures as exposures, and they follow each other alike
    let uneven = |n: u32| if n.is_multiple_of(2) { 18.4 } else { 17.6 };
    let photos: Vec<_> = (1..=20)
        .map(|n| Photo { name: format!("DJI_20181024042800_{:04}_V.JPG", n + 100), ..photo(n, "V", uneven(n)) })
        .collect();
    let set = build(&[events_file("a.MRK", 1..=20)], &photos);
    assert!(set.photos.one_to_one, "{:?}", set.photos);
    assert_eq!((set.photos.matched_by_time, set.photos.clock_offset_s), (20, Some(18.4)));
    assert_eq!(set.photos.matches[4].media_ids, ["DJI_20181024042800_0005_V.JPG"]);
    assert_eq!(set.warnings, Vec::<String>::new());
    // and one was lost: nothing tells which, so the pairs are in doubt
    let set = build(&[events_file("a.MRK", 1..=20)], &photos[..19]);
    assert!(!set.photos.one_to_one && set.photos.matched_by_time > 0);
    assert!(set.warnings.iter().any(|warning| warning.contains("by time alone")), "{:?}", set.warnings);
    // overlapping numbers that contradict the times
    let photos: Vec<_> = (1..=20)
        .map(|n| Photo { name: format!("DJI_20181024042800_{:04}_V.JPG", 21 - n), ..photo(n, "V", 0.2) })
        .collect();
    let set = build(&[events_file("a.MRK", 1..=20)], &photos);
    assert_eq!(set.photos.matched_by_time, 20);
    assert_eq!(set.photos.matches[0].media_ids, ["DJI_20181024042800_0001_V.JPG"]);
}

#[test]
fn times_that_say_nothing_leave_the_numbers() {
    // a device that reports one time for all of its files
    let at = photo(1, "V", 40.0).captured_at;
    let photos: Vec<_> = (1..=20).map(|n| Photo { captured_at: at, ..photo(n, "V", 0.0) }).collect();
    let set = build(&[events_file("a.MRK", 1..=20)], &photos);
    assert!(set.photos.one_to_one);
    assert_eq!((set.photos.matched_by_number, set.photos.clock_offset_s), (20, None));
    assert!(set.photos.mismatches.len() >= 17, "all but the exposures of that moment");
}

#[test]
fn what_lacks_or_disagrees_is_told() {
    let mut photos: Vec<_> = (1..=20).filter(|n| *n != 7).map(|n| photo(n, "V", 0.2)).collect();
    photos[3] = photo(4, "V", 500.0);
    photos.push(Photo { id: "x".into(), name: "other.JPG".into(), captured_at: None, capture_uuid: None });
    let set = build(&[events_file("a.MRK", 1..=20)], &photos);
    assert!(!set.photos.one_to_one);
    assert_eq!(set.photos.events_without_photo, [4, 7]);
    assert_eq!(set.photos.photos_without_event, ["DJI_20181024042800_0004_V.JPG", "other.JPG"]);
    assert_eq!((set.photos.mismatches[0].sequence, set.photos.mismatches[0].difference_s), (4, 500.0));
}

#[test]
fn phantom_names_and_photos_without_time_go_by_number() {
    let photos: Vec<_> = (1..=5)
        .map(|n| Photo {
            id: n.to_string(),
            name: format!("100_0004_{n:04}.JPG"),
            captured_at: None,
            capture_uuid: None,
        })
        .collect();
    let set = build(&[events_file("100_0004_Timestamp.MRK", 1..=5)], &photos);
    assert!(set.photos.one_to_one);
    assert_eq!(set.photos.matches[2].media_ids, ["3"]);
}

#[test]
fn of_two_observation_files_one_is_the_base() {
    let first = GpsTime::from_week(2024, 275_000.0);
    let last = GpsTime::from_week(2024, 275_330.0);
    let observations = Rinex { kind: RinexType::Observation, first_epoch: first, last_epoch: last, ..Rinex::default() };
    let navigation = Rinex { kind: RinexType::Navigation, ..Rinex::default() };
    let rtcm = Rtcm { first_tow_s: Some(1.0), ..Rtcm::default() };
    let set = build(
        &[
            file("base.obs", json!({ "rinex": observations })),
            file("x_PPKOBS.obs", json!({ "rinex": observations })),
            file("x_PPKNAV.nav", json!({ "rinex": navigation })),
            file("x_PPKRAW.bin", json!({ "rtcm": rtcm })),
            file("x.dat", json!({ "rtcm": rtcm })),
            events_file("x_Timestamp.MRK", 1..=20),
            file("strange.obs", json!({})),
        ],
        &[],
    );
    assert!(set.complete && set.solvable);
    let role = |name: &str| set.files.iter().find(|file| file.name == name).unwrap().role;
    assert_eq!((role("base.obs"), role("x_PPKOBS.obs")), (Role::BaseObservations, Role::Observations));
    assert_eq!(
        (role("x_PPKRAW.bin"), role("x.dat"), role("strange.obs")),
        (Role::RawLog, Role::Corrections, Role::Unread)
    );
    assert_eq!(set.rover.unwrap().name, "x_PPKOBS.obs");
    let events = set.events.unwrap();
    assert_eq!((events.count, events.covered), (20, Some(9)));
    assert_eq!(
        set.warnings,
        ["strange.obs was not understood", "11 exposures lie outside the span of the aircraft's log"]
    );
}
