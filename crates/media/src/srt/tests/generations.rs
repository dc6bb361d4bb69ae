//! How the generations of aircraft, and the tools that touched their files, write the same thing.

use super::*;

/// The one record of a text, whatever its head.
fn one(text: &str) -> (Srt, Sample) {
    let srt = read(text.as_bytes());
    assert_eq!(srt.record_count, 1, "{text}: {:?}", srt.warnings);
    let sample = srt.track.samples[0].clone();
    (srt, sample)
}

fn cue(body: &str) -> String {
    format!("1\n00:00:00,000 --> 00:00:01,000\n{body}\n")
}

#[test]
fn lines_of_every_spelling() {
    let sydney = |height_m| place(-33.8568, 151.2153, None, height_m);
    for (body, family, position) in [
        // Mavic Pro, Phantom 4: longitude first, satellites last
        (
            "HOME(151.2150,-33.8560) 2017.08.05 14:11:51\nGPS(151.2153,-33.8568,16) BAROMETER:1.9\nISO:100 Shutter:60 EV: Fnum:2.2",
            Family::Lines,
            sydney(Some(1.9)),
        ),
        // Inspire, Phantom 3: other names of the barometer and the camera
        (
            "HOME(151.2150,-33.8560) 2015.08.05 14:11:51\nGPS(151.2153,-33.8568,13) Hb:12.5 Hs:2.0\nISO:100 TV:60 EV:0 IR:2.8",
            Family::Lines,
            sydney(Some(2.0)),
        ),
        // Matrice 300: latitude first, metres
        (
            "2020.06.30 19:51:50\nGPS(-33.8568,151.2153,45.2M) BAROMETER:12.5M\nISO:100 Shutter:400 EV:0 Fnum:F2.8",
            Family::LinesWithUnit,
            place(-33.8568, 151.2153, Some(45.2), Some(12.5)),
        ),
        // Avata 2: no unit, but a fraction; the barometer in parentheses
        (
            "GPS(39.906217,116.391305,69.800) BAROMETER(91.2) HOME(39.906206,116.391400)",
            Family::LinesWithUnit,
            place(39.906_217, 116.391_305, Some(69.8), Some(91.2)),
        ),
        // order turned by a tool: 151 degrees is no latitude
        ("GPS(-33.8568,151.2153,16) BAROMETER:1.9\nISO:100 Shutter:60", Family::Lines, sydney(Some(1.9))),
        // a decimal comma
        (
            "HOME(151.2150,-33.8560) 2017.08.05 14:11:51\nGPS(151.2153,-33.8568,16) BAROMETER:1,9\nISO:100 Shutter:60 Fnum:2,2",
            Family::Lines,
            sydney(Some(1.9)),
        ),
        // no fix yet
        (
            "HOME(0.0000,0.0000) 2017.08.05 14:11:51\nGPS(0.0000,0.0000,0) BAROMETER:1.9\nISO:100 Shutter:60 EV: Fnum:2.2",
            Family::Lines,
            None,
        ),
        (
            "F/2.8, SS 60, ISO 100, EV 0, GPS (151.2153, -33.8568, 15), D 69.70m, H 1.90m, H.S 0.00m/s, V.S 0.00m/s",
            Family::OneLine,
            sydney(Some(1.9)),
        ),
        (
            "F/2.8,SS 60,ISO 100,EV 0,GPS (-33.8568,151.2153,15),D n/a,H 1,90m,H.S n/a,V.S n/a",
            Family::OneLine,
            sydney(Some(1.9)),
        ),
        ("F/2.8, SS 60, ISO 100, EV 0, GPS (n/a, n/a, n/a), D n/a, H n/a, H.S n/a, V.S n/a", Family::OneLine, None),
    ] {
        let (srt, sample) = one(&cue(body));
        assert_eq!((srt.family, sample.position), (Some(family), position), "{body}");
        assert_eq!(srt.warnings.is_empty(), position.is_some(), "{body}: {:?}", srt.warnings);
    }
    let (srt, sample) = one(&cue(
        "HOME(151.2150,-33.8560) 2017.08.05 14:11:51\nGPS(151.2153,-33.8568,16) BAROMETER:1,9\nISO:100 Shutter:60 Fnum:2,2",
    ));
    assert_eq!(srt.home, place(-33.856, 151.215, None, None));
    let camera = sample.camera.expect("a camera");
    assert_eq!((camera.iso, camera.shutter_s, camera.f_number), (Some(100.0), Some(1.0 / 60.0), Some(2.2)));
}

