//! EXIF and drone-dji XMP as a DJI camera writes them: enough of both for exiftool and any photogrammetry tool.

use jiff::Timestamp;
use jiff::tz::Offset;

use crate::photo::{Camera, Shot};

/// APP1 payload with EXIF (little-endian TIFF: IFD0, Exif IFD, GPS IFD).
pub(crate) fn exif(shot: &Shot, width: u32, height: u32) -> Vec<u8> {
    let local = local_time(shot.at, shot.utc_offset_s).strftime("%Y:%m:%d %H:%M:%S").to_string();
    let ifd0 = vec![
        ascii(0x010E, "default"),
        ascii(0x010F, "DJI"),
        ascii(0x0110, &shot.camera_model),
        short(0x0112, 1),
        ascii(0x0131, "10.01.32.02"),
        ascii(0x0132, &local),
        long(0x8769, 0),
        long(0x8825, 0),
    ];
    let exif = vec![
        rational(0x829A, &[(1, shot.shutter_denominator)]),
        rational(0x829D, &[(28, 10)]),
        short(0x8827, shot.iso),
        ascii(0x9003, &local),
        ascii(0x9004, &local),
        rational(0x920A, &[(675, 100)]),
        long(0xA002, width),
        long(0xA003, height),
        short(0xA405, 24),
    ];
    let gps = vec![
        Tag { id: 0, kind: 1, count: 4, value: vec![2, 3, 0, 0] },
        ascii(1, if shot.lat < 0.0 { "S" } else { "N" }),
        rational(2, &degrees(shot.lat)),
        ascii(3, if shot.lng < 0.0 { "W" } else { "E" }),
        rational(4, &degrees(shot.lng)),
        Tag { id: 5, kind: 1, count: 1, value: vec![u8::from(shot.absolute_altitude_m < 0.0)] },
        rational(6, &[((shot.absolute_altitude_m.abs() * 1_000.0).round() as u32, 1_000)]),
    ];
    let mut bytes = b"Exif\0\0".to_vec();
    bytes.extend(tiff(ifd0, exif, gps));
    bytes
}

/// Local time of the aircraft's clock, which has no zone of its own.
fn local_time(at: Timestamp, offset_s: i32) -> jiff::civil::DateTime {
    Offset::from_seconds(offset_s).unwrap_or(Offset::UTC).to_datetime(at)
}

