//! Synthetic photos, and the real ones of `EYRIE_SAMPLES`.

use super::*;

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
fn a_position_without_a_fix_is_none() {
    let invalid = ATTRIBUTES.replace("\"RTK\"", "\"Invalid\"");
    let found = photo(&jpeg(&[xmp_segment(&invalid)]));
    assert_eq!(found.position, None);
    assert!(found.xmp_position.is_some() && found.warnings.len() == 1);
    let zero = ATTRIBUTES.replace("+47.5000001", "0.0").replace("-8.2500002", "0.0");
    assert_eq!(photo(&jpeg(&[xmp_segment(&zero)])).position, None);
    let north = ATTRIBUTES.replace("+47.5000001", "+147.5");
    assert_eq!(photo(&jpeg(&[xmp_segment(&north)])).position, None);
}

/// A big-endian EXIF block: one directory of ASCII fields, and EXIF's own below it.
fn exif_segment(taken: &str, offset: Option<&str>) -> (u8, Vec<u8>) {
    let mut tiff = b"MM\0\x2a\0\0\0\x08".to_vec();
    // IFD0: one pointer
    tiff.extend([0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0]);
    let mut texts: Vec<(u16, String)> = vec![(0x9003, format!("{taken}\0"))];
    texts.extend(offset.map(|offset| (0x9011, format!("{offset}\0"))));
    let mut data_at = 26 + 2 + texts.len() as u32 * 12 + 4;
    tiff.extend((texts.len() as u16).to_be_bytes());
    for (tag, text) in &texts {
        tiff.extend(tag.to_be_bytes());
        tiff.extend([0, 2]);
        tiff.extend((text.len() as u32).to_be_bytes());
        tiff.extend(data_at.to_be_bytes());
        data_at += text.len() as u32;
    }
    tiff.extend([0; 4]);
    texts.iter().for_each(|(_, text)| tiff.extend(text.as_bytes()));
    (0xE1, [b"Exif\0\0".as_slice(), &tiff].concat())
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
fn damage_is_told_and_never_fatal() {
    let whole = jpeg(&[exif_segment("2026:07:01 12:00:00", None), xmp_segment(ATTRIBUTES)]);
    for end in 0..whole.len() {
        photo(&whole[..end]);
    }
    for at in 0..whole.len() {
        for value in [0, 0xFF, 0x80] {
            let mut bent = whole.clone();
            bent[at] = value;
            photo(&bent);
        }
    }
    // a directory that points at itself, and one with 65,535 entries
    let mut looped = b"MM\0\x2a\0\0\0\x08".to_vec();
    looped.extend([0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 8, 0, 0, 0, 8]);
    photo(&jpeg(&[(0xE1, [b"Exif\0\0".as_slice(), &looped].concat())]));
    photo(&[b"II\x2a\0\x08\0\0\0\xFF\xFF".as_slice(), &[0x11; 300]].concat());
    let deep = format!("{}{}", "<a>".repeat(1_000), ATTRIBUTES);
    assert!(photo(&jpeg(&[xmp_segment(&deep)])).warnings.iter().any(|warning| warning.contains("nested")));
}

#[test]
fn the_preview_of_a_real_thermal_photo_is_found() {
    let Some(samples) = std::env::var_os("EYRIE_SAMPLES") else {
        eprintln!("EYRIE_SAMPLES is not set: real files are not read");
        return;
    };
    let path = std::path::Path::new(&samples).join("photos/DJI_20220602143532_0191_T.JPG");
    let file = std::fs::read(path).expect("the sample");
    let found = photo(&file);
    assert_eq!((found.width_px, found.height_px, found.orientation), (Some(640), Some(512), Some(1)));
    let place = Place {
        lat: 51.366_129_9,
        lng: 12.308_951_1,
        absolute_altitude_m: Some(252.475),
        relative_altitude_m: Some(94.992),
    };
    assert_eq!(found.position, Some(place));
    assert!(
        found
            .exif_position
            .is_some_and(|exif| (exif.lat - place.lat).abs() < 1e-7 && (exif.lng - place.lng).abs() < 1e-7)
    );
    let gimbal = Attitude { yaw_deg: Some(6.0), pitch_deg: Some(-90.0), roll_deg: Some(0.0) };
    assert_eq!(found.gimbal, Some(gimbal));
    assert_eq!(found.captured_local.as_deref(), Some("2022-06-02T14:35:32"));
    assert_eq!(found.captured_at.map(|at| at.to_string()).as_deref(), Some("2022-06-02T12:35:32Z"));
    assert_eq!(found.camera.model.as_deref(), Some("ZH20T"));
    let target = found.laser_range_finder.and_then(|finder| finder.target_distance_m);
    assert_eq!(target, Some(71.085));
    let sizes: Vec<_> =
        found.previews.iter().map(|preview| (preview.source, preview.width_px, preview.height_px)).collect();
    assert_eq!(sizes, [(PreviewSource::Exif, Some(160), Some(128)), (PreviewSource::Mpf, Some(640), Some(512))]);
    assert!(found.footprint.is_some_and(|print| !print.cut));
}
