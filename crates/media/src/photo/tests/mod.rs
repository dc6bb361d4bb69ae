//! Synthetic photos. The real ones of `EYRIE_SAMPLES` are read in `tests/photos.rs`.

mod hostile;
mod tiff_maker;

use super::*;
use tiff_maker::{Maker, Value};

/// A JPEG with these segments (marker, payload) and a frame header.
fn jpeg(segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut file = vec![0xFF, 0xD8];
    let frame = (0xC0, vec![8, 0x0F, 0x00, 0x14, 0x00, 3]);
    for (marker, payload) in segments.iter().chain([&frame]) {
        file.extend([0xFF, *marker]);
        file.extend(u16::try_from(payload.len() + 2).expect("fits").to_be_bytes());
        file.extend(payload);
    }
    file.extend([0xFF, 0xDA, 0, 2, 1, 2, 3, 0xFF, 0xD9]);
    file
}

fn xmp_segment(body: &str) -> (u8, Vec<u8>) {
    let packet = format!(
        "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF \
         xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">{body}</rdf:RDF></x:xmpmeta>"
    );
    (0xE1, packet.into_bytes())
}

fn photo(file: &[u8]) -> Photo {
    let mut bytes = file;
    read(&mut bytes).expect("bytes in memory can be read")
}

const ATTRIBUTES: &str = r#"<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"
    drone-dji:GpsStatus="RTK" drone-dji:GpsLatitude="+47.5000001" drone-dji:GpsLongtitude="-8.2500002"
    drone-dji:AbsoluteAltitude="+512.25" drone-dji:RelativeAltitude="-3.50" drone-dji:GimbalYawDegree="+6.00"
    drone-dji:GimbalPitchDegree="-90.00" drone-dji:GimbalRollDegree="+0.00" drone-dji:RtkFlag="50" drone-dji:RtkStdLat="0.012"
    drone-dji:UTCAtExposure="2026:11:23 05:14:22.250000" drone-dji:CaptureUUID="abc" drone-dji:ImageSource="WideCamera"
    drone-dji:DewarpFlag="0" drone-dji:DewarpData="2026-01-02;3666.5,3665.5,1.5,-2.5,-0.11,0.01,0,0,0.02"/>"#;