#[test]
fn brackets_of_every_spelling() {
    let here = |absolute, relative| place(48.541_234, 13.901_112, absolute, relative);
    let gimbal = Some(Attitude { yaw_deg: Some(-91.4), pitch_deg: Some(-90.0), roll_deg: Some(0.0) });
    for (body, position, attitude) in [
        // Mavic Air 2, Mini 2: spaces before colons, the firmware's own spelling, no altitude of its own
        (
            "<font size=\"36\">SrtCnt : 1, DiffTime : 33ms\n2020-05-10 10:13:45,812,345\n[iso : 100] [shutter : 1/640.0] [fnum : 280] [ev : 0] [latitude : 48.541234] [longtitude : 13.901112] </font>",
            here(None, None),
            None,
        ),
        (
            "<font size=\"36\">FrameCnt : 1, DiffTime : 33ms\n2020-05-10 10:13:45,812,345\n[iso : 100] [latitude: 48.541234] [longtitude: 13.901112] [altitude: 564.230000] </font>",
            here(Some(564.23), None),
            None,
        ),
        // Mavic 3, Air 3, M3T, M30T
        (
            "<font size=\"28\">FrameCnt: 1, DiffTime: 33ms\n2024-08-01 10:13:45.812\n[iso: 100] [shutter: 1/640.0] [fnum: 2.8] [ev: 0] [color_md: default] [ae_meter_md: 1] [focal_len: 24.00] [dzoom_ratio: 1.00] [latitude: 48.541234] [longitude: 13.901112] [rel_alt: 12.300 abs_alt: 564.230] [ct: 5660] [gb_yaw: -91.4 gb_pitch: -90.0 gb_roll: 0.0] </font>",
            here(Some(564.23), Some(12.3)),
            gimbal,
        ),
        (
            "<font size=\"28\">FrameCnt: 1, DiffTime: 33ms\n2024-08-01 10:13:45.812\n[latitude: 48.541234] [longitude: 13.901112] [rel_alt: 12.300 abs_alt: 564.230]\n[gimbal_yaw: -91.4 gimbal_pitch: -90.0 gimbal_roll: 0.0]\n</font>",
            here(Some(564.23), Some(12.3)),
            gimbal,
        ),
        // commas between brackets and pairs, upper case, one height alone
        (
            "FrameCnt: 1 2026-07-25 14:38:26.477\n[focal_len: 24.00], [latitude: 48.541234], [longitude: 13.901112], [rel_alt: 12.300, abs_alt: 564.230], [gb_yaw: -91.4, gb_pitch: -90.0, gb_roll: 0.0]",
            here(Some(564.23), Some(12.3)),
            gimbal,
        ),
        ("[Latitude: 48.541234] [Longitude: 13.901112] [rel_alt: 12.3]", here(None, Some(12.3)), None),
        // a decimal comma
        (
            "[iso: 100] [latitude: 48,541234] [longitude: 13,901112] [rel_alt: 12,300 abs_alt: 564,230]",
            here(Some(564.23), Some(12.3)),
            None,
        ),
        // signs
        ("[iso: 100] [latitude: +48.541234] [longitude: +13.901112]", here(None, None), None),
        // no fix
        ("[iso: 100] [latitude: 0.000000] [longitude: 0.000000] [rel_alt: 0.000 abs_alt: 0.000]", None, None),
        ("[iso: 100] [latitude: nan] [longitude: n/a]", None, None),
        ("[iso: 100] [latitude: 148.5] [longitude: 13.9]", None, None),
    ] {
        let (srt, sample) = one(&cue(body));
        assert_eq!((srt.family, sample.position), (Some(Family::Brackets), position), "{body}");
        assert_eq!(sample.gimbal, attitude, "{body}");
    }
}

/// Three records, as one aircraft wrote them.
fn three() -> String {
    (0..3)
        .map(|n| {
            format!(
                "{}\n00:00:0{n},000 --> 00:00:0{n},900\n<font size=\"28\">FrameCnt: {}, DiffTime: 33ms\n2024-08-01 10:13:4{n}.812\n\
                 [iso: 100] [latitude: 48.5] [longitude: 13.{n}] [rel_alt: 12.300 abs_alt: 564.230] </font>\n\n",
                n + 1,
                n + 1
            )
        })
        .collect()
}

