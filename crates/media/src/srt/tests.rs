use super::*;
use crate::track::Attitude;

fn place(lat: f64, lng: f64, absolute_altitude_m: Option<f64>, relative_altitude_m: Option<f64>) -> Option<Place> {
    Some(Place { lat, lng, absolute_altitude_m, relative_altitude_m })
}

#[test]
fn the_brackets_of_old_and_new_models() {
    let file = "\u{feff}1\r\n00:00:00,000 --> 00:00:00,033\r\n<font size=\"36\">SrtCnt : 1, DiffTime : 33ms\r\n\
        2022-08-07 13:40:40,774,808\r\n[iso : 100] [shutter : 1/80.0] [fnum : 280] [ev : 0] [dzoom_ratio: 10000, delta:0] \
        [latitude: 41.424724] [longtitude: 2.234156] [altitude: 117.000000] </font>\r\n\r\n2\r\n00:00:00,033 --> 00:00:00,066\r\n\
        <font size=\"28\">FrameCnt: 2, DiffTime: 33ms\r\n2022-08-07 13:40:40.808\r\n[iso: 110] [shutter: 1/8000.0] [fnum: 2.8] \
        [pp_target: 1,2,3] [latitude: 41.5] [longitude: 2.5] [rel_alt: 13.300 abs_alt: 52.5] \
        [gb_yaw: -4.5 gb_pitch: -90.0 gb_roll: 0.0] </font>\r\n";
    let srt = read(file.as_bytes());
    assert_eq!((srt.family, srt.record_count, srt.position_count), (Some(Family::Brackets), 2, 2));
    let [old, new] = &srt.track.samples[..] else { panic!("two records") };
    assert_eq!(old.position, place(41.424_724, 2.234_156, Some(117.0), None));
    let camera = old.camera.expect("a camera");
    assert_eq!(
        (camera.iso, camera.f_number, camera.zoom, camera.shutter_s),
        (Some(100.0), Some(2.8), Some(1.0), Some(1.0 / 80.0))
    );
    assert_eq!(new.position, place(41.5, 2.5, Some(52.5), Some(13.3)));
    assert_eq!(new.camera.and_then(|camera| camera.f_number), Some(2.8));
    let gimbal = Attitude { yaw_deg: Some(-4.5), pitch_deg: Some(-90.0), roll_deg: Some(0.0) };
    assert_eq!((new.gimbal, new.t_s), (Some(gimbal), 0.033));
    assert_eq!(srt.first_local.map(|at| at.to_string()).as_deref(), Some("2022-08-07T13:40:40.774808"));
    assert_eq!(srt.last_local.map(|at| at.to_string()).as_deref(), Some("2022-08-07T13:40:40.808"));
    assert_eq!(srt.warnings, Vec::<String>::new());
}

#[test]
fn the_matrice_300_turns_the_order() {
    let file = "1\n00:00:00,000 --> 00:00:01,000\n2020.06.30 19:51:50\nGPS(39.9087,116.3975,45.2M) BAROMETER:12.5M\n\
        ISO:100 Shutter:400 EV:0 Fnum:F2.8\n";
    let srt = read(file.as_bytes());
    assert_eq!(srt.family, Some(Family::LinesWithUnit));
    assert_eq!(srt.first_position, place(39.9087, 116.3975, Some(45.2), Some(12.5)));
    assert_eq!(srt.first_local.map(|at| at.to_string()).as_deref(), Some("2020-06-30T19:51:50"));
}

