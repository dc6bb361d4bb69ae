use super::*;
use crate::rtcm::frame;

fn jpeg(parts: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0xD8];
    for (marker, payload) in parts {
        bytes.extend([0xFF, *marker]);
        bytes.extend(u16::try_from(payload.len() + 2).unwrap().to_be_bytes());
        bytes.extend(*payload);
    }
    bytes.extend([0xFF, 0xDA, 0, 2]);
    bytes
}

#[test]
fn names_promise_kinds() {
    for (name, kind) in [
        ("DJI_20240510101530_0004_W_Waypoint4.JPG", Kind::Photo),
        ("DJI_20240510101530_0004_T.JPG", Kind::Thermal),
        ("DJI_20240510101530_0005_V.MP4", Kind::Video),
        ("DJI_0005.SRT", Kind::Subtitle),
        ("DJI_202405101015_001_x_PPKOBS.obs", Kind::Ppk),
        ("100_0004_PPKRAW.bin", Kind::Ppk),
        ("base.dat", Kind::Rtcm),
        ("noextension", Kind::Other),
        ("", Kind::Other),
    ] {
        assert_eq!(kind_of_name(name), kind, "{name}");
    }
}

#[test]
fn content_wins_over_the_name() {
    let thermal = jpeg(&[(0xE3, &[0; 32])]);
    assert_eq!(sniff("DJI_0001_R.JPG", &thermal).kind, Kind::Thermal);
    let kodak = jpeg(&[(0xE3, b"Meta\0\0II*\0")]);
    assert_eq!(sniff("DCP_0001.JPG", &kodak).kind, Kind::Photo);
    let photo = jpeg(&[(0xE0, b"JFIF\0")]);
    let found = sniff("clip.mp4", &photo);
    assert_eq!(found.kind, Kind::Photo);
    assert_eq!(found.warnings.len(), 1);
    let sphere = jpeg(&[(0xE1, b"GPano:ProjectionType=\"equirectangular\"")]);
    assert_eq!(
        sniff("PANO.JPG", &sphere),
        Sniffed { kind: Kind::Panorama, format: Format::Jpeg, content_type: "image/jpeg", warnings: vec![] }
    );
}

#[test]
fn a_name_with_foreign_content_is_kept_and_warned_of() {
    let found = sniff("DJI_0001.JPG", b"not a picture");
    assert_eq!(found.kind, Kind::Photo);
    assert_eq!(found.warnings.len(), 1);
    assert_eq!(sniff("DJI_0001.JPG", b"").warnings, ["the file is empty"]);
}

#[test]
fn rtcm3_is_known_by_its_checksum() {
    let mut frame = frame(&[0x3E, 0xD0]);
    assert_eq!(sniff("x.dat", &frame).kind, Kind::Rtcm);
    assert_eq!(sniff("x.rtk", &frame).kind, Kind::Ppk);
    *frame.last_mut().unwrap() ^= 1;
    assert_eq!(sniff("x.bin", &frame).kind, Kind::Other);
}

#[test]
fn cut_and_hostile_heads_do_not_panic() {
    for bytes in [
        &[0xFF, 0xD8, 0xFF][..],
        &[0xFF, 0xD8, 0xFF, 0xE1, 0, 0],
        &[0xD3, 3, 0xFF],
        &[0xFF, 0xD8, 0xFF, 0xE1, 0xFF, 0xFF, 1],
    ] {
        let _ = sniff("a.jpg", bytes);
    }
}

#[test]
fn rtcm3_behind_other_bytes_is_found() {
    let mut bytes = b"\0\x01garbage\xD3\x00\xD3".to_vec();
    bytes.extend(frame(&[0x3E, 0xD0, 1, 2]));
    assert_eq!(sniff("base.dat", &bytes).kind, Kind::Rtcm);
    assert!(sniff("base.dat", &bytes).warnings.is_empty());
    assert_eq!(sniff("a.JPG", &bytes).warnings, ["the name promises photo but the content is rtcm"]);
}

#[test]
fn logs_are_looked_into() {
    let found = sniff("DJI_202405101015_001.rtk", &[0xAA, 0x44, 0xB5, 0, 1, 2, 3]);
    assert_eq!((found.kind, found.format), (Kind::Ppk, Format::Receiver(ReceiverFormat::Unicore)));
    assert_eq!(found.warnings, ["the log is in its receiver's own format (Unicore binary), which is not read"]);
    let event = [0xAA, 0x44, 0x12, 0x1C, 0xFF, 0x0F, 0, 0];
    assert_eq!(sniff("100_0004_EVENTLOG.bin", &event).format, Format::EventLog);
    let prompt = [b"Com1>\r\n".as_slice(), &[0xB5, 0x62, 0x05, 0x01, 0x02, 0x00, 0x06, 0x01, 0x0F, 0x38]].concat();
    assert_eq!(sniff("x.rtk", &prompt).format, Format::Receiver(ReceiverFormat::Ubx));
    let found = sniff("x.rtk", b"what is this");
    assert_eq!(found.warnings, ["the name promises ppk but the content is not one that is known"]);
}