#[test]
fn files_that_tools_and_cards_have_bent() {
    let whole = three();
    let utf16 = |unit: fn(u16) -> [u8; 2], mark: [u8; 2]| {
        mark.into_iter().chain(whole.encode_utf16().flat_map(unit)).collect::<Vec<u8>>()
    };
    let without = |unwanted: fn(&str) -> bool| {
        let lines: Vec<&str> = whole.lines().filter(|line| !unwanted(line)).collect();
        lines.join("\n").into_bytes()
    };
    for (what, bytes) in [
        ("as it was", whole.clone().into_bytes()),
        ("a mark of UTF-8", format!("\u{feff}{whole}").into_bytes()),
        ("UTF-16", utf16(u16::to_le_bytes, [0xFF, 0xFE])),
        ("UTF-16, the other way", utf16(u16::to_be_bytes, [0xFE, 0xFF])),
        ("UTF-16 without its mark", utf16(u16::to_le_bytes, [0xFF, 0xFE]).split_off(2)),
        ("neither numbers nor times", without(|line| line.contains("-->") || line.len() == 1)),
        ("CR LF", whole.replace('\n', "\r\n").into_bytes()),
        ("CR", whole.replace('\n', "\r").into_bytes()),
        ("blank lines everywhere", whole.replace('\n', "\n\n").into_bytes()),
        ("no blank lines", without(str::is_empty)),
        ("no numbers", without(|line| line.len() == 1)),
        ("no times", without(|line| line.contains("-->"))),
        ("no times, no blank lines", without(|line| line.contains("-->") || line.is_empty())),
        ("times with points", whole.replace(",000 -->", ".000 -->").into_bytes()),
        ("no tags", whole.replace("<font size=\"28\">", "").replace(" </font>", "").into_bytes()),
        ("the card's last block", format!("{whole}{}", "\0".repeat(4_000)).into_bytes()),
        ("a fourth that was cut", format!("{whole}4\n00:00:03,000 --> 00:0").into_bytes()),
    ] {
        let srt = read(&bytes);
        let places: Vec<_> = srt.track.samples.iter().filter_map(|sample| sample.position).map(|at| at.lng).collect();
        assert_eq!(places, [13.0, 13.1, 13.2], "{what}: {:?}", srt.warnings);
        let times: Vec<f64> = srt.track.samples.iter().map(|sample| sample.t_s).collect();
        assert_eq!(times, [0.0, 1.0, 2.0], "{what}");
        assert_eq!(crate::sniff("DJI_0001.SRT", &bytes).format, crate::Format::Subtitle, "{what}");
    }
}

#[test]
fn a_file_that_ends_within_a_record_is_told_and_one_that_ends_without_a_fix_is_not() {
    let whole = three();
    let cut = format!(
        "{whole}4\n00:00:03,000 --> 00:00:03,900\n<font size=\"28\">FrameCnt: 4, DiffTime: 33ms\n[iso: 100] [latitude: 48"
    );
    let srt = read(cut.as_bytes());
    assert_eq!((srt.record_count, srt.position_count), (4, 3));
    assert_eq!(srt.warnings, ["the last record has no position: the file seems to be cut off within it"]);
    let no_fix = format!("{whole}4\n00:00:03,000 --> 00:00:03,900\n[iso: 100] [latitude: 0.0] [longitude: 0.0]\n");
    assert_eq!(read(no_fix.as_bytes()).warnings, Vec::<String>::new());
}

#[test]
fn records_without_timing_lines_are_as_late_as_their_clock_or_their_steps_say() {
    let times = |text: &str| {
        let srt = read(text.as_bytes());
        let places: Vec<_> = srt.track.samples.iter().filter_map(|sample| sample.position).map(|at| at.lat).collect();
        (srt.track.samples.iter().map(|sample| (sample.t_s * 1e3).round() / 1e3).collect::<Vec<f64>>(), places)
    };
    let lats = vec![48.0, 48.1, 48.2];
    let record = |n: u32, date: &str| {
        format!(
            "<font size=\"28\">FrameCnt: {n}, DiffTime: 40ms\n{date}[latitude: 48.{}] [longitude: 13.5] </font>\n",
            n - 1
        )
    };
    let dated = |n: u32| record(n, &format!("2024-08-01 10:13:45.{:03}\n", n * 33));
    let head = "1\n00:00:10,000 --> 00:00:10,040\n";
    for (what, text, want) in [
        ("neither numbers nor times", (1..4).map(dated).collect::<String>(), [0.0, 0.033, 0.066]),
        ("not even dates", (1..4).map(|n| record(n, "") + "\n").collect(), [0.0, 0.04, 0.08]),
        ("three in one cue", head.to_owned() + &(1..4).map(dated).collect::<String>(), [10.0, 10.033, 10.066]),
        (
            "three in one cue, without dates",
            head.to_owned() + &(1..4).map(|n| record(n, "")).collect::<String>(),
            [10.0, 10.04, 10.08],
        ),
        (
            "minutes and seconds alone",
            (0..3)
                .map(|n| format!("{}\n00:0{n}.500 --> 00:0{n}.900\n[latitude: 48.{n}] [longitude: 13.5]\n\n", n + 1))
                .collect(),
            [0.5, 1.5, 2.5],
        ),
        (
            "a timing line that is none",
            format!(
                "{head}[latitude: 48.0] [longitude: 13.5]\n\n2\nno time at all\n[latitude: 48.1] [longitude: 13.5]\n\n3\n00:00:12,000 --> 00:00:13,000\n[latitude: 48.2] [longitude: 13.5]\n"
            ),
            [10.0, 10.0, 12.0],
        ),
        (
            "one line each",
            (0..3).map(|n| format!("F/2.8, SS 60, ISO 100, EV 0, GPS (13.5, 48.{n}, 15), D n/a, H n/a\n")).collect(),
            [0.0, 0.0, 0.0],
        ),
        (
            "a date, a position",
            (0..3).map(|n| format!("2022.06.21 16:06:1{n}\nGPS(48.{n},13.5,0.0M) BAROMETER:0.3M\n")).collect(),
            [0.0, 1.0, 2.0],
        ),
    ] {
        assert_eq!(times(&text), (want.to_vec(), lats.clone()), "{what}: {text}");
    }
}

