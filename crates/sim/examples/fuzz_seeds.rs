//! Writes the synthetic files that fuzzing starts from: `fuzz_seeds FOLDER`, a folder a target below it.
//!
//! A fuzzer that starts from nothing spends its time on the first bytes of a format. Binary files are small ones of the
//! simulator; text is written here, a piece for each family and version that a reader knows.

use std::path::Path;

use anyhow::Context as _;
use eyrie_cloudapi::LatLng;
use eyrie_sim::{Extras, Flight, Landscape, Plan, Telemetry, View, photo::Origin};
use jiff::Timestamp;
use uuid::Uuid;

const HOME: LatLng = LatLng { lat: 47.3769, lng: 8.5417 };

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).context("usage: fuzz_seeds FOLDER")?;
    let folder = Path::new(&folder);
    let write = |target: &str, name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        std::fs::write(folder.join(name), bytes).with_context(|| format!("cannot write a seed of {target}"))
    };
    for (name, telemetry) in [("djmd", Telemetry::Djmd), ("tx3g", Telemetry::Tx3g), ("both", Telemetry::Both)] {
        let flight = flight(telemetry);
        let mut set = Vec::new();
        for file in &flight.files {
            let bytes = flight.bytes(file)?;
            let extension = file.name.rsplit('.').next().unwrap_or_default();
            let targets: &[&str] = match extension {
                "JPG" => &["media_photo", "media_picture", "media_thermal", "media_sniff"],
                "MP4" => &["media_video", "media_sniff"],
                "obs" | "nav" => &["media_sniff"],
                "MRK" => &["media_mrk", "media_sniff"],
                "rtk" | "dat" => &["media_rtcm", "media_sniff"],
                _ => &[],
            };
            for target in targets {
                write(target, &format!("{name}-{}", file.name), &bytes)?;
            }
            if let Some(number) = UNDERSTOOD.iter().position(|known| *known == extension) {
                let bytes = [&[u8::try_from(number)?], bytes.as_slice()].concat();
                write("media_understand", &format!("{name}-{}", file.name), &bytes)?;
            }
            if matches!(extension, "obs" | "nav" | "MRK" | "JPG") {
                // that target's parts end with 0xFF: what stands behind one is a part of its own
                set.extend([file.name.as_bytes(), b"\n", &bytes, &[0xff]].concat());
            }
            match extension {
                // that target's first byte chooses a first line; 0 is none
                "obs" | "nav" => {
                    write("media_rinex", &format!("{name}-{}", file.name), &[&[0], bytes.as_slice()].concat())?
                }
                "MP4" => {
                    if let Some(samples) = telemetry_samples(&bytes) {
                        write("media_djmd", name, &[&[0], samples].concat())?;
                    }
                }
                "JPG" => write("media_thermal", &format!("{name}-raw-{}", file.name), &with_raw_plane(&bytes))?,
                _ => {}
            }
        }
        write("media_ppk", name, &set)?;
    }
    for (number, text) in SUBTITLES.iter().enumerate() {
        write("media_srt", &format!("family-{number}.srt"), text.as_bytes())?;
        write("media_sniff", &format!("family-{number}.srt"), text.as_bytes())?;
    }
    for (number, (first_line, body)) in RINEX.iter().enumerate() {
        write("media_rinex", &format!("version-{number}"), &[&[*first_line], body.as_bytes()].concat())?;
    }
    write("media_mrk", "cut.MRK", MRK.as_bytes())?;
    write("media_mrk", "commas.MRK", MRK.replace('.', ",").as_bytes())?;
    for (number, text) in SOLUTIONS.iter().enumerate() {
        // that target's exposures stand before the solution, which begins with its comment
        write("media_solution", &format!("form-{number}.pos"), &[MRK.as_bytes(), b"\n", text.as_bytes()].concat())?;
    }
    for (shape, body) in REQUESTS {
        write("objects_s3", &format!("shape-{shape}"), &[&[shape], body.as_bytes()].concat())?;
    }
    for (number, text) in MESSAGES.iter().enumerate() {
        write("cloudapi_decode", &format!("message-{number}.json"), text.as_bytes())?;
    }
    for (number, text) in PILOT.iter().enumerate() {
        write("cloudapi_pilot", &format!("body-{number}.json"), text.as_bytes())?;
    }
    for (number, text) in TIMES.iter().enumerate() {
        write("cloudapi_time", &format!("time-{number}"), text.as_bytes())?;
    }
    for (number, text) in TOPICS.iter().enumerate() {
        write("cloudapi_topic", &format!("topic-{number}"), text.as_bytes())?;
    }
    Ok(())
}