#[test]
fn text_is_told_by_its_form() {
    let mrk =
        b"1\t275295.301059\t[2024]\t -26,N\t 19,E\t 191,V\t-36.4,Lat\t174.6,Lon\t170.4,Ellh\t1.4, 1.3, 3.1\t16,Q\n";
    let rinex = |version: &str, kind: &str| format!("{version:>9}           {kind:<40}RINEX VERSION / TYPE\r\n");
    for (name, text, format) in [
        ("a.bin", mrk.to_vec(), Format::Mrk),
        ("a.MRK", b"1\t0.0\t[0]\t0,N\t0,E\t0,V\t0.0,Lat\t0.0,Lon\t0.0,Ellh\t0, 0, 0\t0,Q\n".to_vec(), Format::Mrk),
        ("a.obs", rinex("2.11", "OBSERVATION DATA    G (GPS)").into_bytes(), Format::RinexObservation),
        ("a.24o", rinex("3.04", "OBSERVATION DATA    M").into_bytes(), Format::RinexObservation),
        ("a.nav", rinex("2.10", "G: GLONASS NAV DATA").into_bytes(), Format::RinexNavigation),
        ("a.rnx", rinex("4.01", "NAVIGATION DATA     M").into_bytes(), Format::RinexNavigation),
        (
            "a.crx",
            b"3.0                 COMPACT RINEX FORMAT                    CRINEX VERS   / TYPE\n".to_vec(),
            Format::RinexOther,
        ),
        ("a.srt", b"\xEF\xBB\xBF1\r\n00:00:00,000 --> 00:00:01,000\r\nGPS(1,2,3)\r\n".to_vec(), Format::Subtitle),
        ("a.srt", b"00:00:00,000 --> 00:00:01,000\nF/5.6, SS 400, ISO 100\n".to_vec(), Format::Subtitle),
        (
            "a.srt",
            b"FrameCnt : 1, DiffTime : 33ms\n2020-01-01 00:00:00,000,000\n[iso : 100] [latitude : 1] \n".to_vec(),
            Format::Subtitle,
        ),
        (
            "a.pos",
            b"% program   : RTKPOST ver.2.4.3 b34\n% inp file  : a\n%  GPST                  latitude(deg)\n".to_vec(),
            Format::Solution,
        ),
        ("a.txt", b"1\nof many lists\n".to_vec(), Format::Unknown),
    ] {
        assert_eq!(sniff(name, &text).format, format, "{name} {}", String::from_utf8_lossy(&text));
    }
}

#[test]
fn films_of_all_wrappers() {
    for (head, content_type) in [
        (&b"\0\0\0\x18ftypisom\0\0\x02\0"[..], "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\x02\0", "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", "video/quicktime"),
        (b"\0\0\0\0mdat\0\0\0", "video/quicktime"),
        (b"\0\0\x10\0moov\0\0\0", "video/quicktime"),
    ] {
        let found = sniff("DJI_0001.MP4", head);
        assert_eq!((found.kind, found.content_type), (Kind::Video, content_type));
    }
    assert_eq!(sniff("a.bin", b"\0\0\0\x08free and easy text").kind, Kind::Other);
    assert_eq!(sniff("a.HEIC", b"\0\0\0\x18ftypheic\0\0\0\0").format, Format::Heic);
}

#[test]
fn dng_is_more_than_tiff() {
    let tiff = |tag: u16| {
        let mut bytes = vec![b'I', b'I', 42, 0, 8, 0, 0, 0, 1, 0];
        bytes.extend(tag.to_le_bytes());
        bytes.extend([1, 0, 4, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 0]);
        bytes
    };
    assert_eq!(sniff("a.DNG", &tiff(0xC612)).format, Format::Dng);
    assert_eq!(sniff("a.tif", &tiff(0x0100)).format, Format::Tiff);
}

#[test]
fn a_file_that_is_not_read_says_why() {
    for (name, head, why) in [
        (
            "base.23o.gz",
            &b"\x1F\x8B\x08\0"[..],
            "the file is not understood: its content is a gzip archive: unpack it to have it read",
        ),
        (
            "igs.sp3",
            b"#cP2010  7  1  0  0  0.00000000      96 ORBIT IGb08 HLM  IGS\n",
            "the file is not understood: its content is SP3 orbits, which are not read",
        ),
        (
            "base.obs",
            b"PK\x03\x04",
            "the name promises ppk but the content is a zip archive: unpack it to have it read",
        ),
        (
            "DJI_0001.JPG",
            b"RIFF\0\0\0\0WEBPVP8 ",
            "the name promises a photo but the content is a WebP picture, which is not read",
        ),
    ] {
        assert_eq!(sniff(name, head).warnings, [why], "{name}");
    }
    let rtcm_2: Vec<u8> = (0..200_u32).map(|n| 0x40 | (n * 37 % 64) as u8).collect();
    assert_eq!(
        sniff("base.dat", &rtcm_2).warnings,
        ["the name promises rtcm but the content is RTCM 2, which is not read"]
    );
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let found = sniff("IMG_0001.HEIC", heic);
    assert_eq!((found.kind, found.warnings.len()), (Kind::Photo, 1));
}

#[test]
fn what_nobody_understands_says_so_and_plain_files_do_not() {
    for plain in [&b"a note of the pilot\n"[..], "gr\u{fc}n".as_bytes(), &"gr\u{fc}".as_bytes()[..3]] {
        assert_eq!(sniff("notes.txt", plain).warnings, Vec::<String>::new());
    }
    for odd in [&[0x7F, b'E', b'L', b'F', 2, 1, 1, 0][..], &[0; 100], &[0xFF, 0xFE, 0xFD, 1, 2, 3]] {
        let found = sniff("strange.xyz", odd);
        assert_eq!(
            (found.kind, found.warnings.as_slice()),
            (Kind::Other, &["the file is not understood: its content is not one that is known".to_owned()][..])
        );
    }
}