#[test]
fn what_enterprise_and_small_models_add() {
    let (_, sample) = one(&cue(
        "<font size=\"36\">FrameCnt : 1, DiffTime : 33ms\n2022-07-10 19:59:42,210,511\n[iso : 12800] [shutter : 1/30.0] [fnum : 280] [ev : 1.7] [dzoom_ratio: 10000, delta:0],[latitude: -36.891878] [longtitude: 174.703095] [altitude: 51.773998] [Drone: Yaw:-62.1, Pitch:2.7, Roll:1.6] </font>",
    ));
    assert_eq!(sample.position, place(-36.891_878, 174.703_095, Some(51.773_998), None));
    let aircraft = Attitude { yaw_deg: Some(-62.1), pitch_deg: Some(2.7), roll_deg: Some(1.6) };
    assert_eq!((sample.aircraft, sample.gimbal), (Some(aircraft), None));
    let (_, sample) =
        one(&cue("[latitude: 48.5] [longitude: 13.5] [Drone:Yaw:-62.1,Pitch:2.7,Roll:1.6] [Gimbal: Yaw:1.0]"));
    assert_eq!(sample.aircraft, Some(aircraft));
    assert_eq!(sample.gimbal.and_then(|gimbal| gimbal.yaw_deg), Some(1.0));
    let (_, sample) = one(&cue("[iso: 100] [latitude: 48.5] [longitude: 13.5] [rel_alt 57.200 abs_alt 204.644]"));
    assert_eq!(sample.position, place(48.5, 13.5, Some(204.644), Some(57.2)));
    // one record on two lines that begin alike
    let (_, sample) = one(&cue(
        "F/5.6, SS 400, ISO 100, EV 0, GPS (13.5, 48.5, 15), D 698.70m, H 85.80m,\nF.PRY (2.7\u{b0}, -7.0\u{b0}, 110.1\u{b0}), G.PRY (-24.4\u{b0}, 0.0\u{b0}, 110.4\u{b0})",
    ));
    assert_eq!(sample.gimbal.and_then(|gimbal| gimbal.pitch_deg), Some(-24.4));
    assert_eq!(sample.position, place(48.5, 13.5, None, Some(85.8)));
    // a firmware that tells its maker more than it should
    let (_, sample) = one(&cue(
        "<font size=\"28\">SrtCnt : 1, DiffTime : 33ms\n2022-10-23 15:53:15.928\n[iso : 120] [shutter : 1/640.0] [fnum : 170] [ev : 0] ag:1000 sdg:1000 shu:1/592.610] xhs:168\n[RGBGain:(2253, 1000, 1730)][ct: 5207] [adj_dbg_info:[CCM: 362, 32853, 32793]\n[color_md: default] [focal_len: 240] [dzoom_ratio: 10000, delta:0],[latitude: -35.443070] [longitude: 174.351088] [rel_alt: 18.200 abs_alt: 52.793] [cmpr: lens pos=37(stat 18), point(49, 49), window:(10, 10),(10, 10) of (30, 30), temp: 3200, inf:36] [sensor_temperature: 32] </font>",
    ));
    assert_eq!(sample.position, place(-35.443_07, 174.351_088, Some(52.793), Some(18.2)));
    let camera = sample.camera.expect("a camera");
    assert_eq!((camera.iso, camera.f_number, camera.zoom), (Some(120.0), Some(1.7), Some(1.0)));
    let (_, sample) = one(&cue(
        "<font color=\"#fff\"><b>F/2.8, SS 206.14, ISO 100, EV -0.7, DZOOM 2.000, GPS (17.1077, 48.1486, 20), D 3.9m, H 1.5m</b></font>",
    ));
    let camera = sample.camera.expect("a camera");
    assert_eq!((camera.f_number, camera.iso, camera.zoom), (Some(2.8), Some(100.0), Some(2.0)));
    assert_eq!(sample.position, place(48.1486, 17.1077, None, Some(1.5)));
}