/// A flight of each kind of file, as small as they come.
fn flight(telemetry: Telemetry) -> Flight {
    let plan = Plan {
        photos: 2,
        video_s: 1,
        telemetry,
        ppk: true,
        extras: Extras { thermal: true, panorama: true },
        height_m: 60.0,
        camera_model: "M3TD".into(),
        aircraft_sn: "1581F5FJC00000000001".into(),
        home: HOME,
        utc_offset_s: 7_200,
        number: 1,
        flight_id: Uuid::from_u128(0x5eed),
    };
    let view =
        View { landscape: Landscape::new(7), origin: Origin { lat: HOME.lat, lng: HOME.lng }, width: 64, height: 48 };
    Flight::plan(&plan, view, "2026-05-10T08:15:30Z".parse::<Timestamp>().expect("a time"))
}

/// From the first sample, which carries the protocol's name: fields 1, 1.1 and 1.1.1, a tag and a length each, come before it.
fn telemetry_samples(video: &[u8]) -> Option<&[u8]> {
    let name = video.windows(5).position(|window| window == b"dvtm_")?;
    video.get(name.checked_sub(6)?..(name + 1_024).min(video.len()))
}

/// The segments of an R-JPEG, with fewer values than a camera has.
fn with_raw_plane(jpeg: &[u8]) -> Vec<u8> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).expect("a segment's size");
        [&[0xff, marker], length.to_be_bytes().as_slice(), body].concat()
    };
    let mut parameters = b"\xff\xd2\xd1\xffiirp".to_vec();
    parameters.resize(64, 0);
    parameters.extend_from_slice(b"\x2c\x01\x20\x00");
    for value in [25.0_f32, 5.0, 0.95, 0.7, 23.0] {
        parameters.extend_from_slice(&value.to_le_bytes());
    }
    let plane: Vec<u8> = (0..64 * 48_u16).flat_map(|value| (3_000 + value % 500).to_le_bytes()).collect();
    [&jpeg[..2], &segment(0xe3, &plane), &segment(0xe4, &parameters), &jpeg[2..]].concat()
}

const SUBTITLES: [&str; 7] = [
    "1\n00:00:00,000 --> 00:00:01,000\nHOME(8.5417,47.3769) 2018.07.19 09:27:31\nGPS(8.5418,47.3770,17) BAROMETER:41.2\nISO:100 Shutter:320 EV: Fnum:2.2\n\n",
    "1\n00:00:00,000 --> 00:00:01,000\n2021.03.05 10:11:12\nGPS(47.3769,8.5417,120.5M) BAROMETER:80.1M\nISO:100 Shutter:500 EV:0 Fnum:2.8\n\n",
    "1\n00:00:00,000 --> 00:00:01,000\nF/5.6, SS 400, ISO 100, EV 0, GPS (8.5417, 47.3769, 15), HOME (8.5417, 47.3769, 41.0m), D 698.70m, H 85.80m, H.S 0.00m/s, V.S 0.00m/s, F.PRY (1.0\u{b0}, -2.0\u{b0}, 33.0\u{b0}), G.PRY (-90.0\u{b0}, 0.0\u{b0}, 33.0\u{b0})\n\n",
    "1\n00:00:00,000 --> 00:00:00,033\n<font size=\"36\">FrameCnt: 1, DiffTime: 33ms\n2024-05-10 10:15:30,123,456\n[iso: 100] [shutter: 1/640.0] [fnum: 280] [ev: 0] [ct: 5500] [color_md: default] [focal_len: 240] [latitude: 47.376900] [longitude: 8.541700] [rel_alt: 42.500 abs_alt: 472.100] [gb_yaw: -91.4 gb_pitch: -90.0 gb_roll: 0.0]</font>\n\n",
    "\u{feff}1\r\n00:00:00,000 --> 00:00:00,016\r\n<font size=\"28\">SrtCnt : 1, DiffTime : 16ms\r\n2020-01-02 03:04:05.678\r\n[iso : 100] [shutter : 1/60.0] [fnum : 1.7] [latitude : 47.37] [longtitude : 8.54] [altitude: 430.0] [dzoom_ratio: 10000, delta:0] [pp_target: 1,2,3]</font>\r\n\r\n",
    "1\n00:00:00,000 --> 00:00:00,033\nFrameCnt: 0 2026-05-10 10:15:30.123\n[focal_len: 40.00] [dzoom_ratio: 1.0] [latitude: 0.000000] [longitude: 0.000000] [rel_alt: 0.000 abs_alt: 0.000] [ir_gain_mode: high]\n\n",
    "1\n00:00:00,000 --> 00:00:01,000\nF/2.8, SS 206.14, ISO 150, EV 0, GPS (n/a, n/a, 0), D 0.00m, H n/a, H.S 0.00m/s, V.S 0.00m/s\n\n2\n00:00:01,000 --> 00:",
];

