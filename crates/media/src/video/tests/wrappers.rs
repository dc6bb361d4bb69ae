//! What telephones, tools and other recorders put around and beside telemetry.

use super::*;

/// A text sample as it lies in a track.
fn text_sample(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

#[test]
fn text_tracks_speak_every_family_and_a_films_subtitles_are_none() {
    let line = "F/2.8, SS 206.14, ISO 100, EV 0, DZOOM 1.000, GPS (8.2500, 47.5000, 20), D 3.9m, H 1.5m, H.S 0.2m/s, V.S 0.0m/s \n";
    let lines = "HOME(8.2500,47.5000) 2017.08.05 14:11:51\nGPS(8.2500,47.5000,16) BAROMETER:1.5\nISO:100 Shutter:60 EV: Fnum:2.2";
    for entry in [b"tx3g", b"text"] {
        for text in [line, lines] {
            let (video, track) = read_all(&file_with(entry, &[text_sample(text), vec![0, 0], text_sample(text)]));
            assert_eq!((video.telemetry.as_slice(), video.warnings.len()), (&[TrackSource::Tx3g][..], 0), "{text}");
            let place = Place { lat: 47.5, lng: 8.25, absolute_altitude_m: None, relative_altitude_m: Some(1.5) };
            assert_eq!(video.first_position, Some(place), "{text}");
            let track = track.expect("a track");
            assert_eq!((track.samples.len(), track.samples[1].position, track.warnings.len()), (3, None, 0));
        }
        let film = [text_sample("Hello, world."), vec![0, 0], text_sample("[door opens] Who is it: you?")];
        let (video, track) = read_all(&file_with(entry, &film));
        assert_eq!((video.telemetry, video.telemetry_sample_count, track), (Vec::new(), 0, None));
    }
}

#[test]
fn a_recording_that_began_without_a_fix_has_the_first_place_that_follows() {
    let samples: Vec<Vec<u8>> = (1..=200_u32)
        .map(|n| {
            let header = if n == 1 { djmd_header(M30.protocol) } else { Vec::new() };
            match n {
                ..100 => [header, nested(&[3, 1], number(1, n.into()))].concat(),
                _ => djmd_frame(&M30, n.into(), 47.5, 8.25),
            }
        })
        .collect();
    let (video, track) = read_all(&file_with(b"djmd", &samples));
    assert!((video.first_position.expect("a position").lat - 47.5).abs() < 1e-9);
    let places = track.expect("a track").samples.iter().filter(|sample| sample.position.is_some()).count();
    assert_eq!(places, 101);
}

#[test]
fn an_edit_list_moves_the_track() {
    let samples: Vec<Vec<u8>> = (1..=3).map(tx3g_sample).collect();
    let at = FTYP.len() as u64 + 8;
    let offsets = samples.iter().scan(at, |at, sample| {
        let here = *at;
        *at += sample.len() as u64;
        Some(here)
    });
    let track_box = TestTrack {
        id: 1,
        handler: b"sbtl",
        entry: b"tx3g",
        timescale: 1_000,
        delta: 500,
        sizes: samples.iter().map(|sample| sample.len() as u32).collect(),
        offsets: offsets.collect(),
    };
    for (edits, begins_s) in [
        (be(&[0, 1, 1_500, 0, 0x1_0000]), 0.0),
        // 2.5 s of nothing first
        (be(&[0, 2, 2_500, u32::MAX, 0x1_0000, 1_500, 0, 0x1_0000]), 2.5),
        // the show begins half a second into the track
        (be(&[0, 1, 1_000, 500, 0x1_0000]), -0.5),
        (be(&[0x0100_0000, 2, 0, 2_500, u32::MAX, u32::MAX, 0x1_0000, 0, 1_500, 0, 250, 0x1_0000]), 2.25),
        (be(&[0, 7, 2_500, u32::MAX]), 0.0),
    ] {
        let trak = track_box.trak();
        let trak = boxed(b"trak", &[&trak[8..], &boxed(b"edts", &[&boxed(b"elst", &[&edits])])]);
        let mvhd = boxed(b"mvhd", &[&be(&[0, CREATED, CREATED, 1_000, 2_000]), &[0; 80]]);
        let file = [FTYP, &boxed(b"mdat", &[&samples.concat()]), &boxed(b"moov", &[&mvhd, &trak])].concat();
        let times: Vec<f64> = read_all(&file).1.expect("a track").samples.iter().map(|sample| sample.t_s).collect();
        assert_eq!(times, [begins_s, begins_s + 0.5, begins_s + 1.0], "{edits:?}");
    }
}

/// `moov/meta` as a telephone writes it.
fn apple_meta(values: &[(&str, &str)], is_full_box: bool) -> Vec<u8> {
    let keys: Vec<u8> = values.iter().flat_map(|(key, _)| boxed(b"mdta", &[key.as_bytes()])).collect();
    let items: Vec<u8> = (1_u32..)
        .zip(values)
        .flat_map(|(n, (_, value))| {
            let data = boxed(b"data", &[&be(&[1, 0]), value.as_bytes()]);
            [be(&[data.len() as u32 + 8, n]), data].concat()
        })
        .collect();
    let hdlr = boxed(b"hdlr", &[&be(&[0, 0]), b"mdta", &be(&[0, 0, 0]), b"\0"]);
    let keys = boxed(b"keys", &[&be(&[0, values.len() as u32]), &keys]);
    let version = if is_full_box { &[0; 4][..] } else { &[] };
    boxed(b"meta", &[version, &hdlr, &keys, &boxed(b"ilst", &[&items])])
}

#[test]
fn a_telephones_words_give_its_place_and_time() {
    for is_full_box in [false, true] {
        let meta = apple_meta(
            &[
                ("com.apple.quicktime.make", "Apple"),
                ("com.apple.quicktime.location.ISO6709", "+47.5000-008.2500+412.500/"),
                ("com.apple.quicktime.model", "iPhone 15"),
                ("com.apple.quicktime.creationdate", "2026-11-23T06:14:22+0100"),
            ],
            is_full_box,
        );
        let mvhd = boxed(b"mvhd", &[&be(&[0, 0, 0, 1_000, 2_000]), &[0; 80]]);
        let file = [FTYP, &boxed(b"mdat", &[&[0; 10]]), &boxed(b"moov", &[&mvhd, &meta])].concat();
        let (video, track) = read_all(&file);
        let place = Place { lat: 47.5, lng: -8.25, absolute_altitude_m: Some(412.5), relative_altitude_m: None };
        assert_eq!((video.first_position, video.camera_model.as_deref()), (Some(place), Some("iPhone 15")));
        assert_eq!(video.created_at.map(|at| at.to_string()).as_deref(), Some("2026-11-23T05:14:22Z"));
        assert_eq!(track.map(|track| (track.source, track.samples.len())), Some((TrackSource::Udta, 1)));
        for end in 0..file.len() {
            read_all(&file[..end]);
        }
    }
}

#[test]
fn fragments_tell_how_long_they_are() {
    let picture = TestTrack {
        id: 1,
        handler: b"vide",
        entry: b"hvc1",
        timescale: 1_000,
        delta: 0,
        sizes: vec![],
        offsets: vec![],
    };
    let trex = boxed(b"trex", &[&be(&[0, 1, 1, 40, 0, 0])]);
    let fragment = |track: u32, begins: u32, count: u32| {
        let tfhd = boxed(b"tfhd", &[&be(&[0x02_0000, track])]);
        let trun = boxed(b"trun", &[&be(&[0x200, count]), &vec![[0, 0, 0, 1_u8]; count as usize].concat()]);
        boxed(b"moof", &[&boxed(b"traf", &[&tfhd, &boxed(b"tfdt", &[&be(&[0, begins])]), &trun])])
    };
    let file = |more: &[u8]| {
        let mvhd = boxed(b"mvhd", &[&be(&[0, CREATED, CREATED, 1_000, 0]), &[0; 80]]);
        let mvex = boxed(b"mvex", &[more, &trex]);
        let moov = boxed(b"moov", &[&mvhd, &picture.trak(), &mvex]);
        [FTYP, &moov, &fragment(1, 0, 25), &fragment(1, 1_000, 10), &fragment(2, 9_000, 5)].concat()
    };
    assert_eq!(read_all(&file(&[])).0.duration_s, Some(1.4));
    let mehd = boxed(b"mehd", &[&be(&[0, 1_410])]);
    assert_eq!(read_all(&file(&mehd)).0.duration_s, Some(1.41));
}

#[test]
fn an_unknown_product_that_looks_like_the_known_ones_has_what_they_have() {
    let height = nested(M30.relative, float(1, 52_100.0));
    let gimbal = nested(M30.gimbal, euler(-900, 0, -45));
    let sample = |more: &[u8]| {
        let position = [double(2, 47.5_f64.to_radians()), double(3, 8.25_f64.to_radians())].concat();
        let block = [message(1, &position), number(2, 512_250)].concat();
        let frame = [nested(&[3, 1], number(1, 1)), nested(M30.block, block)].concat();
        [djmd_header("dvtm_dock9.proto"), frame, more.to_vec()].concat()
    };
    let (video, track) = read_all(&file_with(b"djmd", &[sample(&[height, gimbal].concat())]));
    assert!(video.warnings[0].contains("dvtm_dock9.proto"), "{:?}", video.warnings);
    let found = track.expect("a track").samples[0].clone();
    let place = found.position.expect("a position");
    assert!((place.lat - 47.5).abs() < 1e-9);
    assert_eq!((place.absolute_altitude_m, place.relative_altitude_m), (Some(512.25), Some(52.1)));
    let gimbal = Attitude { yaw_deg: Some(-4.5), pitch_deg: Some(-90.0), roll_deg: Some(0.0) };
    assert_eq!((found.gimbal, found.aircraft), (Some(gimbal), None));
    // what lies there is something else
    let text = nested(&[3, 4, 3], message(1, b"a text"));
    let wild = nested(&[3, 3, 3], euler(90_000, 0, 0));
    let (_, track) = read_all(&file_with(b"djmd", &[sample(&[text, wild].concat())]));
    let found = track.expect("a track").samples[0].clone();
    assert_eq!(
        (found.gimbal, found.aircraft, found.position.and_then(|at| at.relative_altitude_m)),
        (None, None, None)
    );
    // a name that only begins as a known one
    let (video, _) = read_all(&file_with(b"djmd", &[[djmd_header("dvtm_neo2.proto")].concat()]));
    assert!(video.djmd.is_some_and(|header| !header.layout_known));
}

#[test]
fn an_index_that_was_cut_before_its_telemetry_is_searched_for_as_none() {
    let samples: Vec<Vec<u8>> = (1..=4)
        .map(|n| {
            [if n == 1 { djmd_header(M30.protocol) } else { Vec::new() }, djmd_frame(&M30, n, 47.5, 8.25)].concat()
        })
        .collect();
    let whole = file_with(b"djmd", &samples);
    let (video, track) = read_all(&whole[..whole.len() - 100]);
    assert!(video.truncated && video.first_position.is_some(), "{:?}", video.warnings);
    assert_eq!(track.map(|track| track.samples.len()), Some(4));
}
