//! Which kind of JPEG: the segments before the scan say.

/// What other makers' APP3 segments begin with: Kodak's, two kinds of stereo pictures, and previews.
const NAMED_APP3: [&[u8]; 7] = [b"Meta\0", b"META\0", b"Stim\0", b"_JPSJPS_", b"QVGA\0", b"BGTH", &[0xFF, 0xD8, 0xFF]];

/// APP3 segments before the picture hold the raw thermal plane, and APP4 its parameters (DJI R-JPEG).
pub(super) fn is_r_jpeg(head: &[u8]) -> bool {
    segments(head).any(|(marker, payload)| is_thermal_segment(marker, payload))
}

/// How much of a segment [`is_thermal_segment`] wants to see, bytes.
pub(crate) const SEGMENT_HEAD_BYTES: usize = 8;

/// Whether a segment that begins so belongs to a thermal picture alone: DJI's plane and parameters, or FLIR's.
pub(crate) fn is_thermal_segment(marker: u8, payload: &[u8]) -> bool {
    match marker {
        0xE1 => payload.starts_with(b"FLIR\0"),
        0xE3 => !payload.is_empty() && !NAMED_APP3.iter().any(|name| payload.starts_with(name)),
        0xE4 => payload.starts_with(&[0xFF, 0xD2, 0xD1, 0xFF]) || payload.starts_with(&[0xAA, 0x55]),
        _ => false,
    }
}

/// Google's photo sphere namespace, which DJI writes into stitched panoramas.
pub(super) fn is_sphere(head: &[u8]) -> bool {
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
        let payload = jpeg.get(at + 4..end)?;
        at = at + 2 + length;
        Some((marker, payload))
    })
}