/// What the target puts before the text, by number, and the text.
const RINEX: [(u8, &str); 4] = [
    (
        1,
        "     2    L1    C1                                          # / TYPES OF OBSERV\n     1.000                                                  INTERVAL\n                                                            END OF HEADER\n 24  5 10  8 15 30.0000000  0  2G01R02\n 110000000.123 7  21000000.456\n 120000000.123 7  22000000.456\n",
    ),
    (
        2,
        "G    4 C1C L1C D1C S1C                                      SYS / # / OBS TYPES\n     0.200                                                  INTERVAL\n                                                            END OF HEADER\n> 2024 05 10 08 15 30.0000000  0  1\nG01  21000000.456 7 110000000.123 7      -100.123          45.000\n> 2024 05 10 08 15 30.2000000  4  1\n                                                            COMMENT\n",
    ),
    (
        3,
        "                                                            END OF HEADER\n 1 24  5 10  8  0  0.0 1.234567890123D-04 1.234567890123D-12 0.000000000000D+00\n    1.000000000000D+00 2.000000000000D+00 3.000000000000D-09 4.000000000000D-01\n",
    ),
    (
        4,
        "                                                            END OF HEADER\n> EPH G01 LNAV\nG01 2024 05 10 08 00 00 1.234567890123E-04 1.234567890123E-12 0.000000000000E+00\n",
    ),
];

const MRK: &str = "1\t467730.123456\t[2313]\t   -12,N\t    34,E\t   193,V\t47.37690000,Lat\t8.54170000,Lon\t472.123,Ellh\t0.0123, 0.0134, 0.0256\t50,Q\r\n2\t467733.5\t[2313]\t0,N\t0,E\t0,V\t0.0,Lat\t0.0,Lon\t0.0,Ellh\t0, 0, 0\t0,Q\n3\t4677";

/// Dates, weeks, and degrees with minutes; GPS time and UTC.
const SOLUTIONS: [&str; 3] = [
    "% program   : rnx2rtkp ver.2.4.3 b34\n%  GPST                  latitude(deg) longitude(deg)  height(m)   Q  ns   sdn(m)   sde(m)   sdu(m)  sdne(m)  sdeu(m)  sdun(m) age(s)  ratio\n2024/05/10 09:55:30.000   47.376900000    8.541700000   472.1000   1  14   0.0100   0.0100   0.0300   0.0010   0.0010   0.0010   0.00   12.0\n2024/05/10 09:55:30.200   47.376901000    8.541700000   472.1000   2  14   0.1   0.1   0.3   0 0 0   0.00    1.2\n",
    "%  GPST          latitude(deg) longitude(deg)  height(m)   Q  ns\n2313 467730.000   47.376900000    8.541700000   472.1000   1  14\n2313 467733.000   47.376910000    8.541700000   472.1000   5   6\n",
    "%  UTC                   latitude(d'\") longitude(d'\")  height(m)   Q  ns\n2024/05/10 09:55:12.000   47 22 36.84000    8 32 30.12000   472.1000   1  14\n",
];

/// The endings of the names that `media_understand` puts before a file, by its first byte.
const UNDERSTOOD: [&str; 13] = ["MP4", "SRT", "-", "JPG", "DNG", "png", "obs", "nav", "MRK", "bin", "-", "rtk", "dat"];

/// What `objects_s3` asks, by its first byte, and the body or the header's value.
const REQUESTS: [(u8, &str); 10] = [
    (
        0,
        "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>",
    ),
    (1, "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"0\"</ETag></Part></CompleteMultipartUpload>"),
    (2, "bytes"),
    (3, "5\r\nbytes\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"),
    (
        4,
        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=a&DurationSeconds=900&Policy=%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D",
    ),
    (6, "/ws-1/a?versionId=null"),
    (7, "bytes=0-4, 7-"),
    (9, "Fri, 10 May 2024 10:15:30 GMT"),
    (10, "prefix=a/b"),
    (11, "folder/a name.JPG"),
];

