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
