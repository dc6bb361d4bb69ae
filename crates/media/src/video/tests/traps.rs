//! What real cameras and hostile files do to a reader.

use super::*;

/// `dvtm_wa345e`: the receiver's clock as text beside the position.
fn timed_frame(n: u64, clock: &str) -> Vec<u8> {
    [djmd_frame(&M30, n, 47.5, 8.25), nested(&[3, 3, 4, 6], message(1, clock.as_bytes()))].concat()
}

#[test]
fn the_receivers_clock_goes_before_the_files_and_one_wild_reading_is_ignored() {
    let clocks = ["2026-11-23 05-14-30", "2026-11-23 05-14-30", "2080-01-06 00-00-00", "2026-11-23 05-14-31"];
    let samples: Vec<Vec<u8>> = (1..)
        .zip(clocks)
        .map(|(n, clock)| {
            let header = if n == 1 { djmd_header("dvtm_wa345e.proto") } else { Vec::new() };
            [header, timed_frame(n, clock)].concat()
        })
        .collect();
    let (_, track) = read_all(&file_with(b"djmd", &samples));
    let track = track.expect("a track");
    // the second 31 began within the step to the fourth frame
    assert_eq!(track.samples[3].at.map(|at| at.to_string()).as_deref(), Some("2026-11-23T05:14:31Z"));
    assert_eq!(track.samples[0].at.map(|at| at.to_string()).as_deref(), Some("2026-11-23T05:14:30.8999Z"));
}

#[test]
fn an_unknown_protocol_in_degrees_without_a_unit_is_read() {
    let position = [double(2, 47.5), double(3, 8.25)].concat();
    let velocity = nested(&[3, 5, 1], [double(2, 0.3), double(3, 0.1)].concat());
    let block = nested(&[3, 7, 1], [message(1, &position), number(2, 512_250)].concat());
    let sample = [djmd_header("dvtm_new.proto"), velocity, block].concat();
    let (_, track) = read_all(&file_with(b"djmd", &[sample]));
    let place = track.expect("a track").samples[0].position.expect("a position");
    assert_eq!((place.lat, place.lng, place.absolute_altitude_m), (47.5, 8.25, Some(512.25)));
}

#[test]
fn samples_upon_each_other_are_read_once_and_those_beyond_the_end_are_told() {
    const COUNT: u32 = 50_000;
    let sample = [djmd_header(M30.protocol), djmd_frame(&M30, 1, 47.5, 8.25), vec![0; 60_000]].concat();
    let at = FTYP.len() as u64 + 8;
    let track_box = |offsets| TestTrack {
        id: 2,
        handler: b"meta",
        entry: b"djmd",
        timescale: 30_000,
        delta: 1_001,
        sizes: vec![sample.len() as u32; COUNT as usize],
        offsets,
    };
    let file = [FTYP, &boxed(b"mdat", &[&sample]), &moov(&[track_box(vec![at; COUNT as usize])], &[])].concat();
    let mut counted = Virtual { size_bytes: file.len() as u64, pieces: vec![(0, file)], read_bytes: 0, reads: 0 };
    let track = track(&mut counted).expect("made").expect("a track");
    assert!(counted.read_bytes < 3 * counted.size_bytes, "{} bytes", counted.read_bytes);
    assert!(track.warnings[0].contains("outside the file, or twice"), "{:?}", track.warnings);

    let beyond = (0..u64::from(COUNT)).map(|n| at + n * (1 << 20)).collect();
    let file = [FTYP, &boxed(b"mdat", &[&sample]), &moov(&[track_box(beyond)], &[])].concat();
    let (_, track) = read_all(&file);
    let track = track.expect("a track");
    assert!(track.samples.len() < 5, "{} samples", track.samples.len());
    assert!(track.warnings[0].starts_with("49999 telemetry samples") || track.warnings[0].starts_with("49998"));
}

#[test]
fn four_hours_at_sixty_frames_are_read() {
    const FRAMES: u32 = 4 * 3_600 * 60;
    let sample = [nested(&[3, 1], number(1, 1)), nested(&[3, 4, 3], euler(-900, 0, 1))].concat();
    let size = sample.len() as u32;
    let track_box = TestTrack {
        id: 2,
        handler: b"meta",
        entry: b"djmd",
        timescale: 60_000,
        delta: 1_000,
        sizes: vec![size; FRAMES as usize],
        offsets: (0..u64::from(FRAMES)).map(|n| 1_000 + n * 60_000).collect(),
    };
    let index = moov(&[track_box], &[]);
    let samples = super::super::movie(index.get(8..).expect("a box")).tracks[0].samples(usize::MAX);
    assert_eq!(samples.len(), FRAMES as usize);
    assert!(size_of::<Sample>() * (FRAMES as usize) < 256 << 20, "{} bytes a frame", size_of::<Sample>());
    let last = samples.last().expect("many");
    assert_eq!((last.offset, last.size_bytes), (1_000 + u64::from(FRAMES - 1) * 60_000, size));
    assert!((last.t_s - f64::from(FRAMES - 1) / 60.0).abs() < 1e-6);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_values_of_any_layout_come_back(
        shape in 0..SHAPES.len(), lat in -89.0..89.0_f64, lng in 0.001..179.0_f64, tenths in -1_800..1_800_i64,
    ) {
        let shape = &SHAPES[shape];
        let aircraft = nested(shape.aircraft, euler(tenths, -tenths, tenths / 2));
        let sample = [djmd_header(shape.protocol), djmd_frame(shape, 1, lat, -lng), aircraft].concat();
        let (_, track) = read_all(&file_with(b"djmd", &[sample]));
        let sample = track.expect("a track").samples[0].clone();
        let place = sample.position.expect("a position");
        proptest::prop_assert!((place.lat - lat).abs() < 1e-9 && (place.lng + lng).abs() < 1e-9, "{place:?}");
        let angle = |tenths: i64| Some(tenths as f64 / 10.0);
        let aircraft = Attitude { pitch_deg: angle(tenths), roll_deg: angle(-tenths), yaw_deg: angle(tenths / 2) };
        proptest::prop_assert_eq!(sample.aircraft, Some(aircraft));
    }
}