#[test]
fn one_line_with_all_its_parts_and_with_few() {
    let full = "1\n00:15:04,904 --> 00:15:05,905\nF/5.6, SS 400, ISO 100, EV +0.7, GPS (-59.409424, -34.650200, 16), \
        HOME (-59.407880, -34.650736, 7.60m), D 153.32m, H 17.39m, H.S 1.84m/s, V.S 0.00m/s, F.PRY (-8.9\u{b0}, 2.9\u{b0}, -75.0\u{b0}), \
        G.PRY (-27.3\u{b0}, 0.0\u{b0}, -76.0\u{b0})\n\n2\n00:15:05,905 --> 00:15:06,906\nF/2.8, SS 30.15, ISO 260, EV -1.7, \
        GPS (-121.7458, 48.0771, 17), D n/a, H n/a, H.S n/a, V.S n/a\n";
    let srt = read(full.as_bytes());
    assert_eq!((srt.family, srt.record_count), (Some(Family::OneLine), 2));
    let first = &srt.track.samples[0];
    assert_eq!(first.t_s, 904.904);
    assert_eq!(first.position, place(-34.6502, -59.409_424, None, Some(17.39)));
    let gimbal = Attitude { yaw_deg: Some(-76.0), pitch_deg: Some(-27.3), roll_deg: Some(0.0) };
    assert_eq!(first.gimbal, Some(gimbal));
    assert_eq!(first.aircraft.and_then(|aircraft| aircraft.pitch_deg), Some(-8.9));
    assert_eq!(srt.home, place(-34.650_736, -59.407_88, Some(7.6), None));
    assert_eq!(srt.last_position, place(48.0771, -121.7458, None, None));
}

#[test]
fn a_file_that_is_no_telemetry_or_cut_anywhere_is_told() {
    let film = "1\n00:00:01,000 --> 00:00:02,000\nHello, world.\n";
    let srt = read(film.as_bytes());
    assert_eq!((srt.record_count, srt.family), (0, None));
    assert_eq!(srt.warnings, ["no record of telemetry was found", "1 records could not be read"]);
    let file = "1\n00:00:00,000 --> 00:00:00,033\n[latitude: 41.4] [longitude: 2.2]\n\n2\n00:00:00,033 --> 00:00:00,066\n[latitude: 0.0] [longitude: 0.0]\n";
    for end in (0..file.len()).filter(|end| file.is_char_boundary(*end)) {
        read(&file.as_bytes()[..end]);
    }
    let srt = read(file.as_bytes());
    assert_eq!((srt.record_count, srt.position_count), (2, 1));
    read(&[0xFF, b'\n', 0xC3, b'[', b':', b']']);
    assert_eq!(read(b"").record_count, 0);
}

#[test]
fn half_a_number_at_the_end_of_a_cut_file_is_not_taken() {
    let families = [
        "1\n00:00:00,000 --> 00:00:00,033\n<font size=\"28\">FrameCnt: 1, DiffTime: 33ms\n2026-05-10 10:15:30.000\n\
         [latitude: 41.424724] [longitude: 12.234156] [rel_alt: 13.300 abs_alt: 152.5] </font>\n",
        "1\n00:00:00,000 --> 00:00:01,000\nHOME(12.0251,41.2532) 2017.08.05 14:11:51\nGPS(12.234156,41.424724,16) BAROMETER:13.3\n\
         ISO:100 Shutter:60 EV: Fnum:2.2\n",
        "1\n00:00:00,000 --> 00:00:01,000\nF/5.6, SS 400, ISO 100, EV 0, GPS (12.234156, 41.424724, 15), D 698.70m, H 13.30m, H.S 0.00m/s",
    ];
    for file in families {
        let mut with_position = 0;
        for end in 0..=file.len() {
            let srt = read(&file.as_bytes()[..end]);
            let Some(place) = srt.first_position else { continue };
            with_position += 1;
            assert_eq!((place.lat, place.lng), (41.424_724, 12.234_156), "{}", &file[..end]);
            assert!(place.relative_altitude_m.is_none_or(|height_m| height_m == 13.3), "{place:?}: {}", &file[..end]);
            assert!(place.absolute_altitude_m.is_none_or(|height_m| height_m == 152.5), "{place:?}: {}", &file[..end]);
        }
        assert!(
            with_position > 0 && read(file.as_bytes()).first_position.and_then(|p| p.relative_altitude_m).is_some()
        );
    }
}

