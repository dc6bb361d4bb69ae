use serde::Serialize;

/// How much of a file's beginning [`sniff`] wants to see, bytes.
pub const HEAD_BYTES: usize = 64 * 1024;

/// The kinds of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Photo,
    Video,
    Panorama,
    Thermal,
    Subtitle,
    Ppk,
    Rtcm,
    Other,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Photo => "photo",
            Self::Video => "video",
            Self::Panorama => "panorama",
            Self::Thermal => "thermal",
            Self::Subtitle => "subtitle",
            Self::Ppk => "ppk",
            Self::Rtcm => "rtcm",
            Self::Other => "other",
        }
    }
}

/// What the first bytes say, and what is odd about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sniffed {
    pub kind: Kind,
    /// Media type for a browser.
    pub content_type: &'static str,
    pub warnings: Vec<String>,
}

/// The kind that a file's name promises. DJI's names: `DJI_..._T.JPG` is the thermal camera's picture; `.obs .nav .mrk
/// .rtk` and `_PPKRAW.bin` belong to a PPK set; `.dat` is the correction source's RTCM 3.
pub fn kind_of_name(name: &str) -> Kind {
    let name = name.to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    match extension {
        "jpg" | "jpeg" if stem.ends_with("_t") => Kind::Thermal,
        "jpg" | "jpeg" | "dng" | "tif" | "tiff" | "png" | "heic" => Kind::Photo,
        "mp4" | "mov" | "m4v" => Kind::Video,
        "srt" => Kind::Subtitle,
        "obs" | "nav" | "mrk" | "rtk" | "pos" => Kind::Ppk,
        "bin" if stem.ends_with("ppkraw") || stem.ends_with("eventlog") => Kind::Ppk,
        "dat" | "rtcm" | "rtcm3" => Kind::Rtcm,
        _ => Kind::Other,
    }
}

/// The kind by content first, name second. `head` is the file's beginning (up to [`HEAD_BYTES`]); a shorter one is a
/// short file. Lying names are warned of, never fatal.
pub fn sniff(name: &str, head: &[u8]) -> Sniffed {
    let named = kind_of_name(name);
    let mut warnings = Vec::new();
    if head.is_empty() {
        warnings.push("the file is empty".to_owned());
        return Sniffed { kind: named, content_type: "application/octet-stream", warnings };
    }
    let (family, content_type) = family_of(head);
    let kind = match family {
        Family::Jpeg if named == Kind::Thermal || is_r_jpeg(head) => Kind::Thermal,
        Family::Jpeg if is_sphere(head) => Kind::Panorama,
        Family::Jpeg | Family::Tiff | Family::Png => Kind::Photo,
        Family::Mp4 => Kind::Video,
        Family::Subtitle => Kind::Subtitle,
        Family::Rinex | Family::PpkEvents => Kind::Ppk,
        // the receiver's own log and the correction stream are the same format: only the name tells them apart
        Family::Rtcm3 if named == Kind::Ppk => Kind::Ppk,
        Family::Rtcm3 => Kind::Rtcm,
        Family::Unknown => named,
    };
    if family == Family::Unknown && matches!(named, Kind::Photo | Kind::Thermal | Kind::Video) {
        warnings.push(format!("the name promises a {} but the content is not one that is known", named.as_str()));
    } else if kind != named && !refines(named, kind) {
        warnings.push(format!("the name promises {} but the content is {}", named.as_str(), kind.as_str()));
    }
    Sniffed { kind, content_type, warnings }
}

/// True when `found` only says more exactly what `named` promised.
fn refines(named: Kind, found: Kind) -> bool {
    named == Kind::Other || (named == Kind::Photo && matches!(found, Kind::Thermal | Kind::Panorama))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Jpeg,
    Tiff,
    Png,
    Mp4,
    Subtitle,
    Rinex,
    PpkEvents,
    Rtcm3,
    Unknown,
}