const MESSAGES: [&str; 7] = [
    r#"{"tid":"t","bid":"b","timestamp":1760000000123,"gateway":"SN1","method":"file_upload_callback","need_reply":1,"data":{"file":{"object_key":"docks/SN1/f/a.JPG","path":"","name":"a.JPG","cloud_to_cloud_id":"DEFAULT","ext":{"flight_id":"f","drone_model_key":"0-91-1","payload_model_key":"1-81-0","is_original":true},"metadata":{"gimbal_yaw_degree":"-91.5","absolute_altitude":156.2,"relative_altitude":42.5,"create_time":"2024-05-10 09:30:00","shoot_position":{"lat":22.5,"lng":114.0}}},"flight_task":{"uploaded_file_count":3,"expected_file_count":12,"flight_type":0}}}"#,
    r#"{"tid":"t","bid":"b","timestamp":"1","need_reply":true,"method":"file_upload_callback","data":{"result":0,"object_key":"k","name":"n","fingerprint":"AB","type":"x","metadata":{"created_time":"2024-05-10T10:15:30+08:00","shoot_position":{"latitude":"22.5","longitude":"114"}}}}"#,
    r#"{"tid":"t","bid":"b","timestamp":1,"method":"storage_config_get","data":{"module":0}}"#,
    r#"{"tid":"t","bid":"b","timestamp":1,"method":"update_topo","data":{"domain":"3","type":2,"sub_type":0,"device_secret":"","nonce":"","thing_version":"1","sub_devices":[{"sn":"A1","domain":"0","type":91,"sub_type":1,"index":"A"}]}}"#,
    r#"{"tid":"t","bid":"b","timestamp":1,"gateway":"SN1","data":{"media_file_detail":{"remain_upload":4},"storage":{"total":100,"used":10},"flighttask_step_code":5,"latitude":47.1,"longitude":8.2}}"#,
    r#"{"tid":"t","bid":"b","timestamp":1,"method":"airport_organization_bind","data":{"bind_devices":[{"device_binding_code":"c","organization_id":"o","device_callsign":"n","sn":"SN1","device_model_key":"3-2-0"}]}}"#,
    r#"{"tid":"t","bid":"b","timestamp":1,"method":"flighttask_progress","need_reply":1,"data":{"result":0,"output":{"status":"ok","progress":{"percent":100,"current_step":1},"ext":{"flight_id":"f","media_count":12,"track_id":"x","current_waypoint_index":3}}}}"#,
];

const PILOT: [&str; 4] = [
    r#"{"fingerprint":"AB12","name":"a.JPG","path":"DJI_202405101015_001_Route","ext":{"drone_model_key":"0-77-1","payload_model_key":"1-67-0","is_original":true,"tinny_fingerprint":"5d4_2024_5_10_9_3_1","sn":"A1"}}"#,
    r#"{"tiny_fingerprints":["5aec4c6bbfb0b2c4f9f54ab92d65aa68_2021_8_31_8_13_10","x_1_1_1_1_1_1"]}"#,
    r#"{"result":0,"object_key":"pilot/A/a.JPG","name":"a.JPG","fingerprint":"AB","path":"","sub_file_type":1,"ext":{"file_group_id":"g","drone_model_key":"0-77-1","payload_model_key":"1-67-0","is_original":true,"tinny_fingerprint":"t","sn":"A1"},"metadata":{"absolute_altitude":56.3,"relative_altitude":41.1,"created_time":"2021-05-10T16:04:20+08:00","gimbal_yaw_degree":"0","shoot_position":{"lat":22.1,"lng":122.5}}}"#,
    r#"{"file_group_id":"g","file_count":24,"file_uploaded_count":24}"#,
];

const TIMES: [&str; 4] =
    ["2024-05-01 09:30:00", "2024-05-10T10:15:30+08:00", "2024:05:10 10:15:30.123456", "1715307330123"];

const TOPICS: [&str; 4] = [
    "thing/product/7CTDTEST0001/events",
    "thing/product/7CTDTEST0001/property/set_reply",
    "sys/product/7CTDTEST0001/status",
    "thing/product/7CTDTEST0001/drc/up",
];