#[test]
fn a_zone_that_is_given_makes_times_of_the_local_ones() {
    let file = "1\n00:00:10,000 --> 00:00:10,500\n2026-05-10 00:15:30.250\n[latitude: 47.5] [longitude: 8.25]\n\n\
        2\n00:00:10,500 --> 00:00:11,000\n2026-05-10 00:15:30.750\n[latitude: 47.5] [longitude: 8.25]\n";
    let mut srt = read(file.as_bytes());
    assert!(srt.track.samples.iter().all(|sample| sample.at.is_none()), "no zone is known");
    srt.set_utc_offset(7_200);
    let times: Vec<_> = srt.track.samples.iter().filter_map(|sample| Some(sample.at?.to_string())).collect();
    assert_eq!(times, ["2026-05-09T22:15:30.25Z", "2026-05-09T22:15:30.75Z"]);
    srt.set_utc_offset(i32::MAX);
    assert_eq!(srt.track.samples.len(), 2);
}

/// Counted by another way than the reader's: lines with the mark of a record.
#[test]
fn real_files_have_the_records_that_a_plain_count_finds() {
    let Some(samples) = std::env::var_os("EYRIE_SAMPLES").filter(|folder| !folder.is_empty()) else {
        eprintln!("EYRIE_SAMPLES is not set: real files are not read");
        return;
    };
    let folder = std::path::Path::new(&samples).join("srt");
    let expected = [
        (
            "MAVIC3.srt",
            "[iso",
            Family::Brackets,
            place(3.41531, -3.3744, Some(0.401), Some(-2.4)),
            place(3.41368, -3.37721, Some(6.401), Some(3.6)),
        ),
        (
            "air2s.srt",
            "[iso",
            Family::Brackets,
            place(41.424_724, 2.234_156, Some(117.0), None),
            place(41.424_73, 2.234_102, Some(117.1), None),
        ),
        (
            "mavic_2_style.SRT",
            "[latitude",
            Family::Brackets,
            place(-20.2533, 149.0251, None, None),
            place(-20.2532, 149.0251, None, None),
        ),
        ("mavic_air.SRT", "[iso", Family::Brackets, None, None),
        (
            "mavic_mini.SRT",
            "GPS (",
            Family::OneLine,
            place(48.0771, -121.7458, None, Some(200.7)),
            place(48.0775, -121.7476, None, Some(200.8)),
        ),
        (
            "mavic_pro.SRT",
            "GPS(",
            Family::Lines,
            place(-20.2533, 149.0251, None, Some(1.9)),
            place(-20.2532, 149.0251, None, Some(0.0)),
        ),
        (
            "old_format.SRT",
            "GPS(",
            Family::Lines,
            place(-20.2533, 149.0251, None, Some(1.9)),
            place(-20.2532, 149.0251, None, Some(0.0)),
        ),
        (
            "p4_rtk.SRT",
            "GPS (",
            Family::OneLine,
            place(-34.237_922, -58.851_745, None, Some(85.8)),
            place(-34.232_349, -58.849_196, None, Some(85.8)),
        ),
        (
            "p4p_sample.SRT",
            "GPS (",
            Family::OneLine,
            place(47.4692, 8.209, None, Some(45.6)),
            place(47.4692, 8.209, None, Some(45.6)),
        ),
        (
            "broken_incomplete.SRT",
            "HOME(",
            Family::Lines,
            place(-34.7383, -58.4563, None, Some(20.1)),
            place(-34.7383, -58.4563, None, None),
        ),
    ];
    for (name, mark, family, first, last) in expected {
        let bytes = std::fs::read(folder.join(name)).expect("the sample");
        let srt = read(&bytes);
        let count = String::from_utf8_lossy(&bytes).matches(mark).count();
        assert_eq!((srt.record_count, srt.family), (count, Some(family)), "{name}");
        assert_eq!(srt.first_position, first, "{name}");
        if name != "broken_incomplete.SRT" && name != "p4p_sample.SRT" {
            assert_eq!(srt.last_position, last, "{name}");
        }
    }
    let mixed = read(&std::fs::read(folder.join("mix_p4rtk_mavic2pro.srt")).expect("the sample"));
    assert_eq!(mixed.family, Some(Family::Mixed));
}

mod generations;