fn family_of(head: &[u8]) -> (Family, &'static str) {
    match head {
        [0xFF, 0xD8, 0xFF, ..] => (Family::Jpeg, "image/jpeg"),
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => (Family::Tiff, "image/tiff"),
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => (Family::Png, "image/png"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => (Family::Mp4, "video/mp4"),
        _ if starts_with_rtcm3_frame(head) => (Family::Rtcm3, "application/octet-stream"),
        _ => family_of_text(head),
    }
}

fn family_of_text(head: &[u8]) -> (Family, &'static str) {
    let text = String::from_utf8_lossy(&head[..head.len().min(4_096)]);
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
    // RINEX: the label stands in columns 61 to 80 of the first line
    if first.get(60..).is_some_and(|label| label.starts_with("RINEX VERSION / TYPE")) {
        return (Family::Rinex, "text/plain");
    }
    let is_cue_number = !first.is_empty() && first.trim().bytes().all(|byte| byte.is_ascii_digit());
    if is_cue_number && (text.contains("-->") || text.contains("FrameCnt") || text.contains("SrtCnt")) {
        return (Family::Subtitle, "application/x-subrip");
    }
    if first.contains(",Lat") && first.contains(",Ellh") {
        return (Family::PpkEvents, "text/plain");
    }
    (Family::Unknown, "application/octet-stream")
}

/// A whole RTCM 3 frame at the start: preamble, length, CRC-24Q over header and payload.
fn starts_with_rtcm3_frame(head: &[u8]) -> bool {
    let [0xD3, high, low, ..] = *head else { return false };
    if high & 0xFC != 0 {
        return false;
    }
    let length = usize::from(high & 0x03) << 8 | usize::from(low);
    let Some(frame) = head.get(..length + 6) else { return false };
    let (covered, crc) = frame.split_at(length + 3);
    crc24q(covered).to_be_bytes()[1..] == *crc
}

fn crc24q(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |mut crc, byte| {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4CFB;
            }
        }
        crc & 0x00FF_FFFF
    })
}

/// APP3 segments before the picture hold the raw thermal plane, and APP4 its parameters (DJI R-JPEG).
fn is_r_jpeg(head: &[u8]) -> bool {
    segments(head).any(|(marker, payload)| {
        marker == 0xE4 && (payload.starts_with(&[0xFF, 0xD2, 0xD1, 0xFF]) || payload.starts_with(&[0xAA, 0x55]))
    }) || segments(head).filter(|(marker, _)| *marker == 0xE3).count() >= 1
}

/// Google's photo sphere namespace, which DJI writes into stitched panoramas.
fn is_sphere(head: &[u8]) -> bool {
    segments(head).any(|(marker, payload)| {
        marker == 0xE1 && contains(payload, b"GPano:ProjectionType") && contains(payload, b"equirectangular")
    })
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// Marker and payload of each JPEG segment up to the scan; a cut last segment gives what is there.
fn segments(jpeg: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        let header = jpeg.get(at..at + 4)?;
        let [0xFF, marker, high, low] = *header else { return None };
        if marker == 0xDA {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            return None;
        }
        let end = (at + 2 + length).min(jpeg.len());
        let payload = &jpeg[at + 4..end];
        at = at + 2 + length;
        Some((marker, payload))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let photo = jpeg(&[(0xE0, b"JFIF\0")]);
        let found = sniff("clip.mp4", &photo);
        assert_eq!(found.kind, Kind::Photo);
        assert_eq!(found.warnings.len(), 1);
        let sphere = jpeg(&[(0xE1, b"GPano:ProjectionType=\"equirectangular\"")]);
        assert_eq!(
            sniff("PANO.JPG", &sphere),
            Sniffed { kind: Kind::Panorama, content_type: "image/jpeg", warnings: vec![] }
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
        let mut frame = vec![0xD3, 0, 2, 0x3E, 0xD0];
        let crc = crc24q(&frame);
        frame.extend(&crc.to_be_bytes()[1..]);
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
}