#[test]
fn xmp_in_attributes_and_in_elements_tells_the_same() {
    let elements = r#"<rdf:Description xmlns:d="http://www.dji.com/drone-dji/1.0/"><d:GpsStatus>RTK</d:GpsStatus>
        <d:GpsLatitude>+47.5000001</d:GpsLatitude><d:GpsLongitude> -8.2500002 </d:GpsLongitude>
        <d:AbsoluteAltitude>+512.25</d:AbsoluteAltitude><d:RelativeAltitude>-3.50</d:RelativeAltitude>
        <d:GimbalYawDegree>+6.00</d:GimbalYawDegree><d:GimbalPitchDegree>-90.00</d:GimbalPitchDegree>
        <d:GimbalRollDegree>+0.00</d:GimbalRollDegree><d:RtkFlag>50</d:RtkFlag><d:RtkStdLat>0.012</d:RtkStdLat>
        <d:UTCAtExposure>2026-11-23T05:14:22.25</d:UTCAtExposure><d:CaptureUUID>abc</d:CaptureUUID>
        <d:ImageSource>WideCamera</d:ImageSource><d:DewarpFlag>0</d:DewarpFlag>
        <d:DewarpData>2026-01-02;3666.5,3665.5,1.5,-2.5,-0.11,0.01,0,0,0.02</d:DewarpData></rdf:Description>"#;
    let found = photo(&jpeg(&[xmp_segment(ATTRIBUTES)]));
    assert_eq!(found, photo(&jpeg(&[xmp_segment(elements)])));
    let place = Place {
        lat: 47.500_000_1,
        lng: -8.250_000_2,
        absolute_altitude_m: Some(512.25),
        relative_altitude_m: Some(-3.5),
    };
    assert_eq!((found.position, found.position_source), (Some(place), Some("xmp")));
    let gimbal = Attitude { yaw_deg: Some(6.0), pitch_deg: Some(-90.0), roll_deg: Some(0.0) };
    assert_eq!(found.gimbal, Some(gimbal));
    assert_eq!(found.captured_at.map(|at| at.to_string()).as_deref(), Some("2026-11-23T05:14:22.25Z"));
    assert_eq!(found.time_source, Some(TimeSource::XmpUtc));
    assert_eq!(found.rtk.map(|rtk| (rtk.flag, rtk.solution, rtk.std_lat_m)), Some((50, "fixed", Some(0.012))));
    assert_eq!(found.dewarp.map(|dewarp| (dewarp.fx_px, dewarp.distortion.len())), Some((3666.5, 5)));
    assert_eq!((found.width_px, found.height_px), (Some(5_120), Some(3_840)));
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn a_panorama_tells_which_part_of_the_sphere_it_is() {
    let sphere = |left: &str| {
        let body = format!(
            r#"<rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:ProjectionType="equirectangular"
            GPano:FullPanoWidthPixels="8192" GPano:FullPanoHeightPixels="4096" GPano:CroppedAreaImageWidthPixels="8192"
            GPano:CroppedAreaImageHeightPixels="3000" GPano:CroppedAreaLeftPixels="{left}" GPano:CroppedAreaTopPixels="1096"
            GPano:PoseHeadingDegrees="187.5"/>"#
        );
        photo(&jpeg(&[xmp_segment(&body)]))
    };
    let found = sphere("0");
    assert_eq!(found.projection.as_deref(), Some("equirectangular"));
    let expected = Panorama {
        full_width_px: Some(8_192),
        full_height_px: Some(4_096),
        cropped_width_px: Some(8_192),
        cropped_height_px: Some(3_000),
        cropped_left_px: Some(0),
        cropped_top_px: Some(1_096),
        heading_deg: Some(187.5),
        ..Panorama::default()
    };
    assert_eq!(found.panorama, Some(expected));
    for beyond in ["1", "999999"] {
        let expected = Panorama { heading_deg: Some(187.5), ..Panorama::default() };
        assert_eq!(sphere(beyond).panorama, Some(expected), "{beyond}");
    }
    // no number of pixels: as if it were not there
    for odd in ["-1", "1e99", "NaN", "x"] {
        assert_eq!(sphere(odd).panorama.and_then(|panorama| panorama.cropped_left_px), None, "{odd}");
    }
    assert_eq!(photo(&jpeg(&[xmp_segment(ATTRIBUTES)])).panorama, None);
}

#[test]
fn a_position_without_a_fix_is_none() {
    let zero = ATTRIBUTES.replace("+47.5000001", "0.0").replace("-8.2500002", "0.0");
    assert_eq!(photo(&jpeg(&[xmp_segment(&zero)])).position, None);
    let north = ATTRIBUTES.replace("+47.5000001", "+147.5");
    assert_eq!(photo(&jpeg(&[xmp_segment(&north)])).position, None);
}

/// An EXIF block with a time, and its offset.
fn exif_segment(taken: &str, offset: Option<&str>) -> (u8, Vec<u8>) {
    let mut fields = vec![(0x9003, Value::Text(taken))];
    fields.extend(offset.map(|offset| (0x9011, Value::Text(offset))));
    let mut maker = Maker::new(true);
    maker.directory(8, &[(0x8769, Value::Long(100))], 0).directory(100, &fields, 0);
    exif_block(&maker)
}

fn exif_block(maker: &Maker) -> (u8, Vec<u8>) {
    (0xE1, [b"Exif\0\0".as_slice(), &maker.bytes].concat())
}

#[test]
fn local_time_goes_through_an_offset_or_the_zone_of_the_place() {
    let at = |found: &Photo| found.captured_at.map(|at| at.to_string());
    let found = photo(&jpeg(&[exif_segment("2026:07:01 12:00:00", Some("+08:00"))]));
    assert_eq!(
        (at(&found).as_deref(), found.time_source),
        (Some("2026-07-01T04:00:00Z"), Some(TimeSource::ExifOffset))
    );
    let found = photo(&jpeg(&[exif_segment("2026:07:01 12:00:00", None)]));
    assert_eq!((at(&found), found.captured_local.as_deref()), (None, Some("2026-07-01T12:00:00")));
    let place = ATTRIBUTES.replace("-8.2500002", "+8.25").replace("UTCAtExposure", "Nothing");
    let found = photo(&jpeg(&[exif_segment("2026:07:01 12:00:00", None), xmp_segment(&place)]));
    assert_eq!(
        (at(&found).as_deref(), found.time_zone.as_deref()),
        (Some("2026-07-01T10:00:00Z"), Some("Europe/Zurich"))
    );
    let found = photo(&jpeg(&[exif_segment("2026:10:25 02:30:00", None), xmp_segment(&place)]));
    assert!(found.warnings.iter().any(|warning| warning.contains("clocks changed")), "{:?}", found.warnings);
}

#[test]
fn old_models_tell_the_attitude_in_the_maker_note_and_the_height_in_xmp() {
    for big_endian in [false, true] {
        let mut note = Maker { big_endian, bytes: Vec::new() };
        let angles = [(6, -2.5), (7, 170.25), (8, 1.0), (9, -45.5), (10, 171.0), (11, 0.0)];
        note.directory(0, &angles.map(|(tag, angle)| (tag, Value::Float(angle))), 0);
        let mut maker = Maker::new(big_endian);
        let pointers = [(0x010F, Value::Text("DJI")), (0x8769, Value::Long(100)), (0x8825, Value::Long(400))];
        let of_exif = [
            (0x829A, Value::Rationals(&[(1, 500)])),
            (0x829D, Value::Rationals(&[(28, 10)])),
            (0x8827, Value::Short(100)),
            (0x927C, Value::Bytes(7, note.bytes.len() as u32, &note.bytes)),
        ];
        let gps = [
            (1, Value::Text("S")),
            (2, Value::Rationals(&[(33, 1), (30, 1), (3_600, 100)])),
            (3, Value::Text("E")),
            (4, Value::Rationals(&[(151, 1), (15, 1), (0, 1)])),
            (5, Value::Bytes(1, 1, &[1])),
            (6, Value::Rationals(&[(12_500, 1_000)])),
        ];
        maker.directory(8, &pointers, 0).directory(100, &of_exif, 0).directory(400, &gps, 0);
        let heights = r#"<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"
            drone-dji:RelativeAltitude="+30.50" drone-dji:AbsoluteAltitude="-12.40"/>"#;
        let found = photo(&jpeg(&[exif_block(&maker), xmp_segment(heights)]));
        let place =
            Place { lat: -33.51, lng: 151.25, absolute_altitude_m: Some(-12.5), relative_altitude_m: Some(30.5) };
        assert_eq!((found.position, found.position_source), (Some(place), Some("exif")));
        let gimbal = Attitude { yaw_deg: Some(171.0), pitch_deg: Some(-45.5), roll_deg: Some(0.0) };
        assert_eq!((found.gimbal, found.gimbal_source), (Some(gimbal), Some("exif")));
        let aircraft = Attitude { yaw_deg: Some(170.25), pitch_deg: Some(-2.5), roll_deg: Some(1.0) };
        assert_eq!(found.aircraft, Some(aircraft));
        let exposure = (found.exposure.shutter_s, found.exposure.f_number, found.exposure.iso);
        assert_eq!(exposure, (Some(0.002), Some(2.8), Some(100.0)));
    }
    // a newer model's note is a log, not a directory
    let mut maker = Maker::new(false);
    let log = b"[ae_dbg_info:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]";
    let of_exif = [(0x927C, Value::Bytes(7, log.len() as u32, log))];
    maker.directory(8, &[(0x010F, Value::Text("DJI")), (0x8769, Value::Long(100))], 0).directory(100, &of_exif, 0);
    assert_eq!(photo(&jpeg(&[exif_block(&maker)])).gimbal, None);
    // and another maker's has other fields
    let mut note = Maker { big_endian: false, bytes: Vec::new() };
    note.directory(0, &[(10, Value::Rationals(&[(8_832, 1_000)]))], 0);
    let of_exif = [(0x927C, Value::Bytes(7, note.bytes.len() as u32, &note.bytes))];
    let mut maker = Maker::new(false);
    maker.directory(8, &[(0x010F, Value::Text("NIKON")), (0x8769, Value::Long(100))], 0).directory(100, &of_exif, 0);
    assert_eq!(photo(&jpeg(&[exif_block(&maker)])).gimbal, None);
}

#[test]
fn xmp_that_tools_rewrote_is_read() {
    let body = r#"<rdf:Description rdf:about=""><drone-dji:GpsLatitude>+1.5</drone-dji:GpsLatitude>
        <drone-dji:GpsLongitude><![CDATA[-2.25]]></drone-dji:GpsLongitude>
        <drone-dji:NTRIPMountPoint>A&amp;B&#x43;</drone-dji:NTRIPMountPoint><drone-dji:RtkFlag>34</drone-dji:RtkFlag>
        </rdf:Description><rdf:Description xmlns:p="http://www.dji.com/drone-dji/1.0" p:ImageSource="" p:RtkStdHgt="0.5">
        <p:ImageSource>ZoomCamera</p:ImageSource></rdf:Description>"#;
    let found = photo(&jpeg(&[xmp_segment(body)]));
    assert_eq!(found.position.map(|place| (place.lat, place.lng)), Some((1.5, -2.25)));
    let rtk = found.rtk.expect("a flag");
    assert_eq!((rtk.solution, rtk.mount_point.as_deref(), rtk.std_height_m), ("float", Some("A&BC"), Some(0.5)));
    assert_eq!(found.camera.image_source.as_deref(), Some("ZoomCamera"));
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn positions_that_disagree_are_both_kept_and_told() {
    let mut maker = Maker::new(false);
    let gps = [
        (1, Value::Text("N")),
        (2, Value::Rationals(&[(47, 1), (30, 1), (36, 1)])),
        (3, Value::Text("W")),
        (4, Value::Rationals(&[(8, 1), (15, 1), (0, 1)])),
    ];
    maker.directory(8, &[(0x8825, Value::Long(100))], 0).directory(100, &gps, 0);
    let found = photo(&jpeg(&[exif_block(&maker), xmp_segment(ATTRIBUTES)]));
    assert_eq!(found.position_source, Some("xmp"));
    assert_eq!(found.exif_position.map(|place| (place.lat, place.lng)), Some((47.51, -8.25)));
    assert_eq!(found.warnings, ["the positions in EXIF and in XMP are 1112 m apart"]);
}

#[test]
fn previews_of_either_byte_order_are_found_and_measured() {
    for big_endian in [false, true] {
        let preview = jpeg(&[]);
        // the offset of the second picture is filled in when it is known: the file is built twice
        let build = |offset: u32| {
            let mut table = Maker { big_endian, bytes: Vec::new() };
            for n in [0x0003_0000, 9_999, 0, 0, 0x0001_0001, preview.len() as u32, offset, 0] {
                table.u32(n);
            }
            let mut mpf = Maker::new(big_endian);
            let fields = [
                (0xB000, Value::Bytes(7, 4, b"0100")),
                (0xB001, Value::Long(2)),
                (0xB002, Value::Bytes(7, 32, &table.bytes)),
            ];
            mpf.directory(8, &fields, 0);
            jpeg(&[(0xE2, [b"MPF\0".as_slice(), &mpf.bytes].concat())])
        };
        // SOI, marker, length and `MPF\0` stand before the MPF header
        let mut file = build(0);
        let offset = file.len() as u32 - 10;
        file = build(offset);
        let at = file.len() as u64;
        file.extend(&preview);
        let want = Preview {
            offset: at,
            size_bytes: preview.len() as u64,
            width_px: Some(5_120),
            height_px: Some(3_840),
            source: PreviewSource::Mpf,
        };
        assert_eq!(photo(&file).previews, [want]);
        // a second picture that lies beyond the end is left out and told
        let cut = photo(&file[..file.len() - 1]);
        assert_eq!((cut.previews.len(), cut.warnings.len()), (0, 1), "{:?}", cut.warnings);
    }
}

#[test]
fn a_tiff_file_tells_its_size_preview_band_and_camera() {
    let xmp = String::from_utf8(xmp_segment(ATTRIBUTES).1).expect("text").split_off(29);
    let xmp = xmp.replace(
        "drone-dji:RtkFlag",
        "drone-dji:BandName=\"NIR\" drone-dji:CentralWavelength=\"860\" drone-dji:RtkFlag",
    );
    let preview = jpeg(&[]);
    let mut maker = Maker::new(false);
    let fields = [
        (0x00FE, Value::Long(0)),
        (0x0100, Value::Long(2_592)),
        (0x0101, Value::Short(1_944)),
        (0x0110, Value::Text("M3M")),
        (0x014A, Value::Long(4_000)),
        (0x02BC, Value::Bytes(1, xmp.len() as u32, xmp.as_bytes())),
        (0xC614, Value::Text("DJI M3M")),
    ];
    let reduced = [
        (0x00FE, Value::Long(1)),
        (0x0103, Value::Short(7)),
        (0x0111, Value::Long(5_000)),
        (0x0117, Value::Long(preview.len() as u32)),
    ];
    maker.directory(8, &fields, 0).directory(4_000, &reduced, 0).bytes.resize(5_000, 0);
    maker.bytes.extend(&preview);
    let found = photo(&maker.bytes);
    assert_eq!((found.width_px, found.height_px), (Some(2_592), Some(1_944)));
    assert_eq!(found.camera.unique_model.as_deref(), Some("DJI M3M"));
    assert_eq!(found.previews.first().map(|preview| (preview.offset, preview.width_px)), Some((5_000, Some(5_120))));
    let band = found.band.map(|band| (band.name, band.central_wavelength_nm));
    assert_eq!(band, Some(("NIR".to_owned(), Some(860.0))));
    assert_eq!(found.position_source, Some("xmp"));
}

#[test]
fn a_palette_is_a_thermal_picture_s_only() {
    let palette = |words: &str, source: &str| {
        let mut maker = Maker::new(false);
        maker.directory(8, &[(0x010E, Value::Text(words))], 0);
        let xmp = ATTRIBUTES.replace("WideCamera", source);
        photo(&jpeg(&[exif_block(&maker), xmp_segment(&xmp)])).palette
    };
    assert_eq!(palette("IronRed", "WideCamera").as_deref(), Some("IronRed"));
    assert_eq!(palette("ColdSpot", "InfraredCamera").as_deref(), Some("ColdSpot"));
    assert_eq!(palette("default", "InfraredCamera"), None);
    assert_eq!(palette("DCIM\\100MEDIA\\DJI_0001.JPG", "InfraredCamera"), None);
    assert_eq!(palette("DCIM", "WideCamera"), None);
}

#[test]
fn a_time_that_was_not_set_or_cannot_be_is_told() {
    let unset = ATTRIBUTES.replace("2026:11:23 05:14:22.250000", "1980:01:06 00:00:03");
    let found = photo(&jpeg(&[exif_segment("2026:11:23 06:14:22", Some("+01:00")), xmp_segment(&unset)]));
    assert_eq!(found.time_source, Some(TimeSource::ExifOffset));
    assert_eq!(found.captured_at.map(|at| at.to_string()).as_deref(), Some("2026-11-23T05:14:22Z"));
    assert_eq!(found.warnings.len(), 1);
    let found = photo(&jpeg(&[exif_segment("2024:01:01 00:00:00", None), xmp_segment(ATTRIBUTES)]));
    assert_eq!(found.time_source, Some(TimeSource::XmpUtc));
    assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
}

#[test]
fn a_place_that_the_aircraft_marks_as_invalid_is_told_with_a_warning() {
    // models without RTK write so beside a sound position
    let invalid = ATTRIBUTES.replace("\"RTK\"", "\"Invalid\"");
    let found = photo(&jpeg(&[xmp_segment(&invalid)]));
    assert_eq!(found.position.map(|place| place.lat), Some(47.500_000_1));
    assert_eq!(found.warnings, ["the position is marked as invalid by the aircraft"]);
}

#[test]
fn the_zenmuse_xt_s_and_pix4d_write_their_own_xmp() {
    let body = r#"<rdf:Description rdf:about="DJI Meta Data" xmlns:DJI="http://www.dji.com" DJI:AbsoluteAltitude="-29.44"
        DJI:RelativeAltitude="+37.70" DJI:GimbalYawDegree="+91.30" DJI:GimbalPitchDegree="+19.90"
        xmlns:Camera="http://pix4d.com/camera/1.0"><Camera:BandName><rdf:Seq><rdf:li>Green</rdf:li></rdf:Seq></Camera:BandName>
        <Camera:CentralWavelength><rdf:Seq><rdf:li>560</rdf:li></rdf:Seq></Camera:CentralWavelength></rdf:Description>"#;
    let found = photo(&jpeg(&[xmp_segment(body)]));
    assert_eq!((found.absolute_altitude_m, found.relative_altitude_m), (Some(-29.44), Some(37.7)));
    let gimbal = Attitude { yaw_deg: Some(91.3), pitch_deg: Some(19.9), roll_deg: None };
    assert_eq!((found.gimbal, found.gimbal_source), (Some(gimbal), Some("xmp")));
    let band = found.band.expect("a band");
    assert_eq!((band.name.as_str(), band.central_wavelength_nm), ("Green", Some(560.0)));
}

#[test]
fn padding_behind_the_xmp_is_no_damage() {
    let (marker, mut packet) = xmp_segment(ATTRIBUTES);
    packet.extend(b"<?xpacket end='w'");
    assert_eq!(photo(&jpeg(&[(marker, packet.clone())])).warnings, Vec::<String>::new());
    packet.truncate(600);
    let found = photo(&jpeg(&[(marker, packet)]));
    assert!(found.warnings.iter().any(|warning| warning.contains("damaged")), "{:?}", found.warnings);
}

/// Parts of an extended packet, in the order that they are given.
fn extension(packet: &[u8], parts: &[(usize, usize)]) -> Vec<(u8, Vec<u8>)> {
    let part = |(from, to): &(usize, usize)| {
        let mut payload = b"http://ns.adobe.com/xmp/extension/\0".to_vec();
        payload.extend([b'A'; 32]);
        payload.extend((packet.len() as u32).to_be_bytes());
        payload.extend((*from as u32).to_be_bytes());
        payload.extend(&packet[*from..*to]);
        (0xE1, payload)
    };
    parts.iter().map(part).collect()
}

#[test]
fn xmp_in_several_segments_is_joined() {
    let (_, packet) = xmp_segment(ATTRIBUTES);
    let packet = &packet[29..];
    let main =
        xmp_segment("<rdf:Description xmlns:xmpNote=\"http://ns.adobe.com/xmp/note/\" xmpNote:HasExtendedXMP=\"A\"/>");
    let (middle, end) = (packet.len() / 2, packet.len());
    let whole = [vec![main.clone()], extension(packet, &[(middle, end), (0, middle)])].concat();
    assert_eq!(photo(&jpeg(&whole)), photo(&jpeg(&[xmp_segment(ATTRIBUTES)])));
    let part = [vec![main.clone()], extension(packet, &[(0, middle)])].concat();
    let found = photo(&jpeg(&part));
    assert_eq!((found.position, found.warnings.len()), (None, 1), "{:?}", found.warnings);
    // a packet that says to be larger than is read, and parts that lie outside of it
    let mut huge = extension(packet, &[(0, middle)]);
    huge[0].1[67..71].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(photo(&jpeg(&huge)).warnings, ["the XMP's extension is too long: it was not read"]);
    let mut beyond = extension(packet, &[(0, middle), (middle, end)]);
    beyond[1].1[71..75].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(photo(&jpeg(&beyond)).position, None);
}

/// An EXIF block with a local time, the receiver's UTC, and the place in Zurich or none.
fn receiver_segment(taken: &[(u16, &str)], day: &str, time: [u32; 3]) -> (u8, Vec<u8>) {
    let taken: Vec<_> = taken.iter().map(|(tag, text)| (*tag, Value::Text(text))).collect();
    let time = time.map(|part| (part, 1));
    let gps = [
        (1, Value::Text("N")),
        (2, Value::Rationals(&[(47, 1), (0, 1), (0, 1)])),
        (3, Value::Text("E")),
        (4, Value::Rationals(&[(8, 1), (0, 1), (0, 1)])),
        (7, Value::Rationals(&time)),
        (29, Value::Text(day)),
    ];
    let mut maker = Maker::new(false);
    maker.directory(8, &[(0x8769, Value::Long(100)), (0x8825, Value::Long(400))], 0);
    maker.directory(100, &taken, 0).directory(400, &gps, 0);
    exif_block(&maker)
}

#[test]
fn the_receiver_s_time_tells_the_zone_of_the_clock() {
    let at = |taken: &[(u16, &str)], day, time| {
        let found = photo(&jpeg(&[receiver_segment(taken, day, time)]));
        (found.captured_at.map(|at| at.to_string()), found.time_source)
    };
    let want = |at: &str, source| (Some(at.to_owned()), Some(source));
    // the clock shows the time of another zone than that of the place
    let taken = [(0x9003, "2026:07:01 23:30:10")];
    assert_eq!(at(&taken, "2026:07:01", [15, 30, 8]), want("2026-07-01T15:30:10Z", TimeSource::ExifGps));
    // a fix of twenty minutes ago says nothing
    assert_eq!(at(&taken, "2026:07:01", [21, 10, 8]), want("2026-07-01T21:30:10Z", TimeSource::PositionZone));
    // no other time, and one that is blank
    assert_eq!(at(&[], "2026:07:01", [15, 30, 8]), want("2026-07-01T15:30:08Z", TimeSource::ExifGps));
    let blank = [(0x9003, "    :  :     :  :  "), (0x9004, "2026:07:01 17:30:09")];
    assert_eq!(at(&blank, "2026:07:01", [15, 30, 8]), want("2026-07-01T15:30:09Z", TimeSource::ExifGps));
    for nonsense in [("2026:07:01", [25, 0, 0]), ("", [1, 2, 3]), ("0000:00:00", [0, 0, 0])] {
        assert_eq!(at(&taken, nonsense.0, nonsense.1), want("2026-07-01T21:30:10Z", TimeSource::PositionZone));
    }
}

#[test]
fn a_file_without_a_time_has_that_of_its_name() {
    let place = ATTRIBUTES.replace("-8.2500002", "+8.25").replace("UTCAtExposure", "Nothing");
    let file = jpeg(&[xmp_segment(&place)]);
    let found = crate::understand::understand("DJI_20260701120000_0001_V.JPG", &mut file.as_slice()).expect("read");
    assert_eq!(found.captured_local.as_deref(), Some("2026-07-01T12:00:00"));
    let at = found.captured_at.expect("a time");
    assert_eq!((at.value.to_string().as_str(), at.source), ("2026-07-01T10:00:00Z", "name_zone"));
}

/// A box of ISO base media.
fn boxed(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
    [&(inside.len() as u32 + 8).to_be_bytes(), kind.as_slice(), inside].concat()
}

#[test]
fn png_and_heif_tell_where_and_when() {
    let exif = exif_segment("2026:07:01 12:00:00", Some("+08:00")).1.split_off(6);
    let xmp = xmp_segment(ATTRIBUTES).1.split_off(29);
    let chunk = |kind: &[u8; 4], payload: &[u8]| {
        [&(payload.len() as u32).to_be_bytes(), kind.as_slice(), payload, &[0; 4]].concat()
    };
    let text = [b"XML:com.adobe.xmp\0\0\0\0\0".as_slice(), &xmp].concat();
    let size = [0, 0, 5, 0, 0, 0, 3, 32, 8, 2, 0, 0, 0];
    let png = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &size),
        chunk(b"eXIf", &exif),
        chunk(b"iTXt", &text),
        chunk(b"IEND", &[]),
    ]
    .concat();

    // the items lie behind the list that tells where they are
    let entry = |id: u8, kind: &[u8; 4], rest: &[u8]| {
        boxed(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0], kind.as_slice(), rest].concat())
    };
    let items = [
        vec![0, 0, 0, 0, 0, 3],
        entry(1, b"hvc1", b"\0"),
        entry(2, b"Exif", b"\0"),
        entry(3, b"mime", b"\0application/rdf+xml\0"),
    ];
    let ispe = |width: u16, height: u16| {
        let [w1, w2] = width.to_be_bytes();
        let [h1, h2] = height.to_be_bytes();
        boxed(b"ispe", &[0, 0, 0, 0, 0, 0, w1, w2, 0, 0, h1, h2])
    };
    let sizes = boxed(b"iprp", &boxed(b"ipco", &[ispe(512, 512), ispe(1_280, 800)].concat()));
    let exif_item = [&6_u32.to_be_bytes(), b"Exif\0\0".as_slice(), &exif].concat();
    let ftyp = boxed(b"ftyp", b"heic\0\0\0\0mif1heic");
    let heif_at = |data_at: u32| {
        let place = |id: u16, offset: u32, length: usize| {
            [id.to_be_bytes().as_slice(), &[0, 0, 0, 0, 0, 1], &offset.to_be_bytes(), &(length as u32).to_be_bytes()]
                .concat()
        };
        let iloc = [
            vec![1, 0, 0, 0, 0x44, 0, 0, 2],
            place(2, data_at, exif_item.len()),
            place(3, data_at + exif_item.len() as u32, xmp.len()),
        ];
        let inside =
            [vec![0; 4], boxed(b"iinf", &items.concat()), sizes.clone(), boxed(b"iloc", &iloc.concat())].concat();
        [ftyp.clone(), boxed(b"meta", &inside), boxed(b"mdat", &[exif_item.clone(), xmp.clone()].concat())].concat()
    };
    let data_at = heif_at(0).len() - exif_item.len() - xmp.len();
    let heif = heif_at(data_at as u32);

    for file in [&png, &heif] {
        let found = photo(file);
        assert_eq!((found.width_px, found.height_px), (Some(1_280), Some(800)));
        assert_eq!(found.captured_local.as_deref(), Some("2026-07-01T12:00:00"));
        assert_eq!((found.position.map(|place| place.lat), found.position_source), (Some(47.500_000_1), Some("xmp")));
        assert_eq!(found.gimbal.and_then(|gimbal| gimbal.pitch_deg), Some(-90.0));
        for end in 0..file.len() {
            let _ = photo(&file[..end]);
        }
    }
    let understood = crate::understand::understand("IMG_0001.HEIC", &mut heif.as_slice()).expect("read");
    assert_eq!((understood.kind, understood.content_type), (crate::Kind::Photo, "image/heic"));
    assert!(understood.position.is_some());
}

#[test]
fn a_tiff_s_own_size_counts_more_than_exif_s() {
    let mut maker = Maker::new(false);
    let image = [(0x0100, Value::Long(160)), (0x0101, Value::Long(120)), (0x8769, Value::Long(200))];
    maker.directory(8, &image, 0).directory(200, &[(0xA002, Value::Long(640)), (0xA003, Value::Long(512))], 0);
    let found = photo(&maker.bytes);
    assert_eq!((found.width_px, found.height_px), (Some(160), Some(120)));
}
