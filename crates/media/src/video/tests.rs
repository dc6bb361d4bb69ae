//! Videos made here, byte by byte, with telemetry of every carrier.

use super::*;
use crate::track::{Attitude, Camera, Sample};

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    [&(inside.len() as u32 + 8).to_be_bytes(), kind.as_slice(), &inside].concat()
}

fn be(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A telemetry track whose samples lie at these places.
struct TestTrack {
    id: u32,
    handler: &'static [u8; 4],
    entry: &'static [u8; 4],
    timescale: u32,
    delta: u32,
    sizes: Vec<u32>,
    offsets: Vec<u64>,
}

impl TestTrack {
    fn trak(&self) -> Vec<u8> {
        let count = self.sizes.len() as u32;
        let duration = count * self.delta;
        let tkhd = boxed(
            b"tkhd",
            &[
                &be(&[0, 0, 0, self.id, 0, duration, 0, 0, 0, 0]),
                &be(&[0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000]),
                &be(&[0, 0]),
            ],
        );
        let mdhd = boxed(b"mdhd", &[&be(&[0, 0, 0, self.timescale, duration, 0])]);
        let hdlr = boxed(b"hdlr", &[&be(&[0, 0]), self.handler, &be(&[0, 0, 0]), b"DJI meta\0"]);
        let entry = match self.handler {
            b"vide" => boxed(self.entry, &[&[0; 24], &[0x0F, 0x00, 0x08, 0x70], &[0; 50]]),
            _ => boxed(self.entry, &[&[0; 8]]),
        };
        let stsd = boxed(b"stsd", &[&be(&[0, 1]), &entry]);
        let stts = boxed(b"stts", &[&be(&[0, 1, count, self.delta])]);
        let stsc = boxed(b"stsc", &[&be(&[0, 1, 1, 1, 1])]);
        let stsz = boxed(b"stsz", &[&be(&[0, 0, count]), &be(&self.sizes)]);
        let offsets: Vec<u8> = self.offsets.iter().flat_map(|offset| offset.to_be_bytes()).collect();
        let co64 = boxed(b"co64", &[&be(&[0, count]), &offsets]);
        let stbl = boxed(b"stbl", &[&stsd, &stts, &stsc, &stsz, &co64]);
        boxed(b"trak", &[&tkhd, &boxed(b"mdia", &[&mdhd, &hdlr, &boxed(b"minf", &[&stbl])])])
    }
}

/// 2026-11-23T05:14:22Z in seconds since 1904.
const CREATED: u32 = 1_795_410_862_u32.wrapping_add(2_082_844_800);

fn moov(tracks: &[TestTrack], more: &[u8]) -> Vec<u8> {
    let mvhd = boxed(b"mvhd", &[&be(&[0, CREATED, CREATED, 1_000, 2_000]), &[0; 80]]);
    let tracks: Vec<u8> = tracks.iter().flat_map(TestTrack::trak).collect();
    boxed(b"moov", &[&mvhd, &tracks, more])
}

const FTYP: &[u8] = b"\0\0\0\x10ftypisom\0\0\0\0";

/// A file with one telemetry track behind a picture track, the index last.
fn file_with(entry: &'static [u8; 4], samples: &[Vec<u8>]) -> Vec<u8> {
    let picture = vec![0xAB; 1_000];
    let mut at = FTYP.len() as u64 + 8 + picture.len() as u64;
    let offsets = samples
        .iter()
        .map(|sample| {
            let here = at;
            at += sample.len() as u64;
            here
        })
        .collect();
    let mdat = boxed(b"mdat", &[&picture, &samples.concat()]);
    let count = samples.len() as u32;
    let handler = if entry == b"tx3g" { b"sbtl" } else { b"meta" };
    let tracks = [
        TestTrack {
            id: 1,
            handler: b"vide",
            entry: b"hvc1",
            timescale: 30_000,
            delta: 1_001,
            sizes: vec![10; count as usize],
            offsets: vec![24; count as usize],
        },
        TestTrack {
            id: 2,
            handler,
            entry,
            timescale: 30_000,
            delta: 1_001,
            sizes: samples.iter().map(|s| s.len() as u32).collect(),
            offsets,
        },
    ];
    [FTYP, &mdat, &moov(&tracks, &[])].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn message(number: u32, inside: &[u8]) -> Vec<u8> {
    [varint(u64::from(number) << 3 | 2), varint(inside.len() as u64), inside.to_vec()].concat()
}

fn number(field: u32, value: i64) -> Vec<u8> {
    [varint(u64::from(field) << 3), varint(value as u64)].concat()
}

fn double(field: u32, value: f64) -> Vec<u8> {
    [varint(u64::from(field) << 3 | 1), value.to_le_bytes().to_vec()].concat()
}

fn float(field: u32, value: f32) -> Vec<u8> {
    [varint(u64::from(field) << 3 | 5), value.to_le_bytes().to_vec()].concat()
}

/// Wraps a message into the messages of a path, the outermost first.
fn nested(path: &[u32], inside: Vec<u8>) -> Vec<u8> {
    path.iter().rev().fold(inside, |inside, number| message(*number, &inside))
}

fn djmd_header(protocol: &str) -> Vec<u8> {
    nested(
        &[1, 1],
        [message(1, protocol.as_bytes()), message(5, b"1581F5BKD"), message(6, b"10.01.00.05"), message(10, b"M30T")]
            .concat(),
    )
}

struct Shape {
    protocol: &'static str,
    aircraft: &'static [u32],
    block: &'static [u32],
    relative: &'static [u32],
    gimbal: &'static [u32],
    degrees: bool,
}

const M30: Shape = Shape {
    protocol: "dvtm_pm320.proto",
    aircraft: &[3, 3, 3],
    block: &[3, 3, 4],
    relative: &[3, 3, 5],
    gimbal: &[3, 4, 3],
    degrees: false,
};
const SHAPES: &[Shape] = &[
    M30,
    Shape { protocol: "dvtm_wm265e.proto", ..M30 },
    Shape { protocol: "dvtm_wa345e.proto", ..M30 },
    Shape { protocol: "dvtm_wm261.proto", ..M30 },
    Shape { protocol: "dvtm_Air3s.proto", ..M30 },
    Shape { protocol: "dvtm_Mini4_Pro.proto", ..M30 },
    Shape { protocol: "dvtm_Mavic4.proto", degrees: true, ..M30 },
    Shape {
        protocol: "dvtm_AVATA2.proto",
        aircraft: &[3, 4, 3],
        block: &[3, 4, 4],
        relative: &[3, 4, 5],
        gimbal: &[],
        degrees: false,
    },
];

/// Angles in tenths: pitch, roll, yaw.
fn euler(pitch: i64, roll: i64, yaw: i64) -> Vec<u8> {
    [number(1, pitch), number(2, roll), number(3, yaw)].concat()
}

fn djmd_frame(shape: &Shape, frame: u64, lat: f64, lng: f64) -> Vec<u8> {
    let (unit, angle) =
        if shape.degrees { (number(1, 1), [lat, lng]) } else { (Vec::new(), [lat.to_radians(), lng.to_radians()]) };
    let position = [unit, double(2, angle[0]), double(3, angle[1])].concat();
    let block = [message(1, &position), number(2, 512_250)].concat();
    let mut bytes = nested(&[3, 1], [number(1, frame as i64), number(2, frame as i64 * 33_367)].concat());
    bytes.extend(nested(shape.block, block));
    bytes.extend(nested(shape.relative, float(1, 52_100.0)));
    bytes.extend(nested(shape.aircraft, euler(-25, 31, 1_800)));
    if !shape.gimbal.is_empty() {
        bytes.extend(nested(shape.gimbal, euler(-900, 0, -45)));
    }
    bytes.extend(nested(&[3, 2, 2], float(1, 100.0)));
    bytes
}

fn read_all(file: &[u8]) -> (Video, Option<Track>) {
    let (mut one, mut two) = (file, file);
    (read(&mut one).expect("in memory"), track(&mut two).expect("in memory"))
}

#[test]
fn every_known_layout_is_read() {
    for shape in SHAPES {
        let samples: Vec<Vec<u8>> = (1..=3)
            .map(|n| {
                let header = if n == 1 { djmd_header(shape.protocol) } else { Vec::new() };
                [header, djmd_frame(shape, n, 47.5 + n as f64 / 1e5, -8.25)].concat()
            })
            .collect();
        let (video, track) = read_all(&file_with(b"djmd", &samples));
        let name = shape.protocol;
        assert_eq!(video.warnings, Vec::<String>::new(), "{name}");
        assert_eq!((video.codec.as_deref(), video.width_px, video.height_px), (Some("h265"), Some(3_840), Some(2_160)));
        assert_eq!(video.telemetry, [TrackSource::Djmd]);
        let header = video.djmd.expect("a header");
        assert_eq!((header.protocol.as_deref(), header.product.as_deref()), (Some(name), Some("M30T")));
        let track = track.expect("a track");
        assert_eq!((track.source, track.samples.len()), (TrackSource::Djmd, 3), "{name}");
        let second = &track.samples[1];
        let place = second.position.expect("a position");
        assert!((place.lat - 47.500_02).abs() < 1e-9 && (place.lng + 8.25).abs() < 1e-9, "{name}: {place:?}");
        assert_eq!((place.absolute_altitude_m, place.relative_altitude_m), (Some(512.25), Some(52.1)), "{name}");
        let aircraft = Attitude { yaw_deg: Some(180.0), pitch_deg: Some(-2.5), roll_deg: Some(3.1) };
        assert_eq!(second.aircraft, Some(aircraft), "{name}");
        let gimbal = Attitude { yaw_deg: Some(-4.5), pitch_deg: Some(-90.0), roll_deg: Some(0.0) };
        assert_eq!(second.gimbal, (!shape.gimbal.is_empty()).then_some(gimbal), "{name}");
        assert!((second.t_s - 1_001.0 / 30_000.0).abs() < 1e-9);
        assert_eq!(second.at.map(|at| at.to_string()[..23].to_owned()).as_deref(), Some("2026-11-23T05:14:22.033"));
    }
}

#[test]
fn an_unknown_protocol_still_gives_positions_and_says_so() {
    let shape = Shape {
        protocol: "dvtm_next.proto",
        aircraft: &[3, 9],
        block: &[3, 7, 2, 4],
        relative: &[3, 8, 1],
        gimbal: &[],
        degrees: false,
    };
    let samples = [[djmd_header(shape.protocol), djmd_frame(&shape, 1, -33.9, 18.4)].concat()];
    let (video, track) = read_all(&file_with(b"djmd", &samples));
    assert!(video.warnings[0].contains("dvtm_next.proto"), "{:?}", video.warnings);
    let place = track.expect("a track").samples[0].position.expect("a position");
    assert!((place.lat + 33.9).abs() < 1e-9 && (place.lng - 18.4).abs() < 1e-9);
    assert_eq!(place.absolute_altitude_m, Some(512.25));
}

#[test]
fn moments_without_a_fix_stay_and_have_no_position() {
    let no_block = nested(&[3, 1], number(1, 2));
    let invalid = {
        let position = [double(2, 0.8), double(3, 0.1)].concat();
        [nested(&[3, 1], number(1, 3)), nested(&[3, 3, 4], [message(1, &position), number(3, 1)].concat())].concat()
    };
    let samples = [
        [djmd_header(M30.protocol), djmd_frame(&M30, 1, 0.0, 0.0)].concat(),
        no_block,
        invalid,
        djmd_frame(&M30, 4, 47.5, 8.25),
    ];
    let (_, track) = read_all(&file_with(b"djmd", &samples));
    let with: Vec<bool> = track.expect("a track").samples.iter().map(|sample| sample.position.is_some()).collect();
    assert_eq!(with, [false, false, false, true]);
}

#[test]
fn a_repeated_first_frame_is_one_frame() {
    let mut samples = vec![[djmd_header(M30.protocol), djmd_frame(&M30, 1, 47.5, 8.25)].concat()];
    samples.extend((1..=4).map(|n| djmd_frame(&M30, n, 47.5, 8.25)));
    let (_, track) = read_all(&file_with(b"djmd", &samples));
    let track = track.expect("a track");
    assert_eq!(track.samples.len(), 4);
    let times: Vec<i64> = track.samples.iter().map(|sample| (sample.t_s * 30_000.0 / 1_001.0).round() as i64).collect();
    assert_eq!(times, [0, 1, 2, 3]);
}

fn tx3g_sample(n: u32) -> Vec<u8> {
    let text = format!(
        "FrameCnt: {n} 2026-11-23 06:14:22.{n:03}\n[focal_len: 40.00] [dzoom_ratio: 1.00], [latitude: 47.{n}] [longitude: 8.25] \
         [rel_alt: 52.100 abs_alt: 512.250] [gb_yaw: -4.5 gb_pitch: -90.0 gb_roll: 0.0]"
    );
    [&(text.len() as u16).to_be_bytes(), text.as_bytes(), &[0, 0, 0, 8, b's', b't', b'y', b'l']].concat()
}

#[test]
fn text_tracks_are_read_and_empty_cues_are_gaps() {
    let samples = [tx3g_sample(1), vec![0, 0], tx3g_sample(3)];
    let (video, track) = read_all(&file_with(b"tx3g", &samples));
    assert_eq!(video.telemetry, [TrackSource::Tx3g]);
    assert_eq!(video.first_position.map(|place| place.lat), Some(47.1));
    let track = track.expect("a track");
    assert_eq!((track.source, track.samples.len(), track.warnings.len()), (TrackSource::Tx3g, 3, 0));
    assert_eq!(track.samples[1].position, None);
    let camera = track.samples[2].camera.expect("a camera");
    assert_eq!(camera, Camera { zoom: Some(1.0), focal_length_35mm_mm: Some(40.0), ..Camera::default() });
}

#[test]
fn udta_speaks_once() {
    let word =
        |kind: &[u8; 4], text: &str| boxed(kind, &[&(text.len() as u16).to_be_bytes(), &[0x15, 0xC7], text.as_bytes()]);
    let udta = boxed(
        b"udta",
        &[&word(b"\xA9xyz", "+47.5000-008.2500+412.5/"), &word(b"\xA9gpt", "-45.5"), &word(b"\xA9mdl", "FC330")],
    );
    let file = [FTYP, &boxed(b"mdat", &[&[0; 10]]), &moov(&[], &udta)].concat();
    let (video, track) = read_all(&file);
    assert_eq!((video.camera_model.as_deref(), video.telemetry.as_slice()), (Some("FC330"), &[TrackSource::Udta][..]));
    let track = track.expect("a track");
    let Sample { position: Some(place), gimbal: Some(gimbal), .. } = track.samples[0] else { panic!("{track:?}") };
    assert_eq!(
        (place.lat, place.lng, place.absolute_altitude_m, gimbal.pitch_deg),
        (47.5, -8.25, Some(412.5), Some(-45.5))
    );
}

#[test]
fn places_of_3gpp_are_read() {
    let fixed = |value: f64| (((value * 65_536.0) as i32) as u32).to_be_bytes();
    let place = |name: &[u8]| {
        let numbers = [fixed(-8.25), fixed(47.5), fixed(412.5)].concat();
        let loci = boxed(b"loci", &[&[0, 0, 0, 0, 0x55, 0xC4], name, &[0], &numbers, b"earth\0\0"]);
        read_all(&[FTYP, &boxed(b"mdat", &[&[0; 10]]), &moov(&[], &boxed(b"udta", &[&loci]))].concat()).0.first_position
    };
    let want = Some(Place { lat: 47.5, lng: -8.25, absolute_altitude_m: Some(412.5), relative_altitude_m: None });
    assert_eq!((place(b"\0"), place(b"Home\0"), place(b"\xFE\xFF\0H\0\0")), (want, want, want));
    assert_eq!(place(b"no end"), None);
}

#[test]
fn a_recording_that_was_cut_off_gives_its_first_moment() {
    let first = [djmd_header(M30.protocol), djmd_frame(&M30, 1, 47.5, 8.25)].concat();
    let file = [FTYP, &1_u32.to_be_bytes(), b"mdat", &(1_u64 << 30).to_be_bytes(), &first].concat();
    let (video, track) = read_all(&file);
    assert!(video.truncated && video.warnings[0].contains("moov"), "{:?}", video.warnings);
    assert!((video.first_position.expect("a position").lat - 47.5).abs() < 1e-9);
    assert_eq!(track.map(|track| track.samples.len()), Some(1));
}

#[test]
fn fragments_are_read() {
    let samples: Vec<Vec<u8>> = (1..=4)
        .map(|n| {
            [if n == 1 { djmd_header(M30.protocol) } else { Vec::new() }, djmd_frame(&M30, n, 47.5, 8.25)].concat()
        })
        .collect();
    let empty = TestTrack {
        id: 2,
        handler: b"meta",
        entry: b"djmd",
        timescale: 30_000,
        delta: 1_001,
        sizes: vec![],
        offsets: vec![],
    };
    let trex = boxed(b"trex", &[&be(&[0, 2, 1, 1_001, 0, 0])]);
    let mut file = [FTYP, &moov(&[empty], &boxed(b"mvex", &[&trex]))].concat();
    for (n, pair) in samples.chunks(2).enumerate() {
        let make = |data_offset: u32| {
            let tfhd = boxed(b"tfhd", &[&be(&[0x02_0000, 2])]);
            let tfdt = boxed(b"tfdt", &[&be(&[0, n as u32 * 2_002])]);
            let sizes: Vec<u32> = pair.iter().map(|sample| sample.len() as u32).collect();
            let trun = boxed(b"trun", &[&be(&[0x201, 2, data_offset]), &be(&sizes)]);
            boxed(b"moof", &[&boxed(b"traf", &[&tfhd, &tfdt, &trun])])
        };
        let moof = make(make(0).len() as u32 + 8);
        file.extend(moof);
        file.extend(boxed(b"mdat", &[&pair.concat()]));
    }
    let (video, track) = read_all(&file);
    assert!(video.fragmented && video.first_position.is_some());
    let track = track.expect("a track");
    let times: Vec<i64> = track.samples.iter().map(|sample| (sample.t_s * 30_000.0).round() as i64).collect();
    assert_eq!(times, [0, 1_001, 2_002, 3_003]);
    assert!(track.samples.iter().all(|sample| sample.position.is_some()));
}

#[test]
fn damage_anywhere_is_survived() {
    let samples =
        [[djmd_header(M30.protocol), djmd_frame(&M30, 1, 47.5, 8.25)].concat(), djmd_frame(&M30, 2, 47.5, 8.25)];
    let whole = file_with(b"djmd", &samples);
    for end in 0..whole.len() {
        read_all(&whole[..end]);
    }
    for at in (0..24).chain(1_040..whole.len()) {
        for value in [0, 0x7F, 0xFF] {
            let mut bent = whole.clone();
            bent[at] = value;
            read_all(&bent);
        }
    }
}

/// A file of any size whose bytes are made when they are asked for; counts what was asked.
struct Virtual {
    size_bytes: u64,
    pieces: Vec<(u64, Vec<u8>)>,
    read_bytes: u64,
    reads: u64,
}

impl RangeRead for Virtual {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_bytes += buffer.len() as u64;
        self.reads += 1;
        for (n, byte) in buffer.iter_mut().enumerate() {
            let at = offset + n as u64;
            let piece = self.pieces.partition_point(|(from, _)| *from <= at).checked_sub(1).map(|n| &self.pieces[n]);
            *byte = piece.and_then(|(from, bytes)| bytes.get((at - from) as usize)).copied().unwrap_or(0);
        }
        Ok(())
    }
}

#[test]
fn a_gigabyte_is_understood_by_less_than_two_percent_of_it() {
    // 85 s at 30 frames a second and 100 Mbit/s; the index behind a gigabyte of picture data
    const SIZE: u64 = 1 << 30;
    const FRAMES: u64 = 2_550;
    let step = (SIZE - 1_000_000) / FRAMES;
    let mut pieces = vec![(0, [FTYP, &1_u32.to_be_bytes(), b"mdat", &(SIZE - 16).to_be_bytes()].concat())];
    let (mut sizes, mut offsets) = (Vec::new(), Vec::new());
    for n in 0..FRAMES {
        let header = if n == 0 { djmd_header(M30.protocol) } else { Vec::new() };
        let sample = [header, djmd_frame(&M30, n + 1, 47.5, 8.25)].concat();
        let offset = 1_000 + n * step;
        sizes.push(sample.len() as u32);
        offsets.push(offset);
        pieces.push((offset, sample));
    }
    let track_box =
        TestTrack { id: 2, handler: b"meta", entry: b"djmd", timescale: 30_000, delta: 1_001, sizes, offsets };
    let index = moov(&[track_box], &[]);
    let size_bytes = SIZE + index.len() as u64;
    pieces.push((SIZE, index));
    let mut file = Virtual { size_bytes, pieces, read_bytes: 0, reads: 0 };
    let video = read(&mut file).expect("made");
    assert!(video.first_position.is_some());
    assert!(file.read_bytes < SIZE / 5_000, "{} bytes to know what it is", file.read_bytes);
    let track = track(&mut file).expect("made").expect("a track");
    assert_eq!(track.samples.len(), FRAMES as usize);
    assert!(file.read_bytes < SIZE / 50, "{} bytes in {} reads", file.read_bytes, file.reads);
    assert!(file.reads < FRAMES + 50, "{} reads", file.reads);
    eprintln!("{} bytes of a gigabyte in {} reads", file.read_bytes, file.reads);
}

mod layouts;
mod orphans;
mod traps;
mod wrappers;