struct Tag {
    id: u16,
    /// TIFF type: 1 byte, 2 ASCII, 3 short, 4 long, 5 rational.
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

fn ascii(id: u16, text: &str) -> Tag {
    let mut value = text.as_bytes().to_vec();
    value.push(0);
    Tag { id, kind: 2, count: value.len() as u32, value }
}

fn short(id: u16, value: u16) -> Tag {
    Tag { id, kind: 3, count: 1, value: value.to_le_bytes().to_vec() }
}

fn long(id: u16, value: u32) -> Tag {
    Tag { id, kind: 4, count: 1, value: value.to_le_bytes().to_vec() }
}

fn rational(id: u16, parts: &[(u32, u32)]) -> Tag {
    let value = parts.iter().flat_map(|(over, under)| [over.to_le_bytes(), under.to_le_bytes()].concat()).collect();
    Tag { id, kind: 5, count: parts.len() as u32, value }
}

/// Degrees, minutes, seconds to a ten-millionth.
fn degrees(value: f64) -> [(u32, u32); 3] {
    const UNIT: f64 = 1e7;
    let value = value.abs();
    let minutes = value.fract() * 60.0;
    [(value as u32, 1), (minutes as u32, 1), ((minutes.fract() * 60.0 * UNIT).round() as u32, UNIT as u32)]
}

fn tiff(mut ifd0: Vec<Tag>, exif: Vec<Tag>, gps: Vec<Tag>) -> Vec<u8> {
    const START: usize = 8;
    let exif_at = START + ifd_len(&ifd0);
    let gps_at = exif_at + ifd_len(&exif);
    for tag in &mut ifd0 {
        match tag.id {
            0x8769 => tag.value = (exif_at as u32).to_le_bytes().to_vec(),
            0x8825 => tag.value = (gps_at as u32).to_le_bytes().to_vec(),
            _ => {}
        }
    }
    let mut bytes = vec![b'I', b'I', 42, 0, START as u8, 0, 0, 0];
    for (tags, at) in [(&ifd0, START), (&exif, exif_at), (&gps, gps_at)] {
        write_ifd(&mut bytes, tags, at);
    }
    bytes
}

fn ifd_len(tags: &[Tag]) -> usize {
    let outside: usize =
        tags.iter().filter(|tag| tag.value.len() > 4).map(|tag| tag.value.len().next_multiple_of(2)).sum();
    2 + tags.len() * 12 + 4 + outside
}

fn write_ifd(bytes: &mut Vec<u8>, tags: &[Tag], at: usize) {
    let mut outside_at = at + 2 + tags.len() * 12 + 4;
    let mut outside = Vec::new();
    bytes.extend((tags.len() as u16).to_le_bytes());
    for tag in tags {
        bytes.extend(tag.id.to_le_bytes());
        bytes.extend(tag.kind.to_le_bytes());
        bytes.extend(tag.count.to_le_bytes());
        if tag.value.len() <= 4 {
            let mut value = tag.value.clone();
            value.resize(4, 0);
            bytes.extend(value);
        } else {
            bytes.extend((outside_at as u32).to_le_bytes());
            let mut value = tag.value.clone();
            value.resize(value.len().next_multiple_of(2), 0);
            outside_at += value.len();
            outside.extend(value);
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(outside);
}

/// APP1 payload with the XMP packet: attributes in the drone-dji namespace, as cameras write them.
pub(crate) fn xmp(shot: &Shot, width: u16, height: u16) -> Vec<u8> {
    let utc = shot.at.strftime("%Y:%m:%d %H:%M:%S%.6f");
    let rows = [
        ("Version", "1.6".to_owned()),
        ("ImageSource", if shot.camera == Camera::Thermal { "InfraredCamera" } else { "WideCamera" }.to_owned()),
        ("GpsStatus", "RTK".to_owned()),
        ("AltitudeType", "RtkAlt".to_owned()),
        ("GpsLatitude", format!("{:+.9}", shot.lat)),
        ("GpsLongitude", format!("{:+.9}", shot.lng)),
        ("AbsoluteAltitude", format!("{:+.3}", shot.absolute_altitude_m)),
        ("RelativeAltitude", format!("{:+.3}", shot.relative_altitude_m)),
        ("GimbalRollDegree", "+0.00".to_owned()),
        ("GimbalYawDegree", format!("{:+.2}", shot.yaw_deg)),
        ("GimbalPitchDegree", format!("{:+.2}", shot.pitch_deg)),
        ("FlightRollDegree", "+0.80".to_owned()),
        ("FlightYawDegree", format!("{:+.2}", shot.yaw_deg)),
        ("FlightPitchDegree", "-2.10".to_owned()),
        ("FlightXSpeed", "+3.1".to_owned()),
        ("FlightYSpeed", "+0.2".to_owned()),
        ("FlightZSpeed", "+0.0".to_owned()),
        ("CamReverse", "0".to_owned()),
        ("GimbalReverse", "0".to_owned()),
        ("RtkFlag", "50".to_owned()),
        ("RtkStdLon", "0.01104".to_owned()),
        ("RtkStdLat", "0.01210".to_owned()),
        ("RtkStdHgt", "0.02213".to_owned()),
        ("SurveyingMode", "1".to_owned()),
        ("UTCAtExposure", utc.to_string()),
        ("ShutterType", "Mechanical".to_owned()),
        ("DroneModel", shot.camera_model.clone()),
        ("DroneSerialNumber", shot.aircraft_sn.clone()),
        ("CaptureUUID", shot.capture_uuid.to_string()),
    ];
    let attributes: String =
        rows.iter().map(|(name, value)| format!("\n   drone-dji:{name}=\"{}\"", escape(value))).collect();
    let sphere = if shot.camera == Camera::Sphere {
        format!(
            "\n   xmlns:GPano=\"http://ns.google.com/photos/1.0/panorama/\"\n   GPano:ProjectionType=\"equirectangular\"\n   \
             GPano:FullPanoWidthPixels=\"{width}\"\n   GPano:FullPanoHeightPixels=\"{height}\"\n   \
             GPano:CroppedAreaImageWidthPixels=\"{width}\"\n   GPano:CroppedAreaImageHeightPixels=\"{height}\"\n   \
             GPano:CroppedAreaLeftPixels=\"0\"\n   GPano:CroppedAreaTopPixels=\"0\"\n   GPano:PoseHeadingDegrees=\"0.0\""
        )
    } else {
        String::new()
    };
    let packet = format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n  <rdf:Description rdf:about=\"DJI Meta Data\"\n   xmlns:tiff=\"http://ns.adobe.com/tiff/1.0/\"\n   xmlns:drone-dji=\"http://www.dji.com/drone-dji/1.0/\"\n   tiff:Make=\"DJI\"{attributes}{sphere}/>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>"
    );
    [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), packet.as_bytes()].concat()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
